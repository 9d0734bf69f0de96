"""Runs the actions of a tool one by one and reports the effect of each.

Calls, dry runs and simulations share this code; they differ in the `ToolEnvironment` they pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from domain.calls.context import write_problem
from domain.calls.events import ContextChanged
from domain.common.json_values import json_problem
from domain.json_schema.defaults import with_defaults
from domain.json_schema.validator import validation_problem
from domain.templating import expressions
from domain.templating.templates import look_up_path, render, render_value, value_to_text
from domain.tool_execution.api_call import call_api, render_headers
from domain.tool_execution.environment import ToolEnvironment
from domain.tool_execution.mcp import McpConnection, McpFailed, call_tool
from domain.tool_execution.redaction import RedactingHttpClient
from domain.tool_execution.transforms import apply_transform
from domain.tools.actions import (
    ApiCall,
    CollectDigits,
    Conditional,
    ContextDelete,
    ContextGet,
    ContextSet,
    EndCall,
    FlagClear,
    FlagSet,
    Handoff,
    McpCall,
    Respond,
    SendDtmf,
    ToolAction,
    TransferCall,
    Transform,
    Validate,
)
from domain.tools.dtmf import sent_keys_problem
from domain.tools.model import ToolSpec

DONE = "Done."
OUTCOME_UNKNOWN = "It is not known whether the action was carried out."
TIMED_OUT = "The tool timed out; it is not known which of its actions were carried out."
TRANSFER_BEGINS = (
    "The transfer begins after your next words. Say in one short sentence that you connect the caller. If "
    "the transfer fails, you will read why."
)
MAX_VALUE_LENGTH = 65_536
MAX_RETURNED_LENGTH = 8_192
"""Characters of a response that the model receives from a tool without `respond`."""


class Ending(StrEnum):
    """How a tool call ended."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """The result of one action. `place` is its path in the tool, such as actions, 0, then, 1."""

    place: tuple[str, ...]
    type: str
    ok: bool
    ms: float
    effect: Mapping[str, Any] = field(default_factory=dict)
    """What the action changed, sent or received, without secrets."""
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """The result of a whole tool call. `result` is the text that the model receives."""

    ending: Ending
    result: str
    steps: tuple[StepResult, ...] = ()


class StepFailed(Exception):
    """An action failed; `message` explains the failure to the model."""

    def __init__(
        self,
        message: str,
        effect: Mapping[str, Any] | None = None,
        *,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.effect = effect or {}
        self.outcome_unknown = outcome_unknown
        """The action may nevertheless have been carried out."""


async def execute(
    tool: ToolSpec, arguments: Mapping[str, Any], environment: ToolEnvironment, key: str
) -> ToolResult:
    """Run a tool. The idempotency key of each request consists of `key`, which is unique to this
    tool call, and the path of the action. Raises only what the environment raises."""
    arguments = with_defaults(tool.parameters, arguments)
    problem = validation_problem(tool.parameters, arguments)
    if problem:
        return ToolResult(ending=Ending.REFUSED, result=problem)
    run = _ToolRun(environment, arguments, key)
    try:
        async with asyncio.timeout(tool.timeout) as deadline:
            ending = await run.run(tool, deadline)
    except TimeoutError:
        return ToolResult(ending=Ending.UNKNOWN, result=TIMED_OUT, steps=tuple(run.steps))
    result = "\n".join(run.messages)[:MAX_VALUE_LENGTH] or DONE
    return ToolResult(ending=ending, result=result, steps=tuple(run.steps))


class _ToolRun:
    def __init__(
        self, environment: ToolEnvironment, arguments: Mapping[str, Any], key: str
    ) -> None:
        self.steps: list[StepResult] = []
        self.messages: list[str] = []
        self._environment = environment
        self._http_client = RedactingHttpClient(environment.send, environment.secret)
        self._arguments = arguments
        self._key = key
        self._response: Mapping[str, Any] = {}
        self._api_body: Any = None
        self._digits: dict[str, str] = {}
        self._masked_digits: dict[str, str] = {}
        """Digits that only requests contain, and nothing stores."""
        self._report = ""
        """What happened on the phone line, for a model that receives nothing else."""
        self._deadline: asyncio.Timeout
        self._outcome_unknown = False
        """An action failed and may nevertheless have been carried out."""

    async def run(self, tool: ToolSpec, deadline: asyncio.Timeout) -> Ending:
        self._deadline = deadline
        problem = await self._run_actions(tool.actions, ("actions",))
        if problem is None:
            problem = await self._run_actions(tool.on_success, ("onSuccess",))
            if problem is None:
                if not self.messages:
                    self.messages = [_bounded(value_to_text(self._api_body)) or self._report]
                return Ending.SUCCEEDED
        self.messages = []
        ending = Ending.FAILED
        if self._outcome_unknown:
            ending, problem = Ending.UNKNOWN, f"{problem} {OUTCOME_UNKNOWN}"
        on_failure_problem = await self._run_actions(tool.on_failure, ("onFailure",))
        if not self.messages:
            self.messages = [problem]
            if on_failure_problem is not None:
                self.messages.append(on_failure_problem)
        return ending

    async def _run_actions(
        self, actions: tuple[ToolAction, ...], place: tuple[str, ...]
    ) -> str | None:
        """The problem of the first action that fails; None if all succeed."""
        for n, action in enumerate(actions):
            problem = await self._run_action(action, (*place, str(n)))
            if problem is not None:
                return problem
        return None

    async def _run_action(self, action: ToolAction, place: tuple[str, ...]) -> str | None:
        started_at = time.perf_counter()
        step = StepResult(place=place, type=action.type, ok=True, ms=0.0)
        index = len(self.steps)
        self.steps.append(step)
        problem: str | None = None
        try:
            effect = await self._execute(action, place)
        except StepFailed as failed:
            problem, effect = failed.message, failed.effect
            self._outcome_unknown = self._outcome_unknown or failed.outcome_unknown
        ms = round((time.perf_counter() - started_at) * 1000, 3)
        self.steps[index] = replace(step, ok=problem is None, problem=problem, effect=effect, ms=ms)
        return problem

    async def _execute(self, action: ToolAction, place: tuple[str, ...]) -> Mapping[str, Any]:
        match action:
            case Conditional():
                return await self._branch(action, place)
            case ApiCall():
                return await self._call_api(action, self._key_at(place))
            case McpCall():
                return await self._call_mcp(action, self._key_at(place))
            case SendDtmf():
                return await self._send_dtmf(action)
            case CollectDigits():
                return await self._collect_digits(action)
            case TransferCall():
                return await self._transfer(action)
            case _:
                return self._apply(action)

    def _apply(self, action: ToolAction) -> Mapping[str, Any]:
        match action:
            case ContextSet(path=path, value=value):
                return self._write(path, render_value(value, self._namespaces))
            case Transform():
                value = render_value(action.value, self._namespaces)
                context = self._environment.context
                return self._write(
                    action.path,
                    apply_transform(action, value, context, self._environment.visible_context({})),
                )
            case ContextDelete(path=path):
                return _change_effect(self._environment.remove_value(path))
            case FlagSet(flag=flag):
                return self._write(f"flags.{flag}", True)
            case FlagClear(flag=flag):
                return self._write(f"flags.{flag}", False)
            case ContextGet(path=path):
                current = look_up_path(path, self._namespaces)
                self.messages.append(value_to_text(current) or "There is no value.")
                return {"value": current}
            case Respond(message=message):
                self.messages.append(render(message, self._namespaces))
                return {"message": self.messages[-1]}
            case Validate(rules=rules):
                return self._validate(rules)
            case Handoff(node=node):
                return _raise_problem(self._environment.hand_off(node), {"node": node})
            case EndCall():
                self._environment.end_call()
                return {}
        raise AssertionError(action)

    @property
    def _namespaces(self) -> Mapping[str, Any]:
        return {
            **self._environment.visible_context(self._arguments),
            "response": self._response,
            "digits": self._digits,
        }

    def _write(self, path: str, value: Any) -> Mapping[str, Any]:
        where = path.removesuffix("[+]")
        values = self._environment.visible_context({})
        if where != path:
            before = look_up_path(where, values)
            value = [*(before if isinstance(before, list) else []), value]
        problem = json_problem(value)
        if problem is not None:
            raise StepFailed(f"The value for {where} is {problem}.")
        problem = write_problem(values, where, value)
        if problem is not None:
            raise StepFailed(problem)
        if len(value_to_text(value)) > MAX_VALUE_LENGTH:
            raise StepFailed(f"The value for {where} is longer than {MAX_VALUE_LENGTH} characters.")
        return _change_effect(self._environment.set_value(where, value))

    def _validate(self, rules: tuple[Any, ...]) -> Mapping[str, Any]:
        for rule in rules:
            if not expressions.evaluate_bool(rule.condition, self._namespaces):
                raise StepFailed(
                    render(rule.message, self._namespaces), {"condition": rule.condition}
                )
        return {"rules": len(rules)}

    async def _branch(self, action: Conditional, place: tuple[str, ...]) -> Mapping[str, Any]:
        holds = expressions.evaluate_bool(action.condition, self._namespaces)
        actions, name = (action.then, "then") if holds else (action.otherwise, "otherwise")
        problem = await self._run_actions(actions, (*place, "conditional", name))
        if problem is not None:
            raise StepFailed(problem, {"holds": holds})
        return {"holds": holds}

    async def _transfer(self, action: TransferCall) -> Mapping[str, Any]:
        number = render(action.number, self._namespaces)
        problem = await self._environment.transfer(action, self._namespaces)
        effect = _raise_problem(problem, {"value": number, "mode": action.mode.value})
        self.messages.append(TRANSFER_BEGINS)
        return effect

    def _key_at(self, place: tuple[str, ...]) -> str:
        return ".".join((self._key, *place))

    async def _call_api(self, call: ApiCall, key: str) -> Mapping[str, Any]:
        call = self._resolve_endpoint(call)
        response = await call_api(
            call,
            self._namespaces,
            self._http_client.send,
            self._http_client.secret,
            key,
            self._masked_digits,
        )
        self._response = {"status": response.status, "body": response.body}
        if response.problem is not None:
            raise StepFailed(
                response.problem, response.effect, outcome_unknown=response.outcome_unknown
            )
        self._api_body = response.body
        self._save(call.save)
        return response.effect

    def _resolve_endpoint(self, call: ApiCall) -> ApiCall:
        if not call.endpoint:
            return call
        endpoint = self._environment.settings.endpoint(call.endpoint)
        if endpoint is None:
            raise StepFailed(f"There is no endpoint {call.endpoint!r}.")
        url = endpoint.url.rstrip("/") + call.url if call.url else endpoint.url
        return replace(call, url=url, headers={**endpoint.headers, **call.headers})

    async def _call_mcp(self, call: McpCall, key: str) -> Mapping[str, Any]:
        server = self._environment.settings.mcp_server(call.server)
        effect = {"server": call.server, "tool": call.tool}
        if server is None:
            raise StepFailed(f"There is no MCP server {call.server!r}.", effect)
        if call.tool not in server.allow:
            raise StepFailed(
                f"The tool {call.tool!r} of the MCP server {call.server!r} is not allowed.", effect
            )
        arguments = (
            self._arguments
            if call.arguments is None
            else render_value(call.arguments, self._namespaces)
        )
        try:
            rendered = render_headers(server.headers, self._namespaces, self._http_client.secret)
            connection = McpConnection(
                url=server.url,
                headers=rendered.headers,
                host_limits=rendered.host_limits,
                send=self._http_client.send,
                timeout_seconds=call.timeout,
                idempotency_key=key,
            )
            result = await call_tool(connection, call.tool, arguments)
        except LookupError as missing:
            raise StepFailed(f"There is no secret {missing.args[0]!r}.", effect) from None
        except McpFailed as failed:
            raise StepFailed(str(failed), effect, outcome_unknown=failed.outcome_unknown) from None
        content = result.content[:MAX_VALUE_LENGTH]
        self._response = {"content": content, "structured": result.structured}
        if result.is_error:
            raise StepFailed(content or "The tool failed.", effect)
        self.messages.append(content or DONE)
        self._save(call.save)
        return {**effect, "content": content}

    # ---- the telephone -----------------------------------------------------------------------

    async def _send_dtmf(self, action: SendDtmf) -> Mapping[str, Any]:
        keys = render(action.digits, self._namespaces)
        problem = sent_keys_problem(keys) or await self._environment.send_dtmf(keys)
        effect = _raise_problem(problem, {"value": keys})
        self._report = f"The keys {keys} were pressed."
        return effect

    async def _collect_digits(self, action: CollectDigits) -> Mapping[str, Any]:
        prompt, retry_prompt = action.prompt, action.retry_prompt or action.prompt
        asked = replace(
            action,
            prompt=render(prompt, self._namespaces),
            retry_prompt=render(retry_prompt, self._namespaces),
        )
        with self._deadline_suspended():
            collected = await self._environment.collect_digits(asked)
        effect = {"attempts": collected.attempts, "masked": action.masked}
        if collected.problem is not None:
            raise StepFailed(collected.problem, effect)
        if action.masked:
            self._masked_digits[action.name] = collected.pressed
            self._http_client.redact_digits(collected.pressed)
            self._report = f"The caller pressed {len(collected.pressed)} keys."
            return {**effect, "count": len(collected.pressed)}
        self._digits[action.name] = collected.pressed
        self._report = f"The caller pressed {collected.pressed}."
        if action.save:
            self._write(action.save, collected.pressed)
        return {**effect, "digits": collected.pressed}

    @contextmanager
    def _deadline_suspended(self) -> Iterator[None]:
        """The time that the caller takes does not count towards the timeout of the tool."""
        loop, deadline = asyncio.get_running_loop(), self._deadline
        due = deadline.when()
        if due is None or deadline.expired():
            yield
            return
        remaining = due - loop.time()
        deadline.reschedule(None)
        try:
            yield
        finally:
            deadline.reschedule(loop.time() + remaining)

    def _save(self, places: Mapping[str, str]) -> None:
        for path, source in places.items():
            self._write(path, look_up_path(source, self._response))


def _bounded(text: str) -> str:
    if len(text) <= MAX_RETURNED_LENGTH:
        return text
    return f"{text[:MAX_RETURNED_LENGTH]}… (cut off after {MAX_RETURNED_LENGTH} characters)"


def _change_effect(change: ContextChanged) -> Mapping[str, Any]:
    return {"path": change.path, "value": change.value, "removed": change.removed}


def _raise_problem(problem: str | None, effect: Mapping[str, Any]) -> Mapping[str, Any]:
    if problem is not None:
        raise StepFailed(problem, effect)
    return effect
