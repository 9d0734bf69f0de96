"""Bundles: everything as files hold it."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.bundles.import_report import NoteKind
from domain.use_cases.bundles import ImportReport
from graph.schema.scalars import Json
from graph.schema.types.common import as_graphql, instance_check
from graph.schema.types.errors import NameTaken, NotPublishable, ValidationError
from graph.schema.types.findings import Finding
from graph.schema.types.workflows import VersionType, WorkflowType
from resolvers.bundles import BundleExport


@strawberry.type(description="Workflows with all they use, as files hold them; sorted by name.")
class Bundle:
    is_type_of = instance_check(BundleExport)

    @strawberry.field(description="In the words of the inputs, without defaults.")
    async def json(self) -> Json:
        exported: BundleExport = as_graphql(self)
        return Json(await exported.json())

    @strawberry.field(description="The same as YAML.")
    async def yaml(self) -> str:
        exported: BundleExport = as_graphql(self)
        return await exported.yaml()


@strawberry.type(description="What an import did with something.")
class ImportNote:
    path: list[str] = strawberry.field(
        description="The thing by kind and name, or the place in what was given."
    )
    kind: NoteKind = strawberry.field(description="What became of it.")
    message: str = strawberry.field(description="For people.")


@strawberry.input(description="A bundle to be put in.")
class ImportBundleInput:
    bundle: Json = strawberry.field(
        description="agents, tools and workflows; configs of the older system are converted."
    )
    publish: bool = strawberry.field(
        default=False, description="Publish each workflow whose published version differs."
    )
    dry_run: bool = strawberry.field(
        default=False, description="Only tell what would become of it; nothing changes."
    )


@strawberry.type(description="The bundle is in; after a dry run: it could be.")
class ImportBundleSuccess:
    dry_run: bool = strawberry.field(description="Whether nothing has changed.")
    report: list[ImportNote] = strawberry.field(description="What became of each thing.")
    findings: list[Finding] = strawberry.field(
        description="What verification says; paths begin with workflows and the slug."
    )
    workflows: list[WorkflowType] = strawberry.field(
        description="The workflows of the bundle as they are now; none after a dry run."
    )
    versions: list[VersionType] = strawberry.field(
        description="The versions it published; none after a dry run."
    )

    @staticmethod
    def from_report(report: ImportReport, *, dry_run: bool) -> ImportBundleSuccess:
        return ImportBundleSuccess(
            dry_run=dry_run,
            report=as_graphql(list(report.notes)),
            findings=as_graphql(list(report.findings)),
            workflows=as_graphql([] if dry_run else list(report.workflows)),
            versions=as_graphql([] if dry_run else list(report.versions)),
        )


ImportBundleResult = Annotated[
    ImportBundleSuccess | ValidationError | NotPublishable | NameTaken,
    strawberry.union("ImportBundleResult", description="What became of importBundle."),
]
