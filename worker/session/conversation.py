"""One call while it is held: its story so far, and the one way to add to it.

Everything that happens goes through `tell`, which records the event and folds it into the story
that the agents then act on. So what a worker knows is never more than the log will tell the next
one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import dropwhile, takewhile
from typing import Any

from livekit.agents import AgentSession, StopResponse, llm

from domain.calls.events import (
    AgentTurn,
    CallEvent,
    HandedOff,
    HandoffRefused,
    HandoffVia,
    PartialTranscript,
    ProviderFailedOver,
    Speaker,
    StateChanged,
    ToolFinished,
    TurnMeasured,
    UsageMeasured,
    UserTurn,
)
from domain.calls.lease import Claim, Recorder
from domain.calls.model import CallState, EndReason, advance
from domain.calls.state import MAX_REMEMBERED, Briefing, Said, Story
from domain.providers.model import ProviderKind
from domain.providers.prices import PriceList
from domain.tools.http import Outbound
from domain.workflows.agents import ProviderChoice
from domain.workflows.model import Connection, ContextPolicy, Snapshot
from domain.workflows.routing import Landing, due, land
from worker.common.retry import patiently
from worker.common.usage_meter import Meter
from worker.providers.api_keys import ProviderKeys
from worker.session.speech import Speech

MOST_HANDOFFS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A hand-off that was decided: where it leads in the end, and what the next agent is told."""

    way: Connection
    via: HandoffVia
    landing: Landing
    summary: str | None = None
    complete: bool = True
    """False while the summary is being written."""


class CallLost(StopResponse):
    """Somebody else holds the call, or it is over: the turn ends here without another word."""


