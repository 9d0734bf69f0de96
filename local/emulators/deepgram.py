"""Deepgram's listening socket, version 1, as far as the plugin uses it.

Wire format: https://developers.deepgram.com/reference/speech-to-text/listen-streaming"""

from __future__ import annotations

import json
from typing import Any

from starlette.websockets import WebSocket

from local.emulators.sounds import Activity
from local.emulators.speech_script import Speech, halves, messages

NAME = "deepgram"


async def listen(world: Speech, socket: WebSocket) -> None:
    query = dict(socket.query_params)
    key = socket.headers.get("authorization", "").removeprefix("Token ")
    world.ears += 1
    world.opened(NAME, key, query)
    if not await world.faults.admits(NAME, socket):
        return
    ear, words, spoilt = Activity(int(query.get("sample_rate", "16000"))), "", False
    async for message in messages(socket):
        if isinstance(message, str):
            if json.loads(message)["type"] == "CloseStream":
                await socket.close()
                return
            continue
        for what in ear.of(message):
            if what == "began":
                words = world.next()
                language = world.language("en")
                first = _heard(ear, words.split()[:1], language, final=False)
                half = _heard(ear, halves(words), language, final=False)
                spoilt = await world.faults.spoils(NAME, socket, [half])
                if spoilt:
                    continue
                await socket.send_json({"type": "SpeechStarted", "timestamp": ear.began})
                await socket.send_json(first)
            elif not spoilt:
                await socket.send_json(_heard(ear, words.split(), language, final=True))


def _heard(ear: Activity, words: list[str], language: str, *, final: bool) -> dict[str, Any]:
    step = max(ear.heard - ear.began, 0.1) / max(len(words), 1)
    heard = [
        {
            "word": word,
            "start": ear.began + n * step,
            "end": ear.began + (n + 1) * step,
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
        "start": ear.began,
        "duration": ear.heard - ear.began,
        "is_final": final,
        "speech_final": final,
        "channel": {"alternatives": [best]},
        "metadata": {"request_id": "stand-in"},
    }
