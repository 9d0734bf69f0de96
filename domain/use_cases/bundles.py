"""Exporting workflows with their agents and tools as a bundle, and importing bundles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from domain.audit.model import AuditKind, AuditNote
from domain.bundles.diff import ChangeKind, describe_values, diff_settings
from domain.bundles.import_report import ImportNote, NoteKind, SettingsImport
from domain.bundles.imports import import_value
from domain.bundles.model import (
    KINDS,
    MAX_ITEMS_PER_KIND,
    Bundle,
    Spec,
    changed_fields,
    write_bundle,
)
from domain.bundles.structuring import MAX_VALUES
from domain.bundles.used_settings import used_settings
from domain.common.access import Scope, Viewer
from domain.common.errors import (
    InvalidInput,
    NameTaken,
    NotConvertible,
    NotPublishable,
    Path,
    WorkflowNotFound,
)
from domain.common.findings import MAX_REPORTED, Finding, FindingCode, Severity
from domain.common.json_values import has_more_items
from domain.ports import Drafts, Services, UnitOfWork
from domain.tenants.budgets import Budget
from domain.tenants.settings import (
    NO_SETTINGS,
    TenantSettings,
    bundled_settings,
    check_settings,
    merge_settings,
)
from domain.use_cases.quotas import check_storage, upsert_within_quota
from domain.use_cases.workflows import (
    compute_transaction,
    load_specs,
    publish_draft,
    take_snapshots,
    verification_inputs,
    verify_snapshot,
)
from domain.verification import DRAFT, PUBLISH
from domain.workflows.model import Snapshot, Version, Workflow

READ_SCOPES = (Scope.WORKFLOWS_READ, Scope.AGENTS_READ, Scope.TOOLS_READ)
WRITE_SCOPES = (Scope.WORKFLOWS_WRITE, Scope.AGENTS_WRITE, Scope.TOOLS_WRITE)
MAX_EXPORT_BYTES = 8 * 2**20
"""Total size of the specs in one export, as text."""
MAX_YAML_BYTES = 2 * MAX_EXPORT_BYTES
"""Size of an export as YAML, which indentation and escapes make larger than JSON."""
MAX_EXPORTED_WORKFLOWS = 100
"""Workflows that may be named in one export."""
PATH = ("bundle",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did, or would do without `dry_run`."""

    notes: tuple[ImportNote, ...]
    workflows: tuple[Workflow, ...]
    versions: tuple[Version, ...]
    """The versions that the import published."""
    findings: tuple[Finding, ...]
    """The findings of all imported workflows; each path starts with the workflow."""


class _DryRunRollback(Exception):
    """Rolls back the transaction of a dry run."""


async def export_bundle(
    services: Services, viewer: Viewer, slugs: Sequence[str] | None = None
) -> Bundle:
    """Export the workflows with these slugs and the agents, tools and settings they use; None
    exports everything. Settings are exported to viewers who may read them."""
    for scope in READ_SCOPES:
        viewer.require(scope)
    async with services.store.transaction(viewer.tenant_id) as work:
        settings = bundled_settings((await work.settings.get()).spec)
        bundle = await (_export_all(work) if slugs is None else _export_workflows(work, slugs))
        await work.audit.note(_export_note(slugs))
    if Scope.SETTINGS_READ not in viewer.scopes:
        return bundle
    if slugs is not None:
        compute = services.compute
        settings = await compute.run(viewer.tenant_id, used_settings, bundle, settings)
    return replace(bundle, settings=None if settings == NO_SETTINGS else settings)


def _export_note(slugs: Sequence[str] | None) -> AuditNote:
    named = {} if slugs is None else {"workflows": list(slugs)}
    return AuditNote(kind=AuditKind.EXPORTED, target_kind="bundle", details=named)


def write_export(bundle: Bundle) -> dict[str, Any]:
    """The bundle as JSON. Raises `InvalidInput` if it has more values than an import may have."""
    value = write_bundle(bundle)
    if has_more_items(value, MAX_VALUES - 1):
        raise bundle_too_large(f"{MAX_VALUES} values")
    return value


async def _export_all(work: UnitOfWork) -> Bundle:
    sizes = {kind: await _sizes(work, kind) for kind in KINDS}
    _check_size(sizes.values())
    parts = {kind: tuple(await load_specs(getattr(work, kind), sizes[kind])) for kind in KINDS}
    return Bundle(**parts, settings=None).sorted


