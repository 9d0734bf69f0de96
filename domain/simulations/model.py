"""Conversations played through before anybody calls: what is said, and what has to happen."""

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
from domain.tools.http import HttpFailed, HttpRequest, HttpResponse
from domain.workflows.agents import ProviderChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpStub:
    """What a server answers in a simulation. `request` is a method and a URL, with * for anything:
    `POST https://api.example.org/orders*`."""

    request: str
    status: int = 200
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One thing that has to be so; `kind` is a key of `CHECKS`."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the caller says, and what has to come of it. Nothing said: what happens at the start."""

    say: str | None = None
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preconditions:
    """What a call begins with."""

    user: Mapping[str, Any] = field(default_factory=dict)
    workflow: Mapping[str, Any] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One conversation."""

    name: str
    workflow: str
    given: Preconditions = field(default_factory=Preconditions)
    http: tuple[HttpStub, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Conversations about the workflows of some bundles. With `model`, agents are played by that
    one instead of their own; `judges` are asked when there is a model to judge."""

    name: str
    bundles: tuple[str, ...] = ()
    model: ProviderChoice | None = None
    judges: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class StepObservation:
    """What a step brought about, and the context as it is after it."""

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
    """What was expected and is not so, for people. Errors are never expected silently."""
    found = [EXPECTATION_CHECKS[each.kind](each.value, observation) for each in step.expect]
    if not any(each.kind == "error" for each in step.expect):
        found.append(_no_error(observation))
    return [problem for problem in found if problem is not None]


# ---- the expectations -----------------------------------------------------------------------


def _says(value: Any, scene: StepObservation) -> str | None:
    wanted = value if isinstance(value, Mapping) else {"contains": value}
    said = " ".join(turn.text for turn in scene.events_of(AgentTurn))
    if "equals" in wanted and said != wanted["equals"]:
        return f"said {said!r}, not {wanted['equals']!r}"
    for words in _listed(wanted.get("contains", [])):
        if str(words).lower() not in said.lower():
            return f"said {said!r}, which has no {words!r}"
    for words in _listed(wanted.get("lacks", [])):
        if str(words).lower() in said.lower():
            return f"said {said!r}, which has {words!r}"
    return None


def _node(value: Any, scene: StepObservation) -> str | None:
    return None if scene.node == value else f"is at node {scene.node!r}, not {value!r}"


def _tool(value: Any, scene: StepObservation) -> str | None:
    wanted = value if isinstance(value, Mapping) else {"name": value}
    uses = [use for use in scene.events_of(ToolFinished) if use.tool == wanted["name"]]
    if not uses:
        used = ", ".join(use.tool for use in scene.events_of(ToolFinished)) or "none"
        return f"did not use the tool {wanted['name']!r} (used: {used})"
    problems = [_tool_mismatch(wanted, use) for use in uses]
    return None if None in problems else problems[-1]


def _tool_mismatch(wanted: Mapping[str, Any], use: ToolFinished) -> str | None:
    for name, value in wanted.get("arguments", {}).items():
        if use.arguments.get(name) != value:
            return f"gave {use.tool} {name}={_short(use.arguments.get(name))}, not {_short(value)}"
    if "outcome" in wanted and use.outcome != wanted["outcome"]:
        return f"{use.tool} {use.outcome} ({use.result}), not {wanted['outcome']}"
    for words in _listed(wanted.get("result", [])):
        if str(words).lower() not in use.result.lower():
            return f"{use.tool} told {use.result!r}, which has no {words!r}"
    return None


def _no_tool(value: Any, scene: StepObservation) -> str | None:
    used = [use.tool for use in scene.events_of(ToolFinished) if value is True or use.tool == value]
    return f"used {', '.join(used)}" if used else None


def _handoff(value: Any, scene: StepObservation) -> str | None:
    wanted = value if isinstance(value, Mapping) else {"to": value}
    names = {"to": "to_node", "from": "from_node", "via": "via"}
    for move in scene.events_of(HandedOff):
        if all(getattr(move, names[key]) == wanted[key] for key in names if key in wanted) and (
            "skipped" not in wanted or list(move.skipped) == list(wanted["skipped"])
        ):
            return None
    moves = ", ".join(f"{m.from_node} to {m.to_node} ({m.via})" for m in scene.events_of(HandedOff))
    return f"handed off {moves or 'nowhere'}, not as {_short(wanted)}"


def _no_handoff(_value: Any, scene: StepObservation) -> str | None:
    moves = [move.to_node for move in scene.events_of(HandedOff)]
    return f"handed off to {', '.join(moves)}" if moves else None


def _refused(value: Any, scene: StepObservation) -> str | None:
    nodes = [refusal.to_node for refusal in scene.events_of(HandoffRefused)]
    return None if value in nodes else f"no hand-off to {value!r} was refused"


def _context(value: Mapping[str, Any], scene: StepObservation) -> str | None:
    for path, wanted in value.items():
        found = _read(scene.context.visible_to(scene.node or ""), path)
        if found != wanted:
            return f"{path} is {_short(found)}, not {_short(wanted)}"
    return None


def _end(value: Any, scene: StepObservation) -> str | None:
    if value is False:
        return f"ended: {scene.end_reason}" if scene.end_reason else None
    if scene.end_reason is None:
        return "did not end"
    return None if value in (True, scene.end_reason) else f"ended {scene.end_reason}, not {value}"


def _error(value: Any, scene: StepObservation) -> str | None:
    if value is False:
        return _no_error(scene)
    raised = [error.source for error in scene.events_of(ErrorRaised)]
    fits = raised if value is True else [source for source in raised if source == value]
    return None if fits else f"no error of {value}" if value is not True else "no error"


def _no_error(scene: StepObservation) -> str | None:
    raised = [f"{error.source}: {error.message}" for error in scene.events_of(ErrorRaised)]
    return f"failed: {'; '.join(raised)}" if raised else None


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


def _read(seen: Mapping[str, Any], path: str) -> Any:
    value: Any = seen
    for step in parse_path(path):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


class StubHttpClient:
    """The outside of a simulation: the stubs, and nothing else."""

    def __init__(self, stubs: Sequence[HttpStub]) -> None:
        self._stubs = list(stubs)

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Of several stubs that fit the first is used up, but for the last."""
        asked = f"{request.method} {request.url}"
        fitting = [stub for stub in self._stubs if fnmatchcase(asked, stub.request)]
        if not fitting:
            raise HttpFailed(f"no stub for {asked}")
        stub = fitting[0]
        if len(fitting) > 1:
            self._stubs.remove(stub)
        body = b"" if stub.body is None else json.dumps(stub.body).encode()
        headers = {"content-type": "application/json"}
        return HttpResponse(stub.status, headers, body, 0.0)
