"""The mutations of a tenant's settings, keys of providers and secrets."""

from __future__ import annotations

import strawberry

from domain.use_cases import credentials, settings
from graph.schema.arguments import Input
from graph.schema.error_paths import mutation
from graph.schema.types import credentials as k
from graph.schema.types import settings as s
from graph.schema.types.inputs import InputReader
from resolvers.context import Ctx


@strawberry.type(
    description=(
        "Operations that change data. Failures that a client should handle are returned as data."
    )
)
class SettingsMutation:
    @mutation("Update the settings of your tenant.")
    async def update_settings(
        self, info: Ctx, input: Input[s.UpdateSettingsInput]
    ) -> s.UpdateSettingsResult:
        reader = InputReader()
        changes = input.changes(reader)
        updated = await reader.run(
            info.context, settings.update_settings, input.expected_revision, changes
        )
        return s.UpdateSettingsSuccess(settings=updated)

    @mutation(
        "Create tools from those that an MCP server offers, and allow them there. "
        "Existing tools are updated."
    )
    async def import_mcp_tools(
        self, info: Ctx, input: Input[s.ImportMcpToolsInput]
    ) -> s.ImportMcpToolsResult:
        imported = await info.context.run(settings.import_mcp_tools, input.server, input.tools)
        return s.ImportMcpToolsSuccess(tools=list(imported))

    @mutation("Store your own key of a provider; the next call uses it.")
    async def set_credential(
        self, info: Ctx, input: Input[k.SetCredentialInput]
    ) -> k.SetCredentialResult:
        reader = InputReader()
        endpoint = input.endpoint(reader)
        credential = await reader.run(
            info.context,
            credentials.set_credential,
            input.provider,
            input.key,
            input.label,
            endpoint,
        )
        return k.SetCredentialSuccess(credential=credential)

    @mutation("Delete your own key of a provider.")
    async def delete_credential(
        self, info: Ctx, input: Input[k.DeleteCredentialInput]
    ) -> k.DeleteCredentialResult:
        deleted = await info.context.run(credentials.delete_credential, input.provider, input.label)
        return k.DeleteCredentialSuccess(credential=deleted)

    @mutation("Check with a provider whether it accepts a key.")
    async def test_credential(
        self, info: Ctx, input: Input[k.TestCredentialInput]
    ) -> k.TestCredentialResult:
        reader = InputReader()
        endpoint = input.endpoint(reader)
        result = await reader.run(
            info.context,
            credentials.test_credential,
            input.provider,
            input.key,
            input.label,
            endpoint,
        )
        return k.TestCredentialSuccess(verdict=result.verdict, detail=result.message)

    @mutation("Store a secret that headers of your tools can refer to.")
    async def set_secret(self, info: Ctx, input: Input[k.SetSecretInput]) -> k.SetSecretResult:
        secret = await info.context.run(
            credentials.set_secret, input.name, input.value, input.allowed_hosts()
        )
        return k.SetSecretSuccess(secret=secret)

    @mutation("Delete a secret of your tools.")
    async def delete_secret(
        self, info: Ctx, input: Input[k.DeleteSecretInput]
    ) -> k.DeleteSecretResult:
        deleted = await info.context.run(credentials.delete_secret, input.name)
        return k.DeleteSecretSuccess(secret=deleted)
