"""Editing, verifying and publishing workflows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from domain.common.access import Scope, Viewer
from domain.common.errors import NotFound, NotPublishable, Problem
from domain.common.findings import MAX_REPORTED, Finding, FindingCode, Severity
from domain.common.lists import Window
from domain.common.patches import patched
from domain.ports import Drafts, Services, UnitOfWork
from domain.tenants.budgets import Budget
from domain.tenants.credentials import CredentialKind
from domain.tenants.settings import apply_defaults, inherited_fields
from domain.use_cases.quotas import check_added_draft, check_storage
from domain.use_cases.telephony import MAX_TRUNKS, check_no_number_uses
from domain.verification import DRAFT, PUBLISH, Effort, TelephonyFacts, build_snapshot
from domain.verification.cached import VerificationInput
from domain.verification.telephony import needs_telephone
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
"""Spec text that is read at once: converting the rows to specs blocks the event loop."""
MAX_WAIT_SECONDS = 5.0
"""How long a transaction waits for the tenant's other transactions that compute."""

NO_RECORDING_STORE = Finding(
    code=FindingCode.NO_RECORDINGS,
    severity=Severity.ERROR,
    path=("recording", "enabled"),
    message="Calls cannot be recorded: this installation has no store for recordings.",
    fix="Set RECORDINGS_URL for every process, or turn off recording in the workflow.",
)


@asynccontextmanager
async def compute_transaction(services: Services, viewer: Viewer) -> AsyncGenerator[UnitOfWork]:
    """A transaction that waits for `Compute` while it holds a connection. Their number per tenant
    is limited, so that they cannot occupy all connections of the process."""
    tenant = viewer.tenant_id
    async with (
        services.compute_limit.acquire(MAX_WAIT_SECONDS, tenant),
        services.store.transaction(tenant) as work,
    ):
        yield work


async def create_workflow(
    services: Services, viewer: Viewer, spec: WorkflowSpec, found: Sequence[Problem] = ()
) -> Workflow:
    """`found` are the problems of the request that were found while it was read."""
    viewer.require(Scope.WORKFLOWS_WRITE)
    checked = await check_workflow_in_thread(services, viewer, spec, found)
    async with services.store.transaction(viewer.tenant_id) as work:
        await check_storage(work, viewer)
        workflow = await work.workflows.add(checked)
        await check_added_draft(work.workflows, Budget.WORKFLOWS, viewer.quotas.workflows)
        return workflow


async def update_workflow(
    services: Services,
    viewer: Viewer,
    id: WorkflowId,
    expected_revision: int,
    changes: Mapping[str, Any],
    found: Sequence[Problem] = (),
) -> Workflow:
    viewer.require(Scope.WORKFLOWS_WRITE)
    async with compute_transaction(services, viewer) as work:
        workflow = await get_workflow(work, id)
        problems = list(found)
        spec = patched(workflow.spec, changes, problems)
        spec = await check_workflow_in_thread(services, viewer, spec, problems)
        return await work.workflows.save(id, spec, expected_revision)


