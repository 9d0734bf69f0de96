"""Sarvam's speech-to-text and text-to-speech WebSockets, as far as the plugin uses them.

Wire formats: https://docs.sarvam.ai/api-reference-docs/speech-to-text/transcribe/ws and
https://docs.sarvam.ai/api-reference-docs/text-to-speech/stream"""

from __future__ import annotations

import base64
import json
from typing import Any

from starlette.websockets import WebSocket

from local.emulators.audio import VoiceActivityDetector
from local.emulators.speech_script import SpeechEmulator, first_half, messages
from local.emulators.voices import Voice

STT, TTS = "sarvam-stt", "sarvam-tts"


async def listen(emulator: SpeechEmulator, socket: WebSocket) -> None:
    query = dict(socket.query_params)
    emulator.stt_connections += 1
    emulator.record_connection(STT, socket.headers.get("api-subscription-key", ""), query)
    if not await emulator.faults.accept(STT, socket):
        return
    vad = VoiceActivityDetector(int(query.get("sample_rate", "16000")))
    words, language, faulted = "", "en-IN", False
    async for message in messages(socket):
        request = json.loads(message)
        if request.get("type") == "end_of_stream":
            await socket.close()
            return
        for change in vad.process(base64.b64decode(request["audio"]["data"])):
            if change == "began":
                words = emulator.next_utterance()
                language = emulator.next_language(_language_of(query))
                started = _signal("START_SPEECH")
                faulted = await emulator.faults.inject(STT, socket, [started])
                if faulted:
                    continue
                await socket.send_json(started)
            elif not faulted:
                await socket.send_json(_signal("END_SPEECH"))
                await socket.send_json(_transcript(vad, words, language))


def _language_of(query: dict[str, str]) -> str:
    language = query.get("language-code", "unknown")
    return "en-IN" if language == "unknown" else language


def _signal(signal_type: str) -> dict[str, Any]:
    return {"type": "events", "data": {"signal_type": signal_type}}


def _transcript(vad: VoiceActivityDetector, words: str, language: str) -> dict[str, Any]:
    data = {
        "request_id": "emulator",
        "transcript": words,
        "language_code": language,
        "language_probability": 0.97,
        "metrics": {
            "audio_duration": vad.received_seconds - vad.speech_started_at,
            "processing_latency": 0.1,
        },
    }
    return {"type": "data", "data": data}


async def speak(emulator: SpeechEmulator, socket: WebSocket) -> None:
    query = dict(socket.query_params)
    key = socket.headers.get("api-subscription-key", "")
    opened = False
    if not await emulator.faults.accept(TTS, socket):
        emulator.record_connection(TTS, key, query)
        return
    config: dict[str, Any] = {}
    faulted = False
    async for message in messages(socket):
        request = json.loads(message)
        match request["type"]:
            case "config":
                config, faulted = request["data"], False
                if not opened:
                    emulator.record_connection(TTS, key, query | config)
                    opened = True
            case "text" if not faulted:
                words, rate = request["data"]["text"], config["speech_sample_rate"]
                partial = _audio_message(emulator.voice, first_half(words), rate)
                faulted = await emulator.faults.inject(TTS, socket, [partial])
                if faulted:
                    continue
                speaker, language = config["speaker"], config["target_language_code"]
                emulator.record_speech(" ".join(words.split()), TTS, speaker, language, key)
                await socket.send_json(_audio_message(emulator.voice, words.split(), rate))
            case "flush" if not faulted:
                await socket.send_json({"type": "event", "data": {"event_type": "final"}})


def _audio_message(voice: Voice, words: list[str], rate: int) -> dict[str, Any]:
    audio = base64.b64encode(voice.speak(words, rate)).decode()
    return {"type": "audio", "data": {"audio": audio, "request_id": "emulator"}}
