"""The projection of a call from its log: state, turns, context and position in the workflow.

`replay` is a pure fold, linear in the number of events. A worker that takes over a call and a reader
of its transcript get the same projection, because both replay the log here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from domain.calls.commands import CommandKind
from domain.calls.context import CallContext
from domain.calls.events import (
    AgentTurn,
    AnsweredBy,
    CallAnswered,
    CallEnded,
    CallerQueued,
    CallEvent,
    CommandApplied,
    CommandRefused,
    ContextChanged,
    DialStarted,
    DtmfCollected,
    DtmfRequested,
    HandedOff,
    MessageLeft,
    NodeEntered,
    QueueStage,
    RecordingStarted,
    Speaker,
    StateChanged,
    StoredEvent,
    ToolFinished,
    ToolStarted,
    TransferAdvanced,
    TransferFailed,
    TransferStarted,
    TurnMeasured,
    UsageMeasured,
    UserTurn,
    WorkerLeft,
)
from domain.calls.idempotency import ToolCallTracker
from domain.calls.model import CallState, EndReason
from domain.calls.transfers import Transfer, failure_note
from domain.common.append_only_list import AppendOnlyList
from domain.common.pacing import Pacer
from domain.providers.usage import Usage, merge_usage
from domain.templating.templates import value_to_text
from domain.workflows.model import ContextPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of the transcript. `node` and `agent` are None in turns of the caller."""

    turn_id: str
    at: datetime
    speaker: Speaker
    text: str
    node: str | None = None
    agent: str | None = None
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class SystemNote:
    """A system message that replaces the part of the history an agent is not shown."""

    text: str


HistoryItem = UserTurn | AgentTurn | ToolFinished | SystemNote
"""An item of the history that a model is shown."""

DEFAULT_LAST_TURNS = 10
"""The turns that replace a missing summary in logs that do not say how many."""
MAX_HISTORY_ITEMS = 1_000
"""The newest turns and tool results that a model is shown; the limit keeps the cost of a turn from
growing with the length of the call."""


