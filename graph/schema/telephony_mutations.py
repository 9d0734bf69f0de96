"""The mutations of trunks and telephone numbers."""

from __future__ import annotations

import strawberry

from domain.telephony.trunks import InboundTrunkId, OutboundTrunkId, PhoneNumberId
from domain.use_cases import telephony
from graph.schema.arguments import Input
from graph.schema.error_paths import mutation
from graph.schema.types import phone_numbers as p
from graph.schema.types import trunks as t
from graph.schema.types.inputs import InputReader
from resolvers.context import Ctx
from resolvers.global_ids import require_id


@strawberry.type(
    description=(
        "Operations that change data. Failures that a client should handle are returned as data."
    )
)
class TelephonyMutation:
    @mutation("Create a trunk over which numbers can be dialled.")
    async def create_outbound_trunk(
        self, info: Ctx, input: Input[t.CreateOutboundTrunkInput]
    ) -> t.CreateOutboundTrunkResult:
        reader = InputReader()
        spec = input.spec(reader)
        trunk = await reader.run(
            info.context, telephony.create_outbound_trunk, spec, input.password
        )
        return t.CreateOutboundTrunkSuccess(trunk=trunk)

    @mutation("Update an outbound trunk; omitted fields stay as they are.")
    async def update_outbound_trunk(
        self, info: Ctx, input: Input[t.UpdateOutboundTrunkInput]
    ) -> t.UpdateOutboundTrunkResult:
        id, reader = OutboundTrunkId(require_id("OutboundTrunk", input.id)), InputReader()
        changes = input.changes(reader)
        trunk = await reader.run(
            info.context, telephony.update_outbound_trunk, id, input.expected_revision, changes
        )
        return t.UpdateOutboundTrunkSuccess(trunk=trunk)

    @mutation("Delete an outbound trunk that no telephone number uses.")
    async def delete_outbound_trunk(
        self, info: Ctx, input: Input[t.DeleteOutboundTrunkInput]
    ) -> t.DeleteOutboundTrunkResult:
        id = OutboundTrunkId(require_id("OutboundTrunk", input.id))
        trunk = await info.context.run(telephony.delete_outbound_trunk, id)
        return t.DeleteOutboundTrunkSuccess(trunk=trunk)

    @mutation(
        "Dial over an outbound trunk again that was paused because its carrier refused calls."
    )
    async def resume_outbound_trunk(
        self, info: Ctx, input: Input[t.ResumeOutboundTrunkInput]
    ) -> t.ResumeOutboundTrunkResult:
        id = OutboundTrunkId(require_id("OutboundTrunk", input.id))
        trunk = await info.context.run(telephony.resume_outbound_trunk, id)
        return t.ResumeOutboundTrunkSuccess(trunk=trunk)

    @mutation("Create a trunk that describes from where a carrier sends calls.")
    async def create_inbound_trunk(
        self, info: Ctx, input: Input[t.CreateInboundTrunkInput]
    ) -> t.CreateInboundTrunkResult:
        reader = InputReader()
        spec = input.spec(reader)
        trunk = await reader.run(info.context, telephony.create_inbound_trunk, spec, input.password)
        return t.CreateInboundTrunkSuccess(trunk=trunk)

    @mutation("Update an inbound trunk; omitted fields stay as they are.")
    async def update_inbound_trunk(
        self, info: Ctx, input: Input[t.UpdateInboundTrunkInput]
    ) -> t.UpdateInboundTrunkResult:
        id, reader = InboundTrunkId(require_id("InboundTrunk", input.id)), InputReader()
        changes = input.changes(reader)
        trunk = await reader.run(
            info.context, telephony.update_inbound_trunk, id, input.expected_revision, changes
        )
        return t.UpdateInboundTrunkSuccess(trunk=trunk)

    @mutation("Delete an inbound trunk that no telephone number uses.")
    async def delete_inbound_trunk(
        self, info: Ctx, input: Input[t.DeleteInboundTrunkInput]
    ) -> t.DeleteInboundTrunkResult:
        id = InboundTrunkId(require_id("InboundTrunk", input.id))
        trunk = await info.context.run(telephony.delete_inbound_trunk, id)
        return t.DeleteInboundTrunkSuccess(trunk=trunk)

    @mutation("Create a telephone number that you have from a carrier.")
    async def create_phone_number(
        self, info: Ctx, input: Input[p.CreatePhoneNumberInput]
    ) -> p.CreatePhoneNumberResult:
        reader = InputReader()
        spec = input.spec(reader)
        number = await reader.run(info.context, telephony.create_phone_number, spec)
        return p.CreatePhoneNumberSuccess(phone_number=number)

    @mutation("Update a telephone number; omitted fields stay as they are.")
    async def update_phone_number(
        self, info: Ctx, input: Input[p.UpdatePhoneNumberInput]
    ) -> p.UpdatePhoneNumberResult:
        id, reader = PhoneNumberId(require_id("PhoneNumber", input.id)), InputReader()
        changes = input.changes(reader)
        number = await reader.run(
            info.context, telephony.update_phone_number, id, input.expected_revision, changes
        )
        return p.UpdatePhoneNumberSuccess(phone_number=number)

    @mutation("Delete a telephone number. Calls to it are no longer answered.")
    async def delete_phone_number(
        self, info: Ctx, input: Input[p.DeletePhoneNumberInput]
    ) -> p.DeletePhoneNumberResult:
        id = PhoneNumberId(require_id("PhoneNumber", input.id))
        number = await info.context.run(telephony.delete_phone_number, id)
        return p.DeletePhoneNumberSuccess(phone_number=number)
