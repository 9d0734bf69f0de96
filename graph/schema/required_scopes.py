"""The scopes that each part of the schema needs, as tables.

`declare_required_scopes` writes them into the schema as `@requires`. An object type that has no row is
part of the objects that contain it, and needs what they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry
from graphql import is_object_type
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import Location

from domain.common.access import Scope
from graph.requests.required_scopes import EXTENSION

Scopes = tuple[Scope, ...]

ANY_CREDENTIAL: Scopes = ()
"""What every credential may do: what it learns is about itself, or needs the scopes of what it returns."""
READ_BUNDLE = (Scope.WORKFLOWS_READ, Scope.AGENTS_READ, Scope.TOOLS_READ)
WRITE_BUNDLE = (Scope.WORKFLOWS_WRITE, Scope.AGENTS_WRITE, Scope.TOOLS_WRITE)

ROOT_FIELDS: Mapping[str, Scopes] = {
    "Query.viewer": ANY_CREDENTIAL,
    "Query.node": ANY_CREDENTIAL,
    "Query.nodes": ANY_CREDENTIAL,
    "Query.agent": (Scope.AGENTS_READ,),
    "Query.agents": (Scope.AGENTS_READ,),
    "Query.providers": (Scope.AGENTS_READ,),
    "Query.tool": (Scope.TOOLS_READ,),
    "Query.tools": (Scope.TOOLS_READ,),
    "Query.mcpTools": (Scope.SETTINGS_READ, Scope.TOOLS_WRITE),
    "Query.workflow": (Scope.WORKFLOWS_READ,),
    "Query.workflows": (Scope.WORKFLOWS_READ,),
    "Query.verifyWorkflow": (Scope.WORKFLOWS_READ,),
    "Query.exportBundle": READ_BUNDLE,
    "Query.call": (Scope.CALLS_READ,),
    "Query.calls": (Scope.CALLS_READ,),
    "Query.callStatistics": (Scope.CALLS_READ,),
    "Query.simulationFromCall": (Scope.CALLS_READ, Scope.WORKFLOWS_READ),
    "Query.settings": (Scope.SETTINGS_READ,),
    "Query.credentials": (Scope.CREDENTIALS_READ,),
    "Query.secrets": (Scope.CREDENTIALS_READ,),
    "Query.roles": (Scope.ROLES_READ,),
    "Query.apiKeys": (Scope.KEYS_READ,),
    "Query.members": (Scope.MEMBERS_READ,),
    "Query.invitations": (Scope.MEMBERS_READ,),
    "Query.identityProviders": (Scope.IDENTITY_PROVIDERS_READ,),
    "Query.tenants": (Scope.INSTALLATION_MANAGE,),
    "Query.deletedTenants": (Scope.INSTALLATION_MANAGE,),
    "Query.workerPool": (Scope.WORKERS_READ,),
    "Query.outboundTrunk": (Scope.TELEPHONY_READ,),
    "Query.outboundTrunks": (Scope.TELEPHONY_READ,),
    "Query.inboundTrunk": (Scope.TELEPHONY_READ,),
    "Query.inboundTrunks": (Scope.TELEPHONY_READ,),
    "Query.phoneNumber": (Scope.TELEPHONY_READ,),
    "Query.phoneNumbers": (Scope.TELEPHONY_READ,),
    "Query.auditLog": (Scope.AUDIT_READ,),
    "Query.auditHead": (Scope.AUDIT_READ,),
    "Query.auditRetention": (Scope.AUDIT_READ,),
    "Mutation.createAgent": (Scope.AGENTS_WRITE,),
    "Mutation.updateAgent": (Scope.AGENTS_WRITE,),
    "Mutation.deleteAgent": (Scope.AGENTS_WRITE,),
    "Mutation.previewVoice": (Scope.AGENTS_WRITE,),
    "Mutation.createTool": (Scope.TOOLS_WRITE,),
    "Mutation.updateTool": (Scope.TOOLS_WRITE,),
    "Mutation.deleteTool": (Scope.TOOLS_WRITE,),
    "Mutation.testTool": (Scope.TOOLS_WRITE,),
    "Mutation.importMcpTools": (Scope.TOOLS_WRITE, Scope.SETTINGS_WRITE),
    "Mutation.createWorkflow": (Scope.WORKFLOWS_WRITE,),
    "Mutation.updateWorkflow": (Scope.WORKFLOWS_WRITE,),
    "Mutation.deleteWorkflow": (Scope.WORKFLOWS_WRITE,),
    "Mutation.publishWorkflow": (Scope.WORKFLOWS_WRITE,),
    "Mutation.restoreWorkflow": WRITE_BUNDLE,
    "Mutation.importBundle": WRITE_BUNDLE,
    "Mutation.startCall": (Scope.CALLS_JOIN,),
    "Mutation.joinCall": (Scope.CALLS_WRITE,),
    "Mutation.sendMessage": (Scope.CALLS_WRITE,),
    "Mutation.endCall": (Scope.CALLS_WRITE,),
    "Mutation.transferCall": (Scope.CALLS_WRITE,),
    "Mutation.deleteRecording": (Scope.CALLS_WRITE,),
    "Mutation.updateSettings": (Scope.SETTINGS_WRITE,),
    "Mutation.setCredential": (Scope.CREDENTIALS_WRITE,),
    "Mutation.testCredential": (Scope.CREDENTIALS_WRITE,),
    "Mutation.deleteCredential": (Scope.CREDENTIALS_WRITE,),
    "Mutation.setSecret": (Scope.CREDENTIALS_WRITE,),
    "Mutation.deleteSecret": (Scope.CREDENTIALS_WRITE,),
    "Mutation.createRole": (Scope.ROLES_WRITE,),
    "Mutation.updateRole": (Scope.ROLES_WRITE,),
    "Mutation.deleteRole": (Scope.ROLES_WRITE,),
    "Mutation.createApiKey": (Scope.KEYS_WRITE,),
    "Mutation.updateApiKey": (Scope.KEYS_WRITE,),
    "Mutation.rotateApiKey": (Scope.KEYS_WRITE,),
    "Mutation.revokeApiKey": (Scope.KEYS_WRITE,),
    "Mutation.inviteMember": (Scope.MEMBERS_WRITE,),
    "Mutation.withdrawInvitation": (Scope.MEMBERS_WRITE,),
    "Mutation.changeMemberRole": (Scope.MEMBERS_WRITE,),
    "Mutation.suspendMember": (Scope.MEMBERS_WRITE,),
    "Mutation.resumeMember": (Scope.MEMBERS_WRITE,),
    "Mutation.removeMember": ANY_CREDENTIAL,
    "Mutation.endSessionsOfMember": (Scope.MEMBERS_WRITE,),
    "Mutation.createPasswordResetLink": (Scope.MEMBERS_WRITE,),
    "Mutation.switchTenant": ANY_CREDENTIAL,
    "Mutation.endSession": ANY_CREDENTIAL,
    "Mutation.endSessions": ANY_CREDENTIAL,
    "Mutation.updateProfile": ANY_CREDENTIAL,
    "Mutation.changePassword": ANY_CREDENTIAL,
    "Mutation.enrolTotp": ANY_CREDENTIAL,
    "Mutation.confirmTotp": ANY_CREDENTIAL,
    "Mutation.replaceRecoveryCodes": ANY_CREDENTIAL,
    "Mutation.removeTotp": ANY_CREDENTIAL,
    "Mutation.createIdentityProvider": (Scope.IDENTITY_PROVIDERS_WRITE,),
    "Mutation.updateIdentityProvider": (Scope.IDENTITY_PROVIDERS_WRITE,),
    "Mutation.deleteIdentityProvider": (Scope.IDENTITY_PROVIDERS_WRITE,),
    "Mutation.createTenant": (Scope.INSTALLATION_MANAGE,),
    "Mutation.updateTenant": (Scope.INSTALLATION_MANAGE,),
    "Mutation.suspendTenant": (Scope.INSTALLATION_MANAGE,),
    "Mutation.resumeTenant": (Scope.INSTALLATION_MANAGE,),
    "Mutation.deleteTenant": (Scope.INSTALLATION_MANAGE,),
    "Mutation.restoreTenant": (Scope.INSTALLATION_MANAGE,),
    "Mutation.createOutboundTrunk": (Scope.TELEPHONY_WRITE,),
    "Mutation.updateOutboundTrunk": (Scope.TELEPHONY_WRITE,),
    "Mutation.deleteOutboundTrunk": (Scope.TELEPHONY_WRITE,),
    "Mutation.resumeOutboundTrunk": (Scope.TELEPHONY_WRITE,),
    "Mutation.createInboundTrunk": (Scope.TELEPHONY_WRITE,),
    "Mutation.updateInboundTrunk": (Scope.TELEPHONY_WRITE,),
    "Mutation.deleteInboundTrunk": (Scope.TELEPHONY_WRITE,),
    "Mutation.createPhoneNumber": (Scope.TELEPHONY_WRITE,),
    "Mutation.updatePhoneNumber": (Scope.TELEPHONY_WRITE,),
    "Mutation.deletePhoneNumber": (Scope.TELEPHONY_WRITE,),
    "Mutation.createAuditExport": (Scope.AUDIT_READ,),
    "Mutation.setAuditRetention": (Scope.AUDIT_WRITE,),
    "Subscription.callEvents": (Scope.CALLS_READ,),
    "Subscription.calls": (Scope.CALLS_READ,),
    "Subscription.agents": (Scope.AGENTS_READ,),
    "Subscription.tools": (Scope.TOOLS_READ,),
    "Subscription.workflows": (Scope.WORKFLOWS_READ,),
}
"""The operations. Those that need no credential are `PUBLIC_FIELDS`, in `graph/requests/auth.py`."""

OBJECTS: Mapping[str, Scopes] = {
    "Agent": (Scope.AGENTS_READ,),
    "Provider": (Scope.AGENTS_READ,),
    "Tool": (Scope.TOOLS_READ,),
    "McpTool": (Scope.SETTINGS_READ,),
    "Workflow": (Scope.WORKFLOWS_READ,),
    "WorkflowVersion": (Scope.WORKFLOWS_READ,),
    "WorkflowGraph": (Scope.WORKFLOWS_READ,),
    "GraphNode": (Scope.WORKFLOWS_READ,),
    "VersionAgent": (Scope.AGENTS_READ,),
    "VersionTool": (Scope.TOOLS_READ,),
    "Bundle": READ_BUNDLE,
    "Call": (Scope.CALLS_READ,),
    "Recording": (Scope.CALLS_READ,),
    "Simulation": (Scope.CALLS_READ,),
    "TenantSettings": (Scope.SETTINGS_READ,),
    "Role": (Scope.ROLES_READ,),
    "ApiKey": (Scope.KEYS_READ,),
    "Member": (Scope.MEMBERS_READ,),
    "Invitation": (Scope.MEMBERS_READ,),
    "IdentityProvider": (Scope.IDENTITY_PROVIDERS_READ,),
    "Credential": (Scope.CREDENTIALS_READ,),
    "ManagedTenant": (Scope.INSTALLATION_MANAGE,),
    "DeletedTenant": (Scope.INSTALLATION_MANAGE,),
    "WorkerPool": (Scope.WORKERS_READ,),
    "Worker": (Scope.WORKERS_READ,),
    "OutboundTrunk": (Scope.TELEPHONY_READ,),
    "InboundTrunk": (Scope.TELEPHONY_READ,),
    "PhoneNumber": (Scope.TELEPHONY_READ,),
}
"""Objects that can be reached in several ways, each of which needs these scopes."""

FIELDS: Mapping[str, Scopes] = {
    "Viewer.limits": (Scope.CALLS_READ,),
    "Member.sessions": (Scope.MEMBERS_WRITE,),
    "Agent.usedBy": (Scope.WORKFLOWS_READ,),
    "Agent.workflows": (Scope.WORKFLOWS_READ,),
    "Tool.usedBy": (Scope.AGENTS_READ,),
    "Tool.agents": (Scope.AGENTS_READ,),
    "GraphNode.agent": (Scope.AGENTS_READ,),
    "Call.currentNode": (Scope.WORKFLOWS_READ,),
    "WorkflowVersion.agents": (Scope.AGENTS_READ,),
    "WorkflowVersion.calls": (Scope.CALLS_READ,),
    "WorkflowVersion.publisher": (Scope.MEMBERS_READ,),
    "Workflow.draftDiff": (Scope.AGENTS_READ, Scope.TOOLS_READ),
    "WorkflowVersion.diff": (Scope.AGENTS_READ, Scope.TOOLS_READ),
}
"""Fields that show more than their object."""


@strawberry.schema_directive(
    name="requires",
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    description=(
        "The scopes that a credential needs for this. They are checked before anything of an operation runs."
    ),
)
class Requires:
    scopes: list[Scope]


def declare_required_scopes(schema: strawberry.Schema) -> None:
    directive = schema._schema.get_directive("requires")
    assert directive is not None
    directive.args[
        "scopes"
    ].description = (
        "All of these scopes are needed; an empty list means that any credential will do."
    )
    for name, type_ in schema._schema.type_map.items():
        if is_object_type(type_):
            _declare(type_, OBJECTS.get(name))
            for field_name, field in type_.fields.items():
                path = f"{name}.{field_name}"
                _declare(field, ROOT_FIELDS.get(path, FIELDS.get(path)))


def _declare(element: Any, scopes: Sequence[Scope] | None) -> None:
    if scopes is None:
        return
    element.extensions[EXTENSION] = frozenset(scopes)
    # What Strawberry prints. Its definitions are shared by all schemas of the process.
    definition = element.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    others = [each for each in definition.directives or () if not isinstance(each, Requires)]
    definition.directives = [*others, Requires(scopes=list(scopes))]
