"""The mutations of roles and API keys."""

from __future__ import annotations

import strawberry

from domain.common.access import ApiKeyId
from domain.tenants.roles import RoleId
from domain.use_cases import api_keys, roles
from graph.schema.arguments import Input
from graph.schema.error_paths import mutation
from graph.schema.types import api_keys as k
from graph.schema.types import roles as r
from graph.schema.types.inputs import InputReader
from resolvers.context import Ctx
from resolvers.global_ids import require_id


@strawberry.type(
    description=(
        "Operations that change data. Failures that a client should handle are returned as data."
    )
)
class AccessMutation:
    @mutation("Create a role: a named set of scopes, which you must have yourself.")
    async def create_role(self, info: Ctx, input: Input[r.CreateRoleInput]) -> r.CreateRoleResult:
        role = await info.context.run(roles.create_role, input.spec())
        return r.CreateRoleSuccess(role=role)

    @mutation("Update a role; omitted fields stay as they are.")
    async def update_role(self, info: Ctx, input: Input[r.UpdateRoleInput]) -> r.UpdateRoleResult:
        id, reader = RoleId(require_id("Role", input.id)), InputReader()
        changes = input.changes(reader)
        role = await reader.run(
            info.context, roles.update_role, id, input.expected_revision, changes
        )
        return r.UpdateRoleSuccess(role=role)

    @mutation("Delete a role that no user and no API key has.")
    async def delete_role(self, info: Ctx, input: Input[r.DeleteRoleInput]) -> r.DeleteRoleResult:
        id = RoleId(require_id("Role", input.id))
        return r.DeleteRoleSuccess(role=await info.context.run(roles.delete_role, id))

    @mutation("Create an API key. Its value is returned once and never shown again.")
    async def create_api_key(
        self, info: Ctx, input: Input[k.CreateApiKeyInput]
    ) -> k.CreateApiKeyResult:
        reader = InputReader()
        spec = input.spec(reader)
        new = await reader.run(info.context, api_keys.create_api_key, spec)
        return k.CreateApiKeySuccess(api_key=new.key, value=new.value)

    @mutation("Update an API key; omitted fields stay as they are.")
    async def update_api_key(
        self, info: Ctx, input: Input[k.UpdateApiKeyInput]
    ) -> k.UpdateApiKeyResult:
        id, reader = ApiKeyId(require_id("ApiKey", input.id)), InputReader()
        changes = input.changes(reader)
        key = await reader.run(info.context, api_keys.update_api_key, id, changes)
        return k.UpdateApiKeySuccess(api_key=key)

    @mutation(
        "Rotate an API key: create a successor that may do the same, and let the key itself expire "
        "after an overlap."
    )
    async def rotate_api_key(
        self, info: Ctx, input: Input[k.RotateApiKeyInput]
    ) -> k.RotateApiKeyResult:
        id = ApiKeyId(require_id("ApiKey", input.id))
        new, replaced = await info.context.run(
            api_keys.rotate_api_key, id, input.overlap, input.expires_at
        )
        return k.RotateApiKeySuccess(api_key=new.key, value=new.value, replaced=replaced)

    @mutation("Revoke an API key at once. Repeating the request is safe.")
    async def revoke_api_key(
        self, info: Ctx, input: Input[k.RevokeApiKeyInput]
    ) -> k.RevokeApiKeyResult:
        id = ApiKeyId(require_id("ApiKey", input.id))
        return k.RevokeApiKeySuccess(api_key=await info.context.run(api_keys.revoke_api_key, id))
