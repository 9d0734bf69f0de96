"""Bundles: workflows with everything they use, for files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry

from domain.bundles import import_report
from domain.bundles.import_report import NoteKind, SettingsImport
from domain.common.findings import Finding as DomainFinding
from domain.use_cases.bundles import ImportReport
from domain.workflows.model import Version, Workflow
from graph.schema.scalars import Json
from graph.schema.types.common import instance_check
from graph.schema.types.errors import (
    NameTaken,
    NotConvertible,
    NotPublishable,
    QuotaExceeded,
    UnsupportedFormat,
    ValidationError,
)
from graph.schema.types.findings import Finding
from graph.schema.types.workflows import VersionType, WorkflowType
from resolvers.bundles import BundleExport


@strawberry.type(
    description=(
        "Workflows with everything they use, in the format of bundle files; sorted by name."
    )
)
class Bundle:
    is_type_of = instance_check(BundleExport)

    @strawberry.field(
        description=(
            "The bundle as JSON, with the field names of the inputs and without default values."
        )
    )
    async def json(self, exported: strawberry.Parent[BundleExport]) -> Json:
        return Json(await exported.json())

    @strawberry.field(description="The same bundle as YAML.")
    async def yaml(self, exported: strawberry.Parent[BundleExport]) -> str:
        return await exported.yaml()


@strawberry.type(description="One line of the report of an import.")
class ImportNote:
    path: list[str] = strawberry.field(
        description="The object or the setting, by kind and name, or the place in the given bundle."
    )
    kind: NoteKind = strawberry.field(description="What the import did with it.")
    message: str = strawberry.field(
        description="Human-readable explanation of what the import did."
    )


@strawberry.input(description="The bundle to import.")
class ImportBundleInput:
    bundle: Json = strawberry.field(
        description=(
            "Bundle with `agents`, `tools` and `workflows`; configurations in the "
            "legacy format are converted."
        )
    )
    publish: bool = strawberry.field(
        default=False,
        description="Whether to publish each workflow whose published version differs.",
    )
    dry_run: bool = strawberry.field(
        default=False, description="Whether to report what would happen without changing anything."
    )
    settings: SettingsImport = strawberry.field(
        default=SettingsImport.OVERRIDE,
        description="What to do with the settings in the bundle.",
    )


@strawberry.type(description="The bundle was imported or, in a dry run, could be.")
class ImportBundleSuccess:
    dry_run: bool = strawberry.field(
        description="Whether this was a dry run, which changes nothing."
    )
    report: Sequence[import_report.ImportNote] = strawberry.field(
        graphql_type=list[ImportNote], description="What the import did with each object."
    )
    findings: Sequence[DomainFinding] = strawberry.field(
        graphql_type=list[Finding],
        description="Findings of the verification; paths start with `workflows` and the slug.",
    )
    workflows: Sequence[Workflow] = strawberry.field(
        graphql_type=list[WorkflowType],
        description="The imported workflows after the import; empty in a dry run.",
    )
    versions: Sequence[Version] = strawberry.field(
        graphql_type=list[VersionType],
        description="Versions that the import published; empty in a dry run.",
    )

    @staticmethod
    def from_report(report: ImportReport, *, dry_run: bool) -> ImportBundleSuccess:
        return ImportBundleSuccess(
            dry_run=dry_run,
            report=report.notes,
            findings=report.findings,
            workflows=() if dry_run else report.workflows,
            versions=() if dry_run else report.versions,
        )


ImportBundleResult = Annotated[
    ImportBundleSuccess
    | ValidationError
    | QuotaExceeded
    | NotPublishable
    | NotConvertible
    | UnsupportedFormat
    | NameTaken,
    strawberry.union(
        "ImportBundleResult",
        description="Result of `importBundle`: the success type or one of the errors.",
    ),
]
