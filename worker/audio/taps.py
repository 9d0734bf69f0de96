"""What is heard in a call, as it goes by: the caller's sound as it comes, the agent's as it is
played. What was cut off by the caller was never played."""

from __future__ import annotations

import time
from collections.abc import Callable

from livekit import rtc
from livekit.agents.voice import io

Heard = Callable[[float, rtc.AudioFrame | None], None]
"""Told since when (as `time.time`) a sound is heard; None: it is over."""


class CallerTap(io.AudioInput):
    def __init__(self, source: io.AudioInput, heard: Heard) -> None:
        super().__init__(label="recording", source=source)
        self._heard = heard

    async def __anext__(self) -> rtc.AudioFrame:
        frame = await super().__anext__()
        # Frames do not say when they were made: they came when they were whole.
        self._heard(time.time() - frame.duration, frame)
        return frame


class AgentTap(io.AudioOutput):
    """Sound is taken much faster than it is played. The speaker behind says for certain what was
    played only when it has stopped; as long as it plays on without a pause, we count by the clock."""

    def __init__(self, speaker: io.AudioOutput, heard: Heard) -> None:
        super().__init__(
            label="recording",
            next_in_chain=speaker,
            sample_rate=speaker.sample_rate,
            capabilities=io.AudioOutputCapabilities(pause=True),
        )
        self._heard = heard
        self.held_since: float | None = None
        """From then on it is not known yet what was played."""
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._taken = bytearray()
        self._rate = self.sample_rate or 24_000
        self._told = 0
        self._since: float | None = None
        self._from = 0
        self.held_since = None

    def settle(self, until: float) -> None:
        """What must have been played up to that moment, which is far enough past that the speaker
        would have said if it had not."""
        if self._since is not None and self.held_since is None:
            played = self._from + int((until - self._since) * self._rate)
            self._tell(self._since, self._from, played)

    def _tell(self, since: float, first: int, end: int) -> None:
        """The samples up to `end`, of which `first` was played at `since`."""
        start, end = max(first, self._told), min(end, len(self._taken) // 2)
        if start < end:
            data = bytes(self._taken[2 * start : 2 * end])
            frame = rtc.AudioFrame(data, self._rate, 1, end - start)
            self._heard(since + (start - first) / self._rate, frame)
            self._told = end

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if self.next_in_chain is not None:
            await self.next_in_chain.capture_frame(frame)
        self._rate = frame.sample_rate
        self._taken += bytes(frame.data)

    def flush(self) -> None:
        super().flush()
        if self.next_in_chain is not None:
            self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        if self.next_in_chain is not None:
            self.next_in_chain.clear_buffer()

    def pause(self) -> None:
        if self._since is not None and self.held_since is None:
            self.held_since = time.time()
        super().pause()

    def on_playback_started(self, *, created_at: float) -> None:
        super().on_playback_started(created_at=created_at)
        self._since = created_at

    def on_playback_progressed(self, *, started_at: float, offset: float, duration: float) -> None:
        super().on_playback_progressed(started_at=started_at, offset=offset, duration=duration)
        first, end = round(offset * self._rate), round((offset + duration) * self._rate)
        self._tell(started_at, first, end)
        # It stopped for want of sound, of which the next has just come.
        self._since, self._from = time.time(), end
        self._heard(self._since, None)

    def on_playback_finished(
        self,
        *,
        playback_position: float,
        interrupted: bool,
        synchronized_transcript: str | None = None,
    ) -> None:
        super().on_playback_finished(
            playback_position=playback_position,
            interrupted=interrupted,
            synchronized_transcript=synchronized_transcript,
        )
        self._begin_anew()
