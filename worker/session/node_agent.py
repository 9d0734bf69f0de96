"""A node of the workflow as a LiveKit agent; the only Agent class.

Hand-offs work around livekit-agents 1.8 in three places: the new agent takes its history from our
projection (LiveKit's copy drops calls of tools that the new agent lacks), no result of a batch of
tool calls with a hand-off asks for a reply (otherwise the old agent speaks once more), and a
hand-off cannot be interrupted (otherwise barge-in during "one moment" cancels it)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import suppress
from typing import Any

from livekit.agents import (
    Agent,
    AgentSession,
    FunctionToolsExecutedEvent,
    ModelSettings,
    RunContext,
    StopResponse,
    ToolError,
    function_tool,
    llm,
)
from livekit.agents.llm import ToolFlag
from livekit.agents.utils import shortuuid
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.transcription.filters import filter_emoji, filter_markdown

from domain.calls.events import ErrorRaised, HandoffVia, NodeEntered, Speaker
from domain.calls.model import EndReason
from domain.calls.transfers import TransferVia
from domain.templating.templates import render
from domain.tenants.provider_keys import ProviderMisconfigured
from domain.tools.model import NO_PARAMETERS, ToolSpec
from domain.workflows.agents import AgentSpec
from domain.workflows.model import END_CALL, Connection, ContextPolicy, EntryAction
from domain.workflows.routing import ResolvedNode, choices
from worker.session.conversation import CallLost, Conversation, trim_history
from worker.session.handoff_state import PendingHandoff
from worker.session.llm import get_model
from worker.session.speech_progress import speech_key
from worker.session.summarizer import SummaryFailed, summarize
from worker.session.tool_call_guard import validate_tool_call
from worker.session.tool_runner import ToolCall, execute_tool
from worker.session.turn_detection import interruption_options, turn_handling

INTERRUPTED = "The caller interrupted the reply."


class NodeAgent(Agent):
    def __init__(
        self,
        conversation: Conversation,
        resolved_node: ResolvedNode,
        *,
        is_entered: bool = False,
        opening: Callable[[], None] = lambda: None,
    ) -> None:
        """`is_entered`: another worker has recorded that the conversation entered the node. `opening`
        says what comes before the greeting."""
        self._conversation = conversation
        self._opening = opening
        self._resolved_node = resolved_node
        self._node = node = resolved_node.node
        self._is_entered = is_entered
        visits = list(conversation.projection.visited).count(node)
        self._is_first_visit = visits == (1 if is_entered else 0)
        self._entry_action = conversation.snapshot.workflow.node(node).on_entry
        self._has_said_goodbye = False
        self._spec = conversation.snapshot.agent_at(node)
        self._current_instructions = self._render_instructions()
        super().__init__(
            id=node,
            instructions=self._current_instructions,
            tools=list(self._build_tools()),
            llm=get_model(conversation, self._spec),
            **self._speech_options(),
        )

    @property
    def node(self) -> str:
        return self._node

    @property
    def spec(self) -> AgentSpec:
        return self._spec

    @property
    def acts_on_entry(self) -> bool:
        """Whether the agent, once it has entered, does what it does without being asked: greet, speak
        first, hand off or end the call. After a takeover it does so if another worker has not."""
        if not self._is_entered:
            return True
        if self._ends_call:
            return self._conversation.projection.ending is None
        if self._transfers_caller and self._has_transferred:
            return False
        greets_first = self._is_first_visit and bool(self._greeting())
        moves_on = self._entry_action in (EntryAction.ROUTE, EntryAction.TRANSFER_CALL)
        return self._turns_since_entry <= (1 if moves_on and greets_first else 0)

    @property
    def model(self) -> llm.LLM[Any]:
        return self._conversation.models[self._spec.name]

    def _speech_options(self) -> dict[str, Any]:
        speech = self._conversation.speech
        if speech is None:
            return {}
        context = self._conversation.visible_context(self._node)
        return {
            "stt": speech.get_stt(self._spec),
            "tts": speech.get_tts(self._spec, context),
            "turn_handling": turn_handling(self._spec),
        }

    def _follow_caller_language(self) -> None:
        """Speak the caller's language from the next reply on."""
        if self._conversation.speech is not None:
            tts = self._speech_options()["tts"]
            if tts is not self.tts:
                self.update_options(tts=tts)

    def _render_instructions(self) -> str:
        return self.render_text(self._spec.prompt.system)

    async def refresh_instructions(self) -> None:
        """Render the prompt with the current context, and update it if it has changed."""
        instructions = self._render_instructions()
        if instructions != self._current_instructions:
            self._current_instructions = instructions
            await self.update_instructions(instructions)

    # ---- entering --------------------------------------------------------------------------

    async def on_enter(self) -> None:
        conversation = self._conversation
        conversation.tap_output(self.session)
        if conversation.speech is not None:
            # LiveKit takes these only from the session, not from its agents.
            self.session.options.interruption.update(interruption_options(self._spec))
            conversation.speech.overlap.agent_entered(self._spec)
        try:
            if not await self._wait_for_listener():
                return
            # Recorded first, because it decides which history this agent receives.
            conversation.record_handoff()
            conversation.handoffs.agent_entering()
            history = conversation.history()
            await self.update_chat_ctx(history, exclude_invalid_function_calls=False)
            if not conversation.is_lost:
                with suppress(CallLost):
                    await self._enter_node()
        finally:
            if conversation.handoffs.target_in_progress is None:
                conversation.handoffs.agent_entered()

    async def _wait_for_listener(self) -> bool:
        """Wait until the phone is answered, and by a party to talk to; returns at once in other
        calls. Returns False if the call ends before."""
        conversation = self._conversation
        await conversation.answered.wait()
        return conversation.opening is None or await conversation.opening.wait_until_open()

    async def _enter_node(self) -> None:
        acts, greets = self.acts_on_entry, self._is_first_visit and self._turns_since_entry <= 0
        if not self._is_entered:
            self._record_entry()
        self._opening()
        self._conversation.turn.reply_started()
        await self._announce_recording()
        greeting = self._greeting() if greets else ""
        if acts and self._ends_call:
            await self._wait_in_text_call(self._say_last_words(greeting))
        elif acts:
            await self._act(greeting)

    async def _act(self, greeting: str) -> None:
        if greeting:
            speech = self.session.say(greeting, allow_interruptions=self._can_be_interrupted)
            await self._wait_in_text_call(speech)
            if self._transfers_caller:
                await speech
        if self._transfers_caller:
            await self._transfer_caller()
        elif self._entry_action is EntryAction.ROUTE:
            await self._route()
        elif not greeting:
            await self._speak_first()

    def _record_entry(self) -> None:
        self._conversation.record(
            NodeEntered(
                node=self._node,
                agent=self._spec.name,
                first_visit=self._is_first_visit,
                skipped=self._resolved_node.skipped,
            )
        )

    @property
    def _turns_since_entry(self) -> int:
        """The turns since the conversation entered the node, without the announcement that it is
        recorded."""
        projection = self._conversation.projection
        is_announced = projection.recording_announced and len(projection.visited) == 1
        return projection.turns_since_entry - is_announced if self._is_entered else 0

    async def _announce_recording(self) -> None:
        recorder = self._conversation.recorder
        announcement = recorder and recorder.announcement
        turns = self._conversation.projection.turns
        if announcement and all(turn.speaker is Speaker.CALLER for turn in turns):
            speech = self.session.say(self.render_text(announcement), allow_interruptions=False)
            if self._ends_call:  # with the words after the announcement
                await speech

    async def _wait_in_text_call(self, speech: SpeechHandle) -> None:
        if self._conversation.speech is None:
            await speech

    @property
    def _ends_call(self) -> bool:
        return self._entry_action is EntryAction.END_CALL

    @property
    def _can_be_interrupted(self) -> bool:
        """Whether the caller can interrupt the greeting. What the caller says during a hand-off is
        replied to after the greeting."""
        is_spoken_over = self._conversation.turn.is_caller_mid_turn
        return self._spec.greeting_can_be_interrupted and not is_spoken_over

    @property
    def _has_request(self) -> bool:
        """Whether the conversation came from another node, or the caller waits for a reply."""
        projection = self._conversation.projection
        return len(projection.visited) > 1 or projection.reply_pending

    @property
    def _transfers_caller(self) -> bool:
        return self._entry_action is EntryAction.TRANSFER_CALL

    @property
    def _has_transferred(self) -> bool:
        """Whether a transfer was begun since the conversation entered the node."""
        projection = self._conversation.projection
        transfer, entered_at = projection.transfer, projection.entered_at
        return transfer is not None and entered_at is not None and transfer.started_at >= entered_at

    async def _transfer_caller(self) -> None:
        """Transfer the caller as the node says; if that is refused, continue with them."""
        conversation = self._conversation
        target = conversation.snapshot.workflow.node(self._node).transfer
        assert target is not None, "a node that transfers has a target"
        values = conversation.visible_context(self._node)
        problem = await conversation.transfer(self._node, target, TransferVia.NODE, values)
        if problem is not None:
            conversation.record(ErrorRaised(source="transfer", message=problem, recoverable=True))
            await self.transfer_failed(problem)

    async def transfer_failed(self, problem: str | None = None) -> None:
        """Continue with a caller who was not transferred: along the default connection of a node that
        transfers, or else with words of the model, which reads why. `problem` is why, if the log does
        not say it."""
        conversation = self._conversation
        if conversation.is_lost:
            return
        history = conversation.history()
        if problem is not None:
            history.add_message(role="system", content=f"The transfer failed: {problem}")
        await self.update_chat_ctx(history, exclude_invalid_function_calls=False)
        next_agent = None
        if self._transfers_caller:
            default = conversation.default_connection(self._node)
            next_agent = await self._next_agent_if_usable(default, HandoffVia.DEFAULT)
        if next_agent is not None:
            await self._leave_to(next_agent)
        else:
            await self._wait_in_text_call(self.session.generate_reply())

    def _say_last_words(self, greeting: str) -> SpeechHandle:
        """Say the greeting, or else what the model writes, after which the call ends."""
        if greeting:
            speech = self.session.say(greeting, allow_interruptions=False)
        else:
            speech = self.session.generate_reply(allow_interruptions=False)
        self._conversation.turn.expect_last()
        return speech

    async def _speak_first(self) -> None:
        """Say what the model writes, unless the caller speaks first or another agent replies."""
        if self._has_request and not await self._hand_off_by_condition():
            await self._wait_in_text_call(self.session.generate_reply())

    async def _route(self) -> None:
        """Move the conversation on: along a connection whose condition holds, along the only one,
        along the one that the model chooses, or else along the default. A model has nothing to
        choose by before the caller has spoken: then the agent listens."""
        next_agent = await self.next_agent_by_condition()
        if next_agent is None and self._has_request:
            has_choice = bool(choices(self._conversation.snapshot.workflow, self._node))
            speech = self.session.generate_reply(tool_choice="required" if has_choice else "auto")
            await speech
            if self._has_moved_on(speech):
                return
            default = self._conversation.default_connection(self._node)
            next_agent = await self._next_agent_if_usable(default, HandoffVia.DEFAULT)
        if next_agent is not None:
            await self._leave_to(next_agent)

    def _has_moved_on(self, speech: SpeechHandle) -> bool:
        """Whether the model handed off or ended the call, or the caller interrupted it."""
        conversation = self._conversation
        has_left = conversation.handoffs.target_in_progress is not None
        return has_left or speech.interrupted or conversation.projection.ending is not None

    async def _leave_to(self, next_agent: NodeAgent) -> None:
        await self._conversation.handoffs.wait_until_session_started()
        self._conversation.record_handoff()
        self.session.update_agent(next_agent)

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """Record the caller's turn and decide which agent replies."""
        conversation = self._conversation
        if conversation.opening is not None and conversation.opening.is_held:
            raise StopResponse()  # it is a machine that speaks, as was found out late
        text = conversation.turn.whole_caller_turn(new_message.text_content or "")
        if text != new_message.text_content:
            new_message.content = [text]
        self._record_user_turn(text, new_message.transcript_confidence, new_message.metrics or {})
        if conversation.turn.take_preemptive_failure():
            # A new message id, or LiveKit would treat the failed generation as the reply.
            renamed = [i.model_copy(update={"id": shortuuid()}) for i in turn_ctx.items[-1:]]
            turn_ctx.items[-1:] = renamed
        if await self._hand_off_by_condition():
            raise StopResponse()

    async def reply_to(self, text: str) -> None:
        """Record and answer a turn of the caller that the session dropped."""
        self._record_user_turn(text, None, {})
        if not await self._hand_off_by_condition():
            self.session.generate_reply(user_input=text)

    async def resume_reply(self) -> None:
        """Reply to the caller's last turn, to which another worker has not completed its reply."""
        if not await self._hand_off_by_condition():
            self.session.generate_reply()

    def reply_again(self) -> None:
        """Say what a caller who was lost for a while has not heard: the last words of the call, or the
        reply to their last turn."""
        projection = self._conversation.projection
        if self._ends_call and projection.ending is None:
            self._say_last_words(self._greeting())
        elif projection.reply_pending:
            self.session.generate_reply()

    def _record_user_turn(
        self, text: str, confidence: float | None, metrics: llm.MetricsReport
    ) -> None:
        speech = self._conversation.speech
        language = speech.caller_language if speech else None
        self._conversation.record_user_turn(text, language, confidence, metrics)
        self._follow_caller_language()

    async def _hand_off_by_condition(self) -> bool:
        """Hand off if a condition holds; returns whether the next agent replies instead of this
        one, whose model is not called."""
        next_agent = await self.next_agent_by_condition()
        if next_agent is not None:
            await self._leave_to(next_agent)
        return next_agent is not None

    async def transcription_node(
        self, text: AsyncIterable[Any], model_settings: ModelSettings
    ) -> AsyncGenerator[Any]:
        """Keep the text of the turn, as it is spoken, including what an interruption may cut off."""
        turn = self._conversation.turn
        turn.text_started(self._node)
        speech = turn.speech(speech_key(self.session.current_speech))
        if self._conversation.speech is not None:
            text = filter_emoji(filter_markdown(text))
        async for chunk in text:
            speech.text += str(chunk)
            yield chunk

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncGenerator[Any]:
        """Stream the model's response, and track and validate its tool calls."""
        self._conversation.turn.reply_started()
        if self._conversation.is_lost:
            return
        trim_history(self._chat_ctx.items)
        known = {tool.id for tool in tools}
        has_words = False
        async for chunk in Agent.default.llm_node(self, chat_ctx, tools, model_settings):
            if isinstance(chunk, llm.ChatChunk) and chunk.delta:
                has_words = has_words or bool((chunk.delta.content or "").strip())
                for call in chunk.delta.tool_calls:
                    self._tool_called(call, known, has_words)
            yield chunk

    def _tool_called(self, call: llm.FunctionToolCall, known: set[str], has_words: bool) -> None:
        validate_tool_call(self._conversation, self._node, call, known)
        self._has_said_goodbye = call.name == END_CALL and has_words
        if not self._has_said_goodbye:
            self._conversation.turn.tool_called()

    def _greeting(self) -> str:
        return self.render_text(self._spec.prompt.greeting or "")

    def render_text(self, text: str) -> str:
        return render(
            text, self._conversation.visible_context(self._node), self._spec.prompt.defaults
        )

    # ---- tools of the model ----------------------------------------------------------------

    def _build_tools(self) -> Any:
        workflow = self._conversation.snapshot.workflow
        leaves = not self._ends_call
        for connection in workflow.outgoing(self._node):
            if leaves and connection.condition is None:
                yield self._handoff_tool(connection)
        for name in self._spec.tools:
            yield self._workflow_tool(self._conversation.snapshot.tools[name])
        if leaves and workflow.node(self._node).is_exit:
            yield self._end_call_tool()

    def _workflow_tool(self, tool: ToolSpec) -> llm.Tool:
        async def call_tool(raw_arguments: dict[str, Any], context: RunContext[Any]) -> Any:
            # What the agent said before the tool call comes first in the log.
            await context.wait_for_playout()
            if tool.collects_masked_digits:
                # A turn that the caller has just begun would end the tool and with it the mask.
                with suppress(RuntimeError):
                    context.disallow_interruptions()
            id = context.function_call.call_id
            result = await execute_tool(
                self._conversation, ToolCall(id, self._node, tool, raw_arguments)
            )
            requested = self._conversation.handoffs.take_request()
            if requested is not None:
                return await self._hand_off(requested, HandoffVia.TOOL, context, result)
            triggered = self._conversation.triggered_connection(self._node)
            if triggered is not None:
                return await self._hand_off(triggered, HandoffVia.CONDITION, context, result)
            return result

        # The plugins' serializers accept plain dicts only.
        parameters = json.loads(json.dumps(tool.parameters, default=dict))
        return function_tool(
            call_tool,
            raw_schema={
                "name": tool.name,
                "description": tool.description,
                "parameters": parameters,
            },
            # Identical tool calls in one response are separate calls; the tool limits them.
            on_duplicate="allow",
        )

    def _handoff_tool(self, connection: Connection) -> llm.Tool:
        async def hand_off(
            raw_arguments: dict[str, Any], context: RunContext[Any]
        ) -> tuple[Agent, llm.ToolResult]:
            problem = self._conversation.handoff_blocked_reason(connection)
            if problem is not None:
                raise self._handoff_refused(connection, HandoffVia.MODEL, problem)
            message = f"Transferred to {connection.target}."
            return await self._hand_off(connection, HandoffVia.MODEL, context, message)

        return function_tool(
            hand_off,
            raw_schema={
                "name": connection.tool_name,
                "description": connection.description
                or f"Hand the conversation to {connection.target}.",
                "parameters": dict(NO_PARAMETERS),
            },
            flags=self._entry_flags,
        )

    @property
    def _entry_flags(self) -> ToolFlag:
        """An agent that was just entered may leave only if its node routes at once: otherwise two
        agents could hand a caller back and forth."""
        routes = self._entry_action is EntryAction.ROUTE
        return ToolFlag.NONE if routes else ToolFlag.IGNORE_ON_ENTER

    async def _hand_off(
        self, connection: Connection, via: HandoffVia, context: RunContext[Any], message: str
    ) -> tuple[Agent, llm.ToolResult]:
        """The result with which a LiveKit tool hands off: the next agent and the tool's message."""
        if context.speech_handle.interrupted:
            # LiveKit ignores the agent that a tool of an interrupted reply returns.
            raise self._handoff_refused(connection, via, INTERRUPTED)
        context.disallow_interruptions()
        try:
            agent = await self.next_agent(connection, via)
        except ProviderMisconfigured as error:
            raise self._handoff_refused(connection, via, str(error)) from None
        return agent, llm.ToolResult(message, reply_required=False)

    async def next_agent_by_condition(self) -> NodeAgent | None:
        """The agent that replies instead because a connection's condition holds, or because this node
        routes at once and leaves the model no choice; None if there is none."""
        conversation = self._conversation
        triggered = conversation.triggered_connection(self._node)
        if triggered is not None:
            return await self._next_agent_if_usable(triggered, HandoffVia.CONDITION)
        forced = conversation.forced_connection(self._node)
        return await self._next_agent_if_usable(forced, HandoffVia.DEFAULT)

    async def _next_agent_if_usable(
        self, connection: Connection | None, via: HandoffVia
    ) -> NodeAgent | None:
        if connection is None:
            return None
        try:
            return await self.next_agent(connection, via)
        except ProviderMisconfigured as error:
            self._conversation.refuse_handoff(self._node, connection.target, via, str(error))
            return None

    async def next_agent(self, connection: Connection, via: HandoffVia) -> NodeAgent:
        """Begin a hand-off along the connection and return its agent. Raises `CallLost`."""
        conversation = self._conversation
        if conversation.is_lost:
            raise CallLost
        resolved_node = conversation.resolve_node(connection.target)
        agent = NodeAgent(conversation, resolved_node)
        needs_summary = connection.context_policy is ContextPolicy.SUMMARY
        handoff = PendingHandoff(
            connection=connection,
            via=via,
            resolved_node=resolved_node,
            agent=agent,
            complete=not needs_summary,
        )
        conversation.handoffs.begin(handoff)
        if needs_summary:
            try:
                summary = await self._summary_for(agent)
            except BaseException:
                # Otherwise the hand-off would block every later one.
                conversation.handoffs.abandon()
                raise
            conversation.handoffs.complete(handoff, summary)
        return agent

    async def _summary_for(self, agent: NodeAgent) -> str | None:
        """The summary that the next agent receives; None if there is none, so that it receives the
        last turns instead."""
        projection = self._conversation.projection
        try:
            return await summarize(
                (*projection.system_notes, *projection.visible_items), agent.model
            )
        except SummaryFailed as error:
            self._conversation.record(
                ErrorRaised(source="summary", message=str(error), recoverable=True)
            )
            return None

    def _handoff_refused(self, connection: Connection, via: HandoffVia, reason: str) -> ToolError:
        self._conversation.refuse_handoff(self._node, connection.target, via, reason)
        return ToolError(f"Not handed off. {reason}")

    def _end_call_tool(self) -> llm.Tool:
        async def end_call(
            raw_arguments: dict[str, Any], context: RunContext[Any]
        ) -> str | llm.ToolResult:
            self._conversation.end_after_this_turn(EndReason.WORKFLOW_FINISHED)
            if self._has_said_goodbye:
                return llm.ToolResult("The call ends.", reply_required=False)
            return "The call ends after your next words. Say goodbye."

        return function_tool(
            end_call,
            raw_schema={
                "name": END_CALL,
                "description": "End the call: the caller's matter is settled and they are done.",
                "parameters": dict(NO_PARAMETERS),
            },
            flags=self._entry_flags,
        )


def complete_handoffs(session: AgentSession[None], conversation: Conversation) -> None:
    """Make hand-offs of the session exact: once one has begun, only the next agent speaks, and it
    takes over even if the reply in which the hand-off began is cut off."""

    def on_tools_executed(event: FunctionToolsExecutedEvent) -> None:
        next_agent = conversation.handoffs.next_agent
        if next_agent is None:
            return
        event.cancel_tool_reply()
        if not event.has_agent_handoff and session.current_agent is not next_agent:
            session.update_agent(next_agent)

    session.on("function_tools_executed", on_tools_executed)
