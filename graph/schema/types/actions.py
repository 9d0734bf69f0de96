"""The steps of tools: as they are shown, and as they are given."""

from __future__ import annotations

import strawberry

from domain.tools import actions as domain
from domain.tools.actions import Method, Operation
from graph.schema.scalars import Json
from graph.schema.types.common import instance_check


@strawberry.interface(description="One step of a tool.")
class ToolAction:
    type: str = strawberry.field(description="What kind of step it is.")


@strawberry.type(description="Writes a value into the call's context.")
class ContextSetAction(ToolAction):
    is_type_of = instance_check(domain.ContextSet)
    path: str = strawberry.field(description="Where to; a trailing [+] appends to a list.")
    value: Json = strawberry.field(description="What; strings are templates.")


@strawberry.type(description="Tells the model what the context holds.")
class ContextGetAction(ToolAction):
    is_type_of = instance_check(domain.ContextGet)
    path: str = strawberry.field(description="Where it stands.")


@strawberry.type(description="Removes a value from the call's context.")
class ContextDeleteAction(ToolAction):
    is_type_of = instance_check(domain.ContextDelete)
    path: str = strawberry.field(description="Which.")


@strawberry.type(description="Turns a flag on.")
class FlagSetAction(ToolAction):
    is_type_of = instance_check(domain.FlagSet)
    flag: str = strawberry.field(description="Its name.")


@strawberry.type(description="Turns a flag off.")
class FlagClearAction(ToolAction):
    is_type_of = instance_check(domain.FlagClear)
    flag: str = strawberry.field(description="Its name.")


@strawberry.type(description="Tells the model something as the tool's result.")
class RespondAction(ToolAction):
    is_type_of = instance_check(domain.Respond)
    message: str = strawberry.field(description="What; a template.")


@strawberry.type(description="Hands the conversation to another node.")
class HandoffAction(ToolAction):
    is_type_of = instance_check(domain.Handoff)
    node: str = strawberry.field(description="The node; a connection must lead to it.")


@strawberry.type(description="Asks a server over HTTP.")
class ApiCallAction(ToolAction):
    is_type_of = instance_check(domain.ApiCall)
    method: Method = strawberry.field(description="How.")
    url: str = strawberry.field(description="Where; slots only behind the host.")
    endpoint: str = strawberry.field(
        description="The endpoint of the settings that url goes behind; empty: none."
    )
    headers: Json = strawberry.field(description="Headers; {{secret.name}} is filled in last.")
    query: Json = strawberry.field(description="Put behind the URL, encoded.")
    body: Json | None = strawberry.field(description="Sent as JSON; strings are templates.")
    timeout: float = strawberry.field(description="Of one try, in seconds.")
    retries: int = strawberry.field(description="How often it is tried again, where that is safe.")
    retry_unsafe: bool = strawberry.field(description="The server minds the idempotency key.")
    save: Json = strawberry.field(description="Context paths and what of the response goes there.")


@strawberry.type(description="Uses a tool of an MCP server.")
class McpCallAction(ToolAction):
    is_type_of = instance_check(domain.McpCall)
    server: str = strawberry.field(description="Its name in the settings.")
    tool: str = strawberry.field(description="The server's tool.")
    arguments: Json | None = strawberry.field(
        description="What the tool is given; strings are templates. Null: what the model gave."
    )
    timeout: float = strawberry.field(description="In seconds.")
    save: Json = strawberry.field(description="Context paths and what of the answer goes there.")


@strawberry.type(description="Goes one way or the other.")
class ConditionalAction(ToolAction):
    is_type_of = instance_check(domain.Conditional)
    condition: str = strawberry.field(description="For instance flags.urgent.")
    then: list[ToolAction] = strawberry.field(description="When it holds.")
    otherwise: list[ToolAction] = strawberry.field(description="When it does not.")


@strawberry.type(description="Something that must hold.")
class ValidationRule:
    condition: str = strawberry.field(description="What must hold.")
    message: str = strawberry.field(description="What the model is told when it does not.")


@strawberry.type(description="Goes on only if every rule holds.")
class ValidateAction(ToolAction):
    is_type_of = instance_check(domain.Validate)
    rules: list[ValidationRule] = strawberry.field(description="The rules.")


@strawberry.type(description="Writes what an operation makes of a value.")
class TransformAction(ToolAction):
    is_type_of = instance_check(domain.Transform)
    path: str = strawberry.field(description="Where to.")
    operation: Operation = strawberry.field(description="What is done.")
    value: Json | None = strawberry.field(description="With what; strings are templates.")
    separator: str = strawberry.field(description="Of JOIN and SPLIT.")


@strawberry.type(description="Ends the call after the agent's next words.")
class EndCallAction(ToolAction):
    is_type_of = instance_check(domain.EndCall)


@strawberry.type(description="Connects the caller to another number.")
class TransferCallAction(ToolAction):
    is_type_of = instance_check(domain.TransferCall)
    number: str = strawberry.field(description="In E.164; a template.")


@strawberry.type(description="Presses keys on the phone line.")
class SendDtmfAction(ToolAction):
    is_type_of = instance_check(domain.SendDtmf)
    digits: str = strawberry.field(description="0 to 9, *, # and w for a pause; a template.")


ACTIONS = [
    ContextSetAction,
    ContextGetAction,
    ContextDeleteAction,
    FlagSetAction,
    FlagClearAction,
    RespondAction,
    HandoffAction,
    ApiCallAction,
    McpCallAction,
    ConditionalAction,
    ValidateAction,
    TransformAction,
    EndCallAction,
    TransferCallAction,
    SendDtmfAction,
]
