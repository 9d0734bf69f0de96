"""Tools and their mutations' inputs and results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain.common.errors import InvalidInput
from domain.tool_execution.dry_run import DRY_RUN_NODE, DryRunResult
from domain.tool_execution.executor import Ending, StepResult
from domain.tools import model as domain
from graph.schema.parameters import check_parameters, schema_from_list
from graph.schema.scalars import Json
from graph.schema.types.action_inputs import ToolActionInput, actions
from graph.schema.types.actions import ToolAction
from graph.schema.types.common import Connection, Node, instance_check, spec_field
from graph.schema.types.errors import (
    InUse,
    NameTaken,
    NotFoundError,
    QuotaExceeded,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.inputs import Fields, changed_fields, identity
from resolvers import versions
from resolvers.context import Ctx


async def _used_by(root: Any, info: Ctx) -> list[str]:
    return await versions.agents_using_tool(info, root.spec.name)


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
    timeout: float = spec_field("timeout", "Timeout of the whole tool call, in seconds.", float)
    confirm: bool = spec_field(
        "confirm", "Whether the caller must agree before the tool does anything.", bool
    )
    used_by: list[str] = strawberry.field(
        resolver=_used_by, description="Names of the agents that use the tool."
    )
    revision: int = strawberry.field(description="Revision number; increases with every edit.")
    created_at: datetime = strawberry.field(description="When the tool was created (UTC).")
    updated_at: datetime = strawberry.field(description="When the tool was last edited (UTC).")


ToolConnection = Connection[ToolType]


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
    timeout: float = strawberry.field(
        default=30.0, description="Timeout of the whole tool call, in seconds."
    )
    confirm: bool = strawberry.field(
        default=False, description="Whether the caller must agree before the tool does anything."
    )

    def spec(self) -> domain.ToolSpec:
        if self.parameters is not None and self.parameters_list is not None:
            raise InvalidInput("Give parameters or parametersList, not both.", ("parametersList",))
        schema = domain.NO_PARAMETERS
        if self.parameters is not None:
            schema = check_parameters(self.parameters)
        elif self.parameters_list is not None:
            schema = schema_from_list(self.parameters_list)
        return domain.ToolSpec(
            name=self.name,
            description=self.description,
            parameters=schema,
            actions=actions(self.actions),
            on_success=actions(self.on_success),
            on_failure=actions(self.on_failure),
            timeout=self.timeout,
            confirm=self.confirm,
        )


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
        description="New timeout of the whole tool call, in seconds."
    )
    confirm: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether the caller must agree before the tool does anything."
    )

    def changes(self) -> dict[str, Any]:
        fields: Fields = {
            "name": ("name", identity),
            "description": ("description", identity),
            "parameters": ("parameters", check_parameters),
            "actions": ("actions", actions),
            "on_success": ("on_success", actions),
            "on_failure": ("on_failure", actions),
            "timeout": ("timeout", identity),
            "confirm": ("confirm", identity),
        }
        return changed_fields(self, fields)


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


@strawberry.type(description="Result of one action of a tool.")
class ToolStep:
    place: list[str] = strawberry.field(
        description='Path to the action in the tool, for instance `["actions", "0"]`.'
    )
    type: str = strawberry.field(description="Kind of the action, for instance `context.set`.")
    ok: bool = strawberry.field(description="Whether the action succeeded.")
    ms: float = strawberry.field(description="Duration of the action, in milliseconds.")
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
