"""Tools and the actions they are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain.common.errors import InvalidInput
from domain.tool_execution.dry_run import DRY_RUN_NODE, DryRunResult
from domain.tool_execution.executor import Ending
from domain.tools import model as domain
from graph.schema.parameters import check_parameters, schema_from_list
from graph.schema.scalars import Json
from graph.schema.types.action_inputs import ToolActionInput, actions
from graph.schema.types.actions import ToolAction
from graph.schema.types.common import Connection, Node, as_graphql, instance_check
from graph.schema.types.errors import (
    InUse,
    NameTaken,
    NotFoundError,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.inputs import Fields, changed_fields, identity
from resolvers import versions
from resolvers.context import Ctx


def _spec_field(name: str, description: str, type: Any) -> Any:
    def read(root: Any) -> Any:
        return getattr(root.spec, name)

    return strawberry.field(resolver=read, graphql_type=type, description=description)


async def _used_by(root: Any, info: Ctx) -> list[str]:
    return await versions.agents_using_tool(info, root.spec.name)


@strawberry.type(name="Tool", description="A chain of actions that a model may call.")
class ToolType(Node):
    is_type_of = instance_check(domain.Tool)

    name: str = _spec_field("name", "What agents and models name it by.", str)
    description: str = _spec_field("description", "What the model is told it is for.", str)
    parameters: Json = _spec_field("parameters", "A JSON Schema of its arguments.", Json)
    actions: list[ToolAction] = _spec_field("actions", "What it does, in order.", list[ToolAction])
    on_success: list[ToolAction] = _spec_field(
        "on_success", "What follows when all of it went well.", list[ToolAction]
    )
    on_failure: list[ToolAction] = _spec_field(
        "on_failure", "What follows when a step failed.", list[ToolAction]
    )
    timeout: float = _spec_field("timeout", "Of the whole use, in seconds.", float)
    confirm: bool = _spec_field("confirm", "Whether the caller must have agreed.", bool)
    used_by: list[str] = strawberry.field(
        resolver=_used_by, description="The names of the agents that have it."
    )
    revision: int = strawberry.field(description="Grows with every edit.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last edited.")


ToolConnection = Connection[ToolType]


@strawberry.input(one_of=True, description="Names one tool.")
class ToolBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="By its id.")
    name: strawberry.Maybe[str] = strawberry.field(description="By its name.")


@strawberry.input(description="A parameter, in short form.")
class ParameterInput:
    name: str = strawberry.field(description="Its name.")
    type: str = strawberry.field(description="string, number, integer, boolean, array or object.")
    required: bool = strawberry.field(default=False, description="Whether it must be given.")
    description: str | None = strawberry.field(default=None, description="For the model.")
    enum: Json | None = strawberry.field(default=None, description="A list of what it may be.")
    default: Json | None = strawberry.field(default=None, description="What it is otherwise.")


@strawberry.input(description="A new tool.")
class CreateToolInput:
    name: str = strawberry.field(description="Lower-case letters, digits and underscores.")
    description: str = strawberry.field(description="What the model is told it is for.")
    parameters: Json | None = strawberry.field(
        default=None, description="A JSON Schema of its arguments, of type object."
    )
    parameters_list: list[ParameterInput] | None = strawberry.field(
        default=None, description="The same in short form, instead of `parameters`."
    )
    actions: list[ToolActionInput] = strawberry.field(description="What it does, in order.")
    on_success: list[ToolActionInput] = strawberry.field(
        default_factory=list, description="What follows when all of it went well."
    )
    on_failure: list[ToolActionInput] = strawberry.field(
        default_factory=list, description="What follows when a step failed."
    )
    timeout: float = strawberry.field(default=30.0, description="Of the whole use, in seconds.")
    confirm: bool = strawberry.field(
        default=False, description="Do nothing before the caller has agreed."
    )

    def spec(self) -> domain.ToolSpec:
        if self.parameters is not None and self.parameters_list is not None:
            raise InvalidInput(
                "Give parameters or parametersList, not both.", ("input", "parametersList")
            )
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


@strawberry.input(description="Changes to a tool: what is left out stays as it is.")
class UpdateToolInput:
    id: strawberry.ID = strawberry.field(description="The tool.")
    expected_revision: int = strawberry.field(description="The revision you read.")
    name: strawberry.Maybe[str | None] = strawberry.field(description="A new name.")
    description: strawberry.Maybe[str | None] = strawberry.field(description="What it is for.")
    parameters: strawberry.Maybe[Json | None] = strawberry.field(description="A new JSON Schema.")
    actions: strawberry.Maybe[list[ToolActionInput] | None] = strawberry.field(
        description="All its actions."
    )
    on_success: strawberry.Maybe[list[ToolActionInput] | None] = strawberry.field(
        description="All that follows when it went well."
    )
    on_failure: strawberry.Maybe[list[ToolActionInput] | None] = strawberry.field(
        description="All that follows when a step failed."
    )
    timeout: strawberry.Maybe[float | None] = strawberry.field(description="In seconds.")
    confirm: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether the caller must have agreed."
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
    id: strawberry.ID = strawberry.field(description="The tool.")


@strawberry.type(description="The tool was made.")
class CreateToolSuccess:
    tool: ToolType = strawberry.field(description="The new tool.")


@strawberry.type(description="The tool was changed.")
class UpdateToolSuccess:
    tool: ToolType = strawberry.field(description="The tool as it is now.")


@strawberry.type(description="The tool was deleted.")
class DeleteToolSuccess:
    tool: ToolType = strawberry.field(description="The tool as it was.")


@strawberry.input(description="What a server is taken to answer.")
class StubInput:
    status: int = strawberry.field(default=200, description="The HTTP status.")
    body: Json | None = strawberry.field(default=None, description="The body, as JSON.")


@strawberry.input(description="A tool to be tried out.")
class TestToolInput:
    id: strawberry.ID = strawberry.field(description="The tool.")
    arguments: Json | None = strawberry.field(default=None, description="As a model gives them.")
    context: Json | None = strawberry.field(
        default=None, description="What it can read: user, call, workflow, flags, agent."
    )
    live: bool = strawberry.field(default=False, description="Ask real servers.")
    stubs: list[StubInput] = strawberry.field(
        default_factory=list, description="What servers answer, in order, when not live."
    )


@strawberry.type(description="What one step of a tool did.")
class ToolStep:
    place: list[str] = strawberry.field(description="Leads to it: actions, 0, …")
    type: str = strawberry.field(description="What kind of step it is.")
    ok: bool = strawberry.field(description="Whether it did what it is there for.")
    ms: float = strawberry.field(description="How long it took, in milliseconds.")
    effect: Json = strawberry.field(description="What it changed, sent or got.")
    problem: str | None = strawberry.field(description="Why it failed.")


@strawberry.type(description="The tool was tried out.")
class TestToolSuccess:
    ending: Ending = strawberry.field(description="How it went.")
    result: str = strawberry.field(description="What the model would have been told.")
    steps: list[ToolStep] = strawberry.field(description="Every step, in order.")
    context: Json = strawberry.field(description="The context as it is afterwards.")

    @staticmethod
    def from_dry_run(trial: DryRunResult) -> TestToolSuccess:
        context = trial.context.visible_to(DRY_RUN_NODE)
        return TestToolSuccess(
            ending=trial.tool_result.ending,
            result=trial.tool_result.result,
            steps=as_graphql(list(trial.tool_result.steps)),
            context=Json({name: context[name] for name in ("workflow", "flags", "agent")}),
        )


TestToolResult = Annotated[
    TestToolSuccess | ValidationError | NotFoundError,
    strawberry.union("TestToolResult", description="What became of testTool."),
]
CreateToolResult = Annotated[
    CreateToolSuccess | ValidationError | NameTaken,
    strawberry.union("CreateToolResult", description="What became of createTool."),
]
UpdateToolResult = Annotated[
    UpdateToolSuccess | ValidationError | NotFoundError | NameTaken | RevisionConflict | InUse,
    strawberry.union("UpdateToolResult", description="What became of updateTool."),
]
DeleteToolResult = Annotated[
    DeleteToolSuccess | NotFoundError | InUse,
    strawberry.union("DeleteToolResult", description="What became of deleteTool."),
]
