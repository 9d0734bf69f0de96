"""The tenants of an installation, as its operators manage them. They see no data of a tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.common.access import TenantId
from domain.common.casing import camel
from domain.common.errors import InvalidInput, Path
from domain.common.problems import Problems, problems_of
from domain.common.quotas import MAX_QUOTA, QUOTA_NAMES
from domain.common.text_validation import check_name, check_text

MAX_NAME_LENGTH = 200
MAX_REASON_LENGTH = 500
MAX_SEARCH_LENGTH = 100
MAX_GRACE_DAYS = 365


class TenantState(StrEnum):
    """Whether a tenant can use the installation."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DELETING = "DELETING"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedTenant:
    """A tenant with what operators decide about it. `quotas` has only those that differ from the
    installation's, and 0 is no limit."""

    id: TenantId
    slug: str
    name: str
    created_at: datetime
    suspended_at: datetime | None = None
    suspension_reason: str | None = None
    delete_at: datetime | None = None
    delete_requested_at: datetime | None = None
    delete_requested_by: str | None = None
    quotas: Mapping[str, int] = field(default_factory=dict)

    @property
    def state(self) -> TenantState:
        if self.delete_at is not None:
            return TenantState.DELETING
        return TenantState.ACTIVE if self.suspended_at is None else TenantState.SUSPENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedTenant:
    """The proof that a tenant was deleted: `certificate` is a signed JWT with the same facts."""

    id: UUID
    slug: str
    requested_at: datetime | None
    requested_by: str | None
    deleted_at: datetime
    counts: Mapping[str, int]
    certificate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDeletion:
    """A tenant whose time of grace is over. `has_begun`: its deletion cannot be cancelled any more."""

    id: UUID
    slug: str
    requested_at: datetime | None
    requested_by: str | None
    has_begun: bool
    has_live_calls: bool


class TenantMaintenance(Protocol):
    """What keepers do for tenants. Every step can be repeated and interrupted."""

    async def end_calls_of_suspended(self) -> int:
        """End the calls of tenants that are suspended or being deleted; return how many."""
        ...

    async def measure_usage(self) -> int:
        """Measure what tenants store whose last measurement is old; return how many."""
        ...

    async def due_deletions(self) -> Sequence[DueDeletion]: ...

    async def begin(self, due: DueDeletion) -> bool:
        """Count what will be deleted. False if the deletion was cancelled in the meantime."""
        ...

    async def delete_recordings(self, tenant: UUID) -> bool:
        """Have the audio of the tenant deleted; whether all of it is."""
        ...

    async def delete_calls(self, tenant: UUID) -> None: ...

    async def delete_audit_log(self, tenant: UUID) -> None: ...

    async def finish(self, tenant: UUID) -> bool:
        """Delete all other rows of the tenant, check that none is left, and store the proof. False if
        another keeper has done so."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFilter:
    """Which tenants to list; a field that is None matches any tenant."""

    id: TenantId | None = None
    slug: str | None = None
    search: str | None = None
    """A part of the slug or of the name, in any case."""
    state: TenantState | None = None


EVERY_TENANT = TenantFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantChanges:
    """What to change of a tenant; None: nothing. A quota that is None follows the installation's."""

    slug: str | None = None
    name: str | None = None
    quotas: Mapping[str, int | None] | None = None


def tenant_problems(changes: TenantChanges) -> Problems:
    if changes.slug is not None:
        yield from problems_of(check_name, changes.slug, ("slug",))
    if changes.name is not None:
        yield from problems_of(
            check_text, changes.name, ("name",), max_length=MAX_NAME_LENGTH, min_length=1
        )
    for name, value in (changes.quotas or {}).items():
        if name not in QUOTA_NAMES:
            yield InvalidInput(f"There is no quota {name[:64]!r}.", ("quotas", name))
        elif value is not None and not 0 <= value <= MAX_QUOTA:
            yield InvalidInput(
                f"A quota must be between 0, which is no limit, and {MAX_QUOTA}.",
                ("quotas", camel(name)),
            )


def check_reason(reason: str, path: Path = ("reason",)) -> None:
    check_text(reason, path, max_length=MAX_REASON_LENGTH, min_length=1)


def check_grace_days(days: int, minimum: int, path: Path = ("graceDays",)) -> None:
    if not minimum <= days <= MAX_GRACE_DAYS:
        raise InvalidInput(f"graceDays must be between {minimum} and {MAX_GRACE_DAYS}.", path)


TENANT_FIELDS = tuple(each.name for each in fields(ManagedTenant))
