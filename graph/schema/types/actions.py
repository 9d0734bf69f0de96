"""The actions of tools, as query results."""

from __future__ import annotations

from typing import Any

import strawberry

from domain.tools import actions as domain
from domain.tools.actions import Method, Operation
from domain.tools.transfers import TransferMode
from graph.schema.scalars import Duration, Json
from graph.schema.types.common import instance_check
from graph.schema.types.durations import duration_field


def _operand(root: Any) -> Json | None:
    return None if root.value is None else Json(root.value)


def _save_to(root: Any) -> str:
    return str(root.save)


@strawberry.interface(
    description=(
        "One action of a tool. Its fields have the names and meanings of those in `ToolActionInput`, and "
        "those of the same name have the same type in all actions."
    )
)
class ToolAction:
    type: str = strawberry.field(description="Kind of the action, for instance `context.set`.")


@strawberry.type(description="Writes a value into the context of the call.")
class ContextSetAction(ToolAction):
    is_type_of = instance_check(domain.ContextSet)
    path: str = strawberry.field(
        description=(
            "Context path to write, for instance `workflow.slot`; a trailing `[+]` "
            "appends to a list."
        )
    )
    value: Json = strawberry.field(description="Value to write; strings are templates.")


@strawberry.type(description="Returns a value of the context to the model.")
class ContextGetAction(ToolAction):
    is_type_of = instance_check(domain.ContextGet)
    path: str = strawberry.field(description="Context path to read, for instance `workflow.slot`.")


@strawberry.type(description="Removes a value from the context of the call.")
class ContextDeleteAction(ToolAction):
    is_type_of = instance_check(domain.ContextDelete)
    path: str = strawberry.field(
        description="Context path to remove, for instance `workflow.slot`."
    )


@strawberry.type(description="Sets a flag of the call to true.")
class FlagSetAction(ToolAction):
    is_type_of = instance_check(domain.FlagSet)
    flag: str = strawberry.field(description="Name of the flag to set.")


@strawberry.type(description="Sets a flag of the call to false.")
class FlagClearAction(ToolAction):
    is_type_of = instance_check(domain.FlagClear)
    flag: str = strawberry.field(description="Name of the flag to clear.")


@strawberry.type(description="Returns a message to the model as the result of the tool.")
class RespondAction(ToolAction):
    is_type_of = instance_check(domain.Respond)
    message: str = strawberry.field(description="Message to the model; a template.")


@strawberry.type(description="Hands the conversation off to another node.")
class HandoffAction(ToolAction):
    is_type_of = instance_check(domain.Handoff)
    node: str = strawberry.field(description="Id of the target node; a connection must lead to it.")


@strawberry.type(description="Sends an HTTP request.")
class ApiCallAction(ToolAction):
    is_type_of = instance_check(domain.ApiCall)
    method: Method = strawberry.field(description="HTTP method of the request.")
    url: str = strawberry.field(
        description=(
            "URL of the request, or the path behind `endpoint`. It may contain "
            "placeholders, but not in the host."
        )
    )
    endpoint: str = strawberry.field(
        description=(
            "Name of an endpoint in the settings that `url` is appended to; empty for none."
        )
    )
    headers: Json = strawberry.field(
        description=(
            "HTTP headers, as an object of templates; `{{secret.name}}` is replaced "
            "last and never shown."
        )
    )
    query: Json = strawberry.field(
        description=(
            "Query parameters, as an object; they are URL-encoded and appended to the URL."
        )
    )
    body: Json | None = strawberry.field(
        description="Request body, sent as JSON; strings are templates. Null sends no body."
    )
    timeout: float = strawberry.field(
        description="Timeout of one attempt, in seconds.", deprecation_reason="Use `timeLimit`."
    )
    time_limit: Duration = duration_field("timeout", "How long one attempt may take.")
    retries: int = strawberry.field(
        description=(
            "Maximum number of retries after a network failure, a 429 or a 5xx; POST "
            "and PATCH are retried only with `retryUnsafe`."
        )
    )
    retry_unsafe: bool = strawberry.field(
        description=(
            "Whether POST and PATCH may be retried, because the server honours the "
            "`Idempotency-Key` header."
        )
    )
    save: Json = strawberry.field(
        description=(
            "Parts of the response to store, from context path to response path: "
            '`{"workflow.order": "body.id"}`.'
        )
    )


@strawberry.type(description="Calls a tool of an MCP server.")
class McpCallAction(ToolAction):
    is_type_of = instance_check(domain.McpCall)
    server: str = strawberry.field(description="Name of the MCP server in the settings.")
    tool: str = strawberry.field(description="Name of the tool on the server.")
    arguments: Json | None = strawberry.field(
        description=(
            "Arguments of the tool, as an object; strings are templates. Null passes "
            "on the arguments that the model gave."
        )
    )
    timeout: float = strawberry.field(
        description="Timeout of the call to the server, in seconds.",
        deprecation_reason="Use `timeLimit`.",
    )
    time_limit: Duration = duration_field("timeout", "How long the call to the server may take.")
    save: Json = strawberry.field(
        description=(
            "Parts of the result to store, from context path to result path: "
            '`{"workflow.order": "structured.id"}`.'
        )
    )