async def _sizes(work: UnitOfWork, kind: str) -> Mapping[UUID, int]:
    """The sizes of all drafts of a kind. Raises `InvalidInput` when there are more than one bundle
    may contain."""
    sizes: Mapping[UUID, int] = await getattr(work, kind).sizes(MAX_ITEMS_PER_KIND + 1)
    if len(sizes) > MAX_ITEMS_PER_KIND:
        raise bundle_too_large(f"{MAX_ITEMS_PER_KIND} {kind}")
    return sizes


def _check_size(sizes: Iterable[Mapping[UUID, int]]) -> None:
    if sum(sum(each.values()) for each in sizes) > MAX_EXPORT_BYTES:
        raise bundle_too_large(f"{MAX_EXPORT_BYTES // 2**20} MiB")


def bundle_too_large(limit: str) -> InvalidInput:
    return InvalidInput(
        f"The export exceeds the limit of one bundle, which is {limit}: export it in parts, by "
        "naming some of the workflows at a time.",
        ("workflows",),
    )


async def _export_workflows(work: UnitOfWork, slugs: Sequence[str]) -> Bundle:
    """Export the workflows with what they use. Sizes are checked before the specs are read."""
    if len(slugs) > MAX_EXPORTED_WORKFLOWS:
        raise InvalidInput(
            f"At most {MAX_EXPORTED_WORKFLOWS} workflows may be named at a time.", ("workflows",)
        )
    sizes: list[Mapping[UUID, int]] = []

    async def read(drafts: Drafts[Any, Any], names: Iterable[str]) -> tuple[Any, ...]:
        sizes.append(await drafts.sizes_of(sorted(names)))
        _check_size(sizes)
        return tuple(await load_specs(drafts, sizes[-1]))

    workflows = await read(work.workflows, set(slugs))
    existing = {workflow.name for workflow in workflows}
    for index, slug in enumerate(slugs):
        if slug not in existing:
            raise WorkflowNotFound(
                f"There is no workflow {slug[:64]!r}.", ("workflows", str(index))
            )
    agents = await read(work.agents, {node.agent for each in workflows for node in each.nodes})
    tools = await read(work.tools, {tool for agent in agents for tool in agent.tools})
    return Bundle(agents=agents, tools=tools, workflows=workflows).sorted


async def import_bundle(
    services: Services,
    viewer: Viewer,
    bundle: Any,
    *,
    publish: bool = False,
    dry_run: bool = False,
    settings: SettingsImport = SettingsImport.OVERRIDE,
) -> ImportReport:
    """Import a bundle atomically. Objects of the same name are changed to match the bundle, and
    objects that it does not name are left alone. Importing it again changes nothing. Raises
    `NotConvertible` for a configuration that the import can only read in part."""
    for scope in WRITE_SCOPES:
        viewer.require(scope)
    imported = await services.compute.run(viewer.tenant_id, import_value, bundle, PATH)
    if imported.findings:
        raise not_convertible(imported.findings, PATH)
    report: ImportReport | None = None
    try:
        async with compute_transaction(services, viewer) as work:
            notes = [*imported.notes, *await _write(work, viewer, imported.bundle, settings)]
            report = await _report(work, services, viewer, imported.bundle, notes, publish)
            if dry_run:
                raise _DryRunRollback
    except _DryRunRollback:
        pass
    except NameTaken as taken:
        # The item was missing, and a concurrent request created it just now.
        raise NameTaken(f"{taken.message} Repeat the import.", PATH) from taken
    assert report is not None
    return report


def not_convertible(findings: Sequence[Finding], path: Path) -> NotConvertible:
    return NotConvertible(
        f"Parts of the configuration cannot be converted: {len(findings)} in total, the first of "
        f"which is: {findings[0].message}",
        path,
        findings=tuple(findings[:MAX_REPORTED]),
    )


async def _write(
    work: UnitOfWork, viewer: Viewer, bundle: Bundle, settings: SettingsImport
) -> list[ImportNote]:
    quotas = viewer.quotas
    await check_storage(work, viewer)
    notes = await _upsert(work.tools, bundle.tools, Budget.TOOLS, quotas.tools)
    notes += await _upsert(work.agents, bundle.agents, Budget.AGENTS, quotas.agents)
    notes += await _upsert(work.workflows, bundle.workflows, Budget.WORKFLOWS, quotas.workflows)
    if bundle.settings is None:
        return notes
    if settings is SettingsImport.IGNORE:
        return [*notes, _unchanged_settings("Not imported, as requested.")]
    viewer.require(Scope.SETTINGS_WRITE)
    override = settings is SettingsImport.OVERRIDE
    notes += _dropped_settings(bundle.settings)
    return [*notes, *await _merge_settings(work, bundle.settings, override)]


