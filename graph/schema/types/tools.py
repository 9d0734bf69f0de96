"""Tools and their mutations' inputs and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain.common.lists import Count
from domain.json_schema.schema import check_schema
from domain.tool_execution.dry_run import DRY_RUN_NODE, DryRunResult, StubResponse
from domain.tool_execution.executor import Ending, StepResult
from domain.tool_execution.mcp_stubs import McpStub
from domain.tools import model as domain
from domain.workflows.agents import Agent
from graph.schema.arguments import After, Before, First, Last
from graph.schema.parameters import schema_from_list
from graph.schema.scalars import Duration, Json
from graph.schema.types.action_inputs import ToolActionInput, actions
from graph.schema.types.actions import ToolAction
from graph.schema.types.common import Connection, Node, instance_check, spec_field
from graph.schema.types.durations import duration_field
from graph.schema.types.errors import (
    InUse,
    NameTaken,
    NotFoundError,
    QuotaExceeded,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.inputs import Fields, InputReader, json_object, same, seconds
from graph.schema.types.lists import count_field
from graph.schema.types.tool_definitions import tool_definition
from resolvers import used_by
from resolvers.context import Ctx
from resolvers.pagination import Page, PageArguments

if TYPE_CHECKING:
    from graph.schema.types.agents import AgentConnection


async def _used_by(root: Any, info: Ctx) -> list[str]:
    return await used_by.agent_names(info, root)


@strawberry.type(name="Tool", description="A chain of actions that a model can call.")
class ToolType(Node):
    is_type_of = instance_check(domain.Tool)

    name: str = spec_field("name", "Unique name; agents and models refer to the tool by it.", str)
    description: str = spec_field(
        "description", "Description of the tool's purpose, which the model reads.", str
    )
    parameters: Json = spec_field("parameters", "JSON Schema of the arguments.", Json)
    actions: list[ToolAction] = spec_field(
        "actions", "Actions of the tool, run in order.", list[ToolAction]
    )
    on_success: list[ToolAction] = spec_field(
        "on_success", "Actions to run after all others have succeeded.", list[ToolAction]
    )
    on_failure: list[ToolAction] = spec_field(
        "on_failure", "Actions to run after an action has failed.", list[ToolAction]
    )
    timeout: float = spec_field(
        "timeout",
        "Timeout of the whole tool call, in seconds.",
        float,
        deprecated="Use `timeLimit`.",
    )

    time_limit: Duration = duration_field("spec.timeout", "How long the whole tool call may take.")
    confirm: bool = spec_field(
        "confirm", "Whether the caller must agree before the tool does anything.", bool
    )
    used_by: list[str] = strawberry.field(
        resolver=_used_by,
        description="Names of the agents that use the tool.",
        deprecation_reason="Use `agents`.",
    )

    @strawberry.field(
        description="Agents that use the tool, in the order of their names.",
        graphql_type=Annotated["AgentConnection", strawberry.lazy("graph.schema.types.agents")],
    )
    async def agents(
        self,
        tool: strawberry.Parent[domain.Tool],
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[Agent]:
        page = PageArguments(first, after, last, before)
        return await used_by.agents(info, tool, page)

    @strawberry.field(
        description=(
            "The tool in the form of `CreateToolInput`, with all actions at any depth: an editor reads "
            "it, changes it, and sends it to `createTool` or, with `id` and `expectedRevision`, to "
            "`updateTool`."
        )
    )
    def definition(self, tool: strawberry.Parent[domain.Tool]) -> Json:
        return Json(tool_definition(tool.spec))

    revision: int = strawberry.field(description="Revision number; increases with every edit.")
    created_at: datetime = strawberry.field(description="When the tool was created (UTC).")
    updated_at: datetime = strawberry.field(description="When the tool was last edited (UTC).")


@strawberry.type(description="One page of a list of tools.")
class ToolConnection(Connection[ToolType]):
    total_count: Count = count_field()


@strawberry.input(one_of=True, description="Identifies one tool.")
class ToolBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="Select the tool by its id.")
    name: strawberry.Maybe[str] = strawberry.field(description="Select the tool by its name.")


@strawberry.input(description="A parameter of a tool, in short form.")
class ParameterInput:
    name: str = strawberry.field(description="Name of the parameter.")
    type: str = strawberry.field(
        description="JSON type: string, number, integer, boolean, array or object."
    )
    required: bool = strawberry.field(
        default=False, description="Whether the model must give the parameter."
    )
    description: str | None = strawberry.field(
        default=None, description="Description of the parameter, which the model reads."
    )
    enum: Json | None = strawberry.field(
        default=None, description="List of the allowed values; omit to allow any value."
    )
    default: Json | None = strawberry.field(
        default=None, description="Value to use when the model gives none."
    )


@strawberry.input(description="Configuration of a new tool.")
class CreateToolInput:
    name: str = strawberry.field(
        description="Unique name: lower-case letters, digits and underscores."
    )
    description: str = strawberry.field(
        description="Description of the tool's purpose, which the model reads."
    )
    parameters: Json | None = strawberry.field(
        default=None,
        description=(
            "JSON Schema of the arguments, of type object; omit for a tool without arguments."
        ),
    )
    parameters_list: list[ParameterInput] | None = strawberry.field(
        default=None, description="Parameters in short form, instead of `parameters`."
    )
    actions: list[ToolActionInput] = strawberry.field(
        description="Actions of the tool, run in order."
    )
    on_success: list[ToolActionInput] = strawberry.field(
        default_factory=list, description="Actions to run after all others have succeeded."
    )
    on_failure: list[ToolActionInput] = strawberry.field(
        default_factory=list, description="Actions to run after an action has failed."
    )
    timeout: float | None = strawberry.field(
        default=None,
        description="Timeout of the whole tool call, in seconds.",
        deprecation_reason="Use `timeLimit`.",
    )
    time_limit: Duration | None = strawberry.field(
        default=None,
        description="How long the whole tool call may take, at most `PT1M`; omit for `PT30S`.",
    )
    confirm: bool = strawberry.field(
        default=False, description="Whether the caller must agree before the tool does anything."
    )

    def spec(self, reader: InputReader) -> domain.ToolSpec:
        timeout = reader.seconds(self, "time_limit", "timeout")
        return domain.ToolSpec(
            name=self.name,
            description=self.description,
            parameters=self._parameters(reader),
            actions=actions(self.actions, reader.at("actions")),
            on_success=actions(self.on_success, reader.at("onSuccess")),
            on_failure=actions(self.on_failure, reader.at("onFailure")),
            timeout=domain.DEFAULT_TIMEOUT_SECONDS if timeout is None else timeout,
            confirm=self.confirm,
        )

    def _parameters(self, reader: InputReader) -> Mapping[str, Any]:
        listed = reader.at("parametersList")
        if self.parameters is not None and self.parameters_list is not None:
            listed.reject("Give parameters or parametersList, not both.")
        if self.parameters is not None:
            return _parameters(self.parameters, reader.at("parameters"))
        if self.parameters_list is not None:
            return listed.read(domain.NO_PARAMETERS, schema_from_list, self.parameters_list)
        return domain.NO_PARAMETERS


def _parameters(schema: Any, reader: InputReader) -> Mapping[str, Any]:
    return reader.read(domain.NO_PARAMETERS, check_schema, schema)


@strawberry.input(
    description=(
        "Changes to a tool. Omitted fields stay as they are; lists are replaced as a whole."
    )
)
class UpdateToolInput:
    id: strawberry.ID = strawberry.field(description="Id of the tool to change.")
    expected_revision: int = strawberry.field(
        description=(
            "Revision that you read; the update fails with RevisionConflict when it "
            "is no longer current."
        )
    )
    name: strawberry.Maybe[str | None] = strawberry.field(description="New name of the tool.")
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="New description of the tool's purpose, which the model reads."
    )
    parameters: strawberry.Maybe[Json | None] = strawberry.field(
        description="New JSON Schema of the arguments."
    )
    actions: strawberry.Maybe[list[ToolActionInput] | None] = strawberry.field(
        description="All actions of the tool, replacing the current ones."
    )
    on_success: strawberry.Maybe[list[ToolActionInput] | None] = strawberry.field(
        description="All actions to run after success, replacing the current ones."
    )
    on_failure: strawberry.Maybe[list[ToolActionInput] | None] = strawberry.field(
        description="All actions to run after a failure, replacing the current ones."
    )
    timeout: strawberry.Maybe[float | None] = strawberry.field(
        description="New timeout of the whole tool call, in seconds.",
        deprecation_reason="Use `timeLimit`.",
    )
    time_limit: strawberry.Maybe[Duration | None] = strawberry.field(
        description="How long the whole tool call may take, at most `PT1M`."
    )
    confirm: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether the caller must agree before the tool does anything."
    )

    def changes(self, reader: InputReader) -> dict[str, Any]:
        fields: Fields = {
            **same("name", "description", "confirm"),
            "parameters": ("parameters", _parameters),
            "actions": ("actions", actions),
            "on_success": ("on_success", actions),
            "on_failure": ("on_failure", actions),
            "time_limit": ("timeout", seconds),
            **same("timeout"),
        }
        return reader.changes(self, fields)


@strawberry.input(description="The tool to delete.")
class DeleteToolInput:
    id: strawberry.ID = strawberry.field(description="Id of the tool to delete.")


@strawberry.type(description="The tool was created.")
class CreateToolSuccess:
    tool: domain.Tool = strawberry.field(graphql_type=ToolType, description="The created tool.")


@strawberry.type(description="The tool was updated.")
class UpdateToolSuccess:
    tool: domain.Tool = strawberry.field(graphql_type=ToolType, description="The updated tool.")


@strawberry.type(description="The tool was deleted.")
class DeleteToolSuccess:
    tool: domain.Tool = strawberry.field(graphql_type=ToolType, description="The deleted tool.")


@strawberry.input(description="A stubbed HTTP response.")
class StubInput:
    status: int = strawberry.field(default=200, description="HTTP status of the response.")
    body: Json | None = strawberry.field(
        default=None, description="JSON body of the response; null for an empty one."
    )


@strawberry.input(description="A stubbed result of a tool of an MCP server.")
class McpStubInput:
    server: str = strawberry.field(description="Name of the MCP server in the settings.")
    tool: str = strawberry.field(description="Name of the tool at the server.")
    result: Json | None = strawberry.field(
        default=None,
        description=(
            "Result of the tool: a string, or JSON that becomes `response.structured`; null for an "
            "empty result."
        ),
    )
    error: bool = strawberry.field(
        default=False, description="Whether the tool reports that it failed."
    )


@strawberry.input(description="Parameters of a test run of a tool.")
class TestToolInput:
    id: strawberry.ID = strawberry.field(description="Id of the tool to test.")
    arguments: Json | None = strawberry.field(
        default=None, description="Arguments of the tool as an object, as a model would give them."
    )
    context: Json | None = strawberry.field(
        default=None,
        description=(
            "Context that the tool can read, as an object with `user`, `call`, "
            "`workflow`, `flags` and `agent`."
        ),
    )
    live: bool = strawberry.field(
        default=False,
        description="Whether to send requests to the real servers instead of using the stubs.",
    )
    stubs: list[StubInput] = strawberry.field(
        default_factory=list,
        description=(
            "Responses for the requests of the tool, in order; ignored when `live` is true."
        ),
    )
    mcp_stubs: list[McpStubInput] = strawberry.field(
        default_factory=list,
        description=(
            "Results of tools of MCP servers, in order for each tool; ignored when `live` is true."
        ),
    )
    digits: list[str] = strawberry.field(
        default_factory=list,
        description=(
            "Keys that the caller presses in each attempt of a `collectDigits`, in order; none once "
            "they are used up."
        ),
    )

    def given_arguments(self, reader: InputReader) -> Mapping[str, Any]:
        return json_object(self.arguments, reader.at("arguments"))

    def given_context(self, reader: InputReader) -> Mapping[str, Any]:
        return json_object(self.context, reader.at("context"))

    def http_responses(self) -> list[StubResponse]:
        return [StubResponse(status=each.status, body=each.body) for each in self.stubs]

    def mcp_results(self) -> list[McpStub]:
        return [
            McpStub(server=each.server, tool=each.tool, result=each.result, error=each.error)
            for each in self.mcp_stubs
        ]


@strawberry.type(description="Result of one action of a tool.")
class ToolStep:
    place: list[str] = strawberry.field(
        description='Path to the action in the tool, for instance `["actions", "0"]`.'
    )
    type: str = strawberry.field(description="Kind of the action, for instance `context.set`.")
    ok: bool = strawberry.field(description="Whether the action succeeded.")
    ms: float = strawberry.field(
        description="Duration of the action, in milliseconds.",
        deprecation_reason="Use `duration`.",
    )
    duration: Duration = duration_field("ms", "Duration of the action.", unit="milliseconds")
    effect: Json = strawberry.field(
        description="What the action changed, sent or received, without secrets."
    )
    problem: str | None = strawberry.field(
        description="Why the action failed; null when it succeeded."
    )


@strawberry.type(description="The tool was run outside of any call.")
class TestToolSuccess:
    ending: Ending = strawberry.field(description="Outcome of the run.")
    result: str = strawberry.field(description="Result that the model would have received.")
    steps: Sequence[StepResult] = strawberry.field(
        graphql_type=list[ToolStep], description="Result of every action that ran, in order."
    )
    context: Json = strawberry.field(description="Context after the run.")

    @staticmethod
    def from_dry_run(dry_run: DryRunResult) -> TestToolSuccess:
        context = dry_run.context.visible_to(DRY_RUN_NODE)
        return TestToolSuccess(
            ending=dry_run.tool_result.ending,
            result=dry_run.tool_result.result,
            steps=dry_run.tool_result.steps,
            context=Json({name: context[name] for name in ("workflow", "flags", "agent")}),
        )


TestToolResult = Annotated[
    TestToolSuccess | ValidationError | NotFoundError,
    strawberry.union(
        "TestToolResult", description="Result of `testTool`: the success type or one of the errors."
    ),
]
CreateToolResult = Annotated[
    CreateToolSuccess | ValidationError | NameTaken | QuotaExceeded,
    strawberry.union(
        "CreateToolResult",
        description="Result of `createTool`: the success type or one of the errors.",
    ),
]
UpdateToolResult = Annotated[
    UpdateToolSuccess | ValidationError | NotFoundError | NameTaken | RevisionConflict | InUse,
    strawberry.union(
        "UpdateToolResult",
        description="Result of `updateTool`: the success type or one of the errors.",
    ),
]
DeleteToolResult = Annotated[
    DeleteToolSuccess | NotFoundError | InUse,
    strawberry.union(
        "DeleteToolResult",
        description="Result of `deleteTool`: the success type or one of the errors.",
    ),
]
