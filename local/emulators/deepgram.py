"""Deepgram's listening socket, version 1, as far as the plugin uses it.

Wire format: https://developers.deepgram.com/reference/speech-to-text/listen-streaming"""

from __future__ import annotations

import json
from typing import Any

from starlette.websockets import WebSocket

from local.emulators.audio import VoiceActivityDetector
from local.emulators.speech_script import SpeechEmulator, first_half, messages

NAME = "deepgram"


async def listen(emulator: SpeechEmulator, socket: WebSocket) -> None:
    query = dict(socket.query_params)
    key = socket.headers.get("authorization", "").removeprefix("Token ")
    emulator.stt_connections += 1
    emulator.record_connection(NAME, key, query)
    if not await emulator.faults.accept(NAME, socket):
        return
    ear, words, spoilt = VoiceActivityDetector(int(query.get("sample_rate", "16000"))), "", False
    async for message in messages(socket):
        if isinstance(message, str):
            if json.loads(message)["type"] == "CloseStream":
                await socket.close()
                return
            continue
        for what in ear.process(message):
            if what == "began":
                words = emulator.next_utterance()
                language = emulator.next_language("en")
                first = _transcript(ear, words.split()[:1], language, final=False)
                half = _transcript(ear, first_half(words), language, final=False)
                spoilt = await emulator.faults.inject(NAME, socket, [half])
                if spoilt:
                    continue
                await socket.send_json(
                    {"type": "SpeechStarted", "timestamp": ear.speech_started_at}
                )
                await socket.send_json(first)
            elif not spoilt:
                await socket.send_json(_transcript(ear, words.split(), language, final=True))


def _transcript(
    ear: VoiceActivityDetector, words: list[str], language: str, *, final: bool
) -> dict[str, Any]:
    step = max(ear.received_seconds - ear.speech_started_at, 0.1) / max(len(words), 1)
    heard = [
        {
            "word": word,
            "start": ear.speech_started_at + n * step,
            "end": ear.speech_started_at + (n + 1) * step,
            "confidence": 0.98,
        }
        for n, word in enumerate(words)
    ]
    best = {
        "transcript": " ".join(words),
        "confidence": 0.98,
        "words": heard,
        "languages": [language],
    }
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": ear.speech_started_at,
        "duration": ear.received_seconds - ear.speech_started_at,
        "is_final": final,
        "speech_final": final,
        "channel": {"alternatives": [best]},
        "metadata": {"request_id": "stand-in"},
    }