async def _report(
    work: UnitOfWork,
    services: Services,
    viewer: Viewer,
    bundle: Bundle,
    notes: Sequence[ImportNote],
    publish: bool,
) -> ImportReport:
    """Verify the imported workflows, and publish them if requested."""
    drafts = await work.workflows.by_names([spec.name for spec in bundle.workflows])
    workflows = sorted(drafts, key=lambda workflow: workflow.spec.name)
    snapshots = await take_snapshots(work, [workflow.spec for workflow in workflows])
    inputs = await verification_inputs(services, work, snapshots)
    effort = PUBLISH if publish else DRAFT
    findings = [
        finding
        for each in inputs
        for finding in _with_workflow_path(
            each.snapshot, await verify_snapshot(services, viewer, each, effort)
        )
    ]
    versions: list[Version] = []
    if publish:
        for index, (workflow, snapshot) in enumerate(zip(workflows, snapshots, strict=True)):
            workflows[index], version = await _publish(work, services, viewer, workflow, snapshot)
            versions += [version] if version else []
    return ImportReport(
        notes=tuple(notes),
        workflows=tuple(workflows),
        versions=tuple(versions),
        findings=_limit_findings(findings),
    )


async def _upsert(
    drafts: Drafts[Any, Any], specs: Sequence[Spec], budget: Budget, limit: int | None
) -> list[ImportNote]:
    before = {item.spec.name: item.spec for item in await drafts.by_names([s.name for s in specs])}
    items = await upsert_within_quota(drafts, specs, budget, limit)
    written, kind = {item.spec.name for item in items}, budget.value.lower()
    return [_import_note(kind, spec, before.get(spec.name), spec.name in written) for spec in specs]


async def _merge_settings(
    work: UnitOfWork, settings: TenantSettings, override: bool
) -> list[ImportNote]:
    """Endpoints, MCP servers and values that the bundle does not name are kept."""
    current = await work.settings.get()
    merged = merge_settings(current.spec, settings, override=override)
    changes = diff_settings(current.spec, merged)
    if not changes:
        return [_unchanged_settings("Already the same.")]
    await work.settings.save(check_settings(merged, (*PATH, "settings")), current.revision)
    return [
        ImportNote(
            path=("settings", *change.path),
            kind=NoteKind.ADDED if change.kind is ChangeKind.ADDED else NoteKind.CHANGED,
            message=describe_values(change),
        )
        for change in changes
    ]


def _dropped_settings(settings: TenantSettings) -> list[ImportNote]:
    message = "A bundle cannot set them; use updateSettings."
    return [
        ImportNote(path=("settings", name), kind=NoteKind.DROPPED, message=message)
        for name in changed_fields(bundled_settings(settings), settings)
    ]


def _unchanged_settings(message: str) -> ImportNote:
    return ImportNote(path=("settings",), kind=NoteKind.UNCHANGED, message=message)


def _import_note(kind: str, spec: Spec, before: Spec | None, written: bool) -> ImportNote:
    path = (kind, spec.name)
    if not written:
        return ImportNote(path=path, kind=NoteKind.UNCHANGED, message="Already the same.")
    if before is None:
        return ImportNote(path=path, kind=NoteKind.ADDED, message="Newly created.")
    changed = ", ".join(changed_fields(before, spec))
    return ImportNote(path=path, kind=NoteKind.CHANGED, message=f"Changed: {changed}.")


async def _publish(
    work: UnitOfWork, services: Services, viewer: Viewer, workflow: Workflow, snapshot: Snapshot
) -> tuple[Workflow, Version | None]:
    """Publish the workflow, unless the published version is the same already."""
    workflow = await work.workflows.lock_at_revision(workflow, workflow.revision)
    if workflow.published is not None:
        [published] = await work.versions.by_ids([workflow.published])
        if published.snapshot == snapshot:
            return workflow, None
    try:
        return await publish_draft(services, work, viewer, workflow, "Imported.")
    except NotPublishable as refused:
        raise NotPublishable(
            f"{workflow.spec.name}: {refused.message}",
            (*PATH, "workflows", workflow.spec.name),
            findings=_with_workflow_path(snapshot, refused.findings),
        ) from None


def _limit_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    if len(findings) <= MAX_REPORTED:
        return tuple(findings)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    too_many = Finding(
        code=FindingCode.TOO_COMPLEX,
        severity=Severity.ERROR if errors else Severity.WARNING,
        path=("workflows",),
        message=f"There are {len(findings)} findings, {errors} of them errors: more than are "
        "reported.",
        fix="Fix the reported findings, and import fewer workflows at a time.",
    )
    return (*findings[:MAX_REPORTED], too_many)


def _with_workflow_path(snapshot: Snapshot, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    slug = snapshot.workflow.name
    return tuple(replace(f, path=("workflows", slug, *f.path)) for f in findings)
