"""Simulated conversations that test a workflow: what the caller says, and what must happen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from domain.calls.context import CallContext
from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    ErrorRaised,
    HandedOff,
    HandoffRefused,
    StateChanged,
    ToolFinished,
)
from domain.templating.lexer import parse_path
from domain.tool_execution.mcp_stubs import McpStub, StubMcpServers
from domain.tools.http import HttpFailed, HttpRequest, HttpResponse
from domain.workflows.agents import ProviderChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpStub:
    """The response of a server in a simulation. `request` is a method and a URL, in which * matches
    any text: `POST https://api.example.org/orders*`."""

    request: str
    status: int = 200
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One expectation of a step; `kind` is a key of `EXPECTATION_CHECKS`."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the caller says, and what is expected to follow. `say` None: what is expected at the
    start of the call."""

    say: str | None = None
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preconditions:
    """The context values that a simulated call starts with."""

    user: Mapping[str, Any] = field(default_factory=dict)
    workflow: Mapping[str, Any] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One simulated conversation with a workflow."""

    name: str
    workflow: str
    given: Preconditions = field(default_factory=Preconditions)
    http: tuple[HttpStub, ...] = ()
    mcp: tuple[McpStub, ...] = ()
    digits: tuple[str, ...] = ()
    """What the caller presses whenever a tool asks for digits, in order."""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Cases for the workflows of some bundles. With `model`, all agents use that LLM instead of
    their own. `judges` evaluate the conversations when a model for judging is configured."""

    name: str
    bundles: tuple[str, ...] = ()
    model: ProviderChoice | None = None
    judges: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class StepObservation:
    """The events of a step, and the context and the node after it."""

    events: Sequence[CallEvent]
    context: CallContext
    node: str | None

    def events_of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def end_reason(self) -> Any:
        for event in self.events:
            if isinstance(event, CallEnded):
                return event.reason
            if isinstance(event, StateChanged) and event.ending_for is not None:
                return event.ending_for
        return None


def check_expectations(step: Step, observation: StepObservation) -> list[str]:
    """The expectations that were not met, as messages for people. Unless the step expects an error,
    any error counts as a problem."""
    problems = [EXPECTATION_CHECKS[each.kind](each.value, observation) for each in step.expect]
    if not any(each.kind == "error" for each in step.expect):
        problems.append(_no_error(observation))
    return [problem for problem in problems if problem is not None]


# ---- the expectations -----------------------------------------------------------------------


def _says(value: Any, observation: StepObservation) -> str | None:
    expected = value if isinstance(value, Mapping) else {"contains": value}
    said = " ".join(turn.text for turn in observation.events_of(AgentTurn))
    if "equals" in expected and said != expected["equals"]:
        return f"said {said!r}, not {expected['equals']!r}"
    for words in _listed(expected.get("contains", [])):
        if str(words).lower() not in said.lower():
            return f"said {said!r}, which does not contain {words!r}"
    for words in _listed(expected.get("lacks", [])):
        if str(words).lower() in said.lower():
            return f"said {said!r}, which contains {words!r}"
    return None


def _node(value: Any, observation: StepObservation) -> str | None:
    return None if observation.node == value else f"is at node {observation.node!r}, not {value!r}"


def _tool(value: Any, observation: StepObservation) -> str | None:
    expected = value if isinstance(value, Mapping) else {"name": value}
    all_calls = observation.events_of(ToolFinished)
    calls = [call for call in all_calls if call.tool == expected["name"]]
    if not calls:
        called = ", ".join(call.tool for call in all_calls) or "none"
        return f"did not call the tool {expected['name']!r} (called: {called})"
    problems = [_tool_mismatch(expected, call) for call in calls]
    return None if None in problems else problems[-1]


def _tool_mismatch(expected: Mapping[str, Any], call: ToolFinished) -> str | None:
    for name, value in expected.get("arguments", {}).items():
        argument = call.arguments.get(name)
        if argument != value:
            return f"called {call.tool} with {name}={_short(argument)}, not {_short(value)}"
    if "outcome" in expected and call.outcome != expected["outcome"]:
        return f"{call.tool} {call.outcome} ({call.result}), not {expected['outcome']}"
    for words in _listed(expected.get("result", [])):
        if str(words).lower() not in call.result.lower():
            return f"{call.tool} returned {call.result!r}, which does not contain {words!r}"
    return None


