"""Global ids: opaque outside, `Type:uuid` inside."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from domain.common.errors import NotFound, Path

TYPE_NAMES = {"WorkflowVersion": "version"}


def global_id(kind: str, id: UUID) -> str:
    return urlsafe_b64encode(f"{kind}:{id}".encode()).decode().rstrip("=")


def decode_global_id(text: str) -> tuple[str, UUID] | None:
    """Type and id; None for what was never an id of ours."""
    try:
        kind, _, id = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(":")
        return kind, UUID(id)
    except ValueError:
        return None


def decode_id(kind: str, text: str) -> UUID | None:
    """The id, when it is one of that type."""
    found = decode_global_id(text)
    return found[1] if found and found[0] == kind else None


def require_id(kind: str, text: str, path: Path) -> UUID:
    """The id; whoever names something else learns only that it is not there."""
    id = decode_id(kind, text)
    if id is None:
        raise NotFound(f"There is no such {TYPE_NAMES.get(kind, kind.lower())}.", path)
    return id
