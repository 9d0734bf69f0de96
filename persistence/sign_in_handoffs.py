"""Handoffs: proven identities that wait for their page, for a minute. Only the digest of the secret that
takes one is stored, and what it contains is encrypted. They are in PostgreSQL, because any API process may
be asked for them and because Redis may be unavailable."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.common.access import TenantId
from domain.sign_in.oidc import Handoff, TakenHandoff
from persistence import tables
from persistence.db_errors import translate_outages
from persistence.key_ring import KeyRing
from persistence.link_tokens import hash_token, new_token
from persistence.row_security import set_tenant
from persistence.sign_in_cipher import decrypt_handoff, encrypt_handoff

TAKE_HANDOFF = text("select * from take_handoff(:hash)")

_handoff = tables.sign_in_handoff


class SqlHandoffs:
    def __init__(self, engine: AsyncEngine, ring: KeyRing) -> None:
        self._engine = engine
        self._ring = ring

    @translate_outages
    async def store(self, handoff: Handoff, tenant: TenantId, expires_at: datetime) -> str:
        secret = new_token()
        digest = hash_token(secret)
        values = {
            "hash": digest,
            "tenant_id": tenant,
            "provider_id": handoff.provider_id,
            "subject": handoff.identity.subject,
            "provider_session": handoff.identity.session,
            "sealed": encrypt_handoff(self._ring, digest, handoff),
            "expires_at": expires_at,
        }
        async with self._engine.begin() as db:
            await set_tenant(db, tenant)
            await db.execute(insert(_handoff).values(**values))
            expired = delete(_handoff).where(_handoff.c.expires_at < func.now())
            await db.execute(expired.where(_handoff.c.tenant_id == tenant))
        return secret

    @translate_outages
    async def take(self, secret: str) -> TakenHandoff | None:
        digest = hash_token(secret)
        async with self._engine.begin() as db:
            row = (await db.execute(TAKE_HANDOFF, {"hash": digest})).one_or_none()
        if row is None:
            return None
        handoff = decrypt_handoff(self._ring, digest, row.sealed)
        return None if handoff is None else TakenHandoff(handoff, row.created_at)
