"""The microphone and loudspeaker of this machine, with echo cancellation by LiveKit's audio
processing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from livekit import rtc

from local.room_participant import RATE, AudioListener
from local.wav import Samples

BLOCK_SAMPLES = RATE // 100
"""The block size of the audio processing: 10 ms."""
MAX_QUEUED_BLOCKS = 30
"""Limit of the playback queue; a longer queue would delay the agent's voice more and more."""
WAV_HINT = "or use recordings instead: --wav FILE"


class AudioEndpoint(Protocol):
    """What a microphone and a loudspeaker can be attached to."""

    agent_listeners: list[AudioListener]

    def queue_live_audio(self, samples: Samples) -> None:
        """Take what the microphone has recorded, at the rate of a room."""
        ...


class MicrophoneUnavailable(Exception):
    """No audio device can be used; the message says what to install or what to do instead."""


class Microphone:
    def __init__(self) -> None:
        try:
            import sounddevice
        except OSError:
            install = "apt-get install libportaudio2, or brew install portaudio"
            raise MicrophoneUnavailable(
                f"a microphone needs PortAudio: {install}; {WAV_HINT}"
            ) from None
        self._devices: Any = sounddevice
        try:
            sounddevice.check_input_settings(channels=1, dtype="int16", samplerate=RATE)
            sounddevice.check_output_settings(channels=1, dtype="int16", samplerate=RATE)
        except (sounddevice.PortAudioError, ValueError) as error:
            reason = f"there is no usable microphone or loudspeaker ({error})"
            raise MicrophoneUnavailable(f"{reason}; {WAV_HINT}") from None
        self._processing = rtc.AudioProcessingModule(
            echo_cancellation=True,
            noise_suppression=True,
            high_pass_filter=True,
            auto_gain_control=True,
        )
        self._playback_queue: deque[Samples] = deque(maxlen=MAX_QUEUED_BLOCKS)
        self._partial_block = np.zeros(0, np.int16)

    @contextmanager
    def attached_to(self, participant: AudioEndpoint) -> Iterator[None]:
        """Connect the devices to the participant for the duration of the block."""
        loop = asyncio.get_running_loop()

        def on_recorded(data: Any, *_: Any) -> None:
            """Called on PortAudio's input thread."""
            frame = rtc.AudioFrame(bytes(data), RATE, 1, BLOCK_SAMPLES)
            self._processing.process_stream(frame)
            samples = np.frombuffer(bytes(frame.data), np.int16)
            loop.call_soon_threadsafe(participant.queue_live_audio, samples)

        participant.agent_listeners.append(self._queue_playback)
        options = {"samplerate": RATE, "blocksize": BLOCK_SAMPLES, "channels": 1, "dtype": "int16"}
        with (
            self._devices.RawOutputStream(callback=self._on_playback, **options),
            self._devices.RawInputStream(callback=on_recorded, **options),
        ):
            yield

    def _queue_playback(self, at: float, samples: Samples) -> None:
        pending = np.concatenate((self._partial_block, samples))
        for start in range(0, len(pending) - BLOCK_SAMPLES + 1, BLOCK_SAMPLES):
            self._playback_queue.append(pending[start : start + BLOCK_SAMPLES])
        self._partial_block = pending[len(pending) // BLOCK_SAMPLES * BLOCK_SAMPLES :]

    def _on_playback(self, data: Any, *_: Any) -> None:
        """Called on PortAudio's output thread."""
        try:
            block = self._playback_queue.popleft().tobytes()
        except IndexError:
            block = bytes(2 * BLOCK_SAMPLES)
        data[:] = block
        self._processing.process_reverse_stream(rtc.AudioFrame(block, RATE, 1, BLOCK_SAMPLES))
