"""The events of a call, defined once: workers create them, persistence stores them, and GraphQL
shows them, described by the docstring of the class and the `Doc` of each field.

Durable events are numbered in the log of the call, and stored before any client receives them.
Ephemeral events are sent while they happen and may be dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

from domain.calls.model import Blame, CallId, CallState, EndReason
from domain.calls.transfers import TransferFailure, TransferPhase, TransferVia
from domain.common.doc import Doc
from domain.providers.model import ProviderKind
from domain.providers.usage import Usage, total_cost
from domain.tools.transfers import TransferMode
from domain.workflows.answering import AnswerEvidence, AnsweringParty
from domain.workflows.model import ContextPolicy


class Speaker(StrEnum):
    """The party that speaks."""

    CALLER = "CALLER"
    AGENT = "AGENT"


class HandoffVia(StrEnum):
    """What requested a hand-off. DEFAULT: a node that routes at once took its default connection."""

    MODEL = "MODEL"
    CONDITION = "CONDITION"
    TOOL = "TOOL"
    DEFAULT = "DEFAULT"
    OPERATOR = "OPERATOR"


class ToolOutcome(StrEnum):
    """Outcome of a tool call. UNKNOWN: it may have had its effect."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


class QueueStage(StrEnum):
    """How a caller waits for a free worker."""

    RINGING = "RINGING"
    HOLD = "HOLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """The call entered a new state."""

    before: Annotated[
        CallState | None, Doc("State before the change; null for the first state of the call.")
    ]
    state: Annotated[CallState, Doc("State after the change.")]
    ending_for: Annotated[
        EndReason | None, Doc("Why the call is about to end; null unless the new state is ENDING.")
    ] = None
    kind: Literal["state_changed"] = "state_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTurn:
    """The caller completed a turn."""

    turn_id: Annotated[str, Doc("Id of the caller's turn, unique in the call.")]
    text: Annotated[str, Doc("What the caller said or wrote.")]
    message_id: Annotated[
        str | None, Doc("Id of the message in a text call; null in a voice call.")
    ] = None
    language: Annotated[
        str | None, Doc("Language of the turn as a BCP 47 tag; null when it was not detected.")
    ] = None
    confidence: Annotated[
        float | None,
        Doc("Confidence of the speech recognition, from 0 to 1; null when it reported none."),
    ] = None
    end_of_turn_ms: Annotated[
        float | None,
        Doc(
            "From the end of the caller's speech to this event, in milliseconds; null in a text "
            "call, or when not measured."
        ),
    ] = None
    kind: Literal["user_turn"] = "user_turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTurn:
    """An agent completed a turn."""

    turn_id: Annotated[str, Doc("Id of the agent's turn, unique in the call.")]
    node: Annotated[str, Doc("Id of the node whose agent spoke.")]
    agent: Annotated[str, Doc("Name of the agent that spoke.")]
    text: Annotated[
        str,
        Doc("Full text of the turn; in a voice call as it is spoken, without Markdown and emoji."),
    ]
    heard_text: Annotated[str, Doc("Start of the text that the caller heard.")]
    interrupted: Annotated[
        bool,
        Doc(
            "Whether the turn was cut off: by barge-in, by a lost connection or by a failed voice."
        ),
    ] = False
    more: Annotated[bool, Doc("Whether the reply continues after a tool call or a hand-off.")] = (
        False
    )
    in_history: Annotated[
        bool,
        Doc(
            "Whether models are shown this turn; false for what the platform says about the line, "
            "such as that it dropped."
        ),
    ] = True
    kind: Literal["agent_turn"] = "agent_turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntered:
    """An agent took over the conversation."""

    node: Annotated[str, Doc("Id of the node that was entered.")]
    agent: Annotated[str, Doc("Name of the agent that took over.")]
    first_visit: Annotated[bool, Doc("Whether the call entered the node for the first time.")]
    skipped: Annotated[
        tuple[str, ...], Doc("Ids of the nodes that were skipped on the way, in order.")
    ] = ()
    kind: Literal["node_entered"] = "node_entered"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOff:
    """The conversation moved from one node of the workflow to another. `contextPolicy` determines
    how much history the next agent receives; `summary` holds the text for SUMMARY."""

    from_node: Annotated[str, Doc("Id of the node that handed the conversation off.")]
    to_node: Annotated[str, Doc("Id of the node that received the conversation.")]
    via: Annotated[HandoffVia, Doc("What requested the hand-off.")]
    skipped: Annotated[
        tuple[str, ...], Doc("Ids of the nodes that were skipped on the way, in order.")
    ] = ()
    context_policy: Annotated[
        ContextPolicy, Doc("How much of the conversation history the next agent receives.")
    ] = ContextPolicy.FULL
    last_n: Annotated[
        int,
        Doc(
            "Number of turns passed on under LAST_N, or under SUMMARY without a summary; 0 "
            "otherwise."
        ),
    ] = 0
    summary: Annotated[
        str | None,
        Doc(
            "Summary passed on under SUMMARY; null under the other policies, or when there is none: "
            "then the last turns are passed on instead."
        ),
    ] = None
    context_passed: Annotated[
        tuple[str, ...], Doc("Keys of the shared context that the next agent receives.")
    ] = ()
    kind: Literal["handed_off"] = "handed_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRefused:
    """A hand-off was requested and refused."""

    from_node: Annotated[str, Doc("Id of the node that kept the conversation.")]
    to_node: Annotated[str, Doc("Id of the node that was to receive the conversation.")]
    via: Annotated[HandoffVia, Doc("What requested the hand-off.")]
    message: Annotated[str, Doc("Why the hand-off was refused.")]
    kind: Literal["handoff_refused"] = "handoff_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted:
    """The model called a tool. Stored before the tool has any effect outside the call."""

    tool_call_id: Annotated[str, Doc("Id of the tool call; its ToolFinished event has the same.")]
    node: Annotated[str, Doc("Id of the node whose agent called the tool.")]
    tool: Annotated[str, Doc("Name of the tool.")]
    arguments: Annotated[Mapping[str, Any], Doc("Arguments that the model gave.")]
    kind: Literal["tool_started"] = "tool_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished:
    """A tool call finished."""

    tool_call_id: Annotated[str, Doc("Id of the tool call; its ToolStarted event has the same.")]
    node: Annotated[str, Doc("Id of the node whose agent called the tool.")]
    tool: Annotated[str, Doc("Name of the tool.")]
    arguments: Annotated[Mapping[str, Any], Doc("Arguments that the model gave.")]
    outcome: Annotated[ToolOutcome, Doc("Outcome of the tool call.")]
    result: Annotated[Any, Doc("Result that the model received.")]
    duration_ms: Annotated[float, Doc("Duration of the tool call, in milliseconds.")]
    kind: Literal["tool_finished"] = "tool_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextChanged:
    """A value in the context of the call was set or removed."""

    path: Annotated[str, Doc("Path of the value in the context, for instance `workflow.slot`.")]
    value: Annotated[Any, Doc("New value; null when it was removed.")]
    removed: Annotated[bool, Doc("Whether the value was removed.")] = False
    kind: Literal["context_changed"] = "context_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandApplied:
    """A command to the running call was carried out."""

    command_id: Annotated[str, Doc("Id of the command.")]
    command: Annotated[str, Doc("Kind of the command, such as `END`.")]
    kind: Literal["command_applied"] = "command_applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRefused:
    """A command to the running call was refused."""

    command_id: Annotated[str, Doc("Id of the command.")]
    command: Annotated[str, Doc("Kind of the command, such as `END`.")]
    message: Annotated[str, Doc("Why the command was refused.")]
    kind: Literal["command_refused"] = "command_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnMeasured:
    """The reply to a turn of the caller is complete: its latency and its usage.

    In a voice call `firstAudioMs` is the sum of the stages before it, as the worker measures them;
    `atEarMs` adds an estimate for the network and for buffering at the caller."""

    turn_id: Annotated[str, Doc("Id of the caller's turn that was answered.")]
    total_ms: Annotated[
        float,
        Doc(
            "From the end of the caller's speech, or from the message, to the end of the reply, in "
            "milliseconds."
        ),
    ]
    stt_ms: Annotated[
        float | None,
        Doc(
            "From the end of speech to its final transcript, in milliseconds; null in a text call."
        ),
    ] = None
    end_of_turn_ms: Annotated[
        float | None,
        Doc(
            "From the end of speech to the decision that the turn was over, in milliseconds; null "
            "in a text call."
        ),
    ] = None
    llm_first_token_ms: Annotated[
        float | None,
        Doc("Time to the first token of the model, in milliseconds; null when not measured."),
    ] = None
    tts_first_byte_ms: Annotated[
        float | None,
        Doc("Time to the first audio of the TTS, in milliseconds; null in a text call."),
    ] = None
    playback_ms: Annotated[
        float | None,
        Doc("From the first TTS audio to its playback, in milliseconds; null in a text call."),
    ] = None
    first_audio_ms: Annotated[
        float | None,
        Doc(
            "From the end of speech to the first audio of the reply, in milliseconds; null in a "
            "text call."
        ),
    ] = None
    at_ear_ms: Annotated[
        float | None,
        Doc(
            "Estimated time until the caller hears the first audio, network and playback "
            "included, in milliseconds; null in a text call."
        ),
    ] = None
    line_ms: Annotated[
        float | None,
        Doc(
            "Estimated part of `atEarMs` that the telephone line takes, in both directions, in "
            "milliseconds; null in calls without telephone."
        ),
    ] = None
    input_tokens: Annotated[int, Doc("Tokens that the model read for the reply.")] = 0
    output_tokens: Annotated[int, Doc("Tokens that the model generated for the reply.")] = 0
    usage: Annotated[tuple[Usage, ...], Doc("Usage of each model since the last report.")] = ()
    kind: Literal["turn_measured"] = "turn_measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageMeasured:
    """Usage since the last report that belongs to no turn: greetings, idle listening, closing
    remarks."""

    usage: Annotated[tuple[Usage, ...], Doc("Usage of each model since the last report.")]
    kind: Literal["usage_measured"] = "usage_measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFailedOver:
    """A provider failed and the agent's next fallback replaces it, or the provider is available
    again."""

    provider_kind: Annotated[ProviderKind, Doc("Role of the provider in the call.")]
    provider: Annotated[str, Doc("Name of the provider in the catalog.")]
    model: Annotated[str, Doc("Name of the model.")]
    available: Annotated[
        bool, Doc("False when the provider failed, true when it is available again.")
    ]
    kind: Literal["provider_failed_over"] = "provider_failed_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRaised:
    """Something failed during the call."""

    source: Annotated[
        str, Doc("Component that failed, such as `llm`, `stt`, `tts` or `recording`.")
    ]
    message: Annotated[str, Doc("What went wrong, without any content of the call.")]
    recoverable: Annotated[bool, Doc("Whether the call continues.")]
    kind: Literal["error_raised"] = "error_raised"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReplaced:
    """Another worker resumed the call from its log, after the previous one was lost or had left."""

    epoch: Annotated[int, Doc("Epoch (fencing token) of the worker that resumed the call.")]
    kind: Literal["worker_replaced"] = "worker_replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLeft:
    """The worker released the call for another one to resume."""

    epoch: Annotated[int, Doc("Epoch (fencing token) of the worker that released the call.")]
    kind: Literal["worker_left"] = "worker_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class DialStarted:
    """The platform is about to dial the callee. Stored before the dial is requested, so that a number
    is never dialled twice."""

    trunk: Annotated[str, Doc("Name of the outbound trunk that the call is dialled over.")]
    from_number: Annotated[str, Doc("Phone number that the callee sees, in E.164.")]
    to_number: Annotated[str, Doc("Phone number of the callee, in E.164.")]
    ringing_seconds: Annotated[int, Doc("How long the phone may ring, in seconds.")]
    kind: Literal["dial_started"] = "dial_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class DialFailed:
    """The callee was not reached. The end of the call follows and has the reason."""

    reason: Annotated[EndReason, Doc("Why the callee was not reached.")]
    sip_status: Annotated[
        int | None, Doc("Final SIP status of the dial; null when LiveKit reported none.")
    ] = None
    after_ms: Annotated[
        float | None,
        Doc("From the dial to its failure, in milliseconds; null when nothing was dialled."),
    ] = None
    kind: Literal["dial_failed"] = "dial_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerPresent:
    """The caller joined the room of the call, or was lost: they left it, or their connection no longer
    responds. They may come back."""

    present: Annotated[bool, Doc("Whether the caller is in the room and can be reached now.")]
    kind: Literal["caller_present"] = "caller_present"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerSilent:
    """The caller has been silent for so long that the agent asks whether they are still there."""

    seconds: Annotated[float, Doc("How long the caller has been silent, in seconds.")]
    kind: Literal["caller_silent"] = "caller_silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted:
    """The recording of the call started."""

    announced: Annotated[
        bool, Doc("Whether the agent announces the recording before its greeting.")
    ]
    kind: Literal["recording_started"] = "recording_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """The phone that was called was answered, by a person or by a machine."""

    after_ms: Annotated[
        float | None,
        Doc("From the start of dialing to the answer, in milliseconds; null when not measured."),
    ] = None
    kind: Literal["call_answered"] = "call_answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredBy:
    """It was decided who or what answered an outbound phone call. A later event of this kind in the
    same call revises the decision. What a machine says is quoted here, and is no turn of the caller."""

    by: Annotated[AnsweringParty, Doc("Who or what answered the call.")]
    evidence: Annotated[
        tuple[AnswerEvidence, ...],
        Doc("What the decision rests on, in the order in which it came."),
    ]
    quote: Annotated[
        str, Doc("The words that decided, as they were transcribed; empty when no words did.")
    ] = ""
    decided_after_ms: Annotated[
        float, Doc("From the answer of the phone to the decision, in milliseconds.")
    ]
    revises: Annotated[
        AnsweringParty | None,
        Doc("The decision before, which this one replaces; null for the first."),
    ] = None
    kind: Literal["answered_by"] = "answered_by"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLeft:
    """The agent left the message of the workflow in a mailbox."""

    text: Annotated[str, Doc("The message as it was said.")]
    tone_heard: Annotated[bool, Doc("Whether the mailbox gave a tone before the message.")]
    heard_ms: Annotated[float, Doc("How long the message took, in milliseconds.")]
    kind: Literal["message_left"] = "message_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenerAnswered:
    """The agent introduced itself to a screener: who is calling and why."""

    round: Annotated[int, Doc("How many introductions the screener has heard by now, from 1.")]
    text: Annotated[str, Doc("The introduction as it was said.")]
    kind: Literal["screener_answered"] = "screener_answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class DtmfSent:
    """The agent pressed keys, for instance to get through a voice menu."""

    digits: Annotated[str, Doc("The keys that were pressed, in order: digits, `*` and `#`.")]
    kind: Literal["dtmf_sent"] = "dtmf_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class DtmfReceived:
    """The caller pressed keys without being asked by a tool. A turn of the caller follows, to which
    the agent replies."""

    digits: Annotated[str, Doc("The keys that were pressed, in order: digits, `*` and `#`.")]
    kind: Literal["dtmf_received"] = "dtmf_received"


@dataclass(frozen=True, slots=True, kw_only=True)
class DtmfRequested:
    """A tool asks the caller to press keys, and waits for them."""

    tool_call_id: Annotated[str, Doc("Id of the tool call.")]
    name: Annotated[str, Doc("Name of the digits in the tool.")]
    masked: Annotated[
        bool, Doc("Whether the digits are secret: what the caller presses and says is not heard.")
    ]
    kind: Literal["dtmf_requested"] = "dtmf_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class DtmfCollected:
    """The caller pressed the keys that a tool asked for, or failed to."""

    tool_call_id: Annotated[str, Doc("Id of the tool call.")]
    name: Annotated[str, Doc("Name of the digits in the tool.")]
    masked: Annotated[bool, Doc("Whether the digits are secret, so that they are stored nowhere.")]
    pressed: Annotated[
        str | None,
        Doc("The keys of the last attempt, without the terminator; null if they are masked."),
    ]
    count: Annotated[int, Doc("How many keys were pressed in the last attempt.")]
    attempts: Annotated[int, Doc("How often the caller was asked.")]
    complete: Annotated[bool, Doc("Whether these are the digits that were asked for.")]
    kind: Literal["dtmf_collected"] = "dtmf_collected"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferStarted:
    """A transfer of the caller begins. Stored before any number is called, so that none is called
    twice."""

    transfer_id: Annotated[str, Doc("Id of the transfer; its other events have the same.")]
    mode: Annotated[TransferMode, Doc("How the caller is transferred.")]
    requested_by: Annotated[TransferVia, Doc("What requested the transfer.")]
    node: Annotated[str, Doc("Id of the node whose agent talks to the caller.")]
    number: Annotated[str, Doc("Phone number that the caller is transferred to.")]
    trunk: Annotated[str, Doc("Name of the outbound trunk whose rules allow the number.")]
    ringing_seconds: Annotated[int, Doc("How long the phone may ring, in seconds.")]
    kind: Literal["transfer_started"] = "transfer_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferAdvanced:
    """A transfer has reached its next phase. It is complete with `BRIDGED` or `REFERRED`."""

    transfer_id: Annotated[str, Doc("Id of the transfer.")]
    phase: Annotated[TransferPhase, Doc("Phase that the transfer has reached.")]
    brief: Annotated[
        str | None, Doc("What the colleague hears about the call; null except for `BRIEFING`.")
    ] = None
    kind: Literal["transfer_advanced"] = "transfer_advanced"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFailed:
    """The caller was not transferred. Unless they have left, they talk to the agent again."""

    transfer_id: Annotated[str, Doc("Id of the transfer.")]
    failure: Annotated[TransferFailure, Doc("Why the caller was not transferred.")]
    sip_status: Annotated[
        int | None, Doc("SIP status with which the transfer failed; null when none was reported.")
    ] = None
    kind: Literal["transfer_failed"] = "transfer_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferIsolationLost:
    """Before a transfer was accepted, caller and colleague may have heard each other for some
    seconds, because LiveKit's server was restarted. They are separated again."""

    transfer_id: Annotated[str, Doc("Id of the transfer.")]
    kind: Literal["transfer_isolation_lost"] = "transfer_isolation_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerQueued:
    """All workers are busy, so the caller waits for a free one: their phone rings, or they are on hold.
    Recorded again when the stage or the position changes."""

    stage: Annotated[QueueStage, Doc("How the caller waits.")]
    position: Annotated[
        int, Doc("Position among the callers who wait for the same workflow, from 1.")
    ]
    waited_ms: Annotated[float, Doc("How long the caller has waited by now, in milliseconds.")]
    kind: Literal["caller_queued"] = "caller_queued"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerDequeued:
    """An agent is in the room of a caller who has waited, and greets them now."""

    waited_ms: Annotated[float, Doc("How long the caller has waited, in milliseconds.")]
    kind: Literal["caller_dequeued"] = "caller_dequeued"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDestination:
    """No call of the tenant has been dialled to this country before. Stolen keys are used for such
    calls, so it is worth a look."""

    region: Annotated[
        str,
        Doc("Country or territory of the callee, as an ISO 3166-1 code; `other` for none."),
    ]
    kind: Literal["new_destination"] = "new_destination"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """The call ended. This is always the last event, and there is exactly one."""

    state: Annotated[CallState, Doc("Final state of the call.")]
    reason: Annotated[EndReason, Doc("Why the call ended.")]
    blame: Annotated[Blame, Doc("The party that caused the end.")]
    duration_ms: Annotated[
        float,
        Doc("Time between answer and end, in milliseconds; 0 when the call was never answered."),
    ]
    kind: Literal["call_ended"] = "call_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialTranscript:
    """Words while they are being spoken; ephemeral, so it is streamed but not stored."""

    turn_id: Annotated[str, Doc("Id of the turn that is being spoken, unique in the call.")]
    rev: Annotated[
        int, Doc("Revision, which increases; each one replaces those before it in the same turn.")
    ]
    speaker: Annotated[Speaker, Doc("The party that is speaking.")]
    text: Annotated[str, Doc("Words of the turn so far.")]
    kind: Literal["partial_transcript"] = "partial_transcript"


