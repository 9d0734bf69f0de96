"""What a tenant sets once for all its agents and tools."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from domain.common.casing import camel
from domain.common.errors import InvalidInput, Path
from domain.common.languages import check_language
from domain.common.text_validation import IDENTIFIER, check_name, check_text
from domain.providers.prices import Price, check_prices
from domain.tenants.budgets import NO_BUDGETS, Budgets
from domain.tools.http_validation import check_headers, check_url
from domain.workflows.agents import AgentSpec, ProviderChoice, check_provider_choice

MAX_ENDPOINTS = 100
MAX_MCP_SERVERS = 20
MAX_VALUES_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What agents have that choose nothing themselves."""

    llm: ProviderChoice | None = None
    stt: ProviderChoice | None = None
    tts: ProviderChoice | None = None
    vad: ProviderChoice | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A server under a name, so that one tool serves in every environment.

    What a tool gives as its path is put behind `url`; its headers go over these."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """A server of tools that speaks the Model Context Protocol over streamable HTTP. Only the tools
    in `allow` may be used."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSettings:
    """`values` is what templates read at `tenant.settings`; `prices` go over those that are listed."""

    defaults: Defaults = Defaults()
    endpoints: tuple[Endpoint, ...] = ()
    mcp_servers: tuple[McpServer, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    prices: tuple[Price, ...] = ()
    budgets: Budgets = NO_BUDGETS

    def endpoint(self, name: str) -> Endpoint | None:
        return next((each for each in self.endpoints if each.name == name), None)

    def mcp_server(self, name: str) -> McpServer | None:
        return next((each for each in self.mcp_servers if each.name == name), None)

    @property
    def template_namespace(self) -> Mapping[str, Any]:
        """The namespace `tenant`."""
        return {"settings": self.values, "language": self.defaults.language}


NO_SETTINGS = TenantSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSettings:
    """The settings as they stand now; revision 0: nobody has edited them."""

    revision: int = 0
    spec: TenantSettings = NO_SETTINGS


def apply_defaults(agent: AgentSpec, defaults: Defaults) -> AgentSpec:
    """The agent with the tenant's defaults where it chose nothing."""
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


def merge_settings(kept: TenantSettings, given: TenantSettings) -> TenantSettings:
    """What is kept, and over it what is given, by name. Prices and budgets stay: no bundle has
    them."""
    return replace(
        kept,
        defaults=Defaults(
            **{
                field.name: getattr(given.defaults, field.name)
                or getattr(kept.defaults, field.name)
                for field in fields(Defaults)
            }
        ),
        endpoints=tuple({e.name: e for e in (*kept.endpoints, *given.endpoints)}.values()),
        mcp_servers=tuple({s.name: s for s in (*kept.mcp_servers, *given.mcp_servers)}.values()),
        values={**kept.values, **given.values},
    )


def check_settings(settings: TenantSettings, path: Path = ("input",)) -> TenantSettings:
    """The settings themselves, or `InvalidInput` naming the first field that breaks a rule."""
    for name in ("llm", "stt", "tts", "vad"):
        choice = getattr(settings.defaults, name)
        if choice is not None:
            check_provider_choice(choice, (*path, "defaults", name))
    if settings.defaults.language is not None:
        check_language(settings.defaults.language, (*path, "defaults", "language"))
    _check_servers(settings.endpoints, MAX_ENDPOINTS, (*path, "endpoints"))
    _check_servers(settings.mcp_servers, MAX_MCP_SERVERS, (*path, "mcpServers"))
    for place, server in enumerate(settings.mcp_servers):
        for number, tool in enumerate(server.allow):
            here = (*path, "mcpServers", str(place), "allow", str(number))
            check_text(tool, here, max_length=128, min_length=1)
    if len(json.dumps(settings.values, default=dict)) > MAX_VALUES_BYTES:
        raise InvalidInput(f"values may have {MAX_VALUES_BYTES} bytes as JSON.", (*path, "values"))
    check_prices(settings.prices, (*path, "prices"))
    _check_budgets(settings.budgets, (*path, "budgets"))
    return settings


def _check_budgets(budgets: Budgets, path: Path) -> None:
    for name in ("concurrent_calls", "minutes_per_month"):
        limit = getattr(budgets, name)
        if limit is not None and limit < 0:
            raise InvalidInput(
                "A budget is 0 or more; null is no limit, 0 lets no call in.", (*path, camel(name))
            )


def _check_servers(places: Sequence[Endpoint | McpServer], most: int, path: Path) -> None:
    if len(places) > most:
        raise InvalidInput(f"At most {most} are possible here.", path)
    seen: set[str] = set()
    for number, place in enumerate(places):
        here = (*path, str(number))
        check_name(place.name, (*here, "name"), IDENTIFIER)
        if place.name in seen:
            raise InvalidInput("The same name stands here twice.", (*here, "name"))
        seen.add(place.name)
        check_url(place.url, (*here, "url"))
        check_headers(place.headers, (*here, "headers"))
