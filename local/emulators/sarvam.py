"""Sarvam's sockets for hearing and speaking, as far as the plugin uses them.

Wire formats: https://docs.sarvam.ai/api-reference-docs/speech-to-text/transcribe/ws and
https://docs.sarvam.ai/api-reference-docs/text-to-speech/stream"""

from __future__ import annotations

import base64
import json
from typing import Any

from starlette.websockets import WebSocket

from local.emulators.audio import WORD_SECONDS, VoiceActivityDetector, tone
from local.emulators.speech_script import SpeechEmulator, first_half, messages

STT, TTS = "sarvam-stt", "sarvam-tts"


async def listen(emulator: SpeechEmulator, socket: WebSocket) -> None:
    query = dict(socket.query_params)
    emulator.stt_connections += 1
    emulator.record_connection(STT, socket.headers.get("api-subscription-key", ""), query)
    if not await emulator.faults.accept(STT, socket):
        return
    ear, words, language = (
        VoiceActivityDetector(int(query.get("sample_rate", "16000"))),
        "",
        "en-IN",
    )
    spoilt = False
    async for message in messages(socket):
        asked = json.loads(message)
        if asked.get("type") == "end_of_stream":
            await socket.close()
            return
        for what in ear.process(base64.b64decode(asked["audio"]["data"])):
            if what == "began":
                words, language = (
                    emulator.next_utterance(),
                    emulator.next_language(_language_of(query)),
                )
                began = _signal("START_SPEECH")
                spoilt = await emulator.faults.inject(STT, socket, [began])
                if spoilt:
                    continue
                await socket.send_json(began)
            elif not spoilt:
                await socket.send_json(_signal("END_SPEECH"))
                await socket.send_json(_transcript(ear, words, language))


def _language_of(query: dict[str, str]) -> str:
    asked = query.get("language-code", "unknown")
    return "en-IN" if asked == "unknown" else asked


def _signal(what: str) -> dict[str, Any]:
    return {"type": "events", "data": {"signal_type": what}}


def _transcript(ear: VoiceActivityDetector, words: str, language: str) -> dict[str, Any]:
    heard = {
        "request_id": "stand-in",
        "transcript": words,
        "language_code": language,
        "language_probability": 0.97,
        "metrics": {
            "audio_duration": ear.received_seconds - ear.speech_started_at,
            "processing_latency": 0.1,
        },
    }
    return {"type": "data", "data": heard}


async def speak(emulator: SpeechEmulator, socket: WebSocket) -> None:
    query = dict(socket.query_params)
    key = socket.headers.get("api-subscription-key", "")
    opened = False
    if not await emulator.faults.accept(TTS, socket):
        emulator.record_connection(TTS, key, query)
        return
    told: dict[str, Any] = {}
    spoilt = False
    async for message in messages(socket):
        asked = json.loads(message)
        match asked["type"]:
            case "config":
                told, spoilt = asked["data"], False
                if not opened:
                    emulator.record_connection(TTS, key, query | told)
                    opened = True
            case "text" if not spoilt:
                words, rate = asked["data"]["text"], told["speech_sample_rate"]
                half = _audio_message(" ".join(first_half(words)), rate)
                spoilt = await emulator.faults.inject(TTS, socket, [half])
                if spoilt:
                    continue
                speaker, language = told["speaker"], told["target_language_code"]
                emulator.record_speech(" ".join(words.split()), TTS, speaker, language, key)
                await socket.send_json(_audio_message(words, rate))
            case "flush" if not spoilt:
                await socket.send_json({"type": "event", "data": {"event_type": "final"}})


def _audio_message(words: str, rate: int) -> dict[str, Any]:
    pcm = tone(WORD_SECONDS * len(words.split()), rate)
    audio = base64.b64encode(pcm).decode()
    return {"type": "audio", "data": {"audio": audio, "request_id": "stand-in"}}
