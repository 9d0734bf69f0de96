"""The repositories of trunks and telephone numbers for the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import TenantId
from domain.common.errors import DomainError, InUse, NotFound, NumberTaken
from domain.telephony.trunks import (
    InboundTrunk,
    InboundTrunkId,
    InboundTrunkSpec,
    NumberReference,
    OutboundTrunk,
    OutboundTrunkId,
    OutboundTrunkSpec,
    PhoneNumber,
    PhoneNumberId,
    PhoneNumberSpec,
)
from persistence import tables
from persistence.codec import INBOUND_TRUNK_SPEC, OUTBOUND_TRUNK_SPEC, PHONE_NUMBER_SPEC
from persistence.credentials import tenant_data_key
from persistence.drafts import SqlDrafts, common_fields
from persistence.trunk_passwords import TrunkTable, password_identity
from persistence.vault import Vault, encrypt

T = TypeVar("T")
S = TypeVar("S")

MAX_NUMBERS_OF_REFERENCE = 100
"""How many numbers of one trunk or workflow are listed."""


class SqlTrunks(SqlDrafts[T, S]):
    def __init__(
        self,
        connection: AsyncConnection,
        tenant: TenantId,
        vault: Vault,
        password_table: TrunkTable,
        **options: Any,
    ) -> None:
        super().__init__(connection, tenant, **options)
        self._vault = vault
        self._password_table = password_table

    async def set_password(self, id: UUID, password: str | None) -> T:
        c = self._table.c
        change = (
            update(self._table)
            .where(c.tenant_id == self._tenant, c.id == id)
            .values(sealed=None if password is None else await self._encrypted(id, password))
            .returning(*self._selected_columns)
        )
        return self._to_entity((await self._db.execute(change)).one())

    async def delete(self, id: UUID) -> None:
        try:
            await super().delete(id)
        except IntegrityError:
            # A number was assigned to the trunk after the use case had looked for one.
            raise InUse("A telephone number uses the trunk.", ("id",), used_by=()) from None

    async def _encrypted(self, id: UUID, password: str) -> bytes:
        key = await tenant_data_key(self._db, self._vault, self._tenant)
        return encrypt(key, password_identity(self._tenant, self._password_table, id), password)


REFERENCES: Mapping[NumberReference, tuple[str, str]] = {
    "workflow_id": ("workflowId", "workflow"),
    "inbound_trunk_id": ("inboundTrunkId", "inbound trunk"),
    "outbound_trunk_id": ("outboundTrunkId", "outbound trunk"),
}
"""The field of the API and the noun for each reference of a number."""


class SqlPhoneNumbers(SqlDrafts[PhoneNumber, PhoneNumberSpec]):
    def __init__(self, connection: AsyncConnection, tenant: TenantId) -> None:
        super().__init__(
            connection,
            tenant,
            table=tables.phone_number,
            spec_adapter=PHONE_NUMBER_SPEC,
            entity=_phone_number,
            noun="phone number",
            key="number",
            references=tuple(REFERENCES),
        )

    async def using(
        self, reference: NumberReference, ids: Sequence[UUID]
    ) -> Mapping[UUID, Sequence[PhoneNumber]]:
        if not ids:
            return {}
        c = self._table.c
        place = func.row_number().over(partition_by=c[reference], order_by=(c.created_at, c.id))
        ranked = (
            select(c.id, place.label("place"))
            .where(c.tenant_id == self._tenant, c[reference].in_(ids))
            .subquery()
        )
        listed = select(ranked.c.id).where(ranked.c.place <= MAX_NUMBERS_OF_REFERENCE)
        numbers: dict[UUID, list[PhoneNumber]] = {}
        for number in await self._select(c.id.in_(listed)):
            numbers.setdefault(getattr(number.spec, reference), []).append(number)
        return {
            id: sorted(found, key=lambda number: (number.created_at, number.id))
            for id, found in numbers.items()
        }

    def _translate(self, error: IntegrityError, spec: PhoneNumberSpec) -> DomainError | None:
        problem = str(error.orig)
        if "uq_phone_number_number" in problem:
            return NumberTaken(
                "This number is already in use in this installation. If it is yours, change the "
                "existing phone number instead of creating another one; if it is not, check the "
                "number with your carrier, and ask the operator to free it.",
                ("number",),
            )
        for column, (field, noun) in REFERENCES.items():
            if f"fk_phone_number_{column}" in problem:
                return NotFound(f"There is no such {noun}.", (field,))
        return None


def outbound_trunks(
    connection: AsyncConnection, tenant: TenantId, vault: Vault
) -> SqlTrunks[OutboundTrunk, OutboundTrunkSpec]:
    return SqlTrunks(
        connection,
        tenant,
        vault,
        TrunkTable.OUTBOUND,
        table=tables.outbound_trunk,
        spec_adapter=OUTBOUND_TRUNK_SPEC,
        entity=_outbound_trunk,
        noun="outbound trunk",
    )


def inbound_trunks(
    connection: AsyncConnection, tenant: TenantId, vault: Vault
) -> SqlTrunks[InboundTrunk, InboundTrunkSpec]:
    return SqlTrunks(
        connection,
        tenant,
        vault,
        TrunkTable.INBOUND,
        table=tables.inbound_trunk,
        spec_adapter=INBOUND_TRUNK_SPEC,
        entity=_inbound_trunk,
        noun="inbound trunk",
    )


def _outbound_trunk(row: Row[Any], spec: OutboundTrunkSpec) -> OutboundTrunk:
    return OutboundTrunk(
        **common_fields(row),
        id=OutboundTrunkId(row.id),
        spec=spec,
        has_password=row.sealed is not None,
    )


def _inbound_trunk(row: Row[Any], spec: InboundTrunkSpec) -> InboundTrunk:
    return InboundTrunk(
        **common_fields(row),
        id=InboundTrunkId(row.id),
        spec=spec,
        has_password=row.sealed is not None,
    )


def _phone_number(row: Row[Any], spec: PhoneNumberSpec) -> PhoneNumber:
    return PhoneNumber(**common_fields(row), id=PhoneNumberId(row.id), spec=spec)
