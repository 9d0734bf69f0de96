"""The credentials of a tenant: API keys of providers, and secrets that its tools send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.common.errors import InvalidInput, Path
from domain.common.problems import Problems, problems_of
from domain.common.text_validation import IDENTIFIER, check_name
from domain.providers.catalog import CATALOG
from domain.tools.secrets import Secret

MIN_KEY_LENGTH, MAX_KEY_LENGTH = 8, 512
MAX_SECRET_LENGTH = 4_096
VISIBLE_CHARACTERS = 4
MAX_SECRETS = 200


class CredentialKind(StrEnum):
    """What a credential is used for."""

    PROVIDER = "PROVIDER"
    SECRET = "SECRET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A credential without its value, which cannot be read back."""

    kind: CredentialKind
    name: str
    last_four: str
    hosts: tuple[str, ...] | None = None
    """The hosts that a secret may be sent to; None for any."""
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecryptedCredentials:
    """The values of a tenant's credentials, kept in memory only while they are needed."""

    providers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    problem: str | None = None
    """Why stored credentials could not be decrypted; None when they could."""


class Verdict(StrEnum):
    """The result of testing a key with its provider."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    UNREACHABLE = "UNREACHABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTestResult:
    """The outcome of a key test. `message` is meant for people and never contains the key."""

    verdict: Verdict
    message: str


def providers_with_keys() -> frozenset[str]:
    """Names of the providers that need a key."""
    return frozenset(provider.name for provider in CATALOG if provider.needs_key)


def check_provider(name: str, path: Path) -> None:
    known = providers_with_keys()
    if name not in known:
        raise InvalidInput(
            f"{name[:64]!r} is not a provider that takes a key; choose one of "
            f"{', '.join(sorted(known))}.",
            path,
        )


def check_key(value: str, path: Path) -> None:
    """Raise `InvalidInput`, without the value in its message, unless this can be a key."""
    if not MIN_KEY_LENGTH <= len(value) <= MAX_KEY_LENGTH:
        raise InvalidInput(
            f"A key must have {MIN_KEY_LENGTH} to {MAX_KEY_LENGTH} characters.", path
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise InvalidInput("A key must be printable ASCII without spaces or line breaks.", path)


def secret_problems(name: str, value: str) -> Problems:
    yield from problems_of(check_name, name, ("name",), IDENTIFIER)
    if not 1 <= len(value) <= MAX_SECRET_LENGTH:
        yield InvalidInput(f"A secret must have 1 to {MAX_SECRET_LENGTH} characters.", ("value",))
    elif not value.isprintable():
        yield InvalidInput("A secret must be a single line of text.", ("value",))


def last_four(value: str) -> str:
    """The part of a value that is shown; empty for a value so short that it would reveal much."""
    return value[-VISIBLE_CHARACTERS:] if len(value) >= 3 * VISIBLE_CHARACTERS else ""
