"""`python -m local.demo`: create the demo workflow, a clinic, through the public API.

It has two agents: reception, which finds out what the caller wants, and booking, which writes the
appointment into the call's context. Without a key they follow a script; with OPENAI_API_KEY or
GOOGLE_API_KEY the same workflow runs on a real model. A second run changes only what differs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from shutil import which
from typing import Any

from local.client import ApiError, StudioClient
from local.demo_phrases import PHRASES
from local.emulator_service import EMULATOR_KEY

Json = dict[str, Any]

RECEPTION_RULES: list[Json] = [
    {
        "hears": ["appointment", "book", "see a doctor", "see the doctor", "slot"],
        "says": "Of course. One moment, I will put you through to booking.",
        "calls": {"tool": "transfer_to_booking"},
    },
    {
        "hears": ["open", "hours", "when"],
        "says": "We are open Monday to Friday, eight to six, and on Saturday until noon.",
    },
    {
        "hears": ["where", "address", "find you"],
        "says": "You find us at 12 Garden Street, right behind the old library.",
    },
    {"hears": ["hello", "hi ", "good morning"], "says": "Hello! What can I do for you?"},
    {
        "says": "I can tell you our opening hours and our address, "
        "or put you through to booking for an appointment."
    },
]
BOOKING_RULES: list[Json] = [
    {
        "after": "book_appointment",
        "says": "You are booked for {{workflow.appointment}}. Is there anything else?",
    },
    {"after": "end_call", "says": "Thank you for calling, and take care. Goodbye!"},
    {
        "hears": [
            *("today", "tomorrow", "monday", "tuesday", "wednesday", "thursday", "friday"),
            *("saturday", "morning", "afternoon", "o'clock", "noon", "next week"),
        ],
        "says": "Let me write that down.",
        "calls": {"tool": "book_appointment", "arguments": {"when": "{{heard}}"}},
    },
    {
        "hears": ["no", "nothing", "bye", "that is all", "that's all", "thank"],
        "calls": {"tool": "end_call"},
    },
    {"says": "Which day and what time would suit you?"},
]

TOOL: Json = {
    "name": "book_appointment",
    "description": "Books an appointment once the caller has named a day and a time.",
    "parameters": {
        "type": "object",
        "properties": {"when": {"type": "string", "description": "Day and time as they said it"}},
        "required": ["when"],
        "additionalProperties": False,
    },
    "actions": [
        {"contextSet": {"path": "workflow.appointment", "value": "{{params.when}}"}},
        {"flagSet": {"flag": "booked"}},
        {"respond": {"message": "Booked: {{params.when}}."}},
    ],
}
WORKFLOW: Json = {
    "slug": "clinic",
    "name": "Sunrise Clinic",
    "description": "Reception answers and hands over to booking.",
    "nodes": [
        {"id": "reception", "agent": "reception", "isEntry": True, "position": {"x": 0, "y": 0}},
        {"id": "booking", "agent": "booking", "isExit": True, "position": {"x": 320, "y": 0}},
    ],
    "connections": [
        {
            "source": "reception",
            "target": "booking",
            "description": "The caller wants to make an appointment.",
        }
    ],
    "sharedContext": ["appointment"],
}


SPEECH_PROVIDERS: dict[str, list[Json]] = {
    "stt": [
        {"provider": "deepgram", "model": "nova-3"},
        {"provider": "sarvam", "model": "saaras:v4"},
    ],
    "tts": [
        {"provider": "cartesia", "model": "sonic-3"},
        {"provider": "sarvam", "model": "bulbul:v3"},
    ],
}

LOCAL_SPEECH: Json = {
    "stt": {"provider": "local", "model": "pocketsphinx", "options": {"phrases": PHRASES}},
    "tts": {"provider": "local", "model": "espeak-ng", "options": {}},
}


REAL_ENDPOINTING, LOCAL_ENDPOINTING = "PT3S", "PT0.8S"
"""How long to wait for a caller who does not seem to have finished: a real one, and one with
emulated or local speech."""


def choose_llm(environ: Mapping[str, str], rules: list[Json]) -> Json:
    """The first provider with an API key, else the script."""
    if _has_real_key(environ, "OPENAI"):
        name = environ.get("DEMO_MODEL", "gpt-4.1-mini")
        return {"provider": "openai", "model": name, "options": {}}
    if _has_real_key(environ, "GOOGLE"):
        name = environ.get("DEMO_MODEL", "gemini-2.5-flash")
        return {"provider": "google", "model": name, "options": {}}
    return {"provider": "scripted", "model": "rules", "options": {"rules": rules, "word_ms": 15}}


def choose_speech(environ: Mapping[str, str]) -> Json:
    """The STT and TTS providers: those with a real API key first, then emulators, then local
    speech. None for a kind that none of them can serve."""
    chosen: Json = {}
    for kind, choices in SPEECH_PROVIDERS.items():
        keyed = [c for c in choices if environ.get(f"{c['provider'].upper()}_API_KEY")]
        keyed.sort(key=lambda c: not _has_real_key(environ, c["provider"].upper()))
        if keyed:
            chosen[kind] = {**keyed[0], "options": {}}
        else:
            chosen[kind] = LOCAL_SPEECH[kind] if missing_for_local_speech(environ) is None else None
    return chosen


def _has_real_key(environ: Mapping[str, str], provider: str) -> bool:
    return environ.get(f"{provider}_API_KEY", "") not in ("", EMULATOR_KEY)


def missing_for_local_speech(environ: Mapping[str, str]) -> str | None:
    """What this machine lacks for local speech; None if nothing is missing."""
    if find_spec("pocketsphinx") is None:
        return "Python 3.11 or 3.13"
    if which(environ.get("ESPEAK_NG") or "espeak-ng") is None:
        return "espeak-ng: apt-get install espeak-ng, or brew install espeak-ng; then start again"
    return None


def agents(environ: Mapping[str, str]) -> list[Json]:
    chosen = choose_speech(environ)
    stt = (chosen["stt"] or {}).get("provider", "local")
    # Local STT recognises only complete sentences, so a longer pause cannot add words, and
    # synthetic speech never sounds finished.
    is_real = stt != "local" and _has_real_key(environ, stt.upper())
    session = {"maxEndpointingDelay": REAL_ENDPOINTING if is_real else LOCAL_ENDPOINTING}
    return [{**agent, **chosen, "session": session} for agent in _agents(environ)]


def _agents(environ: Mapping[str, str]) -> list[Json]:
    return [
        {
            "name": "reception",
            "displayName": "Reception",
            "prompt": {
                "system": "You answer the telephone of Sunrise Clinic. Be brief and warm. "
                "Open Monday to Friday 8-18, Saturday 8-12; 12 Garden Street. "
                "When the caller wants an appointment, hand over to booking.",
                "greeting": "Sunrise Clinic, good day. How can I help you?",
            },
            "llm": choose_llm(environ, RECEPTION_RULES),
            "tools": [],
        },
        {
            "name": "booking",
            "displayName": "Booking",
            "prompt": {
                "system": "You book appointments of Sunrise Clinic. Ask for day and time, then "
                "call book_appointment. When the caller is done, say goodbye and end the call.",
                "greeting": "Hello, this is booking. Which day and what time would suit you?",
            },
            "llm": choose_llm(environ, BOOKING_RULES),
            "tools": ["book_appointment"],
        },
    ]


FIND_DEMO = """
query ($tool: String!, $workflow: String!) {
  tool(by: {name: $tool}) { id revision }
  reception: agent(by: {name: "reception"}) { ...Chosen }
  booking: agent(by: {name: "booking"}) { ...Chosen }
  workflow(by: {slug: $workflow}) { id revision published { number } }
}
fragment Chosen on Agent {
  id revision llm { provider } stt { provider } tts { provider } session { maxEndpointingDelay }
}
"""
PROVIDER_FIELDS = ("llm", "stt", "tts")
ERROR = "... on Error { message code }"
CREATE_TOOL = (
    f"mutation ($input: CreateToolInput!) {{ createTool(input: $input) {{ __typename {ERROR} }} }}"
)
CREATE_AGENT = f"mutation ($input: CreateAgentInput!) {{ createAgent(input: $input) {{ __typename {ERROR} }} }}"
UPDATE_AGENT = f"mutation ($input: UpdateAgentInput!) {{ updateAgent(input: $input) {{ __typename {ERROR} }} }}"
CREATE_WORKFLOW = (
    "mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) "
    f"{{ __typename {ERROR} ... on CreateWorkflowSuccess {{ workflow {{ id revision }} }} }} }}"
)
PUBLISH = (
    "mutation ($input: PublishWorkflowInput!) { publishWorkflow(input: $input) "
    f"{{ __typename {ERROR} }} }}"
)


async def seed(studio: StudioClient, environ: Mapping[str, str]) -> None:
    existing = await studio.execute(FIND_DEMO, {"tool": TOOL["name"], "workflow": WORKFLOW["slug"]})
    if existing["tool"] is None:
        await studio.mutate(CREATE_TOOL, {"input": TOOL})
    changed = [
        await _upsert_agent(studio, agent, existing[agent["name"]]) for agent in agents(environ)
    ]
    workflow = existing["workflow"]
    if workflow is None:
        workflow = (await studio.mutate(CREATE_WORKFLOW, {"input": WORKFLOW}))["workflow"]
    if any(changed) or not workflow.get("published"):
        expected = {"id": workflow["id"], "expectedRevision": workflow["revision"]}
        await studio.mutate(PUBLISH, {"input": {**expected, "note": "The demo"}})


async def _upsert_agent(studio: StudioClient, agent: Json, existing: Json | None) -> bool:
    """Create the agent, or change its providers to the current choice. Returns whether it changed."""
    if existing is None:
        await studio.mutate(CREATE_AGENT, {"input": agent})
        return True
    changed = {
        kind: agent[kind]
        for kind in PROVIDER_FIELDS
        if (existing[kind] or {}).get("provider") != (agent[kind] or {}).get("provider")
    }
    waited = existing["session"]["maxEndpointingDelay"]
    is_own = waited not in (REAL_ENDPOINTING, LOCAL_ENDPOINTING)
    if not changed and (is_own or waited == agent["session"]["maxEndpointingDelay"]):
        return False
    expected = {"id": existing["id"], "expectedRevision": existing["revision"]}
    changed["session"] = agent["session"]
    await studio.mutate(UPDATE_AGENT, {"input": {**expected, **changed}})
    return True


def main() -> None:
    studio = StudioClient(os.environ["STUDIO_URL"], os.environ["STUDIO_TOKEN"])
    try:
        asyncio.run(seed(studio, os.environ))
    except (ApiError, TimeoutError) as error:
        sys.exit(f"the demo could not be created: {error}")


if __name__ == "__main__":
    main()
