"""The summary that `./studio up` prints once everything is ready."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from ctypes.util import find_library
from pathlib import Path

from local.demo import choose_speech, missing_for_local_speech
from local.postgres_user import linked_home
from local.services import OWNER
from local.state_dir import PROGRAM, StateDir


def render_banner(
    state: StateDir, url: str, voice: str, environ: Mapping[str, str], stop: str
) -> str:
    token = state.token.read_text().strip() if state.token.exists() else "-"
    facts = {
        "Dashboard": f"{url}/studio/",
        "GraphiQL": f"{url}/graphql",
        "Talk": f"{url}/talk   (in a browser, with a microphone)",
        "Docs": f"{url}/docs/",
        "Token": f"{token}   (stored in {short_path(state.token)})",
        "Owner": f"{OWNER}, password in {short_path(state.owner_password)}",
        "Models": _models(environ),
        "Voice": f"voice calls: {voice}",
        "Speech": _speech(environ),
        "Data": _data(state),
        "Logs": f"{short_path(state.logs)}/   or  {PROGRAM} logs -f",
        "Stop": stop,
        "Try next": _next_step(voice),
    }
    lines = (f"  {name:<9} {fact}" for name, fact in facts.items())
    return "\n".join(("", "Agent Studio is ready.", "", *lines, ""))


def short_path(path: Path) -> str:
    """The absolute path or the one relative to the current directory, whichever is shorter."""
    return min(str(path), os.path.relpath(path), key=len)


def _data(state: StateDir) -> str:
    database = linked_home(state.root / "postgres")
    return f"{short_path(state.root)}/" + (
        f"   and the database in {database}/" if database else ""
    )


def _next_step(voice: str) -> str:
    if not voice.startswith(("ready", "through")):
        return f"{PROGRAM} talk"
    has_portaudio = sys.platform == "darwin" or find_library("portaudio")
    microphone = f"with a microphone,  {PROGRAM} talk --voice"
    return f"{PROGRAM} talk    or, {microphone if has_portaudio else 'to speak, the page above'}"


def _models(environ: Mapping[str, str]) -> str:
    keys = {"OPENAI_API_KEY": "OpenAI", "GOOGLE_API_KEY": "Gemini"}
    if available := [model for name, model in keys.items() if environ.get(name)]:
        return f"{' and '.join(available)}, with the key from the environment"
    return "scripted, no key needed; for a real model, set OPENAI_API_KEY or GOOGLE_API_KEY"


def _speech(environ: Mapping[str, str]) -> str:
    """The speech providers of the demo."""
    stt = choose_speech(environ)["stt"]
    if stt is None:
        return f"none; voice calls with the demo need {missing_for_local_speech(environ)}"
    if stt["provider"] == "local":
        hint = "for natural speech, set DEEPGRAM_API_KEY and CARTESIA_API_KEY"
        return f"offline: a synthetic voice that understands only sample phrases;\n{'':<12}{hint}"
    return f"{stt['provider']}, with the key from the environment"