@dataclass(slots=True)
class Conversation:
    claim: Claim
    story: Story
    recorder: Recorder
    keys: ProviderKeys
    outbound: Outbound
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    models: dict[str, llm.LLM[Any]] = field(default_factory=dict)
    wanted: Connection | None = None
    """The hand-off that a tool has asked for."""
    moving: Move | None = None
    """The hand-off that is under way."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    calling: bool = False
    """What the model is saying now comes with a tool call or a hand-off."""
    failed: set[tuple[str, str]] = field(default_factory=set)
    """Models that did not answer, or have no key, though others stand behind them."""
    stumbled: bool = False
    """The answer that was prepared while the caller spoke could not be had."""
    closed: bool = False
    """This worker has ended the call or given it back; whatever still runs does nothing more."""
    tool_call_ids: set[str] = field(init=False)
    """All that were used in the call: some models give the same one twice."""
    spoilt: dict[str, str] = field(default_factory=dict)
    """Uses of tools that the model got wrong, by their ids, and what is wrong with them."""
    speech: Speech | None = None
    """Ears and voices of the agents; None in a text call."""
    announcement: str | None = None
    """A template of what callers are told before anything else: that they are recorded."""
    begins: Callable[[AgentSession[Any]], None] = lambda _: None
    """Told before an agent says anything."""
    written: str = ""
    """What the model wrote of the turn that is being spoken."""
    spoken: int = 0
    meter: Meter = field(init=False)
    _turns: int = 0
    _rev: int = 0
    _heard: int = 0

    def __post_init__(self) -> None:
        self.meter = Meter(PriceList(self.claim.settings.prices))
        finished = (e.tool_call_id for e in self.story.said if isinstance(e, ToolFinished))
        self.tool_call_ids = {*finished, *self.story.open_tools}

    @property
    def lost(self) -> bool:
        """Known to be no longer ours. Asked before anything is said or handed over."""
        return self.closed or self.recorder.fenced(self.claim)

    async def ensure_held(self) -> None:
        """Returns when nobody else can hold the call, however long it takes to be sure of that;
        else raises `CallLost`. Asked before anything is done outside of the call."""
        held = not self.closed and await patiently(lambda: self.recorder.held(self.claim))
        if not held or self.closed:  # it may have been closed meanwhile
            raise CallLost

    @property
    def snapshot(self) -> Snapshot:
        return self.claim.version.snapshot

    @property
    def node(self) -> str:
        return self.landing.node

    @property
    def landing(self) -> Landing:
        """Where the conversation is, or begins."""
        if self.story.node is not None:
            return Landing(self.story.node)
        return self.land(self.snapshot.workflow.entry.id)

    def tell(self, event: CallEvent) -> None:
        self.recorder.emit(self.claim, event)
        self.story = self.story.after(event, datetime.now(UTC))

    def measured(self, turn: str, total_ms: float, **waterfall: Any) -> None:
        """A turn has been answered whole."""
        used = self.meter.taken()
        models = [part for part in used if part.kind is ProviderKind.LLM]
        self.tell(
            TurnMeasured(
                turn_id=turn,
                total_ms=total_ms,
                input_tokens=sum(part.input_tokens for part in models),
                output_tokens=sum(part.output_tokens for part in models),
                usage=used,
                **waterfall,
            )
        )

    def tell_rest_of_usage(self) -> None:
        used = self.meter.taken()
        if used:
            self.tell(UsageMeasured(usage=used))

    def end_after_this_turn(self, reason: EndReason) -> None:
        if self.story.ending is None:
            ending = advance(self.story.state, CallState.ENDING)
            self.tell(StateChanged(before=self.story.state, state=ending, ending_for=reason))

    def look(self, node: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        seen = self.story.context.seen_by(node, params)
        seen["history"] = self.story.history
        return seen

    def failed_over(
        self, choice: ProviderChoice, available: bool, kind: ProviderKind = ProviderKind.LLM
    ) -> None:
        known = (f"{kind}.{choice.provider}", choice.model)
        if available is (known not in self.failed):
            return
        self.failed ^= {known}
        self.tell(
            ProviderFailedOver(
                provider_kind=kind,
                provider=choice.provider,
                model=choice.model,
                available=available,
            )
        )

    # ---- what agents say -------------------------------------------------------------------

    def speaking(self, turn_id: str, text: str) -> None:
        """The words of that turn of the agent so far; the last may come when it is over."""
        self._rev += 1
        partial = PartialTranscript(
            turn_id=turn_id, rev=self._rev, speaker=Speaker.AGENT, text=text
        )
        self.recorder.show(self.claim, partial)

    def spoke(self, node: str, text: str, interrupted: bool, heard: str | None = None) -> None:
        agent = self.snapshot.agent_of(node).name
        self.tell(
            AgentTurn(
                turn_id=self.agent_turn_id,
                node=node,
                agent=agent,
                text=text,
                heard_text=text if heard is None else heard,
                interrupted=interrupted,
                more=self.calling,
            )
        )
        self.spoken += 1
        self._turns += 1
        self._rev = 0
        # In one breath with the turn: a worker that dies now leaves no half-told hand-off.
        self.hand_off()

    # ---- what the caller says --------------------------------------------------------------

    @property
    def caller_turn_id(self) -> str:
        """Of the turn that the caller is in, or will take next."""
        return f"caller.{self.claim.epoch}.{self._heard}"

    def heard(self, text: str, language: str | None, confidence: float | None) -> None:
        """The caller's turn is over."""
        self.tell(
            UserTurn(
                turn_id=self.caller_turn_id, text=text, language=language, confidence=confidence
            )
        )
        self._heard += 1

    @property
    def agent_turn_id(self) -> str:
        """Of the turn that the agent is in, or will take next."""
        return f"{self.claim.epoch}.{self._turns}"

    def ask_for(self, node: str, target: str) -> str | None:
        """A tool wants the conversation to go there. Why it does not; None when it will."""
        ways = [c for c in self.snapshot.workflow.ways_out(node) if c.target == target]
        if not ways:
            problem: str | None = f"No connection leads from {node} to {target}."
        else:
            problem = self.hindrance(ways[0])
        if problem is None:
            self.wanted = ways[0]
        else:
            self.refuse(node, target, HandoffVia.TOOL, problem)
        return problem

    def hindrance(self, way: Connection) -> str | None:
        """Why it cannot be taken just now."""
        if self.moving is not None:
            return f"A hand-off to {self.moving.landing.node} is under way."
        if self.wanted is not None:
            return f"A hand-off to {self.wanted.target} is under way."
        if len(self.story.visited) > MOST_HANDOFFS:
            return f"The call has had {MOST_HANDOFFS} hand-offs."
        if self.story.taken.count((way.source, way.target)) >= way.may_repeat:
            return f"This way may be taken {way.may_repeat} time(s) in a call, and has been."
        return None

    def due(self, node: str) -> Connection | None:
        """The connection that is to be taken now, whatever the model thinks."""
        way = due(self.snapshot.workflow, node, self.look(node))
        return way if way is not None and self.hindrance(way) is None else None

    def land(self, node: str) -> Landing:
        return land(self.snapshot.workflow, node, self.look)

    def refuse(self, node: str, target: str, via: HandoffVia, problem: str) -> None:
        self.tell(HandoffRefused(from_node=node, to_node=target, via=via, message=problem))

    # ---- hand-offs -------------------------------------------------------------------------

    def hand_off(self) -> None:
        """Tell of the hand-off that was decided, once."""
        move = self.moving
        if move is None or not move.complete or self.story.node != move.way.source:
            return
        policy = move.way.context_policy
        shared = () if policy is ContextPolicy.FULL else self.snapshot.workflow.shared_context
        self.tell(
            HandedOff(
                from_node=move.way.source,
                to_node=move.landing.node,
                via=move.via,
                skipped=move.landing.skipped,
                context_policy=policy,
                last_n=move.way.last_n if policy is ContextPolicy.LAST_N else 0,
                summary=move.summary,
                context_passed=tuple(dict.fromkeys((*move.way.context_passed, *shared))),
            )
        )

    def history(self) -> llm.ChatContext:
        story = self.story
        return chat_context((*story.briefings, *story.memory[-MAX_REMEMBERED:]))


def forget_oldest(items: list[llm.ChatItem]) -> None:
    """Keep instructions and briefings, which come first, and the newest items. They are left to
    grow to twice as many before, so that most turns have nothing to move."""
    if len(items) <= 2 * MAX_REMEMBERED:
        return
    newest = items[-MAX_REMEMBERED:]
    # The result of a tool is nothing without its call.
    newest = list(dropwhile(lambda item: item.type.startswith("function_call"), newest))
    leading = takewhile(_is_instruction, items[:-MAX_REMEMBERED])
    items[:] = [*leading, *newest]


def _is_instruction(item: llm.ChatItem) -> bool:
    return item.type == "message" and item.role == "system"


def chat_context(said: Sequence[Said]) -> llm.ChatContext:
    """What was said and done, as models are shown it."""
    context = llm.ChatContext.empty()
    for event in said:
        match event:
            case Briefing(text=text):
                context.add_message(role="system", content=text)
            case UserTurn(text=text):
                context.add_message(role="user", content=text)
            case AgentTurn(heard_text=text):
                context.add_message(role="assistant", content=text)
            case ToolFinished():
                call = llm.FunctionCall(
                    call_id=event.tool_call_id,
                    name=event.tool,
                    arguments=as_text(event.arguments),
                )
                output = llm.FunctionCallOutput(
                    call_id=event.tool_call_id,
                    name=event.tool,
                    output=as_text(event.result),
                    is_error=False,
                )
                context.items.extend([call, output])
    return context


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
