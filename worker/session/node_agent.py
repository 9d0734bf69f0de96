"""A node of the workflow as a LiveKit agent. The only Agent class there is.

What livekit-agents 1.8 needs to be told, so that hand-offs are whole:
the new agent takes its history from our story (its own copy drops tool calls it does not know);
a hand-off returns `reply_required=False` (else the old agent speaks once more) and cannot be
interrupted (else talking over "one moment" cancels it)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import replace
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

from domain.calls.events import HandoffVia, NodeEntered
from domain.calls.model import EndReason
from domain.templating.templates import render
from domain.tools.model import NO_PARAMETERS, ToolSpec
from domain.workflows.agents import AgentSpec
from domain.workflows.model import END_CALL, Connection, ContextPolicy
from domain.workflows.routing import ResolvedNode
from worker.providers.api_keys import ProviderMisconfigured
from worker.session.conversation import CallLost, Conversation, PendingHandoff, trim_history
from worker.session.llm import get_model
from worker.session.summarizer import summarize
from worker.session.tool_call_guard import validate_tool_call
from worker.session.tool_runner import ToolCall, execute_tool
from worker.session.turn_detection import turn_handling


class EntryMode(Enum):
    """How an agent comes to the conversation."""

    START = auto()
    HANDOFF = auto()
    RESUME = auto()


class NodeAgent(Agent):
    def __init__(
        self, conversation: Conversation, resolved_node: ResolvedNode, entry_mode: EntryMode
    ) -> None:
        self._conversation = conversation
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
    def model(self) -> llm.LLM[Any]:
        return self._conversation.models[self._spec.name]

    def _speech_options(self) -> dict[str, Any]:
        speech = self._conversation.speech
        if speech is None:
            return {}
        seen = self._conversation.visible_context(self._node)
        return {
            "stt": speech.get_stt(self._spec),
            "tts": speech.get_tts(self._spec, seen),
            "turn_handling": turn_handling(self._spec),
        }

    def _follow_caller_language(self) -> None:
        """In the language of the caller, from the next answer on."""
        if self._conversation.speech is not None:
            voice = self._speech_options()["tts"]
            if voice is not self.tts:
                self.update_options(tts=voice)

    def _render_instructions(self) -> str:
        return self.render_text(self._spec.prompt.system)

    async def refresh_instructions(self) -> None:
        """Bring the prompt up to the context as it is now."""
        now = self._render_instructions()
        if now != self._current_instructions:
            self._current_instructions = now
            await self.update_instructions(now)

    # ---- entering --------------------------------------------------------------------------

    async def on_enter(self) -> None:
        conversation = self._conversation
        conversation.on_session_start(self.session)
        try:
            # Told first: it decides what this agent is shown.
            conversation.record_handoff()
            history = conversation.history()
            await self.update_chat_ctx(history, exclude_invalid_function_calls=False)
            await self._enter_node()
        finally:
            conversation.pending_handoff = None
            conversation.agent_entered.set()

    async def _enter_node(self) -> None:
        conversation = self._conversation
        if conversation.is_lost:
            return
        if self._entry_mode is EntryMode.RESUME:
            greet = (
                len(conversation.projection.turns) <= conversation.projection.recording_announced
            )
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
        greeting = self._greeting() if greet else ""
        conversation.has_pending_tool_call = False
        if conversation.announcement and not conversation.projection.turns:
            self.session.say(self.render_text(conversation.announcement), allow_interruptions=False)
        said: SpeechHandle | None = None
        if greeting:
            may_interrupt = self._spec.prompt.interruptible_greeting
            said = self.session.say(greeting, allow_interruptions=may_interrupt)
        elif self._entry_mode is EntryMode.HANDOFF:
            said = self.session.generate_reply()
        if said is not None and conversation.speech is None:
            await said

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """The caller has finished speaking: who is to answer?"""
        conversation = self._conversation
        speech = conversation.speech
        conversation.record_user_turn(
            new_message.text_content or "",
            speech.caller_language if speech else None,
            new_message.transcript_confidence,
        )
        self._follow_caller_language()
        if conversation.preemptive_generation_failed:
            # The same history under another name: else that failure would be taken for the answer.
            conversation.preemptive_generation_failed = False
            renamed = [i.model_copy(update={"id": shortuuid()}) for i in turn_ctx.items[-1:]]
            turn_ctx.items[-1:] = renamed
        following = await self.next_agent_by_condition()
        if following is not None:
            # Nobody is asked: who has the word next answers.
            conversation.record_handoff()
            self.session.update_agent(following)
            raise StopResponse()

    async def transcription_node(
        self, text: AsyncIterable[Any], model_settings: ModelSettings
    ) -> AsyncGenerator[Any]:
        """What is going to be said: all of it, whether or not it will be heard."""
        self._conversation.generated_text = ""
        async for piece in text:
            self._conversation.generated_text += str(piece)
            yield piece

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncGenerator[Any]:
        """The model's answer as it comes, noting whether it calls for something more."""
        self._conversation.has_pending_tool_call = False
        if self._conversation.is_lost:
            return
        trim_history(self._chat_ctx.items)
        known = {tool.id for tool in tools}
        async for chunk in Agent.default.llm_node(self, chat_ctx, tools, model_settings):
            if isinstance(chunk, llm.ChatChunk) and chunk.delta and chunk.delta.tool_calls:
                self._conversation.has_pending_tool_call = True
                for call in chunk.delta.tool_calls:
                    validate_tool_call(self._conversation, self._node, call, known)
            yield chunk

    def _greeting(self) -> str:
        return self.render_text(self._spec.prompt.greeting or "")

    def render_text(self, text: str) -> str:
        return render(
            text, self._conversation.visible_context(self._node), self._spec.prompt.defaults
        )

    # ---- what the model may call -----------------------------------------------------------

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
        async def use(raw_arguments: dict[str, Any], context: RunContext[Any]) -> Any:
            # What the agent said before it reached for the tool comes first in the log.
            await context.wait_for_playout()
            id = context.function_call.call_id
            told = await execute_tool(
                self._conversation, ToolCall(id, self._node, tool, raw_arguments)
            )
            wanted, self._conversation.requested_handoff = (
                self._conversation.requested_handoff,
                None,
            )
            if wanted is not None:
                return await self._hand_off(wanted, HandoffVia.TOOL, context, told)
            way = self._conversation.triggered_connection(self._node)
            if way is not None:
                return await self._hand_off(way, HandoffVia.CONDITION, context, told)
            return told

        # The plugins' serialisers take plain dicts only.
        parameters = json.loads(json.dumps(tool.parameters, default=dict))
        return function_tool(
            use,
            raw_schema={
                "name": tool.name,
                "description": tool.description,
                "parameters": parameters,
            },
            # Two of the same are two uses: what is too many is for the tool to say.
            on_duplicate="allow",
        )

    def _handoff_tool(self, connection: Connection) -> llm.Tool:
        async def go(
            raw_arguments: dict[str, Any], context: RunContext[Any]
        ) -> tuple[Agent, llm.ToolResult]:
            problem = self._conversation.handoff_blocked_reason(connection)
            if problem is not None:
                raise self._handoff_refused(connection, HandoffVia.MODEL, problem)
            told = f"Transferred to {connection.target}."
            return await self._hand_off(connection, HandoffVia.MODEL, context, told)

        return function_tool(
            go,
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
        """The agent that takes over, as LiveKit wants to be told of it."""
        context.disallow_interruptions()
        try:
            agent = await self.next_agent(connection, via)
        except ProviderMisconfigured as missing:
            raise self._handoff_refused(connection, via, str(missing)) from None
        return agent, llm.ToolResult(message, reply_required=False)

    async def next_agent_by_condition(self) -> NodeAgent | None:
        """Who is to answer in this agent's place, as a condition holds."""
        way = self._conversation.triggered_connection(self._node)
        if way is None:
            return None
        try:
            return await self.next_agent(way, HandoffVia.CONDITION)
        except ProviderMisconfigured as missing:
            target = way.target
            self._conversation.refuse_handoff(
                self._node, target, HandoffVia.CONDITION, str(missing)
            )
            return None

    async def next_agent(self, connection: Connection, via: HandoffVia) -> NodeAgent:
        """Whoever has the word next; from here on the hand-off is under way."""
        conversation = self._conversation
        if conversation.is_lost:
            raise CallLost
        landing = conversation.resolve_node(connection.target)
        agent = NodeAgent(conversation, landing, EntryMode.HANDOFF)
        in_short = connection.context_policy is ContextPolicy.SUMMARY
        move = PendingHandoff(
            connection=connection, via=via, resolved_node=landing, complete=not in_short
        )
        conversation.pending_handoff = move
        conversation.agent_entered.clear()
        if in_short:
            summary = await summarize(conversation.history(), agent.model)
            conversation.pending_handoff = replace(move, summary=summary, complete=True)
        return agent

    def _handoff_refused(self, connection: Connection, via: HandoffVia, reason: str) -> ToolError:
        self._conversation.refuse_handoff(self._node, connection.target, via, reason)
        return ToolError(f"Not handed off. {reason}")

    def _end_call_tool(self) -> llm.Tool:
        async def end(raw_arguments: dict[str, Any], context: RunContext[Any]) -> str:
            self._conversation.end_after_this_turn(EndReason.WORKFLOW_FINISHED)
            return "The call ends after your next words. Say goodbye."

        return function_tool(
            end,
            raw_schema={
                "name": END_CALL,
                "description": "End the call: the caller's matter is settled and they are done.",
                "parameters": dict(NO_PARAMETERS),
            },
            flags=ToolFlag.IGNORE_ON_ENTER,
        )
