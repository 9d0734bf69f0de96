"""The audio of a caller who waits for a colleague: silence, so that nothing they say to others becomes a
turn. Providers receive it like any silence, which keeps their connections open."""

from __future__ import annotations

from collections.abc import Callable

from livekit import rtc
from livekit.agents.voice import io


class HeldInput(io.AudioInput):
    def __init__(self, source: io.AudioInput, is_held: Callable[[], bool]) -> None:
        super().__init__(label="transfer", source=source)
        self._is_held = is_held

    async def __anext__(self) -> rtc.AudioFrame:
        frame = await super().__anext__()
        return _silence_like(frame) if self._is_held() else frame


def _silence_like(frame: rtc.AudioFrame) -> rtc.AudioFrame:
    size = 2 * frame.samples_per_channel * frame.num_channels
    return rtc.AudioFrame(
        bytes(size), frame.sample_rate, frame.num_channels, frame.samples_per_channel
    )
