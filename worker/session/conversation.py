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
from domain.calls.lease import Claim, EventWriter
from domain.calls.model import CallState, EndReason, transition
from domain.calls.state import MAX_HISTORY_ITEMS, CallProjection, HistoryItem, SystemNote
from domain.providers.model import ProviderKind
from domain.providers.prices import PriceList
from domain.tools.http import HttpClient
from domain.workflows.agents import ProviderChoice
from domain.workflows.model import Connection, ContextPolicy, Snapshot
from domain.workflows.routing import ResolvedNode, resolve_node, triggered_connection
from worker.common.retry import retry_while_unavailable
from worker.common.usage_meter import UsageMeter
from worker.providers.api_keys import ProviderKeys
from worker.session.speech import SpeechProviders

MAX_HANDOFFS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingHandoff:
    """A hand-off that was decided: where it leads in the end, and what the next agent is told."""

    connection: Connection
    via: HandoffVia
    resolved_node: ResolvedNode
    summary: str | None = None
    complete: bool = True
    """False while the summary is being written."""


class CallLost(StopResponse):
    """Somebody else holds the call, or it is over: the turn ends here without another word."""


@dataclass(slots=True)
class Conversation:
    claim: Claim
    projection: CallProjection
    event_writer: EventWriter
    keys: ProviderKeys
    http_client: HttpClient
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    models: dict[str, llm.LLM[Any]] = field(default_factory=dict)
    requested_handoff: Connection | None = None
    """The hand-off that a tool has asked for."""
    pending_handoff: PendingHandoff | None = None
    """The hand-off that is under way."""
    agent_entered: asyncio.Event = field(default_factory=asyncio.Event)
    has_pending_tool_call: bool = False
    """What the model is saying now comes with a tool call or a hand-off."""
    failed_models: set[tuple[str, str]] = field(default_factory=set)
    """Models that did not answer, or have no key, though others stand behind them."""
    preemptive_generation_failed: bool = False
    """The answer that was prepared while the caller spoke could not be had."""
    closed: bool = False
    """This worker has ended the call or given it back; whatever still runs does nothing more."""
    tool_call_ids: set[str] = field(init=False)
    """All that were used in the call: some models give the same one twice."""
    invalid_tool_calls: dict[str, str] = field(default_factory=dict)
    """Uses of tools that the model got wrong, by their ids, and what is wrong with them."""
    speech: SpeechProviders | None = None
    """Ears and voices of the agents; None in a text call."""
    announcement: str | None = None
    """A template of what callers are told before anything else: that they are recorded."""
    on_session_start: Callable[[AgentSession[Any]], None] = lambda _: None
    """Told before an agent says anything."""
    generated_text: str = ""
    """What the model wrote of the turn that is being spoken."""
    spoken: int = 0
    meter: UsageMeter = field(init=False)
    _turns: int = 0
    _rev: int = 0
    _caller_turns: int = 0

    def __post_init__(self) -> None:
        self.meter = UsageMeter(PriceList(self.claim.settings.prices))
        finished = (e.tool_call_id for e in self.projection.items if isinstance(e, ToolFinished))
        self.tool_call_ids = {*finished, *self.projection.running_tools}

    @property
    def is_lost(self) -> bool:
        """Known to be no longer ours. Asked before anything is said or handed over."""
        return self.closed or self.event_writer.is_fenced(self.claim)

    async def ensure_lease_held(self) -> None:
        """Returns when nobody else can hold the call, however long it takes to be sure of that;
        else raises `CallLost`. Asked before anything is done outside of the call."""
        held = not self.closed and await retry_while_unavailable(
            lambda: self.event_writer.holds_lease(self.claim)
        )
        if not held or self.closed:  # it may have been closed meanwhile
            raise CallLost

    @property
    def snapshot(self) -> Snapshot:
        return self.claim.version.snapshot

    @property
    def node(self) -> str:
        return self.resolved_node.node

    @property
    def resolved_node(self) -> ResolvedNode:
        """Where the conversation is, or begins."""
        if self.projection.node is not None:
            return ResolvedNode(self.projection.node)
        return self.resolve_node(self.snapshot.workflow.entry.id)

    def record(self, event: CallEvent) -> None:
        self.event_writer.emit(self.claim, event)
        self.projection = self.projection.apply(event, datetime.now(UTC))

    def record_turn_metrics(self, turn: str, total_ms: float, **latencies: Any) -> None:
        """A turn has been answered whole."""
        used = self.meter.drain()
        models = [part for part in used if part.kind is ProviderKind.LLM]
        self.record(
            TurnMeasured(
                turn_id=turn,
                total_ms=total_ms,
                input_tokens=sum(part.input_tokens for part in models),
                output_tokens=sum(part.output_tokens for part in models),
                usage=used,
                **latencies,
            )
        )

    def record_pending_usage(self) -> None:
        used = self.meter.drain()
        if used:
            self.record(UsageMeasured(usage=used))

    def end_after_this_turn(self, reason: EndReason) -> None:
        if self.projection.ending is None:
            ending = transition(self.projection.state, CallState.ENDING)
            self.record(StateChanged(before=self.projection.state, state=ending, ending_for=reason))

    def visible_context(
        self, node: str, params: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        seen = self.projection.context.visible_to(node, params)
        seen["history"] = self.projection.history
        return seen

    def record_failover(
        self, choice: ProviderChoice, available: bool, kind: ProviderKind = ProviderKind.LLM
    ) -> None:
        known = (f"{kind}.{choice.provider}", choice.model)
        if available is (known not in self.failed_models):
            return
        self.failed_models ^= {known}
        self.record(
            ProviderFailedOver(
                provider_kind=kind,
                provider=choice.provider,
                model=choice.model,
                available=available,
            )
        )

    # ---- what agents say -------------------------------------------------------------------

    def publish_partial(self, turn_id: str, text: str) -> None:
        """The words of that turn of the agent so far; the last may come when it is over."""
        self._rev += 1
        partial = PartialTranscript(
            turn_id=turn_id, rev=self._rev, speaker=Speaker.AGENT, text=text
        )
        self.event_writer.publish_partial(self.claim, partial)

    def record_agent_turn(
        self, node: str, text: str, interrupted: bool, heard_text: str | None = None
    ) -> None:
        agent = self.snapshot.agent_at(node).name
        self.record(
            AgentTurn(
                turn_id=self.agent_turn_id,
                node=node,
                agent=agent,
                text=text,
                heard_text=text if heard_text is None else heard_text,
                interrupted=interrupted,
                more=self.has_pending_tool_call,
            )
        )
        self.spoken += 1
        self._turns += 1
        self._rev = 0
        # In one breath with the turn: a worker that dies now leaves no half-told hand-off.
        self.record_handoff()

    # ---- what the caller says --------------------------------------------------------------

    @property
    def caller_turn_id(self) -> str:
        """Of the turn that the caller is in, or will take next."""
        return f"caller.{self.claim.epoch}.{self._caller_turns}"

    def record_user_turn(self, text: str, language: str | None, confidence: float | None) -> None:
        """The caller's turn is over."""
        self.record(
            UserTurn(
                turn_id=self.caller_turn_id, text=text, language=language, confidence=confidence
            )
        )
        self._caller_turns += 1

    @property
    def agent_turn_id(self) -> str:
        """Of the turn that the agent is in, or will take next."""
        return f"{self.claim.epoch}.{self._turns}"

    def request_handoff(self, node: str, target: str) -> str | None:
        """A tool wants the conversation to go there. Why it does not; None when it will."""
        ways = [c for c in self.snapshot.workflow.outgoing(node) if c.target == target]
        if not ways:
            problem: str | None = f"No connection leads from {node} to {target}."
        else:
            problem = self.handoff_blocked_reason(ways[0])
        if problem is None:
            self.requested_handoff = ways[0]
        else:
            self.refuse_handoff(node, target, HandoffVia.TOOL, problem)
        return problem

    def handoff_blocked_reason(self, connection: Connection) -> str | None:
        """Why it cannot be taken just now."""
        if self.pending_handoff is not None:
            return f"A hand-off to {self.pending_handoff.resolved_node.node} is under way."
        if self.requested_handoff is not None:
            return f"A hand-off to {self.requested_handoff.target} is under way."
        if len(self.projection.visited) > MAX_HANDOFFS:
            return f"The call has had {MAX_HANDOFFS} hand-offs."
        if (
            self.projection.traversed.count((connection.source, connection.target))
            >= connection.may_repeat
        ):
            return f"This way may be taken {connection.may_repeat} time(s) in a call, and has been."
        return None

    def triggered_connection(self, node: str) -> Connection | None:
        """The connection that is to be taken now, whatever the model thinks."""
        way = triggered_connection(self.snapshot.workflow, node, self.visible_context(node))
        return way if way is not None and self.handoff_blocked_reason(way) is None else None

    def resolve_node(self, node: str) -> ResolvedNode:
        return resolve_node(self.snapshot.workflow, node, self.visible_context)

    def refuse_handoff(self, node: str, target: str, via: HandoffVia, problem: str) -> None:
        self.record(HandoffRefused(from_node=node, to_node=target, via=via, message=problem))

    # ---- hand-offs -------------------------------------------------------------------------

    def record_handoff(self) -> None:
        """Tell of the hand-off that was decided, once."""
        move = self.pending_handoff
        if move is None or not move.complete or self.projection.node != move.connection.source:
            return
        policy = move.connection.context_policy
        shared = () if policy is ContextPolicy.FULL else self.snapshot.workflow.shared_context
        self.record(
            HandedOff(
                from_node=move.connection.source,
                to_node=move.resolved_node.node,
                via=move.via,
                skipped=move.resolved_node.skipped,
                context_policy=policy,
                last_n=move.connection.last_n if policy is ContextPolicy.LAST_N else 0,
                summary=move.summary,
                context_passed=tuple(dict.fromkeys((*move.connection.context_passed, *shared))),
            )
        )

    def history(self) -> llm.ChatContext:
        story = self.projection
        return chat_context((*story.system_notes, *story.visible_items[-MAX_HISTORY_ITEMS:]))


def trim_history(items: list[llm.ChatItem]) -> None:
    """Keep instructions and briefings, which come first, and the newest items. They are left to
    grow to twice as many before, so that most turns have nothing to move."""
    if len(items) <= 2 * MAX_HISTORY_ITEMS:
        return
    newest = items[-MAX_HISTORY_ITEMS:]
    # The result of a tool is nothing without its call.
    newest = list(dropwhile(lambda item: item.type.startswith("function_call"), newest))
    leading = takewhile(_is_instruction, items[:-MAX_HISTORY_ITEMS])
    items[:] = [*leading, *newest]


def _is_instruction(item: llm.ChatItem) -> bool:
    return item.type == "message" and item.role == "system"


def chat_context(items: Sequence[HistoryItem]) -> llm.ChatContext:
    """What was said and done, as models are shown it."""
    context = llm.ChatContext.empty()
    for event in items:
        match event:
            case SystemNote(text=text):
                context.add_message(role="system", content=text)
            case UserTurn(text=text):
                context.add_message(role="user", content=text)
            case AgentTurn(heard_text=text):
                context.add_message(role="assistant", content=text)
            case ToolFinished():
                call = llm.FunctionCall(
                    call_id=event.tool_call_id,
                    name=event.tool,
                    arguments=to_text(event.arguments),
                )
                output = llm.FunctionCallOutput(
                    call_id=event.tool_call_id,
                    name=event.tool,
                    output=to_text(event.result),
                    is_error=False,
                )
                context.items.extend([call, output])
    return context


def to_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
