"""Global ids, which are opaque to clients and encode `Type:uuid`."""

from __future__ import annotations

from uuid import UUID

from domain.common import base64url
from domain.common.errors import InvalidInput, NotFound, Path

GRAPH_NODE = "GraphNode"
MEMBER = "Member"
TYPE_NAMES = {
    "WorkflowVersion": "version",
    "OutboundTrunk": "outbound trunk",
    "InboundTrunk": "inbound trunk",
    "PhoneNumber": "phone number",
    "ApiKey": "API key",
    "ManagedTenant": "tenant",
}


def global_id(kind: str, id: UUID) -> str:
    return _encode(f"{kind}:{id}")


def decode_global_id(text: str) -> tuple[str, UUID] | None:
    """Return the type and the id, or None if the text is not a global id."""
    try:
        kind, _, id = base64url.decode(text).decode().partition(":")
        return kind, UUID(id)
    except ValueError:
        return None


def graph_node_id(owner: UUID, key: str) -> str:
    """The id of a node of the draft or the version with this id."""
    return _encode(f"{GRAPH_NODE}:{owner}:{key}")


def decode_graph_node(text: str) -> tuple[UUID, str] | None:
    """The owner and the key of a node, or None if the text is not the id of a node."""
    return _decode_inner(GRAPH_NODE, text)


def member_id(tenant: UUID, person: UUID) -> str:
    """The id of a person in this tenant: in another one, the same person is another member."""
    return _encode(f"{MEMBER}:{tenant}:{person}")


def decode_member(text: str) -> tuple[UUID, UUID] | None:
    """The tenant and the person of a member, or None if the text is not the id of a member."""
    decoded = _decode_inner(MEMBER, text)
    try:
        return (decoded[0], UUID(decoded[1])) if decoded else None
    except ValueError:
        return None


def require_member(tenant: UUID, text: str) -> UUID:
    """Return the person who is this member of the tenant. Raises `NotFound` for anything else."""
    decoded = decode_member(text)
    if decoded is None or decoded[0] != tenant:
        raise _no_such(MEMBER, ("id",))
    return decoded[1]


def _encode(text: str) -> str:
    return base64url.encode(text.encode())


def _decode_inner(kind: str, text: str) -> tuple[UUID, str] | None:
    """The owner, and the name inside of it, of what has an id of this kind."""
    try:
        decoded = base64url.decode(text).decode()
        found, _, rest = decoded.partition(":")
        owner, separator, name = rest.partition(":")
        return (UUID(owner), name) if found == kind and separator else None
    except ValueError:
        return None


def decode_id(kind: str, text: str) -> UUID | None:
    """Return the id, or None if the text is not a global id of that type."""
    decoded = decode_global_id(text)
    return decoded[1] if decoded and decoded[0] == kind else None


def require_id(kind: str, text: str, path: Path = ("id",)) -> UUID:
    """Return the id of an object that is to be used. Raises `NotFound` for anything else."""
    id = decode_id(kind, text)
    if id is None:
        raise _no_such(kind, path)
    return id


def check_id(kind: str, text: str, path: Path) -> UUID:
    """Return the id of an object that is looked up. Raises `InvalidInput` for what cannot be one, such
    as a name, because a lookup would only find nothing."""
    id = decode_id(kind, text)
    if id is None:
        raise InvalidInput(f"{path[-1]} is not the id of {_article(kind)}. {_expected(kind)}", path)
    return id


def _no_such(kind: str, path: Path) -> NotFound:
    return NotFound(f"There is no such {_name(kind)}. {_expected(kind)}", path)


def _name(kind: str) -> str:
    return TYPE_NAMES.get(kind, kind.lower())


def _article(kind: str) -> str:
    return f"{'an' if _name(kind)[0] in 'aeiouA' else 'a'} {_name(kind)}"


def _expected(kind: str) -> str:
    return f"Give an id as the API returns it in `id` of {_article(kind)}, not a name or a slug."
