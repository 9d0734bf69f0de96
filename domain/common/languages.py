"""Languages as BCP 47 tags (RFC 5646): `en`, `hi-IN`, `zh-Hant-TW`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from domain.common.errors import InvalidInput, Path

TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
ANY = "multi"
"""Of a provider that tells languages apart by itself."""


def check_language(tag: str, path: Path) -> None:
    if not TAG.fullmatch(tag):
        raise InvalidInput(f"{tag[:40]!r} is not a language tag, such as en or hi-IN.", path)


def speaks(known: Iterable[str], tag: str) -> bool:
    """Whether a provider that knows these languages knows this one: `hi` covers `hi-IN`."""
    wanted = base(tag)
    return any(each in (ANY, tag, wanted) or base(each) == tag for each in known)


def base(tag: str) -> str:
    return tag.split("-")[0]
