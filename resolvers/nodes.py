"""Objects by their global ids: the Relay fields `node` and `nodes`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from domain.calls.model import Call
from domain.common.access import Scope, TenantId
from domain.common.errors import InvalidInput
from domain.sign_in.identity_providers import IdentityProvider
from domain.telephony.trunks import InboundTrunk, OutboundTrunk, PhoneNumber
from domain.tenants.members import Member
from domain.tools.model import Tool
from domain.workflows.agents import Agent
from domain.workflows.model import Version, Workflow
from resolvers import graphs
from resolvers.context import Ctx
from resolvers.global_ids import MEMBER, decode_global_id, decode_graph_node, decode_member
from resolvers.loaders import loaders

MAX_NODE_IDS = 100

Node = (
    Agent
    | Tool
    | Workflow
    | Version
    | graphs.GraphNode
    | Call
    | OutboundTrunk
    | InboundTrunk
    | PhoneNumber
    | IdentityProvider
    | Member
)

NODE_TYPES = {
    "Agent": ("agents", Scope.AGENTS_READ),
    "Tool": ("tools", Scope.TOOLS_READ),
    "Workflow": ("workflows", Scope.WORKFLOWS_READ),
    "WorkflowVersion": ("versions", Scope.WORKFLOWS_READ),
    "Call": ("calls", Scope.CALLS_READ),
    "OutboundTrunk": ("outbound_trunks", Scope.TELEPHONY_READ),
    "InboundTrunk": ("inbound_trunks", Scope.TELEPHONY_READ),
    "PhoneNumber": ("phone_numbers", Scope.TELEPHONY_READ),
    "Member": ("members", Scope.MEMBERS_READ),
    "IdentityProvider": ("identity_providers", Scope.IDENTITY_PROVIDERS_READ),
}


async def node(info: Ctx, id: str) -> Node | None:
    """Load an object; None if it does not exist, belongs to another tenant, or `id` is invalid."""
    viewer = info.context.require()
    in_graph = decode_graph_node(id)
    if in_graph is not None:
        return await graphs.node_by_id(info, *in_graph)
    decoded = _decode(viewer.tenant_id, id)
    if decoded is None or decoded[0] not in NODE_TYPES:
        return None
    name, scope = NODE_TYPES[decoded[0]]
    viewer.require(scope)
    loader = loaders().by_id(info.context.services, viewer.tenant_id, name)
    loaded: Node | None = await loader.load(decoded[1])
    return loaded


def _decode(tenant: TenantId, id: str) -> tuple[str, UUID] | None:
    """The type and the id inside the tenant."""
    decoded = decode_global_id(id)
    if decoded is not None:
        return None if decoded[0] == MEMBER else decoded
    member = decode_member(id)
    return (MEMBER, member[1]) if member is not None and member[0] == tenant else None


async def nodes(info: Ctx, ids: Sequence[str]) -> list[Node | None]:
    if len(ids) > MAX_NODE_IDS:
        raise InvalidInput(f"At most {MAX_NODE_IDS} ids can be requested at once.", ("ids",))
    return list(await asyncio.gather(*(node(info, id) for id in ids)))
