"""Agents on OpenAI and Gemini: the real plugins against emulators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from domain.calls.events import (
    CallEnded,
    CallEvent,
    ErrorRaised,
    HandoffRefused,
    ProviderFailedOver,
    ToolFinished,
    ToolOutcome,
    TurnMeasured,
)
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.agents import create_agent
from domain.use_cases.calls import end_call, send_message
from domain.use_cases.tools import create_tool
from domain.use_cases.workflows import create_workflow, publish_workflow
from domain.workflows.agents import ProviderChoice
from local.emulators.llm import KEY, FailedReply, LlmEmulator, ScriptedReply, run_llm_emulator
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION
from tests.worker.test_text_calls import running_worker, started, summary_lines, watch

pytestmark = pytest.mark.anyio

PROVIDERS = {"openai": "gpt-4.1-mini", "google": "gemini-2.5-flash"}
TO_BOOKING: tuple[str, Any] = ("transfer_to_booking", {})
BOOK_IT: tuple[str, Any] = ("book_appointment", {"slot": "tomorrow at ten"})


@dataclass(frozen=True, slots=True)
class Caller:
    services: Services
    viewer: Viewer

    async def say(self, *texts: str) -> list[CallEvent]:
        """The events of a call with these messages."""
        services, viewer = self.services, self.viewer
        call = await started(services, viewer)
        for n, text in enumerate(texts, start=1):
            await send_message(services, viewer, call.id, text, None)
            await watch(services, viewer, call.id, TurnMeasured, n)
        await end_call(services, viewer, call.id)
        return await watch(services, viewer, call.id, CallEnded)


@asynccontextmanager
async def calling(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    provider: str,
    key: str = KEY,
    chain: ProviderChoice | None = None,
) -> AsyncIterator[tuple[Caller, LlmEmulator]]:
    choice = chain or ProviderChoice(provider=provider, model=PROVIDERS[provider])
    await create_tool(services, viewer, BOOK)
    for agent in (RECEPTION, BOOKING):
        await create_agent(services, viewer, replace(agent, llm=choice))
    workflow = await create_workflow(services, viewer, CLINIC)
    await publish_workflow(services, viewer, workflow.id, workflow.revision, None)
    async with run_llm_emulator() as emulator:
        own = replace(
            settings,
            openai_api_key=key,
            openai_base_url=f"{emulator.url}/openai",
            google_api_key=key,
            google_base_url=f"{emulator.url}/gemini",
        )
        async with running_worker(own):
            yield Caller(services, viewer), emulator


def dialogue(events: list[CallEvent]) -> list[str]:
    """The summary without the start and the end of the call."""
    return [line for line in summary_lines(events)[5:-2] if line != "turn_measured"]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_two_agents_book_an_appointment(
    services: Services, settings: Settings, viewer: Viewer, provider: str
) -> None:
    async with calling(services, settings, viewer, provider) as (caller, emulator):
        emulator.script = [
            ScriptedReply("One moment.", (TO_BOOKING,)),
            ScriptedReply("", (BOOK_IT,)),
            ScriptedReply("You are booked."),
        ]
        events = await caller.say("I need an appointment", "tomorrow at ten")
    assert dialogue(events) == [
        "caller: I need an appointment",
        "reception: One moment.",
        "reception -> booking",
        "enter booking",
        "booking: Booking here. When suits you?",
        "caller: tomorrow at ten",
        "book_appointment?",
        "workflow.slot = tomorrow at ten",
        "flags.booked = True",
        "book_appointment SUCCEEDED: Booked for tomorrow at ten.",
        "booking: You are booked.",
    ]
    assert set(emulator.keys) == {KEY}
    # The second agent received the conversation with the first one.
    assert "I need an appointment" in str(emulator.requests[1])
    assert "You book appointments." in str(emulator.requests[1])
    assert "Booked for tomorrow at ten." in str(emulator.requests[2])
    measured = [e for e in events if isinstance(e, TurnMeasured)]
    assert (measured[1].input_tokens, measured[1].output_tokens) == (200, 20)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", [FailedReply(500), FailedReply(429)])
async def test_a_request_to_a_provider_is_retried_after_a_transient_failure(
    services: Services, settings: Settings, viewer: Viewer, provider: str, fault: FailedReply
) -> None:
    async with calling(services, settings, viewer, provider) as (caller, emulator):
        emulator.script = [fault, ScriptedReply("Here I am.")]
        events = await caller.say("hello?")
    assert dialogue(events)[-1] == "reception: Here I am."


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_agent_apologises_for_a_reply_that_broke_off(
    services: Services, settings: Settings, viewer: Viewer, provider: str
) -> None:
    async with calling(services, settings, viewer, provider) as (caller, emulator):
        emulator.script = [FailedReply(text="Well,"), ScriptedReply("Here I am.")]
        events = await caller.say("hello?", "again?")
    assert dialogue(events) == [
        "caller: hello?",
        "error llm",
        "reception: Well,",
        "reception: I am sorry, I cannot answer right now. Please try again.",
        "caller: again?",
        "reception: Here I am.",
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_invalid_key_is_reported_and_the_call_continues(
    services: Services, settings: Settings, viewer: Viewer, provider: str
) -> None:
    async with calling(services, settings, viewer, provider, key="wrong") as (caller, emulator):
        emulator.script = [ScriptedReply("never said")]
        events = await caller.say(*["hello?"] * 5)
    raised = [e for e in events if isinstance(e, ErrorRaised)]
    assert [e.recoverable for e in raised] == [True] * 5
    assert all("wrong" not in e.message for e in raised), "a key must not be shown"
    apologies = [line for line in dialogue(events) if "I am sorry" in line]
    assert len(apologies) == 5


WRONG: dict[str, tuple[Any, str]] = {
    "an unknown tool": (("open_the_door", {}), "open_the_door"),
    "arguments of the wrong type": (("book_appointment", {"slot": 5}), "slot"),
    "arguments that are missing": (("book_appointment", {}), "slot"),
    "arguments too many": (("book_appointment", {"slot": "x", "by": "me"}), "by"),
    "a megabyte of arguments": (("book_appointment", {"slot": "x" * 1_000_000}), "large"),
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", WRONG)
async def test_an_invalid_tool_call_is_refused_and_reported_to_the_model(
    services: Services, settings: Settings, viewer: Viewer, provider: str, name: str
) -> None:
    call, word = WRONG[name]
    async with calling(services, settings, viewer, provider) as (caller, emulator):
        emulator.script = [
            ScriptedReply("One moment.", (TO_BOOKING,)),
            ScriptedReply("", (call,)),
            ScriptedReply("Let me see."),
        ]
        events = await caller.say("I need an appointment", "tomorrow")
    reported = dialogue(events)
    assert not any(line.startswith("workflow.slot") for line in reported)
    [refused] = [e for e in events if isinstance(e, ToolFinished)]
    assert (refused.tool, refused.outcome) == (call[0], ToolOutcome.REFUSED)
    assert len(str(refused.arguments)) < 1_000
    assert reported[-1] == "booking: Let me see."
    results = str(emulator.requests[-1])
    assert word in results[results.index("tomorrow") :]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_first_of_two_simultaneous_hand_offs_happens(
    services: Services, settings: Settings, viewer: Viewer, provider: str
) -> None:
    async with calling(services, settings, viewer, provider) as (caller, emulator):
        emulator.script = [ScriptedReply("", (TO_BOOKING, TO_BOOKING)), ScriptedReply("unheard")]
        events = await caller.say("I need an appointment")
    kinds = [event.kind for event in events]
    assert (kinds.count("handed_off"), kinds.count("handoff_refused")) == (1, 1)
    assert dialogue(events)[-1] == "booking: Booking here. When suits you?"


async def test_arguments_that_are_not_json_are_refused(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    async with calling(services, settings, viewer, "openai") as (caller, emulator):
        emulator.script = [
            ScriptedReply("One moment.", (TO_BOOKING,)),
            ScriptedReply("", (("book_appointment", '{"slot": "ten'),)),
            ScriptedReply("Let me see."),
        ]
        events = await caller.say("I need an appointment", "tomorrow")
    [refused] = [e for e in events if isinstance(e, ToolFinished)]
    assert refused.outcome is ToolOutcome.REFUSED
    assert refused.result.startswith("The arguments are not a JSON object.")
    assert refused.result in str(emulator.requests[-1])


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_hand_off_without_a_connection_is_refused(
    services: Services, settings: Settings, viewer: Viewer, provider: str
) -> None:
    async with calling(services, settings, viewer, provider) as (caller, emulator):
        emulator.script = [
            ScriptedReply("", (("transfer_to_billing", {}),)),
            ScriptedReply("I stay."),
        ]
        events = await caller.say("billing, please")
    [refused] = [e for e in events if isinstance(e, HandoffRefused)]
    assert (refused.from_node, refused.to_node) == ("reception", "billing")
    assert dialogue(events)[-1] == "reception: I stay."


async def test_when_a_model_fails_the_fallback_replies_and_it_is_recorded(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    chain = ProviderChoice(
        provider="openai",
        model="gpt-4.1",
        fallbacks=(ProviderChoice(provider="google", model="gemini-2.5-flash"),),
    )
    async with calling(services, settings, viewer, "openai", chain=chain) as (caller, emulator):
        emulator.script = [
            FailedReply(500),
            ScriptedReply("Here I am."),
            ScriptedReply("Still here."),
        ]
        events = await caller.say("hello?", "and now?")
    changes = [e for e in events if isinstance(e, ProviderFailedOver)]
    assert [(e.provider, e.model, e.available) for e in changes] == [("openai", "gpt-4.1", False)]
    reported = [line for line in dialogue(events) if line.startswith("reception")]
    assert reported == ["reception: Here I am.", "reception: Still here."]
    # The failed model is in cooldown: only OpenAI requests have "messages".
    assert ["messages" in asked for asked in emulator.requests] == [True, False, False]


async def test_when_all_models_fail_the_caller_hears_an_apology(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    chain = ProviderChoice(
        provider="openai",
        model="gpt-4.1",
        fallbacks=(ProviderChoice(provider="google", model="gemini-2.5-flash"),),
    )
    async with calling(services, settings, viewer, "openai", chain=chain) as (caller, emulator):
        emulator.script = [FailedReply(500)]
        events = await caller.say("hello?")
    assert (
        dialogue(events)[-1]
        == "reception: I am sorry, I cannot answer right now. Please try again."
    )
    assert len(emulator.requests) == 2
