"""Tools and the actions they are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain import tools as domain
from domain.errors import InvalidInput
from graph.parameters import checked, from_list
from graph.scalars import Json
from graph.types.common import Connection, Node, shows
from graph.types.errors import InUse, NameTaken, NotFoundError, RevisionConflict, ValidationError
from graph.types.inputs import Fields, as_is, changes


@strawberry.interface(description="One step of a tool.")
class ToolAction:
    type: str = strawberry.field(description="What kind of step it is.")


@strawberry.type(description="Writes a value into the call's context.")
class ContextSetAction(ToolAction):
    is_type_of = shows(domain.ContextSet)
    path: str = strawberry.field(description="Where to; a trailing [+] appends to a list.")
    value: Json = strawberry.field(description="What; strings are templates.")


@strawberry.type(description="Removes a value from the call's context.")
class ContextDeleteAction(ToolAction):
    is_type_of = shows(domain.ContextDelete)
    path: str = strawberry.field(description="Which.")


@strawberry.type(description="Turns a flag on.")
class FlagSetAction(ToolAction):
    is_type_of = shows(domain.FlagSet)
    flag: str = strawberry.field(description="Its name.")


@strawberry.type(description="Turns a flag off.")
class FlagClearAction(ToolAction):
    is_type_of = shows(domain.FlagClear)
    flag: str = strawberry.field(description="Its name.")


@strawberry.type(description="Tells the model something as the tool's result.")
class RespondAction(ToolAction):
    is_type_of = shows(domain.Respond)
    message: str = strawberry.field(description="What; a template.")


@strawberry.type(description="Ends the call after the agent's next words.")
class EndCallAction(ToolAction):
    is_type_of = shows(domain.EndCall)


ACTIONS = [
    ContextSetAction,
    ContextDeleteAction,
    FlagSetAction,
    FlagClearAction,
    RespondAction,
    EndCallAction,
]


def _spec(name: str, description: str, type: Any) -> Any:
    def read(root: Any) -> Any:
        return getattr(root.spec, name)

    return strawberry.field(resolver=read, graphql_type=type, description=description)


@strawberry.type(name="Tool", description="A chain of actions that a model may call.")
class ToolType(Node):
    is_type_of = shows(domain.Tool)

    name: str = _spec("name", "What agents and models name it by.", str)
    description: str = _spec("description", "What the model is told it is for.", str)
    parameters: Json = _spec("parameters", "A JSON Schema of its arguments.", Json)
    actions: list[ToolAction] = _spec("actions", "What it does, in order.", list[ToolAction])
    revision: int = strawberry.field(description="Grows with every edit.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last edited.")


ToolConnection = Connection[ToolType]


@strawberry.input(one_of=True, description="Names one tool.")
class ToolBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="By its id.")
    name: strawberry.Maybe[str] = strawberry.field(description="By its name.")


@strawberry.input(description="Writes a value into the call's context.")
class ContextSetInput:
    path: str = strawberry.field(description="Where to, for instance workflow.slot.")
    value: Json = strawberry.field(description="What; strings are templates.")


@strawberry.input(description="Removes a value from the call's context.")
class ContextDeleteInput:
    path: str = strawberry.field(description="Which.")


@strawberry.input(description="A flag.")
class FlagInput:
    flag: str = strawberry.field(description="Its name.")


@strawberry.input(description="Tells the model something.")
class RespondInput:
    message: str = strawberry.field(description="What; a template.")


@strawberry.input(one_of=True, description="One step of a tool.")
class ToolActionInput:
    context_set: strawberry.Maybe[ContextSetInput] = strawberry.field(
        description="Write into the context."
    )
    context_delete: strawberry.Maybe[ContextDeleteInput] = strawberry.field(
        description="Remove from the context."
    )
    flag_set: strawberry.Maybe[FlagInput] = strawberry.field(description="Turn a flag on.")
    flag_clear: strawberry.Maybe[FlagInput] = strawberry.field(description="Turn a flag off.")
    respond: strawberry.Maybe[RespondInput] = strawberry.field(description="Tell the model.")
    end_call: strawberry.Maybe[bool] = strawberry.field(description="End the call: true.")

    def action(self) -> domain.ToolAction:
        if self.context_set:
            given = self.context_set.value
            return domain.ContextSet(path=given.path, value=given.value)
        if self.context_delete:
            return domain.ContextDelete(path=self.context_delete.value.path)
        if self.flag_set:
            return domain.FlagSet(flag=self.flag_set.value.flag)
        if self.flag_clear:
            return domain.FlagClear(flag=self.flag_clear.value.flag)
        if self.respond:
            return domain.Respond(message=self.respond.value.message)
        if self.end_call and self.end_call.value:
            return domain.EndCall()
        raise InvalidInput("endCall must be true.", ("input", "actions"))


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

    def spec(self) -> domain.ToolSpec:
        if self.parameters is not None and self.parameters_list is not None:
            raise InvalidInput(
                "Give parameters or parametersList, not both.", ("input", "parametersList")
            )
        schema = domain.NO_PARAMETERS
        if self.parameters is not None:
            schema = checked(self.parameters)
        elif self.parameters_list is not None:
            schema = from_list(self.parameters_list)
        return domain.ToolSpec(
            name=self.name,
            description=self.description,
            parameters=schema,
            actions=actions(self.actions),
        )


def actions(given: list[ToolActionInput]) -> tuple[domain.ToolAction, ...]:
    return tuple(action.action() for action in given)


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

    def changes(self) -> dict[str, Any]:
        fields: Fields = {
            "name": ("name", as_is),
            "description": ("description", as_is),
            "parameters": ("parameters", checked),
            "actions": ("actions", actions),
        }
        return changes(self, fields)


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
