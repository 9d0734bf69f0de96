"""Second factors in PostgreSQL. The API reaches them only through functions, which count each attempt before
its code is compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.common.access import PersonId
from domain.common.errors import RateLimited
from domain.sign_in.ports import PendingTotp, TotpState
from persistence.db_errors import translate_outages
from persistence.key_ring import KeyRing
from persistence.row_security import set_person
from persistence.sign_in_cipher import decrypt_totp_secret, encrypt_totp_secret

ENROLMENT_LIFETIME = timedelta(minutes=15)

FIND = text("select * from find_totp(:person)")
ENROL = text("select enrol_totp(:person, :sealed, :key_id)")
CONFIRM = text("select confirm_totp(:person, :created_at, :step, :codes)")
BEGIN_ATTEMPT = text("select * from begin_totp_attempt(:person)")
ACCEPT_STEP = text("select accept_totp_step(:person, :step, :sealed, :key_id)")
USE_RECOVERY_CODE = text("select use_recovery_code(:person, :digest)")
REPLACE_RECOVERY_CODES = text("select replace_recovery_codes(:person, :codes)")
REMOVE = text("select remove_totp(:person)")


class SqlSecondFactors:
    def __init__(self, engine: AsyncEngine, ring: KeyRing) -> None:
        self._engine = engine
        # Each look-up, and each attempt, is one function of the database, and a transaction by itself.
        self._lookups = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ring = ring

    async def state(self, person: PersonId) -> TotpState:
        row = await self._find(person)
        if row is None:
            return TotpState(is_active=False, recovery_codes_left=0)
        return TotpState(is_active=row["is_active"], recovery_codes_left=row["codes"])

    async def enrol(self, person: PersonId, secret: bytes) -> bool:
        key_id, encrypted = encrypt_totp_secret(self._ring, person, secret)
        return bool(await self._call(ENROL, person, sealed=encrypted, key_id=key_id))

    async def pending(self, person: PersonId) -> PendingTotp | None:
        row = await self._find(person)
        if row is None or row["is_active"]:
            return None
        if row["created_at"] < datetime.now(UTC) - ENROLMENT_LIFETIME:
            return None
        return PendingTotp(decrypt_totp_secret(self._ring, person, row), row["created_at"])

    async def confirm(
        self, person: PersonId, pending: PendingTotp, step: int, codes: Sequence[bytes]
    ) -> bool:
        return bool(
            await self._call(
                CONFIRM, person, created_at=pending.enrolled_at, step=step, codes=list(codes)
            )
        )

    @translate_outages
    async def begin_attempt(self, person: PersonId) -> bytes | None:
        async with self._lookups.connect() as db:
            row: Any = (
                (await db.execute(BEGIN_ATTEMPT, {"person": person})).mappings().one_or_none()
            )
        if row is None:
            return None
        if row["wait"] is not None:
            raise RateLimited(
                "Too many wrong codes were entered of late; use a recovery code, or try again in "
                f"{max(1, round(row['wait']))} seconds.",
                ("code",),
                retry_after=row["wait"],
            )
        return decrypt_totp_secret(self._ring, person, row)

    async def accept_step(self, person: PersonId, secret: bytes, step: int) -> bool:
        key_id, encrypted = encrypt_totp_secret(self._ring, person, secret)
        return bool(
            await self._call(ACCEPT_STEP, person, step=step, sealed=encrypted, key_id=key_id)
        )

    async def use_recovery_code(self, person: PersonId, digest: bytes) -> bool:
        return bool(await self._call(USE_RECOVERY_CODE, person, digest=digest))

    async def replace_recovery_codes(self, person: PersonId, codes: Sequence[bytes]) -> None:
        await self._call(REPLACE_RECOVERY_CODES, person, codes=list(codes))

    async def remove(self, person: PersonId) -> None:
        await self._call(REMOVE, person)

    @translate_outages
    async def _find(self, person: PersonId) -> Any:
        async with self._lookups.connect() as db:
            return (await db.execute(FIND, {"person": person})).mappings().one_or_none()

    @translate_outages
    async def _call(self, function: Any, person: PersonId, **arguments: Any) -> Any:
        async with self._engine.begin() as db:
            await set_person(db, person)
            return await db.scalar(function, {"person": person, **arguments})
