"""The audit log of a tenant: how long it is kept, and its export."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.audit.export import ExportSource, export_lines
from domain.audit.model import (
    AuditEntry,
    AuditFilter,
    AuditKind,
    AuditNote,
    ExportRange,
    SignedHead,
    check_retention_days,
)
from domain.common.access import Scope, TenantId, Viewer
from domain.common.lists import ListPage, Window
from domain.common.problems import raise_all
from domain.common.time_ranges import time_range_problems
from domain.ports import Services

EXPORT_LIFETIME = timedelta(minutes=5)
WAIT_SECONDS = 5.0
"""How long an export waits for others of its tenant to end."""


@dataclass(frozen=True, slots=True)
class AuditExport:
    """A link to an export, without the origin of the API."""

    path: str
    expires_at: datetime
    entries: int


async def list_entries(
    services: Services, viewer: Viewer, window: Window, filter: AuditFilter
) -> tuple[ListPage[AuditEntry], datetime | None]:
    """A page of entries, and since when the list has them if its filter does not say so."""
    viewer.require(Scope.AUDIT_READ)
    _check_range(filter.since, filter.until)
    covered = filter.covered(services.clock())
    async with services.store.transaction(viewer.tenant_id) as work:
        page = await work.audit.page(window, covered)
    return page, None if covered == filter else covered.since


async def sign_newest(services: Services, viewer: Viewer) -> SignedHead:
    """Sign the newest entry of the log, so that the viewer can compare the log with it later."""
    viewer.require(Scope.AUDIT_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        head = await work.audit.head()
    return services.audit_signer.sign_head(viewer.tenant_id, head.seq, head.hash, services.clock())


async def get_retention_days(services: Services, viewer: Viewer) -> int:
    viewer.require(Scope.AUDIT_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        days = await work.audit.retention_days()
    return services.audit_retention_days if days is None else days


async def set_retention_days(services: Services, viewer: Viewer, days: int) -> int:
    viewer.require(Scope.AUDIT_WRITE)
    check_retention_days(days)
    async with services.store.transaction(viewer.tenant_id) as work:
        await work.audit.set_retention_days(days)
    return days


async def create_export(
    services: Services, viewer: Viewer, since: datetime | None, until: datetime | None
) -> AuditExport:
    """Return a link to the entries of a time range. The log says who got it."""
    viewer.require(Scope.AUDIT_READ)
    _check_range(since, until)
    async with services.store.transaction(viewer.tenant_id) as work:
        range = await work.audit.export_range(since, until)
        await work.audit.note(_export_note(range))
    expires_at = services.clock() + EXPORT_LIFETIME
    token = services.audit_signer.sign_export(viewer.tenant_id, range, expires_at)
    entries = max(0, range.last - range.first + 1)
    return AuditExport(f"/audit-exports/{token}", expires_at, entries)


def read_export(services: Services, token: str) -> AsyncIterator[str]:
    """The lines of the export that a link admits to. Raises `Forbidden`, and with the first line
    `TenantSuspended`, `NotFound` or `Unavailable`."""
    tenant, range = services.audit_signer.verify_export(token, services.clock())

    @asynccontextmanager
    async def open_log() -> AsyncGenerator[ExportSource]:
        async with services.store.transaction(tenant) as work:
            yield work.audit

    return _limited(
        services,
        tenant,
        export_lines(open_log, services.audit_signer, tenant, range, services.clock()),
    )


async def _limited(
    services: Services, tenant: TenantId, lines: AsyncIterator[str]
) -> AsyncIterator[str]:
    await services.accounts.tenant(tenant)
    async with services.audit_export_limit.acquire(WAIT_SECONDS, tenant):
        async for line in lines:
            yield line


def _export_note(range: ExportRange) -> AuditNote:
    return AuditNote(
        kind=AuditKind.EXPORTED,
        target_kind="audit_log",
        details={"first": range.first, "last": range.last},
    )


def _check_range(since: datetime | None, until: datetime | None) -> None:
    raise_all(time_range_problems(since, until, ("at",)))
