"""What a tenant brings of its own: keys of providers, and secrets that its tools send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.common.errors import InvalidInput, Path
from domain.common.text_validation import IDENTIFIER, check_name
from domain.providers.catalog import CATALOG

MIN_KEY_LENGTH, MAX_KEY_LENGTH = 8, 512
MAX_SECRET_LENGTH = 4_096
VISIBLE_CHARACTERS = 4
MAX_SECRETS = 200


class CredentialKind(StrEnum):
    """What a credential is for."""

    PROVIDER = "PROVIDER"
    SECRET = "SECRET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A credential without its value, which nobody is shown again."""

    kind: CredentialKind
    name: str
    last_four: str
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecryptedCredentials:
    """The values of a tenant, in memory for as long as they are needed."""

    providers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    problem: str | None = None
    """Why there are none, though some are kept."""


class Verdict(StrEnum):
    """What a provider says of a key."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    UNREACHABLE = "UNREACHABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTestResult:
    """`message` is for people and never holds the key."""

    verdict: Verdict
    message: str


def providers_with_keys() -> frozenset[str]:
    """Names of the providers that need a key."""
    return frozenset(provider.name for provider in CATALOG if provider.needs_key)


def check_provider(name: str, path: Path) -> None:
    known = providers_with_keys()
    if name not in known:
        raise InvalidInput(
            f"{name[:64]!r} is no provider that takes a key; {', '.join(sorted(known))} are.", path
        )


def check_key(value: str, path: Path) -> None:
    """What is wrong is said without the value."""
    if not MIN_KEY_LENGTH <= len(value) <= MAX_KEY_LENGTH:
        raise InvalidInput(f"A key has {MIN_KEY_LENGTH} to {MAX_KEY_LENGTH} characters.", path)
    if not value.isascii() or not value.isprintable() or " " in value:
        raise InvalidInput("A key has no spaces, line breaks or letters beyond ASCII.", path)


def check_secret(name: str, value: str, path: Path) -> None:
    check_name(name, (*path, "name"), IDENTIFIER)
    if not 1 <= len(value) <= MAX_SECRET_LENGTH:
        raise InvalidInput(f"A secret has 1 to {MAX_SECRET_LENGTH} characters.", (*path, "value"))
    if not value.isprintable():
        raise InvalidInput("A secret is one line of text.", (*path, "value"))


def last_four(value: str) -> str:
    """What is shown of a value; nothing of one so short that it would tell much."""
    return value[-VISIBLE_CHARACTERS:] if len(value) >= 3 * VISIBLE_CHARACTERS else ""
