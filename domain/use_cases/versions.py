"""Versions of workflows: restoring one, and finding the one that a call is to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from domain.common.access import Scope, Viewer
from domain.common.errors import NameTaken, NotFound, Path, RevisionConflict
from domain.common.problems import raise_per_value
from domain.ports import Services, UnitOfWork
from domain.tenants.budgets import Budget
from domain.tenants.settings import apply_defaults, inherited_fields, without_defaults
from domain.tools.model import tool_problems
from domain.use_cases.quotas import upsert_within_quota
from domain.use_cases.workflows import compute_transaction, get_workflow, publish_draft
from domain.workflows.agents import AgentSpec, agent_problems
from domain.workflows.model import (
    Snapshot,
    Version,
    VersionId,
    Workflow,
    WorkflowId,
    workflow_problems,
)

REQUIRED_SCOPES = (Scope.WORKFLOWS_WRITE, Scope.AGENTS_WRITE, Scope.TOOLS_WRITE)
"""Restoring a version may change agents and tools too."""


async def restore_workflow(
    services: Services,
    viewer: Viewer,
    id: WorkflowId,
    version_id: VersionId,
    expected_revision: int,
    publish: bool = False,
) -> tuple[Workflow, Version | None]:
    """Restore a version's workflow as the draft, together with its agents and tools, atomically.

    The current slug is kept, because calls refer to the workflow by it. With `publish`, the
    restored draft is published; the returned version is the new one, or None."""
    for scope in REQUIRED_SCOPES:
        viewer.require(scope)
    async with compute_transaction(services, viewer) as work:
        workflow = await get_workflow(work, id)
        workflow = await work.workflows.lock_at_revision(workflow, expected_revision)
        version = await get_version(work, workflow, version_id, ("versionId",))
        spec = replace(version.snapshot.workflow, name=workflow.spec.name)
        snapshot = replace(version.snapshot, workflow=spec)
        await services.compute.run(viewer.tenant_id, _check, snapshot)
        await _restore_agents_and_tools(work, viewer, version.snapshot, workflow)
        workflow = await work.workflows.save(id, spec, expected_revision)
        if not publish:
            return workflow, None
        return await publish_draft(services, work, viewer, workflow, _note(version))


async def get_version(work: UnitOfWork, workflow: Workflow, id: UUID, path: Path) -> Version:
    """The version, if it belongs to the workflow. A version of another workflow is reported as
    missing, so that its existence is not revealed."""
    version = next(iter(await work.versions.by_ids([id])), None)
    if version is None or version.workflow_id != workflow.id:
        raise NotFound("The workflow has no such version.", path)
    return version


def _check(snapshot: Snapshot) -> None:
    """Apply the current rules, which may be newer than the version."""
    path = ("versionId",)
    raise_per_value(
        workflow_problems(snapshot.workflow, (*path, "workflow")),
        *(agent_problems(a, (*path, "agents", name)) for name, a in snapshot.agents.items()),
        *(tool_problems(tool, (*path, "tools", name)) for name, tool in snapshot.tools.items()),
    )


async def _restore_agents_and_tools(
    work: UnitOfWork, viewer: Viewer, snapshot: Snapshot, workflow: Workflow
) -> None:
    agents, tools = await _as_edited(work, snapshot), list(snapshot.tools.values())
    quotas = viewer.quotas
    try:
        await upsert_within_quota(work.tools, tools, Budget.TOOLS, quotas.tools)
        await upsert_within_quota(work.agents, agents, Budget.AGENTS, quotas.agents)
    except NameTaken as taken:
        # The item was missing, and a concurrent request created it just now.
        raise RevisionConflict(
            "An agent or a tool of the version was created at the same time. Repeat the request.",
            ("expectedRevision",),
            current=workflow.revision,
        ) from taken


async def _as_edited(work: UnitOfWork, snapshot: Snapshot) -> list[AgentSpec]:
    """The agents of the version without what they inherited, so that they follow the settings."""
    inherited = snapshot.inherited
    if inherited is None:
        inherited = await _still_inherited(work, snapshot)
    return [
        without_defaults(agent, inherited.get(name, ())) for name, agent in snapshot.agents.items()
    ]


async def _still_inherited(work: UnitOfWork, snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """What the agents of an older version inherited, as far as it can be known: the fields that
    their drafts inherit and that have the same values."""
    defaults = (await work.settings.get()).spec.defaults
    drafts = [draft.spec for draft in await work.agents.by_names(list(snapshot.agents))]
    filled = {draft.name: apply_defaults(draft, defaults) for draft in drafts}
    return {
        draft.name: tuple(
            name
            for name in inherited_fields(draft, filled[draft.name])
            if getattr(filled[draft.name], name) == getattr(snapshot.agents[draft.name], name)
        )
        for draft in drafts
    }


def _note(version: Version) -> str:
    return f"Restored version {version.number}." if version.number else "Restored a draft."
