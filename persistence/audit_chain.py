"""How a keeper chains the entries of audit logs, signs the ends of the chains, and deletes what is past its
retention.

Entries are chained after the transactions that add them, because a chain that they wrote themselves would
let only one transaction of a tenant run at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.audit.model import SignedHead
from domain.common.access import TenantId
from persistence.audit_signatures import AuditSignatures
from persistence.database import short_transaction
from persistence.db_errors import translate_outages

LINK_BATCH_SIZE = 500
SHORTEN_BATCH_SIZE = 2_000
MAX_HEADS = 1_000

# Skips from tenant to tenant, because there may be many entries of each.
SELECT_PENDING_TENANTS = """
    with recursive pending as (
        (select tenant_id from audit_pending order by tenant_id limit 1)
        union all
        select (select p.tenant_id from audit_pending p where p.tenant_id > pending.tenant_id
                 order by p.tenant_id limit 1)
          from pending where pending.tenant_id is not null
    )
    select tenant_id from pending where tenant_id is not null
"""
LINK_ENTRIES = "select link_audit_entries($1, $2)"
SELECT_UNSIGNED_HEADS = """
    select t.id, h.seq, h.hash, now() as at
      from tenant t cross join lateral audit_head_of(t.id) h
     where exists (select from audit_link where tenant_id = t.id and seq = h.seq)
       and not exists (select from audit_head s
                        where s.tenant_id = t.id and s.seq = h.seq and s.key_id = $3)
       and t.id > $1
     order by t.id limit $2
"""
INSERT_HEAD = """
    insert into audit_head (tenant_id, seq, hash, signed_at, key_id, signature)
    values ($1, $2, $3, $4, $5, $6) on conflict do nothing
"""
SELECT_TENANTS = "select id from tenant order by id"
SELECT_EXPIRED = "select seq, hash, now() as at from expired_audit_link($1, $2, $3)"
SHORTEN = "select shorten_audit_log($1, $2, $3, $4, $5, $6, $7, $8)"
NO_ID = TenantId(UUID(int=0))
"""Smaller than the id of any tenant."""


class SqlAuditChain:
    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        signatures: AuditSignatures,
        retention_days: int,
    ) -> None:
        """`retention_days` is for tenants that have not chosen their own."""
        self._pool = pool
        self._signatures = signatures
        self._retention_days = retention_days

    @translate_outages
    async def link_pending(self) -> int:
        """Chain up to a batch of entries of each tenant that has any, and return how many."""
        linked = 0
        for row in await self._pool.fetch(SELECT_PENDING_TENANTS):
            async with self._pool.acquire(timeout=5) as connection, short_transaction(connection):
                linked += await connection.fetchval(LINK_ENTRIES, row["tenant_id"], LINK_BATCH_SIZE)
        return linked

    @translate_outages
    async def sign_heads(self) -> list[SignedHead]:
        """Sign the end of each chain that was not signed under the first entry of SECRET_KEY."""
        signed: list[SignedHead] = []
        after, key_id = NO_ID, self._signatures.key_id
        while rows := await self._pool.fetch(SELECT_UNSIGNED_HEADS, after, MAX_HEADS, key_id):
            for row in rows:
                head = self._signatures.sign_head(
                    TenantId(row["id"]), row["seq"], row["hash"], row["at"]
                )
                await self._pool.execute(INSERT_HEAD, *_values(head))
                signed.append(head)
            after = TenantId(rows[-1]["id"])
        return signed

    @translate_outages
    async def delete_expired(self) -> int:
        """Delete the entries past the retention of their tenants, and return how many."""
        deleted = 0
        for row in await self._pool.fetch(SELECT_TENANTS):
            while count := await self._shorten(TenantId(row["id"])):
                deleted += count
        return deleted

    async def _shorten(self, tenant: TenantId) -> int:
        options = tenant, self._retention_days, SHORTEN_BATCH_SIZE
        expired = await self._pool.fetchrow(SELECT_EXPIRED, *options)
        if expired is None:
            return 0
        seq: int = expired["seq"]
        hash: bytes = expired["hash"]
        at: datetime = expired["at"]
        cut = self._signatures.sign_cut(tenant, seq, hash, at)
        shorten = SHORTEN, *options, seq, hash, at, cut.key_id, cut.signature
        deleted: int = await self._pool.fetchval(*shorten)
        return deleted


def _values(head: SignedHead) -> tuple[Any, ...]:
    return head.tenant_id, head.seq, head.hash, head.signed_at, head.key_id, head.signature
