"""Cartesia's text-to-speech, as far as it is used: by WebSocket in calls, by HTTP for previews.

Wire formats: https://docs.cartesia.ai/api-reference/tts/websocket and
https://docs.cartesia.ai/api-reference/tts/bytes"""

from __future__ import annotations

import base64
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

from local.emulators.audio import wav_file
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


async def speak_once(emulator: SpeechEmulator, request: Request) -> Response:
    key, asked = request.headers.get("x-api-key", ""), await request.json()
    emulator.record_connection(NAME, key, asked)
    if not emulator.accepts(key):
        return JSONResponse({"error_code": "unauthorized", "key": key}, status_code=401)
    if (fault := await emulator.faults.http_response(NAME)) is not None:
        return fault
    words, output = asked["transcript"].split(), asked["output_format"]
    emulator.record_speech(
        " ".join(words), NAME, asked["voice"]["id"], asked["language"] or "", key
    )
    audio = emulator.voice.speak(words, output["sample_rate"])
    if output["container"] == "wav":
        audio = wav_file(audio, output["sample_rate"])
    return Response(audio, media_type="audio/wav")
