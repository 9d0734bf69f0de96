"""Suites of simulations as plain data, read and written; and one made from a call that was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from domain.agents import ProviderChoice, check_choice
from domain.calls import Call, EndReason
from domain.errors import InvalidInput, Path
from domain.events import (
    AgentTurn,
    CallEnded,
    CallEvent,
    ContextChanged,
    HandedOff,
    Recorded,
    ToolFinished,
    ToolOutcome,
    UserTurn,
)
from domain.plain import items, mapping, needed, number, text, yes_or_no
from domain.simulations import Case, Expectation, Given, Step, Stub, Suite
from domain.tokens import is_path

JUDGES = (
    *("task_completion", "handoff", "accuracy", "tool_use", "safety", "relevancy"),
    *("coherence", "conciseness"),
)
MOST_CASES = 1_000
MOST_STEPS = 200

OF_SUITE = frozenset({"suite", "bundle", "model", "judges", "workflow", "given", "http", "cases"})
OF_CASE = frozenset({"name", "workflow", "given", "http", "steps"})
OF_STEP = frozenset({"say", "expect"})
OF_GIVEN = frozenset({"user", "workflow", "flags"})
OF_STUB = frozenset({"request", "status", "body"})
OF_MODEL = frozenset({"provider", "model", "options"})
NOTHING: Mapping[str, Any] = {}


def read_suite(plain: Any, name: str) -> Suite:
    """`InvalidInput` names the first mistake. What the suite says of `workflow`, `given` and `http`
    holds for each of its cases."""
    whole = mapping(plain, (), OF_SUITE)
    cases = items(needed(whole, "cases", ()), ("cases",), lambda c, p: _case(c, p, whole))
    if not 1 <= len(cases) <= MOST_CASES:
        raise InvalidInput(f"A suite has 1 to {MOST_CASES} cases.", ("cases",))
    names = [case.name for case in cases]
    for place, case in enumerate(cases):
        if case.name in names[:place]:
            raise InvalidInput("Two cases have this name.", ("cases", str(place), "name"))
    return Suite(
        name=text(whole.get("suite", name), ("suite",)),
        bundles=_bundles(whole.get("bundle", [])),
        model=_model(whole.get("model"), ("model",)),
        judges=items(whole.get("judges", []), ("judges",), _judge),
        cases=cases,
    )


def _bundles(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else items(value, ("bundle",), text)


def _case(value: Any, path: Path, suite: Mapping[str, Any]) -> Case:
    case = mapping(value, path, OF_CASE)
    workflow = case.get("workflow", suite.get("workflow"))
    if workflow is None:
        raise InvalidInput("Name the workflow here, or for the whole suite.", (*path, "workflow"))
    common = _given(suite.get("given", {}), ("given",))
    own = _given(case.get("given", {}), (*path, "given"))
    steps = items(needed(case, "steps", path), (*path, "steps"), _step)
    if not 1 <= len(steps) <= MOST_STEPS:
        raise InvalidInput(f"A case has 1 to {MOST_STEPS} steps.", (*path, "steps"))
    return Case(
        name=text(needed(case, "name", path), (*path, "name")),
        workflow=text(workflow, (*path, "workflow")),
        given=Given(
            user={**common.user, **own.user},
            workflow={**common.workflow, **own.workflow},
            flags={**common.flags, **own.flags},
        ),
        http=(
            *items(case.get("http", []), (*path, "http"), _stub),
            *items(suite.get("http", []), ("http",), _stub),
        ),
        steps=steps,
    )


def _given(value: Any, path: Path) -> Given:
    given = mapping(value, path, OF_GIVEN)
    flags = mapping(given.get("flags", {}), (*path, "flags"))
    return Given(
        user=mapping(given.get("user", {}), (*path, "user")),
        workflow=mapping(given.get("workflow", {}), (*path, "workflow")),
        flags={name: yes_or_no(flag, (*path, "flags", name)) for name, flag in flags.items()},
    )


def _stub(value: Any, path: Path) -> Stub:
    stub = mapping(value, path, OF_STUB)
    status = number(stub.get("status", 200), (*path, "status"))
    if status not in range(100, 600):
        raise InvalidInput("status is 100 to 599.", (*path, "status"))
    request = text(needed(stub, "request", path), (*path, "request"))
    if " " not in request.strip():
        raise InvalidInput("request is a method and a URL: POST https://….", (*path, "request"))
    return Stub(request=request, status=int(status), body=stub.get("body"))


def _model(value: Any, path: Path) -> ProviderChoice | None:
    if value is None:
        return None
    model = mapping(value, path, OF_MODEL)
    choice = ProviderChoice(
        provider=text(needed(model, "provider", path), (*path, "provider")),
        model=text(model.get("model", ""), (*path, "model")),
        options=mapping(model.get("options", {}), (*path, "options")),
    )
    check_choice(choice, path)
    return choice


def _judge(value: Any, path: Path) -> str:
    name = text(value, path)
    if name not in JUDGES:
        raise InvalidInput(f"There is no judge {name[:40]!r}; {', '.join(JUDGES)}.", path)
    return name


def _step(value: Any, path: Path) -> Step:
    step = mapping(value, path, OF_STEP)
    said = step.get("say")
    if said is not None and not text(said, (*path, "say")).strip():
        raise InvalidInput("say must not be empty.", (*path, "say"))
    return Step(say=said, expect=tuple(_expected(step.get("expect", []), (*path, "expect"))))


def _expected(value: Any, path: Path) -> Iterable[Expectation]:
    """An object, or a list of them where one key is wanted twice."""
    places = enumerate(value) if isinstance(value, list) else ((None, value),)
    for place, each in places:
        here = path if place is None else (*path, str(place))
        for kind, wanted in mapping(each, here, frozenset(SHAPES)).items():
            SHAPES[kind](wanted, (*here, kind))
            yield Expectation(kind=kind, value=wanted)


# ---- the shapes of what is expected ---------------------------------------------------------


def _texts(value: Any, path: Path) -> None:
    if isinstance(value, list):
        items(value, path, text)
    else:
        text(value, path)


def _words(value: Any, path: Path) -> None:
    if not isinstance(value, dict):
        _texts(value, path)
        return
    for key, inner in mapping(value, path, frozenset({"equals", "contains", "lacks"})).items():
        _texts(inner, (*path, key))


def _tool_use(value: Any, path: Path) -> None:
    if isinstance(value, str):
        return
    use = mapping(value, path, frozenset({"name", "arguments", "outcome", "result"}))
    text(needed(use, "name", path), (*path, "name"))
    mapping(use.get("arguments", {}), (*path, "arguments"))
    _texts(use.get("result", []), (*path, "result"))
    if "outcome" in use:
        _one_of(use["outcome"], [outcome.value for outcome in ToolOutcome], (*path, "outcome"))


def _move(value: Any, path: Path) -> None:
    if isinstance(value, str):
        return
    move = mapping(value, path, frozenset({"to", "from", "via", "skipped"}))
    items(move.get("skipped", []), (*path, "skipped"), text)


def _values(value: Any, path: Path) -> None:
    for where in mapping(value, path):
        if not is_path(where):
            raise InvalidInput(f"{where[:80]!r} is not a path into the context.", (*path, where))


def _ending(value: Any, path: Path) -> None:
    if not isinstance(value, bool):
        _one_of(value, [reason.value for reason in EndReason], path)


def _text_or_true(value: Any, path: Path) -> None:
    if not isinstance(value, bool):
        text(value, path)


def _one_of(value: Any, known: list[str], path: Path) -> None:
    if value not in known:
        raise InvalidInput(f"{str(value)[:60]!r} is none of {', '.join(known)}.", path)


SHAPES: Mapping[str, Callable[[Any, Path], object]] = {
    "says": _words,
    "node": text,
    "tool": _tool_use,
    "noTool": _text_or_true,
    "handoff": _move,
    "noHandoff": yes_or_no,
    "handoffRefused": text,
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
