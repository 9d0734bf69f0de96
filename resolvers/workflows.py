"""The findings and versions of workflows."""

from __future__ import annotations

from collections.abc import Sequence

from domain.common.access import Scope
from domain.common.errors import Problem
from domain.common.findings import Finding
from domain.ports import PageKey
from domain.use_cases import workflows as use_cases
from domain.workflows.model import Version, VersionId, Workflow, WorkflowId, WorkflowSpec
from resolvers.context import Ctx
from resolvers.loaders import loaders
from resolvers.pagination import Page, clamp_page_size, decode_cursor, keyset_page


async def findings(info: Ctx, workflow: Workflow) -> tuple[Finding, ...]:
    """The findings of a workflow's draft."""
    viewer = info.context.require(Scope.WORKFLOWS_READ)
    loaded: tuple[Finding, ...] = await (
        loaders().findings(info.context.services, viewer).load(workflow)
    )
    return loaded


async def findings_of(
    info: Ctx, spec: WorkflowSpec, found: Sequence[Problem] = ()
) -> tuple[Finding, ...]:
    """The findings of a workflow that need not be saved."""
    info.context.require(Scope.WORKFLOWS_READ)
    checked = await info.context.run(use_cases.check_workflow_in_thread, spec, found)
    [result] = await info.context.run(use_cases.verify_workflows, [checked])
    return result


async def published(info: Ctx, workflow: Workflow) -> Version | None:
    return await version(info, workflow.published) if workflow.published else None


async def version(info: Ctx, id: VersionId) -> Version | None:
    viewer = info.context.require(Scope.WORKFLOWS_READ)
    loaded: Version | None = await (
        loaders().versions(info.context.services, viewer.tenant_id).load(id)
    )
    return loaded


async def workflow(info: Ctx, id: WorkflowId) -> Workflow | None:
    viewer = info.context.require(Scope.WORKFLOWS_READ)
    loaded: Workflow | None = await (
        loaders().workflows(info.context.services, viewer.tenant_id).load(id)
    )
    return loaded


async def versions(
    info: Ctx, workflow: Workflow, first: int | None, after: str | None
) -> Page[Version]:
    viewer = info.context.require(Scope.WORKFLOWS_READ)
    key = decode_cursor("versions", after)
    async with info.context.services.store.transaction(viewer.tenant_id) as work:
        page = await work.versions.page(workflow.id, clamp_page_size(first), key)
    return keyset_page("versions", page, lambda v: PageKey(v.published_at, v.id))
