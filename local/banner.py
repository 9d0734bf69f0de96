"""What a newcomer needs to know once everything runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from local.demo import choose_speech, missing_for_local_speech
from local.services import OWNER
from local.state_dir import StateDir


def render_banner(
    state: StateDir, url: str, voice: str, environ: Mapping[str, str], stop: str
) -> str:
    token = state.token.read_text().strip() if state.token.exists() else "-"
    facts = {
        "GraphiQL": f"{url}/graphql",
        "Talk": f"{url}/talk   (in a browser, with a microphone)",
        "Token": f"{token}   (kept in {short_path(state.token)})",
        "Owner": f"{OWNER}, password in {short_path(state.owner_password)}",
        "Models": _models(environ),
        "Voice": f"voice calls: {voice}",
        "Speech": _speech(environ),
        "Logs": f"{short_path(state.logs)}/   or  ./studio logs -f",
        "Stop": stop,
        "Try next": "./studio talk    or, aloud,  ./studio talk --voice",
    }
    lines = (f"  {name:<9} {fact}" for name, fact in facts.items())
    return "\n".join(("", "Agent Studio is ready.", "", *lines, ""))


def short_path(path: Path) -> str:
    """The shorter of the two ways to write a path."""
    return min(str(path), os.path.relpath(path), key=len)


def _models(environ: Mapping[str, str]) -> str:
    keys = {"OPENAI_API_KEY": "OpenAI", "GOOGLE_API_KEY": "Gemini"}
    if given := [model for name, model in keys.items() if environ.get(name)]:
        return f"{' and '.join(given)}, by the key in the environment"
    return "scripted, no key needed; or OPENAI_API_KEY=… ./studio up, or GOOGLE_API_KEY=…"


def _speech(environ: Mapping[str, str]) -> str:
    """How the demo hears and speaks."""
    ears = choose_speech(environ)["stt"]
    if ears is None:
        return f"none; to hear the demo: {missing_for_local_speech(environ)}"
    if ears["provider"] == "local":
        more = "DEEPGRAM_API_KEY and CARTESIA_API_KEY give it a real voice"
        return f"offline: robotic, and understands only the demo's phrases;\n{'':<12}{more}"
    return f"by the key of {ears['provider']} in the environment"
