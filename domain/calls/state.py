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
from domain.calls.context import Context
from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    CommandApplied,
    CommandRefused,
    ContextChanged,
    HandedOff,
    NodeEntered,
    Recorded,
    RecordingStarted,
    Speaker,
    StateChanged,
    ToolFinished,
    ToolStarted,
    TurnMeasured,
    UsageMeasured,
    UserTurn,
    WorkerLeft,
)
from domain.calls.idempotency import ToolUses
from domain.calls.model import CallState, EndReason
from domain.common.append_only_list import PersistentList
from domain.common.pacing import Pacer
from domain.providers.usage import Usage, summed
from domain.templating.templates import as_text
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
class Briefing:
    """What an agent is told instead of what was said before it took over."""

    text: str


Said = UserTurn | AgentTurn | ToolFinished | Briefing
"""What a model has to be shown of the past."""

MAX_REMEMBERED = 1_000
"""Models are shown the newest turns and results of tools, so many at most: what a turn costs does not
grow with the length of the call."""


def _recent() -> PersistentList[Any]:
    return PersistentList(keep=MAX_REMEMBERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Where a call stands after the events told so far."""

    state: CallState = CallState.PENDING
    context: Context = field(default_factory=Context)
    said: PersistentList[Said] = field(default_factory=_recent)
    briefings: tuple[Briefing, ...] = ()
    """What the active agent was told when it took over."""
    memory: PersistentList[Said] = field(default_factory=_recent)
    """What it is shown of what was said."""
    tools_used: int = 0
    tool_uses: ToolUses = field(default_factory=ToolUses)
    """What the keys of tools are made of."""
    taken: PersistentList[tuple[str, str]] = field(default_factory=PersistentList)
    """The connections, as they were taken."""
    turns: PersistentList[Turn] = field(default_factory=PersistentList)
    node: str | None = None
    visited: PersistentList[str] = field(default_factory=PersistentList)
    answered_at: datetime | None = None
    entered_at: datetime | None = None
    """When the active agent took over."""
    obeyed: PersistentList[str] = field(default_factory=PersistentList)
    """The ids of the messages and commands that were obeyed."""
    open_turn: str | None = None
    open_tools: Mapping[str, ToolStarted] = field(default_factory=dict)
    agent_spoke_last: bool = False
    ending: EndReason | None = None
    """An agent has asked for the end; what it still has to say comes first."""
    end_reason: EndReason | None = None
    left_at: datetime | None = None
    """When a worker gave it back last."""
    measured: PersistentList[TurnMeasured] = field(default_factory=PersistentList)
    usage: tuple[Usage, ...] = ()
    """What was used, summed by model."""
    recorded: bool = False
    announced: bool = False
    """The first words of the call are that it is recorded."""

    @property
    def owes_an_answer(self) -> bool:
        """The caller said something and the agents have not finished replying."""
        return self.open_turn is not None and (bool(self.open_tools) or not self.agent_spoke_last)

    @property
    def history(self) -> dict[str, Any]:
        """The namespace `history`: where the conversation has been."""
        return {
            "nodes": list(self.visited),
            "handoffs": len(self.taken),
            "previous": self.visited[-2] if len(self.visited) > 1 else None,
            "turns": self.turns.total,
        }

    def after(self, event: CallEvent, at: datetime) -> Story:
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
                    said=self.said.appended(event),
                    memory=self.memory.appended(event),
                    turns=self.turns.appended(_caller_turn(event, at)),
                    obeyed=self._obeyed(event.message_id),
                    tool_uses=self.tool_uses.after(event),
                    open_turn=event.turn_id,
                    agent_spoke_last=False,
                )
            case AgentTurn():
                return replace(
                    self,
                    said=self.said.appended(event),
                    memory=self.memory.appended(event),
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
                    briefings=briefings(event, self.context),
                    memory=passed_on(event, self.said),
                    taken=self.taken.appended((event.from_node, (*event.skipped, node)[0])),
                    agent_spoke_last=False,
                )
            case ToolStarted():
                return replace(
                    self,
                    tool_uses=self.tool_uses.after(event),
                    open_tools={**self.open_tools, event.tool_call_id: event},
                )
            case ToolFinished():
                rest = {k: v for k, v in self.open_tools.items() if k != event.tool_call_id}
                return replace(
                    self,
                    said=self.said.appended(event),
                    memory=self.memory.appended(event),
                    tools_used=self.tools_used + 1,
                    tool_uses=self.tool_uses.after(event),
                    open_tools=rest,
                    agent_spoke_last=False,
                )
            case ContextChanged():
                return replace(self, context=self.context.after(event))
            case TurnMeasured(turn_id=turn, usage=usage):
                return replace(
                    self,
                    open_turn=None if turn == self.open_turn else self.open_turn,
                    measured=self.measured.appended(event),
                    usage=summed((*self.usage, *usage)),
                )
            case UsageMeasured(usage=usage):
                return replace(self, usage=summed((*self.usage, *usage)))
            case CommandApplied(command_id=id, command=CommandKind.END):
                # Followed by the end; in logs of old workers also by their death.
                ending = self.ending or EndReason.ENDED_BY_API
                return replace(self, ending=ending, obeyed=self._obeyed(id))
            case CommandApplied(command_id=id) | CommandRefused(command_id=id):
                return replace(self, obeyed=self._obeyed(id))
            case WorkerLeft():
                return replace(self, left_at=at)
            case RecordingStarted(announced=announced):
                return replace(self, recorded=True, announced=announced)
            case CallEnded(state=state, reason=reason):
                return replace(self, state=state, end_reason=reason)
        return self

    def _obeyed(self, id: str | None) -> PersistentList[str]:
        return self.obeyed if id is None else self.obeyed.appended(id)


def tell(events: Iterable[Recorded], context: Context | None = None) -> Story:
    """The story of the events, in order, beginning with what the call was given."""
    story = Story(context=context or Context())
    for recorded in events:
        story = story.after(recorded.event, recorded.at)
    return story


ReadPage = Callable[[int, int], Awaitable[Iterable[Recorded]]]
"""Reads the events behind a number, at most so many; they may be decoded as they are taken."""

EVENTS_PER_PAGE = 250


async def paced_log(read: ReadPage, pacer: Pacer) -> AsyncGenerator[Recorded]:
    """A log of any length: it is read in pages and decoded in slices, between which the event loop
    goes on. What is done with an event counts towards the slice."""
    seq, page = 0, EVENTS_PER_PAGE
    while page == EVENTS_PER_PAGE:
        page = 0
        async for recorded in pacer.paced(await read(seq, EVENTS_PER_PAGE)):
            yield recorded
            seq, page = recorded.seq, page + 1


async def retell(read: ReadPage, pacer: Pacer, story: Story) -> Story:
    """`tell` for a log of any length, beginning with that story."""
    async for recorded in paced_log(read, pacer):
        story = story.after(recorded.event, recorded.at)
    return story


def brief_story(context: Context) -> Story:
    """For whoever goes on with the call and needs no more of its past than its newest parts."""
    return Story(context=context, turns=_recent(), obeyed=_recent(), measured=_recent())


def briefings(event: HandedOff, context: Context) -> tuple[Briefing, ...]:
    """What the next agent is told in place of what it is not shown."""
    match event.context_policy:
        case ContextPolicy.FULL:
            return ()
        case ContextPolicy.SUMMARY:
            summary = Briefing(f"The conversation so far, in short: {event.summary or 'nothing.'}")
            return (summary, *_known(event, context))
        case ContextPolicy.LAST_N | ContextPolicy.VARIABLES_ONLY:
            return _known(event, context)


def passed_on(event: HandedOff, said: PersistentList[Said]) -> PersistentList[Said]:
    """What the next agent is shown of the conversation: under every policy the words of the caller
    that nobody has answered."""
    match event.context_policy:
        case ContextPolicy.FULL:
            return said
        case ContextPolicy.LAST_N:
            shown = _last(said, event.last_n)
        case ContextPolicy.SUMMARY | ContextPolicy.VARIABLES_ONLY:
            shown = said[-1:] if said and isinstance(said[-1], UserTurn) else ()
    return PersistentList(shown, keep=MAX_REMEMBERED)


def _known(event: HandedOff, context: Context) -> tuple[Briefing, ...]:
    found = [(key, context.workflow.get(key)) for key in event.context_passed]
    told = "; ".join(f"{key} = {as_text(value)}" for key, value in found if value is not None)
    return (Briefing(f"What is known: {told}."),) if told else ()


def _last(said: PersistentList[Said], turns: int) -> tuple[Said, ...]:
    """The last turns, with what tools did between them."""
    backwards = range(len(said) - 1, -1, -1)
    places = (n for n in backwards if isinstance(said[n], UserTurn | AgentTurn))
    found = list(islice(places, turns + 1))
    return said[found[turns - 1] :] if len(found) > turns else said[:]


def turn_of(recorded: Recorded) -> Turn:
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


def as_json(context: Context) -> dict[str, Any]:
    """The context as people see it."""
    return {
        "user": context.user,
        "call": context.call,
        "workflow": context.workflow,
        "flags": context.flags,
        "agents": context.agents,
    }
