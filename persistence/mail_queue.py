"""The e-mail that a keeper has to send."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.common.errors import DecryptionKeyMissing
from domain.tenants.mail import MailText, QueuedMail
from persistence.db_errors import translate_outages
from persistence.vault import Vault

log = logging.getLogger(__name__)

BATCH_SIZE = 10

# A keeper that dies while it sends leaves the message to the next attempt. The delay doubles with each
# attempt, up to an hour.
CLAIM_MAIL = """
    update mail set attempts = attempts + 1,
           next_attempt_at = now() + least(interval '1 minute' * power(2, attempts), interval '1 hour')
     where id = any(array(
        select id from mail where next_attempt_at <= now() and expires_at > now()
         order by next_attempt_at limit $1 for update skip locked))
    returning id, recipient, key_id, sealed, reset_hash, attempts, expires_at
"""
# A person gets one link in five minutes, and only the newest one is valid.
OFFER_PASSWORD_RESET = """
    insert into password_reset as r (person_id, hash, expires_at)
    select id, $2, $3 from person where email = $1
    on conflict (person_id) do update
       set hash = excluded.hash, expires_at = excluded.expires_at, created_at = now(),
           created_by = null
     where r.hash = excluded.hash or r.created_by is not null
        or r.created_at < now() - interval '5 minutes'
    returning 1
"""
DELETE_MAIL = "delete from mail where id = $1"


class SqlMailQueue:
    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    @translate_outages
    async def claim(self) -> Sequence[QueuedMail]:
        """The messages that are due. Each is due again later, unless it is deleted."""
        claimed = []
        for row in await self._pool.fetch(CLAIM_MAIL, BATCH_SIZE):
            mail = self._decrypt(row)
            if mail is None or not await self._is_wanted(row):
                await self.delete(row["id"])
            else:
                claimed.append(mail)
        return claimed

    @translate_outages
    async def delete(self, id: UUID) -> None:
        await self._pool.execute(DELETE_MAIL, id)

    def _decrypt(self, row: Any) -> QueuedMail | None:
        try:
            text = self._vault.decrypt_mail(row["id"], row["key_id"], row["sealed"])
        except DecryptionKeyMissing:
            log.warning("dropped an e-mail: its entry of SECRET_KEY was removed")
            return None
        return QueuedMail(
            id=row["id"],
            recipient=row["recipient"],
            message=MailText(*json.loads(text)),
            attempts=row["attempts"],
        )

    async def _is_wanted(self, row: Any) -> bool:
        """Whether the link in the message leads somewhere: a new password is only offered to people."""
        if row["reset_hash"] is None:
            return True
        expires_at: datetime = row["expires_at"]
        offered = await self._pool.fetchval(
            OFFER_PASSWORD_RESET, row["recipient"], row["reset_hash"], expires_at
        )
        return offered is not None
