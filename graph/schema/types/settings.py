"""Settings of a tenant, which apply to all its agents and tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry

from domain.common.patches import Patch
from domain.providers.model import ProviderKind
from domain.providers.prices import Price
from domain.tenants import budgets as limits
from domain.tenants import settings as domain
from domain.tools.model import Tool
from graph.schema.scalars import Json, Money
from graph.schema.types.calling_hours import AllowedHours, AllowedHoursInput
from graph.schema.types.common import spec_field
from graph.schema.types.errors import (
    NotFoundError,
    QuotaExceeded,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.inputs import (
    Fields,
    InputReader,
    json_object,
    json_texts,
    same,
)
from graph.schema.types.providers import ProviderChoiceInput, ProviderChoiceType
from graph.schema.types.spoken_texts import (
    SpokenTextTemplate,
    SpokenTextTemplateInput,
    spoken_texts,
)
from graph.schema.types.tools import ToolType


@strawberry.type(
    description="Defaults for agents that do not choose a provider or language themselves."
)
class Defaults:
    llm: ProviderChoiceType | None = strawberry.field(
        description="Default language model; null for none."
    )
    stt: ProviderChoiceType | None = strawberry.field(
        description="Default speech-to-text provider; null for none."
    )
    tts: ProviderChoiceType | None = strawberry.field(
        description="Default text-to-speech provider; null for none."
    )
    vad: ProviderChoiceType | None = strawberry.field(
        description="Default voice activity detection; null for the built-in one."
    )
    language: str | None = strawberry.field(
        description="Default language as a BCP 47 tag; null for none."
    )


@strawberry.type(
    description="A named HTTP server, so that the same tool works in every environment."
)
class Endpoint:
    name: str = strawberry.field(description="Name of the endpoint; `apiCall` actions refer to it.")
    url: str = strawberry.field(description="Base URL, to which the paths of tools are appended.")
    headers: Json = strawberry.field(
        description=(
            "HTTP headers of every request, as an object; `{{secret.name}}` is replaced last."
        )
    )


@strawberry.type(description="An MCP (Model Context Protocol) server, whose tools agents can use.")
class McpServer:
    name: str = strawberry.field(description="Name of the server; `mcpCall` actions refer to it.")
    url: str = strawberry.field(description="URL of the server, for the streamable HTTP transport.")
    headers: Json = strawberry.field(
        description=(
            "HTTP headers of every request, as an object; `{{secret.name}}` is replaced last."
        )
    )
    allow: list[str] = strawberry.field(description="Names of the server's tools that may be used.")


@strawberry.type(
    name="Price",
    description=(
        "Price of a model, in dollars per million tokens or characters, or per hour of audio, or of "
        "a trunk, in dollars per minute."
    ),
)
class PriceType:
    kind: ProviderKind = strawberry.field(
        description="Role of the provider in a call: LLM, STT, TTS or TRUNK."
    )
    provider: str = strawberry.field(
        description="Name of the provider in the catalog, or of the trunk."
    )
    model: str = strawberry.field(
        description=(
            "Name of the model, as agents use it; for a trunk, the country of the called number as an "
            "ISO 3166-1 code, or `other` for numbers that belong to none."
        )
    )
    input_tokens: Money | None = strawberry.field(
        description="Price per million input tokens; null when it does not apply."
    )
    cached_tokens: Money | None = strawberry.field(
        description=(
            "Price per million cached input tokens; null for the price of other input tokens."
        )
    )
    output_tokens: Money | None = strawberry.field(
        description="Price per million output tokens; null when it does not apply."
    )
    characters: Money | None = strawberry.field(
        description="Price per million characters of synthesized speech; null when it does not apply."
    )
    audio_hour: Money | None = strawberry.field(
        description="Price per hour of audio; null when it does not apply."
    )
    minute: Money | None = strawberry.field(
        description="Price per minute of a telephone call; null when it does not apply."
    )


@strawberry.type(
    description=(
        "Limits for the usage of calls; null for no limit. Months are calendar months in UTC."
    )
)
class Budgets:
    concurrent_calls: int | None = strawberry.field(
        description="Maximum number of calls in progress at a time; null for no limit."
    )
    minutes_per_month: int | None = strawberry.field(
        description="Maximum minutes of all calls in a calendar month (UTC); null for no limit."
    )
    spend_per_month: Money | None = strawberry.field(
        description=(
            "Maximum estimated cost of all calls in a calendar month (UTC); null for no limit."
        )
    )
    spend_per_call: Money | None = strawberry.field(
        description="Maximum estimated cost of one call; null for no limit."
    )


@strawberry.type(name="TenantSettings", description="Settings of your tenant.")
class SettingsType:
    revision: int = strawberry.field(
        description="Revision number; increases with every edit, and is 0 before the first."
    )
    defaults: Defaults = spec_field(
        "defaults",
        "Defaults for agents that do not choose a provider or language themselves.",
        Defaults,
    )
    endpoints: list[Endpoint] = spec_field(
        "endpoints", "Named HTTP servers for `apiCall` actions.", list[Endpoint]
    )
    mcp_servers: list[McpServer] = spec_field(
        "mcp_servers", "MCP servers for `mcpCall` actions.", list[McpServer]
    )
    values: Json = spec_field(
        "values", "Values that templates read as `tenant.settings.<key>`.", Json
    )
    prices: list[PriceType] = spec_field(
        "prices", "Your own prices, which override the built-in price list.", list[PriceType]
    )
    budgets: Budgets = spec_field("budgets", "Limits for the usage of calls.", Budgets)
    spoken_texts: list[SpokenTextTemplate] = spec_field(
        "spoken_texts",
        "Your wording of texts that agents say without their model, for agents that have none of "
        "their own; the built-in ones apply to the rest.",
        list[SpokenTextTemplate],
    )
    allowed_hours: AllowedHours | None = spec_field(
        "allowed_hours",
        "When callees may be called, unless `startCall` gives other hours; null for any time.",
        AllowedHours | None,
    )


@strawberry.input(
    description=(
        "Defaults for agents that do not choose a provider or language themselves. Omitted ones stay "
        "as they are."
    )
)
class DefaultsInput:
    llm: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(
        description="Default language model; null for none."
    )
    stt: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(
        description="Default speech-to-text provider; null for none."
    )
    tts: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(
        description="Default text-to-speech provider; null for none."
    )
    vad: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(
        description="Default voice activity detection; null for the built-in one."
    )
    language: strawberry.Maybe[str | None] = strawberry.field(
        description="Default language as a BCP 47 tag; null for none."
    )

    def patch(self, reader: InputReader) -> Patch[domain.Defaults]:
        choices = ("llm", "stt", "tts", "vad")
        fields: Fields = {
            **{name: (name, ProviderChoiceInput.patch) for name in choices},
            **same("language"),
        }
        return reader.patch(self, domain.Defaults, fields, nullable=frozenset(fields))


@strawberry.input(
    description="A named HTTP server, so that the same tool works in every environment."
)
class EndpointInput:
    name: str = strawberry.field(description="Name of the endpoint; `apiCall` actions refer to it.")
    url: str = strawberry.field(description="Base URL, to which the paths of tools are appended.")
    headers: Json | None = strawberry.field(
        default=None,
        description=(
            "HTTP headers of every request, as an object; `{{secret.name}}` is replaced last."
        ),
    )


@strawberry.input(description="An MCP (Model Context Protocol) server, whose tools agents can use.")
class McpServerInput:
    name: str = strawberry.field(description="Name of the server; `mcpCall` actions refer to it.")
    url: str = strawberry.field(description="URL of the server, for the streamable HTTP transport.")
    headers: Json | None = strawberry.field(
        default=None,
        description=(
            "HTTP headers of every request, as an object; `{{secret.name}}` is replaced last."
        ),
    )
    allow: list[str] = strawberry.field(
        default_factory=list, description="Names of the server's tools that may be used."
    )


@strawberry.input(description="Price of a model for you; which fields apply depends on the kind.")
class PriceInput:
    kind: ProviderKind = strawberry.field(
        description="Role of the provider in a call: LLM, STT, TTS or TRUNK."
    )
    provider: str = strawberry.field(
        description="Name of the provider in the catalog, or of the trunk."
    )
    model: str = strawberry.field(
        description=(
            "Name of the model, as agents use it; for a trunk, the country of the called number as an "
            "ISO 3166-1 code, or `other` for numbers that belong to none."
        )
    )
    input_tokens: Money | None = strawberry.field(
        default=None, description="Price per million input tokens; null when it does not apply."
    )
    cached_tokens: Money | None = strawberry.field(
        default=None,
        description=(
            "Price per million cached input tokens; null for the price of other input tokens."
        ),
    )
    output_tokens: Money | None = strawberry.field(
        default=None, description="Price per million output tokens; null when it does not apply."
    )
    characters: Money | None = strawberry.field(
        default=None,
        description="Price per million characters of synthesized speech; null when it does not apply.",
    )
    audio_hour: Money | None = strawberry.field(
        default=None, description="Price per hour of audio; null when it does not apply."
    )
    minute: Money | None = strawberry.field(
        default=None,
        description="Price per minute of a telephone call; null when it does not apply.",
    )


@strawberry.input(
    description="Limits for the usage of calls. Omitted limits stay as they are; null removes one."
)
class BudgetsInput:
    concurrent_calls: strawberry.Maybe[int | None] = strawberry.field(
        description="Maximum number of calls in progress at a time; null for no limit."
    )
    minutes_per_month: strawberry.Maybe[int | None] = strawberry.field(
        description="Maximum minutes of all calls in a calendar month (UTC); null for no limit."
    )
    spend_per_month: strawberry.Maybe[Money | None] = strawberry.field(
        description=(
            "Maximum estimated cost of all calls in a calendar month (UTC); null for no limit."
        )
    )
    spend_per_call: strawberry.Maybe[Money | None] = strawberry.field(
        description="Maximum estimated cost of one call; null for no limit."
    )

    def patch(self, reader: InputReader) -> Patch[limits.Budgets]:
        fields = same("concurrent_calls", "minutes_per_month", "spend_per_month", "spend_per_call")
        return reader.patch(self, limits.Budgets, fields, nullable=frozenset(fields))


def prices(inputs: list[PriceInput], _reader: InputReader) -> tuple[Price, ...]:
    return tuple(Price(**vars(each)) for each in inputs)


def endpoints(inputs: list[EndpointInput], reader: InputReader) -> tuple[domain.Endpoint, ...]:
    return tuple(
        domain.Endpoint(
            name=each.name,
            url=each.url,
            headers=json_texts(each.headers, reader.at(str(index), "headers")),
        )
        for index, each in enumerate(inputs)
    )


def servers(inputs: list[McpServerInput], reader: InputReader) -> tuple[domain.McpServer, ...]:
    return tuple(
        domain.McpServer(
            name=each.name,
            url=each.url,
            headers=json_texts(each.headers, reader.at(str(index), "headers")),
            allow=tuple(each.allow),
        )
        for index, each in enumerate(inputs)
    )


@strawberry.input(
    description=(
        "Changes to the settings. Omitted fields stay as they are, also within `defaults`, `budgets` "
        "and `allowedHours`; lists and `values` are replaced as a whole."
    )
)
class UpdateSettingsInput:
    expected_revision: int = strawberry.field(
        description=(
            "Revision that you read; the update fails with RevisionConflict when it "
            "is no longer current."
        )
    )
    defaults: strawberry.Maybe[DefaultsInput | None] = strawberry.field(
        description="Changes to the defaults; omitted ones stay as they are."
    )
    endpoints: strawberry.Maybe[list[EndpointInput] | None] = strawberry.field(
        description="All endpoints, replacing the current ones."
    )
    mcp_servers: strawberry.Maybe[list[McpServerInput] | None] = strawberry.field(
        description="All MCP servers, replacing the current ones."
    )
    values: strawberry.Maybe[Json | None] = strawberry.field(
        description=(
            "All values that templates read as `tenant.settings.<key>`, replacing the current ones."
        )
    )
    prices: strawberry.Maybe[list[PriceInput] | None] = strawberry.field(
        description="All your own prices, replacing the current ones."
    )
    budgets: strawberry.Maybe[BudgetsInput | None] = strawberry.field(
        description="Changes to the limits; omitted ones stay as they are."
    )
    spoken_texts: strawberry.Maybe[list[SpokenTextTemplateInput] | None] = strawberry.field(
        description=(
            "All your wordings of spoken texts, replacing the current ones; at most 400. Their "
            "templates read `user`, `tenant` and `call`."
        )
    )
    allowed_hours: strawberry.Maybe[AllowedHoursInput | None] = strawberry.field(
        description="When callees may be called; null for any time."
    )

    def changes(self, reader: InputReader) -> dict[str, Any]:
        fields: Fields = {
            "defaults": ("defaults", DefaultsInput.patch),
            "endpoints": ("endpoints", endpoints),
            "mcp_servers": ("mcp_servers", servers),
            "values": ("values", _values),
            "prices": ("prices", prices),
            "budgets": ("budgets", BudgetsInput.patch),
            "spoken_texts": ("spoken_texts", spoken_texts),
            "allowed_hours": ("allowed_hours", AllowedHoursInput.patch),
        }
        return reader.changes(self, fields, nullable=frozenset({"allowed_hours"}))


def _values(value: Any, reader: InputReader) -> Any:
    # Not `json_object`, because null does not empty the values.
    return json_object(value, reader)


@strawberry.type(description="A tool that an MCP server offers.")
class McpTool:
    name: str = strawberry.field(description="Name of the tool on the server.")
    description: str = strawberry.field(
        description="Description of the tool, as given by the server."
    )
    parameters: Json = strawberry.field(description="JSON Schema of the arguments.")


@strawberry.input(description="Tools of an MCP server to import.")
class ImportMcpToolsInput:
    server: str = strawberry.field(description="Name of the MCP server in the settings.")
    tools: list[str] = strawberry.field(description="Names of the tools on the server.")


@strawberry.type(description="The settings were updated.")
class UpdateSettingsSuccess:
    settings: domain.StoredSettings = strawberry.field(
        graphql_type=SettingsType, description="The updated settings."
    )


@strawberry.type(description="The tools were created or updated, and are allowed on their server.")
class ImportMcpToolsSuccess:
    tools: Sequence[Tool] = strawberry.field(
        graphql_type=list[ToolType], description="The imported tools, one for each name."
    )


UpdateSettingsResult = Annotated[
    UpdateSettingsSuccess | ValidationError | RevisionConflict,
    strawberry.union(
        "UpdateSettingsResult",
        description="Result of `updateSettings`: the success type or one of the errors.",
    ),
]
ImportMcpToolsResult = Annotated[
    ImportMcpToolsSuccess | ValidationError | NotFoundError | RevisionConflict | QuotaExceeded,
    strawberry.union(
        "ImportMcpToolsResult",
        description="Result of `importMcpTools`: the success type or one of the errors.",
    ),
]
