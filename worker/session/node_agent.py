"""A node of the workflow as a LiveKit agent; the only Agent class.

Hand-offs work around livekit-agents 1.8 in three places: the new agent takes its history from our
projection (LiveKit's copy drops calls of tools that the new agent lacks), a hand-off returns
`reply_required=False` (otherwise the old agent speaks once more), and it cannot be interrupted
(otherwise barge-in during "one moment" cancels it)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from enum import Enum, auto
from typing import Any

from livekit.agents import (
    Agent,
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

from domain.calls.events import HandoffVia, NodeEntered
from domain.calls.model import EndReason
from domain.templating.templates import render
from domain.tools.model import NO_PARAMETERS, ToolSpec
from domain.workflows.agents import AgentSpec
from domain.workflows.model import END_CALL, Connection, ContextPolicy
from domain.workflows.routing import ResolvedNode
from worker.providers.api_keys import ProviderMisconfigured
from worker.session.conversation import CallLost, Conversation, trim_history
from worker.session.handoff_state import PendingHandoff
from worker.session.llm import get_model
from worker.session.speech_progress import speech_key
from worker.session.summarizer import summarize
from worker.session.tool_call_guard import validate_tool_call
from worker.session.tool_runner import ToolCall, execute_tool
from worker.session.turn_detection import interruption_options, turn_handling

INTERRUPTED = "The caller interrupted the reply."


class EntryMode(Enum):
    """How an agent enters the conversation."""

    START = auto()
    HANDOFF = auto()
    RESUME = auto()


class NodeAgent(Agent):
    def __init__(
        self,
        conversation: Conversation,
        resolved_node: ResolvedNode,
        entry_mode: EntryMode,
        opening: Callable[[], None] = lambda: None,
    ) -> None:
        """`opening` says what comes before the greeting."""
        self._conversation = conversation
        self._opening = opening
        self._resolved_node = resolved_node
        self._node = node = resolved_node.node
        self._entry_mode = entry_mode
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
    def replies_on_entry(self) -> bool:
        """Whether it greets the caller or replies as soon as it has entered, without being asked."""
        if self._entry_mode is EntryMode.RESUME:
            return bool(not self._has_greeted and self._greeting())
        return self._entry_mode is EntryMode.HANDOFF

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
            # Recorded first, because it decides which history this agent receives.
            conversation.record_handoff()
            history = conversation.history()
            await self.update_chat_ctx(history, exclude_invalid_function_calls=False)
            await self._enter_node()
        finally:
            conversation.handoffs.agent_entered()

    async def _enter_node(self) -> None:
        conversation = self._conversation
        if conversation.is_lost:
            return
        if self._entry_mode is EntryMode.RESUME:
            greet = not self._has_greeted
        else:
            greet = self._node not in conversation.projection.visited
            conversation.record(
                NodeEntered(
                    node=self._node,
                    agent=self._spec.name,
                    first_visit=greet,
                    skipped=self._resolved_node.skipped,
                )
            )
        self._opening()
        greeting = self._greeting() if greet else ""
        conversation.turn.reply_started()
        announcement = conversation.recorder and conversation.recorder.announcement
        if announcement and not conversation.projection.turns:
            self.session.say(self.render_text(announcement), allow_interruptions=False)
        speech: SpeechHandle | None = None
        if greeting:
            # What the caller says during the hand-off is replied to after the greeting.
            is_spoken_over = conversation.turn.is_caller_mid_turn
            interruptible = self._spec.greeting_can_be_interrupted and not is_spoken_over
            speech = self.session.say(greeting, allow_interruptions=interruptible)
        elif self._entry_mode is EntryMode.HANDOFF:
            speech = self.session.generate_reply()
        if speech is not None and conversation.speech is None:
            await speech

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """Record the caller's turn and decide which agent replies."""
        conversation = self._conversation
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
            self._conversation.record_handoff()
            self.session.update_agent(next_agent)
        return next_agent is not None

    async def transcription_node(
        self, text: AsyncIterable[Any], model_settings: ModelSettings
    ) -> AsyncGenerator[Any]:
        """Keep the text of the turn, as it is spoken, including what an interruption may cut off."""
        speech = self._conversation.turn.speech(speech_key(self.session.current_speech))
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
        async for chunk in Agent.default.llm_node(self, chat_ctx, tools, model_settings):
            if isinstance(chunk, llm.ChatChunk) and chunk.delta and chunk.delta.tool_calls:
                self._conversation.turn.tool_called()
                for call in chunk.delta.tool_calls:
                    validate_tool_call(self._conversation, self._node, call, known)
            yield chunk

    @property
    def _has_greeted(self) -> bool:
        """Whether the call was resumed after this node's agent had begun to speak."""
        projection = self._conversation.projection
        is_announced = projection.recording_announced and len(projection.visited) == 1
        return projection.turns_since_entry > is_announced or self._is_revisited

    @property
    def _is_revisited(self) -> bool:
        return list(self._conversation.projection.visited).count(self._node) > 1

    def _greeting(self) -> str:
        return self.render_text(self._spec.prompt.greeting or "")

    def render_text(self, text: str) -> str:
        return render(
            text, self._conversation.visible_context(self._node), self._spec.prompt.defaults
        )

    # ---- tools of the model ----------------------------------------------------------------

    def _build_tools(self) -> Any:
        workflow = self._conversation.snapshot.workflow
        for connection in workflow.outgoing(self._node):
            if connection.condition is None:
                yield self._handoff_tool(connection)
        for name in self._spec.tools:
            yield self._workflow_tool(self._conversation.snapshot.tools[name])
        if workflow.node(self._node).is_exit:
            yield self._end_call_tool()

    def _workflow_tool(self, tool: ToolSpec) -> llm.Tool:
        async def call_tool(raw_arguments: dict[str, Any], context: RunContext[Any]) -> Any:
            # What the agent said before the tool call comes first in the log.
            await context.wait_for_playout()
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
            flags=ToolFlag.IGNORE_ON_ENTER,
        )

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
        """The agent that replies instead because a connection's condition holds; None if none."""
        connection = self._conversation.triggered_connection(self._node)
        if connection is None:
            return None
        try:
            return await self.next_agent(connection, HandoffVia.CONDITION)
        except ProviderMisconfigured as error:
            self._conversation.refuse_handoff(
                self._node, connection.target, HandoffVia.CONDITION, str(error)
            )
            return None

    async def next_agent(self, connection: Connection, via: HandoffVia) -> NodeAgent:
        """Begin a hand-off along the connection and return its agent. Raises `CallLost`."""
        conversation = self._conversation
        if conversation.is_lost:
            raise CallLost
        resolved_node = conversation.resolve_node(connection.target)
        agent = NodeAgent(conversation, resolved_node, EntryMode.HANDOFF)
        needs_summary = connection.context_policy is ContextPolicy.SUMMARY
        handoff = PendingHandoff(
            connection=connection,
            via=via,
            resolved_node=resolved_node,
            complete=not needs_summary,
        )
        conversation.handoffs.begin(handoff)
        if needs_summary:
            try:
                summary = await summarize(conversation.history(), agent.model)
            except BaseException:
                # Otherwise the hand-off would block every later one.
                conversation.handoffs.abandon()
                raise
            conversation.handoffs.complete(handoff, summary)
        return agent

    def _handoff_refused(self, connection: Connection, via: HandoffVia, reason: str) -> ToolError:
        self._conversation.refuse_handoff(self._node, connection.target, via, reason)
        return ToolError(f"Not handed off. {reason}")

    def _end_call_tool(self) -> llm.Tool:
        async def end_call(raw_arguments: dict[str, Any], context: RunContext[Any]) -> str:
            self._conversation.end_after_this_turn(EndReason.WORKFLOW_FINISHED)
            return "The call ends after your next words. Say goodbye."

        return function_tool(
            end_call,
            raw_schema={
                "name": END_CALL,
                "description": "End the call: the caller's matter is settled and they are done.",
                "parameters": dict(NO_PARAMETERS),
            },
            flags=ToolFlag.IGNORE_ON_ENTER,
        )
