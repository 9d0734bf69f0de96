"""What agents say without their model, in the language and the wording of the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from domain.calls.events import AgentTurn, TurnMeasured
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.providers.model import ProviderKind
from domain.tenants.provider_keys import ProviderKeys
from domain.tenants.settings import Defaults
from domain.use_cases.calls import end_call, send_message
from domain.use_cases.settings import update_settings
from domain.workflows.agents import AgentSpec, ProviderChoice, Voice
from domain.workflows.spoken_text_templates import (
    SpokenTexts,
    SpokenTextTemplate,
    find_spoken_text,
)
from domain.workflows.spoken_texts import SpokenText
from local.emulators.llm import KEY, FailedReply, run_llm_emulator
from tests.support.demo_workflow import BOOKING, RECEPTION, publish_clinic
from tests.worker.test_text_calls import running_worker, started, watch
from worker.session.speech import SpeechProviders

pytestmark = pytest.mark.anyio

GPT = ProviderChoice(provider="openai", model="gpt-4.1")
HINDI = find_spoken_text(SpokenText.CANNOT_ANSWER, "hi")


def answer(language: str, say: str) -> SpokenTexts:
    text = SpokenText.CANNOT_ANSWER
    return (SpokenTextTemplate(text=text, language=language, say=say),)


async def said_when_the_model_fails(
    services: Services, settings: Settings, viewer: Viewer, agent: AgentSpec, **tenant: Any
) -> str:
    if tenant:
        await update_settings(services, viewer, 0, tenant)
    agents = (replace(agent, llm=GPT), BOOKING)
    async with run_llm_emulator() as model:
        model.script = [FailedReply(500)]
        own = replace(settings, openai_api_key=KEY, openai_base_url=f"{model.url}/openai")
        async with running_worker(own):
            await publish_clinic(services, viewer, agents)
            call = await started(services, viewer)
            await send_message(services, viewer, call.id, "namaste", None)
            events = await watch(services, viewer, call.id, TurnMeasured)
            await end_call(services, viewer, call.id)
    return [e.text for e in events if isinstance(e, AgentTurn)][-1]


HINDI_AGENT = replace(RECEPTION, default_language="hi-IN")


@pytest.mark.parametrize(
    ("agent", "tenant_settings", "expected"),
    [
        (HINDI_AGENT, {}, HINDI),
        (RECEPTION, {"defaults": Defaults(language="hi-IN")}, HINDI),
        (replace(RECEPTION, languages=("hi-IN", "en-IN")), {}, HINDI),
        (HINDI_AGENT, {"spoken_texts": answer("hi", "टेनेंट")}, "टेनेंट"),
        (
            replace(HINDI_AGENT, spoken_texts=answer("hi", "{{tenant.settings.clinic}} क्षमा")),
            {"spoken_texts": answer("hi", "टेनेंट"), "values": {"clinic": "सूर्योदय"}},
            "सूर्योदय क्षमा",
        ),
        (HINDI_AGENT, {"spoken_texts": answer("en", "Sorry.")}, HINDI),
        (replace(HINDI_AGENT, spoken_texts=answer("hi", "{{user.nothing}}")), {}, HINDI),
        (
            replace(HINDI_AGENT, spoken_texts=answer("hi", "{{tenant.settings.clinic}}" * 15)),
            {"values": {"clinic": "सूर्योदय " * 12}},
            HINDI,
        ),
        (
            replace(RECEPTION, default_language="sw"),
            {},
            "I am sorry, I cannot answer right now. Please try again.",
        ),
    ],
    ids=[
        "agent",
        "tenant's language",
        "languages",
        "tenant",
        "both",
        "other language",
        "empty",
        "too long",
        "unknown",
    ],
)
async def test_a_text_call_apologises_in_its_language_and_wording(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    agent: AgentSpec,
    tenant_settings: dict[str, Any],
    expected: str,
) -> None:
    said = await said_when_the_model_fails(services, settings, viewer, agent, **tenant_settings)
    assert said == expected


def speech_after(*turns: tuple[str, str]) -> SpeechProviders:
    """Speech providers after final transcripts, as (language, words)."""

    def ignore(choice: ProviderChoice, available: bool, kind: ProviderKind) -> None: ...

    speech = SpeechProviders(ProviderKeys(), ignore, lambda *_: None, Settings())
    for language, words in turns:
        speech.update_caller_language(words, language)
    return speech


@pytest.mark.parametrize(
    ("turns", "languages", "default", "voices", "expected"),
    [
        ((), ("en-IN", "hi-IN"), "en-IN", (), "en-IN"),
        ((("hi", "mujhe poochna hai"),), ("en-IN", "hi-IN"), "en-IN", (), "hi"),
        # One word does not mean that the caller has switched languages.
        ((("hi", "mujhe poochna hai"), ("en", "okay")), ("en-IN", "hi-IN"), "en-IN", (), "hi"),
        ((("hi", "mujhe poochna hai"), ("en", "sorry, what?")), ("en", "hi"), "hi", (), "en"),
        # The agent does not speak this language.
        ((("fr", "je voudrais savoir"),), ("en-IN", "hi-IN"), "en-IN", (), "en-IN"),
        ((("fr", "je voudrais savoir"),), (), "en-IN", (), "en-IN"),
        ((("hi", "mujhe poochna hai"),), (), "en-IN", ("hi-IN",), "hi"),
        # The first voice speaks until more is known.
        ((), (), None, ("hi-IN", "en-IN"), "hi-IN"),
        ((("fr", "je voudrais savoir"),), (), None, ("hi-IN", "en-IN"), "hi-IN"),
        # The language of the agent is not known.
        ((("fr", "je voudrais savoir"),), (), None, (), "fr"),
        ((), (), None, (), None),
    ],
)
async def test_the_agent_speaks_the_language_of_the_caller_if_it_can(
    turns: Sequence[tuple[str, str]],
    languages: tuple[str, ...],
    default: str | None,
    voices: Sequence[str],
    expected: str | None,
) -> None:
    spec = replace(
        RECEPTION,
        languages=languages,
        default_language=default,
        voices=tuple(Voice(language=each, voice="v") for each in voices),
    )
    assert speech_after(*turns).spoken_language(spec) == expected
