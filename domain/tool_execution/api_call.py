"""The `api_call` action: a request built from the call's context and retried where that is safe."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from domain.common.json_values import json_problem
from domain.templating import templates
from domain.templating.templates import render, render_value, value_to_text
from domain.templating.validation import MASKED
from domain.tools.actions import ApiCall, Method
from domain.tools.http import (
    IDEMPOTENCY_KEY_HEADER,
    EgressBlocked,
    HttpFailed,
    HttpRequest,
    HttpResponse,
    SecretBlocked,
)
from domain.tools.secrets import HostLimit, Secret

INITIAL_BACKOFF_SECONDS = 0.2
MAX_BACKOFF_SECONDS = 5.0
MAX_RESPONSE_BYTES = 65_536
"""The part of a response body that is stored and returned; the rest is cut off."""
MAX_URL_LENGTH = 8_192
MAX_REQUEST_BYTES = 1024 * 1024
NO_DIGITS: Mapping[str, str] = {}

Send = Callable[[HttpRequest], Awaitable[HttpResponse]]
SecretLookup = Callable[[str], Secret | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResponse:
    """The result of an API call. `problem` explains a failure to the model; None on success.
    `outcome_unknown` means that the server may have processed the request without confirming it."""

    status: int = 0
    body: Any = None
    problem: str | None = None
    outcome_unknown: bool = False
    effect: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenderedHeaders:
    """Headers with their secrets, and the hosts that these may be sent to."""

    headers: Mapping[str, str] = field(repr=False)
    host_limits: tuple[HostLimit, ...]


async def call_api(
    call: ApiCall,
    namespaces: Mapping[str, Any],
    send: Send,
    secret: SecretLookup,
    key: str,
    masked: Mapping[str, str] = NO_DIGITS,
) -> ApiResponse:
    """Send the request. Only its headers and its body may contain `masked` digits."""
    url = _url(call, namespaces)
    effect = {"method": call.method.value, "url": url.split("?")[0][:MAX_URL_LENGTH]}
    missing_digits = sorted(_masked_names(call) - masked.keys())
    if missing_digits:
        problem = f"The caller has not pressed the digits {missing_digits[0]!r}."
        return ApiResponse(problem=problem, effect=effect)
    namespaces = {**namespaces, MASKED: masked}
    body = _body(call, namespaces)
    if len(url) > MAX_URL_LENGTH or len(body or b"") > MAX_REQUEST_BYTES:
        return ApiResponse(problem="The request is too large to be sent.", effect=effect)
    try:
        rendered = render_headers(call.headers, namespaces, secret)
    except LookupError as missing:
        return ApiResponse(problem=f"There is no secret {missing.args[0]!r}.", effect=effect)
    # The idempotency key comes last, so that headers of the tool cannot replace it.
    request = HttpRequest(
        method=call.method.value,
        url=url,
        headers={**_content_headers(body), **rendered.headers, IDEMPOTENCY_KEY_HEADER: key},
        body=body,
        timeout=call.timeout,
        host_limits=rendered.host_limits,
    )
    attempts = 1 + (call.retries if call.method.is_idempotent or call.retry_unsafe else 0)
    unknown = False
    for n in range(1, attempts + 1):
        response = await _attempt(request, send, {**effect, "tries": n})
        # An earlier attempt may have been processed, unless the server has responded since.
        unknown = response.outcome_unknown or (unknown and not response.status)
        if response.problem is None or not _is_retryable(response) or n == attempts:
            break
        await asyncio.sleep(
            min(MAX_BACKOFF_SECONDS, INITIAL_BACKOFF_SECONDS * 2**n) * random.uniform(0.5, 1.0)
        )
    return replace(response, outcome_unknown=unknown and call.method is not Method.GET)


async def _attempt(request: HttpRequest, send: Send, effect: Mapping[str, Any]) -> ApiResponse:
    try:
        response = await send(request)
    except SecretBlocked as blocked:
        return ApiResponse(problem=blocked.message, effect={**effect, "blocked": True})
    except EgressBlocked:
        return ApiResponse(
            problem="Requests to that address are not allowed.", effect={**effect, "blocked": True}
        )
    except HttpFailed as error:
        problem = f"The server could not be reached ({error.kind})."
        return ApiResponse(
            problem=problem,
            effect={**effect, "failed": error.kind},
            outcome_unknown=error.may_have_been_processed,
        )
    body = _parse_body(response)
    effect = {**effect, "status": response.status, "ms": round(response.ms, 1), "body": body}
    if response.status >= 400 or response.status < 200:
        problem = f"The server responded with status {response.status}."
        return ApiResponse(status=response.status, body=body, problem=problem, effect=effect)
    if response.status >= 300:
        problem = "The server responded with a redirect, and redirects are not followed."
        return ApiResponse(status=response.status, body=body, problem=problem, effect=effect)
    return ApiResponse(status=response.status, body=body, effect=effect)


def _is_retryable(response: ApiResponse) -> bool:
    """Whether the same request may succeed when it is repeated."""
    return "failed" in response.effect or response.status == 429 or response.status >= 500


def _masked_names(call: ApiCall) -> set[str]:
    """The names of the masked digits that the request contains."""
    texts = (text for _, text in templates.strings_in([dict(call.headers), call.body]))
    paths = (path for text in texts for path in templates.paths_in(templates.parse(text)))
    return {path[1] for path in paths if path[0] == MASKED and len(path) > 1}


def _url(call: ApiCall, namespaces: Mapping[str, Any]) -> str:
    """The URL with percent-encoded values, which cannot add path segments or parameters."""
    parts = [
        part if isinstance(part, str) else quote(value_to_text(part.value(namespaces, {})), safe="")
        for part in templates.parse(call.url)
    ]
    url = "".join(parts)
    query = {
        name: value_to_text(render_value(value, namespaces)) for name, value in call.query.items()
    }
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _content_headers(body: bytes | None) -> dict[str, str]:
    return {} if body is None else {"Content-Type": "application/json"}


def render_headers(
    headers: Mapping[str, str], namespaces: Mapping[str, Any], secret: SecretLookup
) -> RenderedHeaders:
    """The headers as they are sent; raises `LookupError` with the name of a missing secret."""
    rendered, limits = {}, dict[str, HostLimit]()
    for name, value in headers.items():
        # Secrets exist only here, so no other template of a tool can read them.
        names = {p[1] for p in templates.paths_in(templates.parse(value)) if p[0] == "secret"}
        secrets = {each: _require_secret(secret, each) for each in names}
        values = {each: found.value for each, found in secrets.items()}
        text = render(value, {**namespaces, "secret": values})
        rendered[name] = " ".join(text.split())
        for each, found in secrets.items():
            if found.hosts is not None:
                limits[each] = HostLimit(each, found.hosts)
    return RenderedHeaders(rendered, tuple(limits.values()))


def _require_secret(secret: SecretLookup, name: str) -> Secret:
    value = secret(name)
    if value is None:
        raise LookupError(name)
    return value


def _body(call: ApiCall, namespaces: Mapping[str, Any]) -> bytes | None:
    if call.body is None:
        return None
    return json.dumps(render_value(call.body, namespaces), ensure_ascii=False, default=str).encode()


def _parse_body(response: HttpResponse) -> Any:
    """The body as JSON if it is valid and storable, else as text; cut at MAX_RESPONSE_BYTES."""
    text = response.body[:MAX_RESPONSE_BYTES].decode(errors="replace").replace("\x00", "\ufffd")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if json_problem(value) else value
