"""The steps of tools as inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import strawberry

from domain.common.errors import InvalidInput
from domain.tools import actions as domain
from domain.tools.actions import Method, Operation
from graph.schema.scalars import Json
from graph.schema.types.inputs import json_object


@strawberry.input(description="Writes a value into the call's context.")
class ContextSetInput:
    path: str = strawberry.field(description="Where to, for instance workflow.slot.")
    value: Json = strawberry.field(description="What; strings are templates.")


@strawberry.input(description="A place in the context.")
class ContextPathInput:
    path: str = strawberry.field(description="Which.")


@strawberry.input(description="A flag.")
class FlagInput:
    flag: str = strawberry.field(description="Its name.")


@strawberry.input(description="Tells the model something.")
class RespondInput:
    message: str = strawberry.field(description="What; a template.")


@strawberry.input(description="Hands the conversation over.")
class HandoffInput:
    node: str = strawberry.field(description="To this node.")


@strawberry.input(description="Asks a server over HTTP.")
class ApiCallInput:
    url: str = strawberry.field(
        default="", description="Where; slots only behind the host. What follows an endpoint."
    )
    endpoint: str = strawberry.field(default="", description="One of the settings' endpoints.")
    method: Method = strawberry.field(default=Method.GET, description="How.")
    headers: Json | None = strawberry.field(default=None, description="Names and templates.")
    query: Json | None = strawberry.field(default=None, description="Put behind the URL.")
    body: Json | None = strawberry.field(default=None, description="Sent as JSON.")
    timeout: float = strawberry.field(default=10.0, description="Of one try, in seconds.")
    retries: int = strawberry.field(default=2, description="How often it is tried again.")
    retry_unsafe: bool = strawberry.field(
        default=False, description="Also POST and PATCH: the server minds the idempotency key."
    )
    save: Json | None = strawberry.field(
        default=None, description='For instance {"workflow.order": "body.id"}.'
    )

    def action(self) -> domain.ToolAction:
        return domain.ApiCall(
            url=self.url,
            endpoint=self.endpoint,
            method=self.method,
            headers={k: str(v) for k, v in json_object(self.headers, "headers").items()},
            query=json_object(self.query, "query"),
            body=self.body,
            timeout=self.timeout,
            retries=self.retries,
            retry_unsafe=self.retry_unsafe,
            save={k: str(v) for k, v in json_object(self.save, "save").items()},
        )


@strawberry.input(description="Uses a tool of an MCP server.")
class McpCallInput:
    server: str = strawberry.field(description="Its name in the settings.")
    tool: str = strawberry.field(description="The server's tool.")
    arguments: Json | None = strawberry.field(
        default=None, description="Else it is given what the model gave."
    )
    timeout: float = strawberry.field(default=30.0, description="In seconds.")
    save: Json | None = strawberry.field(
        default=None, description='For instance {"workflow.order": "structured.id"}.'
    )

    def action(self) -> domain.ToolAction:
        given = None if self.arguments is None else json_object(self.arguments, "arguments")
        return domain.McpCall(
            server=self.server,
            tool=self.tool,
            arguments=given,
            timeout=self.timeout,
            save={k: str(v) for k, v in json_object(self.save, "save").items()},
        )


@strawberry.input(description="Goes one way or the other.")
class ConditionalInput:
    condition: str = strawberry.field(description="For instance flags.urgent.")
    then: list[Annotated[ToolActionInput, strawberry.lazy("graph.schema.types.action_inputs")]] = (
        strawberry.field(default_factory=list, description="When it holds.")
    )
    otherwise: list[
        Annotated[ToolActionInput, strawberry.lazy("graph.schema.types.action_inputs")]
    ] = strawberry.field(default_factory=list, description="When it does not.")


@strawberry.input(description="Something that must hold.")
class ValidationRuleInput:
    condition: str = strawberry.field(description="What must hold.")
    message: str = strawberry.field(description="What the model is told when it does not.")


@strawberry.input(description="Goes on only if every rule holds.")
class ValidateInput:
    rules: list[ValidationRuleInput] = strawberry.field(description="The rules.")


@strawberry.input(description="Writes what an operation makes of a value.")
class TransformInput:
    path: str = strawberry.field(description="Where to.")
    operation: Operation = strawberry.field(description="What is done.")
    value: Json | None = strawberry.field(default=None, description="With what.")
    separator: str = strawberry.field(default=", ", description="Of JOIN and SPLIT.")


@strawberry.input(description="Connects the caller to another number.")
class TransferCallInput:
    number: str = strawberry.field(description="In E.164; a template.")


@strawberry.input(description="Presses keys on the phone line.")
class SendDtmfInput:
    digits: str = strawberry.field(description="0 to 9, *, # and w for a pause; a template.")


@strawberry.input(one_of=True, description="One step of a tool.")
class ToolActionInput:
    context_set: strawberry.Maybe[ContextSetInput] = strawberry.field(description="Write.")
    context_get: strawberry.Maybe[ContextPathInput] = strawberry.field(description="Tell.")
    context_delete: strawberry.Maybe[ContextPathInput] = strawberry.field(description="Remove.")
    flag_set: strawberry.Maybe[FlagInput] = strawberry.field(description="Turn a flag on.")
    flag_clear: strawberry.Maybe[FlagInput] = strawberry.field(description="Turn a flag off.")
    respond: strawberry.Maybe[RespondInput] = strawberry.field(description="Tell the model.")
    handoff: strawberry.Maybe[HandoffInput] = strawberry.field(description="Hand over.")
    api_call: strawberry.Maybe[ApiCallInput] = strawberry.field(description="Ask a server.")
    mcp_call: strawberry.Maybe[McpCallInput] = strawberry.field(
        description="Use a tool of an MCP server."
    )
    conditional: strawberry.Maybe[ConditionalInput] = strawberry.field(description="Branch.")
    validate: strawberry.Maybe[ValidateInput] = strawberry.field(description="Insist.")
    transform: strawberry.Maybe[TransformInput] = strawberry.field(description="Compute.")
    end_call: strawberry.Maybe[bool] = strawberry.field(description="End the call: true.")
    transfer_call: strawberry.Maybe[TransferCallInput] = strawberry.field(description="Transfer.")
    send_dtmf: strawberry.Maybe[SendDtmfInput] = strawberry.field(description="Press keys.")

    def action(self) -> domain.ToolAction:
        for name, make in ACTION_BUILDERS.items():
            given: Any = getattr(self, name)
            if given is not None:
                return make(given.value)
        raise InvalidInput("An action needs something to do.", ("input", "actions"))


def actions(given: list[ToolActionInput]) -> tuple[domain.ToolAction, ...]:
    return tuple(action.action() for action in given)


def _end_call(yes: bool) -> domain.ToolAction:
    if not yes:
        raise InvalidInput("endCall must be true.", ("input", "actions"))
    return domain.EndCall()


def _conditional(given: ConditionalInput) -> domain.ToolAction:
    return domain.Conditional(
        condition=given.condition,
        then=actions(given.then),
        otherwise=actions(given.otherwise),
    )


def _validate(given: ValidateInput) -> domain.ToolAction:
    rules = (domain.Rule(condition=r.condition, message=r.message) for r in given.rules)
    return domain.Validate(rules=tuple(rules))


def _transform(given: TransformInput) -> domain.ToolAction:
    return domain.Transform(
        path=given.path,
        operation=given.operation,
        value=given.value,
        separator=given.separator,
    )


ACTION_BUILDERS: dict[str, Callable[[Any], domain.ToolAction]] = {
    "context_set": lambda g: domain.ContextSet(path=g.path, value=g.value),
    "context_get": lambda g: domain.ContextGet(path=g.path),
    "context_delete": lambda g: domain.ContextDelete(path=g.path),
    "flag_set": lambda g: domain.FlagSet(flag=g.flag),
    "flag_clear": lambda g: domain.FlagClear(flag=g.flag),
    "respond": lambda g: domain.Respond(message=g.message),
    "handoff": lambda g: domain.Handoff(node=g.node),
    "api_call": lambda g: g.action(),
    "mcp_call": lambda g: g.action(),
    "conditional": _conditional,
    "validate": _validate,
    "transform": _transform,
    "end_call": _end_call,
    "transfer_call": lambda g: domain.TransferCall(number=g.number),
    "send_dtmf": lambda g: domain.SendDtmf(digits=g.digits),
}
