"""What the audit log needs from the outside. The adapters live in persistence/."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.audit.model import SignedHead
from domain.common.access import TenantId


class HeadSigner(Protocol):
    """Signs the ends of hash chains."""

    @property
    def public_key(self) -> bytes:
        """The Ed25519 key that verifies signatures under the first entry of SECRET_KEY."""
        ...

    def sign_head(
        self, tenant: TenantId, seq: int, hash: bytes, signed_at: datetime
    ) -> SignedHead: ...


class AuditChain(Protocol):
    """The hash chains of the audit logs of all tenants."""

    async def link_pending(self) -> int:
        """Chain up to a batch of entries of each tenant that has any, and return how many."""
        ...

    async def sign_heads(self) -> list[SignedHead]:
        """Sign the end of each chain that was not signed under the first entry of SECRET_KEY."""
        ...

    async def delete_expired(self) -> int:
        """Delete the entries past the retention of their tenants, and return how many."""
        ...
