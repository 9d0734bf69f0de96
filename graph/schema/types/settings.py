"""What a tenant sets once for all its agents and tools."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from domain.providers.model import ProviderKind
from domain.providers.prices import Price
from domain.tenants import budgets as limits
from domain.tenants import settings as domain
from graph.schema.scalars import Json, Money
from graph.schema.types.errors import NotFoundError, RevisionConflict, ValidationError
from graph.schema.types.inputs import Fields, changed_fields, json_object
from graph.schema.types.providers import ProviderChoiceInput, ProviderChoiceType
from graph.schema.types.tools import ToolType


@strawberry.type(description="What agents have that choose nothing themselves.")
class Defaults:
    llm: ProviderChoiceType | None = strawberry.field(description="The model.")
    stt: ProviderChoiceType | None = strawberry.field(description="Hearing.")
    tts: ProviderChoiceType | None = strawberry.field(description="Speech.")
    vad: ProviderChoiceType | None = strawberry.field(description="What tells speech from noise.")
    language: str | None = strawberry.field(description="A BCP 47 tag.")


@strawberry.type(description="A server under a name, so that one tool serves everywhere.")
class Endpoint:
    name: str = strawberry.field(description="What apiCall names it by.")
    url: str = strawberry.field(description="What the paths of tools are put behind.")
    headers: Json = strawberry.field(description="Sent with every request; may hold secrets.")


@strawberry.type(description="A server of tools that speaks the Model Context Protocol.")
class McpServer:
    name: str = strawberry.field(description="What mcpCall names it by.")
    url: str = strawberry.field(description="Its address, for streamable HTTP.")
    headers: Json = strawberry.field(description="Sent with every request; may hold secrets.")
    allow: list[str] = strawberry.field(description="The tools of it that may be used.")


@strawberry.type(
    name="Price",
    description="What a model costs: dollars for a million tokens or characters, or for an hour.",
)
class PriceType:
    kind: ProviderKind = strawberry.field(description="What it does in a call.")
    provider: str = strawberry.field(description="Its name in the catalogue.")
    model: str = strawberry.field(description="As agents name it.")
    input_tokens: Money | None = strawberry.field(description="For a million tokens read.")
    cached_tokens: Money | None = strawberry.field(
        description="For a million of those that the provider still knew; null: like the others."
    )
    output_tokens: Money | None = strawberry.field(description="For a million tokens written.")
    characters: Money | None = strawberry.field(description="For a million characters spoken.")
    audio_hour: Money | None = strawberry.field(description="For an hour of audio.")


@strawberry.type(description="Limits to what calls may use; null: none. Months are those of UTC.")
class Budgets:
    concurrent_calls: int | None = strawberry.field(description="Calls that go on at a time.")
    minutes_per_month: int | None = strawberry.field(description="Minutes of all calls.")
    spend_per_month: Money | None = strawberry.field(description="What all calls may come to.")
    spend_per_call: Money | None = strawberry.field(description="What one call may come to.")


def _spec_field(name: str, description: str, type: Any) -> Any:
    def read(root: Any) -> Any:
        return getattr(root.spec, name)

    return strawberry.field(resolver=read, graphql_type=type, description=description)


@strawberry.type(name="TenantSettings", description="The settings of your tenant.")
class SettingsType:
    revision: int = strawberry.field(description="Grows with every edit; 0 before the first.")
    defaults: Defaults = _spec_field("defaults", "For agents that choose nothing.", Defaults)
    endpoints: list[Endpoint] = _spec_field("endpoints", "Servers by name.", list[Endpoint])
    mcp_servers: list[McpServer] = _spec_field("mcp_servers", "Servers of tools.", list[McpServer])
    values: Json = _spec_field("values", "What templates read at tenant.settings.", Json)
    prices: list[PriceType] = _spec_field(
        "prices", "Your own, over those that are known here.", list[PriceType]
    )
    budgets: Budgets = _spec_field("budgets", "Limits to what calls may use.", Budgets)


@strawberry.input(description="What agents have that choose nothing themselves.")
class DefaultsInput:
    llm: ProviderChoiceInput | None = strawberry.field(default=None, description="The model.")
    stt: ProviderChoiceInput | None = strawberry.field(default=None, description="Hearing.")
    tts: ProviderChoiceInput | None = strawberry.field(default=None, description="Speech.")
    vad: ProviderChoiceInput | None = strawberry.field(
        default=None, description="What tells speech from noise."
    )
    language: str | None = strawberry.field(default=None, description="A BCP 47 tag.")

    def defaults(self) -> domain.Defaults:
        chosen = {
            name: getattr(self, name).choice() if getattr(self, name) else None
            for name in ("llm", "stt", "tts", "vad")
        }
        return domain.Defaults(**chosen, language=self.language)


@strawberry.input(description="A server under a name.")
class EndpointInput:
    name: str = strawberry.field(description="What apiCall names it by.")
    url: str = strawberry.field(description="What the paths of tools are put behind.")
    headers: Json | None = strawberry.field(
        default=None, description="Names and values; {{secret.name}} is filled in last."
    )


@strawberry.input(description="A server of tools that speaks the Model Context Protocol.")
class McpServerInput:
    name: str = strawberry.field(description="What mcpCall names it by.")
    url: str = strawberry.field(description="Its address, for streamable HTTP.")
    headers: Json | None = strawberry.field(
        default=None, description="Names and values; {{secret.name}} is filled in last."
    )
    allow: list[str] = strawberry.field(
        default_factory=list, description="The tools of it that may be used."
    )


@strawberry.input(description="What a model costs you; by what it is priced depends on its kind.")
class PriceInput:
    kind: ProviderKind = strawberry.field(description="LLM, STT or TTS.")
    provider: str = strawberry.field(description="Its name in the catalogue.")
    model: str = strawberry.field(description="As agents name it.")
    input_tokens: Money | None = strawberry.field(
        default=None, description="For a million tokens read."
    )
    cached_tokens: Money | None = strawberry.field(
        default=None, description="For a million that the provider still knew."
    )
    output_tokens: Money | None = strawberry.field(
        default=None, description="For a million tokens written."
    )
    characters: Money | None = strawberry.field(
        default=None, description="For a million characters spoken."
    )
    audio_hour: Money | None = strawberry.field(default=None, description="For an hour of audio.")


@strawberry.input(description="Limits to what calls may use; what is left out is without limit.")
class BudgetsInput:
    concurrent_calls: int | None = strawberry.field(
        default=None, description="Calls that go on at a time."
    )
    minutes_per_month: int | None = strawberry.field(
        default=None, description="Minutes of all calls, in a month of UTC."
    )
    spend_per_month: Money | None = strawberry.field(
        default=None, description="What all calls may come to, in a month of UTC."
    )
    spend_per_call: Money | None = strawberry.field(
        default=None, description="What one call may come to."
    )

    def budgets(self) -> limits.Budgets:
        return limits.Budgets(**vars(self))


def prices(given: list[PriceInput]) -> tuple[Price, ...]:
    return tuple(Price(**vars(each)) for each in given)


def endpoints(given: list[EndpointInput]) -> tuple[domain.Endpoint, ...]:
    return tuple(
        domain.Endpoint(name=each.name, url=each.url, headers=_headers(each.headers))
        for each in given
    )


def servers(given: list[McpServerInput]) -> tuple[domain.McpServer, ...]:
    return tuple(
        domain.McpServer(
            name=each.name,
            url=each.url,
            headers=_headers(each.headers),
            allow=tuple(each.allow),
        )
        for each in given
    )


def _headers(given: Any) -> dict[str, str]:
    return {name: str(value) for name, value in json_object(given, "headers").items()}


def _values(given: Any) -> Any:
    return json_object(given, "values")


@strawberry.input(description="Changes to the settings: what is left out stays as it is.")
class UpdateSettingsInput:
    expected_revision: int = strawberry.field(description="The revision you read.")
    defaults: strawberry.Maybe[DefaultsInput | None] = strawberry.field(
        description="All of them: what is left out inside is none."
    )
    endpoints: strawberry.Maybe[list[EndpointInput] | None] = strawberry.field(
        description="All endpoints."
    )
    mcp_servers: strawberry.Maybe[list[McpServerInput] | None] = strawberry.field(
        description="All MCP servers."
    )
    values: strawberry.Maybe[Json | None] = strawberry.field(
        description="All of what templates read at tenant.settings."
    )
    prices: strawberry.Maybe[list[PriceInput] | None] = strawberry.field(
        description="All prices of your own."
    )
    budgets: strawberry.Maybe[BudgetsInput | None] = strawberry.field(
        description="All of them: what is left out inside is without limit."
    )

    def changes(self) -> dict[str, Any]:
        fields: Fields = {
            "defaults": ("defaults", DefaultsInput.defaults),
            "endpoints": ("endpoints", endpoints),
            "mcp_servers": ("mcp_servers", servers),
            "values": ("values", _values),
            "prices": ("prices", prices),
            "budgets": ("budgets", BudgetsInput.budgets),
        }
        return changed_fields(self, fields)


@strawberry.type(description="A tool that an MCP server offers.")
class McpTool:
    name: str = strawberry.field(description="What the server calls it.")
    description: str = strawberry.field(description="What it is for, in the server's words.")
    parameters: Json = strawberry.field(description="A JSON Schema of its arguments.")


@strawberry.input(description="Tools of an MCP server to be used.")
class ImportMcpToolsInput:
    server: str = strawberry.field(description="Its name in the settings.")
    tools: list[str] = strawberry.field(description="What the server calls them.")


@strawberry.type(description="The settings were changed.")
class UpdateSettingsSuccess:
    settings: SettingsType = strawberry.field(description="As they are now.")


@strawberry.type(description="The tools were made, and are allowed on their server.")
class ImportMcpToolsSuccess:
    tools: list[ToolType] = strawberry.field(description="One for each.")


UpdateSettingsResult = Annotated[
    UpdateSettingsSuccess | ValidationError | RevisionConflict,
    strawberry.union("UpdateSettingsResult", description="What became of updateSettings."),
]
ImportMcpToolsResult = Annotated[
    ImportMcpToolsSuccess | ValidationError | NotFoundError | RevisionConflict,
    strawberry.union("ImportMcpToolsResult", description="What became of importMcpTools."),
]
