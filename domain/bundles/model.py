"""A bundle: agents, tools and workflows as a team keeps them in files, in the words of the API."""

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
    """What a file, or several together, describe. `settings` are the tenant's."""

    agents: tuple[AgentSpec, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    workflows: tuple[WorkflowSpec, ...] = ()
    settings: TenantSettings | None = None

    @property
    def specs(self) -> Iterator[tuple[str, Spec]]:
        """Everything in it, with its kind."""
        for kind in KINDS:
            for spec in getattr(self, kind):
                yield kind, spec

    def snapshot(self, slug: str) -> Snapshot | None:
        """The workflow with what it uses, and the defaults of the settings where agents chose
        nothing."""
        workflow = next((each for each in self.workflows if each.name == slug), None)
        if workflow is None:
            return None
        defaults = (self.settings or NO_SETTINGS).defaults
        agents = {agent.name: apply_defaults(agent, defaults) for agent in self.agents}
        return build_snapshot(workflow, agents, {tool.name: tool for tool in self.tools})

    @property
    def sorted(self) -> Bundle:
        """By name, so that a new thing is the only line that is new."""
        agents = sorted(self.agents, key=lambda spec: spec.name)
        tools = sorted(self.tools, key=lambda spec: spec.name)
        workflows = sorted(self.workflows, key=lambda spec: spec.name)
        return replace(self, agents=tuple(agents), tools=tuple(tools), workflows=tuple(workflows))


def read_bundle(value: Any, path: Path = ()) -> Bundle:
    """Out of plain JSON; `InvalidInput` names the place and what would fit there."""
    if isinstance(value, dict) and isinstance(value.get("tools"), list):
        tools = [_with_schema(t, (*path, "tools", str(n))) for n, t in enumerate(value["tools"])]
        value = {**value, "tools": tools}
    return check_bundle(structure(Bundle, value, path), path)


def write_bundle(bundle: Bundle) -> dict[str, Any]:
    """As plain JSON without what stands at its default; `read_bundle` answers the same bundle."""
    return dict(unstructure(bundle))


def check_bundle(bundle: Bundle, path: Path = ()) -> Bundle:
    """The bundle itself, or `InvalidInput` naming the first thing that breaks a rule."""
    for kind in KINDS:
        specs = getattr(bundle, kind)
        if len(specs) > MAX_ITEMS_PER_KIND:
            raise InvalidInput(f"A bundle may have {MAX_ITEMS_PER_KIND} {kind}.", (*path, kind))
        _check_names(specs, (*path, kind))
        for place, spec in enumerate(specs):
            _check(spec, (*path, kind, str(place)))
    if bundle.settings is not None:
        check_settings(bundle.settings, (*path, "settings"))
    return bundle


def merge_bundles(bundles: Sequence[Bundle]) -> Bundle:
    """Several files as one; what stands in two of them is refused."""
    settings = [bundle.settings for bundle in bundles if bundle.settings is not None]
    if len(settings) > 1:
        raise InvalidInput("The settings stand in two files; keep them in one.", ("settings",))
    parts = {kind: tuple(s for b in bundles for s in getattr(b, kind)) for kind in KINDS}
    for kind, specs in parts.items():
        _check_names(specs, (kind,))
    return Bundle(**parts, settings=settings[0] if settings else None)


def verify_bundle(bundle: Bundle) -> tuple[tuple[str, Finding], ...]:
    """What verification says of every workflow, with its slug."""
    snapshots = [bundle.snapshot(workflow.name) for workflow in bundle.workflows]
    return tuple(
        (snapshot.workflow.name, finding)
        for snapshot in snapshots
        if snapshot is not None
        for finding in verify(snapshot, bundle.settings)
    )


def changed_fields(before: Spec | TenantSettings, after: Spec | TenantSettings) -> list[str]:
    """The words of what differs at the top of two specs."""
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
    for place, spec in enumerate(specs):
        if spec.name in seen:
            raise InvalidInput(
                f"{spec.name[:64]!r} stands here twice, at {seen[spec.name]} and {place}.",
                (*path, str(place), api_name(type(spec), "name")),
            )
        seen[spec.name] = place


def _with_schema(tool: Any, path: Path) -> Any:
    """The short list of parameters may stand in place of their schema."""
    if not isinstance(tool, Mapping) or "parametersList" not in tool:
        return tool
    if "parameters" in tool:
        raise InvalidInput("Give parameters or parametersList, not both.", path)
    here = (*path, "parametersList")
    given = tool["parametersList"]
    if not isinstance(given, list):
        raise InvalidInput("A list belongs here.", here)
    listed = [structure(Parameter, each, (*here, str(n))) for n, each in enumerate(given)]
    rest = {key: value for key, value in tool.items() if key != "parametersList"}
    return {**rest, "parameters": schema_of(listed, here)}
