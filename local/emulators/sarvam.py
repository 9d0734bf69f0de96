"""Sarvam's sockets for hearing and speaking, as far as the plugin uses them.

Wire formats: https://docs.sarvam.ai/api-reference-docs/speech-to-text/transcribe/ws and
https://docs.sarvam.ai/api-reference-docs/text-to-speech/stream"""

from __future__ import annotations

import base64
import json
from typing import Any

from starlette.websockets import WebSocket

from local.emulators.sounds import WORD_SECONDS, Activity, tone
from local.emulators.speech_script import Speech, halves, messages

STT, TTS = "sarvam-stt", "sarvam-tts"


async def listen(world: Speech, socket: WebSocket) -> None:
    query = dict(socket.query_params)
    world.ears += 1
    world.opened(STT, socket.headers.get("api-subscription-key", ""), query)
    if not await world.faults.admits(STT, socket):
        return
    ear, words, language = Activity(int(query.get("sample_rate", "16000"))), "", "en-IN"
    spoilt = False
    async for message in messages(socket):
        asked = json.loads(message)
        if asked.get("type") == "end_of_stream":
            await socket.close()
            return
        for what in ear.of(base64.b64decode(asked["audio"]["data"])):
            if what == "began":
                words, language = world.next(), world.language(_spoken(query))
                began = _signal("START_SPEECH")
                spoilt = await world.faults.spoils(STT, socket, [began])
                if spoilt:
                    continue
                await socket.send_json(began)
            elif not spoilt:
                await socket.send_json(_signal("END_SPEECH"))
                await socket.send_json(_heard(ear, words, language))


def _spoken(query: dict[str, str]) -> str:
    asked = query.get("language-code", "unknown")
    return "en-IN" if asked == "unknown" else asked


def _signal(what: str) -> dict[str, Any]:
    return {"type": "events", "data": {"signal_type": what}}


def _heard(ear: Activity, words: str, language: str) -> dict[str, Any]:
    heard = {
        "request_id": "stand-in",
        "transcript": words,
        "language_code": language,
        "language_probability": 0.97,
        "metrics": {"audio_duration": ear.heard - ear.began, "processing_latency": 0.1},
    }
    return {"type": "data", "data": heard}


async def speak(world: Speech, socket: WebSocket) -> None:
    query = dict(socket.query_params)
    key = socket.headers.get("api-subscription-key", "")
    opened = False
    if not await world.faults.admits(TTS, socket):
        world.opened(TTS, key, query)
        return
    told: dict[str, Any] = {}
    spoilt = False
    async for message in messages(socket):
        asked = json.loads(message)
        match asked["type"]:
            case "config":
                told, spoilt = asked["data"], False
                if not opened:
                    world.opened(TTS, key, query | told)
                    opened = True
            case "text" if not spoilt:
                words, rate = asked["data"]["text"], told["speech_sample_rate"]
                half = _sound(" ".join(halves(words)), rate)
                spoilt = await world.faults.spoils(TTS, socket, [half])
                if spoilt:
                    continue
                speaker, language = told["speaker"], told["target_language_code"]
                world.spoke(" ".join(words.split()), TTS, speaker, language, key)
                await socket.send_json(_sound(words, rate))
            case "flush" if not spoilt:
                await socket.send_json({"type": "event", "data": {"event_type": "final"}})


def _sound(words: str, rate: int) -> dict[str, Any]:
    pcm = tone(WORD_SECONDS * len(words.split()), rate)
    audio = base64.b64encode(pcm).decode()
    return {"type": "audio", "data": {"audio": audio, "request_id": "stand-in"}}
