"""The state of one call while a worker holds it, and the only way to change it.

Everything that happens goes through `record`, which writes the event and applies it to the
projection that agents act on. So a worker never knows more than the next one can read from the
log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import dropwhile, takewhile
from typing import Any, Protocol

from livekit.agents import AgentSession, StopResponse, llm

from domain.calls.events import (
    AgentTurn,
    CallEvent,
    HandedOff,
    HandoffRefused,
    HandoffVia,
    ProviderFailedOver,
    StateChanged,
    ToolFinished,
    TurnMeasured,
    UsageMeasured,
    UserTurn,
)
from domain.calls.lease import Claim, EventWriter
from domain.calls.model import Call, CallKind, CallState, EndReason, transition
from domain.calls.state import MAX_HISTORY_ITEMS, CallProjection, HistoryItem, SystemNote
from domain.calls.transfers import TransferVia
from domain.providers.model import ProviderKind
from domain.providers.prices import PriceList
from domain.providers.usage import Usage
from domain.templating.templates import render
from domain.tenants.provider_keys import ProviderKeys
from domain.tool_execution.environment import NO_PHONE_LINE, CollectedDigits
from domain.tools.actions import CollectDigits
from domain.tools.http import HttpClient
from domain.tools.secrets import Secret
from domain.tools.transfers import TransferTarget
from domain.workflows.agents import ProviderChoice
from domain.workflows.model import Connection, ContextPolicy, EntryAction, Snapshot
from domain.workflows.routing import (
    ResolvedNode,
    default_connection,
    forced_connection,
    resolve_node,
    triggered_connection,
)
from worker.common.retry import retry_while_unavailable
from worker.common.usage_meter import UsageMeter
from worker.session.call_clock import CallClock
from worker.session.handoff_state import HandoffState, PendingHandoff
from worker.session.latency import LatencyTracker
from worker.session.speech import SpeechProviders
from worker.session.tool_call_registry import ToolCallRegistry
from worker.session.turn_state import TurnState

MAX_HANDOFFS = 50
USAGE_INTERVAL_SECONDS = 30.0
"""Usage outside of turns is recorded this long after it began, at the latest."""


class CallLost(StopResponse):
    """Another worker holds the call, or it is over. Raised in a tool, it ends the turn silently."""


class OutputTap(Protocol):
    """Observes what agents say."""

    def tap(self, session: AgentSession[Any]) -> None:
        """Attach to the session. Called before an agent says anything; repeats are ignored."""


class Opening(OutputTap, Protocol):
    """The start of a call in which it is not known yet who listens."""

    @property
    def is_held(self) -> bool:
        """Whether the agents neither speak nor receive what is heard."""

    async def wait_until_open(self) -> bool:
        """Return when the first agent may speak; False if the call ends before."""


class Keypad(OutputTap, Protocol):
    """The keys of a telephone call, in both directions."""

    async def send(self, keys: str) -> str | None:
        """Press valid keys. Returns why that failed; None if it is done."""

    async def collect(self, action: CollectDigits) -> CollectedDigits:
        """Ask the caller for digits. Called by one tool at a time."""


class Recorder(OutputTap, Protocol):
    """Records the audio of a call."""

    @property
    def announcement(self) -> str | None:
        """The template of the announcement that the call is recorded; None if there is none."""


class Transfers(OutputTap, Protocol):
    """Transfers the caller to another number."""

    is_holding: bool
    """Whether the caller waits for a colleague or for the carrier."""

    async def request(
        self, target: TransferTarget, via: TransferVia, id: str | None = None
    ) -> str | None:
        """Begin a transfer; its templates are rendered. Returns why it is refused; None if it
        begins once the agent has finished speaking."""


@dataclass(slots=True)
class Conversation:
    claim: Claim
    projection: CallProjection
    event_writer: EventWriter
    keys: ProviderKeys
    http_client: HttpClient
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    models: dict[str, llm.LLM[Any]] = field(default_factory=dict)
    speech: SpeechProviders | None = None
    """The STT and TTS of the agents; None in a text call."""
    playout: OutputTap | None = None
    """None in a text call."""
    recorder: Recorder | None = None
    """None if the call is not recorded."""
    keypad: Keypad | None = None
    """None in calls without a telephone."""
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the tool that asks the caller for digits."""
    opening: Opening | None = None
    """None unless it has to be found out who answers the call."""
    transfers: Transfers | None = None
    """None in a text call."""
    clock: CallClock = field(default_factory=CallClock)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once agents may speak: at once, or when a telephone call was answered."""
    turn: TurnState = field(init=False)
    latency: LatencyTracker = field(init=False)
    handoffs: HandoffState = field(init=False, default_factory=HandoffState)
    tool_calls: ToolCallRegistry = field(init=False)
    meter: UsageMeter = field(init=False)
    on_usage: Callable[[], None] = field(init=False, default=lambda: None)
    """Called when the call may have used more."""
    _failed_models: set[tuple[str, str]] = field(init=False, default_factory=set)
    """Providers with fallbacks that failed or have no key, as (kind.provider, model)."""
    _usage_pending_since: datetime | None = field(init=False, default=None)
    _closed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        # What the log says counts: after a restart of LiveKit's server, an answered leg is shown as
        # one that is being dialled.
        if not self.claim.call.rings or self.projection.answered_at is not None:
            self.answered.set()
        self.turn = TurnState(self.claim.epoch)
        since = self.projection.open_turn_since
        self.latency = LatencyTracker(
            since.timestamp() if since else None,
            is_phone=self.claim.call.kind is CallKind.SIP,
        )
        self.meter = UsageMeter(PriceList(self.claim.settings.prices))
        finished = (e.tool_call_id for e in self.projection.items if isinstance(e, ToolFinished))
        self.tool_calls = ToolCallRegistry((*finished, *self.projection.running_tools))

    def close(self) -> None:
        """This worker has ended or released the call: tasks still running do nothing more."""
        self._closed = True

    @property
    def is_lost(self) -> bool:
        """Whether this worker knows that it no longer holds the call. Checked before an agent
        speaks or hands off."""
        return self._closed or self.event_writer.is_fenced(self.claim)

    async def ensure_lease_held(self) -> None:
        """Return once it is certain that no other worker holds the call, which may take a while if
        the store is unavailable. Raises `CallLost` otherwise. Called before external effects."""
        held = not self._closed and await retry_while_unavailable(
            lambda: self.event_writer.holds_lease(self.claim)
        )
        if not held or self._closed:  # it may have been closed meanwhile
            raise CallLost

    @property
    def call(self) -> Call:
        return self.claim.call

    @property
    def snapshot(self) -> Snapshot:
        return self.claim.version.snapshot

    @property
    def node(self) -> str:
        return self.resolved_node.node

    @property
    def resolved_node(self) -> ResolvedNode:
        """The current node, or the one at which the conversation starts."""
        if self.projection.node is not None:
            return ResolvedNode(self.projection.node)
        return self.resolve_node(self.snapshot.workflow.entry.id)

    def record(self, event: CallEvent) -> None:
        self.event_writer.emit(self.claim, event)
        self.projection = self.projection.apply(event, self.clock.now())
        if isinstance(event, TurnMeasured | UsageMeasured):
            self.on_usage()
        self.clock.changed()

    def record_turn_metrics(self, turn: str, total_ms: float, **latencies: Any) -> None:
        """Record the metrics of a turn that has been answered completely."""
        usage = self.meter.drain()
        llm_usage = [part for part in usage if part.kind is ProviderKind.LLM]
        self.record(
            TurnMeasured(
                turn_id=turn,
                total_ms=total_ms,
                input_tokens=sum(part.input_tokens for part in llm_usage),
                output_tokens=sum(part.output_tokens for part in llm_usage),
                usage=usage,
                **latencies,
            )
        )

    def add_usage(self, kind: ProviderKind, choice: ProviderChoice, metrics: Any) -> None:
        """Take the metrics that a provider reports."""
        with self._usage_added():
            self.meter.add_metrics(kind, choice, metrics)

    def add_line_usage(self, used: Usage) -> None:
        """Take the time on the telephone."""
        with self._usage_added():
            self.meter.add(used)

    @contextmanager
    def _usage_added(self) -> Iterator[None]:
        if not self.meter.has_pending:
            self._usage_pending_since = self.clock.now()
        yield
        self.on_usage()
        self.clock.changed()

    @property
    def usage_due(self) -> datetime | None:
        """When usage outside of turns must be recorded; None if there is none. Usage during a turn
        is recorded with the turn."""
        is_idle = self.projection.open_turn is None
        if is_idle and self.meter.has_pending and self._usage_pending_since is not None:
            return self._usage_pending_since + timedelta(seconds=USAGE_INTERVAL_SECONDS)
        return None

    def record_pending_usage(self) -> None:
        usage = self.meter.drain()
        if usage:
            self.record(UsageMeasured(usage=usage))

    def end_after_this_turn(self, reason: EndReason) -> None:
        if self.projection.ending is None:
            ending = transition(self.projection.state, CallState.ENDING)
            self.record(StateChanged(before=self.projection.state, state=ending, ending_for=reason))

    def visible_context(
        self, node: str, params: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        context = self.projection.context.visible_to(node, params)
        context["history"] = self.projection.history
        return context

    def record_failover(
        self, choice: ProviderChoice, available: bool, kind: ProviderKind = ProviderKind.LLM
    ) -> None:
        key = (f"{kind}.{choice.provider}", choice.model)
        if available is (key not in self._failed_models):
            return
        self._failed_models ^= {key}
        self.record(
            ProviderFailedOver(
                provider_kind=kind,
                provider=choice.provider,
                model=choice.model,
                available=available,
            )
        )

    # ---- transfers ---------------------------------------------------------------------------

    @property
    def is_on_hold(self) -> bool:
        """Whether the caller waits for a colleague or for the carrier."""
        return self.transfers is not None and self.transfers.is_holding

    @property
    def is_without_agent(self) -> bool:
        """Whether the caller waits for someone else than an agent, or talks to a colleague."""
        return self.is_on_hold or self.projection.is_bridged

    async def transfer(
        self, node: str, target: TransferTarget, via: TransferVia, values: Mapping[str, Any]
    ) -> str | None:
        """Begin a transfer whose templates read these values. Returns why it is refused; None if it
        begins once the agent of the node has finished speaking."""
        if self.transfers is None:
            return NO_PHONE_LINE
        defaults = self.snapshot.agent_at(node).prompt.defaults

        def rendered(template: str | None) -> str | None:
            return None if template is None else render(template, values, defaults).strip()

        number = (rendered(target.number) or "").replace(" ", "")
        return await self.transfers.request(
            replace(
                target,
                number=number,
                extension=rendered(target.extension) or None,
                brief=rendered(target.brief) or None,
                announcement=rendered(target.announcement) or None,
            ),
            via,
        )

    # ---- what agents say -------------------------------------------------------------------

    def tap_output(self, session: AgentSession[Any]) -> None:
        """Attach to the session whatever observes its output. Repeats are ignored."""
        # In this order, so that the keypad can mask what all others receive, and the recorder notices
        # when the playout is held and records nothing of a caller who waits.
        for tap in (self.keypad, self.transfers, self.recorder, self.opening, self.playout):
            if tap is not None:
                tap.tap(session)

    def publish_partial(self, turn_id: str, text: str) -> None:
        """Publish the agent's text of that turn so far; the last one may come after the turn."""
        self.event_writer.publish_partial(self.claim, self.turn.agent_transcribed(turn_id, text))

    def record_agent_turn(
        self,
        text: str,
        interrupted: bool,
        heard_text: str | None = None,
        in_history: bool = True,
    ) -> None:
        """Record what an agent has said, as that of the agent who wrote it."""
        node = self.turn.author or self.node
        agent = self.snapshot.agent_at(node).name
        self.record(
            AgentTurn(
                turn_id=self.turn.agent_turn_id,
                node=node,
                agent=agent,
                text=text,
                heard_text=text if heard_text is None else heard_text,
                interrupted=interrupted,
                more=in_history and self.turn.has_pending_tool_call,
                in_history=in_history,
            )
        )
        if in_history and self.turn.is_last:
            self.end_after_this_turn(EndReason.WORKFLOW_FINISHED)
        self.turn.agent_turn_ended()
        # Recorded together with the turn, so that a worker that dies leaves no partial hand-off.
        self.record_handoff()

    # ---- what the caller says --------------------------------------------------------------

    def publish_caller_partial(self, text: str, is_final: bool) -> None:
        """Publish the caller's turn so far, with a new transcript of part of it."""
        self.event_writer.publish_partial(self.claim, self.turn.caller_transcribed(text, is_final))

    def record_user_turn(
        self,
        text: str,
        language: str | None,
        confidence: float | None,
        metrics: Mapping[str, Any],
    ) -> None:
        """Record the caller's turn, which is over. `metrics` are those of LiveKit's message."""
        find_speech_end = self.speech.overlap.speech_end.estimate if self.speech else float
        self.latency.caller_turn_ended(metrics, find_speech_end)
        self.record(
            UserTurn(
                turn_id=self.turn.caller_turn_id,
                text=text,
                language=language,
                confidence=confidence,
                end_of_turn_ms=self.latency.end_of_turn_ms,
            )
        )
        self.turn.caller_turn_ended()

    def request_handoff(self, node: str, target: str) -> str | None:
        """Request a hand-off from a tool. Returns why it is refused; None when it is accepted."""
        connections = [c for c in self.snapshot.workflow.outgoing(node) if c.target == target]
        if not connections:
            problem: str | None = f"No connection leads from {node} to {target}."
        else:
            problem = self.handoff_blocked_reason(connections[0])
        if problem is None:
            self.handoffs.request(connections[0])
        else:
            self.refuse_handoff(node, target, HandoffVia.TOOL, problem)
        return problem

    def handoff_blocked_reason(self, connection: Connection) -> str | None:
        """Why the connection cannot be taken now; None when it can."""
        if self.snapshot.workflow.node(connection.source).on_entry is EntryAction.END_CALL:
            return f"The call ends at {connection.source}."
        if self.handoffs.target_in_progress is not None:
            return f"A hand-off to {self.handoffs.target_in_progress} is in progress."
        if len(self.projection.visited) > MAX_HANDOFFS:
            return f"The call has reached the limit of {MAX_HANDOFFS} hand-offs."
        if (
            self.projection.traversed.count((connection.source, connection.target))
            >= connection.may_repeat
        ):
            limit = connection.may_repeat
            return f"This connection may be taken {limit} time(s) in a call, and has been."
        return None

    def triggered_connection(self, node: str) -> Connection | None:
        """The connection that must be taken now because its condition holds; None if there is none
        or it is blocked."""
        connection = triggered_connection(self.snapshot.workflow, node, self.visible_context(node))
        return self._unless_blocked(connection)

    def forced_connection(self, node: str) -> Connection | None:
        """The connection that a node which routes at once takes without asking the model; None if
        the model has a choice, or it is blocked."""
        workflow = self.snapshot.workflow
        if workflow.node(node).on_entry is not EntryAction.ROUTE:
            return None
        return self._unless_blocked(forced_connection(workflow, node))

    def default_connection(self, node: str) -> Connection | None:
        return self._unless_blocked(default_connection(self.snapshot.workflow, node))

    def _unless_blocked(self, connection: Connection | None) -> Connection | None:
        if connection is None or self.handoff_blocked_reason(connection) is not None:
            return None
        return connection

    def resolve_node(self, node: str) -> ResolvedNode:
        return resolve_node(self.snapshot.workflow, node, self.visible_context)

    def refuse_handoff(self, node: str, target: str, via: HandoffVia, problem: str) -> None:
        self.record(HandoffRefused(from_node=node, to_node=target, via=via, message=problem))

    # ---- hand-offs -------------------------------------------------------------------------

    def record_handoff(self) -> None:
        """Record the pending hand-off once it is complete; repeated calls do nothing."""
        handoff = self.handoffs.to_record
        if handoff is None:
            return
        self.handoffs.recorded()
        connection = handoff.connection
        policy = connection.context_policy
        shared = () if policy is ContextPolicy.FULL else self.snapshot.workflow.shared_context
        self.record(
            HandedOff(
                from_node=connection.source,
                to_node=handoff.resolved_node.node,
                via=handoff.via,
                skipped=handoff.resolved_node.skipped,
                context_policy=policy,
                last_n=connection.last_n if _passes_last_turns(handoff) else 0,
                summary=handoff.summary,
                context_passed=tuple(dict.fromkeys((*connection.context_passed, *shared))),
            )
        )

    def history(self) -> llm.ChatContext:
        projection = self.projection
        return chat_context(
            (*projection.system_notes, *projection.visible_items[-MAX_HISTORY_ITEMS:])
        )


def _passes_last_turns(handoff: PendingHandoff) -> bool:
    policy = handoff.connection.context_policy
    return policy is ContextPolicy.LAST_N or (
        policy is ContextPolicy.SUMMARY and handoff.summary is None
    )


def trim_history(items: list[llm.ChatItem]) -> None:
    """Keep the leading instructions and system notes and the newest items. Trims only when there
    are twice as many items as are kept, so that most turns have nothing to move."""
    if len(items) <= 2 * MAX_HISTORY_ITEMS:
        return
    newest = items[-MAX_HISTORY_ITEMS:]
    # Models reject the output of a tool without its call.
    newest = list(dropwhile(lambda item: item.type.startswith("function_call"), newest))
    leading = takewhile(_is_instruction, items[:-MAX_HISTORY_ITEMS])
    items[:] = [*leading, *newest]


def _is_instruction(item: llm.ChatItem) -> bool:
    return item.type == "message" and item.role == "system"


def chat_context(items: Sequence[HistoryItem]) -> llm.ChatContext:
    """Convert history items into the chat context that models receive."""
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
