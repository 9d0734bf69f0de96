"""One question to the database for many fields that ask for the same kind of thing."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from aiodataloader import DataLoader

from domain.calls.context import given_to
from domain.calls.events import Recorded
from domain.calls.model import Call
from domain.calls.recordings import Recording
from domain.calls.state import EVENTS_PER_PAGE, Story, retell
from domain.common.access import TenantId, Viewer
from domain.common.errors import Unavailable
from domain.common.findings import Finding
from domain.ports import Services
from domain.use_cases.recordings import link_to
from domain.use_cases.workflows import findings_of, take_snapshots
from domain.workflows.model import Snapshot, Version, Workflow
from resolvers.logs import reading

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

RETELL_SECONDS = 10.0


class Loader(DataLoader[K, V], Generic[K, V]):
    def load(self, key: K) -> Any:
        # A cancelled sibling field must not take the shared answer with it.
        return asyncio.shield(super().load(key))


class Loaders:
    """Made anew for each operation, and for each event of a subscription."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, TenantId], Loader[Any, Any]] = {}

    def calls(self, services: Services, tenant: TenantId) -> Loader[UUID, Call | None]:
        return self.by_id(services, tenant, "calls")

    def workflows(self, services: Services, tenant: TenantId) -> Loader[UUID, Workflow | None]:
        return self.by_id(services, tenant, "workflows")

    def versions(self, services: Services, tenant: TenantId) -> Loader[UUID, Version | None]:
        return self.by_id(services, tenant, "versions")

    def stories(self, services: Services, tenant: TenantId) -> Loader[Call, Story]:
        async def load(calls: Sequence[Call]) -> list[Story]:
            return await _stories(services, tenant, calls)

        return self._made.setdefault(
            ("stories", tenant), Loader(load, get_cache_key=lambda call: call.id)
        )

    def tools_named(self, services: Services, tenant: TenantId) -> Loader[str, Any]:
        async def load(names: Sequence[str]) -> list[Any]:
            async with services.store.work(tenant) as work:
                found = {tool.spec.name: tool for tool in await work.tools.named(names)}
            return [found.get(name) for name in names]

        return self._made.setdefault(("tools_named", tenant), Loader(load))

    def earlier(self, services: Services, tenant: TenantId) -> Loader[UUID, Version | None]:
        """The version before a version."""

        async def load(ids: Sequence[UUID]) -> list[Version | None]:
            async with services.store.work(tenant) as work:
                found = await work.versions.before(ids)
            return [found.get(id) for id in ids]

        return self._made.setdefault(("earlier", tenant), Loader(load))

    def drafts(self, services: Services, tenant: TenantId) -> Loader[Workflow, Snapshot]:
        """Of a workflow, with its agents and tools as they are now."""

        async def load(workflows: Sequence[Workflow]) -> list[Snapshot]:
            async with services.store.work(tenant) as work:
                return await take_snapshots(work, [workflow.spec for workflow in workflows])

        return self._made.setdefault(
            ("drafts", tenant), Loader(load, get_cache_key=lambda w: (w.id, w.revision))
        )

    def findings(self, services: Services, viewer: Viewer) -> Loader[Workflow, tuple[Finding, ...]]:
        """Of the draft of a workflow."""

        async def load(workflows: Sequence[Workflow]) -> list[tuple[Finding, ...]]:
            return await findings_of(services, viewer, [workflow.spec for workflow in workflows])

        return self._made.setdefault(
            ("findings", viewer.tenant_id), Loader(load, get_cache_key=lambda w: (w.id, w.revision))
        )

    def users(self, services: Services, tenant: TenantId, name: str) -> Loader[str, list[str]]:
        """Who uses something: for a tool ask `tools`, for an agent `workflows`."""

        async def load(names: Sequence[str]) -> list[list[str]]:
            async with services.store.work(tenant) as work:
                found = await getattr(work, name).users(names)
            return [list(found.get(each, ())) for each in names]

        return self._made.setdefault((f"users:{name}", tenant), Loader(load))

    def links(
        self, services: Services, tenant: TenantId
    ) -> Loader[Recording, tuple[str, datetime] | None]:
        """One for all that is asked of it: each link has a time of its own."""

        async def load(recordings: Sequence[Recording]) -> list[tuple[str, datetime] | None]:
            return await asyncio.gather(*(link_to(services, each) for each in recordings))

        return self._made.setdefault(("links", tenant), Loader(load))

    def by_id(self, services: Services, tenant: TenantId, name: str) -> Loader[UUID, Any]:
        """Of one of the repositories of `Work`, by its name there."""

        async def load(ids: Sequence[UUID]) -> list[Any]:
            async with services.store.work(tenant) as work:
                found = {item.id: item for item in await getattr(work, name).many(ids)}
            return [found.get(id) for id in ids]

        return self._made.setdefault((name, tenant), Loader(load))


async def _stories(services: Services, tenant: TenantId, calls: Sequence[Call]) -> list[Story]:
    """Most logs are a page long: those pages are read at once."""
    async with services.store.work(tenant) as work:
        pages = [await work.calls.log_page(call.id, 0, EVENTS_PER_PAGE) for call in calls]
    try:
        # Whoever asked is not there any longer than that.
        async with asyncio.timeout(RETELL_SECONDS):
            pairs = zip(calls, pages, strict=True)
            return [await _story(services, tenant, call, page) for call, page in pairs]
    except TimeoutError:
        raise Unavailable(f"The logs took longer than {RETELL_SECONDS:.0f} seconds.") from None


async def _story(
    services: Services, tenant: TenantId, call: Call, first: Iterable[Recorded]
) -> Story:
    async with reading(services, tenant, call.id, first) as read:
        return await retell(read, services.pacer, Story(context=given_to(call)))


scope: ContextVar[Loaders] = ContextVar("loaders")


def loaders() -> Loaders:
    return scope.get()
