"""Deepgram Flux: the listening socket, version 2, which tells turns as well as words.

Wire format: https://developers.deepgram.com/reference/speech-to-text/listen-flux"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket

from local.emulators.audio import VoiceActivityDetector
from local.emulators.speech_script import SpeechEmulator, first_half, messages

NAME = "flux"


async def listen(emulator: SpeechEmulator, socket: WebSocket) -> None:
    query = dict(socket.query_params)
    key = socket.headers.get("authorization", "").removeprefix("Token ")
    emulator.stt_connections += 1
    emulator.record_connection(NAME, key, query)
    if not await emulator.faults.accept(NAME, socket):
        return
    await socket.send_json({"type": "Connected", "request_id": "stand-in", "sequence_id": 0})
    ear, words, language = VoiceActivityDetector(int(query.get("sample_rate", "16000"))), "", "en"
    spoilt = False
    tell = _turn_info_builder(ear)
    async for message in messages(socket):
        if isinstance(message, str):
            if json.loads(message)["type"] == "CloseStream":
                await socket.close()
                return
            continue
        for what in ear.process(message):
            if what == "began":
                words, language = emulator.next_utterance(), emulator.next_language("en")
                half = [
                    tell("StartOfTurn", words.split()[:1], language),
                    tell("Update", first_half(words), language),
                ]
                spoilt = await emulator.faults.inject(NAME, socket, half)
                if spoilt:
                    continue
                for each in half:
                    await socket.send_json(each)
            elif not spoilt:
                await socket.send_json(tell("EndOfTurn", words.split(), language))


def _turn_info_builder(
    ear: VoiceActivityDetector,
) -> Callable[[str, list[str], str], dict[str, Any]]:
    count = 0

    def tell(event: str, words: list[str], language: str) -> dict[str, Any]:
        nonlocal count
        count += 1
        return {
            "type": "TurnInfo",
            "request_id": "stand-in",
            "sequence_id": count,
            "event": event,
            "turn_index": 0,
            "audio_window_start": ear.speech_started_at,
            "audio_window_end": ear.received_seconds,
            "transcript": " ".join(words),
            "words": [{"word": word, "confidence": 0.9} for word in words],
            "languages": [language],
            "end_of_turn_confidence": 0.95 if event == "EndOfTurn" else 0.1,
        }

    return tell
