"""Masks the caller's audio: while it is masked, everything that receives it receives silence.

Ten milliseconds of a DTMF tone give the key away, so the mask comes before all other taps: neither a
recording nor an STT receives a part of it."""

from __future__ import annotations

from livekit import rtc
from livekit.agents.utils.audio import silence_frame_like
from livekit.agents.voice import io


class AudioMask:
    def __init__(self) -> None:
        self._is_held = False
        self._tail_seconds = 0.0

    def hold(self) -> None:
        """Mask the audio until it is released."""
        self._is_held = True

    def release(self, tail_seconds: float) -> None:
        """Mask this much more audio, and then none. Counted in audio and not in time, because audio
        that has arrived may still wait in a queue."""
        self._is_held = False
        self.extend(tail_seconds)

    def extend(self, seconds: float) -> None:
        """Mask at least this much more audio."""
        self._tail_seconds = max(self._tail_seconds, seconds)

    def apply(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        if self._is_held:
            return silence_frame_like(frame)
        if self._tail_seconds <= 0:
            return frame
        self._tail_seconds -= frame.duration
        return silence_frame_like(frame)


class MaskedInput(io.AudioInput):
    def __init__(self, source: io.AudioInput, mask: AudioMask) -> None:
        super().__init__(label="mask", source=source)
        self._mask = mask

    async def __anext__(self) -> rtc.AudioFrame:
        return self._mask.apply(await super().__anext__())
