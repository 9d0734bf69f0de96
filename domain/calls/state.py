"""A call retold from its log: state, turns, context, and where the conversation stands.

`tell` is a pure fold, linear in the number of events. The worker that takes a call over and the
reader that wants a transcript get the same story, because both read it here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from domain.calls.commands import CommandKind
from domain.calls.context import CallContext
from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    CommandApplied,
    CommandRefused,
    ContextChanged,
    HandedOff,
    NodeEntered,
    RecordingStarted,
    Speaker,
    StateChanged,
    StoredEvent,
    ToolFinished,
    ToolStarted,
    TurnMeasured,
    UsageMeasured,
    UserTurn,
    WorkerLeft,
)
from domain.calls.idempotency import ToolCallTracker
from domain.calls.model import CallState, EndReason
from domain.common.append_only_list import PersistentList
from domain.common.pacing import Pacer
from domain.providers.usage import Usage, merge_usage
from domain.templating.templates import value_to_text
from domain.workflows.model import ContextPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of the transcript. `node` is the agent's place in the workflow."""

    turn_id: str
    at: datetime
    speaker: Speaker
    text: str
    node: str | None = None
    agent: str | None = None
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class SystemNote:
    """What an agent is told instead of what was said before it took over."""

    text: str


HistoryItem = UserTurn | AgentTurn | ToolFinished | SystemNote
"""What a model has to be shown of the past."""

MAX_HISTORY_ITEMS = 1_000
"""Models are shown the newest turns and results of tools, so many at most: what a turn costs does not
grow with the length of the call."""


