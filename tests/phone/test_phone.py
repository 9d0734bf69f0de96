"""The softphone: two of them call each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from local.phone.answer import (
    BUSY,
    DECLINES,
    NO_RESPONSE,
    RINGS_FOREVER,
    Answer,
    refuses,
)
from local.phone.digest import Credentials
from local.phone.phone import Phone, open_phone
from local.phone.phone_call import PhoneCall
from local.phone.sip_call import Side
from local.phone.tones import amplitude_of, sine
from local.phone.transactions import TIMERS, Timers, TransactionTimeout
from tests.support.sip_calls import signals
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

CALLEE, CALLER = "+12025550101", "+12025550102"
KNOWN, WRONG = Credentials("user", "correct"), Credentials("user", "wrong")


@dataclass(frozen=True)
class Pair:
    callee: Phone
    caller: Phone

    async def dial(self, **options: object) -> PhoneCall:
        return await self.caller.dial(CALLEE, self.callee.address, **options)  # type: ignore[arg-type]

    async def talk(self) -> tuple[PhoneCall, PhoneCall]:
        """Both ends of an answered call: that of the caller, that of the callee."""
        call = await self.dial()
        answered = await self.callee.next_call()
        assert await call.final_status() == 200
        return call, answered


@asynccontextmanager
async def two_phones(timers: Timers) -> AsyncIterator[Pair]:
    async with (
        open_phone(CALLEE, timers=timers) as callee,
        open_phone(CALLER, timers=timers) as caller,
    ):
        yield Pair(callee, caller)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with two_phones(TIMERS) as phones:
        yield phones


@pytest.fixture
async def pair_with_short_timers() -> AsyncIterator[Pair]:
    """Two phones that give up after a second instead of half a minute."""
    async with two_phones(Timers(t1=0.02, t2=0.05)) as phones:
        yield phones


def trace(phone: Phone) -> list[str]:
    return [str(message) for message in phone.trace]


async def test_a_call_carries_audio_both_ways(pair: Pair) -> None:
    call, answered = await pair.talk()
    assert (call.provisional, answered.number) == ([180], CALLER)
    call.media.play(sine(440, 1), repeat=True)
    answered.media.play(sine(1_000, 1), repeat=True)
    await call.media.until_heard(0.6)
    await answered.media.until_heard(0.6)
    assert amplitude_of(answered.media.heard.last(0.2), 440) == pytest.approx(8_000, rel=0.05)
    assert amplitude_of(call.media.heard.last(0.2), 1_000) == pytest.approx(8_000, rel=0.05)
    await call.hang_up((("X-Reason", "done"),))
    end = await answered.until_ended()
    assert (end.by, end.headers["X-Reason"]) == (Side.REMOTE, "done")
    assert call.end is not None
    assert call.end.by is Side.LOCAL
    assert signals(pair.callee) == ("<INVITE", ">180", ">200", "<ACK", "<BYE", ">200")


async def test_digits_are_heard_in_both_directions(pair: Pair) -> None:
    call, answered = await pair.talk()
    call.media.send_digits("1w2#")
    answered.media.send_digits("*0AD")
    assert await answered.media.until_digits(3) == "12#"
    assert await call.media.until_digits(4) == "*0AD"


async def test_played_audio_ends(pair: Pair) -> None:
    call, answered = await pair.talk()
    call.media.play(sine(440, 0.3))
    call.media.queue(sine(440, 0.3))
    await call.media.until_played()
    await answered.media.until_heard(0.4)
    assert amplitude_of(answered.media.heard.last(0.1), 440) < 100


@pytest.mark.parametrize(
    ("answer", "status"), [(BUSY, 486), (DECLINES, 603), (refuses(404, "No such number"), 404)]
)
async def test_a_refused_call_ends_at_both_sides(pair: Pair, answer: Answer, status: int) -> None:
    pair.callee.answer = answer
    call = await pair.dial()
    assert await call.final_status() == status
    refused = await pair.callee.next_call()
    assert [(await end.until_ended()).status for end in (call, refused)] == [status, status]


async def test_a_caller_may_give_up(pair: Pair) -> None:
    pair.callee.answer = RINGS_FOREVER
    call = await pair.dial()
    ringing = await pair.callee.next_call()
    await call.hang_up()
    assert await call.final_status() == 487
    assert (await ringing.until_ended()).by is Side.REMOTE


async def test_a_test_may_answer_a_ringing_phone(pair: Pair) -> None:
    pair.callee.answer = RINGS_FOREVER
    call = await pair.dial()
    (await pair.callee.next_call()).pick_up()
    assert await call.final_status() == 200
    second = await pair.dial()
    (await pair.callee.next_call()).refuse(480)
    assert await second.final_status() == 480


async def test_an_answer_that_crosses_a_cancel_is_hung_up(pair: Pair) -> None:
    pair.callee.answer = Answer(status=None, answers_cancelled=True)
    call = await pair.dial()
    answered = await pair.callee.next_call()
    await call.hang_up()
    assert await call.final_status() == 200
    assert (await answered.until_ended()).by is Side.REMOTE
    assert not call.answered.is_set()


async def test_a_phone_that_does_not_respond_is_given_up(pair_with_short_timers: Pair) -> None:
    callee = pair_with_short_timers.callee
    callee.answer = NO_RESPONSE
    call = await pair_with_short_timers.dial()
    with pytest.raises(TransactionTimeout):
        await call.final_status()
    assert trace(callee).count("<INVITE") >= 2
    assert signals(callee) == ("<INVITE",)


async def test_lost_messages_are_repeated(pair: Pair) -> None:
    pair.callee.drop_next(2)
    call = await pair.dial()
    answered = await pair.callee.next_call()
    assert await call.final_status() == 200
    pair.callee.drop_next(1)
    await call.hang_up()
    assert (await answered.until_ended()).by is Side.REMOTE


async def test_a_lost_acknowledgement_is_repeated(pair: Pair) -> None:
    call = await pair.dial()
    await pair.callee.next_call()
    pair.callee.drop_next(1)  # the ACK, because the INVITE has arrived
    assert await call.final_status() == 200
    await until(lambda: "<ACK" in trace(pair.callee))
    assert trace(pair.callee).count(">200") >= 2


async def test_a_dead_phone_confirms_nothing(pair_with_short_timers: Pair) -> None:
    call, _ = await pair_with_short_timers.talk()
    pair_with_short_timers.callee.die()
    await call.hang_up()  # returns when the phone counts as dead
    assert call.end is not None
    assert trace(pair_with_short_timers.caller).count(">BYE") >= 2


@pytest.mark.parametrize("status", [401, 407])
async def test_a_phone_may_ask_for_credentials(pair: Pair, status: int) -> None:
    pair.callee.answer = Answer(credentials=KNOWN, challenge_status=status)
    assert await (await pair.dial(credentials=KNOWN)).final_status() == 200
    assert await (await pair.dial(credentials=WRONG)).final_status() == status
    assert await (await pair.dial()).final_status() == status


async def test_options_and_unknown_requests_are_answered(pair: Pair) -> None:
    assert await pair.caller.options(pair.callee.address) == 200
    call, _ = await pair.talk()
    assert await call.request("INFO") == 405
    assert await call.request("NOTIFY") == 200


async def test_a_phone_that_moves_is_heard_again(pair: Pair) -> None:
    call, answered = await pair.talk()
    answered.media.play(sine(440, 1), repeat=True)
    assert await call.move() == 200
    heard = await call.media.until_heard(0.3)
    assert amplitude_of(heard[-1_000:], 440) > 7_000


async def test_noise_on_the_sip_port_changes_nothing(pair: Pair) -> None:
    loop = asyncio.get_running_loop()
    stranger, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=pair.callee.address
    )
    for datagram in (b"", b"\r\n\r\n", b"\x00" * 2_000, b"INVITE sip:x SIP/2.0\r\n\r\n"):
        stranger.sendto(datagram)
    stranger.close()
    await pair.talk()
