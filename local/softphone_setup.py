"""What the softphone needs in a studio: a number, and a trunk in each direction. Created and updated
through the public API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.client import ApiError, StudioClient

Json = dict[str, Any]

TRUNK_NAME = "softphone"
STUDIO_NUMBER = "+12025550100"
"""The number at which workflows are called, and which they show; reserved for examples."""
PHONE_NUMBER = "+12025550199"
"""The number of the softphone; reserved for examples."""
REGION = "US"
LOOPBACK = "127.0.0.0/8"
LIMITS = {
    "callsPerSecond": 10,
    "concurrentCalls": 50,
    "callsPerDay": 10_000,
    "callsPerNumberPerHour": 1_000,
}
"""Generous, because calls to the softphone cost nothing."""

ERROR = "... on Error { message code }"
FIND = """query ($name: String!, $number: String!, $slug: String!) {
  workflow(by: { slug: $slug }) { id published { number } }
  outboundTrunk(by: { name: $name }) { id revision address }
  inboundTrunk(by: { name: $name }) { id }
  phoneNumber(by: { number: $number }) {
    id revision workflow { id } inboundTrunk { id } outboundTrunk { id }
  }
}"""
CREATE_OUTBOUND = (
    "mutation ($input: CreateOutboundTrunkInput!) { createOutboundTrunk(input: $input) "
    f"{{ __typename {ERROR} ... on CreateOutboundTrunkSuccess {{ trunk {{ id }} }} }} }}"
)
UPDATE_OUTBOUND = (
    "mutation ($input: UpdateOutboundTrunkInput!) { updateOutboundTrunk(input: $input) "
    f"{{ __typename {ERROR} ... on UpdateOutboundTrunkSuccess {{ trunk {{ id }} }} }} }}"
)
CREATE_INBOUND = (
    "mutation ($input: CreateInboundTrunkInput!) { createInboundTrunk(input: $input) "
    f"{{ __typename {ERROR} ... on CreateInboundTrunkSuccess {{ trunk {{ id }} }} }} }}"
)
CREATE_NUMBER = (
    "mutation ($input: CreatePhoneNumberInput!) { createPhoneNumber(input: $input) "
    f"{{ __typename {ERROR} ... on CreatePhoneNumberSuccess {{ phoneNumber {{ id }} }} }} }}"
)
UPDATE_NUMBER = (
    "mutation ($input: UpdatePhoneNumberInput!) { updatePhoneNumber(input: $input) "
    f"{{ __typename {ERROR} ... on UpdatePhoneNumberSuccess {{ phoneNumber {{ id }} }} }} }}"
)


@dataclass(frozen=True, slots=True)
class SoftphoneSetup:
    """The id of the trunk over which the softphone is dialled; and whether the number is new or has
    changed."""

    outbound_trunk: str
    is_new: bool


async def set_up_softphone(
    studio: StudioClient, workflow: str, phone_address: str | None
) -> SoftphoneSetup:
    """Make calls possible in both directions. `phone_address` is where the softphone waits for
    calls; None leaves the present address. A second call changes only what differs."""
    found = await studio.execute(
        FIND, {"name": TRUNK_NAME, "number": STUDIO_NUMBER, "slug": workflow}
    )
    if not found["workflow"] or not found["workflow"]["published"]:
        raise ApiError(f"there is no published workflow {workflow}")
    outbound = await _set_up_outbound_trunk(studio, found["outboundTrunk"], phone_address)
    inbound = await _set_up_inbound_trunk(studio, found["inboundTrunk"])
    references = {
        "workflowId": found["workflow"]["id"],
        "inboundTrunkId": inbound,
        "outboundTrunkId": outbound,
    }
    is_new = await _set_up_number(studio, found["phoneNumber"], references)
    return SoftphoneSetup(outbound, is_new)


async def _set_up_outbound_trunk(
    studio: StudioClient, existing: Json | None, address: str | None
) -> str:
    if existing is None:
        trunk = {
            "name": TRUNK_NAME,
            "address": address or "127.0.0.1:5060",
            "region": REGION,
            "limits": LIMITS,
        }
        created = await studio.mutate(CREATE_OUTBOUND, {"input": trunk})
        return str(created["trunk"]["id"])
    if address is not None and existing["address"] != address:
        change = {
            "id": existing["id"],
            "expectedRevision": existing["revision"],
            "address": address,
        }
        await studio.mutate(UPDATE_OUTBOUND, {"input": change})
    return str(existing["id"])


async def _set_up_inbound_trunk(studio: StudioClient, existing: Json | None) -> str:
    if existing is not None:
        return str(existing["id"])
    trunk = {"name": TRUNK_NAME, "allowedAddresses": [LOOPBACK]}
    created = await studio.mutate(CREATE_INBOUND, {"input": trunk})
    return str(created["trunk"]["id"])


async def _set_up_number(studio: StudioClient, existing: Json | None, references: Json) -> bool:
    """Returns whether anything has changed."""
    if existing is None:
        number = {"number": STUDIO_NUMBER, "label": "Softphone", **references}
        await studio.mutate(CREATE_NUMBER, {"input": number})
        return True
    if references == _references(existing):
        return False
    change = {"id": existing["id"], "expectedRevision": existing["revision"], **references}
    await studio.mutate(UPDATE_NUMBER, {"input": change})
    return True


def _references(number: Json) -> Json:
    return {
        f"{name}Id": number[name] and number[name]["id"]
        for name in ("workflow", "inboundTrunk", "outboundTrunk")
    }
