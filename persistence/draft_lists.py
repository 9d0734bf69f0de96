"""Live lists of agents, tools and workflows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from domain.common.access import TenantId
from domain.common.drafts import DraftFilter, DraftState
from domain.common.lists import ListUpdate
from domain.ports import Drafts, Store, UnitOfWork
from domain.tools.model import Tool
from domain.workflows.agents import Agent
from domain.workflows.model import Workflow
from persistence.live_lists import MAX_ITEMS, ListSource, LiveLists, LookupTurns
from persistence.notifications import drafts_channel
from persistence.pubsub import Channels

D = TypeVar("D", Agent, Tool, Workflow)


class SqlDraftLists:
    def __init__(
        self,
        store: Store,
        pool: asyncpg.Pool[asyncpg.Record],
        channels: Channels[object],
        turns: LookupTurns,
    ) -> None:
        self._store = store
        self._pool = pool
        self._lists = LiveLists(channels, turns, self._fetch_versions)
        self.run_version_check = self._lists.run_version_check

    def agents(self, tenant: TenantId, filter: DraftFilter) -> AsyncGenerator[ListUpdate[Agent]]:
        return self._watch(tenant, filter, Agent, "agent", lambda work: work.agents)

    def tools(self, tenant: TenantId, filter: DraftFilter) -> AsyncGenerator[ListUpdate[Tool]]:
        return self._watch(tenant, filter, Tool, "tool", lambda work: work.tools)

    def workflows(
        self, tenant: TenantId, filter: DraftFilter
    ) -> AsyncGenerator[ListUpdate[Workflow]]:
        return self._watch(tenant, filter, Workflow, "workflow", lambda work: work.workflows)

    def _watch(
        self,
        tenant: TenantId,
        filter: DraftFilter,
        kind: type[D],
        noun: str,
        get_repository: Callable[[UnitOfWork], Drafts[D, Any]],
    ) -> AsyncGenerator[ListUpdate[D]]:
        known: dict[UUID, D] = {}

        async def fetch() -> Sequence[D]:
            """Only what changed is read, because large drafts take a while to parse."""
            async with self._store.transaction(tenant) as work:
                repository = get_repository(work)
                states = await repository.latest_edits(filter, MAX_ITEMS)
                changed = [state.id for state in states if not _is_current(known, state)]
                known.update((draft.id, draft) for draft in await repository.by_ids(changed))
            drafts = [known[state.id] for state in states if state.id in known]
            known.clear()
            known.update((draft.id, draft) for draft in drafts)
            return drafts

        channel = drafts_channel(tenant, noun)
        source = ListSource(tenant, kind, filter, channel, fetch, lambda draft: draft.id)
        return self._lists.watch(source)

    async def _fetch_versions(self, tenants: Sequence[TenantId]) -> Mapping[TenantId, str]:
        rows = await self._pool.fetch("select * from draft_list_versions($1)", tenants)
        return {TenantId(row["tenant_id"]): row["version"] for row in rows}


def _is_current(known: Mapping[UUID, Agent | Tool | Workflow], state: DraftState) -> bool:
    draft = known.get(state.id)
    return draft is not None and (draft.revision, draft.updated_at) == (
        state.revision,
        state.updated_at,
    )
