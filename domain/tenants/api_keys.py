"""The API keys of a tenant, with which programs use the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.common.access import JOIN_SCOPES, ApiKeyId, Scope
from domain.common.errors import InvalidInput
from domain.common.networks import Network
from domain.common.problems import Problems, problems_of
from domain.common.text_validation import check_text
from domain.common.time_ranges import check_time
from domain.tenants.roles import check_scopes

MAX_NAME_LENGTH = 100
MAX_KEYS = 500
"""Keys of a tenant that are live."""
MAX_LIFETIME = timedelta(days=3_650)
DEFAULT_OVERLAP, MAX_OVERLAP = timedelta(days=1), timedelta(days=30)
ENDED_TTL = timedelta(days=90)
"""How long a key is still listed after it was revoked or has expired."""


class ApiKeyKind(StrEnum):
    """What an API key is for."""

    STANDARD = "STANDARD"
    JOIN = "JOIN"


class ApiKeyState(StrEnum):
    """Whether an API key can be used."""

    LIVE = "LIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeySpec:
    """What a key may do, from where and for how long: a role or a set of scopes, not both."""

    name: str
    role: str | None = None
    scopes: frozenset[Scope] | None = None
    networks: tuple[Network, ...] = ()
    """The networks that it may be used from; empty for any."""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A stored key without its value, which cannot be read back."""

    id: ApiKeyId
    spec: ApiKeySpec
    prefix: str
    scopes: frozenset[Scope]
    """What it grants now, by its role or by itself."""
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    revoked_at: datetime | None
    replaced_by: ApiKeyId | None
    """The key that it was rotated into."""

    @property
    def kind(self) -> ApiKeyKind:
        return kind_of(self.spec, self.scopes)

    def state(self, now: datetime) -> ApiKeyState:
        if self.revoked_at is not None:
            return ApiKeyState.REVOKED
        expires_at = self.spec.expires_at
        is_expired = expires_at is not None and expires_at <= now
        return ApiKeyState.EXPIRED if is_expired else ApiKeyState.LIVE


def kind_of(spec: ApiKeySpec, granted: frozenset[Scope]) -> ApiKeyKind:
    is_join = spec.role is None and granted == JOIN_SCOPES
    return ApiKeyKind.JOIN if is_join else ApiKeyKind.STANDARD


def api_key_problems(spec: ApiKeySpec, now: datetime) -> Problems:
    yield from problems_of(
        check_text, spec.name, ("name",), max_length=MAX_NAME_LENGTH, min_length=1
    )
    if (spec.role is None) == (spec.scopes is None):
        yield InvalidInput("Give a key either a role or scopes.", ("scopes",))
    elif spec.scopes is not None and not spec.scopes:
        yield InvalidInput("A key needs at least one scope.", ("scopes",))
    yield from problems_of(check_scopes, spec.scopes or (), ("scopes",))
    if spec.expires_at is not None:
        yield from problems_of(check_expiry, spec.expires_at, now)


def check_expiry(expires_at: datetime, now: datetime) -> None:
    check_time(expires_at, ("expiresAt",))
    if not now < expires_at <= now + MAX_LIFETIME:
        raise InvalidInput(
            f"expiresAt must be in the future, within {MAX_LIFETIME.days} days.", ("expiresAt",)
        )


def check_overlap(overlap: timedelta) -> None:
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise InvalidInput(f"overlap must be 0 to {MAX_OVERLAP.days} days.", ("overlap",))


def successor_expiry(key: ApiKey, now: datetime) -> datetime | None:
    """When the successor of a rotated key expires: it lives as long as the key was meant to."""
    expires_at = key.spec.expires_at
    return None if expires_at is None else now + (expires_at - key.created_at)
