"""Global ids, which are opaque to clients and encode `Type:uuid`."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from domain.common.errors import NotFound, Path

TYPE_NAMES = {
    "WorkflowVersion": "version",
    "OutboundTrunk": "outbound trunk",
    "InboundTrunk": "inbound trunk",
    "PhoneNumber": "phone number",
    "ApiKey": "API key",
}


def global_id(kind: str, id: UUID) -> str:
    return urlsafe_b64encode(f"{kind}:{id}".encode()).decode().rstrip("=")


def decode_global_id(text: str) -> tuple[str, UUID] | None:
    """Return the type and the id, or None if the text is not a global id."""
    try:
        kind, _, id = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(":")
        return kind, UUID(id)
    except ValueError:
        return None


def decode_id(kind: str, text: str) -> UUID | None:
    """Return the id, or None if the text is not a global id of that type."""
    decoded = decode_global_id(text)
    return decoded[1] if decoded and decoded[0] == kind else None


def require_id(kind: str, text: str, path: Path = ("id",)) -> UUID:
    """Return the id. Raises `NotFound` for anything else, which does not reveal the reason."""
    id = decode_id(kind, text)
    if id is None:
        raise NotFound(f"There is no such {TYPE_NAMES.get(kind, kind.lower())}.", path)
    return id
