"""Findings about values that are read but never written, or not written before they are read."""

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
    answering_reads,
    condition_reads,
    prompt_reads,
    template_reads,
    tool_reads,
    tool_writes,
)
from domain.verification.work import WorkBudget
from domain.workflows.model import Snapshot

_C = FindingCode
WRITTEN_NAMESPACES = ("workflow", "flags", "agent")

Segments = tuple[str, ...]


class _Flow:
    """At which nodes each path is written, and which nodes can precede a node, itself included."""

    def __init__(
        self, written: Mapping[str, Iterable[Segments]], before: Mapping[str, set[str]]
    ) -> None:
        self._before = before
        self._exactly: dict[Segments, set[str]] = {}
        self._inside: dict[Segments, set[str]] = {}
        self._cache: dict[Segments, set[str]] = {}
        for node, paths in written.items():
            for segments in paths:
                self._exactly.setdefault(segments, set()).add(node)
                for length in range(1, len(segments) + 1):
                    self._inside.setdefault(segments[:length], set()).add(node)

    def nodes(self, segments: Segments) -> set[str]:
        """The nodes that write the path, a path inside it, or a path that contains it."""
        if segments not in self._cache:
            parents = (segments[:length] for length in range(1, len(segments)))
            writers = [self._exactly.get(parent, set()) for parent in parents]
            self._cache[segments] = self._inside.get(segments, set()).union(*writers)
        return self._cache[segments]

    def is_written_before(self, node: str, segments: Segments) -> bool:
        nodes = {node} if segments[0] == "agent" else self._before[node]
        return not nodes.isdisjoint(self.nodes(segments))


def findings(
    snapshot: Snapshot, settings: TenantSettings | None, budget: WorkBudget
) -> Iterator[Finding]:
    flow = _flow(snapshot, budget)
    reported: set[Path] = set()
    for node, read in _all_reads(snapshot, budget):
        for finding in _check_read(read, node, flow, settings):
            if (*read.path, *read.segments) not in reported:
                reported.add((*read.path, *read.segments))
                yield finding
    if settings is not None:
        yield from _spoken_texts(settings)
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
            f"No tool of the workflow writes {where}, so it is {effect}.",
            "Write it in a tool, declare a default, or read another value.",
        )
    elif not flow.is_written_before(node, read.segments):
        yield warning(
            _C.UNSET_VARIABLE,
            read.path,
            f"{where} is written only at nodes that cannot precede {node!r}.",
            "Write it in a tool of an earlier node, or declare a default.",
        )


def _setting(read: Read, settings: TenantSettings) -> Iterator[Finding]:
    if len(read.segments) > 2 and read.segments[2] not in settings.values:
        yield warning(
            _C.UNKNOWN_SETTING,
            read.path,
            f"The settings have no value named {read.segments[2]!r}.",
            "Add it to values in the settings, or declare a default.",
        )


def _spoken_texts(settings: TenantSettings) -> Iterator[Finding]:
    for index, template in enumerate(settings.spoken_texts):
        for read in template_reads(template.say, ("settings", "spokenTexts", str(index), "say")):
            if not read.has_default and read.segments[:2] == ("tenant", "settings"):
                yield from _setting(read, settings)


def _all_reads(snapshot: Snapshot, budget: WorkBudget) -> Iterator[tuple[str, Read]]:
    """All reads with their nodes. The reads of an agent are collected once and reported for each
    node that uses the agent."""
    workflow = snapshot.workflow
    for index, node in enumerate(workflow.nodes):
        if node.skip_condition is not None:
            path = ("nodes", str(index), "skipCondition")
            for read in condition_reads(node.skip_condition, path):
                yield node.id, read
    ids = {node.id for node in workflow.nodes}
    for index, connection in enumerate(workflow.connections):
        if connection.condition is not None and connection.source in ids:
            path = ("connections", str(index), "condition")
            for read in condition_reads(connection.condition, path):
                yield connection.source, read
    for node in workflow.nodes:
        if node.is_entry:
            for read in answering_reads(workflow):
                yield node.id, read
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
        id: [c.target for _, c in outgoing]
        for id, outgoing in outgoing_connections(workflow).items()
    }
    writes = {name: frozenset(tool_writes(tool)) for name, tool in snapshot.tools.items()}
    written = {}
    for node in workflow.nodes:
        agent = snapshot.agents.get(node.agent)
        paths = [writes[tool] for tool in agent.tools if tool in writes] if agent else []
        budget.spend(1 + sum(map(len, paths)))
        written[node.id] = frozenset().union(*paths)
    return _Flow(
        written,
        transitive_closure(
            {id: back for id, back in reverse_edges(onward).items() if id in onward}
        ),
    )


def _unused_variables(snapshot: Snapshot) -> Iterator[Finding]:
    for name, agent in snapshot.agents.items():
        read = {".".join(each.segments) for each in prompt_reads(agent, ())}
        for index, variable in enumerate(agent.prompt.variables):
            if variable.name not in read:
                yield warning(
                    _C.UNUSED_VARIABLE,
                    ("agents", name, "prompt", "variables", str(index)),
                    f"No text of the prompt reads the variable {variable.name!r}.",
                    "Remove the variable, or insert {{" + variable.name + "}} into the prompt.",
                )


def _unwritten_keys(snapshot: Snapshot, flow: _Flow) -> Iterator[Finding]:
    """Keys in contextPassed that no tool writes."""
    for index, connection in enumerate(snapshot.workflow.connections):
        for number, key in enumerate(connection.context_passed):
            if not flow.nodes(("workflow", key)):
                yield warning(
                    _C.UNWRITTEN_KEY,
                    ("connections", str(index), "contextPassed", str(number)),
                    f"No tool writes workflow.{key}, so there is no value to pass on.",
                    "Write it in a tool, or remove the key.",
                )
