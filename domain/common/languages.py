"""Languages as BCP 47 tags (RFC 5646): `en`, `hi-IN`, `zh-Hant-TW`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from domain.common.errors import InvalidInput, Path

LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
MULTILINGUAL = "multi"
"""Of a provider that tells languages apart by itself."""


def check_language(tag: str, path: Path) -> None:
    if not LANGUAGE_TAG.fullmatch(tag):
        raise InvalidInput(f"{tag[:40]!r} is not a language tag, such as en or hi-IN.", path)


def supports_language(known: Iterable[str], tag: str) -> bool:
    """Whether a provider that knows these languages knows this one: `hi` covers `hi-IN`."""
    wanted = primary_subtag(tag)
    return any(each in (MULTILINGUAL, tag, wanted) or primary_subtag(each) == tag for each in known)


def primary_subtag(tag: str) -> str:
    return tag.split("-")[0]
