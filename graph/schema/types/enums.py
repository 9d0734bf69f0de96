"""The domain's enums, with a description of every value."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

import strawberry

from domain.bundles.diff import ChangeKind
from domain.bundles.import_report import NoteKind
from domain.calls.commands import CommandKind
from domain.calls.events import HandoffVia, Speaker, ToolOutcome
from domain.calls.model import Blame, CallKind, CallState, Direction, EndReason
from domain.calls.recordings import RecordingState
from domain.common.access import Scope
from domain.common.findings import FindingCode, Severity
from domain.providers.model import OptionType, ProviderKind
from domain.tenants.budgets import Budget
from domain.tenants.credentials import Verdict
from domain.tool_execution.executor import Ending
from domain.tools.actions import Method, Operation
from domain.workflows.model import ContextPolicy

E = TypeVar("E", bound=Enum)


def describe_enum(enum: type[E], **values: str) -> type[E]:
    made = strawberry.enum(enum, description=(enum.__doc__ or "").split("`")[0].strip() or None)
    definition: Any = made.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[value.name]
    return made


describe_enum(
    CallKind,
    VOIP="In a browser or an app, over WebRTC.",
    SIP="Over the telephone.",
    TEXT="Typed messages.",
)
describe_enum(
    Budget,
    CONCURRENT_CALLS="Calls that go on at the same time.",
    MINUTES_PER_MONTH="Minutes of calls, from answer to end, in a month of UTC.",
    SPEND_PER_MONTH="Dollars that the calls of a month of UTC may come to, as estimated.",
)
describe_enum(Direction, INBOUND="The caller called.", OUTBOUND="We called.")
describe_enum(
    CallState,
    PENDING="Stored, and waiting for a worker.",
    CONNECTING="A worker has taken it.",
    DIALING="The number is being dialled.",
    RINGING="It rings.",
    ACTIVE="Caller and agent are talking.",
    ENDING="The agent is saying goodbye.",
    COMPLETED="Over, after a conversation.",
    NO_ANSWER="Over: nobody answered.",
    BUSY="Over: busy or declined.",
    FAILED="Over: something broke.",
    CANCELED="Over before it began.",
)
describe_enum(
    Blame,
    CALLER="The caller.",
    AGENT="The agents, as configured.",
    API="A client of this API.",
    PROVIDER="A model or speech provider.",
    CARRIER="The telephone network.",
    PLATFORM="This installation.",
    CONFIG="A setting or a workflow.",
)
describe_enum(
    EndReason,
    HUNG_UP_BY_USER="The caller hung up.",
    ENDED_BY_AGENT="A tool of the agent ended it.",
    WORKFLOW_FINISHED="The agent in an exit node ended it.",
    TRANSFERRED="It was transferred away.",
    ENDED_BY_API="endCall was asked for.",
    NO_ANSWER="Nobody answered.",
    BUSY="The line was busy.",
    DECLINED="The call was declined.",
    INVALID_NUMBER="The number does not exist.",
    VOICEMAIL="A machine answered.",
    SILENCE="The caller said nothing for too long.",
    MAX_DURATION="It reached its longest duration.",
    NO_WORKER="No worker took it in time.",
    WORKER_LOST="Its worker was lost and no other came in time.",
    ROOM_GONE="The room vanished.",
    DIAL_UNKNOWN="It is not known whether the number was dialled.",
    PROVIDER_FAILED="A provider failed, or its key is missing.",
    TRUNK_FAILED="The trunk failed.",
    CANCELED="It was ended before a worker took it.",
    BUDGET_SPENT="What it may spend is spent, or a budget of the tenant's month.",
    INTERNAL="The platform failed.",
)
describe_enum(
    Scope,
    SETTINGS_READ="Read the settings of the tenant.",
    SETTINGS_WRITE="Change the settings of the tenant.",
    CREDENTIALS_READ="See which keys and secrets there are.",
    CREDENTIALS_WRITE="Set, test and delete keys and secrets.",
    AGENTS_READ="Read agents.",
    AGENTS_WRITE="Create, change and delete agents.",
    TOOLS_READ="Read tools.",
    TOOLS_WRITE="Create, change and delete tools.",
    WORKFLOWS_READ="Read and verify workflows.",
    WORKFLOWS_WRITE="Create, change, delete and publish workflows.",
    CALLS_READ="Read and watch calls.",
    CALLS_WRITE="Start, talk in and end calls.",
)
describe_enum(CommandKind, SEND_TEXT="A message of the caller.", END="End the call.")
describe_enum(Speaker, CALLER="The caller.", AGENT="An agent.")
describe_enum(
    HandoffVia,
    MODEL="The model asked for it.",
    CONDITION="A condition turned true.",
    TOOL="A tool asked for it.",
    OPERATOR="An operator asked for it.",
)
describe_enum(
    ContextPolicy,
    FULL="All that was said.",
    LAST_N="The last turns.",
    SUMMARY="A summary, written by the next agent's own model.",
    VARIABLES_ONLY="Nothing but the keys of the shared context, and what the caller said last.",
)
describe_enum(
    ToolOutcome,
    SUCCEEDED="Every action was done.",
    FAILED="An action failed.",
    REFUSED="The arguments were not acceptable; nothing was done.",
    UNKNOWN="The worker was lost while it ran, it took too long, or a server did not answer.",
)
describe_enum(Severity, ERROR="Stops publishing.", WARNING="Does not stop publishing.")
describe_enum(
    FindingCode,
    NO_ENTRY="No node is the entry.",
    MANY_ENTRIES="More than one node is the entry.",
    NO_EXIT="No node is an exit.",
    DUPLICATE_NODE="Two nodes have one id.",
    UNKNOWN_AGENT="A node names an agent that does not exist.",
    UNKNOWN_NODE="A connection or a tool names a node that does not exist.",
    DUPLICATE_CONNECTION="Two nodes are joined twice.",
    SELF_CONNECTION="A node is joined to itself.",
    HANDOFF_NAME_TOO_LONG="A node's id is too long to be handed off to by the model.",
    UNREACHABLE_NODE="No way leads to a node.",
    DEAD_END="From a node no way leads to an exit.",
    UNMARKED_CYCLE="Connections make a ring, and none of them says how often it may be taken.",
    MANY_DEFAULTS="A node has two default ways.",
    USELESS_DEFAULT="A node that is never passed by has a default way.",
    SKIPPED_TO_NOWHERE="A node that is passed by has no single way on.",
    SKIPPED_DEAD_END="When skippable nodes are passed by, no way leads to an exit.",
    ALWAYS_TRUE="A condition holds whatever the values are.",
    NEVER_TRUE="A condition contradicts itself.",
    SHADOWED="A condition never gets its turn.",
    NO_MODEL="An agent has no model, and there is no default.",
    UNKNOWN_PROVIDER="An agent names a provider that does not exist.",
    UNKNOWN_MODEL="A model is missing, or not among those known.",
    UNKNOWN_OPTION="A provider has no such option.",
    INVALID_OPTION="An option has a value that it cannot have.",
    USELESS_FALLBACK="A fallback is in the chain already.",
    NO_KEY="There is no key for a provider.",
    LANGUAGE_NOT_KNOWN="A provider does not hear or speak a language of the agent.",
    NO_VOICE="A language of the agent has no voice.",
    VOICE_WITHOUT_LANGUAGE="A voice is for a language that the agent does not speak.",
    UNKNOWN_VOICE="A voice is not among those known.",
    UNKNOWN_TOOL="An agent names a tool that does not exist.",
    TOOL_NAME_CLASH="A tool has a name that workflows use themselves.",
    INVALID_WORKFLOW="The workflow breaks a rule of input.",
    INVALID_AGENT="An agent breaks a rule of input.",
    INVALID_TOOL="A tool breaks a rule of input.",
    HANDOFF_WITHOUT_CONNECTION="A tool hands off where no connection leads.",
    UNKNOWN_ENDPOINT="A tool names an endpoint that the settings do not have.",
    UNKNOWN_MCP_SERVER="A tool names an MCP server that the settings do not have.",
    MCP_TOOL_NOT_ALLOWED="The settings do not allow a tool of an MCP server.",
    UNKNOWN_PARAMETER="A tool reads a parameter that it does not have.",
    RESPONSE_TOO_EARLY="A tool reads an answer before it asks.",
    UNDEFINED_VARIABLE="Something is read that nothing writes.",
    UNSET_VARIABLE="Something is read that is only written later.",
    UNKNOWN_SETTING="The settings do not have a value that is read.",
    UNUSED_VARIABLE="A variable of a prompt is not read by it.",
    UNWRITTEN_KEY="A key is to be passed on that nothing writes.",
    NO_RECORDINGS="Calls are to be recorded, and there is no place for it.",
    TOO_COMPLEX="The workflow is too complex to be verified completely; the findings may not be all.",
)
describe_enum(
    Verdict,
    ACCEPTED="The key is good.",
    REJECTED="The provider does not know it, or does not let it in.",
    UNREACHABLE="It could not be found out.",
)
describe_enum(
    NoteKind,
    ADDED="It is new.",
    CHANGED="It was there and is different now.",
    UNCHANGED="It was there, the same.",
    CONVERTED="It was written in older words.",
    DROPPED="It is not part of what was taken.",
)
describe_enum(
    ChangeKind,
    ADDED="It is new.",
    REMOVED="It is gone.",
    CHANGED="It has another value.",
)
describe_enum(
    ProviderKind,
    STT="Turns speech into text.",
    LLM="Language models.",
    TTS="Speaks.",
    VAD="Hears whether somebody speaks.",
)
describe_enum(
    OptionType,
    NUMBER="A number.",
    INTEGER="A whole number.",
    BOOLEAN="True or false.",
    TEXT="A text.",
    LIST="A list of JSON values.",
)
describe_enum(
    Method,
    GET="Read.",
    POST="Make or do; not sent again unless retryUnsafe.",
    PUT="Write whole.",
    PATCH="Change a part; not sent again unless retryUnsafe.",
    DELETE="Remove.",
)
describe_enum(
    Operation,
    APPEND="The list at path and the value behind it.",
    REMOVE="The list at path without the value.",
    MERGE="The object at path with the value's keys.",
    INCREMENT="The number at path and the value (1 without).",
    COUNT="How many the value holds.",
    FIRST="The first item of the value.",
    LAST="The last item of the value.",
    SUM="The items of the value, added up.",
    SORT="The items of the value in order.",
    UNIQUE="The items of the value, each once.",
    JOIN="The items of the value as one text.",
    SPLIT="The text as a list.",
)
describe_enum(
    Ending,
    SUCCEEDED="Every step did what it is there for.",
    FAILED="A step failed; the ones before it stand.",
    REFUSED="The arguments do not fit; nothing was done.",
    UNKNOWN="It may have been done: it took too long, or a server did not answer.",
)
describe_enum(
    RecordingState,
    RECORDING="The call goes on and is recorded.",
    PROCESSING="The call is over, and its pieces are being joined.",
    READY="It can be heard.",
    FAILED="It could not be joined; `error` says why.",
    DELETED="It was deleted, and cannot be had back.",
)
