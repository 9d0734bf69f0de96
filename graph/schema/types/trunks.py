"""Trunks and their mutations' inputs and results. Passwords are written and never returned."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import strawberry

from domain.common.access import Scope
from domain.common.lists import Count
from domain.common.patches import Patch
from domain.telephony import trunk_usage as usage_domain
from domain.telephony import trunks as domain
from domain.telephony.trunk_usage import PauseReason
from domain.telephony.trunks import MediaEncryption, SipTransport
from graph.schema.scalars import Duration
from graph.schema.types.common import Connection, Node, instance_check, spec_field
from graph.schema.types.durations import duration_field
from graph.schema.types.errors import (
    InUse,
    NameTaken,
    NotFoundError,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.inputs import (
    Fields,
    InputReader,
    as_tuple,
    created,
    same,
    whole_seconds,
)
from graph.schema.types.lists import count_field
from resolvers.context import Ctx
from resolvers.loaders import loaders

PASSWORD_DESCRIPTION = "The password, which is stored encrypted and never returned."
USERNAME_DESCRIPTION = "User name for SIP digest authentication; null for none."


async def _caller_ids(root: Any, info: Ctx) -> list[str]:
    return await _numbers_using(root, info, "outbound_trunk_id")


async def _numbers(root: Any, info: Ctx) -> list[str]:
    return await _numbers_using(root, info, "inbound_trunk_id")


async def _numbers_using(root: Any, info: Ctx, reference: domain.NumberReference) -> list[str]:
    viewer = info.context.require(Scope.TELEPHONY_READ)
    loader = loaders().numbers_using(info.context.services, viewer.tenant_id, reference)
    return [number.spec.number for number in await loader.load(root.id)]


async def _usage(root: Any, info: Ctx) -> DialUsage:
    usage = await _loaded_usage(root, info)
    return DialUsage(
        calls_today=usage.calls,
        minutes_today=usage.minutes,
        is_near_limit=usage.is_near_limit(root.spec.limits),
    )


async def _pause(root: Any, info: Ctx) -> usage_domain.TrunkPause | None:
    return (await _loaded_usage(root, info)).pause


async def _loaded_usage(root: Any, info: Ctx) -> usage_domain.TrunkUsage:
    viewer = info.context.require(Scope.TELEPHONY_READ)
    loader = loaders().trunk_usage(info.context.services, viewer.tenant_id)
    usage: usage_domain.TrunkUsage = await loader.load(root.id)
    return usage


def _seconds(duration: timedelta | None, default: int) -> int:
    return default if duration is None else int(duration.total_seconds())


@strawberry.type(
    description="How much may be dialled over a trunk, which limits the damage of a stolen key."
)
class DialLimits:
    calls_per_second: int = strawberry.field(
        description="Maximum number of calls that are dialled in a second."
    )
    concurrent_calls: int = strawberry.field(
        description="Maximum number of calls in progress at the same time."
    )
    calls_per_day: int = strawberry.field(
        description="Maximum number of calls that are dialled in a day (UTC)."
    )
    calls_per_number_per_hour: int = strawberry.field(
        description="Maximum number of calls to the same number within an hour."
    )
    minutes_per_day: int | None = strawberry.field(
        description="Maximum minutes of all conversations in a day (UTC); null for no limit."
    )


@strawberry.type(description="What has been dialled over a trunk since midnight (UTC).")
class DialUsage:
    calls_today: int = strawberry.field(description="Number of calls that were dialled.")
    minutes_today: float = strawberry.field(
        description="Minutes of conversations, calls in progress included."
    )
    is_near_limit: bool = strawberry.field(
        description="Whether 80 % of a limit per day of the trunk are used."
    )


@strawberry.type(
    name="TrunkPause",
    description=(
        "A while in which nothing is dialled over a trunk, because its carrier has refused several "
        "calls in a row."
    ),
)
class TrunkPauseType:
    reason: PauseReason = strawberry.field(description="Why the carrier refused the last call.")
    until: datetime = strawberry.field(
        description="When calls are dialled again (UTC), unless `resumeOutboundTrunk` comes first."
    )


@strawberry.type(
    name="OutboundTrunk",
    description="A connection to a carrier over which numbers are dialled.",
)
class OutboundTrunkType(Node):
    is_type_of = instance_check(domain.OutboundTrunk)

    name: str = spec_field("name", "Unique name of the trunk.", str)
    address: str = spec_field(
        "address", "Host name or IPv4 address of the carrier, with an optional port.", str
    )
    transport: SipTransport = spec_field(
        "transport", "Transport of the SIP messages.", SipTransport
    )
    media_encryption: MediaEncryption = spec_field(
        "media_encryption", "Whether the audio is encrypted with SRTP.", MediaEncryption
    )
    username: str | None = spec_field("username", USERNAME_DESCRIPTION, str | None)
    has_password: bool = strawberry.field(description="Whether a password is stored.")
    region: str = spec_field(
        "region",
        "Country of the trunk as an ISO 3166-1 code; its ordinary numbers may be dialled.",
        str,
    )
    allowed_regions: list[str] = spec_field(
        "allowed_regions",
        "Further countries and territories whose ordinary numbers may be dialled.",
        list[str],
    )
    allowed_prefixes: list[str] = spec_field(
        "allowed_prefixes",
        "First digits of numbers that may be dialled wherever they are and whatever they cost.",
        list[str],
    )
    allowed_short_numbers: list[str] = spec_field(
        "allowed_short_numbers",
        "Emergency and service numbers that may be dialled.",
        list[str],
    )
    limits: DialLimits = spec_field("limits", "How much may be dialled.", DialLimits)
    max_duration: Duration = duration_field(
        "spec.max_call_seconds", "Maximum duration of a call over the trunk."
    )
    is_enabled: bool = spec_field("is_enabled", "Whether the trunk may be used.", bool)
    usage: DialUsage = strawberry.field(
        resolver=_usage, description="What has been dialled over the trunk today."
    )
    pause: usage_domain.TrunkPause | None = strawberry.field(
        resolver=_pause,
        graphql_type=TrunkPauseType | None,
        description="Why nothing is dialled over the trunk for now; null when it is not paused.",
    )
    caller_ids: list[str] = strawberry.field(
        resolver=_caller_ids,
        description="Numbers that callees may see, the oldest first; at most 100 of them.",
    )
    revision: int = strawberry.field(description="Revision number; increases with every edit.")
    created_at: datetime = strawberry.field(description="When the trunk was created (UTC).")
    updated_at: datetime = strawberry.field(description="When the trunk was last edited (UTC).")


@strawberry.type(
    name="InboundTrunk",
    description="A carrier that sends calls to your numbers, and from where it sends them.",
)
class InboundTrunkType(Node):
    is_type_of = instance_check(domain.InboundTrunk)

    name: str = spec_field("name", "Unique name of the trunk.", str)
    allowed_addresses: list[str] = spec_field(
        "allowed_addresses",
        "Networks from which calls are accepted, in CIDR notation.",
        list[str],
    )
    media_encryption: MediaEncryption = spec_field(
        "media_encryption", "Whether the audio is encrypted with SRTP.", MediaEncryption
    )
    username: str | None = spec_field("username", USERNAME_DESCRIPTION, str | None)
    has_password: bool = strawberry.field(description="Whether a password is stored.")
    context_headers: list[str] = spec_field(
        "context_headers", "SIP headers that the context of a call gets.", list[str]
    )
    max_duration: Duration = duration_field(
        "spec.max_call_seconds", "Maximum duration of a call from the trunk."
    )
    is_enabled: bool = spec_field("is_enabled", "Whether calls are accepted.", bool)
    numbers: list[str] = strawberry.field(
        resolver=_numbers,
        description="Numbers whose calls come from the trunk, the oldest first; at most 100.",
    )
    revision: int = strawberry.field(description="Revision number; increases with every edit.")
    created_at: datetime = strawberry.field(description="When the trunk was created (UTC).")
    updated_at: datetime = strawberry.field(description="When the trunk was last edited (UTC).")


@strawberry.type(description="One page of a list of outbound trunks.")
class OutboundTrunkConnection(Connection[OutboundTrunkType]):
    total_count: Count = count_field()


@strawberry.type(description="One page of a list of inbound trunks.")
class InboundTrunkConnection(Connection[InboundTrunkType]):
    total_count: Count = count_field()


@strawberry.input(one_of=True, description="Identifies one trunk.")
class TrunkBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="Select the trunk by its id."
    )
    name: strawberry.Maybe[str] = strawberry.field(description="Select the trunk by its name.")


@strawberry.input(
    description=(
        "How much may be dialled. An update leaves omitted limits as they are; a new trunk gets their "
        "defaults."
    )
)
class DialLimitsInput:
    calls_per_second: strawberry.Maybe[int | None] = strawberry.field(
        description="Maximum number of calls that are dialled in a second; 1 to 100, 1 by default."
    )
    concurrent_calls: strawberry.Maybe[int | None] = strawberry.field(
        description=(
            "Maximum number of calls in progress at the same time; 1 to 10,000, 5 by default."
        )
    )
    calls_per_day: strawberry.Maybe[int | None] = strawberry.field(
        description=(
            "Maximum number of calls that are dialled in a day (UTC); 1 to 1,000,000, 200 by default."
        )
    )
    calls_per_number_per_hour: strawberry.Maybe[int | None] = strawberry.field(
        description=(
            "Maximum number of calls to the same number within an hour; 1 to 1,000, 3 by default."
        )
    )
    minutes_per_day: strawberry.Maybe[int | None] = strawberry.field(
        description=(
            "Maximum minutes of all conversations in a day (UTC), 1 to 1,000,000; null, the default, "
            "for no limit."
        )
    )

    def patch(self, reader: InputReader) -> Patch[domain.DialLimits]:
        fields = same(
            "calls_per_second",
            "concurrent_calls",
            "calls_per_day",
            "calls_per_number_per_hour",
            "minutes_per_day",
        )
        nullable = frozenset({"minutes_per_day"})
        return reader.patch(self, domain.DialLimits, fields, nullable=nullable)


@strawberry.input(description="Configuration of a new outbound trunk.")
class CreateOutboundTrunkInput:
    name: str = strawberry.field(description="Unique name: lower-case letters, digits and hyphens.")
    address: str = strawberry.field(
        description=(
            "Host name or IPv4 address of the carrier, with an optional port, for instance "
            "`example.pstn.twilio.com`."
        )
    )
    transport: SipTransport = strawberry.field(
        default=SipTransport.UDP, description="Transport of the SIP messages."
    )
    media_encryption: MediaEncryption = strawberry.field(
        default=MediaEncryption.DISABLED, description="Whether the audio is encrypted with SRTP."
    )
    username: str | None = strawberry.field(default=None, description=USERNAME_DESCRIPTION)
    password: str | None = strawberry.field(default=None, description=PASSWORD_DESCRIPTION)
    region: str = strawberry.field(
        description=(
            "Country of the trunk as an ISO 3166-1 code, for instance `US`; its ordinary numbers "
            "may be dialled."
        )
    )
    allowed_regions: list[str] = strawberry.field(
        default_factory=list,
        description=(
            "Further countries and territories whose ordinary numbers may be dialled, as ISO 3166-1 "
            "codes; `JM` is not part of `US`."
        ),
    )
    allowed_prefixes: list[str] = strawberry.field(
        default_factory=list,
        description=(
            "First digits of numbers, for instance `+1876`, that may be dialled wherever they are "
            "and whatever they cost."
        ),
    )
    allowed_short_numbers: list[str] = strawberry.field(
        default_factory=list,
        description="Emergency and service numbers that may be dialled, for instance `112`.",
    )
    limits: DialLimitsInput | None = strawberry.field(
        default=None, description="How much may be dialled; omit for the defaults."
    )
    max_duration: Duration | None = strawberry.field(
        default=None, description="Maximum duration of a call over the trunk; null for 30 minutes."
    )
    is_enabled: bool = strawberry.field(default=True, description="Whether the trunk may be used.")

    def spec(self, reader: InputReader) -> domain.OutboundTrunkSpec:
        seconds = _seconds(self.max_duration, domain.DEFAULT_OUTBOUND_SECONDS)
        return domain.OutboundTrunkSpec(
            name=self.name,
            address=self.address,
            transport=self.transport,
            media_encryption=self.media_encryption,
            username=self.username,
            region=self.region,
            allowed_regions=tuple(self.allowed_regions),
            allowed_prefixes=tuple(self.allowed_prefixes),
            allowed_short_numbers=tuple(self.allowed_short_numbers),
            limits=created(self.limits, reader.at("limits"), domain.DialLimits()),
            max_call_seconds=seconds,
            is_enabled=self.is_enabled,
        )


@strawberry.input(
    description=(
        "Changes to an outbound trunk. Omitted fields stay as they are, also those of `limits`; lists "
        "are replaced as a whole. Calls in progress continue."
    )
)
class UpdateOutboundTrunkInput:
    id: strawberry.ID = strawberry.field(description="Id of the trunk to change.")
    expected_revision: int = strawberry.field(
        description=(
            "Revision that you read; the update fails with RevisionConflict when it "
            "is no longer current."
        )
    )
    name: strawberry.Maybe[str | None] = strawberry.field(description="New name of the trunk.")
    address: strawberry.Maybe[str | None] = strawberry.field(
        description="New host name or IPv4 address of the carrier, with an optional port."
    )
    transport: strawberry.Maybe[SipTransport | None] = strawberry.field(
        description="New transport of the SIP messages."
    )
    media_encryption: strawberry.Maybe[MediaEncryption | None] = strawberry.field(
        description="Whether the audio is to be encrypted with SRTP."
    )
    username: strawberry.Maybe[str | None] = strawberry.field(
        description="New user name; null, together with the password, for no authentication."
    )
    password: strawberry.Maybe[str | None] = strawberry.field(
        description="New password, which is stored encrypted and never returned; null to remove it."
    )
    region: strawberry.Maybe[str | None] = strawberry.field(
        description="New country of the trunk, as an ISO 3166-1 code."
    )
    allowed_regions: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All further allowed regions, replacing the current ones."
    )
    allowed_prefixes: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All allowed prefixes, replacing the current ones."
    )
    allowed_short_numbers: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All allowed short numbers, replacing the current ones."
    )
    limits: strawberry.Maybe[DialLimitsInput | None] = strawberry.field(
        description="Changes to the limits; omitted ones stay as they are."
    )
    max_duration: strawberry.Maybe[Duration | None] = strawberry.field(
        description="New maximum duration of a call over the trunk."
    )
    is_enabled: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether the trunk may be used."
    )

    def changes(self, reader: InputReader) -> dict[str, Any]:
        fields: Fields = {
            **same("name", "address", "transport", "media_encryption", "username", "password"),
            **same("region", "is_enabled"),
            "allowed_regions": ("allowed_regions", as_tuple),
            "allowed_prefixes": ("allowed_prefixes", as_tuple),
            "allowed_short_numbers": ("allowed_short_numbers", as_tuple),
            "limits": ("limits", DialLimitsInput.patch),
            "max_duration": ("max_call_seconds", whole_seconds),
        }
        return reader.changes(self, fields, nullable=frozenset({"username", "password"}))


@strawberry.input(description="Configuration of a new inbound trunk.")
class CreateInboundTrunkInput:
    name: str = strawberry.field(description="Unique name: lower-case letters, digits and hyphens.")
    allowed_addresses: list[str] = strawberry.field(
        description=(
            "Networks from which the carrier sends calls, in CIDR notation, for instance "
            "`192.0.2.0/30`; calls from elsewhere are not accepted."
        )
    )
    media_encryption: MediaEncryption = strawberry.field(
        default=MediaEncryption.DISABLED, description="Whether the audio is encrypted with SRTP."
    )
    username: str | None = strawberry.field(default=None, description=USERNAME_DESCRIPTION)
    password: str | None = strawberry.field(default=None, description=PASSWORD_DESCRIPTION)
    context_headers: list[str] = strawberry.field(
        default_factory=list,
        description=(
            "SIP headers that the context of a call gets: names that start with `X-`, "
            "`P-Asserted-Identity`, `Diversion` or `User-to-User`; at most 20."
        ),
    )
    max_duration: Duration | None = strawberry.field(
        default=None, description="Maximum duration of a call from the trunk; null for one hour."
    )
    is_enabled: bool = strawberry.field(default=True, description="Whether calls are accepted.")

    def spec(self, _reader: InputReader) -> domain.InboundTrunkSpec:
        seconds = _seconds(self.max_duration, domain.DEFAULT_INBOUND_SECONDS)
        return domain.InboundTrunkSpec(
            name=self.name,
            allowed_addresses=tuple(self.allowed_addresses),
            media_encryption=self.media_encryption,
            username=self.username,
            context_headers=tuple(self.context_headers),
            max_call_seconds=seconds,
            is_enabled=self.is_enabled,
        )


@strawberry.input(
    description=(
        "Changes to an inbound trunk. Omitted fields stay as they are; lists are replaced as a "
        "whole. Calls in progress continue."
    )
)
class UpdateInboundTrunkInput:
    id: strawberry.ID = strawberry.field(description="Id of the trunk to change.")
    expected_revision: int = strawberry.field(
        description=(
            "Revision that you read; the update fails with RevisionConflict when it "
            "is no longer current."
        )
    )
    name: strawberry.Maybe[str | None] = strawberry.field(description="New name of the trunk.")
    allowed_addresses: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All allowed networks in CIDR notation, replacing the current ones."
    )
    media_encryption: strawberry.Maybe[MediaEncryption | None] = strawberry.field(
        description="Whether the audio is to be encrypted with SRTP."
    )
    username: strawberry.Maybe[str | None] = strawberry.field(
        description="New user name; null, together with the password, for no authentication."
    )
    password: strawberry.Maybe[str | None] = strawberry.field(
        description="New password, which is stored encrypted and never returned; null to remove it."
    )
    context_headers: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All SIP headers that the context of a call gets, replacing the current ones."
    )
    max_duration: strawberry.Maybe[Duration | None] = strawberry.field(
        description="New maximum duration of a call from the trunk."
    )
    is_enabled: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether calls are accepted."
    )

    def changes(self, reader: InputReader) -> dict[str, Any]:
        fields: Fields = {
            **same("name", "media_encryption", "username", "password", "is_enabled"),
            "allowed_addresses": ("allowed_addresses", as_tuple),
            "context_headers": ("context_headers", as_tuple),
            "max_duration": ("max_call_seconds", whole_seconds),
        }
        return reader.changes(self, fields, nullable=frozenset({"username", "password"}))


@strawberry.input(description="The outbound trunk to dial over again.")
class ResumeOutboundTrunkInput:
    id: strawberry.ID = strawberry.field(description="Id of the trunk to resume.")


@strawberry.type(description="The outbound trunk is not paused any more.")
class ResumeOutboundTrunkSuccess:
    trunk: domain.OutboundTrunk = strawberry.field(
        graphql_type=OutboundTrunkType, description="The resumed trunk, without its password."
    )


@strawberry.input(description="The outbound trunk to delete.")
class DeleteOutboundTrunkInput:
    id: strawberry.ID = strawberry.field(description="Id of the trunk to delete.")


@strawberry.input(description="The inbound trunk to delete.")
class DeleteInboundTrunkInput:
    id: strawberry.ID = strawberry.field(description="Id of the trunk to delete.")


@strawberry.type(description="The outbound trunk was created.")
class CreateOutboundTrunkSuccess:
    trunk: domain.OutboundTrunk = strawberry.field(
        graphql_type=OutboundTrunkType, description="The created trunk, without its password."
    )


@strawberry.type(description="The outbound trunk was updated.")
class UpdateOutboundTrunkSuccess:
    trunk: domain.OutboundTrunk = strawberry.field(
        graphql_type=OutboundTrunkType, description="The updated trunk, without its password."
    )


@strawberry.type(description="The outbound trunk was deleted.")
class DeleteOutboundTrunkSuccess:
    trunk: domain.OutboundTrunk = strawberry.field(
        graphql_type=OutboundTrunkType, description="The deleted trunk, without its password."
    )


@strawberry.type(description="The inbound trunk was created.")
class CreateInboundTrunkSuccess:
    trunk: domain.InboundTrunk = strawberry.field(
        graphql_type=InboundTrunkType, description="The created trunk, without its password."
    )


@strawberry.type(description="The inbound trunk was updated.")
class UpdateInboundTrunkSuccess:
    trunk: domain.InboundTrunk = strawberry.field(
        graphql_type=InboundTrunkType, description="The updated trunk, without its password."
    )


@strawberry.type(description="The inbound trunk was deleted.")
class DeleteInboundTrunkSuccess:
    trunk: domain.InboundTrunk = strawberry.field(
        graphql_type=InboundTrunkType, description="The deleted trunk, without its password."
    )


CreateOutboundTrunkResult = Annotated[
    CreateOutboundTrunkSuccess | ValidationError | NameTaken,
    strawberry.union(
        "CreateOutboundTrunkResult",
        description="Result of `createOutboundTrunk`: the success type or one of the errors.",
    ),
]
UpdateOutboundTrunkResult = Annotated[
    UpdateOutboundTrunkSuccess | ValidationError | NotFoundError | NameTaken | RevisionConflict,
    strawberry.union(
        "UpdateOutboundTrunkResult",
        description="Result of `updateOutboundTrunk`: the success type or one of the errors.",
    ),
]
DeleteOutboundTrunkResult = Annotated[
    DeleteOutboundTrunkSuccess | NotFoundError | InUse,
    strawberry.union(
        "DeleteOutboundTrunkResult",
        description="Result of `deleteOutboundTrunk`: the success type or one of the errors.",
    ),
]
ResumeOutboundTrunkResult = Annotated[
    ResumeOutboundTrunkSuccess | NotFoundError,
    strawberry.union(
        "ResumeOutboundTrunkResult",
        description="Result of `resumeOutboundTrunk`: the success type or one of the errors.",
    ),
]
CreateInboundTrunkResult = Annotated[
    CreateInboundTrunkSuccess | ValidationError | NameTaken,
    strawberry.union(
        "CreateInboundTrunkResult",
        description="Result of `createInboundTrunk`: the success type or one of the errors.",
    ),
]
UpdateInboundTrunkResult = Annotated[
    UpdateInboundTrunkSuccess | ValidationError | NotFoundError | NameTaken | RevisionConflict,
    strawberry.union(
        "UpdateInboundTrunkResult",
        description="Result of `updateInboundTrunk`: the success type or one of the errors.",
    ),
]
DeleteInboundTrunkResult = Annotated[
    DeleteInboundTrunkSuccess | NotFoundError | InUse,
    strawberry.union(
        "DeleteInboundTrunkResult",
        description="Result of `deleteInboundTrunk`: the success type or one of the errors.",
    ),
]
