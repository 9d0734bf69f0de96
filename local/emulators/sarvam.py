"""Sarvam's speech-to-text and text-to-speech, as far as they are used: by WebSocket in calls, and by
HTTP for previews of voices.

Wire formats: https://docs.sarvam.ai/api-reference-docs/speech-to-text/transcribe/ws,
https://docs.sarvam.ai/api-reference-docs/text-to-speech/stream and
https://docs.sarvam.ai/api-reference-docs/text-to-speech/convert"""

from __future__ import annotations

import base64
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

from local.emulators.audio import VoiceActivityDetector, wav_file
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


async def speak_once(emulator: SpeechEmulator, request: Request) -> Response:
    key, asked = request.headers.get("api-subscription-key", ""), await request.json()
    emulator.record_connection(TTS, key, asked)
    if not emulator.accepts(key):
        error = {"code": "invalid_api_key_error", "message": f"Invalid API key {key}"}
        return JSONResponse({"error": error}, status_code=403)
    if (fault := await emulator.faults.http_response(TTS)) is not None:
        return fault
    words, rate = asked["text"].split(), asked["speech_sample_rate"]
    emulator.record_speech(
        " ".join(words), TTS, asked["speaker"], asked["target_language_code"], key
    )
    audio = emulator.voice.speak(words, rate)
    if asked["output_audio_codec"] == "wav":
        audio = wav_file(audio, rate)
    return JSONResponse({"request_id": "emulator", "audios": [base64.b64encode(audio).decode()]})
