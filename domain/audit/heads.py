"""Signed heads as JSON, as they stand in logs, in exports and in what `audit verify` reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.audit.model import SignedHead
from domain.common.access import TenantId
from domain.common.errors import InvalidInput


def head_to_json(head: SignedHead) -> dict[str, Any]:
    return {
        "tenant_id": str(head.tenant_id),
        "seq": head.seq,
        "hash": head.hash.hex(),
        "signed_at": head.signed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "key_id": head.key_id,
        "signature": head.signature.hex(),
    }


def head_from_json(facts: Mapping[str, Any]) -> SignedHead:
    """Other fields are ignored, so that a line of the log is a head, too."""
    try:
        return SignedHead(
            tenant_id=TenantId(UUID(facts["tenant_id"])),
            seq=int(facts["seq"]),
            hash=bytes.fromhex(facts["hash"]),
            signed_at=datetime.fromisoformat(facts["signed_at"]),
            key_id=str(facts["key_id"]),
            signature=bytes.fromhex(facts["signature"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise InvalidInput("This is not a signed head of an audit log.", ()) from None