@strawberry.type(description="Runs one of two chains of actions, depending on a condition.")
class ConditionalAction(ToolAction):
    is_type_of = instance_check(domain.Conditional)
    condition: str = strawberry.field(
        description="Expression to evaluate, for instance `flags.urgent`."
    )
    then: list[ToolAction] = strawberry.field(
        description="Actions to run when the condition is true."
    )
    otherwise: list[ToolAction] = strawberry.field(
        description="Actions to run when the condition is false."
    )


@strawberry.type(description="A condition that must be true for the tool to continue.")
class ValidationRule:
    condition: str = strawberry.field(description="Expression that must be true.")
    message: str = strawberry.field(
        description="Message that the model receives when the condition is false."
    )


@strawberry.type(description="Stops the tool unless every rule holds.")
class ValidateAction(ToolAction):
    is_type_of = instance_check(domain.Validate)
    rules: list[ValidationRule] = strawberry.field(description="Rules, checked in order.")


@strawberry.type(
    description="Applies an operation to a value and stores the result in the context."
)
class TransformAction(ToolAction):
    is_type_of = instance_check(domain.Transform)
    path: str = strawberry.field(description="Context path where the result is stored.")
    operation: Operation = strawberry.field(description="Operation to apply to the value.")
    value: Json | None = strawberry.field(
        description="Operand of the operation; strings are templates.",
        deprecation_reason="Use `operand`.",
    )
    operand: Json | None = strawberry.field(
        resolver=_operand, description="Operand of the operation; strings are templates."
    )
    separator: str = strawberry.field(
        description=(
            "Separator that JOIN inserts and SPLIT splits at; ignored by other operations."
        )
    )


@strawberry.type(description="Ends the call after the agent's next utterance.")
class EndCallAction(ToolAction):
    is_type_of = instance_check(domain.EndCall)


@strawberry.type(
    description=(
        "Transfers the caller to another phone number, once the agent has finished speaking; only in "
        "voice calls."
    )
)
class TransferCallAction(ToolAction):
    is_type_of = instance_check(domain.TransferCall)
    number: str = strawberry.field(description="Phone number in E.164; a template.")
    mode: TransferMode = strawberry.field(description="How the caller is transferred.")
    trunk: str | None = strawberry.field(
        description=(
            "Name of the outbound trunk whose rules apply; null for that of the call, or the only one."
        )
    )
    extension: str | None = strawberry.field(
        description="Keys to press once a warm transfer was answered; a template. Null: none."
    )
    brief: str | None = strawberry.field(
        description=(
            "What the colleague hears before they decide about a warm transfer; a template. Null: a "
            "summary of the call."
        )
    )
    ringing_timeout: Duration | None = duration_field(
        "ringing_seconds", "How long the phone may ring; null for 30 seconds.", nullable=True
    )
    announcement: str | None = strawberry.field(
        description="What the caller hears before the transfer; a template. Null: nothing."
    )


@strawberry.type(description="Sends DTMF tones on the phone line; only in telephone calls.")
class SendDtmfAction(ToolAction):
    is_type_of = instance_check(domain.SendDtmf)
    digits: str = strawberry.field(
        description="Tones to send: 0 to 9, *, # and w for a pause; a template."
    )


@strawberry.type(
    description="Asks the caller to press keys, and waits for them; only in telephone calls."
)
class CollectDigitsAction(ToolAction):
    is_type_of = instance_check(domain.CollectDigits)
    name: str = strawberry.field(
        description=(
            "Name of the digits: later actions read them at `digits.<name>`, and masked ones in the "
            "headers and the body of an `apiCall` at `masked.<name>`."
        )
    )
    prompt: str = strawberry.field(
        description=(
            "What the agent says to ask for the digits; a template. Empty if the model has asked "
            "already."
        )
    )
    retry_prompt: str = strawberry.field(
        description="What the agent says before each further attempt; empty repeats the prompt."
    )
    count: int | None = strawberry.field(
        description="How many digits are asked for; null allows `min` to `max`."
    )
    min: int | None = strawberry.field(
        description="Minimum number of digits; null for 1, or with `count`."
    )
    max: int | None = strawberry.field(
        description="Maximum number of digits; null for 32, or with `count`."
    )
    terminator: str = strawberry.field(
        description="Key that completes the digits and is not part of them; empty for none."
    )
    allowed: str = strawberry.field(
        description="Keys that may be pressed; any other key ends the attempt."
    )
    first_key_timeout: Duration = duration_field(
        "first_seconds", "How long to wait for the first key after the prompt."
    )
    next_key_timeout: Duration = duration_field(
        "between_seconds", "How long to wait for each further key."
    )
    attempts: int = strawberry.field(description="How often the caller is asked at most.")
    masked: bool = strawberry.field(
        description=(
            "Whether the digits are secret: they are stored nowhere, and while the caller presses "
            "them nothing is recorded or transcribed."
        )
    )
    save_to: str = strawberry.field(
        resolver=_save_to,
        description="Context path that the digits are also written to; empty for none.",
    )


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
    CollectDigitsAction,
]
