"""A bundle: agents, tools and workflows as stored in files, with the field names of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

from domain.bundles.field_names import api_name
from domain.bundles.structuring import structure, structure_leniently, unstructure
from domain.common.errors import InvalidInput, Path, Problem
from domain.common.findings import Finding
from domain.common.problems import Problems, raise_all
from domain.json_schema.parameters import Parameter, schema_of
from domain.tenants.settings import NO_SETTINGS, TenantSettings, apply_defaults, settings_problems
from domain.tools.model import ToolSpec, tool_problems
from domain.verification import build_snapshot, verify, verify_tools
from domain.workflows.agents import AgentSpec, agent_problems
from domain.workflows.model import Snapshot, WorkflowSpec, workflow_problems

MAX_ITEMS_PER_KIND = 1_000
KINDS = ("agents", "tools", "workflows")

Spec = AgentSpec | ToolSpec | WorkflowSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The content of one or more files; `settings` are those of the tenant."""

    agents: tuple[AgentSpec, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    workflows: tuple[WorkflowSpec, ...] = ()
    settings: TenantSettings | None = None

    @property
    def specs(self) -> Iterator[tuple[str, Spec]]:
        """All specs of the bundle with their kind."""
        for kind in KINDS:
            for spec in getattr(self, kind):
                yield kind, spec

    def snapshot(self, slug: str) -> Snapshot | None:
        """The workflow with its agents and tools and with the defaults of the settings applied;
        None if there is no such workflow."""
        workflow = next((each for each in self.workflows if each.name == slug), None)
        if workflow is None:
            return None
        defaults = (self.settings or NO_SETTINGS).defaults
        agents = {agent.name: apply_defaults(agent, defaults) for agent in self.agents}
        return build_snapshot(workflow, agents, {tool.name: tool for tool in self.tools})

    @property
    def sorted(self) -> Bundle:
        """The bundle sorted by name, so that an added item does not move others in a diff."""
        agents = sorted(self.agents, key=lambda spec: spec.name)
        tools = sorted(self.tools, key=lambda spec: spec.name)
        workflows = sorted(self.workflows, key=lambda spec: spec.name)
        return replace(self, agents=tuple(agents), tools=tuple(tools), workflows=tuple(workflows))


def read_bundle(value: Any, path: Path = ()) -> Bundle:
    """Read a bundle from JSON; `InvalidInput` contains the paths of all problems and what is
    expected there."""
    value, problems = _with_schemas(value, path)
    read = structure_leniently(Bundle, value, path)
    problems += read.problems
    reported = [*(problem.path or () for problem in problems), *read.replaced]
    broken = (
        p for p in _bundle_problems(read.item, path) if not _is_reported(p.path or (), reported)
    )
    raise_all(chain(problems, broken))
    return read.item


def write_bundle(bundle: Bundle) -> dict[str, Any]:
    """The bundle as JSON without default values; `read_bundle` returns an equal bundle."""
    return dict(unstructure(bundle))


def _bundle_problems(bundle: Bundle, path: Path) -> Problems:
    for kind in KINDS:
        specs, here = getattr(bundle, kind), (*path, kind)
        if len(specs) > MAX_ITEMS_PER_KIND:
            yield InvalidInput(f"A bundle may have at most {MAX_ITEMS_PER_KIND} {kind}.", here)
            continue
        yield from _duplicate_names(specs, here)
        for index, spec in enumerate(specs):
            yield from _spec_problems(spec, (*here, str(index)))
    if bundle.settings is not None:
        yield from settings_problems(bundle.settings, (*path, "settings"))


def _is_reported(path: Path, reported: Sequence[Path]) -> bool:
    """Whether a value at, within or around the path has a problem already, which may be the cause
    of this one."""
    return any(path[: len(each)] == each[: len(path)] for each in reported)


def merge_bundles(bundles: Sequence[Bundle]) -> Bundle:
    """Merge the bundles of several files; an item that occurs in two of them is rejected."""
    settings = [bundle.settings for bundle in bundles if bundle.settings is not None]
    parts = {kind: tuple(s for b in bundles for s in getattr(b, kind)) for kind in KINDS}
    problems = [p for kind, specs in parts.items() for p in _duplicate_names(specs, (kind,))]
    if len(settings) > 1:
        problems.append(
            InvalidInput("Two files contain settings; keep them in one file.", ("settings",))
        )
    raise_all(problems)
    return Bundle(**parts, settings=settings[0] if settings else None)


def verify_bundle(bundle: Bundle) -> tuple[tuple[str, Finding], ...]:
    """The findings of all workflows, each with the slug of its workflow, and those of the tools that
    no workflow uses, with an empty slug."""
    found: list[tuple[str, Finding]] = []
    unused = {tool.name: tool for tool in bundle.tools}
    for workflow in bundle.workflows:
        if snapshot := bundle.snapshot(workflow.name):
            found += ((workflow.name, f) for f in verify(snapshot, bundle.settings))
            unused = {name: tool for name, tool in unused.items() if name not in snapshot.tools}
    return (*found, *(("", finding) for finding in verify_tools(unused, bundle.settings)))


def changed_fields(before: Spec | TenantSettings, after: Spec | TenantSettings) -> list[str]:
    """The API names of the top-level fields in which two specs differ."""
    names = [f.name for f in fields(after) if getattr(before, f.name) != getattr(after, f.name)]
    return [api_name(type(after), name) for name in names]


def _spec_problems(spec: Spec, path: Path) -> Problems:
    match spec:
        case AgentSpec():
            return agent_problems(spec, path)
        case ToolSpec():
            return tool_problems(spec, path)
        case WorkflowSpec():
            return workflow_problems(spec, path)


def _duplicate_names(specs: Sequence[Spec], path: Path) -> Problems:
    seen: dict[str, int] = {}
    for index, spec in enumerate(specs):
        if spec.name in seen:
            yield InvalidInput(
                f"{spec.name[:64]!r} is listed twice, at {seen[spec.name]} and {index}.",
                (*path, str(index), api_name(type(spec), "name")),
            )
        seen.setdefault(spec.name, index)


def _with_schemas(value: Any, path: Path) -> tuple[Any, list[Problem]]:
    """Replace `parametersList`, the short list form, with the `parameters` schema in all tools."""
    if not isinstance(value, dict) or not isinstance(value.get("tools"), list):
        return value, []
    tools: list[Any] = []
    problems: list[Problem] = []
    for index, tool in enumerate(value["tools"]):
        try:
            tools.append(_with_schema(tool, (*path, "tools", str(index))))
        except InvalidInput as problem:
            problems += problem.problems
            tools.append({key: inside for key, inside in tool.items() if key != "parametersList"})
    return {**value, "tools": tools}, problems


def _with_schema(tool: Any, path: Path) -> Any:
    if not isinstance(tool, Mapping) or "parametersList" not in tool:
        return tool
    if "parameters" in tool:
        raise InvalidInput("Set either parameters or parametersList, not both.", path)
    here = (*path, "parametersList")
    items = tool["parametersList"]
    if not isinstance(items, list):
        raise InvalidInput("Expected a list.", here)
    parameters = [structure(Parameter, each, (*here, str(n))) for n, each in enumerate(items)]
    rest = {key: value for key, value in tool.items() if key != "parametersList"}
    return {**rest, "parameters": schema_of(parameters, here)}
