"""What the steps that ask servers may say; checked when they are saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from domain.common.errors import InvalidInput, Path
from domain.common.text_validation import IDENTIFIER, check_name, check_text
from domain.templating.lexer import is_path
from domain.templating.validation import READABLE_NAMESPACES, check_template, check_writable
from domain.tools.actions import ApiCall
from domain.tools.http import FORBIDDEN_HEADERS

MAX_TIMEOUT_SECONDS = 60.0
MAX_RETRIES = 5
MAX_HEADERS = 32
MAX_URL_LENGTH = 2_000

ACTION_NAMESPACES = READABLE_NAMESPACES | {"response"}
HEADER_NAMESPACES = ACTION_NAMESPACES | {"secret"}

RESERVED = FORBIDDEN_HEADERS | {"idempotency-key"}
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def check_api_call(call: ApiCall, path: Path) -> None:
    if call.endpoint:
        check_name(call.endpoint, (*path, "endpoint"), IDENTIFIER)
        _check_url_suffix(call.url, (*path, "url"))
    else:
        check_url(call.url, (*path, "url"))
    check_headers(call.headers, (*path, "headers"))
    check_template(call.query, (*path, "query"), ACTION_NAMESPACES)
    check_template(call.body, (*path, "body"), ACTION_NAMESPACES)
    check_timeout(call.timeout, (*path, "timeout"))
    if not 0 <= call.retries <= MAX_RETRIES:
        raise InvalidInput(f"retries may be 0 to {MAX_RETRIES}.", (*path, "retries"))
    check_save_paths(call.save, (*path, "save"), ("status", "body"))


def check_url(url: str, path: Path) -> None:
    """Where a request goes is for the author to say, not for a value of the call."""
    check_text(url, path, max_length=MAX_URL_LENGTH, min_length=1)
    check_template(url, path, ACTION_NAMESPACES)
    head = _PLACEHOLDER.split(url, maxsplit=1)[0]
    if _NOT_IN_URL.search(_PLACEHOLDER.sub("", url)):
        raise InvalidInput("url must not hold spaces, line breaks or backslashes.", path)
    try:
        parts = urlsplit(head)
        ends = "/" in head[len(parts.scheme) + 3 :] or head == url
        named = bool(parts.hostname) and parts.port != 0 and ends
    except ValueError:
        raise InvalidInput("url is not a URL.", path) from None
    if parts.scheme not in ("http", "https") or not named:
        raise InvalidInput(
            "url must begin with https:// and a host that is written out, then a slash; slots come "
            "after that.",
            path,
        )
    if "@" in parts.netloc:
        raise InvalidInput("url must not hold a name or a password; use a header.", path)


def _check_url_suffix(rest: str, path: Path) -> None:
    """What is put behind the URL of an endpoint."""
    check_text(rest, path, max_length=MAX_URL_LENGTH)
    check_template(rest, path, ACTION_NAMESPACES)
    if _NOT_IN_URL.search(_PLACEHOLDER.sub("", rest)):
        raise InvalidInput("url must not hold spaces, line breaks or backslashes.", path)
    if rest and rest[0] not in "/?":
        raise InvalidInput("With an endpoint, url is what follows its own: /path or ?query.", path)


def check_headers(headers: Mapping[str, str], path: Path) -> None:
    if len(headers) > MAX_HEADERS:
        raise InvalidInput(f"At most {MAX_HEADERS} headers are possible.", path)
    for name, value in headers.items():
        here = (*path, name)
        if not _HEADER.fullmatch(name):
            raise InvalidInput(f"{name[:64]!r} is no name for a header.", here)
        if name.lower() in RESERVED:
            raise InvalidInput(f"{name} is a header that tools do not set.", here)
        check_text(value, here, max_length=4_096)
        check_template(value, here, HEADER_NAMESPACES)
        if "\n" in value or "\r" in value:
            raise InvalidInput("A header is one line.", here)


def check_timeout(timeout: float, path: Path) -> None:
    if not 0 < timeout <= MAX_TIMEOUT_SECONDS:
        raise InvalidInput(f"timeout is in seconds, up to {MAX_TIMEOUT_SECONDS:.0f}.", path)


def check_save_paths(save: Mapping[str, str], path: Path, parts: tuple[str, ...]) -> None:
    """Places in the context, and which part of the answer goes there."""
    for where, source in save.items():
        check_writable(where, (*path, where))
        if not is_path(source) or source.split(".")[0] not in parts:
            raise InvalidInput(
                f"{source[:80]!r} does not lead into the response; write {' or '.join(parts)}.….",
                (*path, where),
            )
