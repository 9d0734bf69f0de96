"""Validation of the actions that send requests, applied when a tool is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from domain.common.errors import InvalidInput, Path
from domain.common.problems import Problems, problems_of
from domain.common.text_validation import IDENTIFIER, check_name, check_text
from domain.templating.lexer import is_path
from domain.templating.validation import (
    MASKED,
    READABLE_NAMESPACES,
    check_template,
    check_writable,
    template_problems,
)
from domain.tools.actions import ApiCall
from domain.tools.http import FORBIDDEN_HEADERS

MAX_TIMEOUT_SECONDS = 60.0
MAX_RETRIES = 5
MAX_HEADERS = 32
MAX_URL_LENGTH = 2_000

ACTION_NAMESPACES = READABLE_NAMESPACES | {"response", "digits"}
HEADER_NAMESPACES = ACTION_NAMESPACES | {"secret"}
"""What the headers of servers in the settings may read."""
REQUEST_NAMESPACES = ACTION_NAMESPACES | {MASKED}
"""What the body of an API call may read: also digits that are stored nowhere."""

RESERVED = FORBIDDEN_HEADERS | {"idempotency-key"}
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def api_call_problems(call: ApiCall, path: Path) -> Problems:
    if call.endpoint:
        yield from problems_of(check_name, call.endpoint, (*path, "endpoint"), IDENTIFIER)
        yield from problems_of(_check_url_suffix, call.url, (*path, "url"))
    else:
        yield from problems_of(check_url, call.url, (*path, "url"))
    yield from header_problems(call.headers, (*path, "headers"), HEADER_NAMESPACES | {MASKED})
    yield from template_problems(call.query, (*path, "query"), ACTION_NAMESPACES)
    yield from template_problems(call.body, (*path, "body"), REQUEST_NAMESPACES)
    yield from problems_of(check_timeout, call.timeout, (*path, "timeout"))
    if not 0 <= call.retries <= MAX_RETRIES:
        yield InvalidInput(f"retries must be between 0 and {MAX_RETRIES}.", (*path, "retries"))
    yield from save_path_problems(call.save, (*path, "save"), ("status", "body"))


def check_url(url: str, path: Path) -> None:
    """The host must be literal: the author decides where a request goes, not a value of the call."""
    check_text(url, path, max_length=MAX_URL_LENGTH, min_length=1)
    check_template(url, path, ACTION_NAMESPACES)
    head = _PLACEHOLDER.split(url, maxsplit=1)[0]
    if _NOT_IN_URL.search(_PLACEHOLDER.sub("", url)):
        raise InvalidInput("url must not contain spaces, line breaks or backslashes.", path)
    try:
        parts = urlsplit(head)
        host_ends = "/" in head[len(parts.scheme) + 3 :] or head == url
        has_literal_host = bool(parts.hostname) and parts.port != 0 and host_ends
    except ValueError:
        raise InvalidInput("url is not a valid URL.", path) from None
    if parts.scheme not in ("http", "https") or not has_literal_host:
        raise InvalidInput(
            "url must start with https:// and a literal host, followed by a slash; placeholders "
            "may only come after that.",
            path,
        )
    if "@" in parts.netloc:
        raise InvalidInput("url must not contain a user name or password; use a header.", path)


def _check_url_suffix(suffix: str, path: Path) -> None:
    """Check the part that is appended to the URL of an endpoint."""
    check_text(suffix, path, max_length=MAX_URL_LENGTH)
    check_template(suffix, path, ACTION_NAMESPACES)
    if _NOT_IN_URL.search(_PLACEHOLDER.sub("", suffix)):
        raise InvalidInput("url must not contain spaces, line breaks or backslashes.", path)
    if suffix and suffix[0] not in "/?":
        raise InvalidInput(
            "With an endpoint, url is appended to the endpoint's own: write /path or ?query.", path
        )


def header_problems(
    headers: Mapping[str, str],
    path: Path,
    readable: frozenset[str] = HEADER_NAMESPACES,
    *,
    owner: str = "Tools",
    reserved: frozenset[str] = RESERVED,
) -> Problems:
    """The problems of headers that the owner, in the plural, sends with its requests."""
    if len(headers) > MAX_HEADERS:
        yield InvalidInput(f"At most {MAX_HEADERS} headers are allowed.", path)
        return
    for name, value in headers.items():
        here = (*path, name)
        if not _HEADER.fullmatch(name):
            yield InvalidInput(f"{name[:64]!r} is not a valid header name.", here)
        if name.lower() in reserved:
            yield InvalidInput(f"{owner} must not set the header {name}.", here)
        yield from problems_of(check_text, value, here, max_length=4_096)
        yield from template_problems(value, here, readable)
        if "\n" in value or "\r" in value:
            yield InvalidInput("A header value must be a single line.", here)


def check_timeout(timeout: float, path: Path) -> None:
    if not 0 < timeout <= MAX_TIMEOUT_SECONDS:
        raise InvalidInput(
            f"timeout must be greater than 0 and at most {MAX_TIMEOUT_SECONDS:.0f} seconds.", path
        )


def save_path_problems(save: Mapping[str, str], path: Path, parts: tuple[str, ...]) -> Problems:
    """Problems of `save`, which maps writable paths of the context to paths into these parts of
    the response."""
    for target, source in save.items():
        yield from problems_of(check_writable, target, (*path, target))
        if not is_path(source) or source.split(".")[0] not in parts:
            yield InvalidInput(
                f"{source[:80]!r} is not a path into the response; it must start with "
                f"{' or '.join(parts)}.",
                (*path, target),
            )
