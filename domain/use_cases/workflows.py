"""What people do with workflows: edit the draft, verify it, publish it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from domain.common.access import Scope, Viewer
from domain.common.errors import NotFound, NotPublishable, Path
from domain.common.findings import MAX_REPORTED, Finding, FindingCode, Severity
from domain.ports import Drafts, Services, UnitOfWork
from domain.tenants.credentials import CredentialKind
from domain.tenants.settings import apply_defaults
from domain.verification import DRAFT, PUBLISH, Effort, build_snapshot
from domain.verification.cached import VerificationInput
from domain.workflows.model import (
    Snapshot,
    Version,
    VersionId,
    Workflow,
    WorkflowId,
    WorkflowSpec,
    check_workflow,
)

MAX_BATCH_BYTES = 2**18
"""Read at once: while they are made of what the database answers, nobody else is served."""
MAX_WAIT_SECONDS = 5.0
"""For other transactions of the tenant that compute."""

NO_RECORDING_STORE = Finding(
    code=FindingCode.NO_RECORDINGS,
    severity=Severity.ERROR,
    path=("recording", "enabled"),
    message="Calls cannot be recorded: this installation has no place for recordings.",
    fix="Set RECORDINGS_URL for every process, or switch recording off.",
)


@asynccontextmanager
async def compute_transaction(services: Services, viewer: Viewer) -> AsyncGenerator[UnitOfWork]:
    """A transaction that waits for `Compute`. A tenant has few of them at once: those that wait for
    their turn would otherwise hold all connections of the process."""
    tenant = viewer.tenant_id
    async with (
        services.compute_limit.acquire(MAX_WAIT_SECONDS, tenant),
        services.store.transaction(tenant) as work,
    ):
        yield work


async def create_workflow(services: Services, viewer: Viewer, spec: WorkflowSpec) -> Workflow:
    viewer.require(Scope.WORKFLOWS_WRITE)
    checked = await check_workflow_in_thread(services, viewer, spec)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.workflows.add(checked)


async def update_workflow(
    services: Services,
    viewer: Viewer,
    id: WorkflowId,
    expected_revision: int,
    changes: dict[str, Any],
) -> Workflow:
    viewer.require(Scope.WORKFLOWS_WRITE)
    async with compute_transaction(services, viewer) as work:
        workflow = await get_workflow(work, id)
        spec = await check_workflow_in_thread(services, viewer, replace(workflow.spec, **changes))
        return await work.workflows.save(id, spec, expected_revision)


async def delete_workflow(services: Services, viewer: Viewer, id: WorkflowId) -> Workflow:
    """The draft goes; calls that ran it keep their versions."""
    viewer.require(Scope.WORKFLOWS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        workflow = await get_workflow(work, id)
        await work.workflows.delete(id)
        return workflow


async def publish_workflow(
    services: Services, viewer: Viewer, id: WorkflowId, expected_revision: int, note: str | None
) -> tuple[Workflow, Version]:
    """Freeze the workflow with its agents and tools; `NotPublishable` with every finding."""
    viewer.require(Scope.WORKFLOWS_WRITE)
    async with compute_transaction(services, viewer) as work:
        workflow = await get_workflow(work, id)
        workflow = await work.workflows.lock_at_revision(workflow, expected_revision)
        return await publish_draft(services, work, viewer, workflow, note)


async def verify_workflows(
    services: Services, viewer: Viewer, specs: Sequence[WorkflowSpec]
) -> list[tuple[Finding, ...]]:
    """Of each. The database is let go before the verification begins."""
    viewer.require(Scope.WORKFLOWS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        given = await verification_inputs(services, work, await take_snapshots(work, specs))
    return [await verify_snapshot(services, viewer, each) for each in given]


async def check_workflow_in_thread(
    services: Services, viewer: Viewer, spec: WorkflowSpec, path: Path = ("input",)
) -> WorkflowSpec:
    """`check_workflow` beside the event loop: it reads every condition."""
    return await services.compute.run(viewer.tenant_id, check_workflow, spec, path)


async def publish_draft(
    services: Services, work: UnitOfWork, viewer: Viewer, workflow: Workflow, note: str | None
) -> tuple[Workflow, Version]:
    """Of a workflow that is kept from changing until the commit."""
    snapshot = await take_snapshot(work, workflow.spec)
    await check_publishable(services, viewer, work, snapshot, PUBLISH)
    version = new_version(viewer, workflow, snapshot, services.clock(), note)
    version = await work.versions.add(version)
    return await work.workflows.publish(workflow.id, version.id), version


async def take_snapshot(work: UnitOfWork, spec: WorkflowSpec) -> Snapshot:
    return (await take_snapshots(work, [spec]))[0]


async def take_snapshots(work: UnitOfWork, specs: Sequence[WorkflowSpec]) -> list[Snapshot]:
    """Agents have the tenant's defaults where they chose nothing."""
    defaults = (await work.settings.get()).spec.defaults
    held = await _specs_by_names(work.agents, {node.agent for spec in specs for node in spec.nodes})
    agents = {agent.name: apply_defaults(agent, defaults) for agent in held}
    used = await _specs_by_names(work.tools, {tool for agent in held for tool in agent.tools})
    tools = {tool.name: tool for tool in used}
    return [build_snapshot(spec, agents, tools) for spec in specs]


