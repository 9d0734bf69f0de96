"""The mutations of a tenant's settings, API keys and secrets."""

from __future__ import annotations

from typing import Annotated, TypeVar

import strawberry

from domain.use_cases import credentials, settings
from graph.schema.types import credentials as k
from graph.schema.types import settings as s
from graph.schema.types.common import as_graphql
from resolvers.context import Ctx

T = TypeVar("T")
Input = Annotated[T, strawberry.argument(description="Input of the mutation.")]
ID_PATH = ("input", "id")


@strawberry.type(
    description=(
        "Operations that change data. Failures that a client should handle are returned as data."
    )
)
class TenantMutation:
    @strawberry.mutation(description="Update the settings of your tenant.")
    async def update_settings(
        self, info: Ctx, input: Input[s.UpdateSettingsInput]
    ) -> s.UpdateSettingsResult:
        services, viewer = info.context.services, info.context.require()
        updated = await settings.update_settings(
            services, viewer, input.expected_revision, input.changes()
        )
        return s.UpdateSettingsSuccess(settings=as_graphql(updated))

    @strawberry.mutation(
        description=(
            "Create tools from those that an MCP server offers, and allow them there. "
            "Existing tools are updated."
        )
    )
    async def import_mcp_tools(
        self, info: Ctx, input: Input[s.ImportMcpToolsInput]
    ) -> s.ImportMcpToolsResult:
        services, viewer = info.context.services, info.context.require()
        imported = await settings.import_mcp_tools(services, viewer, input.server, input.tools)
        return s.ImportMcpToolsSuccess(tools=as_graphql(list(imported)))

    @strawberry.mutation(
        description="Store your own API key for a provider; the next call uses it."
    )
    async def set_credential(
        self, info: Ctx, input: Input[k.SetCredentialInput]
    ) -> k.SetCredentialResult:
        services, viewer = info.context.services, info.context.require()
        credential = await credentials.set_credential(services, viewer, input.provider, input.key)
        return k.SetCredentialSuccess(credential=as_graphql(credential))

    @strawberry.mutation(description="Delete your own API key for a provider.")
    async def delete_credential(
        self, info: Ctx, input: Input[k.DeleteCredentialInput]
    ) -> k.DeleteCredentialResult:
        services, viewer = info.context.services, info.context.require()
        deleted = await credentials.delete_credential(services, viewer, input.provider)
        return k.DeleteCredentialSuccess(credential=as_graphql(deleted))

    @strawberry.mutation(description="Check with a provider whether it accepts an API key.")
    async def test_credential(
        self, info: Ctx, input: Input[k.TestCredentialInput]
    ) -> k.TestCredentialResult:
        services, viewer = info.context.services, info.context.require()
        result = await credentials.test_credential(services, viewer, input.provider, input.key)
        return k.TestCredentialSuccess(verdict=result.verdict, detail=result.message)

    @strawberry.mutation(description="Store a secret that headers of your tools can refer to.")
    async def set_secret(self, info: Ctx, input: Input[k.SetSecretInput]) -> k.SetSecretResult:
        services, viewer = info.context.services, info.context.require()
        secret = await credentials.set_secret(services, viewer, input.name, input.value)
        return k.SetSecretSuccess(secret=as_graphql(secret))

    @strawberry.mutation(description="Delete a secret of your tools.")
    async def delete_secret(
        self, info: Ctx, input: Input[k.DeleteSecretInput]
    ) -> k.DeleteSecretResult:
        services, viewer = info.context.services, info.context.require()
        deleted = await credentials.delete_secret(services, viewer, input.name)
        return k.DeleteSecretSuccess(secret=as_graphql(deleted))
