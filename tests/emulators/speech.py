"""Deepgram's listening socket and Cartesia's speaking one, as far as the plugins use them.

Wire formats: https://developers.deepgram.com/reference/speech-to-text/listen-streaming and
https://docs.cartesia.ai/api-reference/tts/websocket"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.emulators.serving import served

LOUD = 300.0
PAUSE_SECONDS = 0.25
WORD_SECONDS = 0.12


@dataclass(slots=True)
class Speech:
    """`words` is what the next utterances of the caller are heard as; `said` what agents said."""

    url: str = ""
    words: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    ears: int = 0
    """Connections for hearing that were opened."""

    def next(self) -> str:
        return self.words.pop(0) if self.words else "hello"


@dataclass(slots=True)
class Activity:
    """Tells speech from silence by loudness."""

    rate: int
    speaking: bool = False
    quiet: float = 0.0

    def of(self, pcm: bytes) -> Iterator[str]:
        samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32)
        if not len(samples):
            return
        loud = float(np.sqrt((samples * samples).mean())) > LOUD
        if loud:
            self.quiet = 0.0
            if not self.speaking:
                self.speaking = True
                yield "began"
        elif self.speaking:
            self.quiet += len(samples) / self.rate
            if self.quiet >= PAUSE_SECONDS:
                self.speaking = False
                yield "ended"


@asynccontextmanager
async def speech() -> AsyncIterator[Speech]:
    state = Speech()

    async def listen(socket: WebSocket) -> None:
        state.ears += 1
        state.keys.append(socket.headers.get("authorization", ""))
        await socket.accept()
        activity, words = Activity(int(socket.query_params.get("sample_rate", "16000"))), ""
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if (text := message.get("text")) is not None:
                    if json.loads(text)["type"] == "CloseStream":
                        await socket.close()
                        return
                    continue
                for what in activity.of(message["bytes"]):
                    if what == "began":
                        words = state.next()
                        await socket.send_json({"type": "SpeechStarted", "timestamp": 0.0})
                        await socket.send_json(_heard(words.split()[:1], final=False))
                    else:
                        await socket.send_json(_heard(words.split(), final=True))
        except WebSocketDisconnect:
            return

    async def speak(socket: WebSocket) -> None:
        state.keys.append(socket.headers.get("x-api-key", ""))
        await socket.accept()
        try:
            while True:
                asked = await socket.receive_json()
                context = asked["context_id"]
                if asked.get("cancel"):
                    continue
                words = asked["transcript"].split()
                if words:
                    state.said.append(" ".join(words))
                    rate = asked["output_format"]["sample_rate"]
                    await socket.send_json(_sound(context, len(words), rate))
                if not asked.get("continue"):
                    done = {"type": "done", "context_id": context, "done": True}
                    await socket.send_json({**done, "status_code": 200})
        except WebSocketDisconnect:
            return

    routes = [WebSocketRoute("/v1/listen", listen), WebSocketRoute("/tts/websocket", speak)]
    async with served(Starlette(routes=routes)) as url:
        state.url = url
        yield state


def _heard(words: list[str], *, final: bool) -> dict[str, Any]:
    heard = [
        {"word": w, "start": n * 0.1, "end": n * 0.1 + 0.1, "confidence": 0.98}
        for n, w in enumerate(words)
    ]
    best = {"transcript": " ".join(words), "confidence": 0.98, "words": heard}
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": 0.0,
        "duration": 0.5,
        "is_final": final,
        "speech_final": final,
        "channel": {"alternatives": [best]},
        "metadata": {"request_id": "stand-in"},
    }


def _sound(context: str, words: int, rate: int) -> dict[str, Any]:
    pcm = tone(WORD_SECONDS * words, rate)
    data = base64.b64encode(pcm).decode()
    return {
        "type": "chunk",
        "context_id": context,
        "data": data,
        "done": False,
        "status_code": 206,
    }


def syllables(seconds: float, rate: int, pitch: float = 120.0) -> bytes:
    """16-bit PCM that a detector of voices takes for one: vowels between "ah" and "ee", four to
    the second, on a melody. After G. Fant, Acoustic Theory of Speech Production, 1960."""
    times = np.arange(int(rate * seconds)) / rate
    tune = pitch * (1 + 0.1 * np.sin(2 * np.pi * 2.3 * times))
    phase = 2 * np.pi * np.cumsum(tune) / rate
    open_ = 0.5 + 0.5 * np.sin(2 * np.pi * 2.1 * times)
    formants = (
        (1.0, 300 + 400 * open_, 90.0),
        (0.6, 2_200 - 1_000 * open_, 120.0),
        (0.3, 2_600.0, 160.0),
    )
    sound = np.zeros_like(times)
    for n in range(1, 30):
        gain = sum(g / (1 + ((n * tune - at) / width) ** 2) for g, at, width in formants)
        sound += gain * np.sin(n * phase) / n**0.3
    sound *= np.clip(0.5 - 0.6 * np.cos(2 * np.pi * 4 * times), 0, 1)
    pcm: bytes = (sound / np.abs(sound).max() * 12_000).astype(np.int16).tobytes()
    return pcm


def tone(seconds: float, rate: int, hertz: float = 220.0) -> bytes:
    """16-bit PCM."""
    times = np.arange(int(rate * seconds)) / rate
    sound: bytes = (np.sin(2 * np.pi * hertz * times) * 8_000).astype(np.int16).tobytes()
    return sound
