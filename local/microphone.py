"""The microphone and the loudspeaker of this machine, with the echo of the one taken out of the
other by LiveKit's audio processing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from livekit import rtc

from local.room_participant import RATE, RoomParticipant
from local.wav import Samples

BLOCK_SAMPLES = RATE // 100
"""What audio processing takes at a time: 10 ms."""
MAX_QUEUED_BLOCKS = 30
"""What waits for the loudspeaker; more would be heard later and later."""
WAV_HINT = "or say something from files: --wav FILE"


class MicrophoneUnavailable(Exception):
    """The message says what to install, or what to do instead."""


class Microphone:
    def __init__(self) -> None:
        try:
            import sounddevice
        except OSError:
            how = "apt-get install libportaudio2, or brew install portaudio"
            raise MicrophoneUnavailable(
                f"a microphone needs PortAudio: {how}; {WAV_HINT}"
            ) from None
        self._devices: Any = sounddevice
        try:
            sounddevice.check_input_settings(channels=1, dtype="int16", samplerate=RATE)
            sounddevice.check_output_settings(channels=1, dtype="int16", samplerate=RATE)
        except (sounddevice.PortAudioError, ValueError) as error:
            told = f"no microphone or loudspeaker can be used here ({error})"
            raise MicrophoneUnavailable(f"{told}; {WAV_HINT}") from None
        self._processing = rtc.AudioProcessingModule(
            echo_cancellation=True,
            noise_suppression=True,
            high_pass_filter=True,
            auto_gain_control=True,
        )
        self._playback_queue: deque[Samples] = deque(maxlen=MAX_QUEUED_BLOCKS)
        self._partial_block = np.zeros(0, np.int16)

    @contextmanager
    def attached_to(self, telephone: RoomParticipant) -> Iterator[None]:
        """Speak into it and listen to it, for the length of the block."""
        loop = asyncio.get_running_loop()

        def spoken(data: Any, *_: Any) -> None:
            frame = rtc.AudioFrame(bytes(data), RATE, 1, BLOCK_SAMPLES)
            self._processing.process_stream(frame)
            samples = np.frombuffer(bytes(frame.data), np.int16)
            loop.call_soon_threadsafe(telephone.queue_live_audio, samples)

        telephone.agent_listeners.append(self._queue_playback)
        options = {"samplerate": RATE, "blocksize": BLOCK_SAMPLES, "channels": 1, "dtype": "int16"}
        with (
            self._devices.RawOutputStream(callback=self._on_playback, **options),
            self._devices.RawInputStream(callback=spoken, **options),
        ):
            yield

    def _queue_playback(self, at: float, samples: Samples) -> None:
        whole = np.concatenate((self._partial_block, samples))
        for start in range(0, len(whole) - BLOCK_SAMPLES + 1, BLOCK_SAMPLES):
            self._playback_queue.append(whole[start : start + BLOCK_SAMPLES])
        self._partial_block = whole[len(whole) // BLOCK_SAMPLES * BLOCK_SAMPLES :]

    def _on_playback(self, data: Any, *_: Any) -> None:
        """Called by the loudspeaker, on a thread of its own."""
        try:
            block = self._playback_queue.popleft().tobytes()
        except IndexError:
            block = bytes(2 * BLOCK_SAMPLES)
        data[:] = block
        self._processing.process_reverse_stream(rtc.AudioFrame(block, RATE, 1, BLOCK_SAMPLES))
