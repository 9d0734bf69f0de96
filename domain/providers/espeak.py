"""How espeak-ng, the program of the TTS provider `local`, is run. It always runs as a separate process,
because its licence is the GPL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SAMPLE_RATE = 22_050
DEFAULT_WORDS_PER_MINUTE = 165
VOICE_PATTERN = re.compile(r"[a-z]{2,8}(-[a-zA-Z0-9]{1,8})*(\+[a-zA-Z0-9]{1,20})?")
ESPEAK_LANGUAGES = {"en": "en-us", "zh": "cmn", "no": "nb"}
"""The names of espeak-ng for languages, where they differ from the language tag."""
MISSING = (
    "The text-to-speech provider local needs espeak-ng. Install it (apt-get install espeak-ng, or brew "
    "install espeak-ng), or set ESPEAK_NG to its path."
)


def voice_problem(voice: str) -> str | None:
    """Why espeak-ng cannot have such a voice; None if it can."""
    if VOICE_PATTERN.fullmatch(voice):
        return None
    return f"{voice[:40]!r} is not an espeak-ng voice; examples are en-gb and en-us+f3."


def espeak_command(
    program: str, language: str | None, voice: str | None, options: Mapping[str, Any]
) -> tuple[str, ...]:
    """The command that reads a text from stdin and writes a WAV file to stdout. On stdin, the text
    cannot be read as an option or by a shell."""
    rate = str(round(DEFAULT_WORDS_PER_MINUTE * float(options.get("speed", 1.0))))
    chosen = voice or _default_voice(language or "en")
    return (program, "--stdin", "--stdout", "-b", "1", "-v", chosen, "-s", rate)


def _default_voice(language: str) -> str:
    family = language.split("-")[0]
    return ESPEAK_LANGUAGES.get(family, family)
