"""What livekit-sip does with inbound calls, as our keeper and our worker rely on it. The same tests
run on the emulator, and on the real livekit-sip where it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from livekit import api
from livekit.protocol.room import RoomConfiguration
from livekit.protocol.sip import (
    SIPDispatchRuleInfo,
    SIPHeaderOptions,
    SIPInboundTrunkInfo,
    SIPStatusCode,
)

from local.phone.digest import Credentials
from local.phone.phone import Phone, open_phone
from local.phone.phone_call import PhoneCall
from local.phone.sip_call import Side
from local.phone.tones import amplitude_of, sine
from tests.phone.conftest import SipContract
from tests.support.room_probe import AUDIBLE_AMPLITUDE, RoomProbe, joined_probe
from tests.support.sip_calls import (
    LOOPBACK,
    create_rule,
    create_trunk,
    outcome_of,
    participants,
    remove_participant,
    rooms_with_prefix,
)

pytestmark = pytest.mark.anyio

NUMBER, OTHER_NUMBER = "+12025550110", "+12025550111"
CALLER = "+12025550120"
LEG = f"sip_{CALLER}"
RING_SECONDS = 4.0
SILENT_SECONDS = 3.0
"""How long a test listens for a response that never comes."""
WAIT_SECONDS = 60.0
KNOWN, WRONG = Credentials("carrier", "correct"), Credentials("carrier", "wrong")


@pytest.fixture(autouse=True)
async def no_rooms(sip: SipContract) -> None:
    """Delete the rooms of earlier calls, which LiveKit closes only after a while."""
    await delete_rooms(sip.client)


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with open_phone(CALLER) as opened:
        yield opened


async def open_number(
    sip: SipContract,
    number: str = NUMBER,
    *,
    addresses: tuple[str, ...] = (LOOPBACK,),
    ring_seconds: float = 30,
    rule: SIPDispatchRuleInfo | None = None,
    trunk: SIPInboundTrunkInfo | None = None,
) -> SIPInboundTrunkInfo:
    """A trunk for one number, and a rule that gives each call a room `in_…`."""
    trunk = trunk or SIPInboundTrunkInfo()
    trunk.numbers.append(number)
    trunk.allowed_addresses.extend(addresses)
    created = await create_trunk(sip.client, trunk, ring_seconds=ring_seconds)
    rule = rule or SIPDispatchRuleInfo()
    rule.trunk_ids.append(created.sip_trunk_id)
    await create_rule(sip.client, rule)
    return created


async def room_of_call(sip: SipContract, prefix: str = f"in_{CALLER}_") -> str:
    """Wait for the room of a call from our number."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not (rooms := await rooms_with_prefix(sip.client, prefix)):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
    [room] = rooms
    return room


