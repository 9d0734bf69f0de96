"""Suites of simulations as plain data, read and written; and one made from a call that was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.bundles.structuring import read, unknown_key
from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    ContextChanged,
    HandedOff,
    HandoffVia,
    Recorded,
    ToolFinished,
    ToolOutcome,
    UserTurn,
)
from domain.calls.model import Call, EndReason
from domain.common.errors import InvalidInput, Path
from domain.simulations.model import Case, Expectation, Given, Step, Stub, Suite
from domain.templating.lexer import is_path
from domain.workflows.agents import ProviderChoice, check_choice

JUDGES = (
    *("task_completion", "handoff", "accuracy", "tool_use", "safety", "relevancy"),
    *("coherence", "conciseness"),
)
MOST_CASES = 1_000
MOST_STEPS = 200

Texts = tuple[str, ...]


# ---- how a suite is written -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    say: str | None = None
    expect: Any = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    name: str
    workflow: str | None = None
    given: Given = field(default_factory=Given)
    http: tuple[Stub, ...] = ()
    steps: tuple[_Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suite:
    """What it says of `workflow`, `given` and `http` holds for each of its cases."""

    suite: str | None = None
    bundle: Any = ()
    model: ProviderChoice | None = None
    judges: Texts = ()
    workflow: str | None = None
    given: Given = field(default_factory=Given)
    http: tuple[Stub, ...] = ()
    cases: tuple[_Case, ...]


def read_suite(plain: Any, name: str) -> Suite:
    """`InvalidInput` names the first mistake."""
    whole = read(_Suite, plain)
    if not 1 <= len(whole.cases) <= MOST_CASES:
        raise InvalidInput(f"A suite has 1 to {MOST_CASES} cases.", ("cases",))
    if whole.model is not None:
        check_choice(whole.model, ("model",))
    for place, judge in enumerate(whole.judges):
        _one_of(judge, JUDGES, ("judges", str(place)))
    _check_stubs(whole.http, ("http",))
    names = [case.name for case in whole.cases]
    for place, name_ in enumerate(names):
        if name_ in names[:place]:
            raise InvalidInput("Two cases have this name.", ("cases", str(place), "name"))
    return Suite(
        name=whole.suite or name,
        bundles=_listed(whole.bundle, ("bundle",)),
        model=whole.model,
        judges=whole.judges,
        cases=tuple(
            _case(case, whole, ("cases", str(place))) for place, case in enumerate(whole.cases)
        ),
    )


def _case(case: _Case, suite: _Suite, path: Path) -> Case:
    workflow = case.workflow or suite.workflow
    if workflow is None:
        raise InvalidInput("Name the workflow here, or for the whole suite.", (*path, "workflow"))
    if not 1 <= len(case.steps) <= MOST_STEPS:
        raise InvalidInput(f"A case has 1 to {MOST_STEPS} steps.", (*path, "steps"))
    _check_stubs(case.http, (*path, "http"))
    return Case(
        name=case.name,
        workflow=workflow,
        given=Given(
            user={**suite.given.user, **case.given.user},
            workflow={**suite.given.workflow, **case.given.workflow},
            flags={**suite.given.flags, **case.given.flags},
        ),
        http=(*case.http, *suite.http),
        steps=tuple(
            _step(step, (*path, "steps", str(place))) for place, step in enumerate(case.steps)
        ),
    )


def _check_stubs(stubs: tuple[Stub, ...], path: Path) -> None:
    for place, stub in enumerate(stubs):
        here = (*path, str(place))
        if stub.status not in range(100, 600):
            raise InvalidInput("status is 100 to 599.", (*here, "status"))
        if " " not in stub.request.strip():
            raise InvalidInput("request is a method and a URL: POST https://….", (*here, "request"))


def _step(step: _Step, path: Path) -> Step:
    if step.say is not None and not step.say.strip():
        raise InvalidInput("say must not be empty.", (*path, "say"))
    return Step(say=step.say, expect=tuple(_expected(step.expect, (*path, "expect"))))


def _expected(value: Any, path: Path) -> Iterable[Expectation]:
    """An object, or a list of them where one key is wanted twice."""
    listed = isinstance(value, list | tuple)
    for place, each in enumerate(value if listed else (value,)):
        here = (*path, str(place)) if listed else path
        for kind, wanted in read(ANYTHING, each, here).items():
            if kind not in SHAPES:
                raise unknown_key(kind, list(SHAPES), (*here, kind))
            SHAPES[kind](wanted, (*here, kind))
            yield Expectation(kind=kind, value=wanted)


# ---- the shapes of what is expected ---------------------------------------------------------

ANYTHING: Any = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    equals: str | None = None
    contains: Any = ()
    lacks: Any = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToolUse:
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    outcome: ToolOutcome | None = None
    result: Any = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    to: str | None = None
    from_: str | None = None
    via: HandoffVia | None = None
    skipped: Texts = ()


def _listed(value: Any, path: Path) -> Texts:
    return (value,) if isinstance(value, str) else read(TEXTS, list(value), path)


TEXTS: Any = Texts


def _words(value: Any, path: Path) -> None:
    if not isinstance(value, dict):
        _texts(value, path)
        return
    words = read(_Words, value, path)
    _texts(words.contains, (*path, "contains"))
    _texts(words.lacks, (*path, "lacks"))


def _texts(value: Any, path: Path) -> None:
    if isinstance(value, list | tuple):
        read(TEXTS, list(value), path)
    else:
        read(str, value, path)


def _tool_use(value: Any, path: Path) -> None:
    if not isinstance(value, str):
        _texts(read(_ToolUse, value, path).result, (*path, "result"))


def _move(value: Any, path: Path) -> None:
    if not isinstance(value, str):
        read(_Move, value, path)


def _values(value: Any, path: Path) -> None:
    for where in read(ANYTHING, value, path):
        if not is_path(where):
            raise InvalidInput(f"{where[:80]!r} is not a path into the context.", (*path, where))


def _ending(value: Any, path: Path) -> None:
    if not isinstance(value, bool):
        read(EndReason, value, path)


def _text_or_true(value: Any, path: Path) -> None:
    if not isinstance(value, bool):
        read(str, value, path)


def _one_of(value: str, known: Texts, path: Path) -> None:
    if value not in known:
        raise InvalidInput(f"{value[:60]!r} is none of {', '.join(known)}.", path)


SHAPES: Mapping[str, Callable[[Any, Path], object]] = {
    "says": _words,
    "node": lambda value, path: read(str, value, path),
    "tool": _tool_use,
    "noTool": _text_or_true,
    "handoff": _move,
    "noHandoff": lambda value, path: read(bool, value, path),
    "handoffRefused": lambda value, path: read(str, value, path),
    "context": _values,
    "end": _ending,
    "error": _text_or_true,
}


# ---- a suite from a call --------------------------------------------------------------------


def suite_from(call: Call, workflow: str, events: Iterable[Recorded]) -> dict[str, Any]:
    """What was said in a call and what came of it, as a suite in plain data.

    Words of agents are left out: a model says them differently each time."""
    steps: list[dict[str, Any]] = [{"expect": []}]
    for event in (recorded.event for recorded in events):
        if isinstance(event, UserTurn):
            steps.append({"say": event.text, "expect": []})
        else:
            for each in _seen(event):
                _add(steps[-1]["expect"], each)
    given = {"user": dict(call.user_context)} if call.user_context else {}
    case = {"name": f"call {call.id}", "given": given, "steps": list(map(_tidy, steps))}
    return {
        "suite": f"from a call of {call.created_at:%Y-%m-%d}",
        "workflow": workflow,
        "cases": [_tidy(case)],
    }


def _seen(event: CallEvent) -> Iterable[dict[str, Any]]:
    match event:
        case HandedOff():
            yield {"handoff": {"from": event.from_node, "to": event.to_node}}
        case ToolFinished() if event.outcome is not ToolOutcome.UNKNOWN:
            use = {"name": event.tool, "arguments": dict(event.arguments)}
            yield {"tool": {**use, "outcome": event.outcome.value}}
        case ContextChanged(removed=False) if not event.path.startswith("agents."):
            yield {"context": {event.path: event.value}}
        case CallEnded(reason=EndReason.WORKFLOW_FINISHED | EndReason.ENDED_BY_AGENT):
            yield {"end": event.reason.value}
        case AgentTurn() | _:
            return


def _add(expected: list[dict[str, Any]], each: dict[str, Any]) -> None:
    """Of what is written to one place, only the last stands at the end of the step."""
    for other in expected:
        if "context" in each and "context" in other:
            other["context"].update(each["context"])
            return
    expected.append(each)


def _tidy(value: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty."""
    return {key: inner for key, inner in value.items() if inner not in ([], {})}
