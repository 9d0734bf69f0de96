"""Models that respond without words in a voice call: the next model is asked, or the agent
apologises. The caller is not left in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.calls.events import (
    AgentTurn,
    CallEvent,
    ErrorRaised,
    ProviderFailedOver,
    TurnMeasured,
    UserTurn,
)
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.workflows.agents import ProviderChoice
from local.emulators.llm import Reply, ScriptedReply, run_llm_emulator
from local.livekit import LivekitCredentials
from tests.support.demo_workflow import RECEPTION
from tests.support.spoken_texts import CANNOT_ANSWER
from tests.support.voice_clients import joined_caller, voice_clinic
from tests.voice.test_voice_calls import said, started
from tests.voice.test_voice_providers import GEMINI, GPT, thinking
from tests.worker.test_text_calls import watch

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

GREETING = RECEPTION.prompt.greeting


async def turn(
    settings: Settings,
    viewer: Viewer,
    livekit: LivekitCredentials,
    model: ProviderChoice,
    *script: Reply,
) -> tuple[list[CallEvent], list[str]]:
    """The events of a call with one answered turn of the caller, and what was spoken."""
    async with run_llm_emulator() as thinks:
        thinks.script = list(script)
        reception = replace(RECEPTION, llm=model)
        own = thinking(settings, thinks)
        async with voice_clinic(own, viewer, livekit, reception) as (services, speech, _):
            call = await started(services, viewer)
            async with joined_caller(services, call) as caller:
                await caller.speak()
                seen = await watch(services, viewer, call.id, TurnMeasured)
    return seen, speech.spoken_texts


async def test_a_response_without_words_is_apologised_for(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    seen, spoken = await turn(settings, viewer, livekit, GPT, ScriptedReply("   "))
    assert said(seen) == [GREETING, CANNOT_ANSWER]
    assert " ".join(spoken) == f"{GREETING} {CANNOT_ANSWER}"
    raised = {(e.source, e.message, e.recoverable) for e in seen if isinstance(e, ErrorRaised)}
    assert raised == {("llm", "The model's response was empty (finish reason: stop)", True)}
    [asked] = [e for e in seen if isinstance(e, UserTurn)]
    assert [e.turn_id for e in seen if isinstance(e, TurnMeasured)] == [asked.turn_id]


async def test_a_response_without_words_is_replaced_by_the_next_model(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials
) -> None:
    chain = replace(GPT, fallbacks=(GEMINI,))
    script = ScriptedReply(""), ScriptedReply("Good afternoon.")
    seen, _ = await turn(settings, viewer, livekit, chain, *script)
    assert said(seen) == [GREETING, "Good afternoon."]
    assert [e for e in seen if isinstance(e, ErrorRaised)] == []
    changes = [(e.provider, e.available) for e in seen if isinstance(e, ProviderFailedOver)]
    assert changes == [(GPT.provider, False)]
    assert len([e for e in seen if isinstance(e, AgentTurn)]) == 2
