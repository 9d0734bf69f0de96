"""Signatures of the audit log: of the hashes of its chain, and of links to exports."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from cryptography.exceptions import InvalidSignature

from domain.audit.model import ExportRange, SignedHead
from domain.common.access import TenantId
from persistence.key_ring import KeyRing
from persistence.signed_links import LinkTokens

HEAD, CUT = "audit-head", "audit-cut"
"""What a signature is about. A signed head must not pass as a cut, before which all may be missing."""


class AuditSignatures:
    """The first entry of SECRET_KEY signs; all of them verify."""

    def __init__(self, ring: KeyRing) -> None:
        self._keys = ring.audit_keys
        self._links = LinkTokens(ring, b"agent-studio/audit-export", "16sQQ", "an export")

    @property
    def key_id(self) -> str:
        """The id of the entry of SECRET_KEY that signs."""
        return next(iter(self._keys))

    @property
    def public_key(self) -> bytes:
        return next(iter(self._keys.values())).public_key().public_bytes_raw()

    def sign_head(self, tenant: TenantId, seq: int, hash: bytes, signed_at: datetime) -> SignedHead:
        return self._sign(HEAD, tenant, seq, hash, signed_at)

    def sign_cut(self, tenant: TenantId, seq: int, hash: bytes, cut_at: datetime) -> SignedHead:
        """Sign the last link that is deleted, from which the chain continues."""
        return self._sign(CUT, tenant, seq, hash, cut_at)

    def _sign(
        self, purpose: str, tenant: TenantId, seq: int, hash: bytes, at: datetime
    ) -> SignedHead:
        key_id, key = next(iter(self._keys.items()))
        return SignedHead(
            tenant_id=tenant,
            seq=seq,
            hash=hash,
            signed_at=at,
            key_id=key_id,
            signature=key.sign(_message(purpose, tenant, seq, hash, at)),
        )

    def knows_key(self, head: SignedHead) -> bool:
        """Whether the entry of SECRET_KEY that signed the head is still configured."""
        return head.key_id in self._keys

    def is_genuine(self, head: SignedHead, purpose: str = HEAD) -> bool:
        key = self._keys.get(head.key_id)
        if key is None:
            return False
        message = _message(purpose, head.tenant_id, head.seq, head.hash, head.signed_at)
        try:
            key.public_key().verify(head.signature, message)
        except InvalidSignature:
            return False
        return True

    def sign_export(self, tenant: TenantId, range: ExportRange, until: datetime) -> str:
        return self._links.sign(tenant.bytes, range.first, range.last, until=until)

    def verify_export(self, token: str, now: datetime) -> tuple[TenantId, ExportRange]:
        tenant, first, last = self._links.verify(token, now)
        return TenantId(UUID(bytes=tenant)), ExportRange(first, last)


def _message(purpose: str, tenant: UUID, seq: int, hash: bytes, at: datetime) -> bytes:
    signed_at = at.astimezone(UTC).isoformat(timespec="microseconds")
    return f"agent-studio/{purpose}\n{tenant}\n{seq}\n{hash.hex()}\n{signed_at}".encode()
