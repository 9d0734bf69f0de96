"""The changes between versions."""

from __future__ import annotations

from uuid import UUID

from domain.bundles.diff import Change, diff
from domain.common.access import USER_SUBJECT, Scope, Viewer
from domain.common.errors import NotFound
from domain.tenants.members import Member
from domain.workflows.model import Snapshot, Version, VersionId, Workflow
from resolvers.context import Ctx
from resolvers.global_ids import require_id
from resolvers.loaders import loaders

Changes = tuple[Change, ...]


async def version_changes(info: Ctx, version: Version, since: str | None) -> Changes:
    """The changes of a version since `since`, or since the previous version if that is None."""
    viewer, services = _require_read_scopes(info), info.context.services
    if since is None:
        before = await loaders().previous_versions(services, viewer.tenant_id).load(version.id)
    else:
        before = await _version(info, viewer, since)
    return await _diff(info, before, version.snapshot)


async def draft_changes(info: Ctx, workflow: Workflow, since: str | None) -> Changes:
    """The changes of the draft since `since`; if that is None, since the published version, or since
    nothing if there is none."""
    viewer, services = _require_read_scopes(info), info.context.services
    draft = await loaders().draft_snapshots(services, viewer.tenant_id).load(workflow)
    if since is not None:
        return await _diff(info, await _version(info, viewer, since), draft)
    versions = loaders().versions(services, viewer.tenant_id)
    published = await versions.load(workflow.published) if workflow.published else None
    return await _diff(info, published, draft)


async def _version(info: Ctx, viewer: Viewer, id: str) -> Version:
    """The version to compare with."""
    found: Version | None = await (
        loaders()
        .versions(info.context.services, viewer.tenant_id)
        .load(VersionId(require_id("WorkflowVersion", id, ("from",))))
    )
    if found is None:
        raise NotFound("There is no such version.", ("from",))
    return found


async def publisher(info: Ctx, version: Version) -> Member | None:
    """The member who published a version; None for an API key, and for a person who has left."""
    viewer = info.context.require(Scope.MEMBERS_READ)
    kind, _, id = version.published_by.partition(":")
    if kind != USER_SUBJECT:
        return None
    members = loaders().by_id(info.context.services, viewer.tenant_id, "members")
    loaded: Member | None = await members.load(UUID(id))
    return loaded


async def _diff(info: Ctx, before: Version | None, after: Snapshot) -> Changes:
    # Comparing large prompts takes a while, so it does not run on the event loop.
    compute, tenant = info.context.services.compute, info.context.require().tenant_id
    return await compute.run(tenant, diff, before.snapshot if before else None, after)


def _require_read_scopes(info: Ctx) -> Viewer:
    """A diff shows prompts and tools, so the scope to read workflows alone is not enough."""
    info.context.require(Scope.AGENTS_READ)
    info.context.require(Scope.TOOLS_READ)
    return info.context.require(Scope.WORKFLOWS_READ)
