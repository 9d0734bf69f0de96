"""A bundle: agents, tools and workflows as stored in files, with the field names of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from domain.bundles.field_names import api_name
from domain.bundles.structuring import structure, unstructure
from domain.common.errors import InvalidInput, Path
from domain.common.findings import Finding
from domain.json_schema.parameters import Parameter, schema_of
from domain.tenants.settings import NO_SETTINGS, TenantSettings, apply_defaults, check_settings
from domain.tools.model import ToolSpec, check_tool
from domain.verification import build_snapshot, verify
from domain.workflows.agents import AgentSpec, check_agent
from domain.workflows.model import Snapshot, WorkflowSpec, check_workflow

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
    """Read a bundle from JSON; `InvalidInput` contains the path and what is expected there."""
    if isinstance(value, dict) and isinstance(value.get("tools"), list):
        tools = [_with_schema(t, (*path, "tools", str(n))) for n, t in enumerate(value["tools"])]
        value = {**value, "tools": tools}
    return check_bundle(structure(Bundle, value, path), path)


def write_bundle(bundle: Bundle) -> dict[str, Any]:
    """The bundle as JSON without default values; `read_bundle` returns an equal bundle."""
    return dict(unstructure(bundle))


def check_bundle(bundle: Bundle, path: Path = ()) -> Bundle:
    """Return the bundle; raise `InvalidInput` for the first rule that it breaks."""
    for kind in KINDS:
        specs = getattr(bundle, kind)
        if len(specs) > MAX_ITEMS_PER_KIND:
            raise InvalidInput(
                f"A bundle may have at most {MAX_ITEMS_PER_KIND} {kind}.", (*path, kind)
            )
        _check_names(specs, (*path, kind))
        for index, spec in enumerate(specs):
            _check(spec, (*path, kind, str(index)))
    if bundle.settings is not None:
        check_settings(bundle.settings, (*path, "settings"))
    return bundle


def merge_bundles(bundles: Sequence[Bundle]) -> Bundle:
    """Merge the bundles of several files; an item that occurs in two of them is rejected."""
    settings = [bundle.settings for bundle in bundles if bundle.settings is not None]
    if len(settings) > 1:
        raise InvalidInput("Two files contain settings; keep them in one file.", ("settings",))
    parts = {kind: tuple(s for b in bundles for s in getattr(b, kind)) for kind in KINDS}
    for kind, specs in parts.items():
        _check_names(specs, (kind,))
    return Bundle(**parts, settings=settings[0] if settings else None)


def verify_bundle(bundle: Bundle) -> tuple[tuple[str, Finding], ...]:
    """The findings of all workflows, each with the slug of its workflow."""
    snapshots = [bundle.snapshot(workflow.name) for workflow in bundle.workflows]
    return tuple(
        (snapshot.workflow.name, finding)
        for snapshot in snapshots
        if snapshot is not None
        for finding in verify(snapshot, bundle.settings)
    )


def changed_fields(before: Spec | TenantSettings, after: Spec | TenantSettings) -> list[str]:
    """The API names of the top-level fields in which two specs differ."""
    names = [f.name for f in fields(after) if getattr(before, f.name) != getattr(after, f.name)]
    return [api_name(type(after), name) for name in names]


def _check(spec: Spec, path: Path) -> None:
    match spec:
        case AgentSpec():
            check_agent(spec, path)
        case ToolSpec():
            check_tool(spec, path)
        case WorkflowSpec():
            check_workflow(spec, path)


def _check_names(specs: Sequence[Spec], path: Path) -> None:
    seen: dict[str, int] = {}
    for index, spec in enumerate(specs):
        if spec.name in seen:
            raise InvalidInput(
                f"{spec.name[:64]!r} is listed twice, at {seen[spec.name]} and {index}.",
                (*path, str(index), api_name(type(spec), "name")),
            )
        seen[spec.name] = index


def _with_schema(tool: Any, path: Path) -> Any:
    """Replace `parametersList`, the short list form, with the `parameters` schema."""
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