def _no_tool(value: Any, observation: StepObservation) -> str | None:
    tools = [call.tool for call in observation.events_of(ToolFinished)]
    called = [tool for tool in tools if value is True or tool == value]
    return f"called {', '.join(called)}" if called else None


def _handoff(value: Any, observation: StepObservation) -> str | None:
    expected = value if isinstance(value, Mapping) else {"to": value}
    fields = {"to": "to_node", "from": "from_node", "via": "via"}
    handoffs = observation.events_of(HandedOff)
    for event in handoffs:
        if all(
            getattr(event, fields[key]) == expected[key] for key in fields if key in expected
        ) and ("skipped" not in expected or list(event.skipped) == list(expected["skipped"])):
            return None
    actual = ", ".join(f"{h.from_node} to {h.to_node} ({h.via})" for h in handoffs)
    return f"handed off {actual or 'nowhere'}, not {_short(expected)}"


def _no_handoff(_value: Any, observation: StepObservation) -> str | None:
    nodes = [event.to_node for event in observation.events_of(HandedOff)]
    return f"handed off to {', '.join(nodes)}" if nodes else None


def _refused(value: Any, observation: StepObservation) -> str | None:
    nodes = [refusal.to_node for refusal in observation.events_of(HandoffRefused)]
    return None if value in nodes else f"no hand-off to {value!r} was refused"


def _context(value: Mapping[str, Any], observation: StepObservation) -> str | None:
    for path, expected in value.items():
        actual = _read(observation.context.visible_to(observation.node or ""), path)
        if actual != expected:
            return f"{path} is {_short(actual)}, not {_short(expected)}"
    return None


def _end(value: Any, observation: StepObservation) -> str | None:
    if value is False:
        return f"ended: {observation.end_reason}" if observation.end_reason else None
    if observation.end_reason is None:
        return "did not end"
    return (
        None
        if value in (True, observation.end_reason)
        else f"ended {observation.end_reason}, not {value}"
    )


def _error(value: Any, observation: StepObservation) -> str | None:
    if value is False:
        return _no_error(observation)
    sources = [error.source for error in observation.events_of(ErrorRaised)]
    if value is True:
        return None if sources else "raised no error"
    return None if value in sources else f"raised no error from {value}"


def _no_error(observation: StepObservation) -> str | None:
    errors = [f"{error.source}: {error.message}" for error in observation.events_of(ErrorRaised)]
    return f"failed: {'; '.join(errors)}" if errors else None


EXPECTATION_CHECKS: Mapping[str, Callable[[Any, StepObservation], str | None]] = {
    "says": _says,
    "node": _node,
    "tool": _tool,
    "noTool": _no_tool,
    "handoff": _handoff,
    "noHandoff": _no_handoff,
    "handoffRefused": _refused,
    "context": _context,
    "end": _end,
    "error": _error,
}


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:200]


def _read(namespaces: Mapping[str, Any], path: str) -> Any:
    value: Any = namespaces
    for segment in parse_path(path):
        value = value.get(segment) if isinstance(value, Mapping) else None
    return value


class StubHttpClient:
    """The HTTP client of a simulation, which answers from stubs only."""

    def __init__(
        self, stubs: Sequence[HttpStub], mcp_servers: StubMcpServers | None = None
    ) -> None:
        self._stubs = list(stubs)
        self._mcp_servers = mcp_servers

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Answer from the first stub that matches. Each stub is used once, except the last match,
        which is used repeatedly."""
        mcp_response = self._mcp_servers.respond(request) if self._mcp_servers else None
        if mcp_response is not None:
            return mcp_response
        method_and_url = f"{request.method} {request.url}"
        matching = [stub for stub in self._stubs if fnmatchcase(method_and_url, stub.request)]
        if not matching:
            raise HttpFailed(f"no stub for {method_and_url}")
        stub = matching[0]
        if len(matching) > 1:
            self._stubs.remove(stub)
        body = b"" if stub.body is None else json.dumps(stub.body).encode()
        headers = {"content-type": "application/json"}
        return HttpResponse(stub.status, headers, body, 0.0)
