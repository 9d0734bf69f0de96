"""The findings and versions of workflows."""

from __future__ import annotations

from collections.abc import Sequence

from domain.common.access import Scope
from domain.common.errors import Problem
from domain.common.findings import Finding
from domain.common.lists import Count
from domain.use_cases import workflows as use_cases
from domain.workflows.model import Version, VersionId, Workflow, WorkflowId, WorkflowSpec
from resolvers.context import Ctx
from resolvers.loaders import loaders
from resolvers.pagination import CountedPage, PageArguments, counted_page, parse_number


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


async def versions(info: Ctx, workflow: Workflow, page: PageArguments) -> CountedPage[Version]:
    viewer, store = info.context.require(Scope.WORKFLOWS_READ), info.context.services.store
    window = page.window("versions", parse_number)
    async with store.transaction(viewer.tenant_id) as work:
        listed = await work.versions.page(workflow.id, window)

    async def count() -> Count:
        async with store.transaction(viewer.tenant_id) as work:
            return Count(await work.versions.count(workflow.id))

    return counted_page("versions", listed, count)
