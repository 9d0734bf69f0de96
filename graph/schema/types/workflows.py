"""Workflows, their versions, and their mutations' inputs and results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain.calls.model import Call
from domain.common.lists import Count
from domain.tenants.members import Member
from domain.workflows import model as domain
from domain.workflows.answering import AnsweringSettings
from graph.schema.arguments import After, Before, First, Last
from graph.schema.types.answering import WorkflowAnswering, WorkflowAnsweringInput
from graph.schema.types.common import Connection, Node, instance_check, spec_field
from graph.schema.types.diffs import WorkflowDiff
from graph.schema.types.errors import (
    InUse,
    NameTaken,
    NotFoundError,
    NotPublishable,
    QuotaExceeded,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.findings import VerificationReport
from graph.schema.types.graphs import VersionAgentType, WorkflowGraph
from graph.schema.types.inputs import Fields, InputReader, as_tuple, created, identity, same
from graph.schema.types.lists import count_field
from graph.schema.types.members import MemberType
from graph.schema.types.nodes import (
    ConnectionInput,
    NodeInput,
    WorkflowLink,
    WorkflowNode,
    connections,
    nodes,
)
from graph.schema.types.recordings import WorkflowRecording, WorkflowRecordingInput
from resolvers import calls as call_resolvers
from resolvers import versions as version_resolvers
from resolvers import workflows as resolvers
from resolvers.context import Ctx
from resolvers.graphs import VersionAgent, version_agents
from resolvers.pagination import Page, PageArguments

if TYPE_CHECKING:
    from graph.schema.types.calls import CallConnection


@strawberry.type(
    name="WorkflowVersion", description="An immutable, published version of a workflow."
)
class VersionType(Node):
    is_type_of = instance_check(domain.Version)

    number: int = strawberry.field(
        description="Number of the version, counted from 1; 0 for a snapshot of a draft."
    )
    checksum: str = strawberry.field(description="SHA-256 checksum of the content.")
    note: str | None = strawberry.field(description="Note of the publisher; null for none.")
    published_at: datetime = strawberry.field(description="When the version was published (UTC).")
    published_by: str = strawberry.field(
        description="Who published the version: `user:…` or `key:…`."
    )

    @strawberry.field(
        description=(
            "Member who published the version; null when an API key did, or when the person has left."
        ),
        graphql_type=MemberType | None,
    )
    async def publisher(
        self, version: strawberry.Parent[domain.Version], info: Ctx
    ) -> Member | None:
        return await version_resolvers.publisher(info, version)

    @strawberry.field(description="Nodes and connections of the version, which its calls run.")
    def graph(self, version: strawberry.Parent[domain.Version]) -> WorkflowGraph:
        return WorkflowGraph.of(version)

    @strawberry.field(
        description="Agents of the version, in the order of their names.",
        graphql_type=list[VersionAgentType],
    )
    def agents(
        self, version: strawberry.Parent[domain.Version], info: Ctx
    ) -> Sequence[VersionAgent]:
        return version_agents(info, version)

    @strawberry.field(
        description="Workflow of the version; null when it has been deleted.",
        graphql_type=Annotated["WorkflowType", strawberry.lazy("graph.schema.types.workflows")]
        | None,
    )
    async def workflow(
        self, version: strawberry.Parent[domain.Version], info: Ctx
    ) -> domain.Workflow | None:
        return await resolvers.workflow(info, version.workflow_id)

    @strawberry.field(
        description="Calls that run the version, newest first.",
        graphql_type=Annotated["CallConnection", strawberry.lazy("graph.schema.types.calls")],
    )
    async def calls(
        self,
        version: strawberry.Parent[domain.Version],
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[Call]:
        page = PageArguments(first, after, last, before)
        return await call_resolvers.of_version(info, version, page)

    @strawberry.field(description="Differences from another version of the workflow to this one.")
    async def diff(
        self,
        version: strawberry.Parent[domain.Version],
        info: Ctx,
        since: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                name="from",
                description=(
                    "Id of the version to compare with; omit to compare with the previous version."
                ),
            ),
        ] = None,
    ) -> WorkflowDiff:
        changes = await version_resolvers.version_changes(info, version, since)
        return WorkflowDiff(changes=changes)


@strawberry.type(name="WorkflowVersionConnection", description="One page of a list of versions.")
class VersionConnection(Connection[VersionType]):
    total_count: Count = count_field()


@strawberry.type(
    name="Workflow",
    description="Agents connected in a graph; this is the draft, which can be edited.",
)
class WorkflowType(Node):
    is_type_of = instance_check(domain.Workflow)

    slug: str = spec_field("name", "Unique short name; calls refer to the workflow by it.", str)

    @strawberry.field(description="Display name; the slug when there is none.")
    def name(self) -> str:
        root: Any = self
        return str(root.spec.display_name or root.spec.name)

    description: str | None = spec_field(
        "description", "What the workflow is for; null when not described.", str | None
    )

    @strawberry.field(description="Nodes and connections of the draft.")
    def graph(self, workflow: strawberry.Parent[domain.Workflow]) -> WorkflowGraph:
        return WorkflowGraph.of(workflow)

    nodes: list[WorkflowNode] = spec_field(
        "nodes",
        "Nodes of the workflow, each handled by an agent.",
        list[WorkflowNode],
        deprecated="Use `graph.nodes`: their ids are unique, and their agents are objects.",
    )
    connections: list[WorkflowLink] = spec_field(
        "connections",
        "Connections between the nodes.",
        list[WorkflowLink],
        deprecated="Use `graph.connections`.",
    )
    shared_context: list[str] = spec_field(
        "shared_context", "Keys of the context that all agents share.", list[str]
    )

    @strawberry.field(
        description="Whether and how voice calls are recorded.", graphql_type=WorkflowRecording
    )
    def recording(self, workflow: strawberry.Parent[domain.Workflow]) -> domain.RecordingChoice:
        return workflow.spec.recording or domain.RecordingChoice()

    @strawberry.field(
        description="What outbound phone calls do about machines that answer.",
        graphql_type=WorkflowAnswering,
    )
    def answering(self, workflow: strawberry.Parent[domain.Workflow]) -> AnsweringSettings:
        return workflow.spec.answering or AnsweringSettings()

    revision: int = strawberry.field(description="Revision number; increases with every edit.")
    created_at: datetime = strawberry.field(description="When the workflow was created (UTC).")
    updated_at: datetime = strawberry.field(description="When the draft was last edited (UTC).")

    @strawberry.field(description="Result of the verification of the draft.")
    async def findings(
        self, workflow: strawberry.Parent[domain.Workflow], info: Ctx
    ) -> VerificationReport:
        return VerificationReport(findings=await resolvers.findings(info, workflow))

    @strawberry.field(
        description="Version that new calls run; null when none has been published.",
        graphql_type=VersionType | None,
    )
    async def published(
        self, workflow: strawberry.Parent[domain.Workflow], info: Ctx
    ) -> domain.Version | None:
        return await resolvers.published(info, workflow)

    @strawberry.field(
        description=(
            "What publishing would change: differences from the published version to "
            "the draft, with its agents and tools as they are now."
        )
    )
    async def draft_diff(
        self,
        workflow: strawberry.Parent[domain.Workflow],
        info: Ctx,
        since: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                name="from",
                description=(
                    "Id of the version to compare with; omit to compare with the published version."
                ),
            ),
        ] = None,
    ) -> WorkflowDiff:
        changes = await version_resolvers.draft_changes(info, workflow, since)
        return WorkflowDiff(changes=changes)

    @strawberry.field(
        description="Versions of the workflow, newest first.", graphql_type=VersionConnection
    )
    async def versions(
        self,
        workflow: strawberry.Parent[domain.Workflow],
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[domain.Version]:
        page = PageArguments(first, after, last, before)
        return await resolvers.versions(info, workflow, page)


@strawberry.type(description="One page of a list of workflows.")
class WorkflowConnection(Connection[WorkflowType]):
    total_count: Count = count_field()


@strawberry.input(one_of=True, description="Identifies one workflow.")
class WorkflowBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="Select the workflow by its id."
    )
    slug: strawberry.Maybe[str] = strawberry.field(description="Select the workflow by its slug.")


@strawberry.input(description="Configuration of a workflow, stored or not.")
class WorkflowInput:
    slug: str = strawberry.field(
        description="Unique short name: lower-case letters, digits and hyphens."
    )
    name: str | None = strawberry.field(
        default=None, description="Display name; omit to show the slug."
    )
    description: str | None = strawberry.field(
        default=None, description="What the workflow is for; null when not described."
    )
    nodes: list[NodeInput] = strawberry.field(
        default_factory=list, description="Nodes of the workflow, each handled by an agent."
    )
    connections: list[ConnectionInput] = strawberry.field(
        default_factory=list, description="Connections between the nodes."
    )
    shared_context: list[str] = strawberry.field(
        default_factory=list, description="Keys of the context that all agents share."
    )
    recording: WorkflowRecordingInput | None = strawberry.field(
        default=None, description="Whether and how voice calls are recorded; omit for no recording."
    )
    answering: WorkflowAnsweringInput | None = strawberry.field(
        default=None,
        description=(
            "What outbound phone calls do about machines that answer; omit for the defaults."
        ),
    )

    def spec(self, reader: InputReader) -> domain.WorkflowSpec:
        return domain.WorkflowSpec(
            name=self.slug,
            display_name=self.name,
            description=self.description,
            nodes=nodes(self.nodes, reader.at("nodes")),
            connections=connections(self.connections, reader.at("connections")),
            shared_context=tuple(self.shared_context),
            recording=created(self.recording, reader.at("recording"), None),
            answering=created(self.answering, reader.at("answering"), None),
        )


@strawberry.input(description="Configuration of a new workflow.")
class CreateWorkflowInput(WorkflowInput):
    pass


@strawberry.input(
    description=(
        "Changes to the draft of a workflow. Omitted fields stay as they are, also within objects such "
        "as `recording`; lists are replaced as a whole."
    )
)
class UpdateWorkflowInput:
    id: strawberry.ID = strawberry.field(description="Id of the workflow to change.")
    expected_revision: int = strawberry.field(
        description=(
            "Revision that you read; the mutation fails with RevisionConflict when it "
            "is no longer current."
        )
    )
    slug: strawberry.Maybe[str | None] = strawberry.field(description="New slug of the workflow.")
    name: strawberry.Maybe[str | None] = strawberry.field(
        description="New display name; null to show the slug."
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="New description; null to remove it."
    )
    nodes: strawberry.Maybe[list[NodeInput] | None] = strawberry.field(
        description="All nodes of the workflow, replacing the current ones."
    )
    connections: strawberry.Maybe[list[ConnectionInput] | None] = strawberry.field(
        description="All connections of the workflow, replacing the current ones."
    )
    shared_context: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All keys of the shared context, replacing the current ones."
    )
    recording: strawberry.Maybe[WorkflowRecordingInput | None] = strawberry.field(
        description="Whether and how voice calls are recorded; null for no recording."
    )
    answering: strawberry.Maybe[WorkflowAnsweringInput | None] = strawberry.field(
        description=(
            "What outbound phone calls do about machines that answer; null for the defaults."
        )
    )

    def changes(self, reader: InputReader) -> dict[str, Any]:
        fields: Fields = {
            "slug": ("name", identity),
            "name": ("display_name", identity),
            **same("description"),
            "nodes": ("nodes", nodes),
            "connections": ("connections", connections),
            "shared_context": ("shared_context", as_tuple),
            "recording": ("recording", WorkflowRecordingInput.patch),
            "answering": ("answering", WorkflowAnsweringInput.patch),
        }
        nullable = frozenset({"name", "description", "recording", "answering"})
        return reader.changes(self, fields, nullable=nullable)


@strawberry.input(description="The workflow to delete.")
class DeleteWorkflowInput:
    id: strawberry.ID = strawberry.field(description="Id of the workflow to delete.")


@strawberry.input(description="The workflow to publish.")
class PublishWorkflowInput:
    id: strawberry.ID = strawberry.field(description="Id of the workflow to publish.")
    expected_revision: int = strawberry.field(
        description=(
            "Revision that you read; the mutation fails with RevisionConflict when it "
            "is no longer current."
        )
    )
    note: str | None = strawberry.field(
        default=None, description="Human-readable note on what changed; at most 2,000 characters."
    )

    def checked_note(self, reader: InputReader) -> str | None:
        if self.note is not None and len(self.note) > 2_000:
            reader.at("note").reject("note must have at most 2,000 characters.")
        return self.note


@strawberry.input(description="The version to restore.")
class RestoreWorkflowInput:
    id: strawberry.ID = strawberry.field(description="Id of the workflow.")
    version_id: strawberry.ID = strawberry.field(
        description="Id of the version of this workflow to restore."
    )
    expected_revision: int = strawberry.field(
        description=(
            "Revision that you read; the mutation fails with RevisionConflict when it "
            "is no longer current."
        )
    )
    publish: bool = strawberry.field(
        default=False, description="Whether to publish the restored draft as well."
    )


@strawberry.type(description="The workflow was created.")
class CreateWorkflowSuccess:
    workflow: domain.Workflow = strawberry.field(
        graphql_type=WorkflowType, description="The created workflow."
    )


@strawberry.type(description="The draft was updated.")
class UpdateWorkflowSuccess:
    workflow: domain.Workflow = strawberry.field(
        graphql_type=WorkflowType, description="The updated workflow."
    )


@strawberry.type(description="The workflow was deleted.")
class DeleteWorkflowSuccess:
    workflow: domain.Workflow = strawberry.field(
        graphql_type=WorkflowType, description="The deleted workflow."
    )


@strawberry.type(description="The workflow was published; new calls run this version.")
class PublishWorkflowSuccess:
    workflow: domain.Workflow = strawberry.field(
        graphql_type=WorkflowType, description="The published workflow."
    )
    version: domain.Version = strawberry.field(
        graphql_type=VersionType, description="The new version."
    )


@strawberry.type(description="The version was restored as the draft, with its agents and tools.")
class RestoreWorkflowSuccess:
    workflow: domain.Workflow = strawberry.field(
        graphql_type=WorkflowType, description="The workflow with the restored draft."
    )
    version: domain.Version | None = strawberry.field(
        graphql_type=VersionType | None,
        description="The new version; null unless the draft was published as well.",
    )


CreateWorkflowResult = Annotated[
    CreateWorkflowSuccess | ValidationError | NameTaken | QuotaExceeded,
    strawberry.union(
        "CreateWorkflowResult",
        description="Result of `createWorkflow`: the success type or one of the errors.",
    ),
]
UpdateWorkflowResult = Annotated[
    UpdateWorkflowSuccess | ValidationError | NotFoundError | NameTaken | RevisionConflict,
    strawberry.union(
        "UpdateWorkflowResult",
        description="Result of `updateWorkflow`: the success type or one of the errors.",
    ),
]
DeleteWorkflowResult = Annotated[
    DeleteWorkflowSuccess | NotFoundError | InUse,
    strawberry.union(
        "DeleteWorkflowResult",
        description="Result of `deleteWorkflow`: the success type or one of the errors.",
    ),
]
PublishWorkflowResult = Annotated[
    PublishWorkflowSuccess
    | ValidationError
    | NotFoundError
    | RevisionConflict
    | NotPublishable
    | QuotaExceeded,
    strawberry.union(
        "PublishWorkflowResult",
        description="Result of `publishWorkflow`: the success type or one of the errors.",
    ),
]
RestoreWorkflowResult = Annotated[
    RestoreWorkflowSuccess
    | ValidationError
    | NotFoundError
    | RevisionConflict
    | NotPublishable
    | QuotaExceeded,
    strawberry.union(
        "RestoreWorkflowResult",
        description="Result of `restoreWorkflow`: the success type or one of the errors.",
    ),
]
