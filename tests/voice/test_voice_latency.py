"""The latency that a call reports, compared with when the caller hears the agent."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from domain.calls.events import AgentTurn, TurnMeasured, UserTurn
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.workflows.agents import ProviderChoice
from local.emulators.llm import FailedReply, run_llm_emulator
from local.emulators.voices import WordTones
from local.livekit import LivekitCredentials
from tests.support.demo_workflow import RECEPTION
from tests.support.heard_audio import HeardAudio
from tests.support.spoken_texts import CANNOT_ANSWER, CONNECTION_DROPPED
from tests.support.voice_clients import VoiceCaller, joined_caller, voice_clinic
from tests.voice.test_voice_calls import said, started
from tests.voice.test_voice_providers import FLUX, GPT, NOVA, thinking
from tests.voice.test_voice_resilience import joined_call
from tests.worker.test_text_calls import watch

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

PART_OFF, MS_OFF = 0.1, 400.0
"""How far a figure may be off: a tenth, and what a busy machine adds to the measurement."""


def is_close(reported_ms: float | None, at_ear_ms: float) -> bool:
    print(f"at the ear after {at_ear_ms:.0f} ms, reported {reported_ms}")
    return reported_ms is not None and abs(reported_ms - at_ear_ms) <= PART_OFF * at_ear_ms + MS_OFF


async def heard_after(caller: VoiceCaller, since: float) -> float:
    """Milliseconds until the caller heard the agent."""
    return (await caller.wait_for_audio(since) - since) * 1000


@pytest.mark.parametrize("stt", [NOVA, FLUX], ids=["nova-3", "flux"])
async def test_the_latency_of_a_reply_is_what_the_caller_measures(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, stt: ProviderChoice
) -> None:
    async with voice_clinic(settings, viewer, livekit, stt=stt) as (services, _, _):
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            at_ear = await heard_after(caller, await caller.speak_and_time(1.0))
            seen = await watch(services, viewer, call.id, TurnMeasured)
    [turn] = [e for e in seen if isinstance(e, TurnMeasured)]
    [asked] = [e for e in seen if isinstance(e, UserTurn)]
    assert is_close(turn.at_ear_ms, at_ear)
    parts = (turn.end_of_turn_ms, turn.llm_first_token_ms, turn.tts_first_byte_ms, turn.playback_ms)
    assert turn.first_audio_ms is not None
    assert sum(part or 0.0 for part in parts) <= turn.first_audio_ms + MS_OFF
    assert asked.end_of_turn_ms == turn.end_of_turn_ms
    assert turn.stt_ms is not None
    assert 0 < turn.stt_ms <= (turn.end_of_turn_ms or 0.0) + MS_OFF
    if stt is FLUX:
        # Flux has decided when its transcript is there, and nothing is waited for after that.
        assert (turn.end_of_turn_ms or 0.0) - turn.stt_ms < MS_OFF


async def test_the_latency_of_an_apology_is_what_the_caller_measures(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    async with run_llm_emulator() as model:
        model.script = [FailedReply(500)]
        reception = replace(RECEPTION, llm=GPT)
        own = thinking(settings, model)
        async with voice_clinic(own, viewer, livekit, reception) as (services, _, _):
            call = await started(services, viewer)
            async with joined_caller(services, call) as caller:
                at_ear = await heard_after(caller, await caller.speak_and_time(1.0))
                seen = await watch(services, viewer, call.id, TurnMeasured)
    assert said(seen)[-1] == CANNOT_ANSWER
    [turn] = [e for e in seen if isinstance(e, TurnMeasured)]
    assert is_close(turn.at_ear_ms, at_ear)
    assert (turn.first_audio_ms or 0.0) > (turn.end_of_turn_ms or 0.0)


async def test_the_latency_of_a_reply_of_another_worker_is_what_the_caller_measures(
    tmp_path: Path, livekit: LivekitCredentials
) -> None:
    assert RECEPTION.llm is not None
    slow = {"rules": [{"says": "Yes."}], "word_ms": 4_000}
    reception = replace(RECEPTION, llm=replace(RECEPTION.llm, options=slow))
    async with joined_call(tmp_path, livekit, reception=reception) as (rig, call, caller):
        ended_at = await caller.speak_and_time(1.0)
        await rig.watch(call, UserTurn)
        await rig.whole.processes["worker 0"].kill_children()
        at_ear = await heard_after(caller, ended_at)
        seen = await rig.watch(call, TurnMeasured)
    assert rig.heard.spoken_texts.count(CONNECTION_DROPPED) == 1
    assert said(seen)[-1] == "Yes."
    [turn] = [e for e in seen if isinstance(e, TurnMeasured)]
    assert is_close(turn.at_ear_ms, at_ear)


async def test_an_acknowledgement_does_not_change_the_latency(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    assert RECEPTION.llm is not None
    voice = WordTones()
    long = " ".join(f"word{n}" for n in range(20))
    rules = {"rules": [{"says": long}]}
    reception = replace(RECEPTION, llm=replace(RECEPTION.llm, options=rules))
    async with voice_clinic(settings, viewer, livekit, reception, voice=voice) as (
        services,
        speech,
        _,
    ):
        speech.utterances = ["hello", "mhm"]
        call = await started(services, viewer)
        heard = HeardAudio(voice)
        async with joined_caller(services, call, VoiceCaller(heard=heard)) as caller:
            ended_at = await caller.speak_and_time(1.0)
            at_ear = await heard_after(caller, ended_at)
            await caller.speak(0.4)
            seen = await watch(services, viewer, call.id, TurnMeasured)
            whole_ms = (time.monotonic() - ended_at) * 1000
    assert speech.utterances == []
    assert [e.heard_text for e in seen if isinstance(e, AgentTurn)][-1] == long
    [turn] = [e for e in seen if isinstance(e, TurnMeasured)]
    assert is_close(turn.at_ear_ms, at_ear)
    assert turn.total_ms <= whole_ms + MS_OFF
    assert turn.total_ms >= 20 * 300
