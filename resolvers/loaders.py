"""Data loaders, which answer many fields of the same kind with one query."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from aiodataloader import DataLoader

from domain.calls.context import initial_context
from domain.calls.events import StoredEvent
from domain.calls.model import Call
from domain.calls.recordings import Recording
from domain.calls.state import EVENTS_PER_PAGE, CallProjection, replay_log
from domain.common.access import TenantId, Viewer
from domain.common.errors import Unavailable
from domain.common.findings import Finding
from domain.ports import Services
from domain.telephony.inbound_routes import RouteProblem, route_problem
from domain.telephony.trunk_usage import NO_USAGE, TrunkUsage
from domain.telephony.trunks import NumberReference, PhoneNumber
from domain.use_cases.recordings import recording_link
from domain.use_cases.workflows import take_snapshots, verify_workflows
from domain.workflows.model import Snapshot, Version, Workflow
from resolvers.event_logs import log_reader

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

REPLAY_TIMEOUT_SECONDS = 10.0


class Loader(DataLoader[K, V], Generic[K, V]):
    def __init__(
        self,
        load: Callable[[list[K]], Awaitable[Sequence[V]]],
        get_cache_key: Callable[[K], Hashable] | None = None,
    ) -> None:
        super().__init__(self._load_batch, get_cache_key=get_cache_key)
        self._load = load
        self._batches: set[asyncio.Task[Any]] = set()

    def load(self, key: K) -> Any:
        result: asyncio.Future[V] = super().load(key)
        # All fields that wait for an error may have been cancelled, and asyncio logs errors that
        # are not retrieved.
        result.add_done_callback(_retrieve_error)
        # Cancelling one field must not cancel the result that other fields share.
        return asyncio.shield(result)

    def cancel(self) -> None:
        for batch in self._batches:
            batch.cancel()

    async def _load_batch(self, keys: list[K]) -> list[V]:
        batch = asyncio.current_task()
        assert batch is not None
        self._batches.add(batch)
        try:
            return list(await self._load(keys))
        finally:
            self._batches.discard(batch)


def _retrieve_error(result: asyncio.Future[Any]) -> None:
    if not result.cancelled():
        result.exception()


class Loaders:
    """The loaders of one operation, or of one event of a subscription."""

    def __init__(self) -> None:
        self._loaders: dict[tuple[str, TenantId], Loader[Any, Any]] = {}

    def cancel(self) -> None:
        """Cancel what is still being loaded when no field waits for it any more."""
        for loader in self._loaders.values():
            loader.cancel()

    def calls(self, services: Services, tenant: TenantId) -> Loader[UUID, Call | None]:
        return self.by_id(services, tenant, "calls")

    def workflows(self, services: Services, tenant: TenantId) -> Loader[UUID, Workflow | None]:
        return self.by_id(services, tenant, "workflows")

    def versions(self, services: Services, tenant: TenantId) -> Loader[UUID, Version | None]:
        return self.by_id(services, tenant, "versions")

    def call_projections(
        self, services: Services, tenant: TenantId
    ) -> Loader[Call, CallProjection]:
        async def load(calls: Sequence[Call]) -> list[CallProjection]:
            return await _load_projections(services, tenant, calls)

        return self._loaders.setdefault(
            ("call_projections", tenant), Loader(load, get_cache_key=lambda call: call.id)
        )

    def by_name(self, services: Services, tenant: TenantId, name: str) -> Loader[str, Any]:
        """The drafts of a repository by their names; `name` is the attribute of `UnitOfWork`."""

        async def load(names: Sequence[str]) -> list[Any]:
            async with services.store.transaction(tenant) as work:
                drafts = await getattr(work, name).by_names(names)
            by_name = {draft.spec.name: draft for draft in drafts}
            return [by_name.get(each) for each in names]

        return self._loaders.setdefault((f"{name}_by_name", tenant), Loader(load))

    def previous_versions(
        self, services: Services, tenant: TenantId
    ) -> Loader[UUID, Version | None]:
        """The published version before each version."""

        async def load(ids: Sequence[UUID]) -> list[Version | None]:
            async with services.store.transaction(tenant) as work:
                previous = await work.versions.previous(ids)
            return [previous.get(id) for id in ids]

        return self._loaders.setdefault(("previous_versions", tenant), Loader(load))

    def draft_snapshots(self, services: Services, tenant: TenantId) -> Loader[Workflow, Snapshot]:
        """The draft of each workflow, with its agents and tools in their current state."""

        async def load(workflows: Sequence[Workflow]) -> list[Snapshot]:
            async with services.store.transaction(tenant) as work:
                return await take_snapshots(work, [workflow.spec for workflow in workflows])

        return self._loaders.setdefault(
            ("draft_snapshots", tenant), Loader(load, get_cache_key=lambda w: (w.id, w.revision))
        )

    def findings(self, services: Services, viewer: Viewer) -> Loader[Workflow, tuple[Finding, ...]]:
        """The findings of each workflow's draft."""

        async def load(workflows: Sequence[Workflow]) -> list[tuple[Finding, ...]]:
            return await verify_workflows(
                services, viewer, [workflow.spec for workflow in workflows]
            )

        return self._loaders.setdefault(
            ("findings", viewer.tenant_id), Loader(load, get_cache_key=lambda w: (w.id, w.revision))
        )

    def users(self, services: Services, tenant: TenantId, name: str) -> Loader[str, list[str]]:
        """The names of the agents that use a tool, or of the workflows that use an agent. `name` is
        the repository to ask: `tools` or `workflows`."""

        async def load(names: Sequence[str]) -> list[list[str]]:
            async with services.store.transaction(tenant) as work:
                users = await getattr(work, name).users(names)
            return [list(users.get(each, ())) for each in names]

        return self._loaders.setdefault((f"users:{name}", tenant), Loader(load))

    def numbers_using(
        self, services: Services, tenant: TenantId, reference: NumberReference
    ) -> Loader[UUID, Sequence[PhoneNumber]]:
        """The telephone numbers of each workflow or trunk."""

        async def load(ids: Sequence[UUID]) -> list[Sequence[PhoneNumber]]:
            async with services.store.transaction(tenant) as work:
                numbers = await work.phone_numbers.using(reference, ids)
            return [numbers.get(id, ()) for id in ids]

        return self._loaders.setdefault((f"numbers:{reference}", tenant), Loader(load))

    def route_problems(
        self, services: Services, tenant: TenantId
    ) -> Loader[PhoneNumber, RouteProblem | None]:
        """Why LiveKit does not accept calls to each telephone number."""

        async def load(numbers: Sequence[PhoneNumber]) -> list[RouteProblem | None]:
            report = await services.route_reports.last()
            return [route_problem(number, report) for number in numbers]

        return self._loaders.setdefault(
            ("route_problems", tenant), Loader(load, get_cache_key=lambda number: number.id)
        )

    def trunk_usage(self, services: Services, tenant: TenantId) -> Loader[UUID, TrunkUsage]:
        """What has been dialled today over each outbound trunk."""

        async def load(ids: Sequence[UUID]) -> list[TrunkUsage]:
            async with services.store.transaction(tenant) as work:
                usage = await work.calls.trunk_usage(ids)
            return [usage.get(id, NO_USAGE) for id in ids]

        return self._loaders.setdefault(("trunk_usage", tenant), Loader(load))

    def recording_links(
        self, services: Services, tenant: TenantId
    ) -> Loader[Recording, tuple[str, datetime] | None]:
        """One link per recording and operation: its fields must come from the same link, because
        each new link has another expiry."""

        async def load(recordings: Sequence[Recording]) -> list[tuple[str, datetime] | None]:
            return await asyncio.gather(*(recording_link(services, each) for each in recordings))

        return self._loaders.setdefault(("recording_links", tenant), Loader(load))

    def by_id(self, services: Services, tenant: TenantId, name: str) -> Loader[UUID, Any]:
        """The items of a repository by id; `name` is the attribute of `UnitOfWork`."""

        async def load(ids: Sequence[UUID]) -> list[Any]:
            async with services.store.transaction(tenant) as work:
                items = {item.id: item for item in await getattr(work, name).by_ids(ids)}
            return [items.get(id) for id in ids]

        return self._loaders.setdefault((name, tenant), Loader(load))


async def _load_projections(
    services: Services, tenant: TenantId, calls: Sequence[Call]
) -> list[CallProjection]:
    """Replay the logs of calls. Most logs fit on one page, so all first pages are read in one
    transaction."""
    async with services.store.transaction(tenant) as work:
        pages = [await work.calls.log_page(call.id, 0, EVENTS_PER_PAGE) for call in calls]
    try:
        # An event of a subscription has no other deadline.
        async with asyncio.timeout(REPLAY_TIMEOUT_SECONDS):
            pairs = zip(calls, pages, strict=True)
            return [await _load_projection(services, tenant, call, page) for call, page in pairs]
    except TimeoutError:
        raise Unavailable(
            f"Reading the logs took longer than {REPLAY_TIMEOUT_SECONDS:.0f} seconds."
        ) from None


async def _load_projection(
    services: Services, tenant: TenantId, call: Call, first: Iterable[StoredEvent]
) -> CallProjection:
    async with log_reader(services, tenant, call.id, first) as read:
        return await replay_log(read, services.pacer, CallProjection(context=initial_context(call)))


current_loaders: ContextVar[Loaders] = ContextVar("loaders")


def loaders() -> Loaders:
    return current_loaders.get()
