"""Runs the chain of a tool, step by step, and tells what each step did.

The same in calls, in tests of tools and in simulations; what differs is the `World` it acts on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from domain.calls.events import ContextChanged
from domain.common.json_values import unfit
from domain.json_schema.validator import objection
from domain.templating import expressions
from domain.templating.templates import as_text, fill, look_up_text, render
from domain.tool_execution.api_call import ask, filled
from domain.tool_execution.environment import World
from domain.tool_execution.mcp import Line, McpFailed, call_tool
from domain.tool_execution.redaction import Discreet
from domain.tool_execution.transforms import transformed
from domain.tools.actions import (
    ApiCall,
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
from domain.tools.model import ToolSpec

DONE = "Done."
MAY_BE_DONE = "It is not known what was done."
TIMED_OUT = "The tool took too long; it is not known what was done."
LARGEST_VALUE = 65_536


class Ending(StrEnum):
    """How the use of a tool went."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step did. `place` leads to it: actions, 0, then, 1."""

    place: tuple[str, ...]
    type: str
    ok: bool
    ms: float
    effect: Mapping[str, Any] = field(default_factory=dict)
    """What changed or was sent and answered; secrets are left out."""
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A use of a tool, whole. `result` is what the model is told."""

    ending: Ending
    result: str
    steps: tuple[Step, ...] = ()


class Failed(Exception):
    """A step did not do what it is there for; the words are for the model."""

    def __init__(
        self, message: str, effect: Mapping[str, Any] | None = None, *, unknown: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.effect = effect or {}
        self.unknown = unknown
        """It may have been done all the same."""


async def use(tool: ToolSpec, arguments: Mapping[str, Any], world: World, key: str) -> Used:
    """`key` is this use's own: every try of a request carries it, with the place of its step.
    Raises only what the world does."""
    problem = objection(tool.parameters, arguments)
    if problem:
        return Used(ending=Ending.REFUSED, result=problem)
    run = _Run(world, arguments, key)
    try:
        async with asyncio.timeout(tool.timeout):
            ending = await run.whole(tool)
    except TimeoutError:
        return Used(ending=Ending.UNKNOWN, result=TIMED_OUT, steps=tuple(run.steps))
    result = "\n".join(run.told)[:LARGEST_VALUE] or DONE
    return Used(ending=ending, result=result, steps=tuple(run.steps))


class _Run:
    def __init__(self, world: World, arguments: Mapping[str, Any], key: str) -> None:
        self.steps: list[Step] = []
        self.told: list[str] = []
        self._world = world
        self._outside = Discreet(world.send, world.secret)
        self._arguments = arguments
        self._key = key
        self._response: Mapping[str, Any] = {}
        self._unknown = False
        """A step failed and may have been done all the same."""

    async def whole(self, tool: ToolSpec) -> Ending:
        problem = await self._chain(tool.actions, ("actions",))
        if problem is None:
            problem = await self._chain(tool.on_success, ("onSuccess",))
            if problem is None:
                return Ending.SUCCEEDED
        self.told = []
        ending = Ending.FAILED
        if self._unknown:
            ending, problem = Ending.UNKNOWN, f"{problem} {MAY_BE_DONE}"
        again = await self._chain(tool.on_failure, ("onFailure",))
        if not self.told:
            self.told = [problem] if again is None else [problem, again]
        return ending

    async def _chain(self, actions: tuple[ToolAction, ...], place: tuple[str, ...]) -> str | None:
        """The problem of the first step that fails; None when all went well."""
        for n, action in enumerate(actions):
            problem = await self._step(action, (*place, str(n)))
            if problem is not None:
                return problem
        return None

    async def _step(self, action: ToolAction, place: tuple[str, ...]) -> str | None:
        began = time.perf_counter()
        step = Step(place=place, type=action.type, ok=True, ms=0.0)
        at = len(self.steps)
        self.steps.append(step)
        problem: str | None = None
        try:
            effect = await self._do(action, place)
        except Failed as failed:
            problem, effect = failed.message, failed.effect
            self._unknown = self._unknown or failed.unknown
        ms = round((time.perf_counter() - began) * 1000, 3)
        self.steps[at] = replace(step, ok=problem is None, problem=problem, effect=effect, ms=ms)
        return problem

    async def _do(self, action: ToolAction, place: tuple[str, ...]) -> Mapping[str, Any]:
        match action:
            case Conditional():
                return await self._branch(action, place)
            case ApiCall():
                return await self._ask(action, self._key_at(place))
            case McpCall():
                return await self._ask_mcp(action, self._key_at(place))
            case _:
                return self._act(action)

    def _act(self, action: ToolAction) -> Mapping[str, Any]:
        match action:
            case ContextSet(path=path, value=value):
                return self._write(path, fill(value, self._seen))
            case Transform():
                value = fill(action.value, self._seen)
                here = self._world.context
                return self._write(
                    action.path, transformed(action, value, here, self._world.look({}))
                )
            case ContextDelete(path=path):
                return _told_of(self._world.remove(path))
            case FlagSet(flag=flag):
                return self._write(f"flags.{flag}", True)
            case FlagClear(flag=flag):
                return self._write(f"flags.{flag}", False)
            case ContextGet(path=path):
                found = look_up_text(path, self._seen)
                self.told.append(as_text(found) or "Nothing is known of it.")
                return {"value": found}
            case Respond(message=message):
                self.told.append(render(message, self._seen))
                return {"message": self.told[-1]}
            case Validate(rules=rules):
                return self._validate(rules)
            case Handoff(node=node):
                return _unless(self._world.hand_off(node), {"node": node})
            case EndCall():
                self._world.end_call()
                return {}
            case TransferCall(number=value) | SendDtmf(digits=value) as press:
                given = render(value, self._seen)
                return _unless(self._world.press(press, given), {"value": given})
        raise AssertionError(action)

    @property
    def _seen(self) -> Mapping[str, Any]:
        return {**self._world.look(self._arguments), "response": self._response}

    def _write(self, path: str, value: Any) -> Mapping[str, Any]:
        where = path.removesuffix("[+]")
        if where != path:
            before = look_up_text(where, self._world.look({}))
            value = [*(before if isinstance(before, list) else []), value]
        why = unfit(value)
        if why is not None:
            raise Failed(f"The value for {where} is {why}.")
        if len(as_text(value)) > LARGEST_VALUE:
            raise Failed(f"The value for {where} is larger than {LARGEST_VALUE} characters.")
        return _told_of(self._world.change(where, value))

    def _validate(self, rules: tuple[Any, ...]) -> Mapping[str, Any]:
        for rule in rules:
            if not expressions.holds(rule.condition, self._seen):
                raise Failed(render(rule.message, self._seen), {"condition": rule.condition})
        return {"rules": len(rules)}

    async def _branch(self, action: Conditional, place: tuple[str, ...]) -> Mapping[str, Any]:
        holds = expressions.holds(action.condition, self._seen)
        chain, name = (action.then, "then") if holds else (action.otherwise, "otherwise")
        problem = await self._chain(chain, (*place, "conditional", name))
        if problem is not None:
            raise Failed(problem, {"holds": holds})
        return {"holds": holds}

    def _key_at(self, place: tuple[str, ...]) -> str:
        return ".".join((self._key, *place))

    async def _ask(self, call: ApiCall, key: str) -> Mapping[str, Any]:
        call = self._at_endpoint(call)
        answer = await ask(call, self._seen, self._outside.send, self._outside.secret, key)
        self._response = {"status": answer.status, "body": answer.body}
        if answer.problem is not None:
            raise Failed(answer.problem, answer.effect, unknown=answer.unknown)
        self._save(call.save)
        return answer.effect

    def _at_endpoint(self, call: ApiCall) -> ApiCall:
        if not call.endpoint:
            return call
        endpoint = self._world.settings.endpoint(call.endpoint)
        if endpoint is None:
            raise Failed(f"There is no endpoint {call.endpoint!r}.")
        url = endpoint.url.rstrip("/") + call.url if call.url else endpoint.url
        return replace(call, url=url, headers={**endpoint.headers, **call.headers})

    async def _ask_mcp(self, call: McpCall, key: str) -> Mapping[str, Any]:
        server = self._world.settings.mcp_server(call.server)
        effect = {"server": call.server, "tool": call.tool}
        if server is None:
            raise Failed(f"There is no MCP server {call.server!r}.", effect)
        if call.tool not in server.allow:
            raise Failed(f"The tool {call.tool!r} of {call.server!r} is not allowed.", effect)
        given = self._arguments if call.arguments is None else fill(call.arguments, self._seen)
        try:
            headers = filled(server.headers, self._seen, self._outside.secret)
            line = Line(
                url=server.url,
                headers=headers,
                send=self._outside.send,
                seconds=call.timeout,
                key=key,
            )
            answer = await call_tool(line, call.tool, given)
        except LookupError as missing:
            raise Failed(f"There is no secret {missing.args[0]!r}.", effect) from None
        except McpFailed as failed:
            raise Failed(str(failed), effect, unknown=failed.unknown) from None
        content = answer.content[:LARGEST_VALUE]
        self._response = {"content": content, "structured": answer.structured}
        if answer.is_error:
            raise Failed(content or "The tool failed.", effect)
        self.told.append(content or DONE)
        self._save(call.save)
        return {**effect, "content": content}

    def _save(self, places: Mapping[str, str]) -> None:
        for path, source in places.items():
            self._write(path, look_up_text(source, self._response))


def _told_of(change: ContextChanged) -> Mapping[str, Any]:
    return {"path": change.path, "value": change.value, "removed": change.removed}


def _unless(problem: str | None, effect: Mapping[str, Any]) -> Mapping[str, Any]:
    if problem is not None:
        raise Failed(problem, effect)
    return effect
