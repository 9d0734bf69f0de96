"""The private conversation with a colleague during a warm transfer: what is said to them, and what they
say. The caller takes no part in it, and nothing of it is a turn of the call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from livekit import rtc
from livekit.agents import APIError, stt, tts, vad
from livekit.agents.stt import SpeechEventType

from domain.common.tasks import background_task
from domain.telephony.answering.hearing import Tone
from worker.audio.tones import ToneDetector
from worker.session.room_tracks import PRIVATE_TRACK, published_track

LISTEN_RATE = 16_000
FRAME_MS = 80
TRANSCRIPTS = (SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.FINAL_TRANSCRIPT)


class Listener(Protocol):
    """Receives what the colleague says."""

    def heard_words(self, text: str, is_final: bool) -> None: ...

    def heard_speech(self, is_speaking: bool, silence_seconds: float) -> None:
        """They began to speak, or had stopped this long ago."""

    def heard_tone(self, tone: Tone, seconds: float) -> None:
        """A tone was heard, at times of the audio, of which there were `seconds` until now."""


class PrivateVoice:
    """Says texts on the private track, one at a time."""

    def __init__(self, source: rtc.AudioSource, voice: tts.TTS[Any]) -> None:
        self._source = source
        self._voice = voice

    async def say(self, words: str) -> bool:
        """Return once the words were played; False if the voice failed. Cancelled, it falls silent."""
        try:
            async with self._voice.stream() as stream:
                stream.push_text(words)
                stream.end_input()
                async for audio in stream:
                    await self._source.capture_frame(audio.frame)
            await self._source.wait_for_playout()
        except APIError:
            return False
        except asyncio.CancelledError:
            self._source.clear_queue()
            raise
        return True


@asynccontextmanager
async def private_voice(room: rtc.Room, voice: tts.TTS[Any]) -> AsyncGenerator[PrivateVoice]:
    """The voice, whose track is published for the duration of the block."""
    async with published_track(room, PRIVATE_TRACK, voice.sample_rate) as source:
        yield PrivateVoice(source, voice)


async def listen(
    track: rtc.Track, recognizer: stt.STT[Any], detector: vad.VAD, listener: Listener
) -> None:
    """Report what is said on the track until it ends."""
    audio = rtc.AudioStream(track, sample_rate=LISTEN_RATE, num_channels=1, frame_size_ms=FRAME_MS)
    words, speech = recognizer.stream(), detector.stream()
    tones = ToneDetector(LISTEN_RATE)
    try:
        async with (
            background_task(_report_words(words, listener)),
            background_task(_report_speech(speech, listener)),
        ):
            async for event in audio:
                words.push_frame(event.frame)
                speech.push_frame(event.frame)
                for tone in tones.add(bytes(event.frame.data)):
                    listener.heard_tone(tone, tones.seconds)
    finally:
        await audio.aclose()
        await words.aclose()
        await speech.aclose()


async def _report_words(stream: stt.RecognizeStream, listener: Listener) -> None:
    async for event in stream:
        if event.type in TRANSCRIPTS and event.alternatives:
            is_final = event.type is SpeechEventType.FINAL_TRANSCRIPT
            listener.heard_words(event.alternatives[0].text, is_final)


async def _report_speech(stream: vad.VADStream, listener: Listener) -> None:
    async for event in stream:
        if event.type is vad.VADEventType.START_OF_SPEECH:
            listener.heard_speech(True, 0.0)
        elif event.type is vad.VADEventType.END_OF_SPEECH:
            listener.heard_speech(False, event.silence_duration)
