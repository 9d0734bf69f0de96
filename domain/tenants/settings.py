"""The settings of a tenant, which apply to all its agents and tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from domain.common.calling_hours import CallingHours, check_calling_hours
from domain.common.casing import camel
from domain.common.errors import InvalidInput, Path, Problem
from domain.common.json_values import TOO_DEEP, is_too_deep
from domain.common.languages import check_language
from domain.common.problems import Problems, problems_of, raise_per_value
from domain.common.text_validation import IDENTIFIER, check_name, check_text
from domain.providers.prices import Price, check_prices
from domain.tenants.budgets import NO_BUDGETS, Budgets
from domain.tools.http_validation import check_url, header_problems
from domain.workflows.agents import AgentSpec, ProviderChoice, provider_choice_problems
from domain.workflows.spoken_text_templates import SpokenTextTemplate, spoken_text_problems

T = TypeVar("T")

MAX_ENDPOINTS = 100
MAX_MCP_SERVERS = 20
MAX_VALUES_BYTES = 16_384
MAX_SPOKEN_TEXTS = 400
SPOKEN_TEXT_NAMESPACES = frozenset({"user", "tenant", "call"})
"""What the spoken texts of a tenant may read: what exists in every call, whatever its workflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The providers and the language of agents that choose none themselves."""

    llm: ProviderChoice | None = None
    stt: ProviderChoice | None = None
    tts: ProviderChoice | None = None
    vad: ProviderChoice | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A named server, so that the same tool works in every environment.

    The path of a tool is appended to `url`, and the tool's headers override these."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """A server that offers tools over the Model Context Protocol with streamable HTTP. Only the
    tools in `allow` may be called."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSettings:
    """The settings of a tenant. Templates read `values` at `tenant.settings`; `prices` override the
    list prices, and `spoken_texts` the product's own."""

    defaults: Defaults = Defaults()
    endpoints: tuple[Endpoint, ...] = ()
    mcp_servers: tuple[McpServer, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    prices: tuple[Price, ...] = ()
    budgets: Budgets = NO_BUDGETS
    spoken_texts: tuple[SpokenTextTemplate, ...] = ()
    allowed_hours: CallingHours | None = None
    """When callees may be called, unless the start of a call says otherwise; None: at any time."""

    def endpoint(self, name: str) -> Endpoint | None:
        return next((each for each in self.endpoints if each.name == name), None)

    def mcp_server(self, name: str) -> McpServer | None:
        return next((each for each in self.mcp_servers if each.name == name), None)

    @property
    def template_namespace(self) -> Mapping[str, Any]:
        """The template namespace `tenant`."""
        return {"settings": self.values, "language": self.defaults.language}


NO_SETTINGS = TenantSettings()
INHERITABLE_FIELDS = ("llm", "stt", "tts", "vad", "default_language")
"""The fields of agents that the defaults fill in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSettings:
    """The current settings; revision 0 means that they were never edited."""

    revision: int = 0
    spec: TenantSettings = NO_SETTINGS


def apply_defaults(agent: AgentSpec, defaults: Defaults) -> AgentSpec:
    """Fill in the tenant's defaults where the agent chooses nothing itself."""
    return replace(
        agent,
        llm=agent.llm or defaults.llm,
        stt=agent.stt or defaults.stt,
        tts=agent.tts or defaults.tts,
        vad=agent.vad or defaults.vad,
        default_language=agent.default_language
        or next(iter(agent.languages), None)
        or defaults.language,
    )


def inherited_fields(agent: AgentSpec, filled: AgentSpec) -> tuple[str, ...]:
    """The fields that `apply_defaults` filled in."""
    return tuple(
        name
        for name in INHERITABLE_FIELDS
        if getattr(agent, name) is None and getattr(filled, name) is not None
    )


def without_defaults(agent: AgentSpec, inherited: Sequence[str]) -> AgentSpec:
    """The agent as it was before `apply_defaults` filled in these fields."""
    changes: dict[str, Any] = dict.fromkeys(set(inherited) & set(INHERITABLE_FIELDS))
    return replace(agent, **changes)


def bundled_settings(settings: TenantSettings) -> TenantSettings:
    """The settings without those that bundles do not contain."""
    return replace(
        settings,
        prices=NO_SETTINGS.prices,
        budgets=NO_SETTINGS.budgets,
        allowed_hours=NO_SETTINGS.allowed_hours,
    )


def merge_settings(
    current: TenantSettings, imported: TenantSettings, *, override: bool = True
) -> TenantSettings:
    """Add the imported settings to the current ones. Those of the same name, or spoken texts of the
    same text and language, override the current ones or, without `override`, are left out. Prices,
    budgets and allowed hours do not change, because bundles do not contain them."""
    first, second = (imported, current) if override else (current, imported)
    names = [field.name for field in fields(Defaults)]
    defaults = {n: getattr(first.defaults, n) or getattr(second.defaults, n) for n in names}
    return replace(
        current,
        defaults=Defaults(**defaults),
        endpoints=_merged(current.endpoints, imported.endpoints, _name, override),
        mcp_servers=_merged(current.mcp_servers, imported.mcp_servers, _name, override),
        values={**second.values, **first.values},
        spoken_texts=_merged(
            current.spoken_texts, imported.spoken_texts, lambda t: (t.text, t.language), override
        ),
    )


def _name(server: Endpoint | McpServer) -> str:
    return server.name


def _merged(
    current: tuple[T, ...], imported: tuple[T, ...], key: Callable[[T], Any], override: bool
) -> tuple[T, ...]:
    merged = {key(each): each for each in current}
    merged |= {key(each): each for each in imported if override or key(each) not in merged}
    return tuple(merged.values())


def check_settings(
    settings: TenantSettings, path: Path = (), found: Iterable[Problem] = ()
) -> TenantSettings:
    """Return the settings. Raises `InvalidInput` with all problems, after those already `found`."""
    raise_per_value(found, settings_problems(settings, path))
    return settings


def settings_problems(settings: TenantSettings, path: Path = ()) -> Problems:
    for name in ("llm", "stt", "tts", "vad"):
        choice = getattr(settings.defaults, name)
        if choice is not None:
            yield from provider_choice_problems(choice, (*path, "defaults", name))
    if settings.defaults.language is not None:
        here = (*path, "defaults", "language")
        yield from problems_of(check_language, settings.defaults.language, here)
    yield from _server_problems(settings.endpoints, MAX_ENDPOINTS, (*path, "endpoints"))
    yield from _server_problems(settings.mcp_servers, MAX_MCP_SERVERS, (*path, "mcpServers"))
    for server_index, server in enumerate(settings.mcp_servers):
        for index, tool in enumerate(server.allow):
            here = (*path, "mcpServers", str(server_index), "allow", str(index))
            yield from problems_of(check_text, tool, here, max_length=128, min_length=1)
    if is_too_deep(settings.values):
        yield InvalidInput(f"values are {TOO_DEEP}.", (*path, "values"))
    elif len(json.dumps(settings.values, default=dict)) > MAX_VALUES_BYTES:
        yield InvalidInput(
            f"values must not be larger than {MAX_VALUES_BYTES} bytes as JSON.", (*path, "values")
        )
    yield from problems_of(check_prices, settings.prices, (*path, "prices"))
    yield from _budget_problems(settings.budgets, (*path, "budgets"))
    yield from spoken_text_problems(
        settings.spoken_texts,
        (*path, "spokenTexts"),
        SPOKEN_TEXT_NAMESPACES,
        MAX_SPOKEN_TEXTS,
    )
    if settings.allowed_hours is not None:
        here = (*path, "allowedHours")
        yield from problems_of(check_calling_hours, settings.allowed_hours, here)


def _budget_problems(budgets: Budgets, path: Path) -> Problems:
    for name in ("concurrent_calls", "minutes_per_month"):
        limit = getattr(budgets, name)
        if limit is not None and limit < 0:
            yield InvalidInput(
                "A budget must be 0 or more; null is no limit, and 0 allows no calls.",
                (*path, camel(name)),
            )


def _server_problems(
    servers: Sequence[Endpoint | McpServer], max_count: int, path: Path
) -> Problems:
    if len(servers) > max_count:
        yield InvalidInput(f"{path[-1]} must not have more than {max_count} items.", path)
        return
    names: set[str] = set()
    for index, server in enumerate(servers):
        here = (*path, str(index))
        yield from problems_of(check_name, server.name, (*here, "name"), IDENTIFIER)
        if server.name in names:
            yield InvalidInput("Another item has the same name.", (*here, "name"))
        names.add(server.name)
        yield from problems_of(check_url, server.url, (*here, "url"))
        yield from header_problems(server.headers, (*here, "headers"))