async def verification_inputs(
    services: Services, work: UnitOfWork, snapshots: Sequence[Snapshot]
) -> list[VerificationInput]:
    """With all that is known here: the settings, and which providers there are keys for."""
    own = await work.credentials.all(CredentialKind.PROVIDER)
    keys = services.provider_keys.union(credential.name for credential in own)
    settings = (await work.settings.get()).spec
    return [VerificationInput(snapshot, settings, keys) for snapshot in snapshots]


async def verify_snapshot(
    services: Services, viewer: Viewer, given: VerificationInput, effort: Effort = DRAFT
) -> tuple[Finding, ...]:
    found = await services.verifier.findings(viewer.tenant_id, given, effort)
    if given.snapshot.workflow.is_recorded and services.audio_store is None:
        return (*found, NO_RECORDING_STORE)
    return found


async def check_publishable(
    services: Services, viewer: Viewer, work: UnitOfWork, snapshot: Snapshot, effort: Effort
) -> None:
    [given] = await verification_inputs(services, work, [snapshot])
    findings = await verify_snapshot(services, viewer, given, effort)
    errors = [f for f in findings if f.severity is Severity.ERROR]
    if errors:
        raise NotPublishable(
            f"The workflow has {len(errors)} error(s); the first: {errors[0].message}",
            ("input", "id"),
            findings=findings[:MAX_REPORTED],
        )


async def _specs_by_names(drafts: Drafts[Any, Any], names: Collection[str]) -> list[Any]:
    return await load_specs(drafts, await drafts.sizes_of(sorted(names)))


async def load_specs(drafts: Drafts[Any, Any], sizes: Mapping[UUID, int]) -> list[Any]:
    """The specs of those whose sizes these are, in batches."""
    found: list[Any] = []
    for ids in _batches(sizes):
        found += await drafts.by_ids(ids)
    return [item.spec for item in found]


def _batches(sizes: Mapping[UUID, int]) -> Iterator[list[UUID]]:
    batch: list[UUID] = []
    room = MAX_BATCH_BYTES
    for id, size in sizes.items():
        if batch and size > room:
            yield batch
            batch, room = [], MAX_BATCH_BYTES
        batch.append(id)
        room -= size
    if batch:
        yield batch


def new_version(
    viewer: Viewer, workflow: Workflow, snapshot: Snapshot, at: datetime, note: str | None = None
) -> Version:
    """A version without number or checksum: both are given when it is stored."""
    return Version(
        id=VersionId(uuid4()),
        tenant_id=viewer.tenant_id,
        workflow_id=workflow.id,
        number=-1,
        checksum="",
        note=note,
        published_at=at,
        published_by=viewer.subject,
        snapshot=snapshot,
    )


async def get_workflow(work: UnitOfWork, id: WorkflowId) -> Workflow:
    workflow = await work.workflows.get(id)
    if workflow is None:
        raise NotFound("There is no such workflow.", ("input", "id"))
    return workflow
