"""What people do with versions: go back to one, and run a call on one."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from domain.common.access import Scope, Viewer
from domain.common.errors import NameTaken, NotFound, Path, RevisionConflict
from domain.ports import Services, UnitOfWork
from domain.tools.model import check_tool
from domain.use_cases.workflows import compute_transaction, get_workflow, publish_draft
from domain.workflows.agents import check_agent
from domain.workflows.model import (
    Snapshot,
    Version,
    VersionId,
    Workflow,
    WorkflowId,
    check_workflow,
)

REQUIRED_SCOPES = (Scope.WORKFLOWS_WRITE, Scope.AGENTS_WRITE, Scope.TOOLS_WRITE)
"""Going back may change agents and tools as well."""


async def restore_workflow(
    services: Services,
    viewer: Viewer,
    id: WorkflowId,
    version_id: VersionId,
    expected_revision: int,
    publish: bool = False,
) -> tuple[Workflow, Version | None]:
    """Make the version's workflow the draft again, with its agents and tools.

    The slug stays as it is now: it is what calls name the workflow by. All of it happens, or
    nothing; the version is the one that was published by it."""
    for scope in REQUIRED_SCOPES:
        viewer.require(scope)
    async with compute_transaction(services, viewer) as work:
        workflow = await get_workflow(work, id)
        workflow = await work.workflows.lock_at_revision(workflow, expected_revision)
        version = await get_version(work, workflow, version_id, ("input", "versionId"))
        spec = replace(version.snapshot.workflow, name=workflow.spec.name)
        checked = replace(version.snapshot, workflow=spec)
        await services.compute.run(viewer.tenant_id, _check, checked)
        await _restore_agents_and_tools(work, version.snapshot, workflow)
        workflow = await work.workflows.save(id, spec, expected_revision)
        if not publish:
            return workflow, None
        return await publish_draft(services, work, viewer, workflow, _note(version))


async def get_version(work: UnitOfWork, workflow: Workflow, id: UUID, path: Path) -> Version:
    """Whoever names a version of something else learns only that it is not there."""
    version = next(iter(await work.versions.by_ids([id])), None)
    if version is None or version.workflow_id != workflow.id:
        raise NotFound("The workflow has no such version.", path)
    return version


def _check(snapshot: Snapshot) -> None:
    """The rules of today: the version may be older than they are."""
    path = ("input", "versionId")
    check_workflow(snapshot.workflow, (*path, "workflow"))
    for name, agent in snapshot.agents.items():
        check_agent(agent, (*path, "agents", name))
    for name, tool in snapshot.tools.items():
        check_tool(tool, (*path, "tools", name))


async def _restore_agents_and_tools(
    work: UnitOfWork, snapshot: Snapshot, workflow: Workflow
) -> None:
    try:
        await work.tools.upsert_all(list(snapshot.tools.values()))
        await work.agents.upsert_all(list(snapshot.agents.values()))
    except NameTaken as taken:
        # It was missing, and somebody made one in this moment.
        raise RevisionConflict(
            "Somebody made an agent or a tool of the version meanwhile. Repeat the request.",
            ("input", "expectedRevision"),
            current=workflow.revision,
        ) from taken


def _note(version: Version) -> str:
    return f"Version {version.number} restored." if version.number else "A draft restored."
