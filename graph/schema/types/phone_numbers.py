"""Telephone numbers and their mutations' inputs and results."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain.common.access import Scope
from domain.common.lists import Count
from domain.common.patches import Patch
from domain.telephony import hold as hold_domain
from domain.telephony import inbound_routes as domain_routes
from domain.telephony import trunks as domain
from domain.telephony.attestation import Attestation
from domain.telephony.inbound_routes import RouteFault
from domain.workflows.model import Workflow
from graph.schema.scalars import Duration, Json
from graph.schema.types.common import Connection, Node, instance_check, spec_field
from graph.schema.types.errors import (
    NotFoundError,
    NumberTaken,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.inputs import (
    Fields,
    InputReader,
    as_tuple,
    created,
    identity,
    json_object,
    same,
    whole_seconds,
)
from graph.schema.types.lists import count_field
from graph.schema.types.trunks import InboundTrunkType, OutboundTrunkType
from graph.schema.types.workflows import WorkflowType
from resolvers.context import Ctx
from resolvers.loaders import loaders


async def _workflow(root: Any, info: Ctx) -> Workflow | None:
    loaded: Workflow | None = await _referenced(
        info, Scope.WORKFLOWS_READ, "workflows", root.spec.workflow_id
    )
    return loaded


async def _inbound_trunk(root: Any, info: Ctx) -> domain.InboundTrunk | None:
    loaded: domain.InboundTrunk | None = await _referenced(
        info, Scope.TELEPHONY_READ, "inbound_trunks", root.spec.inbound_trunk_id
    )
    return loaded


async def _outbound_trunk(root: Any, info: Ctx) -> domain.OutboundTrunk | None:
    loaded: domain.OutboundTrunk | None = await _referenced(
        info, Scope.TELEPHONY_READ, "outbound_trunks", root.spec.outbound_trunk_id
    )
    return loaded


async def _referenced(info: Ctx, scope: Scope, repository: str, id: UUID | None) -> Any:
    viewer = info.context.require(scope)
    if id is None:
        return None
    return await loaders().by_id(info.context.services, viewer.tenant_id, repository).load(id)


def _duration(seconds: int | None) -> Duration | None:
    return None if seconds is None else Duration(timedelta(seconds=seconds))


def _ringing_timeout(root: Any) -> Duration | None:
    return _duration(root.ringing_seconds)


def _max_duration(root: Any) -> Duration | None:
    return _duration(root.max_seconds)


def _recording(root: Any) -> bool | None:
    recorded: bool | None = root.is_recorded
    return recorded


@strawberry.type(description="What calls of a number start with.")
class NumberDefaults:
    user_context: Json = strawberry.field(description="Values that templates read as `user.<key>`.")
    language: str | None = strawberry.field(
        description="Language of the call as a BCP 47 tag; null for the agent's own."
    )
    ringing_timeout: Duration | None = strawberry.field(
        resolver=_ringing_timeout,
        description="How long a call may ring before it is answered; null for 30 seconds.",
    )
    max_duration: Duration | None = strawberry.field(
        resolver=_max_duration,
        description="Maximum duration of a call; null for the maximum of the trunk.",
    )
    recording: bool | None = strawberry.field(
        resolver=_recording,
        description="Whether calls are recorded; null for what the workflow says.",
    )


def _after(root: Any) -> Duration | None:
    return _duration(root.after_seconds)


def _timeout(root: Any) -> Duration | None:
    return _duration(root.max_seconds)


@strawberry.type(description="How callers to a number wait while all workers are busy.")
class HoldPolicy:
    after: Duration | None = strawberry.field(
        resolver=_after,
        description="How long the phone rings before the caller is on hold; null for the default.",
    )
    timeout: Duration | None = strawberry.field(
        resolver=_timeout,
        description="How long a caller may be on hold; 0 for never, null for the default.",
    )
    announcement: str | None = strawberry.field(
        description="What callers hear on hold; null for a text in the language of the agent."
    )
    goodbye: str | None = strawberry.field(
        description=(
            "What a caller hears who has waited for too long; null for a text in the language of "
            "the agent."
        )
    )


@strawberry.type(
    description="Why LiveKit does not accept the calls to a telephone number, or no change of it."
)
class RouteProblem:
    fault: RouteFault = strawberry.field(description="What is wrong.")
    message: str = strawberry.field(
        description="Human-readable explanation: what is wrong and how to fix it."
    )


async def _route_problem(root: Any, info: Ctx) -> domain_routes.RouteProblem | None:
    viewer = info.context.require(Scope.TELEPHONY_READ)
    problems = loaders().route_problems(info.context.services, viewer.tenant_id)
    problem: domain_routes.RouteProblem | None = await problems.load(root)
    return problem


@strawberry.type(
    name="PhoneNumber",
    description="A telephone number that you have from a carrier, and the workflow behind it.",
)
class PhoneNumberType(Node):
    is_type_of = instance_check(domain.PhoneNumber)

    number: str = spec_field("number", "The number in E.164.", str)
    label: str | None = spec_field(
        "label", "What the number is for; null when not described.", str | None
    )
    workflow: Workflow | None = strawberry.field(
        resolver=_workflow,
        graphql_type=WorkflowType | None,
        description="Workflow whose published version answers calls; null to answer none.",
    )
    inbound_trunk: domain.InboundTrunk | None = strawberry.field(
        resolver=_inbound_trunk,
        graphql_type=InboundTrunkType | None,
        description="Trunk from which calls to the number come; null when none do.",
    )
    outbound_trunk: domain.OutboundTrunk | None = strawberry.field(
        resolver=_outbound_trunk,
        graphql_type=OutboundTrunkType | None,
        description="Trunk over which calls may show the number; null when none do.",
    )
    earlier_calls: int = spec_field(
        "earlier_calls",
        "How many earlier calls of a caller templates can read as `user.earlier_calls`.",
        int,
    )
    defaults: NumberDefaults = spec_field(
        "defaults", "What calls of the number start with.", NumberDefaults
    )
    hold: HoldPolicy = spec_field(
        "hold", "How callers wait while all workers are busy.", HoldPolicy
    )
    refused_attestations: list[Attestation] = spec_field(
        "refused_attestations",
        "Calls whose number is attested like this are refused before a worker is asked.",
        list[Attestation],
    )
    route_problem: domain_routes.RouteProblem | None = strawberry.field(
        resolver=_route_problem,
        graphql_type=RouteProblem | None,
        description=(
            "Why LiveKit does not accept the calls to the number, as the keepers found in their last "
            "comparison, at most 30 seconds ago; null when there is no problem, when no workflow answers, "
            "and while it is not known."
        ),
    )
    revision: int = strawberry.field(description="Revision number; increases with every edit.")
    created_at: datetime = strawberry.field(description="When the number was created (UTC).")
    updated_at: datetime = strawberry.field(description="When the number was last edited (UTC).")


@strawberry.type(description="One page of a list of phone numbers.")
class PhoneNumberConnection(Connection[PhoneNumberType]):
    total_count: Count = count_field()


@strawberry.input(one_of=True, description="Identifies one telephone number.")
class PhoneNumberBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="Select the number by its id."
    )
    number: strawberry.Maybe[str] = strawberry.field(
        description="Select the number by its digits in E.164."
    )


@strawberry.input(
    description="What calls of a number start with. An update leaves omitted fields as they are."
)
class NumberDefaultsInput:
    user_context: strawberry.Maybe[Json | None] = strawberry.field(
        description=(
            "All values that templates read as `user.<key>`, as an object; null, the default, for none."
        )
    )
    language: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "Language of the call as a BCP 47 tag; null, the default, for the agent's own."
        )
    )
    ringing_timeout: strawberry.Maybe[Duration | None] = strawberry.field(
        description=(
            "How long a call may ring before it is answered, 5 to 75 seconds; null, the default, for "
            "30 seconds."
        )
    )
    max_duration: strawberry.Maybe[Duration | None] = strawberry.field(
        description=("Maximum duration of a call; null, the default, for the maximum of the trunk.")
    )
    recording: strawberry.Maybe[bool | None] = strawberry.field(
        description=("Whether calls are recorded; null, the default, for what the workflow says.")
    )

    def patch(self, reader: InputReader) -> Patch[domain.NumberDefaults]:
        fields: Fields = {
            "user_context": ("user_context", json_object),
            **same("language"),
            "ringing_timeout": ("ringing_seconds", whole_seconds),
            "max_duration": ("max_seconds", whole_seconds),
            "recording": ("is_recorded", identity),
        }
        return reader.patch(self, domain.NumberDefaults, fields, nullable=frozenset(fields))


@strawberry.input(
    description=(
        "How callers to a number wait while all workers are busy. An update leaves omitted fields as "
        "they are."
    )
)
class HoldPolicyInput:
    after: strawberry.Maybe[Duration | None] = strawberry.field(
        description=(
            "How long the phone rings before the caller is on hold, from 1 second up to 2 seconds "
            "less than the ringing timeout; null for the default of the installation."
        )
    )
    timeout: strawberry.Maybe[Duration | None] = strawberry.field(
        description=(
            "How long a caller may be on hold, at most one hour; 0 puts callers never on hold, and "
            "null is the default of the installation."
        )
    )
    announcement: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "What callers hear on hold, at most 500 characters; null for a text in the language of "
            "the agent."
        )
    )
    goodbye: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "What a caller hears who has waited for too long, at most 500 characters; null for a "
            "text in the language of the agent."
        )
    )

    def patch(self, reader: InputReader) -> Patch[hold_domain.HoldPolicy]:
        fields: Fields = {
            "after": ("after_seconds", whole_seconds),
            "timeout": ("max_seconds", whole_seconds),
            **same("announcement", "goodbye"),
        }
        return reader.patch(self, hold_domain.HoldPolicy, fields, nullable=frozenset(fields))


def _workflow_id(id: str, reader: InputReader) -> UUID:
    return reader.id("Workflow", id)


def _inbound_trunk_id(id: str, reader: InputReader) -> UUID:
    return reader.id("InboundTrunk", id)


def _outbound_trunk_id(id: str, reader: InputReader) -> UUID:
    return reader.id("OutboundTrunk", id)


def _id(kind: str, id: str | None, reader: InputReader) -> UUID | None:
    return None if id is None else reader.id(kind, id)


@strawberry.input(description="A telephone number that you have from a carrier.")
class CreatePhoneNumberInput:
    number: str = strawberry.field(
        description="The number in E.164, for instance `+12025550123`; unique in the installation."
    )
    label: str | None = strawberry.field(
        default=None, description="What the number is for; null when not described."
    )
    workflow_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Id of the workflow whose published version answers calls; null for none.",
    )
    inbound_trunk_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Id of the trunk from which calls to the number come; null when none do.",
    )
    outbound_trunk_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Id of the trunk over which calls may show the number; null when none do.",
    )
    earlier_calls: int = strawberry.field(
        default=0,
        description=(
            "How many earlier calls of a caller templates can read as `user.earlier_calls`; 0 to 10."
        ),
    )
    defaults: NumberDefaultsInput | None = strawberry.field(
        default=None, description="What calls of the number start with; omit for nothing special."
    )
    hold: HoldPolicyInput | None = strawberry.field(
        default=None,
        description="How callers wait while all workers are busy; omit for the installation's way.",
    )
    refused_attestations: list[Attestation] = strawberry.field(
        default_factory=list,
        description="Calls whose number is attested like this are refused; none by default.",
    )

    def spec(self, reader: InputReader) -> domain.PhoneNumberSpec:
        inbound, outbound = reader.at("inboundTrunkId"), reader.at("outboundTrunkId")
        return domain.PhoneNumberSpec(
            number=self.number,
            label=self.label,
            workflow_id=_id("Workflow", self.workflow_id, reader.at("workflowId")),
            inbound_trunk_id=_id("InboundTrunk", self.inbound_trunk_id, inbound),
            outbound_trunk_id=_id("OutboundTrunk", self.outbound_trunk_id, outbound),
            earlier_calls=self.earlier_calls,
            defaults=created(self.defaults, reader.at("defaults"), domain.NumberDefaults()),
            hold=created(self.hold, reader.at("hold"), hold_domain.NO_HOLD_POLICY),
            refused_attestations=tuple(self.refused_attestations),
        )


@strawberry.input(
    description=(
        "Changes to a telephone number. Omitted fields stay as they are, also within objects such as "
        "`defaults`. Calls in progress continue."
    )
)
class UpdatePhoneNumberInput:
    id: strawberry.ID = strawberry.field(description="Id of the number to change.")
    expected_revision: int = strawberry.field(
        description=(
            "Revision that you read; the update fails with RevisionConflict when it "
            "is no longer current."
        )
    )
    label: strawberry.Maybe[str | None] = strawberry.field(
        description="New description of what the number is for; null to remove it."
    )
    workflow_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="Id of the workflow that is to answer calls; null to answer none."
    )
    inbound_trunk_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="Id of the trunk from which calls to the number come; null when none do."
    )
    outbound_trunk_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="Id of the trunk over which calls may show the number; null when none do."
    )
    earlier_calls: strawberry.Maybe[int | None] = strawberry.field(
        description="How many earlier calls of a caller templates can read; 0 to 10."
    )
    defaults: strawberry.Maybe[NumberDefaultsInput | None] = strawberry.field(
        description="Changes to what calls of the number start with."
    )
    hold: strawberry.Maybe[HoldPolicyInput | None] = strawberry.field(
        description="Changes to how callers wait while all workers are busy."
    )
    refused_attestations: strawberry.Maybe[list[Attestation] | None] = strawberry.field(
        description="All attestations whose calls are refused, replacing the current ones."
    )

    def changes(self, reader: InputReader) -> dict[str, Any]:
        fields: Fields = {
            **same("label", "earlier_calls"),
            "workflow_id": ("workflow_id", _workflow_id),
            "inbound_trunk_id": ("inbound_trunk_id", _inbound_trunk_id),
            "outbound_trunk_id": ("outbound_trunk_id", _outbound_trunk_id),
            "defaults": ("defaults", NumberDefaultsInput.patch),
            "hold": ("hold", HoldPolicyInput.patch),
            "refused_attestations": ("refused_attestations", as_tuple),
        }
        required = {"earlier_calls", "defaults", "hold", "refused_attestations"}
        return reader.changes(self, fields, nullable=frozenset(fields) - required)


@strawberry.input(description="The telephone number to delete.")
class DeletePhoneNumberInput:
    id: strawberry.ID = strawberry.field(description="Id of the number to delete.")


@strawberry.type(description="The telephone number was created.")
class CreatePhoneNumberSuccess:
    phone_number: domain.PhoneNumber = strawberry.field(
        graphql_type=PhoneNumberType, description="The created telephone number."
    )


@strawberry.type(description="The telephone number was updated.")
class UpdatePhoneNumberSuccess:
    phone_number: domain.PhoneNumber = strawberry.field(
        graphql_type=PhoneNumberType, description="The updated telephone number."
    )


@strawberry.type(description="The telephone number was deleted; its past calls remain.")
class DeletePhoneNumberSuccess:
    phone_number: domain.PhoneNumber = strawberry.field(
        graphql_type=PhoneNumberType, description="The deleted telephone number."
    )


CreatePhoneNumberResult = Annotated[
    CreatePhoneNumberSuccess | ValidationError | NotFoundError | NumberTaken,
    strawberry.union(
        "CreatePhoneNumberResult",
        description="Result of `createPhoneNumber`: the success type or one of the errors.",
    ),
]
UpdatePhoneNumberResult = Annotated[
    UpdatePhoneNumberSuccess | ValidationError | NotFoundError | RevisionConflict,
    strawberry.union(
        "UpdatePhoneNumberResult",
        description="Result of `updatePhoneNumber`: the success type or one of the errors.",
    ),
]
DeletePhoneNumberResult = Annotated[
    DeletePhoneNumberSuccess | NotFoundError,
    strawberry.union(
        "DeletePhoneNumberResult",
        description="Result of `deletePhoneNumber`: the success type or one of the errors.",
    ),
]
