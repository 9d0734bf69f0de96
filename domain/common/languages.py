"""Languages as BCP 47 tags (RFC 5646): `en`, `hi-IN`, `zh-Hant-TW`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from domain.common.errors import InvalidInput, Path

LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
MULTILINGUAL = "multi"
"""The language tag of a provider that detects the language by itself."""


def check_language(tag: str, path: Path) -> None:
    if not LANGUAGE_TAG.fullmatch(tag):
        raise InvalidInput(f"{tag[:40]!r} is not a language tag, such as en or hi-IN.", path)


def supports_language(known: Iterable[str], tag: str) -> bool:
    """Whether a provider with these languages supports this one: `hi` covers `hi-IN`."""
    primary = primary_subtag(tag)
    return any(
        each in (MULTILINGUAL, tag, primary) or primary_subtag(each) == tag for each in known
    )


def primary_subtag(tag: str) -> str:
    return tag.split("-")[0]