async def delete_workflow(services: Services, viewer: Viewer, id: WorkflowId) -> Workflow:
    """Delete the draft; calls that ran the workflow keep their versions. Raises `InUse` when
    telephone numbers are assigned to the workflow."""
    viewer.require(Scope.WORKFLOWS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        workflow = await get_workflow(work, id)
        await check_no_number_uses(work, "workflow_id", id, f"The workflow {workflow.spec.name}")
        await work.workflows.delete(id)
        return workflow


async def publish_workflow(
    services: Services, viewer: Viewer, id: WorkflowId, expected_revision: int, note: str | None
) -> tuple[Workflow, Version]:
    """Freeze the workflow with its agents and tools as a version. Raises `NotPublishable`, with all
    findings, when verification reports errors."""
    viewer.require(Scope.WORKFLOWS_WRITE)
    async with compute_transaction(services, viewer) as work:
        workflow = await get_workflow(work, id)
        workflow = await work.workflows.lock_at_revision(workflow, expected_revision)
        return await publish_draft(services, work, viewer, workflow, note)


async def verify_workflows(
    services: Services, viewer: Viewer, specs: Sequence[WorkflowSpec]
) -> list[tuple[Finding, ...]]:
    """Verify each of the workflows. The connection is released before verification starts."""
    viewer.require(Scope.WORKFLOWS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        inputs = await verification_inputs(services, work, await take_snapshots(work, specs))
    return [await verify_snapshot(services, viewer, each) for each in inputs]


async def check_workflow_in_thread(
    services: Services, viewer: Viewer, spec: WorkflowSpec, found: Sequence[Problem] = ()
) -> WorkflowSpec:
    """`check_workflow` in a thread, because it parses every condition."""
    return await services.compute.run(viewer.tenant_id, check_workflow, spec, (), found)


async def publish_draft(
    services: Services, work: UnitOfWork, viewer: Viewer, workflow: Workflow, note: str | None
) -> tuple[Workflow, Version]:
    """Publish the draft of a workflow that is locked until the commit."""
    await check_storage(work, viewer)
    snapshot = await take_snapshot(work, workflow.spec)
    await check_publishable(services, viewer, work, snapshot, PUBLISH)
    version = new_version(viewer, workflow, snapshot, services.clock(), note)
    version = await work.versions.add(version)
    return await work.workflows.publish(workflow.id, version.id), version


async def take_snapshot(work: UnitOfWork, spec: WorkflowSpec) -> Snapshot:
    return (await take_snapshots(work, [spec]))[0]


async def take_snapshots(work: UnitOfWork, specs: Sequence[WorkflowSpec]) -> list[Snapshot]:
    """Snapshots of the drafts, with the tenant's defaults filled in where agents choose none."""
    defaults = (await work.settings.get()).spec.defaults
    agent_names = {node.agent for spec in specs for node in spec.nodes}
    drafts = await _specs_by_names(work.agents, agent_names)
    agents = {agent.name: apply_defaults(agent, defaults) for agent in drafts}
    inherited = {agent.name: inherited_fields(agent, agents[agent.name]) for agent in drafts}
    tool_specs = await _specs_by_names(
        work.tools, {tool for agent in drafts for tool in agent.tools}
    )
    tools = {tool.name: tool for tool in tool_specs}
    snapshots = [build_snapshot(spec, agents, tools) for spec in specs]
    return [
        replace(each, inherited={name: inherited[name] for name in each.agents if inherited[name]})
        for each in snapshots
    ]


async def verification_inputs(
    services: Services, work: UnitOfWork, snapshots: Sequence[Snapshot]
) -> list[VerificationInput]:
    """Combine each snapshot with the tenant's settings and the providers that have a key."""
    own = await work.credentials.all(CredentialKind.PROVIDER)
    keys = services.provider_keys.union(credential.name for credential in own)
    settings = (await work.settings.get()).spec
    facts = await _telephony_facts(work, snapshots)
    return [
        VerificationInput(snapshot, settings, keys, facts.get(snapshot.workflow.name))
        for snapshot in snapshots
    ]


async def _telephony_facts(
    work: UnitOfWork, snapshots: Sequence[Snapshot]
) -> Mapping[str, TelephonyFacts]:
    """What the tenant has of telephony, by the name of each workflow that needs it."""
    names = [snapshot.workflow.name for snapshot in snapshots if needs_telephone(snapshot)]
    if not names:
        return {}
    trunks = await work.outbound_trunks.page(Window(MAX_TRUNKS))
    facts = TelephonyFacts(
        outbound_trunks=tuple(t.spec for t in trunks.items if t.spec.is_enabled),
        has_numbers=await work.phone_numbers.count() > 0,
    )
    stored = {workflow.id: workflow.spec.name for workflow in await work.workflows.by_names(names)}
    answering = await work.phone_numbers.using("workflow_id", list(stored))
    answered = {stored[WorkflowId(id)] for id in answering}
    return {name: replace(facts, answers_number=name in answered) for name in names}


async def verify_snapshot(
    services: Services, viewer: Viewer, input: VerificationInput, effort: Effort = DRAFT
) -> tuple[Finding, ...]:
    findings = await services.verifier.findings(viewer.tenant_id, input, effort)
    if input.snapshot.workflow.is_recorded and services.audio_store is None:
        return (*findings, NO_RECORDING_STORE)
    return findings


async def check_publishable(
    services: Services, viewer: Viewer, work: UnitOfWork, snapshot: Snapshot, effort: Effort
) -> None:
    [input] = await verification_inputs(services, work, [snapshot])
    findings = await verify_snapshot(services, viewer, input, effort)
    errors = [f for f in findings if f.severity is Severity.ERROR]
    if errors:
        raise NotPublishable(
            f"The workflow has {len(errors)} error(s); the first is: {errors[0].message}",
            ("id",),
            findings=findings[:MAX_REPORTED],
        )


async def _specs_by_names(drafts: Drafts[Any, Any], names: Collection[str]) -> list[Any]:
    return await load_specs(drafts, await drafts.sizes_of(sorted(names)))


async def load_specs(drafts: Drafts[Any, Any], sizes: Mapping[UUID, int]) -> list[Any]:
    """Load the specs of the drafts with these ids, in batches bounded by the sizes."""
    loaded: list[Any] = []
    for ids in _batches(sizes):
        loaded += await drafts.by_ids(ids)
    return [draft.spec for draft in loaded]


def _batches(sizes: Mapping[UUID, int]) -> Iterator[list[UUID]]:
    batch: list[UUID] = []
    remaining = MAX_BATCH_BYTES
    for id, size in sizes.items():
        if batch and size > remaining:
            yield batch
            batch, remaining = [], MAX_BATCH_BYTES
        batch.append(id)
        remaining -= size
    if batch:
        yield batch


def new_version(
    viewer: Viewer, workflow: Workflow, snapshot: Snapshot, at: datetime, note: str | None = None
) -> Version:
    """A version without number and checksum, which are assigned when it is stored."""
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
        raise NotFound("There is no such workflow.", ("id",))
    return workflow