CallEvent = (
    StateChanged
    | UserTurn
    | AgentTurn
    | NodeEntered
    | HandedOff
    | HandoffRefused
    | ToolStarted
    | ToolFinished
    | ContextChanged
    | CommandApplied
    | CommandRefused
    | TurnMeasured
    | UsageMeasured
    | ProviderFailedOver
    | ErrorRaised
    | WorkerReplaced
    | WorkerLeft
    | DialStarted
    | DialFailed
    | CallerPresent
    | CallerSilent
    | RecordingStarted
    | CallAnswered
    | AnsweredBy
    | MessageLeft
    | ScreenerAnswered
    | DtmfSent
    | DtmfReceived
    | DtmfRequested
    | DtmfCollected
    | TransferStarted
    | TransferAdvanced
    | TransferFailed
    | TransferIsolationLost
    | CallerQueued
    | CallerDequeued
    | NewDestination
    | CallEnded
)
EphemeralPayload = PartialTranscript

DURABLE: tuple[type, ...] = get_args(CallEvent)


def cost_of_event(event: CallEvent) -> int:
    """The cost that the event reports, in billionths of a dollar."""
    match event:
        case TurnMeasured(usage=usage) | UsageMeasured(usage=usage):
            return total_cost(usage)
    return 0


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A durable event with its position in the log of its call."""

    call_id: CallId
    seq: int
    at: datetime
    event: CallEvent
    cursor: str


@dataclass(frozen=True, slots=True)
class EphemeralEvent:
    """An ephemeral event with its call."""

    call_id: CallId
    event: EphemeralPayload


CallUpdate = StoredEvent | EphemeralEvent
