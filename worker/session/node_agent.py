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
from domain.workflows.routing import Landing
from worker.providers.api_keys import Unusable
from worker.session.conversation import CallLost, Conversation, Move, forget_oldest
from worker.session.llm import model_of
from worker.session.summarizer import summarised
from worker.session.tool_call_guard import vet
from worker.session.tool_runner import Use, use_tool
from worker.session.turn_detection import turn_handling


class Entering(Enum):
    """How an agent comes to the conversation."""

    START = auto()
    HANDOFF = auto()
    RESUME = auto()


class NodeAgent(Agent):
    def __init__(self, conversation: Conversation, landing: Landing, entering: Entering) -> None:
        self._conversation = conversation
        self._landing = landing
        self._node = node = landing.node
        self._entering = entering
        self._spec = conversation.snapshot.agent_of(node)
        self._told = self._instructions_now()
        super().__init__(
            id=node,
            instructions=self._told,
            tools=list(self._all_tools()),
            llm=model_of(conversation, self._spec),
            **self._speech(),
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

    def _speech(self) -> dict[str, Any]:
        speech = self._conversation.speech
        if speech is None:
            return {}
        seen = self._conversation.look(self._node)
        return {
            "stt": speech.ears(self._spec),
            "tts": speech.voice(self._spec, seen),
            "turn_handling": turn_handling(self._spec),
        }

    def _speak_as_heard(self) -> None:
        """In the language of the caller, from the next answer on."""
        if self._conversation.speech is not None:
            voice = self._speech()["tts"]
            if voice is not self.tts:
                self.update_options(tts=voice)

    def _instructions_now(self) -> str:
        return self.filled(self._spec.prompt.system)

    async def refresh(self) -> None:
        """Bring the prompt up to the context as it is now."""
        now = self._instructions_now()
        if now != self._told:
            self._told = now
            await self.update_instructions(now)

    # ---- entering --------------------------------------------------------------------------

    async def on_enter(self) -> None:
        conversation = self._conversation
        conversation.begins(self.session)
        try:
            # Told first: it decides what this agent is shown.
            conversation.hand_off()
            history = conversation.history()
            await self.update_chat_ctx(history, exclude_invalid_function_calls=False)
            await self._take_over()
        finally:
            conversation.moving = None
            conversation.arrived.set()

    async def _take_over(self) -> None:
        conversation = self._conversation
        if conversation.lost:
            return
        if self._entering is Entering.RESUME:
            greet = len(conversation.story.turns) <= conversation.story.announced
        else:
            greet = self._node not in conversation.story.visited
            conversation.tell(
                NodeEntered(
                    node=self._node,
                    agent=self._spec.name,
                    first_visit=greet,
                    skipped=self._landing.skipped,
                )
            )
        greeting = self._greeting() if greet else ""
        conversation.calling = False
        if conversation.announcement and not conversation.story.turns:
            self.session.say(self.filled(conversation.announcement), allow_interruptions=False)
        said: SpeechHandle | None = None
        if greeting:
            may_interrupt = self._spec.prompt.interruptible_greeting
            said = self.session.say(greeting, allow_interruptions=may_interrupt)
        elif self._entering is Entering.HANDOFF:
            said = self.session.generate_reply()
        if said is not None and conversation.speech is None:
            await said

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """The caller has finished speaking: who is to answer?"""
        conversation = self._conversation
        speech = conversation.speech
        conversation.heard(
            new_message.text_content or "",
            speech.language if speech else None,
            new_message.transcript_confidence,
        )
        self._speak_as_heard()
        if conversation.stumbled:
            # The same history under another name: else that failure would be taken for the answer.
            conversation.stumbled = False
            renamed = [i.model_copy(update={"id": shortuuid()}) for i in turn_ctx.items[-1:]]
            turn_ctx.items[-1:] = renamed
        following = await self.successor()
        if following is not None:
            # Nobody is asked: who has the word next answers.
            conversation.hand_off()
            self.session.update_agent(following)
            raise StopResponse()

    async def transcription_node(
        self, text: AsyncIterable[Any], model_settings: ModelSettings
    ) -> AsyncGenerator[Any]:
        """What is going to be said: all of it, whether or not it will be heard."""
        self._conversation.written = ""
        async for piece in text:
            self._conversation.written += str(piece)
            yield piece

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncGenerator[Any]:
        """The model's answer as it comes, noting whether it calls for something more."""
        self._conversation.calling = False
        if self._conversation.lost:
            return
        forget_oldest(self._chat_ctx.items)
        known = {tool.id for tool in tools}
        async for chunk in Agent.default.llm_node(self, chat_ctx, tools, model_settings):
            if isinstance(chunk, llm.ChatChunk) and chunk.delta and chunk.delta.tool_calls:
                self._conversation.calling = True
                for call in chunk.delta.tool_calls:
                    vet(self._conversation, self._node, call, known)
            yield chunk

    def _greeting(self) -> str:
        return self.filled(self._spec.prompt.greeting or "")

    def filled(self, text: str) -> str:
        return render(text, self._conversation.look(self._node), self._spec.prompt.defaults)

    # ---- what the model may call -----------------------------------------------------------

    def _all_tools(self) -> Any:
        workflow = self._conversation.snapshot.workflow
        for connection in workflow.ways_out(self._node):
            if connection.condition is None:
                yield self._way_out(connection)
        for name in self._spec.tools:
            yield self._tool(self._conversation.snapshot.tools[name])
        if workflow.node(self._node).is_exit:
            yield self._end_call()

    def _tool(self, tool: ToolSpec) -> llm.Tool:
        async def use(raw_arguments: dict[str, Any], context: RunContext[Any]) -> Any:
            # What the agent said before it reached for the tool comes first in the log.
            await context.wait_for_playout()
            id = context.function_call.call_id
            told = await use_tool(self._conversation, Use(id, self._node, tool, raw_arguments))
            wanted, self._conversation.wanted = self._conversation.wanted, None
            if wanted is not None:
                return await self._moved(wanted, HandoffVia.TOOL, context, told)
            way = self._conversation.due(self._node)
            if way is not None:
                return await self._moved(way, HandoffVia.CONDITION, context, told)
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

    def _way_out(self, connection: Connection) -> llm.Tool:
        async def go(
            raw_arguments: dict[str, Any], context: RunContext[Any]
        ) -> tuple[Agent, llm.ToolResult]:
            problem = self._conversation.hindrance(connection)
            if problem is not None:
                raise self._refused(connection, HandoffVia.MODEL, problem)
            told = f"Transferred to {connection.target}."
            return await self._moved(connection, HandoffVia.MODEL, context, told)

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

    async def _moved(
        self, way: Connection, via: HandoffVia, context: RunContext[Any], told: str
    ) -> tuple[Agent, llm.ToolResult]:
        """The agent that takes over, as LiveKit wants to be told of it."""
        context.disallow_interruptions()
        try:
            agent = await self.next_agent(way, via)
        except Unusable as missing:
            raise self._refused(way, via, str(missing)) from None
        return agent, llm.ToolResult(told, reply_required=False)

    async def successor(self) -> NodeAgent | None:
        """Who is to answer in this agent's place, as a condition holds."""
        way = self._conversation.due(self._node)
        if way is None:
            return None
        try:
            return await self.next_agent(way, HandoffVia.CONDITION)
        except Unusable as missing:
            target = way.target
            self._conversation.refuse(self._node, target, HandoffVia.CONDITION, str(missing))
            return None

    async def next_agent(self, way: Connection, via: HandoffVia) -> NodeAgent:
        """Whoever has the word next; from here on the hand-off is under way."""
        conversation = self._conversation
        if conversation.lost:
            raise CallLost
        landing = conversation.land(way.target)
        agent = NodeAgent(conversation, landing, Entering.HANDOFF)
        in_short = way.context_policy is ContextPolicy.SUMMARY
        move = Move(way=way, via=via, landing=landing, complete=not in_short)
        conversation.moving = move
        conversation.arrived.clear()
        if in_short:
            summary = await summarised(conversation.history(), agent.model)
            conversation.moving = replace(move, summary=summary, complete=True)
        return agent

    def _refused(self, connection: Connection, via: HandoffVia, reason: str) -> ToolError:
        self._conversation.refuse(self._node, connection.target, via, reason)
        return ToolError(f"Not handed off. {reason}")

    def _end_call(self) -> llm.Tool:
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
