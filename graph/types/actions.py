"""The steps of tools: as they are shown, and as they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import strawberry

from domain import steps as domain
from domain.errors import InvalidInput
from domain.steps import Method, Operation
from graph.scalars import Json
from graph.types.common import shows
from graph.types.inputs import mapping


@strawberry.interface(description="One step of a tool.")
class ToolAction:
    type: str = strawberry.field(description="What kind of step it is.")


@strawberry.type(description="Writes a value into the call's context.")
class ContextSetAction(ToolAction):
    is_type_of = shows(domain.ContextSet)
    path: str = strawberry.field(description="Where to; a trailing [+] appends to a list.")
    value: Json = strawberry.field(description="What; strings are templates.")


@strawberry.type(description="Tells the model what the context holds.")
class ContextGetAction(ToolAction):
    is_type_of = shows(domain.ContextGet)
    path: str = strawberry.field(description="Where it stands.")


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


@strawberry.type(description="Hands the conversation to another node.")
class HandoffAction(ToolAction):
    is_type_of = shows(domain.Handoff)
    node: str = strawberry.field(description="The node; a connection must lead to it.")


@strawberry.type(description="Asks a server over HTTP.")
class ApiCallAction(ToolAction):
    is_type_of = shows(domain.ApiCall)
    method: Method = strawberry.field(description="How.")
    url: str = strawberry.field(description="Where; slots only behind the host.")
    headers: Json = strawberry.field(description="Headers; {{secret.name}} is filled in last.")
    query: Json = strawberry.field(description="Put behind the URL, encoded.")
    body: Json | None = strawberry.field(description="Sent as JSON; strings are templates.")
    timeout: float = strawberry.field(description="Of one try, in seconds.")
    retries: int = strawberry.field(description="How often it is tried again, where that is safe.")
    retry_unsafe: bool = strawberry.field(description="The server minds the idempotency key.")
    save: Json = strawberry.field(description="Context paths and what of the response goes there.")


@strawberry.type(description="Goes one way or the other.")
class ConditionalAction(ToolAction):
    is_type_of = shows(domain.Conditional)
    condition: str = strawberry.field(description="For instance flags.urgent.")
    then: list[ToolAction] = strawberry.field(description="When it holds.")
    otherwise: list[ToolAction] = strawberry.field(description="When it does not.")


@strawberry.type(description="Something that must hold.")
class ValidationRule:
    condition: str = strawberry.field(description="What must hold.")
    message: str = strawberry.field(description="What the model is told when it does not.")


@strawberry.type(description="Goes on only if every rule holds.")
class ValidateAction(ToolAction):
    is_type_of = shows(domain.Validate)
    rules: list[ValidationRule] = strawberry.field(description="The rules.")


@strawberry.type(description="Writes what an operation makes of a value.")
class TransformAction(ToolAction):
    is_type_of = shows(domain.Transform)
    path: str = strawberry.field(description="Where to.")
    operation: Operation = strawberry.field(description="What is done.")
    value: Json | None = strawberry.field(description="With what; strings are templates.")
    separator: str = strawberry.field(description="Of JOIN and SPLIT.")


@strawberry.type(description="Ends the call after the agent's next words.")
class EndCallAction(ToolAction):
    is_type_of = shows(domain.EndCall)


@strawberry.type(description="Connects the caller to another number.")
class TransferCallAction(ToolAction):
    is_type_of = shows(domain.TransferCall)
    number: str = strawberry.field(description="In E.164; a template.")


@strawberry.type(description="Presses keys on the phone line.")
class SendDtmfAction(ToolAction):
    is_type_of = shows(domain.SendDtmf)
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
    ConditionalAction,
    ValidateAction,
    TransformAction,
    EndCallAction,
    TransferCallAction,
    SendDtmfAction,
]


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
    url: str = strawberry.field(description="Where; slots only behind the host.")
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
            method=self.method,
            headers={k: str(v) for k, v in mapping(self.headers, "headers").items()},
            query=mapping(self.query, "query"),
            body=self.body,
            timeout=self.timeout,
            retries=self.retries,
            retry_unsafe=self.retry_unsafe,
            save={k: str(v) for k, v in mapping(self.save, "save").items()},
        )


@strawberry.input(description="Goes one way or the other.")
class ConditionalInput:
    condition: str = strawberry.field(description="For instance flags.urgent.")
    then: list[Annotated[ToolActionInput, strawberry.lazy("graph.types.actions")]] = (
        strawberry.field(default_factory=list, description="When it holds.")
    )
    otherwise: list[Annotated[ToolActionInput, strawberry.lazy("graph.types.actions")]] = (
        strawberry.field(default_factory=list, description="When it does not.")
    )


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
    conditional: strawberry.Maybe[ConditionalInput] = strawberry.field(description="Branch.")
    validate: strawberry.Maybe[ValidateInput] = strawberry.field(description="Insist.")
    transform: strawberry.Maybe[TransformInput] = strawberry.field(description="Compute.")
    end_call: strawberry.Maybe[bool] = strawberry.field(description="End the call: true.")
    transfer_call: strawberry.Maybe[TransferCallInput] = strawberry.field(description="Transfer.")
    send_dtmf: strawberry.Maybe[SendDtmfInput] = strawberry.field(description="Press keys.")

    def action(self) -> domain.ToolAction:
        for name, make in MAKERS.items():
            given: Any = getattr(self, name)
            if given is not None:
                return make(given.value)
        raise InvalidInput("An action needs something to do.", ("input", "actions"))


def actions(given: list[ToolActionInput]) -> tuple[domain.ToolAction, ...]:
    return tuple(action.action() for action in given)


def _ended(yes: bool) -> domain.ToolAction:
    if not yes:
        raise InvalidInput("endCall must be true.", ("input", "actions"))
    return domain.EndCall()


def _branched(given: ConditionalInput) -> domain.ToolAction:
    return domain.Conditional(
        condition=given.condition,
        then=actions(given.then),
        otherwise=actions(given.otherwise),
    )


def _insisted(given: ValidateInput) -> domain.ToolAction:
    rules = (domain.Rule(condition=r.condition, message=r.message) for r in given.rules)
    return domain.Validate(rules=tuple(rules))


def _computed(given: TransformInput) -> domain.ToolAction:
    return domain.Transform(
        path=given.path,
        operation=given.operation,
        value=given.value,
        separator=given.separator,
    )


MAKERS: dict[str, Callable[[Any], domain.ToolAction]] = {
    "context_set": lambda g: domain.ContextSet(path=g.path, value=g.value),
    "context_get": lambda g: domain.ContextGet(path=g.path),
    "context_delete": lambda g: domain.ContextDelete(path=g.path),
    "flag_set": lambda g: domain.FlagSet(flag=g.flag),
    "flag_clear": lambda g: domain.FlagClear(flag=g.flag),
    "respond": lambda g: domain.Respond(message=g.message),
    "handoff": lambda g: domain.Handoff(node=g.node),
    "api_call": lambda g: g.action(),
    "conditional": _branched,
    "validate": _insisted,
    "transform": _computed,
    "end_call": _ended,
    "transfer_call": lambda g: domain.TransferCall(number=g.number),
    "send_dtmf": lambda g: domain.SendDtmf(digits=g.digits),
}
