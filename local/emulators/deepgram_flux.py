"""Deepgram Flux: the speech-to-text WebSocket, version 2, which also reports turns.

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
    await socket.send_json({"type": "Connected", "request_id": "emulator", "sequence_id": 0})
    vad = VoiceActivityDetector(int(query.get("sample_rate", "16000")))
    words, language, faulted = "", "en", False
    turn_info = _turn_info_builder(vad)
    async for message in messages(socket):
        if isinstance(message, str):
            if json.loads(message)["type"] == "CloseStream":
                await socket.close()
                return
            continue
        for change in vad.process(message):
            if change == "began":
                words, language = emulator.next_utterance(), emulator.next_language("en")
                partial = [
                    turn_info("StartOfTurn", words.split()[:1], language),
                    turn_info("Update", first_half(words), language),
                ]
                faulted = await emulator.faults.inject(NAME, socket, partial)
                if faulted:
                    continue
                for response in partial:
                    await socket.send_json(response)
            elif not faulted:
                await socket.send_json(turn_info("EndOfTurn", words.split(), language))


def _turn_info_builder(
    vad: VoiceActivityDetector,
) -> Callable[[str, list[str], str], dict[str, Any]]:
    count = 0

    def turn_info(event: str, words: list[str], language: str) -> dict[str, Any]:
        nonlocal count
        count += 1
        return {
            "type": "TurnInfo",
            "request_id": "emulator",
            "sequence_id": count,
            "event": event,
            "turn_index": 0,
            "audio_window_start": vad.speech_started_at,
            "audio_window_end": vad.received_seconds,
            "transcript": " ".join(words),
            "words": [{"word": word, "confidence": 0.9} for word in words],
            "languages": [language],
            "end_of_turn_confidence": 0.95 if event == "EndOfTurn" else 0.1,
        }

    return turn_info