def _bounded_list() -> AppendOnlyList[Any]:
    return AppendOnlyList(keep=MAX_HISTORY_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallProjection:
    """The state of a call after the events applied so far."""

    state: CallState = CallState.PENDING
    context: CallContext = field(default_factory=CallContext)
    items: AppendOnlyList[HistoryItem] = field(default_factory=_bounded_list)
    system_notes: tuple[SystemNote, ...] = ()
    """The notes that the active agent received when it took over."""
    visible_items: AppendOnlyList[HistoryItem] = field(default_factory=_bounded_list)
    """The history items that the active agent is shown."""
    tool_call_count: int = 0
    tool_calls: ToolCallTracker = field(default_factory=ToolCallTracker)
    """The source of idempotency keys."""
    traversed: AppendOnlyList[tuple[str, str]] = field(default_factory=AppendOnlyList)
    """The connections that hand-offs took, as (source, target), in order."""
    turns: AppendOnlyList[Turn] = field(default_factory=AppendOnlyList)
    node: str | None = None
    visited: AppendOnlyList[str] = field(default_factory=AppendOnlyList)
    answered_at: datetime | None = None
    entered_at: datetime | None = None
    """When the active agent took over."""
    handled_commands: AppendOnlyList[str] = field(default_factory=AppendOnlyList)
    """The ids of the messages and commands that were handled."""
    open_turn: str | None = None
    open_turn_since: datetime | None = None
    """When the caller stopped speaking or sent the message that opened the turn."""
    running_tools: Mapping[str, ToolStarted] = field(default_factory=dict)
    tool_finished_at: datetime | None = None
    """When a tool finished last."""
    agent_spoke_last: bool = False
    turns_since_entry: int = 0
    """The turns since the active node was entered."""
    ending: EndReason | None = None
    """Why the call is about to end; the agent finishes speaking first."""
    end_reason: EndReason | None = None
    released_at: datetime | None = None
    """When a worker last released the call."""
    dialed_at: datetime | None = None
    """When the callee was dialled, or may have been."""
    measured: AppendOnlyList[TurnMeasured] = field(default_factory=AppendOnlyList)
    usage: tuple[Usage, ...] = ()
    """The usage of the call, summed by model."""
    is_recorded: bool = False
    recording_announced: bool = False
    """The call starts with the announcement that it is recorded."""
    is_phone_answered: bool = False
    """Whether the phone that was called was answered."""
    answered_by: AnsweredBy | None = None
    """The last decision about who answered."""
    is_message_left: bool = False
    """Whether the message of the workflow is in a mailbox."""
    is_queued: bool = False
    """Whether the caller has waited for a free worker."""
    held_at: datetime | None = None
    """When the phone of a caller was answered in order to put them on hold."""
    digits_requested: DtmfRequested | None = None
    """The digits that a tool is waiting for."""
    transfers: tuple[Transfer, ...] = ()
    """The attempts to transfer the caller, oldest first."""

    @property
    def transfer(self) -> Transfer | None:
        """The last attempt to transfer the caller; None if there was none."""
        return self.transfers[-1] if self.transfers else None

    @property
    def is_bridged(self) -> bool:
        """Whether the caller talks to a colleague, and no agent takes part."""
        return self.transfer is not None and self.transfer.is_bridged

    @property
    def reply_pending(self) -> bool:
        """The caller said something and the agents have not finished replying."""
        return self.open_turn is not None and (
            bool(self.running_tools) or not self.agent_spoke_last
        )

    @property
    def history(self) -> dict[str, Any]:
        """The template namespace `history`: the path of the conversation so far."""
        return {
            "nodes": list(self.visited),
            "handoffs": len(self.traversed),
            "previous": self.visited[-2] if len(self.visited) > 1 else None,
            "turns": self.turns.total,
        }

    def apply(self, event: CallEvent, at: datetime) -> CallProjection:
        match event:
            case StateChanged(state=state, ending_for=reason):
                answered = at if state is CallState.ACTIVE else None
                return replace(
                    self,
                    state=state,
                    answered_at=self.answered_at or answered,
                    ending=reason or self.ending,
                )
            case UserTurn():
                return replace(
                    self,
                    items=self.items.appended(event),
                    visible_items=self.visible_items.appended(event),
                    turns=self.turns.appended(_caller_turn(event, at)),
                    handled_commands=self._with_handled(event.message_id),
                    tool_calls=self.tool_calls.apply(event),
                    open_turn=event.turn_id,
                    open_turn_since=at - timedelta(milliseconds=event.end_of_turn_ms or 0.0),
                    agent_spoke_last=False,
                    turns_since_entry=self.turns_since_entry + 1,
                )
            case AgentTurn(in_history=False):
                return replace(self, turns=self.turns.appended(_agent_turn(event, at)))
            case AgentTurn():
                return replace(
                    self,
                    items=self.items.appended(event),
                    visible_items=self.visible_items.appended(event),
                    turns=self.turns.appended(_agent_turn(event, at)),
                    agent_spoke_last=not event.more,
                    turns_since_entry=self.turns_since_entry + 1,
                )
            case NodeEntered(node=node):
                return replace(
                    self,
                    node=node,
                    visited=self.visited.appended(node),
                    entered_at=at,
                    agent_spoke_last=False,
                    turns_since_entry=0,
                )
            case HandedOff(to_node=node):
                return replace(
                    self,
                    node=node,
                    system_notes=handoff_notes(event, self.context),
                    visible_items=handoff_items(event, self.items),
                    traversed=self.traversed.appended((event.from_node, (*event.skipped, node)[0])),
                    agent_spoke_last=False,
                )
            case ToolStarted():
                return replace(
                    self,
                    tool_calls=self.tool_calls.apply(event),
                    running_tools={**self.running_tools, event.tool_call_id: event},
                )
            case ToolFinished():
                running = {k: v for k, v in self.running_tools.items() if k != event.tool_call_id}
                return replace(
                    self,
                    digits_requested=self._digits_requested_after(event.tool_call_id),
                    items=self.items.appended(event),
                    visible_items=self.visible_items.appended(event),
                    tool_call_count=self.tool_call_count + 1,
                    tool_calls=self.tool_calls.apply(event),
                    running_tools=running,
                    tool_finished_at=at,
                    agent_spoke_last=False,
                )
            case ContextChanged():
                return replace(self, context=self.context.apply(event))
            case TurnMeasured(turn_id=turn, usage=usage):
                return replace(
                    self,
                    open_turn=None if turn == self.open_turn else self.open_turn,
                    open_turn_since=None if turn == self.open_turn else self.open_turn_since,
                    measured=self.measured.appended(event),
                    usage=merge_usage((*self.usage, *usage)),
                )
            case UsageMeasured(usage=usage):
                return replace(self, usage=merge_usage((*self.usage, *usage)))
            case CommandApplied(command_id=id, command=CommandKind.END):
                # The end follows. In logs of older workers their death may follow instead.
                ending = self.ending or EndReason.ENDED_BY_API
                return replace(self, ending=ending, handled_commands=self._with_handled(id))
            case CommandApplied(command_id=id) | CommandRefused(command_id=id):
                return replace(self, handled_commands=self._with_handled(id))
            case WorkerLeft():
                return replace(self, released_at=at)
            case CallAnswered():
                return replace(self, is_phone_answered=True)
            case AnsweredBy():
                return replace(self, answered_by=event)
            case MessageLeft():
                return replace(self, is_message_left=True)
            case DtmfRequested():
                return replace(self, digits_requested=event)
            case DtmfCollected(tool_call_id=id):
                return replace(self, digits_requested=self._digits_requested_after(id))
            case TransferStarted() | TransferAdvanced():
                return replace(self, transfers=_with_transfer(self.transfers, event, at))
            case TransferFailed(failure=failure):
                note = SystemNote(failure_note(failure))
                return replace(
                    self,
                    transfers=_with_transfer(self.transfers, event, at),
                    items=self.items.appended(note),
                    visible_items=self.visible_items.appended(note),
                )
            case CallerQueued(stage=stage):
                held_at = at if stage is QueueStage.HOLD else None
                return replace(self, is_queued=True, held_at=self.held_at or held_at)
            case DialStarted():
                return replace(self, dialed_at=self.dialed_at or at)
            case RecordingStarted(announced=announced):
                return replace(self, is_recorded=True, recording_announced=announced)
            case CallEnded(state=state, reason=reason):
                return replace(self, state=state, end_reason=reason)
        return self

    def _digits_requested_after(self, tool_call_id: str) -> DtmfRequested | None:
        """The digits that a tool waits for once this tool call waits no longer."""
        requested = self.digits_requested
        if requested is None or requested.tool_call_id == tool_call_id:
            return None
        return requested

    def _with_handled(self, id: str | None) -> AppendOnlyList[str]:
        return self.handled_commands if id is None else self.handled_commands.appended(id)


def _with_transfer(
    transfers: tuple[Transfer, ...],
    event: TransferStarted | TransferAdvanced | TransferFailed,
    at: datetime,
) -> tuple[Transfer, ...]:
    match event:
        case TransferStarted():
            started = Transfer(
                id=event.transfer_id,
                mode=event.mode,
                number=event.number,
                trunk=event.trunk,
                started_at=at,
                ringing_seconds=event.ringing_seconds,
            )
            return (*transfers, started)
        case TransferAdvanced(transfer_id=id, phase=phase):
            return tuple(each.advanced(phase, at) if each.id == id else each for each in transfers)
        case TransferFailed(transfer_id=id, failure=failure):
            return tuple(each.failed(failure, at) if each.id == id else each for each in transfers)


def replay(events: Iterable[StoredEvent], context: CallContext | None = None) -> CallProjection:
    """Fold the events, in order, starting from the context that the call was given."""
    projection = CallProjection(context=context or CallContext())
    for stored in events:
        projection = projection.apply(stored.event, stored.at)
    return projection


ReadPage = Callable[[int, int], Awaitable[Iterable[StoredEvent]]]
"""Reads the events after a number, up to a limit; they may be decoded lazily."""

EVENTS_PER_PAGE = 250


async def paced_log(read: ReadPage, pacer: Pacer) -> AsyncGenerator[StoredEvent]:
    """Yield a log of any length, read in pages and decoded in slices, between which other tasks run.
    The time the consumer spends on an event counts towards the slice."""
    seq, page_length = 0, EVENTS_PER_PAGE
    while page_length == EVENTS_PER_PAGE:
        page_length = 0
        async for stored in pacer.paced(await read(seq, EVENTS_PER_PAGE)):
            yield stored
            seq, page_length = stored.seq, page_length + 1


async def replay_log(read: ReadPage, pacer: Pacer, projection: CallProjection) -> CallProjection:
    """`replay` for a log of any length, starting from the given projection."""
    async for stored in paced_log(read, pacer):
        projection = projection.apply(stored.event, stored.at)
    return projection


def bounded_projection(context: CallContext) -> CallProjection:
    """An empty projection that retains only the newest turns, commands and measurements, which is
    all that a worker needs to continue a call."""
    return CallProjection(
        context=context,
        turns=_bounded_list(),
        handled_commands=_bounded_list(),
        measured=_bounded_list(),
    )


def handoff_notes(event: HandedOff, context: CallContext) -> tuple[SystemNote, ...]:
    """The notes for the next agent in place of the history that it is not shown."""
    match event.context_policy:
        case ContextPolicy.FULL:
            return ()
        case ContextPolicy.SUMMARY:
            summary = f"The conversation so far, in short: {event.summary}"
            notes = (SystemNote(summary),) if event.summary else ()
            return (*notes, *_variables_note(event, context))
        case ContextPolicy.LAST_N | ContextPolicy.VARIABLES_ONLY:
            return _variables_note(event, context)


def handoff_items(
    event: HandedOff, items: AppendOnlyList[HistoryItem]
) -> AppendOnlyList[HistoryItem]:
    """The history that the next agent is shown: under every policy it includes what the caller said
    last, even if the agent before has said something since, such as "One moment"."""
    first = _request_start(items)
    match event.context_policy:
        case ContextPolicy.FULL:
            return items
        case ContextPolicy.LAST_N:
            first = min(first, _last_turns_start(items, event.last_n))
        case ContextPolicy.SUMMARY if event.summary is None:
            first = min(first, _last_turns_start(items, event.last_n or DEFAULT_LAST_TURNS))
        case ContextPolicy.SUMMARY | ContextPolicy.VARIABLES_ONLY:
            request = (item for item in items[first:] if isinstance(item, UserTurn))
            return AppendOnlyList(request, keep=MAX_HISTORY_ITEMS)
    return AppendOnlyList(items[first:], keep=MAX_HISTORY_ITEMS)


def _variables_note(event: HandedOff, context: CallContext) -> tuple[SystemNote, ...]:
    values = [(key, context.workflow.get(key)) for key in event.context_passed]
    text = "; ".join(
        f"{key} = {value_to_text(value)}" for key, value in values if value is not None
    )
    return (SystemNote(f"What is known: {text}."),) if text else ()


def _last_turns_start(items: AppendOnlyList[HistoryItem], turns: int) -> int:
    """The index from which there are that many turns, with the tool results between them."""
    backwards = range(len(items) - 1, -1, -1)
    turn_indexes = (n for n in backwards if isinstance(items[n], UserTurn | AgentTurn))
    newest = list(islice(turn_indexes, turns + 1))
    return newest[turns - 1] if len(newest) > turns else 0


def _request_start(items: AppendOnlyList[HistoryItem]) -> int:
    """The index of the first of the caller's last turns between which no reply was completed."""
    start = len(items)
    for index in range(len(items) - 1, -1, -1):
        match items[index]:
            case UserTurn():
                start = index
            case AgentTurn(more=False) if start < len(items):
                break
    return start


def turn_from_event(stored: StoredEvent) -> Turn:
    """The turn that the event records. Raises `ValueError` for an event that is not a turn."""
    match stored.event:
        case UserTurn() as event:
            return _caller_turn(event, stored.at)
        case AgentTurn() as event:
            return _agent_turn(event, stored.at)
    raise ValueError(f"{stored.event.kind} is not a turn")


def _caller_turn(event: UserTurn, at: datetime) -> Turn:
    return Turn(turn_id=event.turn_id, at=at, speaker=Speaker.CALLER, text=event.text)


def _agent_turn(event: AgentTurn, at: datetime) -> Turn:
    return Turn(
        turn_id=event.turn_id,
        at=at,
        speaker=Speaker.AGENT,
        text=event.heard_text,
        node=event.node,
        agent=event.agent,
        interrupted=event.interrupted,
    )


def context_json(context: CallContext) -> dict[str, Any]:
    """The context as the API returns it; the settings of the tenant are left out."""
    return {
        "user": context.user,
        "call": context.call,
        "workflow": context.workflow,
        "flags": context.flags,
        "agents": context.agents,
    }
