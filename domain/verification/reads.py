"""Values that are read, and that nobody writes, or nobody who comes before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from domain.findings import Finding, FindingCode
from domain.tenants import TenantSettings
from domain.verification.reading import (
    Read,
    condition_reads,
    prompt_reads,
    reads_of,
    writes_of,
)
from domain.verification.telling import Path, reached, warning
from domain.workflows import Snapshot

_C = FindingCode
WRITTEN = ("workflow", "flags", "agent")

Steps = tuple[str, ...]


class _Flow:
    """At which nodes a place is written, and which can come before one, itself included."""

    def __init__(
        self, written: Mapping[str, Iterable[Steps]], before: Mapping[str, set[str]]
    ) -> None:
        self._before = before
        self._exactly: dict[Steps, set[str]] = {}
        self._inside: dict[Steps, set[str]] = {}
        for node, places in written.items():
            for steps in places:
                self._exactly.setdefault(steps, set()).add(node)
                for length in range(1, len(steps) + 1):
                    self._inside.setdefault(steps[:length], set()).add(node)

    def nodes(self, steps: Steps) -> set[str]:
        """Writing a place writes what is inside of it, and makes what is around it."""
        around = (steps[:length] for length in range(1, len(steps)))
        found = [self._exactly.get(each, set()) for each in around]
        return self._inside.get(steps, set()).union(*found)

    def before_or_at(self, node: str, steps: Steps) -> bool:
        nodes = {node} if steps[0] == "agent" else self._before[node]
        return not nodes.isdisjoint(self.nodes(steps))


def findings(snapshot: Snapshot, settings: TenantSettings | None) -> Iterator[Finding]:
    flow = _flow(snapshot)
    told: set[Path] = set()
    for node, read in _all_reads(snapshot):
        for finding in _judged(read, node, flow, settings):
            if (*read.path, *read.steps) not in told:
                told.add((*read.path, *read.steps))
                yield finding
    yield from _unused_variables(snapshot)
    yield from _unwritten_keys(snapshot, flow)


def _judged(
    read: Read, node: str, flow: _Flow, settings: TenantSettings | None
) -> Iterator[Finding]:
    where = ".".join(read.steps)
    if read.steps[0] == "tenant" and settings is not None:
        if not read.has_default and read.steps[1:2] == ("settings",):
            yield from _setting(read, settings)
        return
    if read.steps[0] not in WRITTEN or len(read.steps) < 2 or read.has_default:
        return
    if not flow.nodes(read.steps):
        effect = "always missing here" if read.decides else "always empty here"
        yield warning(
            _C.UNDEFINED_VARIABLE,
            read.path,
            f"Nothing writes {where}, so it is {effect}.",
            "Let a tool write it, declare a default, or read something else.",
        )
    elif not flow.before_or_at(node, read.steps):
        yield warning(
            _C.UNSET_VARIABLE,
            read.path,
            f"{where} is written only at nodes that cannot come before {node!r}.",
            "Let a tool of an earlier node write it, or declare a default.",
        )


def _setting(read: Read, settings: TenantSettings) -> Iterator[Finding]:
    if len(read.steps) > 2 and read.steps[2] not in settings.values:
        yield warning(
            _C.UNKNOWN_SETTING,
            read.path,
            f"The settings have no value {read.steps[2]!r}.",
            "Add it to values of the settings, or declare a default.",
        )


def _all_reads(snapshot: Snapshot) -> Iterator[tuple[str, Read]]:
    """Each with the node where it happens."""
    workflow = snapshot.workflow
    for place, node in enumerate(workflow.nodes):
        if node.skip_condition is not None:
            path = ("nodes", str(place), "skipCondition")
            for read in condition_reads(node.skip_condition, path):
                yield node.id, read
    for place, way in enumerate(workflow.connections):
        if way.condition is not None and any(n.id == way.source for n in workflow.nodes):
            for read in condition_reads(way.condition, ("connections", str(place), "condition")):
                yield way.source, read
    for node in workflow.nodes:
        agent = snapshot.agents.get(node.agent)
        if agent is None:
            continue
        for read in prompt_reads(agent, ("agents", agent.name)):
            yield node.id, read
        for name in agent.tools:
            if name in snapshot.tools:
                for read in reads_of(snapshot.tools[name], ("tools", name)):
                    yield node.id, read


def _flow(snapshot: Snapshot) -> _Flow:
    workflow = snapshot.workflow
    backward: dict[str, list[str]] = {node.id: [] for node in workflow.nodes}
    for way in workflow.connections:
        if way.source in backward and way.target in backward:
            backward[way.target].append(way.source)
    written = {}
    for node in workflow.nodes:
        agent = snapshot.agents.get(node.agent)
        tools = [snapshot.tools[t] for t in agent.tools if t in snapshot.tools] if agent else []
        written[node.id] = frozenset(each for tool in tools for each in writes_of(tool))
    return _Flow(written, {id: reached([id], backward) for id in backward})


def _unused_variables(snapshot: Snapshot) -> Iterator[Finding]:
    for name, agent in snapshot.agents.items():
        read = {".".join(each.steps) for each in prompt_reads(agent, ())}
        for place, variable in enumerate(agent.prompt.variables):
            if variable.name not in read:
                yield warning(
                    _C.UNUSED_VARIABLE,
                    ("agents", name, "prompt", "variables", str(place)),
                    f"No text of the prompt reads {variable.name!r}.",
                    "Remove it, or put {{" + variable.name + "}} where it belongs.",
                )


def _unwritten_keys(snapshot: Snapshot, flow: _Flow) -> Iterator[Finding]:
    """Keys that the next agent is to be told, and that there is nothing to tell of."""
    for place, way in enumerate(snapshot.workflow.connections):
        for number, key in enumerate(way.context_passed):
            if not flow.nodes(("workflow", key)):
                yield warning(
                    _C.UNWRITTEN_KEY,
                    ("connections", str(place), "contextPassed", str(number)),
                    f"Nothing writes workflow.{key}, so there is nothing to pass on.",
                    "Let a tool write it, or remove it.",
                )
