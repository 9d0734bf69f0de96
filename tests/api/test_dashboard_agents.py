"""The pages of agents in the dashboard, in a browser."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.providers.espeak import SAMPLE_RATE
from domain.templating import templates
from domain.templating.validation import template_problems
from domain.workflows.agents import PROMPT_NAMESPACES
from graph.app import build_schema_with_loaders
from graph.web.dashboard import dashboard_routes
from local.emulators.audio import tone, wav_file
from persistence.provider_http import ProviderHttp
from persistence.speech_synthesis import ProviderSynthesizer
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.demo_workflow import save_clinic

VALUES = {
    "user.name": "  Ann",
    "user.amount": "1234567.891",
    "user.count": "-1234",
    "user.half": "2.5",
    "user.eighth": "0.125",
    "user.almost": "2.999",
    "user.due": "2026-03-05T14:07:09+05:30",
    "user.said": 'She said "hi", ü',
}
VALID = [
    "Hi {{ user.name }}!",
    "{{user.name | trim | upper}}, {{ user.name|lower }}",
    "{{user.amount | number}} {{user.amount|number: 2}} {{user.count|number}} {{user.half | number: 0}}",
    "{{user.half|round}} {{user.eighth|round: 2}} {{user.almost|round: 2}} {{user.name|round}}",
    '{{user.due | date: "%A %d %B %Y, %H:%M %I %p %a %b %j %y %m %S %Z %%"}} {{user.name|date: "%d"}}',
    "{{user.unknown}}{{user.unknown | default: 2.0}} {{user.unknown|default: 'none'}}",
    "{{user.said | json}} {{user.unknown | json}}",
    '{{ "a \\"b\\" }}" | upper }} { {user.name} } }}',
]
INVALID = [
    "{{user.name",
    "{{ }}",
    "{{user.name upper}}",
    "{{user.name | nothing}}",
    "{{user.name | upper: 2}}",
    "{{user.name | number: 10}}",
    "{{user.name | default}}",
    '{{user.name | date: "%Q"}}',
    "{{params.slot}}",
    "{{user..name}}",
]
AGENT = """
query ($name: String!) {
  agent(by: {name: $name}) {
    displayName description languages tools { name }
    prompt { system greeting variables { name default } }
    llm { provider model options fallbacks { provider model options } }
    stt { provider } vad { provider }
    tts { provider model } voices { language voice }
    session {
      disconnectAfter minEndpointingDelay timeLimit silence { delay say }
      interruption { by minWords ignore always }
    }
    spokenTexts { text language say }
  }
}
"""


@pytest.mark.anyio
@pytest.mark.timeout(600)
async def test_a_person_describes_an_agent(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    await save_clinic(services, viewer)
    key = await create_api_key(settings, viewer)
    texts = tmp_path / "templates.json"
    texts.write_text(json.dumps({"valid": VALID, "invalid": INVALID, "values": VALUES}))
    routes = dashboard_routes(replace(settings, local_token=key))
    speaking = replace(settings, espeak_ng=str(speaking_program(tmp_path)))
    synthesizer = ProviderSynthesizer(speaking, ProviderHttp(speaking))
    services = replace(services, speech_synthesizer=synthesizer)
    async with running_api(
        services, settings, viewer, build_schema_with_loaders, extra_routes=routes
    ) as api:
        seen = await asyncio.to_thread(visit, "dashboard_agents.mjs", api.url, key, texts)
        saved = (await api.execute(AGENT, variables={"name": "front-desk"}))["data"]["agent"]

    assert (seen["errors"], seen["outside"], seen["barriers"]) == ([], [], [])
    assert seen["completed"] == {
        "isStill": True,
        "text": "You are called at {{call.to_number}}",
        "left": True,
    }
    unknown = "'--help' is not an espeak-ng voice; examples are en-gb and en-us+f3."
    marked = "This was refused. See the marked field."
    assert seen["sample"] == ["The sample is playing.", unknown, marked]
    assert seen["refused"] == {
        "message": "This was refused. See the marked fields.\nAbout: name must start with a "
        "lower-case letter and contain only lower-case letters, digits and hyphens, at most 63 "
        "characters.",
        "focus": True,
    }
    assert seen["moved"] == {
        "focus": "Move Google Gemini gemini-2.5-flash down",
        "first": "google",
    }
    assert seen["copied"] == "front-desk-copy"
    assert seen["kept"] == ["Second desk", "Front desk (copy)", "Answers first."]
    assert seen["rows"] == ["booking", "Front desk\nfront-desk", "reception"]
    assert seen["inUse"] == "The agent reception is used by clinic. Show where"
    assert seen["unfinished"] == (
        "This was refused. See the marked fields.\nModels: rules is not a list in JSON yet."
    )
    assert (seen["isOut"], seen["overflow"]) == (True, [0, 0])
    assert saved == {
        "displayName": "Front desk",
        "description": "Answers first.",
        "languages": ["hi-IN", "en-IN"],
        "tools": [{"name": "book_appointment"}],
        "prompt": {
            "system": "\n".join(VALID),
            "greeting": None,
            "variables": [{"name": "user.unknown", "default": "nothing"}],
        },
        "llm": {
            "provider": "google",
            "model": "gemini-2.5-flash",
            "options": {"temperature": 0.4},
            "fallbacks": [{"provider": "openai", "model": "gpt-4.1-mini", "options": {}}],
        },
        "stt": None,
        "vad": None,
        "tts": {"provider": "sarvam", "model": "bulbul:v3"},
        "voices": [{"language": "hi-IN", "voice": "ritu"}],
        "session": {
            "disconnectAfter": "PT60S",
            "minEndpointingDelay": "PT0.5S",
            "timeLimit": None,
            "silence": [{"delay": "PT12.5S", "say": ""}],
            "interruption": {
                "by": "SOUND",
                "minWords": 1,
                "ignore": ["mhm", "right"],
                "always": None,
            },
        },
        "spokenTexts": [{"text": "STILL_THERE", "language": "hi-IN", "say": "Hello?"}],
    }

    # The preview is what the API renders, and the editor marks what the API refuses.
    user = {path.removeprefix("user."): value for path, value in VALUES.items()}
    assert seen["rendered"] == templates.render("\n".join(VALID), {"user": user})
    assert seen["refusedSlots"] == [
        text for text in INVALID if any(template_problems(text, (), PROMPT_NAMESPACES))
    ]


def speaking_program(folder: Path) -> Path:
    """What says everything in a tone of half a minute, in place of espeak-ng."""
    sound, program = folder / "tone.wav", folder / "espeak-ng"
    sound.write_bytes(wav_file(tone(30, SAMPLE_RATE), SAMPLE_RATE))
    program.write_text(f"#!/bin/sh\nexec cat {sound}\n")
    program.chmod(0o700)
    return program
