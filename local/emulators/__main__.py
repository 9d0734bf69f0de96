"""`python -m local.emulators [PORT]`: serve the provider emulators until the process is stopped.

Prints their base URLs as settings (NAME=VALUE), followed by an empty line."""

from __future__ import annotations

import asyncio
import sys
from itertools import cycle

from starlette.applications import Starlette

from local.emulators.http_server import run_server
from local.emulators.llm import LlmEmulator, ScriptedReply, model_routes
from local.emulators.speech import speech_routes
from local.emulators.speech_script import SpeechEmulator

CALLER_UTTERANCES = (
    "What are your opening hours?",
    "I need an appointment",
    "Tomorrow at ten",
    "No, thanks",
)
"""The transcripts of the caller's utterances, in turn, whatever the audio contains."""


async def main(port: int) -> None:
    speech = SpeechEmulator(default_utterances=cycle(CALLER_UTTERANCES))
    models = LlmEmulator(accepted_keys=None)
    models.script = [ScriptedReply("I am an emulator and know only this sentence.")]
    app = Starlette(routes=[*speech_routes(speech), *model_routes(models)])
    async with run_server(app, port) as url:
        base_urls = {
            "DEEPGRAM_BASE_URL": url,
            "CARTESIA_BASE_URL": url,
            "SARVAM_BASE_URL": url,
            "OPENAI_BASE_URL": f"{url}/openai",
            "GOOGLE_BASE_URL": f"{url}/gemini",
        }
        sys.stdout.write("".join(f"{name}={url}\n" for name, url in base_urls.items()) + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
