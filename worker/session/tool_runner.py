"""A use of a tool in a call: the chain runs on the conversation, and every effect is an event."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from livekit.agents import ToolError

from domain.calls.context import Context
from domain.calls.events import ContextChanged, ToolFinished, ToolOutcome, ToolStarted, UserTurn
from domain.calls.idempotency import use_key
from domain.calls.model import EndReason
from domain.calls.state import Said
from domain.json_schema.validator import objection, unusable
from domain.tenants.settings import TenantSettings
from domain.tool_execution.executor import Ending, Used
from domain.tool_execution.executor import use as run_chain
from domain.tools.actions import SendDtmf, TransferCall
from domain.tools.http import HttpRequest, HttpResponse
from domain.tools.model import ToolSpec
from worker.session.conversation import CallLost, Conversation

MOST_USES = 100
"""Of tools in one call."""

CONFIRM = (
    "This needs the caller's consent. Tell them what you are about to do and ask; once they have "
    "agreed, use the tool again with the same arguments."
)
SPENT = "Tools have been used too often in this call. Go on without."


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a tool by the model."""

    id: str
    node: str
    tool: ToolSpec
    arguments: Mapping[str, Any]


async def use_tool(conversation: Conversation, use: Use) -> str:
    """What the model is told; `ToolError` when the use is refused. Both are recorded. `CallLost`
    when the call is somebody else's: what happened until then stays without an end in the log."""
    began = time.monotonic()
    problem = (
        conversation.spoilt.pop(use.id, None)
        or objection(use.tool.parameters, use.arguments)
        or _unwelcome(conversation, use)
    )
    arguments: Mapping[str, Any] = {} if unusable(use.arguments) else use.arguments
    # Reckoned before this use is told of, and so from what a successor finds in the log.
    key = use_key(
        conversation.claim.call.id, conversation.story.tool_uses, use.tool.name, arguments
    )
    conversation.tell(
        ToolStarted(tool_call_id=use.id, node=use.node, tool=use.tool.name, arguments=arguments)
    )
    outcome, result = ToolOutcome.REFUSED, problem or ""
    if problem is None:
        used = await _done(conversation, use, key)
        outcome, result = OUTCOMES[used.ending], used.result
    conversation.tell(
        ToolFinished(
            tool_call_id=use.id,
            node=use.node,
            tool=use.tool.name,
            arguments=arguments,
            outcome=outcome,
            result=result,
            duration_ms=round((time.monotonic() - began) * 1000, 1),
        )
    )
    if problem:
        raise ToolError(problem)
    return result


async def _done(conversation: Conversation, use: Use, key: str) -> Used:
    if use.tool.reaches_out:
        # Stored first: whoever takes the call over must know that it may have been done.
        await conversation.recorder.settled(conversation.claim)
        await conversation.ensure_held()
    return await run_chain(use.tool, use.arguments, InCall(conversation, use.node), key)


OUTCOMES = {
    Ending.SUCCEEDED: ToolOutcome.SUCCEEDED,
    Ending.FAILED: ToolOutcome.FAILED,
    Ending.REFUSED: ToolOutcome.REFUSED,
    Ending.UNKNOWN: ToolOutcome.UNKNOWN,
}


def _unwelcome(conversation: Conversation, use: Use) -> str | None:
    """Why this use is not wanted now, whatever its arguments."""
    story = conversation.story
    if story.tools_used >= MOST_USES:
        return SPENT
    return CONFIRM if use.tool.confirm and not _agreed(story.said, use) else None


def _agreed(said: Sequence[Said], use: Use) -> bool:
    """The same was asked for before, and the caller has spoken since."""
    spoken = False
    for event in reversed(said):
        if isinstance(event, UserTurn):
            spoken = True
        elif isinstance(event, ToolFinished) and event.tool == use.tool.name:
            return spoken and event.result == CONFIRM and event.arguments == use.arguments
    return False


class InCall:
    """The world of a chain that runs in a call. Nothing leaves it once the call is lost."""

    def __init__(self, conversation: Conversation, node: str) -> None:
        self._conversation = conversation
        self._node = node

    @property
    def context(self) -> Context:
        return self._conversation.story.context

    def look(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._conversation.look(self._node, params)

    def change(self, path: str, value: Any) -> ContextChanged:
        return self._told(self.context.write(path, value, self._node))

    def remove(self, path: str) -> ContextChanged:
        return self._told(self.context.remove(path, self._node))

    async def send(self, request: HttpRequest) -> HttpResponse:
        # Before each request, also of one that is tried again: the last may have taken long.
        await self._conversation.ensure_held()
        return await self._conversation.outbound.send(request)

    def secret(self, name: str) -> str | None:
        return self._conversation.secrets.get(name)

    @property
    def settings(self) -> TenantSettings:
        return self._conversation.claim.settings

    def hand_off(self, node: str) -> str | None:
        if self._conversation.lost:
            raise CallLost
        return self._conversation.ask_for(self._node, node)

    def end_call(self) -> None:
        self._conversation.end_after_this_turn(EndReason.ENDED_BY_AGENT)

    def press(self, what: TransferCall | SendDtmf, value: str) -> str | None:
        return "This call is not on a phone line."

    def _told(self, change: ContextChanged) -> ContextChanged:
        self._conversation.tell(change)
        return change
