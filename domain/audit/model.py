"""Entries of the audit log, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.common.access import TenantId
from domain.common.errors import InvalidInput
from domain.common.settings import MIN_AUDIT_RETENTION_DAYS
from domain.common.time_ranges import DEFAULT_RANGE

MAX_RETENTION_DAYS = 3_650
FOREVER = 0


class AuditKind(StrEnum):
    """What an entry is about."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"
    SIGNED_IN = "SIGNED_IN"
    SIGNED_OUT = "SIGNED_OUT"
    SIGN_IN_FAILED = "SIGN_IN_FAILED"
    SESSION_ENDED = "SESSION_ENDED"
    REFUSED = "REFUSED"
    EXPORTED = "EXPORTED"
    ACCESSED = "ACCESSED"
    ENDED = "ENDED"
    TESTED = "TESTED"
    SHORTENED = "SHORTENED"
    ERASED = "ERASED"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditNote:
    """An entry about what changes no row. Without `actor`, it is attributed to the current request."""

    kind: AuditKind
    actor: str | None = None
    target_kind: str | None = None
    target: str | None = None
    target_name: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """An entry. `seq` and `hash` are its place in the chain; None for a moment, until it has one."""

    id: UUID
    tenant_id: TenantId
    at: datetime
    kind: AuditKind
    actor: str
    session: str | None
    address: str | None
    request: str | None
    action: str | None
    target_kind: str | None
    target: str | None
    target_name: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    details: Mapping[str, Any] | None
    body: str
    erased_at: datetime | None
    seq: int | None
    hash: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries a list has; None stands for all."""

    kinds: tuple[AuditKind, ...] | None = None
    actor: str | None = None
    target: str | None = None
    """The id of an object, without its type."""
    action: str | None = None
    session: str | None = None
    address: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def covered(self, now: datetime) -> AuditFilter:
        """The filter with the default range of time, if it needs one and has none."""
        if self.since is not None or self.until is not None or self._has_index:
            return self
        return replace(self, since=now - DEFAULT_RANGE)

    @property
    def _has_index(self) -> bool:
        """Whether an index finds the entries, however far back they are. Few kinds would, but a filter may
        name all of them."""
        is_unindexed = (self.action, self.session, self.address) != (None, None, None)
        is_indexed = (self.actor, self.target) != (None, None)
        return is_indexed or not is_unindexed


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last link of a chain."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """A link whose hash was signed, which also vouches for all links before it."""

    tenant_id: TenantId
    seq: int
    hash: bytes
    signed_at: datetime
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class ExportRange:
    """A range of consecutive links."""

    first: int
    last: int


def check_retention_days(days: int) -> int:
    if days != FOREVER and not MIN_AUDIT_RETENTION_DAYS <= days <= MAX_RETENTION_DAYS:
        raise InvalidInput(
            f"days must be between {MIN_AUDIT_RETENTION_DAYS} and {MAX_RETENTION_DAYS:,}, or 0 to keep "
            "entries forever.",
            ("days",),
        )
    return days
