"""Values that are read, and that nobody writes, or nobody who comes before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from domain.common.findings import Finding, FindingCode
from domain.tenants.settings import TenantSettings
from domain.verification.reporting import (
    Path,
    outgoing_connections,
    reverse_edges,
    transitive_closure,
    warning,
)
from domain.verification.variable_usage import (
    Read,
    condition_reads,
    prompt_reads,
    tool_reads,
    tool_writes,
)
from domain.verification.work import WorkBudget
from domain.workflows.model import Snapshot

_C = FindingCode
WRITTEN_NAMESPACES = ("workflow", "flags", "agent")

Segments = tuple[str, ...]


class _Flow:
    """At which nodes a place is written, and which can come before one, itself included."""

    def __init__(
        self, written: Mapping[str, Iterable[Segments]], before: Mapping[str, set[str]]
    ) -> None:
        self._before = before
        self._exactly: dict[Segments, set[str]] = {}
        self._inside: dict[Segments, set[str]] = {}
        self._found: dict[Segments, set[str]] = {}
        for node, places in written.items():
            for steps in places:
                self._exactly.setdefault(steps, set()).add(node)
                for length in range(1, len(steps) + 1):
                    self._inside.setdefault(steps[:length], set()).add(node)

    def nodes(self, steps: Segments) -> set[str]:
        """Writing a place writes what is inside of it, and makes what is around it."""
        if steps not in self._found:
            around = (steps[:length] for length in range(1, len(steps)))
            found = [self._exactly.get(each, set()) for each in around]
            self._found[steps] = self._inside.get(steps, set()).union(*found)
        return self._found[steps]

    def is_written_before(self, node: str, steps: Segments) -> bool:
        nodes = {node} if steps[0] == "agent" else self._before[node]
        return not nodes.isdisjoint(self.nodes(steps))


def findings(
    snapshot: Snapshot, settings: TenantSettings | None, budget: WorkBudget
) -> Iterator[Finding]:
    flow = _flow(snapshot, budget)
    told: set[Path] = set()
    for node, read in _all_reads(snapshot, budget):
        for finding in _check_read(read, node, flow, settings):
            if (*read.path, *read.segments) not in told:
                told.add((*read.path, *read.segments))
                yield finding
    yield from _unused_variables(snapshot)
    yield from _unwritten_keys(snapshot, flow)


def _check_read(
    read: Read, node: str, flow: _Flow, settings: TenantSettings | None
) -> Iterator[Finding]:
    where = ".".join(read.segments)
    if read.segments[0] == "tenant" and settings is not None:
        if not read.has_default and read.segments[1:2] == ("settings",):
            yield from _setting(read, settings)
        return
    if read.segments[0] not in WRITTEN_NAMESPACES or len(read.segments) < 2 or read.has_default:
        return
    if not flow.nodes(read.segments):
        effect = "always missing here" if read.in_condition else "always empty here"
        yield warning(
            _C.UNDEFINED_VARIABLE,
            read.path,
            f"Nothing writes {where}, so it is {effect}.",
            "Let a tool write it, declare a default, or read something else.",
        )
    elif not flow.is_written_before(node, read.segments):
        yield warning(
            _C.UNSET_VARIABLE,
            read.path,
            f"{where} is written only at nodes that cannot come before {node!r}.",
            "Let a tool of an earlier node write it, or declare a default.",
        )


def _setting(read: Read, settings: TenantSettings) -> Iterator[Finding]:
    if len(read.segments) > 2 and read.segments[2] not in settings.values:
        yield warning(
            _C.UNKNOWN_SETTING,
            read.path,
            f"The settings have no value {read.segments[2]!r}.",
            "Add it to values of the settings, or declare a default.",
        )


def _all_reads(snapshot: Snapshot, budget: WorkBudget) -> Iterator[tuple[str, Read]]:
    """Each with the node where it happens. An agent may stand at many nodes: what it reads is
    found once, and looked at for each of them."""
    workflow = snapshot.workflow
    for place, node in enumerate(workflow.nodes):
        if node.skip_condition is not None:
            path = ("nodes", str(place), "skipCondition")
            for read in condition_reads(node.skip_condition, path):
                yield node.id, read
    ids = {node.id for node in workflow.nodes}
    for place, way in enumerate(workflow.connections):
        if way.condition is not None and way.source in ids:
            for read in condition_reads(way.condition, ("connections", str(place), "condition")):
                yield way.source, read
    tools = {name: list(tool_reads(t, ("tools", name))) for name, t in snapshot.tools.items()}
    prompts = {name: list(prompt_reads(a, ("agents", name))) for name, a in snapshot.agents.items()}
    for node in workflow.nodes:
        agent = snapshot.agents.get(node.agent)
        if agent is None:
            continue
        for reads in (prompts[agent.name], *(tools.get(name, ()) for name in agent.tools)):
            budget.spend(1 + len(reads))
            for read in reads:
                yield node.id, read


def _flow(snapshot: Snapshot, budget: WorkBudget) -> _Flow:
    workflow = snapshot.workflow
    onward = {
        id: [c.target for _, c in ways] for id, ways in outgoing_connections(workflow).items()
    }
    writes = {name: frozenset(tool_writes(tool)) for name, tool in snapshot.tools.items()}
    written = {}
    for node in workflow.nodes:
        agent = snapshot.agents.get(node.agent)
        places = [writes[tool] for tool in agent.tools if tool in writes] if agent else []
        budget.spend(1 + sum(map(len, places)))
        written[node.id] = frozenset().union(*places)
    return _Flow(
        written,
        transitive_closure(
            {id: back for id, back in reverse_edges(onward).items() if id in onward}
        ),
    )


def _unused_variables(snapshot: Snapshot) -> Iterator[Finding]:
    for name, agent in snapshot.agents.items():
        read = {".".join(each.segments) for each in prompt_reads(agent, ())}
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