async def leg_of_room(sip: SipContract, room: str) -> api.ParticipantInfo:
    """Wait for the telephone in a room; LiveKit lists the room first."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not (legs := await participants(sip.client, room)):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
    [leg] = legs
    return leg


async def until_no_room(sip: SipContract) -> None:
    """Wait until the telephone has left every room; LiveKit closes empty rooms later."""
    async with asyncio.timeout(WAIT_SECONDS):
        for room in await rooms_with_prefix(sip.client, f"in_{CALLER}_"):
            while LEG in await identities(sip, room):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)


async def identities(sip: SipContract, room: str) -> list[str]:
    return [participant.identity for participant in await participants(sip.client, room)]


async def delete_rooms(client: api.LiveKitAPI) -> None:
    for room in await rooms_with_prefix(client, "in_"):
        await client.room.delete_room(api.DeleteRoomRequest(room=room))


@asynccontextmanager
async def agent_in_room(sip: SipContract, hertz: float | None = 440) -> AsyncIterator[RoomProbe]:
    """An agent that joins the room of the call, and speaks there if it has a tone."""
    async with joined_probe(sip.livekit, await room_of_call(sip)) as agent:
        if hertz is not None:
            await agent.speak(hertz)
        yield agent


async def until_phone_hears(call: PhoneCall, hertz: float) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while amplitude_of(call.media.heard.last(0.4), hertz) < AUDIBLE_AMPLITUDE:
            await call.media.until_heard(0.02)


async def rings_without_decision(call: PhoneCall) -> bool:
    """Whether a call rings and is never decided, as far as a test can wait for that."""
    with pytest.raises(TimeoutError):
        await call.final_status(SILENT_SECONDS)
    return call.provisional[:2] == [100, 180]


# ---- calls that are answered ---------------------------------------------------------------


async def test_a_call_is_answered_when_an_agent_publishes_audio(
    sip: SipContract, phone: Phone
) -> None:
    await open_number(sip)
    call = await phone.dial(NUMBER, sip.address)
    async with agent_in_room(sip, hertz=None) as agent:
        await until_leg_has(sip, agent, "ringing")
        assert not call.answered.is_set()
        await agent.speak(440)
        assert await call.final_status() == 200
        call.media.play(sine(1000, 1), repeat=True)
        await agent.until_status(LEG, "active")
        await until_phone_hears(call, 440)
        await agent.until_heard(LEG, 1000)
        call.media.send_digits("42#")
        await agent.until(lambda: len(agent.digits) == 3)
        assert agent.digits == [(LEG, "4"), (LEG, "2"), (LEG, "#")]
        await agent.room.local_participant.publish_dtmf(code=7, digit="7")
        assert await call.media.until_digits(1) == "7"
        await call.hang_up()
        assert await agent.until_left(LEG) == "CLIENT_INITIATED"
    assert {*call.provisional} == {100, 180}


async def until_leg_has(sip: SipContract, agent: RoomProbe, status: str) -> None:
    """Wait for the status of the leg, which may have joined before the agent."""
    await agent.until(lambda: LEG in agent.room.remote_participants)
    await agent.until(lambda: agent.attributes(LEG).get("sip.callStatus") == status)


async def test_the_leg_names_both_numbers_and_the_headers(sip: SipContract, phone: Phone) -> None:
    trunk = SIPInboundTrunkInfo(include_headers=SIPHeaderOptions.SIP_X_HEADERS)
    trunk.headers_to_attributes["X-Lang"] = "studio.lang"
    rule = SIPDispatchRuleInfo(
        attributes={"studio.number_id": "num_1"},
        metadata="number",
        room_config=RoomConfiguration(metadata='{"number": 1}', empty_timeout=77),
    )
    created = await open_number(sip, trunk=trunk, rule=rule)
    headers = (("X-Lang", "de"), ("X-Twilio-CallSid", "CA123"), ("X-Other", "o"))
    call = await phone.dial(NUMBER, sip.address, headers=headers)
    name = await room_of_call(sip)
    [room] = (await sip.client.room.list_rooms(api.ListRoomsRequest(names=[name]))).rooms
    assert (room.metadata, room.empty_timeout) == ('{"number": 1}', 77)
    leg = await leg_of_room(sip, name)
    assert (leg.identity, leg.name, leg.kind) == (
        LEG,
        f"Phone {CALLER}",
        api.ParticipantInfo.Kind.SIP,
    )
    attributes = dict(leg.attributes)
    expected = {
        "studio.number_id": "num_1",
        "studio.lang": "de",
        "sip.h.x-lang": "de",
        "sip.h.x-other": "o",
        "sip.h.x-twilio-callsid": "CA123",
        "sip.twilio.callSid": "CA123",
        "sip.phoneNumber": CALLER,
        "sip.trunkPhoneNumber": NUMBER,
        "sip.trunkID": created.sip_trunk_id,
        "sip.callStatus": "ringing",
        "sip.callTag": call.tags[0],
    }
    assert {name: attributes.get(name) for name in expected} == expected
    assert {"sip.callID", "sip.callIDFull", "sip.ruleID"} <= attributes.keys()
    await call.hang_up()
    assert await call.final_status() == 487


async def test_removing_the_leg_hangs_up(sip: SipContract, phone: Phone) -> None:
    await open_number(sip)
    call = await phone.dial(NUMBER, sip.address)
    async with agent_in_room(sip) as agent:
        assert await call.final_status() == 200
        await agent.until_status(LEG, "active")
        await remove_participant(sip.client, agent.room.name, LEG)
        assert (await call.until_ended()).by is Side.REMOTE


async def test_deleting_the_room_hangs_up(sip: SipContract, phone: Phone) -> None:
    await open_number(sip)
    call = await phone.dial(NUMBER, sip.address)
    async with agent_in_room(sip) as agent:
        assert await call.final_status() == 200
        await agent.until_status(LEG, "active")
        await sip.client.room.delete_room(api.DeleteRoomRequest(room=agent.room.name))
        assert (await call.until_ended()).by is Side.REMOTE


async def test_a_call_ends_after_the_longest_duration_of_its_trunk(
    sip: SipContract, phone: Phone
) -> None:
    trunk = SIPInboundTrunkInfo()
    trunk.max_call_duration.FromSeconds(5)
    await open_number(sip, trunk=trunk)
    call = await phone.dial(NUMBER, sip.address)
    async with agent_in_room(sip):
        assert await call.final_status() == 200
        assert (await call.until_ended()).by is Side.REMOTE


# ---- calls that are not answered -----------------------------------------------------------


async def test_a_call_without_an_agent_is_rejected_after_the_ringing_time(
    sip: SipContract, phone: Phone
) -> None:
    await open_number(sip, ring_seconds=RING_SECONDS)
    call = await phone.dial(NUMBER, sip.address)
    assert await call.final_status() == 486
    assert call.provisional.count(180) >= 3
    await until_no_room(sip)


async def test_an_agent_without_audio_does_not_answer_and_the_trunk_does_not_choose_the_status(
    sip: SipContract, phone: Phone
) -> None:
    trunk = SIPInboundTrunkInfo(ringing_timeout_status=SIPStatusCode.SIP_STATUS_SERVICE_UNAVAILABLE)
    await open_number(sip, ring_seconds=RING_SECONDS, trunk=trunk)
    call = await phone.dial(NUMBER, sip.address)
    async with agent_in_room(sip, hertz=None) as agent:
        assert await call.final_status() == 486
        await agent.until(lambda: LEG not in agent.room.remote_participants)


async def test_a_caller_who_gives_up_leaves_the_room(sip: SipContract, phone: Phone) -> None:
    await open_number(sip)
    call = await phone.dial(NUMBER, sip.address)
    async with agent_in_room(sip, hertz=None) as agent:
        await until_leg_has(sip, agent, "ringing")
        await call.hang_up()
        assert await call.final_status() == 487
        await agent.until(lambda: LEG not in agent.room.remote_participants)


async def test_removing_a_ringing_leg_refuses_its_call(sip: SipContract, phone: Phone) -> None:
    await open_number(sip)
    call = await phone.dial(NUMBER, sip.address)
    async with agent_in_room(sip, hertz=None) as agent:
        await until_leg_has(sip, agent, "ringing")
        await remove_participant(sip.client, agent.room.name, LEG)
        assert await call.final_status() >= 400


async def test_a_call_that_no_trunk_accepts_rings_for_ever(sip: SipContract, phone: Phone) -> None:
    other_address, other_caller, unknown = "+12025550112", "+12025550113", "+12025550114"
    await open_number(sip)
    await open_number(sip, other_address, addresses=("10.9.9.0/24",))
    await open_number(sip, other_caller, trunk=SIPInboundTrunkInfo(allowed_numbers=[OTHER_NUMBER]))
    dialled = (other_address, other_caller, unknown)
    calls = [await phone.dial(number, sip.address) for number in dialled]
    assert all(await asyncio.gather(*map(rings_without_decision, calls)))
    assert await rooms_with_prefix(sip.client, f"in_{CALLER}_") == []


# ---- what makes a rule dangerous -----------------------------------------------------------


async def test_a_rule_without_trunks_lets_strangers_in(sip: SipContract, phone: Phone) -> None:
    await create_rule(sip.client, SIPDispatchRuleInfo())
    call = await phone.dial(OTHER_NUMBER, sip.address)
    async with agent_in_room(sip):
        assert await call.final_status() == 200
        await call.hang_up()


async def test_a_rule_without_trunks_lets_in_what_a_trunk_refuses(
    sip: SipContract, phone: Phone
) -> None:
    await create_trunk(
        sip.client, SIPInboundTrunkInfo(numbers=[NUMBER], allowed_addresses=["10.9.9.0/24"])
    )
    await create_rule(sip.client, SIPDispatchRuleInfo())
    call = await phone.dial(NUMBER, sip.address)
    async with agent_in_room(sip):
        assert await call.final_status() == 200
        await call.hang_up()


@pytest.mark.parametrize(("address", "is_let_in"), [("127.0.0.1", True), ("127.0.0.1/32", False)])
async def test_an_address_without_prefix_length_trusts_what_the_caller_claims(
    sip: SipContract, address: str, is_let_in: bool
) -> None:
    await open_number(sip, addresses=(address,))
    async with open_phone(CALLER, address=("127.0.0.2", 0)) as stranger:
        call = await stranger.dial(NUMBER, sip.address, caller_host="127.0.0.1")
        if not is_let_in:
            assert await rings_without_decision(call)
            assert await rooms_with_prefix(sip.client, f"in_{CALLER}_") == []
            return
        async with agent_in_room(sip):
            assert await call.final_status() == 200
            await call.hang_up()


# ---- credentials ---------------------------------------------------------------------------


async def test_a_trunk_asks_for_credentials(sip: SipContract, phone: Phone) -> None:
    trunk = SIPInboundTrunkInfo(auth_username=KNOWN.username, auth_password=KNOWN.password)
    await open_number(sip, addresses=(), trunk=trunk)
    stranger = await phone.dial(NUMBER, sip.address)
    assert await stranger.final_status() == 407
    impostor = await phone.dial(NUMBER, sip.address, credentials=WRONG)
    assert await impostor.final_status() == 401
    assert await rooms_with_prefix(sip.client, f"in_{CALLER}_") == []
    call = await phone.dial(NUMBER, sip.address, credentials=KNOWN)
    async with agent_in_room(sip):
        assert await call.final_status() == 200
        await call.hang_up()


# ---- SIP around a call ---------------------------------------------------------------------


async def test_a_repeated_invite_makes_no_second_room(sip: SipContract, phone: Phone) -> None:
    await open_number(sip)
    call = await phone.dial(NUMBER, sip.address)
    await room_of_call(sip)
    call.repeat_invite()
    async with agent_in_room(sip) as agent:
        assert await call.final_status() == 200
        assert await rooms_with_prefix(sip.client, f"in_{CALLER}_") == [agent.room.name]
        await call.hang_up()


async def test_options_are_answered(sip: SipContract, phone: Phone) -> None:
    assert await phone.options(sip.address) == 200


async def test_info_is_refused(sip: SipContract, phone: Phone) -> None:
    await open_number(sip)
    call = await phone.dial(NUMBER, sip.address)
    async with agent_in_room(sip):
        assert await call.final_status() == 200
        assert await call.request("INFO") == 405
        await call.hang_up()


# ---- trunks and rules ----------------------------------------------------------------------


async def test_two_trunks_cannot_share_a_number(sip: SipContract) -> None:
    first = await open_number(sip)
    with pytest.raises(api.ServerError) as caught:
        await open_number(sip)
    assert (outcome_of(caught.value).code, outcome_of(caught.value).http) == (
        "invalid_argument",
        400,
    )
    assert [trunk.sip_trunk_id for trunk in await trunks(sip)] == [first.sip_trunk_id]


async def test_a_trunk_must_be_restricted(sip: SipContract) -> None:
    with pytest.raises(api.ServerError) as caught:
        await create_trunk(sip.client, SIPInboundTrunkInfo(name="open"))
    assert outcome_of(caught.value).code == "invalid_argument"
    assert await trunks(sip) == []


async def test_two_rules_cannot_share_a_trunk(sip: SipContract) -> None:
    trunk = await open_number(sip)
    second = SIPDispatchRuleInfo(trunk_ids=[trunk.sip_trunk_id])
    with pytest.raises(api.ServerError) as caught:
        await create_rule(sip.client, second, prefix="other")
    assert outcome_of(caught.value).code == "invalid_argument"
    assert len(await rules(sip)) == 1


async def test_trunks_and_rules_can_be_changed_and_deleted(sip: SipContract) -> None:
    trunk = await open_number(sip)
    [rule] = await rules(sip)
    await sip.client.sip.update_inbound_trunk_fields(
        trunk.sip_trunk_id, numbers=[OTHER_NUMBER], name="renamed"
    )
    [changed] = await trunks(sip)
    assert (list(changed.numbers), changed.name) == ([OTHER_NUMBER], "renamed")
    assert list(changed.allowed_addresses) == [LOOPBACK]
    replacement = SIPInboundTrunkInfo(numbers=[NUMBER], allowed_addresses=["10.0.0.0/8"])
    await sip.client.sip.update_inbound_trunk(trunk.sip_trunk_id, replacement)
    [changed] = await trunks(sip)
    assert (list(changed.numbers), changed.name) == ([NUMBER], "")
    assert changed.sip_trunk_id == trunk.sip_trunk_id
    await sip.client.sip.delete_dispatch_rule(
        api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
    )
    await sip.client.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id))
    assert (await trunks(sip), await rules(sip)) == ([], [])


async def test_a_trunk_that_does_not_exist_can_be_deleted_but_not_changed(sip: SipContract) -> None:
    deleted = await sip.client.sip.delete_trunk(
        api.DeleteSIPTrunkRequest(sip_trunk_id="ST_unknown")
    )
    assert deleted.sip_trunk_id == "ST_unknown"
    with pytest.raises(api.ServerError) as caught:
        await sip.client.sip.update_inbound_trunk_fields("ST_unknown", name="x")
    assert outcome_of(caught.value).code == "not_found"


async def trunks(sip: SipContract) -> list[SIPInboundTrunkInfo]:
    answer = await sip.client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
    return list(answer.items)


async def rules(sip: SipContract) -> list[SIPDispatchRuleInfo]:
    answer = await sip.client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    return list(answer.items)
