"""What workers and keepers read of trunks and telephone numbers, with decrypted passwords."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from domain.common.errors import DecryptionKeyMissing
from domain.telephony.hold import HoldLimits, hold_limits
from domain.telephony.inbound_routes import InboundRoute
from domain.telephony.trunks import (
    DEFAULT_RINGING_SECONDS,
    DialTrunk,
    InboundTrunkSpec,
    OutboundTrunkId,
    OutboundTrunkSpec,
    PhoneNumberId,
    PhoneNumberSpec,
)
from persistence.db_errors import translate_outages
from persistence.trunk_passwords import TrunkTable, decrypt_password
from persistence.vault import Vault

log = logging.getLogger(__name__)

_outbound_spec = TypeAdapter(OutboundTrunkSpec)
_inbound_spec = TypeAdapter(InboundTrunkSpec)
_number_spec = TypeAdapter(PhoneNumberSpec)

SELECT_OUTBOUND_TRUNK = """
    select t.id, t.tenant_id, t.spec::text, t.sealed, k.key_id, k.wrapped
      from outbound_trunk t left join data_key k using (tenant_id)
     where t.id = $1 and t.tenant_id = $2
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
FETCH_INSTALLATION = """
    with added as (insert into installation default values on conflict do nothing returning id)
    select id from added union all select id from installation limit 1
"""


async def fetch_dial_trunk(
    connection: Any, vault: Vault, tenant: UUID, id: UUID
) -> DialTrunk | None:
    """The trunk as a worker dials over it; None if it was deleted. If decryption fails, the trunk
    states the problem."""
    row = await connection.fetchrow(SELECT_OUTBOUND_TRUNK, id, tenant)
    if row is None:
        return None
    spec, trunk = _outbound_spec.validate_json(row["spec"]), OutboundTrunkId(id)
    try:
        password = decrypt_password(vault, TrunkTable.OUTBOUND, id, row)
    except DecryptionKeyMissing as error:
        return DialTrunk(id=trunk, spec=spec, problem=error.message)
    return DialTrunk(id=trunk, spec=spec, password=password)


class SqlInboundRoutes:
    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], vault: Vault, hold: HoldLimits) -> None:
        """`hold` are the limits of the installation."""
        self._pool = pool
        self._vault = vault
        self._hold = hold
        self._undecryptable: set[UUID] = set()

    @translate_outages
    async def installation_id(self) -> UUID:
        id: UUID = await self._pool.fetchval(FETCH_INSTALLATION)
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
        number = _number_spec.validate_json(row["spec"])
        trunk = _inbound_spec.validate_json(row["trunk_spec"])
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
