"""Creating, editing and deleting agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.common.access import Scope, Viewer
from domain.common.errors import InUse, NotFound, Problem
from domain.common.patches import patched
from domain.ports import Services
from domain.tenants.budgets import Budget
from domain.use_cases.quotas import check_added_draft, check_storage
from domain.workflows.agents import Agent, AgentId, AgentSpec, check_agent


async def create_agent(
    services: Services, viewer: Viewer, spec: AgentSpec, found: Sequence[Problem] = ()
) -> Agent:
    """`found` are the problems of the request that were found while it was read."""
    viewer.require(Scope.AGENTS_WRITE)
    check_agent(spec, found=found)
    async with services.store.transaction(viewer.tenant_id) as work:
        await check_storage(work, viewer)
        agent = await work.agents.add(spec)
        await check_added_draft(work.agents, Budget.AGENTS, viewer.quotas.agents)
        return agent


async def update_agent(
    services: Services,
    viewer: Viewer,
    id: AgentId,
    expected_revision: int,
    changes: Mapping[str, Any],
    found: Sequence[Problem] = (),
) -> Agent:
    """Change the fields in `changes`. Raises `InUse` when the name changes while workflows use it."""
    viewer.require(Scope.AGENTS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        agent = await work.agents.get(id)
        if agent is None:
            raise NotFound("There is no such agent.", ("id",))
        problems = list(found)
        spec = check_agent(patched(agent.spec, changes, problems), found=problems)
        if spec.name != agent.spec.name:
            _check_unused(agent, await work.workflows.workflows_using(agent.spec.name), "name")
        return await work.agents.save(id, spec, expected_revision)


async def delete_agent(services: Services, viewer: Viewer, id: AgentId) -> Agent:
    viewer.require(Scope.AGENTS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        agent = await work.agents.get(id)
        if agent is None:
            raise NotFound("There is no such agent.", ("id",))
        _check_unused(agent, await work.workflows.workflows_using(agent.spec.name), "id")
        await work.agents.delete(id)
        return agent


def _check_unused(agent: Agent, workflows: Any, field: str) -> None:
    if workflows:
        raise InUse(
            f"The agent {agent.spec.name} is used by {', '.join(workflows)}.",
            (field,),
            used_by=tuple(workflows),
        )
