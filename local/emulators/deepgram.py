"""Deepgram's speech-to-text WebSocket, version 1, as far as the plugin uses it.

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
    vad = VoiceActivityDetector(int(query.get("sample_rate", "16000")))
    words, faulted = "", False
    async for message in messages(socket):
        if isinstance(message, str):
            if json.loads(message)["type"] == "CloseStream":
                await socket.close()
                return
            continue
        if emulator.heard_audio is not None:
            emulator.heard_audio += message
        emulator.heard_seconds += len(message) / 2 / vad.rate
        for change in vad.process(message):
            if change == "began":
                words = emulator.next_utterance()
                language = emulator.next_language("en")
                first = _transcript(vad, words.split()[:1], language, final=False)
                partial = _transcript(vad, first_half(words), language, final=False)
                faulted = await emulator.faults.inject(NAME, socket, [partial])
                if faulted:
                    continue
                await socket.send_json(
                    {"type": "SpeechStarted", "timestamp": vad.speech_started_at}
                )
                await socket.send_json(first)
            elif not faulted:
                await socket.send_json(_transcript(vad, words.split(), language, final=True))


def _transcript(
    vad: VoiceActivityDetector, words: list[str], language: str, *, final: bool
) -> dict[str, Any]:
    step = max(vad.received_seconds - vad.speech_started_at, 0.1) / max(len(words), 1)
    timed_words = [
        {
            "word": word,
            "start": vad.speech_started_at + n * step,
            "end": vad.speech_started_at + (n + 1) * step,
            "confidence": 0.98,
        }
        for n, word in enumerate(words)
    ]
    alternative = {
        "transcript": " ".join(words),
        "confidence": 0.98,
        "words": timed_words,
        "languages": [language],
    }
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": vad.speech_started_at,
        "duration": vad.received_seconds - vad.speech_started_at,
        "is_final": final,
        "speech_final": final,
        "channel": {"alternatives": [alternative]},
        "metadata": {"request_id": "emulator"},
    }
