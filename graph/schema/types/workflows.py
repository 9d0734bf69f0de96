"""Workflows and their versions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain.common.errors import InvalidInput
from domain.workflows import model as domain
from graph.schema.scalars import Cursor
from graph.schema.types.common import Connection, Node, as_graphql, instance_check
from graph.schema.types.diffs import WorkflowDiff
from graph.schema.types.errors import (
    NameTaken,
    NotFoundError,
    NotPublishable,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.findings import VerificationReport
from graph.schema.types.inputs import Fields, changed_fields, identity
from graph.schema.types.nodes import (
    ConnectionInput,
    NodeInput,
    WorkflowLink,
    WorkflowNode,
    connections,
    nodes,
)
from graph.schema.types.recordings import WorkflowRecording, WorkflowRecordingInput
from resolvers import versions as version_resolvers
from resolvers import workflows as resolvers
from resolvers.context import Ctx


@strawberry.type(name="WorkflowVersion", description="A workflow as it was published.")
class VersionType(Node):
    is_type_of = instance_check(domain.Version)

    number: int = strawberry.field(description="1 for the first; 0 for a draft.")
    checksum: str = strawberry.field(description="SHA-256 of the content.")
    note: str | None = strawberry.field(description="What the publisher said about it.")
    published_at: datetime = strawberry.field(description="When.")
    published_by: str = strawberry.field(description="By whom: user:… or key:….")

    @strawberry.field(description="What changed since the version before it, or another one.")
    async def diff(
        self,
        info: Ctx,
        since: Annotated[
            strawberry.ID | None,
            strawberry.argument(name="from", description="Since this version."),
        ] = None,
    ) -> WorkflowDiff:
        found = await version_resolvers.version_changes(info, as_graphql(self), since)
        return WorkflowDiff(changes=as_graphql(found))


VersionConnection = Connection[VersionType]


def _spec_field(name: str, description: str, type: Any) -> Any:
    def read(root: Any) -> Any:
        return getattr(root.spec, name)

    return strawberry.field(resolver=read, graphql_type=type, description=description)


@strawberry.type(name="Workflow", description="Agents joined into a graph: the draft.")
class WorkflowType(Node):
    is_type_of = instance_check(domain.Workflow)

    slug: str = _spec_field("name", "What calls name it by.", str)

    @strawberry.field(description="For people; the slug when it has none.")
    def name(self) -> str:
        root: Any = self
        return str(root.spec.display_name or root.spec.name)

    description: str | None = _spec_field("description", "What it is for.", str | None)
    nodes: list[WorkflowNode] = _spec_field("nodes", "The agents' places.", list[WorkflowNode])
    connections: list[WorkflowLink] = _spec_field("connections", "The ways.", list[WorkflowLink])
    shared_context: list[str] = _spec_field("shared_context", "Keys all agents share.", list[str])

    @strawberry.field(description="Whether its voice calls are recorded.")
    def recording(self) -> WorkflowRecording:
        root: Any = self
        return as_graphql(root.spec.recording or domain.RecordingChoice())

    revision: int = strawberry.field(description="Grows with every edit.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last edited.")

    @strawberry.field(description="What verification says of the draft.")
    async def findings(self, info: Ctx) -> VerificationReport:
        found = await resolvers.findings(info, as_graphql(self))
        return VerificationReport(findings=as_graphql(list(found)))

    @strawberry.field(description="The version that calls run.")
    async def published(self, info: Ctx) -> VersionType | None:
        return as_graphql(await resolvers.published(info, as_graphql(self)))

    @strawberry.field(
        description=(
            "What publishing would change: the draft, with its agents and tools as they are now, "
            "against the published version."
        )
    )
    async def draft_diff(self, info: Ctx) -> WorkflowDiff:
        found = await version_resolvers.draft_changes(info, as_graphql(self))
        return WorkflowDiff(changes=as_graphql(found))

    @strawberry.field(description="Its versions, newest first.")
    async def versions(
        self,
        info: Ctx,
        first: Annotated[int | None, strawberry.argument(description="1 to 100.")] = None,
        after: Annotated[Cursor | None, strawberry.argument(description="Go on here.")] = None,
    ) -> VersionConnection:
        return as_graphql(await resolvers.versions(info, as_graphql(self), first, after))


WorkflowConnection = Connection[WorkflowType]


@strawberry.input(one_of=True, description="Names one workflow.")
class WorkflowBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="By its id.")
    slug: strawberry.Maybe[str] = strawberry.field(description="By its slug.")


@strawberry.input(description="A workflow, saved or not.")
class WorkflowInput:
    slug: str = strawberry.field(description="Lower-case letters, digits and hyphens.")
    name: str | None = strawberry.field(default=None, description="For people.")
    description: str | None = strawberry.field(default=None, description="What it is for.")
    nodes: list[NodeInput] = strawberry.field(default_factory=list, description="The places.")
    connections: list[ConnectionInput] = strawberry.field(
        default_factory=list, description="The ways."
    )
    shared_context: list[str] = strawberry.field(
        default_factory=list, description="Keys all agents share."
    )
    recording: WorkflowRecordingInput | None = strawberry.field(
        default=None, description="Whether voice calls are recorded; they are not by default."
    )

    def spec(self) -> domain.WorkflowSpec:
        return domain.WorkflowSpec(
            name=self.slug,
            display_name=self.name,
            description=self.description,
            nodes=nodes(self.nodes),
            connections=connections(self.connections),
            shared_context=tuple(self.shared_context),
            recording=self.recording.choice() if self.recording else None,
        )


@strawberry.input(description="A new workflow.")
class CreateWorkflowInput(WorkflowInput):
    pass


@strawberry.input(description="Changes to a workflow: what is left out stays as it is.")
class UpdateWorkflowInput:
    id: strawberry.ID = strawberry.field(description="The workflow.")
    expected_revision: int = strawberry.field(description="The revision you read.")
    slug: strawberry.Maybe[str | None] = strawberry.field(description="A new slug.")
    name: strawberry.Maybe[str | None] = strawberry.field(description="For people.")
    description: strawberry.Maybe[str | None] = strawberry.field(description="What it is for.")
    nodes: strawberry.Maybe[list[NodeInput] | None] = strawberry.field(description="All nodes.")
    connections: strawberry.Maybe[list[ConnectionInput] | None] = strawberry.field(
        description="All connections."
    )
    shared_context: strawberry.Maybe[list[str] | None] = strawberry.field(description="All keys.")
    recording: strawberry.Maybe[WorkflowRecordingInput | None] = strawberry.field(
        description="Whether voice calls are recorded; null for not."
    )

    def changes(self) -> dict[str, Any]:
        fields: Fields = {
            "slug": ("name", identity),
            "name": ("display_name", identity),
            "description": ("description", identity),
            "nodes": ("nodes", nodes),
            "connections": ("connections", connections),
            "shared_context": ("shared_context", tuple),
            "recording": ("recording", lambda given: given.choice()),
        }
        return changed_fields(
            self, fields, nullable=frozenset({"name", "description", "recording"})
        )


@strawberry.input(description="The workflow to delete.")
class DeleteWorkflowInput:
    id: strawberry.ID = strawberry.field(description="The workflow.")


@strawberry.input(description="The workflow to publish.")
class PublishWorkflowInput:
    id: strawberry.ID = strawberry.field(description="The workflow.")
    expected_revision: int = strawberry.field(description="The revision you read.")
    note: str | None = strawberry.field(default=None, description="What changed, for people.")

    def checked_note(self) -> str | None:
        if self.note is not None and len(self.note) > 2_000:
            raise InvalidInput("note may have 2000 characters.", ("input", "note"))
        return self.note


@strawberry.input(description="The version to go back to.")
class RestoreWorkflowInput:
    id: strawberry.ID = strawberry.field(description="The workflow.")
    version_id: strawberry.ID = strawberry.field(description="One of its versions.")
    expected_revision: int = strawberry.field(description="The revision you read.")
    publish: bool = strawberry.field(default=False, description="Publish it as well.")


@strawberry.type(description="The workflow was made.")
class CreateWorkflowSuccess:
    workflow: WorkflowType = strawberry.field(description="The new workflow.")


@strawberry.type(description="The workflow was changed.")
class UpdateWorkflowSuccess:
    workflow: WorkflowType = strawberry.field(description="The workflow as it is now.")


@strawberry.type(description="The workflow was deleted.")
class DeleteWorkflowSuccess:
    workflow: WorkflowType = strawberry.field(description="The workflow as it was.")


@strawberry.type(description="The workflow was published: new calls run this version.")
class PublishWorkflowSuccess:
    workflow: WorkflowType = strawberry.field(description="The workflow.")
    version: VersionType = strawberry.field(description="Its new version.")


@strawberry.type(description="The version is the draft again, with its agents and tools.")
class RestoreWorkflowSuccess:
    workflow: WorkflowType = strawberry.field(description="The workflow as it is now.")
    version: VersionType | None = strawberry.field(
        description="The new version, when it was published."
    )


CreateWorkflowResult = Annotated[
    CreateWorkflowSuccess | ValidationError | NameTaken,
    strawberry.union("CreateWorkflowResult", description="What became of createWorkflow."),
]
UpdateWorkflowResult = Annotated[
    UpdateWorkflowSuccess | ValidationError | NotFoundError | NameTaken | RevisionConflict,
    strawberry.union("UpdateWorkflowResult", description="What became of updateWorkflow."),
]
DeleteWorkflowResult = Annotated[
    DeleteWorkflowSuccess | NotFoundError,
    strawberry.union("DeleteWorkflowResult", description="What became of deleteWorkflow."),
]
PublishWorkflowResult = Annotated[
    PublishWorkflowSuccess | ValidationError | NotFoundError | RevisionConflict | NotPublishable,
    strawberry.union("PublishWorkflowResult", description="What became of publishWorkflow."),
]
RestoreWorkflowResult = Annotated[
    RestoreWorkflowSuccess | ValidationError | NotFoundError | RevisionConflict | NotPublishable,
    strawberry.union("RestoreWorkflowResult", description="What became of restoreWorkflow."),
]
