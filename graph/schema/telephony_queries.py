"""The queries of trunks and telephone numbers."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.common.access import Scope
from domain.telephony.trunks import InboundTrunk, OutboundTrunk, PhoneNumber
from graph.schema.arguments import After, Before, First, Last
from graph.schema.types.phone_numbers import (
    PhoneNumberBy,
    PhoneNumberConnection,
    PhoneNumberType,
)
from graph.schema.types.trunks import (
    InboundTrunkConnection,
    InboundTrunkType,
    OutboundTrunkConnection,
    OutboundTrunkType,
    TrunkBy,
)
from resolvers import drafts
from resolvers.context import Ctx
from resolvers.pagination import Page, PageArguments

READ = Scope.TELEPHONY_READ
By = Annotated[TrunkBy, strawberry.argument(description="Id or name of the trunk.")]


@strawberry.type(description="Operations that read data.")
class TelephonyQuery:
    @strawberry.field(
        description="One outbound trunk; null when it does not exist.",
        graphql_type=OutboundTrunkType | None,
    )
    async def outbound_trunk(self, info: Ctx, by: By) -> OutboundTrunk | None:
        id, name = by.id.value if by.id else None, by.name.value if by.name else None
        return await drafts.get_draft(
            info, READ, lambda w: w.outbound_trunks, "OutboundTrunk", id, name
        )

    @strawberry.field(
        description="Outbound trunks of your tenant, newest first.",
        graphql_type=OutboundTrunkConnection | None,
    )
    async def outbound_trunks(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[OutboundTrunk]:
        page = PageArguments(first, after, last, before)
        return await drafts.list_drafts(
            info, READ, lambda w: w.outbound_trunks, "outbound_trunks", page
        )

    @strawberry.field(
        description="One inbound trunk; null when it does not exist.",
        graphql_type=InboundTrunkType | None,
    )
    async def inbound_trunk(self, info: Ctx, by: By) -> InboundTrunk | None:
        id, name = by.id.value if by.id else None, by.name.value if by.name else None
        return await drafts.get_draft(
            info, READ, lambda w: w.inbound_trunks, "InboundTrunk", id, name
        )

    @strawberry.field(
        description="Inbound trunks of your tenant, newest first.",
        graphql_type=InboundTrunkConnection | None,
    )
    async def inbound_trunks(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[InboundTrunk]:
        page = PageArguments(first, after, last, before)
        return await drafts.list_drafts(
            info, READ, lambda w: w.inbound_trunks, "inbound_trunks", page
        )

    @strawberry.field(
        description="One telephone number; null when you do not have it.",
        graphql_type=PhoneNumberType | None,
    )
    async def phone_number(
        self,
        info: Ctx,
        by: Annotated[
            PhoneNumberBy, strawberry.argument(description="Id or digits of the number.")
        ],
    ) -> PhoneNumber | None:
        id, number = by.id.value if by.id else None, by.number.value if by.number else None
        return await drafts.get_draft(
            info, READ, lambda w: w.phone_numbers, "PhoneNumber", id, number
        )

    @strawberry.field(
        description="Telephone numbers of your tenant, newest first.",
        graphql_type=PhoneNumberConnection | None,
    )
    async def phone_numbers(
        self,
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[PhoneNumber]:
        page = PageArguments(first, after, last, before)
        return await drafts.list_drafts(
            info, READ, lambda w: w.phone_numbers, "phone_numbers", page
        )
