"""The `api_call` step: a request built from the call's context, sent again where that is safe."""

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
from domain.tools.actions import ApiCall, Method
from domain.tools.http import (
    IDEMPOTENCY_KEY_HEADER,
    EgressBlocked,
    HttpFailed,
    HttpRequest,
    HttpResponse,
)

INITIAL_BACKOFF_SECONDS = 0.2
MAX_BACKOFF_SECONDS = 5.0
MAX_RESPONSE_BYTES = 65_536
"""Of an answer, as far as it is shown and kept."""
MAX_URL_LENGTH = 8_192
MAX_REQUEST_BYTES = 1024 * 1024

Send = Callable[[HttpRequest], Awaitable[HttpResponse]]
SecretLookup = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResponse:
    """What came back; `problem` is for the model, when it is not what was hoped for. `unknown`: the
    server may have done what it was asked for, and has not said so."""

    status: int = 0
    body: Any = None
    problem: str | None = None
    outcome_unknown: bool = False
    effect: Mapping[str, Any] = field(default_factory=dict)


async def call_api(
    call: ApiCall, seen: Mapping[str, Any], send: Send, secret: SecretLookup, key: str
) -> ApiResponse:
    url, body = _url(call, seen), _body(call, seen)
    shown = {"method": call.method.value, "url": url.split("?")[0][:MAX_URL_LENGTH]}
    if len(url) > MAX_URL_LENGTH or len(body or b"") > MAX_REQUEST_BYTES:
        return ApiResponse(problem="The request became too large to be sent.", effect=shown)
    try:
        headers = render_headers(call.headers, seen, secret)
    except LookupError as missing:
        return ApiResponse(problem=f"There is no secret {missing.args[0]!r}.", effect=shown)
    # Ours goes last: nothing that a tool says may replace it.
    request = HttpRequest(
        method=call.method.value,
        url=url,
        headers={**_content_headers(body), **headers, IDEMPOTENCY_KEY_HEADER: key},
        body=body,
        timeout=call.timeout,
    )
    tries = 1 + (call.retries if call.method.is_idempotent or call.retry_unsafe else 0)
    unknown = False
    for n in range(1, tries + 1):
        answer = await _attempt(request, send, {**shown, "tries": n})
        # What was tried before may have been done, unless the server has answered since.
        unknown = answer.outcome_unknown or (unknown and not answer.status)
        if answer.problem is None or not _is_retryable(answer) or n == tries:
            break
        await asyncio.sleep(
            min(MAX_BACKOFF_SECONDS, INITIAL_BACKOFF_SECONDS * 2**n) * random.uniform(0.5, 1.0)
        )
    return replace(answer, outcome_unknown=unknown and call.method is not Method.GET)


async def _attempt(request: HttpRequest, send: Send, shown: Mapping[str, Any]) -> ApiResponse:
    try:
        response = await send(request)
    except EgressBlocked:
        return ApiResponse(
            problem="That address may not be reached.", effect={**shown, "blocked": True}
        )
    except HttpFailed as error:
        problem = f"The server could not be reached ({error.kind})."
        effect = {**shown, "failed": error.kind}
        return ApiResponse(
            problem=problem, effect=effect, outcome_unknown=error.may_have_been_processed
        )
    body = _parse_body(response)
    effect = {**shown, "status": response.status, "ms": round(response.ms, 1), "body": body}
    if response.status >= 400 or response.status < 200:
        problem = f"The server answered with status {response.status}."
        return ApiResponse(status=response.status, body=body, problem=problem, effect=effect)
    if response.status >= 300:
        problem = "The server answered with a redirect, which is not followed."
        return ApiResponse(status=response.status, body=body, problem=problem, effect=effect)
    return ApiResponse(status=response.status, body=body, effect=effect)


def _is_retryable(answer: ApiResponse) -> bool:
    """Whether the same request may do better a moment later."""
    return "failed" in answer.effect or answer.status == 429 or answer.status >= 500


def _url(call: ApiCall, seen: Mapping[str, Any]) -> str:
    """Slots are filled in encoded, so that a value cannot become part of the path or the query."""
    parts = [
        part if isinstance(part, str) else quote(value_to_text(part.value(seen, {})), safe="")
        for part in templates.parse(call.url)
    ]
    url = "".join(parts)
    query = {name: value_to_text(render_value(value, seen)) for name, value in call.query.items()}
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _content_headers(body: bytes | None) -> dict[str, str]:
    return {} if body is None else {"Content-Type": "application/json"}


def render_headers(
    headers: Mapping[str, str], seen: Mapping[str, Any], secret: SecretLookup
) -> dict[str, str]:
    """Headers as they are sent; `LookupError` names a secret that is missing."""
    lines = {}
    for name, value in headers.items():
        # Secrets are looked up here and nowhere else, after every other value.
        wanted = {p[1] for p in templates.paths_in(templates.parse(value)) if p[0] == "secret"}
        known = {one: _require_secret(secret, one) for one in wanted}
        line = render(value, {**seen, "secret": known})
        lines[name] = " ".join(line.split())
    return lines


def _require_secret(secret: SecretLookup, name: str) -> str:
    found = secret(name)
    if found is None:
        raise LookupError(name)
    return found


def _body(call: ApiCall, seen: Mapping[str, Any]) -> bytes | None:
    if call.body is None:
        return None
    return json.dumps(render_value(call.body, seen), ensure_ascii=False, default=str).encode()


def _parse_body(response: HttpResponse) -> Any:
    """JSON where it is some that can be kept, else text; what is too long is cut."""
    text = response.body[:MAX_RESPONSE_BYTES].decode(errors="replace").replace("\x00", "\ufffd")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if json_problem(value) else value
