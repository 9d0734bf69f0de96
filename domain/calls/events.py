"""What happens during a call. The only definition: the worker makes these, persistence
stores them, GraphQL mirrors them.

Durable events get a number in the call's log and are stored before anybody sees them.
Ephemeral ones go by while they happen and may be dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, get_args

from domain.calls.model import Blame, CallId, CallState, EndReason
from domain.providers.model import ProviderKind
from domain.providers.usage import Usage, total_cost
from domain.workflows.model import ContextPolicy


class Speaker(StrEnum):
    """Who is talking."""

    CALLER = "CALLER"
    AGENT = "AGENT"


class HandoffVia(StrEnum):
    """What made a hand-off happen."""

    MODEL = "MODEL"
    CONDITION = "CONDITION"
    TOOL = "TOOL"
    OPERATOR = "OPERATOR"


class ToolOutcome(StrEnum):
    """How a tool call went. UNKNOWN: it may have been done."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """The call entered a new state. ENDING comes with what it is going to end for."""

    before: CallState | None
    state: CallState
    ending_for: EndReason | None = None
    kind: Literal["state_changed"] = "state_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTurn:
    """The caller said something, whole. In a text call it came as the message `message_id`."""

    turn_id: str
    text: str
    message_id: str | None = None
    language: str | None = None
    confidence: float | None = None
    kind: Literal["user_turn"] = "user_turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTurn:
    """An agent said something, whole: what its model wrote, and what the caller can have heard.

    `more`: it is not the answer yet, a tool or a hand-off of the same answer comes next."""

    turn_id: str
    node: str
    agent: str
    text: str
    heard_text: str
    interrupted: bool = False
    more: bool = False
    kind: Literal["agent_turn"] = "agent_turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntered:
    """An agent took the conversation over."""

    node: str
    agent: str
    first_visit: bool
    skipped: tuple[str, ...] = ()
    kind: Literal["node_entered"] = "node_entered"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOff:
    """The conversation moved from one node of the workflow to another, past those `skipped`. How
    much of it the next agent is shown says the policy; a summary is kept here."""

    from_node: str
    to_node: str
    via: HandoffVia
    skipped: tuple[str, ...] = ()
    context_policy: ContextPolicy = ContextPolicy.FULL
    last_n: int = 0
    summary: str | None = None
    context_passed: tuple[str, ...] = ()
    kind: Literal["handed_off"] = "handed_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRefused:
    """A hand-off was asked for and did not happen."""

    from_node: str
    to_node: str
    via: HandoffVia
    message: str
    kind: Literal["handoff_refused"] = "handoff_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted:
    """The model called a tool. Stored before the tool has any effect outside the call."""

    tool_call_id: str
    node: str
    tool: str
    arguments: Mapping[str, Any]
    kind: Literal["tool_started"] = "tool_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished:
    """A tool call came to its end. `result` is what the model was told."""

    tool_call_id: str
    node: str
    tool: str
    arguments: Mapping[str, Any]
    outcome: ToolOutcome
    result: Any
    duration_ms: float
    kind: Literal["tool_finished"] = "tool_finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextChanged:
    """A value of the call's context was set, or removed (`value` null and `removed` true)."""

    path: str
    value: Any
    removed: bool = False
    kind: Literal["context_changed"] = "context_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandApplied:
    """Something asked of the running call was done."""

    command_id: str
    command: str
    kind: Literal["command_applied"] = "command_applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRefused:
    """Something asked of the running call was not done."""

    command_id: str
    command: str
    message: str
    kind: Literal["command_refused"] = "command_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnMeasured:
    """A user turn has been answered whole; how long that took, and what it used.

    In a voice call the waterfall, of which `first_audio_ms` is the sum as the worker measures it;
    `at_ear_ms` adds what the network and the caller's buffers take, as an estimate."""

    turn_id: str
    total_ms: float
    stt_ms: float | None = None
    end_of_turn_ms: float | None = None
    llm_first_token_ms: float | None = None
    tts_first_byte_ms: float | None = None
    playback_ms: float | None = None
    first_audio_ms: float | None = None
    at_ear_ms: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    usage: tuple[Usage, ...] = ()
    kind: Literal["turn_measured"] = "turn_measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageMeasured:
    """What was used since it was last told of, outside of a measured turn: by a greeting, by
    listening on, by what was said at the end."""

    usage: tuple[Usage, ...]
    kind: Literal["usage_measured"] = "usage_measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFailedOver:
    """A provider failed and the next of the agent's choice is asked; or it is back."""

    provider_kind: ProviderKind
    provider: str
    model: str
    available: bool
    kind: Literal["provider_failed_over"] = "provider_failed_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRaised:
    """Something failed while the call went on."""

    source: str
    message: str
    recoverable: bool
    kind: Literal["error_raised"] = "error_raised"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReplaced:
    """The call's worker was lost and another one went on from the log."""

    epoch: int
    kind: Literal["worker_replaced"] = "worker_replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLeft:
    """The call's worker gave it back, whole, for another one to go on with."""

    epoch: int
    kind: Literal["worker_left"] = "worker_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerPresent:
    """The caller came into the call's room, or was lost from it and is waited for."""

    present: bool
    kind: Literal["caller_present"] = "caller_present"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerSilent:
    """The caller has said nothing for so long that the agent asks whether they are there."""

    seconds: float
    kind: Literal["caller_silent"] = "caller_silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted:
    """From here on the call is recorded. `announced`: the caller is told so, in the next words."""

    announced: bool
    kind: Literal["recording_started"] = "recording_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """The call is over. Always the last event, and there is exactly one."""

    state: CallState
    reason: EndReason
    blame: Blame
    duration_ms: float
    kind: Literal["call_ended"] = "call_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialTranscript:
    """Words while they are being said. Replaces the earlier `rev` of its turn."""

    turn_id: str
    rev: int
    speaker: Speaker
    text: str
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
    | CallerPresent
    | CallerSilent
    | RecordingStarted
    | CallEnded
)
EphemeralPayload = PartialTranscript

DURABLE: tuple[type, ...] = get_args(CallEvent)


def cost_of_event(event: CallEvent) -> int:
    """What it tells of having been spent, in billionths of a dollar."""
    match event:
        case TurnMeasured(usage=usage) | UsageMeasured(usage=usage):
            return total_cost(usage)
    return 0


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A durable event with its place in the call's log."""

    call_id: CallId
    seq: int
    at: datetime
    event: CallEvent
    cursor: str


@dataclass(frozen=True, slots=True)
class EphemeralEvent:
    """An ephemeral event on its way by."""

    call_id: CallId
    event: EphemeralPayload


CallUpdate = StoredEvent | EphemeralEvent
