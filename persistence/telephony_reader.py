"""What workers and keepers read of trunks and telephone numbers, with decrypted passwords."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from domain.calls.model import Call
from domain.common.errors import DecryptionKeyMissing, DialRefused
from domain.telephony.dial_policy import DialRefusal
from domain.telephony.hold import HoldLimits, hold_limits
from domain.telephony.inbound_routes import InboundRoute
from domain.telephony.trunks import (
    DEFAULT_RINGING_SECONDS,
    DialTrunk,
    OutboundTrunkId,
    PhoneNumberId,
)
from persistence.codec import INBOUND_TRUNK_SPEC, OUTBOUND_TRUNK_SPEC, PHONE_NUMBER_SPEC
from persistence.db_errors import translate_outages
from persistence.trunk_passwords import TrunkTable, decrypt_password
from persistence.vault import Vault

log = logging.getLogger(__name__)

SELECT_OUTBOUND_TRUNK = """
    select t.id, t.tenant_id, t.spec::text, t.sealed, k.key_id, k.wrapped
      from outbound_trunk t left join data_key k using (tenant_id)
     where t.id = $1 and t.tenant_id = $2
"""
# Of a transfer: the trunk that is named, that of the call, that of the number that was called, or the
# only one that is enabled.
SELECT_TRANSFER_TRUNKS = """
    select t.id from outbound_trunk t
     where t.tenant_id = $1 and case
           when $2::text is not null then t.name = $2
           when $3::uuid is not null then t.id = $3
           else t.id = (select n.outbound_trunk_id from phone_number n where n.id = $4)
             or ((select n.outbound_trunk_id from phone_number n where n.id = $4) is null
                 and (t.spec ->> 'is_enabled')::boolean) end
     order by t.created_at, t.id limit 2
"""
# The number that was called or that the caller sees, if it belongs to the trunk, else the oldest one.
SELECT_SHOWN_NUMBER = """
    select number from phone_number where outbound_trunk_id = $1
     order by id is distinct from $2::uuid, created_at, id limit 1
"""
SELECT_ROUTES = """
    select n.id, n.spec::text, n.revision, t.id as trunk_id, t.tenant_id, t.spec::text as trunk_spec,
           t.revision as trunk_revision, t.sealed, k.key_id, k.wrapped
      from phone_number n
      join inbound_trunk t on t.id = n.inbound_trunk_id and t.tenant_id = n.tenant_id
      join workflow w on w.id = n.workflow_id and w.tenant_id = n.tenant_id
      left join data_key k on k.tenant_id = n.tenant_id
     where w.published is not null and (t.spec ->> 'is_enabled')::boolean
     order by n.created_at, n.id
