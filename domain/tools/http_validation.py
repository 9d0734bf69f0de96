"""What the steps that ask servers may say; checked when they are saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from domain.common.errors import InvalidInput, Path
from domain.common.text_validation import IDENTIFIER, check_name, check_text
from domain.templating.lexer import is_path
from domain.templating.validation import READABLE, check_template, check_writable
from domain.tools.actions import ApiCall
from domain.tools.http import OURS

LONGEST_TRY = 60.0
MOST_RETRIES = 5
MOST_HEADERS = 32
LONGEST_URL = 2_000

OF_STEPS = READABLE | {"response"}
OF_HEADERS = OF_STEPS | {"secret"}

RESERVED = OURS | {"idempotency-key"}
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_NO_URL = re.compile(r"[\x00-\x20\x7f\\]")
_SLOT = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def check_api_call(call: ApiCall, path: Path) -> None:
    if call.endpoint:
        check_name(call.endpoint, (*path, "endpoint"), IDENTIFIER)
        _check_rest(call.url, (*path, "url"))
    else:
        check_url(call.url, (*path, "url"))
    check_headers(call.headers, (*path, "headers"))
    check_template(call.query, (*path, "query"), OF_STEPS)
    check_template(call.body, (*path, "body"), OF_STEPS)
    check_timeout(call.timeout, (*path, "timeout"))
    if not 0 <= call.retries <= MOST_RETRIES:
        raise InvalidInput(f"retries may be 0 to {MOST_RETRIES}.", (*path, "retries"))
    check_saved(call.save, (*path, "save"), ("status", "body"))


def check_url(url: str, path: Path) -> None:
    """Where a request goes is for the author to say, not for a value of the call."""
    check_text(url, path, most=LONGEST_URL, least=1)
    check_template(url, path, OF_STEPS)
    head = _SLOT.split(url, maxsplit=1)[0]
    if _NO_URL.search(_SLOT.sub("", url)):
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


def _check_rest(rest: str, path: Path) -> None:
    """What is put behind the URL of an endpoint."""
    check_text(rest, path, most=LONGEST_URL)
    check_template(rest, path, OF_STEPS)
    if _NO_URL.search(_SLOT.sub("", rest)):
        raise InvalidInput("url must not hold spaces, line breaks or backslashes.", path)
    if rest and rest[0] not in "/?":
        raise InvalidInput("With an endpoint, url is what follows its own: /path or ?query.", path)


def check_headers(headers: Mapping[str, str], path: Path) -> None:
    if len(headers) > MOST_HEADERS:
        raise InvalidInput(f"At most {MOST_HEADERS} headers are possible.", path)
    for name, value in headers.items():
        here = (*path, name)
        if not _HEADER.fullmatch(name):
            raise InvalidInput(f"{name[:64]!r} is no name for a header.", here)
        if name.lower() in RESERVED:
            raise InvalidInput(f"{name} is a header that tools do not set.", here)
        check_text(value, here, most=4_096)
        check_template(value, here, OF_HEADERS)
        if "\n" in value or "\r" in value:
            raise InvalidInput("A header is one line.", here)


def check_timeout(timeout: float, path: Path) -> None:
    if not 0 < timeout <= LONGEST_TRY:
        raise InvalidInput(f"timeout is in seconds, up to {LONGEST_TRY:.0f}.", path)


def check_saved(save: Mapping[str, str], path: Path, parts: tuple[str, ...]) -> None:
    """Places in the context, and which part of the answer goes there."""
    for where, source in save.items():
        check_writable(where, (*path, where))
        if not is_path(source) or source.split(".")[0] not in parts:
            raise InvalidInput(
                f"{source[:80]!r} does not lead into the response; write {' or '.join(parts)}.….",
                (*path, where),
            )
