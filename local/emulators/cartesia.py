"""Cartesia's text-to-speech WebSocket, as far as the plugin uses it.

Wire format: https://docs.cartesia.ai/api-reference/tts/websocket"""

from __future__ import annotations

import base64
import json
from typing import Any

from starlette.websockets import WebSocket

from local.emulators.speech_script import SpeechEmulator, first_half, messages
from local.emulators.voices import Voice

NAME = "cartesia"


async def speak(emulator: SpeechEmulator, socket: WebSocket) -> None:
    key = socket.headers.get("x-api-key", "")
    if not await emulator.faults.accept(NAME, socket):
        emulator.record_connection(NAME, key, {})
        return
    opened = False
    word_counts: dict[str, int] = {}
    """The number of words spoken in each context; -1 after a fault."""
    async for message in messages(socket):
        request = json.loads(message)
        context = request["context_id"]
        if request.get("cancel"):
            continue
        if not opened:
            emulator.record_connection(NAME, key, request)
            opened = True
        before = word_counts.setdefault(context, 0)
        words, rate = request["transcript"].split(), request["output_format"]["sample_rate"]
        if words and before >= 0:
            partial = _audio_messages(
                emulator.voice, context, first_half(request["transcript"]), before, rate
            )
            if await emulator.faults.inject(NAME, socket, partial):
                word_counts[context] = -1
                continue
            word_counts[context] += len(words)
            voice, language = request["voice"]["id"], request["language"] or ""
            emulator.record_speech(" ".join(words), NAME, voice, language, key)
            for response in _audio_messages(emulator.voice, context, words, before, rate):
                await socket.send_json(response)
        if not request.get("continue") and word_counts[context] >= 0:
            done = {"type": "done", "context_id": context, "done": True}
            await socket.send_json({**done, "status_code": 200})


def _audio_messages(
    voice: Voice, context: str, words: list[str], before: int, rate: int
) -> list[dict[str, Any]]:
    data = base64.b64encode(voice.speak(words, rate)).decode()
    seconds = voice.word_seconds
    starts = [round(seconds * (before + n), 3) for n in range(len(words))]
    times = {
        "words": words,
        "start": starts,
        "end": [round(start + seconds, 3) for start in starts],
    }
    part = {"context_id": context, "done": False, "status_code": 206}
    return [
        {**part, "type": "timestamps", "word_timestamps": times},
        {**part, "type": "chunk", "data": data},
    ]