"""
ADD_INSTALLATION = "insert into installation default values on conflict do nothing"
SELECT_INSTALLATION = "select id from installation"


async def fetch_dial_trunk(
    connection: Any, vault: Vault, tenant: UUID, id: UUID
) -> DialTrunk | None:
    """The trunk as a worker dials over it; None if it was deleted. If decryption fails, the trunk
    states the problem."""
    row = await connection.fetchrow(SELECT_OUTBOUND_TRUNK, id, tenant)
    if row is None:
        return None
    spec, trunk = OUTBOUND_TRUNK_SPEC.validate_json(row["spec"]), OutboundTrunkId(id)
    try:
        password = decrypt_password(vault, TrunkTable.OUTBOUND, id, row)
    except DecryptionKeyMissing as error:
        return DialTrunk(id=trunk, spec=spec, problem=error.message)
    return DialTrunk(id=trunk, spec=spec, password=password)


async def fetch_transfer_trunk(
    connection: Any, vault: Vault, call: Call, name: str | None
) -> DialTrunk:
    """The trunk over which a call may be transferred. Raises `DialRefused` when there is none, or
    when one of several has to be named."""
    own = call.trunk_id if call.is_dialed else None
    arguments = (call.tenant_id, name, own, call.phone_number_id)
    ids = [row["id"] for row in await connection.fetch(SELECT_TRANSFER_TRUNKS, *arguments)]
    trunk = None
    if len(ids) == 1:
        trunk = await fetch_dial_trunk(connection, vault, call.tenant_id, ids[0])
    if trunk is None:
        several = "there are several outbound trunks: name one of them"
        missing = f"there is no outbound trunk {name}" if name else "there is no outbound trunk"
        raise DialRefused(
            f"A transfer dials a number, and {several if ids else missing}.",
            ("trunk",),
            reason=DialRefusal.NO_TRUNK,
        )
    if trunk.problem is not None:
        raise DialRefused(trunk.problem, ("trunk",), reason=DialRefusal.TRUNK_DISABLED)
    return trunk


async def fetch_shown_number(connection: Any, trunk: DialTrunk, call: Call) -> str:
    """The number that the target of a transfer sees. Raises `DialRefused` when the trunk has none."""
    number: str | None = await connection.fetchval(
        SELECT_SHOWN_NUMBER, trunk.id, call.phone_number_id
    )
    if number is None:
        raise DialRefused(
            f"The trunk {trunk.spec.name} has no telephone number to show; create a number with this "
            "outboundTrunkId.",
            ("trunk",),
            reason=DialRefusal.NO_CALLER_ID,
        )
    return number


class SqlInboundRoutes:
    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], vault: Vault, hold: HoldLimits) -> None:
        """`hold` are the limits of the installation."""
        self._pool = pool
        self._vault = vault
        self._hold = hold
        self._undecryptable: set[UUID] = set()

    @translate_outages
    async def installation_id(self) -> UUID:
        id: UUID | None = await self._pool.fetchval(SELECT_INSTALLATION)
        if id is None:
            # Statements of their own: one that waits for another keeper does not see its row.
            await self._pool.execute(ADD_INSTALLATION)
            id = await self._pool.fetchval(SELECT_INSTALLATION)
        assert id is not None
        return id

    @translate_outages
    async def inbound_routes(self) -> Sequence[InboundRoute]:
        rows = await self._pool.fetch(SELECT_ROUTES)
        return [route for row in rows if (route := self._route(row)) is not None]

    def _route(self, row: asyncpg.Record) -> InboundRoute | None:
        trunk: UUID = row["trunk_id"]
        try:
            password = decrypt_password(self._vault, TrunkTable.INBOUND, trunk, row)
        except DecryptionKeyMissing as error:
            # Without its password the trunk would accept every call from an allowed address.
            self._report_once(trunk, error.message)
            return None
        self._undecryptable.discard(trunk)
        return self._route_of(row, password)

    def _report_once(self, trunk: UUID, why: str) -> None:
        if trunk not in self._undecryptable:
            self._undecryptable.add(trunk)
            facts = {"trunk_id": str(trunk), "why": why}
            log.error("cannot decrypt the password of an inbound trunk", extra=facts)

    def _route_of(self, row: asyncpg.Record, password: str | None) -> InboundRoute:
        number = PHONE_NUMBER_SPEC.validate_json(row["spec"])
        trunk = INBOUND_TRUNK_SPEC.validate_json(row["trunk_spec"])
        longest, ringing = number.defaults.max_seconds, number.defaults.ringing_seconds
        ringing_seconds = DEFAULT_RINGING_SECONDS if ringing is None else ringing
        hold = hold_limits(number.hold, self._hold, ringing_seconds)
        return InboundRoute(
            number_id=PhoneNumberId(row["id"]),
            number=number.number,
            version=f"{row['revision']}.{row['trunk_id']}.{row['trunk_revision']}",
            allowed_addresses=trunk.allowed_addresses,
            media_encryption=trunk.media_encryption,
            username=trunk.username,
            password=password,
            context_headers=trunk.context_headers,
            ringing_seconds=ringing_seconds,
            max_seconds=min(trunk.max_call_seconds, longest or trunk.max_call_seconds)
            + (hold.max_seconds if hold else 0),
        )
