"""E-mail that the API queues; `persistence/mail_queue.py` is the keeper's side."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.tenants.mail import MailText
from persistence import tables
from persistence.vault import Vault

_mail = tables.mail


class SqlMailer:
    def __init__(self, connection: AsyncConnection, vault: Vault) -> None:
        self._db = connection
        self._vault = vault

    async def queue(
        self,
        recipient: str,
        message: MailText,
        lifetime: timedelta,
        *,
        reset_hash: bytes | None = None,
    ) -> None:
        id = uuid4()
        key_id, sealed = self._vault.encrypt_mail(id, json.dumps([message.subject, message.text]))
        await self._db.execute(
            insert(_mail).values(
                id=id,
                recipient=recipient,
                key_id=key_id,
                sealed=sealed,
                reset_hash=reset_hash,
                expires_at=datetime.now(UTC) + lifetime,
            )
        )
