"""Reading simulation suites from plain data, and deriving a suite from the log of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.bundles.structuring import structure, unknown_key
from domain.calls.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    ContextChanged,
    HandedOff,
    HandoffVia,
    StoredEvent,
    ToolFinished,
    ToolOutcome,
    UserTurn,
)
from domain.calls.model import Call, EndReason
from domain.common.errors import InvalidInput, Path
from domain.common.problems import raise_first
from domain.simulations.model import Case, Expectation, HttpStub, Preconditions, Step, Suite
from domain.simulations.recorded_stubs import recorded_digits, recorded_stubs
from domain.templating.lexer import is_path
from domain.tool_execution.mcp_stubs import McpStub
from domain.tools.actions import DTMF_KEYS
from domain.tools.model import ToolSpec
from domain.workflows.agents import ProviderChoice, provider_choice_problems

JUDGES = (
    *("task_completion", "handoff", "accuracy", "tool_use", "safety", "relevancy"),
    *("coherence", "conciseness"),
)
MAX_CASES = 1_000
MAX_STEPS = 200
MAX_PRESSED_KEYS = 64

Texts = tuple[str, ...]


# ---- suites as plain data -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    say: str | None = None
    expect: Any = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    name: str
    workflow: str | None = None
    given: Preconditions = field(default_factory=Preconditions)
    http: tuple[HttpStub, ...] = ()
    mcp: tuple[McpStub, ...] = ()
    digits: Texts = ()
    steps: tuple[_Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suite:
    """A suite as written; its `workflow`, `given`, `http` and `mcp` apply to each of its cases, and its
    `digits` to those that have none."""

    suite: str | None = None
    bundle: Any = ()
    model: ProviderChoice | None = None
    judges: Texts = ()
    workflow: str | None = None
    given: Preconditions = field(default_factory=Preconditions)
    http: tuple[HttpStub, ...] = ()
    mcp: tuple[McpStub, ...] = ()
    digits: Texts = ()
    cases: tuple[_Case, ...]


def read_suite(plain: Any, name: str) -> Suite:
    """Structure a suite; `name` is used if it has none. Raises `InvalidInput` for the first error."""
    suite = structure(_Suite, plain)
    if not 1 <= len(suite.cases) <= MAX_CASES:
        raise InvalidInput(f"A suite must have 1 to {MAX_CASES} cases.", ("cases",))
    if suite.model is not None:
        raise_first(provider_choice_problems(suite.model, ("model",)))
    for index, judge in enumerate(suite.judges):
        _check_choice(judge, JUDGES, ("judges", str(index)))
    _check_stubs(suite.http, ("http",))
    _check_digits(suite.digits, ("digits",))
    names = [case.name for case in suite.cases]
    for index, case_name in enumerate(names):
        if case_name in names[:index]:
            raise InvalidInput("Another case has the same name.", ("cases", str(index), "name"))
    return Suite(
        name=suite.suite or name,
        bundles=_listed(suite.bundle, ("bundle",)),
        model=suite.model,
        judges=suite.judges,
        cases=tuple(
            _case(case, suite, ("cases", str(index))) for index, case in enumerate(suite.cases)
        ),
    )


def _case(case: _Case, suite: _Suite, path: Path) -> Case:
    workflow = case.workflow or suite.workflow
    if workflow is None:
        raise InvalidInput(
            "Set workflow for this case, or for the whole suite.", (*path, "workflow")
        )
    if not 1 <= len(case.steps) <= MAX_STEPS:
        raise InvalidInput(f"A case must have 1 to {MAX_STEPS} steps.", (*path, "steps"))
    _check_stubs(case.http, (*path, "http"))
    _check_digits(case.digits, (*path, "digits"))
    return Case(
        name=case.name,
        workflow=workflow,
        given=Preconditions(
            user={**suite.given.user, **case.given.user},
            workflow={**suite.given.workflow, **case.given.workflow},
            flags={**suite.given.flags, **case.given.flags},
        ),
        http=(*case.http, *suite.http),
        mcp=(*case.mcp, *suite.mcp),
        digits=case.digits or suite.digits,
        steps=tuple(
            _step(step, (*path, "steps", str(index))) for index, step in enumerate(case.steps)
        ),
    )


def _check_stubs(stubs: tuple[HttpStub, ...], path: Path) -> None:
    for index, stub in enumerate(stubs):
        here = (*path, str(index))
        if stub.status not in range(100, 600):
            raise InvalidInput("status must be between 100 and 599.", (*here, "status"))
        if " " not in stub.request.strip():
            raise InvalidInput(
                "request must be a method and a URL, such as POST https://….", (*here, "request")
            )


def _check_digits(digits: Texts, path: Path) -> None:
    for index, keys in enumerate(digits):
        if len(keys) > MAX_PRESSED_KEYS or not set(keys) <= set(DTMF_KEYS):
            raise InvalidInput(
                f"Digits must be at most {MAX_PRESSED_KEYS} of the keys 0 to 9, * and #.",
                (*path, str(index)),
            )


def _step(step: _Step, path: Path) -> Step:
    if step.say is not None and not step.say.strip():
        raise InvalidInput("say must not be empty.", (*path, "say"))
    return Step(say=step.say, expect=tuple(_expected(step.expect, (*path, "expect"))))


def _expected(value: Any, path: Path) -> Iterable[Expectation]:
    """The expectations of an object, or of a list of objects, in which a kind can occur twice."""
    is_list = isinstance(value, list | tuple)
    for index, each in enumerate(value if is_list else (value,)):
        here = (*path, str(index)) if is_list else path
        for kind, expected in structure(JSON_OBJECT, each, here).items():
            if kind not in EXPECTATION_VALIDATORS:
                raise unknown_key(kind, list(EXPECTATION_VALIDATORS), (*here, kind))
            EXPECTATION_VALIDATORS[kind](expected, (*here, kind))
            yield Expectation(kind=kind, value=expected)


# ---- the values of expectations -------------------------------------------------------------

JSON_OBJECT: Any = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _TextExpectation:
    equals: str | None = None
    contains: Any = ()
    lacks: Any = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToolExpectation:
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    outcome: ToolOutcome | None = None
    result: Any = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _HandoffExpectation:
    to: str | None = None
    from_: str | None = None
    via: HandoffVia | None = None
    skipped: Texts = ()


def _listed(value: Any, path: Path) -> Texts:
    return (value,) if isinstance(value, str) else structure(TEXTS, list(value), path)


TEXTS: Any = Texts


def _check_text(value: Any, path: Path) -> None:
    if not isinstance(value, dict):
        _check_texts(value, path)
        return
    expectation = structure(_TextExpectation, value, path)
    _check_texts(expectation.contains, (*path, "contains"))
    _check_texts(expectation.lacks, (*path, "lacks"))


def _check_texts(value: Any, path: Path) -> None:
    if isinstance(value, list | tuple):
        structure(TEXTS, list(value), path)
    else:
        structure(str, value, path)


def _check_tool(value: Any, path: Path) -> None:
    if not isinstance(value, str):
        _check_texts(structure(_ToolExpectation, value, path).result, (*path, "result"))


def _check_handoff(value: Any, path: Path) -> None:
    if not isinstance(value, str):
        structure(_HandoffExpectation, value, path)


def _check_context(value: Any, path: Path) -> None:
    for key in structure(JSON_OBJECT, value, path):
        if not is_path(key):
            raise InvalidInput(f"{key[:80]!r} is not a path into the context.", (*path, key))


def _check_end(value: Any, path: Path) -> None:
    if not isinstance(value, bool):
        structure(EndReason, value, path)


def _check_text_or_flag(value: Any, path: Path) -> None:
    if not isinstance(value, bool):
        structure(str, value, path)


def _check_choice(value: str, known: Texts, path: Path) -> None:
    if value not in known:
        raise InvalidInput(f"{value[:60]!r} is not one of {', '.join(known)}.", path)


EXPECTATION_VALIDATORS: Mapping[str, Callable[[Any, Path], object]] = {
    "says": _check_text,
    "node": lambda value, path: structure(str, value, path),
    "tool": _check_tool,
    "noTool": _check_text_or_flag,
    "handoff": _check_handoff,
    "noHandoff": lambda value, path: structure(bool, value, path),
    "handoffRefused": lambda value, path: structure(str, value, path),
    "context": _check_context,
    "end": _check_end,
    "error": _check_text_or_flag,
}


# ---- a suite from a call --------------------------------------------------------------------


def suite_from_call(
    call: Call,
    workflow: str,
    events: Iterable[StoredEvent],
    tools: Mapping[str, ToolSpec] | None = None,
) -> dict[str, Any]:
    """A suite, as plain data, that repeats the caller's turns and expects what followed them. With
    the `tools` of the call's version it has stubs for their servers.

    The agents' words are not expected, because a model phrases them differently each time."""
    log = [stored.event for stored in events]
    steps: list[dict[str, Any]] = [{"expect": []}]
    for event in log:
        if isinstance(event, UserTurn):
            steps.append({"say": event.text, "expect": []})
        else:
            for expectation in _expectations_from(event):
                _add_expectation(steps[-1]["expect"], expectation)
    given = {"user": dict(call.user_context)} if call.user_context else {}
    case = {
        "name": f"call {call.id}",
        "given": given,
        **recorded_stubs(log, tools or {}),
        "digits": recorded_digits(log),
        "steps": list(map(_without_empty, steps)),
    }
    return {
        "suite": f"from a call of {call.created_at:%Y-%m-%d}",
        "bundle": f"{workflow}.yaml",
        "workflow": workflow,
        "cases": [_without_empty(case)],
    }


def _expectations_from(event: CallEvent) -> Iterable[dict[str, Any]]:
    match event:
        case HandedOff():
            yield {"handoff": {"from": event.from_node, "to": event.to_node}}
        case ToolFinished() if event.outcome is not ToolOutcome.UNKNOWN:
            call = {"name": event.tool, "arguments": dict(event.arguments)}
            yield {"tool": {**call, "outcome": event.outcome.value}}
        case ContextChanged(removed=False) if not event.path.startswith("agents."):
            yield {"context": {event.path: event.value}}
        case CallEnded(reason=EndReason.WORKFLOW_FINISHED | EndReason.ENDED_BY_AGENT):
            yield {"end": event.reason.value}
        case AgentTurn() | _:
            return


def _add_expectation(expectations: list[dict[str, Any]], added: dict[str, Any]) -> None:
    """Append an expectation. Values of the context are merged: of several values written to a path
    in a step, only the last remains."""
    for other in expectations:
        if "context" in added and "context" in other:
            other["context"].update(added["context"])
            return
    expectations.append(added)


def _without_empty(value: dict[str, Any]) -> dict[str, Any]:
    """Leave out empty lists and objects."""
    return {key: inner for key, inner in value.items() if inner not in ([], {})}
