"""Inputs for the actions of tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import strawberry

from domain.common.casing import camel
from domain.tools import actions as domain
from domain.tools.actions import Method, Operation
from domain.tools.transfers import TransferMode
from graph.schema.scalars import Duration, Json
from graph.schema.types.inputs import InputReader, json_object, json_texts


@strawberry.input(description="Writes a value into the context of the call.")
class ContextSetInput:
    path: str = strawberry.field(
        description=(
            "Context path to write, for instance `workflow.slot`; a trailing `[+]` "
            "appends to a list."
        )
    )
    value: Json | None = strawberry.field(
        default=None,
        description="Value to write; strings are templates. Omit it to write null.",
    )


@strawberry.input(description="A path in the context of the call.")
class ContextPathInput:
    path: str = strawberry.field(description="Context path, for instance `workflow.slot`.")


@strawberry.input(description="A flag of the call.")
class FlagInput:
    flag: str = strawberry.field(
        description="Name of the flag, which conditions read as `flags.<name>`."
    )


@strawberry.input(description="Returns a message to the model as the result of the tool.")
class RespondInput:
    message: str = strawberry.field(description="Message to the model; a template.")


@strawberry.input(description="Hands the conversation off to another node.")
class HandoffInput:
    node: str = strawberry.field(description="Id of the target node; a connection must lead to it.")


@strawberry.input(description="Sends an HTTP request.")
class ApiCallInput:
    url: str = strawberry.field(
        default="",
        description=(
            "URL of the request, or the path behind `endpoint`. It may contain "
            "placeholders, but not in the host."
        ),
    )
    endpoint: str = strawberry.field(
        default="",
        description=(
            "Name of an endpoint in the settings that `url` is appended to; empty for none."
        ),
    )
    method: Method = strawberry.field(default=Method.GET, description="HTTP method of the request.")
    headers: Json | None = strawberry.field(
        default=None,
        description=(
            "HTTP headers, as an object of templates; `{{secret.name}}` is replaced "
            "last and never shown."
        ),
    )
    query: Json | None = strawberry.field(
        default=None,
        description=(
            "Query parameters, as an object; they are URL-encoded and appended to the URL."
        ),
    )
    body: Json | None = strawberry.field(
        default=None,
        description="Request body, sent as JSON; strings are templates. Null sends no body.",
    )
    timeout: float | None = strawberry.field(
        default=None,
        description="Timeout of one attempt, in seconds.",
        deprecation_reason="Use `timeLimit`.",
    )
    time_limit: Duration | None = strawberry.field(
        default=None, description="How long one attempt may take; omit for `PT10S`."
    )
    retries: int = strawberry.field(
        default=2,
        description=(
            "Maximum number of retries after a network failure, a 429 or a 5xx; POST "
            "and PATCH are retried only with `retryUnsafe`."
        ),
    )
    retry_unsafe: bool = strawberry.field(
        default=False,
        description=(
            "Whether POST and PATCH may be retried, because the server honours the "
            "`Idempotency-Key` header."
        ),
    )
    save: Json | None = strawberry.field(
        default=None,
        description=(
            "Parts of the response to store, from context path to response path: "
            '`{"workflow.order": "body.id"}`.'
        ),
    )

    def action(self, reader: InputReader) -> domain.ToolAction:
        timeout = reader.seconds(self, "time_limit", "timeout")
        return domain.ApiCall(
            url=self.url,
            endpoint=self.endpoint,
            method=self.method,
            headers=json_texts(self.headers, reader.at("headers")),
            query=json_object(self.query, reader.at("query")),
            body=self.body,
            timeout=10.0 if timeout is None else timeout,
            retries=self.retries,
            retry_unsafe=self.retry_unsafe,
            save=json_texts(self.save, reader.at("save")),
        )


@strawberry.input(description="Calls a tool of an MCP server.")
class McpCallInput:
    server: str = strawberry.field(description="Name of the MCP server in the settings.")
    tool: str = strawberry.field(description="Name of the tool on the server.")
    arguments: Json | None = strawberry.field(
        default=None,
        description=(
            "Arguments of the tool, as an object; strings are templates. Null passes "
            "on the arguments that the model gave."
        ),
    )
    timeout: float | None = strawberry.field(
        default=None,
        description="Timeout of the call to the server, in seconds.",
        deprecation_reason="Use `timeLimit`.",
    )
    time_limit: Duration | None = strawberry.field(
        default=None, description="How long the call to the server may take; omit for `PT30S`."
    )
    save: Json | None = strawberry.field(
        default=None,
        description=(
            "Parts of the result to store, from context path to result path: "
            '`{"workflow.order": "structured.id"}`.'
        ),
    )

    def action(self, reader: InputReader) -> domain.ToolAction:
        given, timeout = self.arguments, reader.seconds(self, "time_limit", "timeout")
        return domain.McpCall(
            server=self.server,
            tool=self.tool,
            arguments=None if given is None else json_object(given, reader.at("arguments")),
            timeout=30.0 if timeout is None else timeout,
            save=json_texts(self.save, reader.at("save")),
        )


@strawberry.input(description="Runs one of two chains of actions, depending on a condition.")
class ConditionalInput:
    condition: str = strawberry.field(
        description="Expression to evaluate, for instance `flags.urgent`."
    )
    then: list[Annotated[ToolActionInput, strawberry.lazy("graph.schema.types.action_inputs")]] = (
        strawberry.field(
            default_factory=list, description="Actions to run when the condition is true."
        )
    )
    otherwise: list[
        Annotated[ToolActionInput, strawberry.lazy("graph.schema.types.action_inputs")]
    ] = strawberry.field(
        default_factory=list, description="Actions to run when the condition is false."
    )


@strawberry.input(description="A condition that must be true for the tool to continue.")
class ValidationRuleInput:
    condition: str = strawberry.field(description="Expression that must be true.")
    message: str = strawberry.field(
        description="Message that the model receives when the condition is false."
    )


@strawberry.input(description="Stops the tool unless every rule holds.")
class ValidateInput:
    rules: list[ValidationRuleInput] = strawberry.field(description="Rules, checked in order.")


@strawberry.input(
    description="Applies an operation to a value and stores the result in the context."
)
class TransformInput:
    path: str = strawberry.field(description="Context path where the result is stored.")
    operation: Operation = strawberry.field(description="Operation to apply to the value.")
    value: Json | None = strawberry.field(
        default=None,
        description="Operand of the operation; strings are templates.",
        deprecation_reason="Use `operand`.",
    )
    operand: Json | None = strawberry.field(
        default=None, description="Operand of the operation; strings are templates."
    )
    separator: str = strawberry.field(
        default=", ",
        description=(
            "Separator that JOIN inserts and SPLIT splits at; ignored by other operations."
        ),
    )


@strawberry.input(
    description=(
        "Transfers the caller to another phone number, once the agent has finished speaking; only in "
        "voice calls."
    )
)
class TransferCallInput:
    number: str = strawberry.field(description="Phone number in E.164; a template.")
    mode: TransferMode = strawberry.field(
        default=TransferMode.COLD, description="How the caller is transferred."
    )
    trunk: str | None = strawberry.field(
        default=None,
        description=(
            "Name of the outbound trunk whose rules apply; omit for that of the call, or for the only "
            "one that is enabled."
        ),
    )
    extension: str | None = strawberry.field(
        default=None,
        description=(
            "Keys to press once a warm transfer was answered: 0 to 9, *, # and w for half a second of "
            "pause; a template."
        ),
    )
    brief: str | None = strawberry.field(
        default=None,
        description=(
            "What the colleague hears before they decide about a warm transfer; a template. Omit for a "
            "summary of the call."
        ),
    )
    ringing_timeout: Duration | None = strawberry.field(
        default=None,
        description="How long the phone may ring, `PT5S` to `PT1M15S`; omit for 30 seconds.",
    )
    announcement: str | None = strawberry.field(
        default=None,
        description="What the caller hears before the transfer; a template. Omit for nothing.",
    )

    def action(self, reader: InputReader) -> domain.TransferCall:
        return domain.TransferCall(
            number=self.number,
            mode=self.mode,
            trunk=self.trunk,
            extension=self.extension,
            brief=self.brief,
            ringing_seconds=reader.ringing_seconds(self),
            announcement=self.announcement,
        )


@strawberry.input(description="Sends DTMF tones on the phone line; only in telephone calls.")
class SendDtmfInput:
    digits: str = strawberry.field(
        description="Tones to send: 0 to 9, *, # and w for a pause; a template."
    )


@strawberry.input(
    description="Asks the caller to press keys, and waits for them; only in telephone calls."
)
class CollectDigitsInput:
    name: str = strawberry.field(
        description=(
            "Name of the digits: later actions read them at `digits.<name>`, and masked ones in the "
            "headers and the body of an `apiCall` at `masked.<name>`."
        )
    )
    prompt: str = strawberry.field(
        default="",
        description=(
            "What the agent says to ask for the digits; a template. Empty if the model has asked "
            "already; masked digits need a prompt."
        ),
    )
    retry_prompt: str = strawberry.field(
        default="",
        description="What the agent says before each further attempt; empty repeats the prompt.",
    )
    count: int | None = strawberry.field(
        default=None, description="How many digits are asked for; null allows `min` to `max`."
    )
    min: int | None = strawberry.field(
        default=None, description="Minimum number of digits; null for 1. Not together with `count`."
    )
    max: int | None = strawberry.field(
        default=None,
        description=(
            "Maximum number of digits, at most 32; null for 32. Not together with `count`."
        ),
    )
    terminator: str = strawberry.field(
        default="#",
        description="Key that completes the digits and is not part of them; empty for none.",
    )
    allowed: str = strawberry.field(
        default=domain.DTMF_KEYS,
        description="Keys that may be pressed; any other key ends the attempt.",
    )
    first_key_timeout: Duration | None = strawberry.field(
        default=None,
        description="How long to wait for the first key after the prompt; omit for `PT8S`.",
    )
    next_key_timeout: Duration | None = strawberry.field(
        default=None, description="How long to wait for each further key; omit for `PT3S`."
    )
    attempts: int = strawberry.field(
        default=3, description="How often the caller is asked at most, from 1 to 5."
    )
    masked: bool = strawberry.field(
        default=False,
        description=(
            "Whether the digits are secret: they are stored nowhere, and while the caller presses "
            "them nothing is recorded or transcribed."
        ),
    )
    save_to: str | None = strawberry.field(
        default=None,
        description=(
            "Context path that the digits are also written to; omit for none, as for masked digits."
        ),
    )

    def action(self, reader: InputReader) -> domain.ToolAction:
        first = reader.duration(self, "first_key_timeout", "first_seconds")
        between = reader.duration(self, "next_key_timeout", "between_seconds")
        return domain.CollectDigits(
            name=self.name,
            prompt=self.prompt,
            retry_prompt=self.retry_prompt,
            count=self.count,
            min=self.min,
            max=self.max,
            terminator=self.terminator,
            allowed=self.allowed,
            first_seconds=8.0 if first is None else first,
            between_seconds=3.0 if between is None else between,
            attempts=self.attempts,
            masked=self.masked,
            save=reader.renamed(self, "save_to", "save") or "",
        )


@strawberry.input(one_of=True, description="One action of a tool.")
class ToolActionInput:
    context_set: strawberry.Maybe[ContextSetInput] = strawberry.field(
        description="Write a value into the context."
    )
    context_get: strawberry.Maybe[ContextPathInput] = strawberry.field(
        description="Return a value of the context to the model."
    )
    context_delete: strawberry.Maybe[ContextPathInput] = strawberry.field(
        description="Remove a value from the context."
    )
    flag_set: strawberry.Maybe[FlagInput] = strawberry.field(description="Set a flag to true.")
    flag_clear: strawberry.Maybe[FlagInput] = strawberry.field(description="Set a flag to false.")
    respond: strawberry.Maybe[RespondInput] = strawberry.field(
        description="Return a message to the model."
    )
    handoff: strawberry.Maybe[HandoffInput] = strawberry.field(
        description="Hand the conversation off to another node."
    )
    api_call: strawberry.Maybe[ApiCallInput] = strawberry.field(description="Send an HTTP request.")
    mcp_call: strawberry.Maybe[McpCallInput] = strawberry.field(
        description="Call a tool of an MCP server."
    )
    conditional: strawberry.Maybe[ConditionalInput] = strawberry.field(
        description="Run one of two chains of actions."
    )
    validate: strawberry.Maybe[ValidateInput] = strawberry.field(
        description="Stop the tool unless rules hold."
    )
    transform: strawberry.Maybe[TransformInput] = strawberry.field(
        description="Compute a value and store it in the context."
    )
    end_call: strawberry.Maybe[bool] = strawberry.field(
        description="End the call after the agent's next utterance; must be true."
    )
    transfer_call: strawberry.Maybe[TransferCallInput] = strawberry.field(
        description="Transfer the caller to another phone number."
    )
    send_dtmf: strawberry.Maybe[SendDtmfInput] = strawberry.field(
        description="Send DTMF tones on the phone line."
    )
    collect_digits: strawberry.Maybe[CollectDigitsInput] = strawberry.field(
        description="Ask the caller to press keys."
    )

    def action(self, reader: InputReader) -> domain.ToolAction:
        for name, build in ACTION_BUILDERS.items():
            action: Any = getattr(self, name)
            if action is not None:
                return build(action.value, reader.at(camel(name)))
        reader.reject("An action must set exactly one field.")
        return domain.EndCall()


def actions(inputs: list[ToolActionInput], reader: InputReader) -> tuple[domain.ToolAction, ...]:
    return tuple(each.action(reader.at(str(index))) for index, each in enumerate(inputs))


def _end_call(yes: bool, reader: InputReader) -> domain.ToolAction:
    if not yes:
        reader.reject("endCall must be true.")
    return domain.EndCall()


def _conditional(input: ConditionalInput, reader: InputReader) -> domain.ToolAction:
    return domain.Conditional(
        condition=input.condition,
        then=actions(input.then, reader.at("then")),
        otherwise=actions(input.otherwise, reader.at("otherwise")),
    )


def _validate(input: ValidateInput, _reader: InputReader) -> domain.ToolAction:
    rules = (domain.Rule(condition=r.condition, message=r.message) for r in input.rules)
    return domain.Validate(rules=tuple(rules))


def _transform(input: TransformInput, reader: InputReader) -> domain.ToolAction:
    return domain.Transform(
        path=input.path,
        operation=input.operation,
        value=reader.either(input, "operand", "value"),
        separator=input.separator,
    )


ACTION_BUILDERS: dict[str, Callable[[Any, InputReader], domain.ToolAction]] = {
    "context_set": lambda g, _: domain.ContextSet(path=g.path, value=g.value),
    "context_get": lambda g, _: domain.ContextGet(path=g.path),
    "context_delete": lambda g, _: domain.ContextDelete(path=g.path),
    "flag_set": lambda g, _: domain.FlagSet(flag=g.flag),
    "flag_clear": lambda g, _: domain.FlagClear(flag=g.flag),
    "respond": lambda g, _: domain.Respond(message=g.message),
    "handoff": lambda g, _: domain.Handoff(node=g.node),
    "api_call": ApiCallInput.action,
    "mcp_call": McpCallInput.action,
    "conditional": _conditional,
    "validate": _validate,
    "transform": _transform,
    "end_call": _end_call,
    "transfer_call": TransferCallInput.action,
    "send_dtmf": lambda g, _: domain.SendDtmf(digits=g.digits),
    "collect_digits": CollectDigitsInput.action,
}
