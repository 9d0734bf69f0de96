"""Failover of STT and TTS: the real plugins against emulators with faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from livekit import rtc
from livekit.agents import APIConnectionError
from livekit.agents.stt import SpeechEvent, SpeechEventType

from domain.tenants.provider_keys import ProviderKeys
from domain.workflows.agents import ProviderChoice
from local.emulators.audio import synthetic_speech
from local.emulators.faults import (
    DelayedResponse,
    Disconnect,
    Fault,
    MalformedMessage,
    NoResponse,
    RejectedConnection,
)
from local.emulators.speech import SpeechEmulator, run_speech_emulator
from local.emulators.voices import Monotone
from tests.support.waiting import until
from worker.providers.failover import Cooldowns
from worker.providers.http import create_http_session
from worker.providers.registry import SpeechBuildContext, build_stt, build_tts
from worker.providers.stt_fallback import SttFallback
from worker.providers.tts_fallback import TtsFallback

pytestmark = pytest.mark.anyio

RATE = 16_000
CHUNK = RATE // 10
WORDS = "one two three four"
TEXT = "The first sentence has some eight words here. And the second one follows it."

NOVA = ProviderChoice(provider="deepgram", model="nova-3")
FLUX = ProviderChoice(provider="deepgram", model="flux-general-en")
SAARAS = ProviderChoice(provider="sarvam", model="saaras:v3")
SONIC = ProviderChoice(provider="cartesia", model="sonic-3")
BULBUL = ProviderChoice(provider="sarvam", model="bulbul:v3")
STT_CHAINS = {"deepgram": (NOVA, SAARAS), "flux": (FLUX, NOVA), "sarvam-stt": (SAARAS, FLUX)}
TTS_CHAINS = {"cartesia": (SONIC, BULBUL), "sarvam-tts": (BULBUL, SONIC)}
IMMEDIATE_FAULTS = [
    RejectedConnection(401),
    RejectedConnection(429),
    RejectedConnection(503),
    Disconnect(),
    MalformedMessage(),
]
STT_FAULTS = [
    ("deepgram", RejectedConnection(401)),
    ("deepgram", Disconnect()),
    ("deepgram", MalformedMessage()),
    ("flux", RejectedConnection(429)),
    ("flux", Disconnect()),
    ("sarvam-stt", RejectedConnection(503)),
    ("sarvam-stt", Disconnect()),
    ("sarvam-stt", MalformedMessage()),
]


@dataclass
class FallbackRig:
    """The emulators, and the changes of availability."""

    emulator: SpeechEmulator
    context: SpeechBuildContext
    changes: list[tuple[str, bool]]
    cooldowns: Cooldowns = field(default_factory=dict)

    def stt(self, *choices: ProviderChoice) -> SttFallback:
        return build_stt(replace(choices[0], fallbacks=choices[1:]), self.context, ("en",), ())

    def tts(self, *choices: ProviderChoice) -> TtsFallback:
        return build_tts(replace(choices[0], fallbacks=choices[1:]), self.context, "en", None)


@asynccontextmanager
async def fallback_rig() -> AsyncIterator[FallbackRig]:
    changes: list[tuple[str, bool]] = []
    cooldowns: Cooldowns = {}
    async with run_speech_emulator() as emulator, create_http_session() as http:
        keys = ProviderKeys(
            deepgram="d",
            deepgram_base_url=emulator.url,
            cartesia="c",
            cartesia_base_url=emulator.url,
            sarvam="s",
            sarvam_base_url=emulator.url,
        )
        context = SpeechBuildContext(
            keys=keys,
            http=http,
            on_availability_changed=lambda choice, available: changes.append(
                (choice.model, available)
            ),
            on_metrics=lambda *_: None,
            cooldowns=cooldowns,
            timeout_seconds=3,
        )
        yield FallbackRig(emulator, context, changes, cooldowns)


class Caller:
    """Sends speech to an STT, at twice the speed of real time."""

    def __init__(self, stt: SttFallback) -> None:
        self._stream = stt.stream()
        self._pause = b""
        self.events: list[SpeechEvent] = []
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._read_events())

    async def _read_events(self) -> None:
        async for event in self._stream:
            self.events.append(event)
            self._changed.set()

    async def speak(self, seconds: float = 1.0) -> None:
        pcm = self._pause + synthetic_speech(seconds, RATE) + bytes(RATE)
        self._pause = bytes(RATE)
        for start in range(0, len(pcm), 2 * CHUNK):
            part = pcm[start : start + 2 * CHUNK]
            self._stream.push_frame(rtc.AudioFrame(part, RATE, 1, len(part) // 2))
            await asyncio.sleep(0.05)

    async def wait_for_finals(self, count: int = 1, timeout_seconds: float = 60.0) -> list[str]:
        async with asyncio.timeout(timeout_seconds):
            while len(self.finals) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.finals

    @property
    def finals(self) -> list[str]:
        kind = SpeechEventType.FINAL_TRANSCRIPT
        return [e.alternatives[0].text for e in self.events if e.type is kind]

    async def hang_up(self) -> None:
        self._stream.end_input()
        await self._stream.aclose()
        self._task.cancel()


@asynccontextmanager
async def calling(stt: SttFallback) -> AsyncIterator[Caller]:
    caller = Caller(stt)
    try:
        yield caller
    finally:
        await caller.hang_up()
        await stt.aclose()


async def spoken(tts: TtsFallback, text: str = TEXT) -> tuple[float, float]:
    """The time to the first audio, and the duration of all audio, in seconds."""
    stream, began = tts.stream(), time.monotonic()
    first, length = 0.0, 0.0
    stream.push_text(text)
    stream.end_input()
    try:
        async with asyncio.timeout(60):
            async for audio in stream:
                first = first or time.monotonic() - began
                length += audio.frame.duration
    finally:
        await stream.aclose()
        await tts.aclose()
    return first, length


# ---- STT ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("provider", "fault"), STT_FAULTS, ids=repr)
async def test_a_failing_stt_is_replaced_immediately_without_losing_a_word(
    provider: str, fault: Fault
) -> None:
    async with fallback_rig() as rig:
        rig.emulator.utterances = [WORDS, WORDS]
        if isinstance(fault, RejectedConnection):
            rig.emulator.utterances = [WORDS]
        first, second = STT_CHAINS[provider]
        rig.emulator.faults.scheduled[provider] = [fault]
        async with calling(rig.stt(first, second)) as caller:
            began = time.monotonic()
            await caller.speak()
            assert await caller.wait_for_finals() == [WORDS]
            late = time.monotonic() - began
        assert rig.changes == [(first.model, False)]
        assert rig.emulator.stt_connections == 2
        # No transcript was reported as overdue: the failure itself was detected.
        print(f"{provider} {fault}: understood {late:.2f} s after the first sound")


async def test_an_stt_without_transcripts_is_replaced_when_one_is_overdue() -> None:
    async with fallback_rig() as rig:
        rig.emulator.utterances = ["unheard", WORDS]
        rig.emulator.faults.scheduled["deepgram"] = [NoResponse()]
        stt = rig.stt(NOVA, FLUX)
        async with calling(stt) as caller:
            since = time.time()
            await caller.speak()
            stt.transcript_overdue(since)
            assert await caller.wait_for_finals() == [WORDS]
        assert rig.changes == [("nova-3", False)]


async def test_an_stt_is_not_replaced_for_noise() -> None:
    async with fallback_rig() as rig:
        rig.emulator.utterances = ["", WORDS]
        stt = rig.stt(NOVA, FLUX)
        async with calling(stt) as caller:
            since = time.time()
            await caller.speak()
            stt.transcript_overdue(since)
            await caller.speak()
            assert await caller.wait_for_finals() == [WORDS]
        assert (rig.changes, rig.emulator.stt_connections) == ([], 1)


async def test_unintelligible_speech_is_given_up_and_reported_once() -> None:
    async with fallback_rig() as rig:
        rig.emulator.utterances = ["unheard", "unheard", WORDS]
        rig.emulator.faults.scheduled["deepgram"] = [NoResponse()]
        rig.emulator.faults.scheduled["flux"] = [NoResponse()]
        stt = rig.stt(NOVA, FLUX)
        stt.timeout_seconds = 0.3
        reported: list[bool] = []
        stt.on("error", lambda error: reported.append(error.recoverable))
        async with calling(stt) as caller:
            since = time.time()
            await caller.speak()
            stt.transcript_overdue(since)
            await until(lambda: reported == [False])
            await caller.speak()
            assert await caller.wait_for_finals() == [WORDS]
        assert reported == [False]
        assert rig.changes == [
            ("nova-3", False),
            ("flux-general-en", False),
            ("nova-3", True),
        ]


async def test_a_recovered_stt_is_used_again_between_two_turns() -> None:
    async with fallback_rig() as rig:
        rig.emulator.faults.scheduled["deepgram"] = [RejectedConnection()]
        async with calling(rig.stt(NOVA, FLUX)) as caller:
            rig.emulator.utterances = ["one", "two", "three"]
            await caller.speak()
            await caller.wait_for_finals(1)
            rig.cooldowns[("deepgram", "nova-3", None)] = time.monotonic()  # the cooldown is over
            await caller.speak()
            await caller.wait_for_finals(2)
            await caller.speak()
            assert await caller.wait_for_finals(3) == ["one", "two", "three"]
        assert rig.changes == [("nova-3", False), ("nova-3", True)]
        assert [name for name, _ in rig.emulator.connection_options] == [
            "deepgram",
            "flux",
            "deepgram",
        ]


@pytest.mark.parametrize("provider", STT_CHAINS)
async def test_an_stt_without_fallbacks_reconnects_without_losing_a_word(provider: str) -> None:
    async with fallback_rig() as rig:
        rig.emulator.utterances = [WORDS, WORDS]
        rig.emulator.faults.scheduled[provider] = [Disconnect()]
        stt = rig.stt(STT_CHAINS[provider][0])
        reported: list[bool] = []
        stt.on("error", lambda error: reported.append(error.recoverable))
        async with calling(stt) as caller:
            await caller.speak()
            assert await caller.wait_for_finals() == [WORDS]
        assert (rig.changes, reported) == ([], [True])


async def test_a_turn_on_which_every_stt_fails_is_given_up() -> None:
    async with fallback_rig() as rig:
        rig.emulator.utterances = ["not heard"] * 20
        rig.emulator.faults.persistent["deepgram"] = Disconnect()
        stt = rig.stt(NOVA)
        reported: list[bool] = []
        stt.on("error", lambda error: reported.append(error.recoverable))
        async with calling(stt) as caller:
            await caller.speak()
            await until(lambda: len(reported) >= 4)
            assert reported[:4] == [True, True, True, False]
            await asyncio.sleep(1.0)
            assert rig.emulator.stt_connections <= 10, "with pauses between"
            del rig.emulator.faults.persistent["deepgram"]
            rig.emulator.utterances = [WORDS]
            await caller.speak()
            assert await caller.wait_for_finals() == [WORDS]


# ---- TTS ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", IMMEDIATE_FAULTS, ids=repr)
@pytest.mark.parametrize("provider", TTS_CHAINS)
async def test_a_failing_tts_is_replaced_immediately_and_everything_is_spoken(
    provider: str, fault: Fault
) -> None:
    async with fallback_rig() as rig:
        first, second = TTS_CHAINS[provider]
        rig.emulator.faults.scheduled[provider] = [fault]
        tts = rig.tts(first, second)
        tts.timeout_seconds = 600  # the failure ends the wait, not the timeout
        at, length = await spoken(tts)
        assert rig.changes == [(first.model, False)]
        print(f"{provider} {fault}: first sound after {at * 1000:.0f} ms")
        said = " ".join(rig.emulator.spoken_texts)
        assert TEXT.endswith(said)
        if not isinstance(fault, Disconnect):
            assert said == TEXT
        assert length == pytest.approx(len(TEXT.split()) * Monotone().word_seconds, abs=0.4)


async def test_the_next_tts_continues_at_the_word_where_the_first_broke_off() -> None:
    async with fallback_rig() as rig:
        rig.emulator.faults.scheduled["cartesia"] = [Disconnect()]
        await spoken(rig.tts(SONIC, BULBUL))
        # Four of eight words were sent; the last may not have been delivered completely.
        assert rig.emulator.spoken_texts[0] in (
            "has some eight words here.",
            "sentence has some eight words here.",
            "some eight words here.",
        )
        assert rig.emulator.spoken_texts[1] == "And the second one follows it."


@pytest.mark.parametrize("provider", TTS_CHAINS)
async def test_a_silent_tts_is_replaced_soon(provider: str) -> None:
    async with fallback_rig() as rig:
        first, second = TTS_CHAINS[provider]
        rig.emulator.faults.scheduled[provider] = [NoResponse()]
        tts = rig.tts(first, second)
        tts.timeout_seconds = 1.5
        at, _ = await spoken(tts)
        assert rig.changes == [(first.model, False)]
        assert at > 1.5
        assert " ".join(rig.emulator.spoken_texts) == TEXT


async def test_a_slow_tts_is_not_replaced() -> None:
    async with fallback_rig() as rig:
        rig.emulator.faults.scheduled["cartesia"] = [DelayedResponse(0.5)]
        tts = rig.tts(SONIC, BULBUL)
        tts.timeout_seconds = 60
        at, _ = await spoken(tts)
        assert rig.changes == []
        assert at > 0.5
        assert " ".join(rig.emulator.spoken_texts) == TEXT


async def test_a_tts_without_fallbacks_is_retried_and_then_reported() -> None:
    async with fallback_rig() as rig:
        rig.emulator.faults.scheduled["cartesia"] = [RejectedConnection()]
        await spoken(rig.tts(SONIC))
        assert " ".join(rig.emulator.spoken_texts) == TEXT
        rig.emulator.faults.persistent["cartesia"] = RejectedConnection()
        with pytest.raises(APIConnectionError):
            await spoken(rig.tts(SONIC))
        assert rig.changes == []
        assert [name for name, _ in rig.emulator.keys] == ["cartesia"] * 4


async def test_a_tts_is_not_replaced_for_pauses_of_the_model() -> None:
    async with fallback_rig() as rig:
        tts = rig.tts(SONIC, BULBUL)
        tts.timeout_seconds = 1.5
        stream = tts.stream()
        stream.push_text("The first sentence is here. And")
        await asyncio.sleep(2.0)
        stream.push_text(" the second one follows it.")
        stream.end_input()
        async for _ in stream:
            pass
        await stream.aclose()
        await tts.aclose()
        assert rig.changes == []
        assert " ".join(rig.emulator.spoken_texts) == (
            "The first sentence is here. And the second one follows it."
        )


async def test_a_recovered_tts_is_used_again() -> None:
    async with fallback_rig() as rig:
        rig.emulator.faults.scheduled["cartesia"] = [RejectedConnection()]
        for rested in (False, False, True):
            if rested:
                rig.cooldowns[("cartesia", "sonic-3", None)] = time.monotonic()
            await spoken(rig.tts(SONIC, BULBUL), "One sentence.")
        assert rig.changes == [("sonic-3", False), ("sonic-3", True)]
        assert [name for name, _, _ in rig.emulator.used_voices] == [
            "sarvam-tts",
            "sarvam-tts",
            "cartesia",
        ]
        assert [name for name, _ in rig.emulator.keys].count("cartesia") == 2
