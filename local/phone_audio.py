"""Connects a microphone and a loudspeaker, at the rate of a room, with a telephone call."""

from __future__ import annotations

from livekit import rtc

from local.phone.g711 import RATE, Samples
from local.phone.media import Media
from local.room_participant import RATE as ROOM_RATE
from local.room_participant import AudioListener, joined

MAX_QUEUED_CHUNKS = 20
"""A microphone whose clock runs faster than the call's must not delay the call more and more."""


class PhoneAudio:
    def __init__(self, media: Media) -> None:
        self.agent_listeners: list[AudioListener] = []
        self._media = media
        self._down = rtc.AudioResampler(ROOM_RATE, RATE)
        self._up = rtc.AudioResampler(RATE, ROOM_RATE)
        self._position = 0
        media.audio_listeners.append(self._on_heard)

    def queue_live_audio(self, samples: Samples) -> None:
        self._media.drop_queued(MAX_QUEUED_CHUNKS)
        self._media.queue(_converted(self._down, samples))

    def _on_heard(self, samples: Samples) -> None:
        louder = _converted(self._up, samples)
        for listener in self.agent_listeners:
            listener(self._position / ROOM_RATE, louder)
        self._position += len(louder)


def _converted(resampler: rtc.AudioResampler, samples: Samples) -> Samples:
    return joined(resampler.push(bytearray(samples.tobytes())))