def _bounded_list() -> PersistentList[Any]:
    return PersistentList(keep=MAX_HISTORY_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallProjection:
    """Where a call stands after the events told so far."""

    state: CallState = CallState.PENDING
    context: CallContext = field(default_factory=CallContext)
    items: PersistentList[HistoryItem] = field(default_factory=_bounded_list)
    system_notes: tuple[SystemNote, ...] = ()
    """What the active agent was told when it took over."""
    visible_items: PersistentList[HistoryItem] = field(default_factory=_bounded_list)
    """What it is shown of what was said."""
    tool_call_count: int = 0
    tool_calls: ToolCallTracker = field(default_factory=ToolCallTracker)
    """What the keys of tools are made of."""
    traversed: PersistentList[tuple[str, str]] = field(default_factory=PersistentList)
    """The connections, as they were taken."""
    turns: PersistentList[Turn] = field(default_factory=PersistentList)
    node: str | None = None
    visited: PersistentList[str] = field(default_factory=PersistentList)
    answered_at: datetime | None = None
    entered_at: datetime | None = None
    """When the active agent took over."""
    handled_commands: PersistentList[str] = field(default_factory=PersistentList)
    """The ids of the messages and commands that were obeyed."""
    open_turn: str | None = None
    running_tools: Mapping[str, ToolStarted] = field(default_factory=dict)
    agent_spoke_last: bool = False
    ending: EndReason | None = None
    """An agent has asked for the end; what it still has to say comes first."""
    end_reason: EndReason | None = None
    released_at: datetime | None = None
    """When a worker gave it back last."""
    measured: PersistentList[TurnMeasured] = field(default_factory=PersistentList)
    usage: tuple[Usage, ...] = ()
    """What was used, summed by model."""
    is_recorded: bool = False
    recording_announced: bool = False
    """The first words of the call are that it is recorded."""

    @property
    def reply_pending(self) -> bool:
        """The caller said something and the agents have not finished replying."""
        return self.open_turn is not None and (
            bool(self.running_tools) or not self.agent_spoke_last
        )

    @property
    def history(self) -> dict[str, Any]:
        """The namespace `history`: where the conversation has been."""
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
                    agent_spoke_last=False,
                )
            case AgentTurn():
                return replace(
                    self,
                    items=self.items.appended(event),
                    visible_items=self.visible_items.appended(event),
                    turns=self.turns.appended(_agent_turn(event, at)),
                    agent_spoke_last=not event.more,
                )
            case NodeEntered(node=node):
                return replace(
                    self,
                    node=node,
                    visited=self.visited.appended(node),
                    entered_at=at,
                    agent_spoke_last=False,
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
                rest = {k: v for k, v in self.running_tools.items() if k != event.tool_call_id}
                return replace(
                    self,
                    items=self.items.appended(event),
                    visible_items=self.visible_items.appended(event),
                    tool_call_count=self.tool_call_count + 1,
                    tool_calls=self.tool_calls.apply(event),
                    running_tools=rest,
                    agent_spoke_last=False,
                )
            case ContextChanged():
                return replace(self, context=self.context.apply(event))
            case TurnMeasured(turn_id=turn, usage=usage):
                return replace(
                    self,
                    open_turn=None if turn == self.open_turn else self.open_turn,
                    measured=self.measured.appended(event),
                    usage=merge_usage((*self.usage, *usage)),
                )
            case UsageMeasured(usage=usage):
                return replace(self, usage=merge_usage((*self.usage, *usage)))
            case CommandApplied(command_id=id, command=CommandKind.END):
                # Followed by the end; in logs of old workers also by their death.
                ending = self.ending or EndReason.ENDED_BY_API
                return replace(self, ending=ending, handled_commands=self._with_handled(id))
            case CommandApplied(command_id=id) | CommandRefused(command_id=id):
                return replace(self, handled_commands=self._with_handled(id))
            case WorkerLeft():
                return replace(self, released_at=at)
            case RecordingStarted(announced=announced):
                return replace(self, is_recorded=True, recording_announced=announced)
            case CallEnded(state=state, reason=reason):
                return replace(self, state=state, end_reason=reason)
        return self

    def _with_handled(self, id: str | None) -> PersistentList[str]:
        return self.handled_commands if id is None else self.handled_commands.appended(id)


def replay(events: Iterable[StoredEvent], context: CallContext | None = None) -> CallProjection:
    """The story of the events, in order, beginning with what the call was given."""
    story = CallProjection(context=context or CallContext())
    for recorded in events:
        story = story.apply(recorded.event, recorded.at)
    return story


ReadPage = Callable[[int, int], Awaitable[Iterable[StoredEvent]]]
"""Reads the events behind a number, at most so many; they may be decoded as they are taken."""

EVENTS_PER_PAGE = 250


async def paced_log(read: ReadPage, pacer: Pacer) -> AsyncGenerator[StoredEvent]:
    """A log of any length: it is read in pages and decoded in slices, between which the event loop
    goes on. What is done with an event counts towards the slice."""
    seq, page = 0, EVENTS_PER_PAGE
    while page == EVENTS_PER_PAGE:
        page = 0
        async for recorded in pacer.paced(await read(seq, EVENTS_PER_PAGE)):
            yield recorded
            seq, page = recorded.seq, page + 1


async def replay_log(read: ReadPage, pacer: Pacer, projection: CallProjection) -> CallProjection:
    """`tell` for a log of any length, beginning with that story."""
    async for recorded in paced_log(read, pacer):
        projection = projection.apply(recorded.event, recorded.at)
    return projection


def bounded_projection(context: CallContext) -> CallProjection:
    """For whoever goes on with the call and needs no more of its past than its newest parts."""
    return CallProjection(
        context=context,
        turns=_bounded_list(),
        handled_commands=_bounded_list(),
        measured=_bounded_list(),
    )


def handoff_notes(event: HandedOff, context: CallContext) -> tuple[SystemNote, ...]:
    """What the next agent is told in place of what it is not shown."""
    match event.context_policy:
        case ContextPolicy.FULL:
            return ()
        case ContextPolicy.SUMMARY:
            summary = SystemNote(
                f"The conversation so far, in short: {event.summary or 'nothing.'}"
            )
            return (summary, *_variables_note(event, context))
        case ContextPolicy.LAST_N | ContextPolicy.VARIABLES_ONLY:
            return _variables_note(event, context)


def handoff_items(
    event: HandedOff, said: PersistentList[HistoryItem]
) -> PersistentList[HistoryItem]:
    """What the next agent is shown of the conversation: under every policy the words of the caller
    that nobody has answered."""
    match event.context_policy:
        case ContextPolicy.FULL:
            return said
        case ContextPolicy.LAST_N:
            shown = _last_turns(said, event.last_n)
        case ContextPolicy.SUMMARY | ContextPolicy.VARIABLES_ONLY:
            shown = said[-1:] if said and isinstance(said[-1], UserTurn) else ()
    return PersistentList(shown, keep=MAX_HISTORY_ITEMS)


def _variables_note(event: HandedOff, context: CallContext) -> tuple[SystemNote, ...]:
    found = [(key, context.workflow.get(key)) for key in event.context_passed]
    told = "; ".join(f"{key} = {value_to_text(value)}" for key, value in found if value is not None)
    return (SystemNote(f"What is known: {told}."),) if told else ()


def _last_turns(said: PersistentList[HistoryItem], turns: int) -> tuple[HistoryItem, ...]:
    """The last turns, with what tools did between them."""
    backwards = range(len(said) - 1, -1, -1)
    places = (n for n in backwards if isinstance(said[n], UserTurn | AgentTurn))
    found = list(islice(places, turns + 1))
    return said[found[turns - 1] :] if len(found) > turns else said[:]


def turn_from_event(recorded: StoredEvent) -> Turn:
    """The turn that this event is."""
    match recorded.event:
        case UserTurn() as event:
            return _caller_turn(event, recorded.at)
        case AgentTurn() as event:
            return _agent_turn(event, recorded.at)
    raise ValueError(f"{recorded.event.kind} is not a turn")


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
    """The context as people see it."""
    return {
        "user": context.user,
        "call": context.call,
        "workflow": context.workflow,
        "flags": context.flags,
        "agents": context.agents,
    }
