"""Runs a tool in a call: its actions act on the conversation, and every effect is an event."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from livekit.agents import ToolError

from domain.calls.context import CallContext
from domain.calls.events import (
    ContextChanged,
    DtmfCollected,
    DtmfRequested,
    ToolFinished,
    ToolOutcome,
    ToolStarted,
)
from domain.calls.idempotency import idempotency_key
from domain.calls.model import EndReason
from domain.calls.transfers import TransferVia
from domain.json_schema.defaults import with_defaults
from domain.json_schema.validator import storage_problem, validation_problem
from domain.tenants.settings import TenantSettings
from domain.tool_execution.environment import NO_KEYPAD, NO_PHONE_LINE, CollectedDigits
from domain.tool_execution.executor import Ending, ToolResult
from domain.tool_execution.executor import execute as run_chain
from domain.tools.actions import CollectDigits, TransferCall
from domain.tools.http import HttpRequest, HttpResponse
from domain.tools.model import ToolSpec
from domain.tools.secrets import Secret
from worker.session.consent import CONSENT_REQUIRED, has_consent
from worker.session.conversation import CallLost, Conversation

MAX_TOOL_CALLS = 100
"""Tool calls that one call may make."""

TOO_MANY_TOOL_CALLS = "Tools have been used too often in this call. Continue without them."


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call by the model."""

    id: str
    node: str
    tool: ToolSpec
    arguments: Mapping[str, Any]


async def execute_tool(conversation: Conversation, call: ToolCall) -> str:
    """Run the tool, record it and return the result for the model. Raises `ToolError` when the
    call is refused, which is recorded as well. Raises `CallLost` when another worker holds the
    call: then the log has the start of the tool, but no end."""
    started_at = time.monotonic()
    problem = conversation.tool_calls.take_problem(call.id)
    if problem is None:
        call = replace(call, arguments=with_defaults(call.tool.parameters, call.arguments))
        problem = validation_problem(call.tool.parameters, call.arguments)
    problem = problem or _precondition_problem(conversation, call)
    arguments: Mapping[str, Any] = {} if storage_problem(call.arguments) else call.arguments
    # Computed before this tool call is recorded, so that a resuming worker gets the same key.
    key = idempotency_key(
        conversation.claim.call.id, conversation.projection.tool_calls, call.tool.name, arguments
    )
    conversation.record(
        ToolStarted(tool_call_id=call.id, node=call.node, tool=call.tool.name, arguments=arguments)
    )
    outcome, result = ToolOutcome.REFUSED, problem or ""
    if problem is None:
        executed = await _execute(conversation, call, key)
        outcome, result = OUTCOMES[executed.ending], executed.result
    conversation.record(
        ToolFinished(
            tool_call_id=call.id,
            node=call.node,
            tool=call.tool.name,
            arguments=arguments,
            outcome=outcome,
            result=result,
            duration_ms=round((time.monotonic() - started_at) * 1000, 1),
        )
    )
    if problem:
        raise ToolError(problem)
    return result


async def _execute(conversation: Conversation, call: ToolCall, key: str) -> ToolResult:
    if call.tool.has_external_effects:
        # Stored first: a worker that takes the call over must know that the tool may have run.
        await conversation.event_writer.wait_until_stored(conversation.claim)
        await conversation.ensure_lease_held()
    return await run_chain(
        call.tool, call.arguments, CallToolEnvironment(conversation, call.node, call.id), key
    )


OUTCOMES = {
    Ending.SUCCEEDED: ToolOutcome.SUCCEEDED,
    Ending.FAILED: ToolOutcome.FAILED,
    Ending.REFUSED: ToolOutcome.REFUSED,
    Ending.UNKNOWN: ToolOutcome.UNKNOWN,
}


def _precondition_problem(conversation: Conversation, call: ToolCall) -> str | None:
    """Why the tool may not be called now, whatever its arguments; None when it may."""
    projection = conversation.projection
    if projection.tool_call_count >= MAX_TOOL_CALLS:
        return TOO_MANY_TOOL_CALLS
    needs_consent = call.tool.confirm and not has_consent(
        projection.items, call.tool, call.arguments
    )
    return CONSENT_REQUIRED if needs_consent else None


class CallToolEnvironment:
    """The tool environment of a call. It allows no external effects once the call is lost."""

    def __init__(self, conversation: Conversation, node: str, tool_call_id: str) -> None:
        self._conversation = conversation
        self._node = node
        self._tool_call_id = tool_call_id

    @property
    def context(self) -> CallContext:
        return self._conversation.projection.context

    def visible_context(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._conversation.visible_context(self._node, params)

    def set_value(self, path: str, value: Any) -> ContextChanged:
        return self._record(self.context.set_event(path, value, self._node))

    def remove_value(self, path: str) -> ContextChanged:
        return self._record(self.context.remove_event(path, self._node))

    async def send(self, request: HttpRequest) -> HttpResponse:
        # Checked before every attempt, because the previous one may have taken long.
        await self._conversation.ensure_lease_held()
        return await self._conversation.http_client.send(request)

    def secret(self, name: str) -> Secret | None:
        return self._conversation.secrets.get(name)

    @property
    def settings(self) -> TenantSettings:
        return self._conversation.claim.settings

    def hand_off(self, node: str) -> str | None:
        if self._conversation.is_lost:
            raise CallLost
        return self._conversation.request_handoff(self._node, node)

    def end_call(self) -> None:
        self._conversation.end_after_this_turn(EndReason.ENDED_BY_AGENT)

    async def transfer(self, action: TransferCall, values: Mapping[str, Any]) -> str | None:
        return await self._conversation.transfer(self._node, action, TransferVia.TOOL, values)

    async def send_dtmf(self, keys: str) -> str | None:
        keypad = self._conversation.keypad
        if keypad is None:
            return NO_PHONE_LINE
        await self._conversation.ensure_lease_held()
        return await keypad.send(keys)

    async def collect_digits(self, action: CollectDigits) -> CollectedDigits:
        conversation = self._conversation
        if conversation.keypad is None:
            return CollectedDigits(problem=NO_KEYPAD)
        async with conversation.asking:
            request = DtmfRequested(
                tool_call_id=self._tool_call_id, name=action.name, masked=action.masked
            )
            conversation.record(request)
            collected = await conversation.keypad.collect(action)
            conversation.record(_collected_event(request, collected))
        return collected

    def _record(self, change: ContextChanged) -> ContextChanged:
        self._conversation.record(change)
        return change


def _collected_event(request: DtmfRequested, collected: CollectedDigits) -> DtmfCollected:
    return DtmfCollected(
        tool_call_id=request.tool_call_id,
        name=request.name,
        masked=request.masked,
        pressed=None if request.masked else collected.pressed,
        count=len(collected.pressed),
        attempts=collected.attempts,
        complete=collected.problem is None,
    )
