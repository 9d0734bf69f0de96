"""Audio taps of a call: the caller's audio as it arrives, the agent's as it is played. Agent audio
that the caller interrupted was never played and is left out."""

from __future__ import annotations

import time
from collections.abc import Callable

from livekit import rtc
from livekit.agents.voice import io

AudioListener = Callable[[float, rtc.AudioFrame | None], None]
"""Receives a frame and when it started (as `time.time`). A frame of None ends the audio."""


class CallerTap(io.AudioInput):
    def __init__(self, source: io.AudioInput, listener: AudioListener) -> None:
        super().__init__(label="recording", source=source)
        self._listener = listener

    async def __anext__(self) -> rtc.AudioFrame:
        frame = await super().__anext__()
        # Frames carry no timestamp; a frame arrives when its last sample has been captured.
        self._listener(time.time() - frame.duration, frame)
        return frame


class AgentTap(io.AudioOutput):
    """Reports agent audio as it is played, which is long after it was captured. The output reports
    exactly what was played only when playback stops; until then, position follows the clock."""

    def __init__(self, output: io.AudioOutput, listener: AudioListener) -> None:
        super().__init__(
            label="recording",
            next_in_chain=output,
            sample_rate=output.sample_rate,
            capabilities=io.AudioOutputCapabilities(pause=True),
        )
        self._listener = listener
        self.paused_since: float | None = None
        """When playback was paused; what was played since then is not yet known. None: playing."""
        self._reset()

    def _reset(self) -> None:
        self._captured = bytearray()
        self._rate = self.sample_rate or 24_000
        self._reported_samples = 0
        self._playing_since: float | None = None
        self._start_sample = 0
        self.paused_since = None

    def report_played(self, until: float) -> None:
        """Report what has been played up to `until`, which must lie far enough in the past for the
        output to have reported an interruption by now."""
        if self._playing_since is not None and self.paused_since is None:
            played = self._start_sample + int((until - self._playing_since) * self._rate)
            self._report_samples(self._playing_since, self._start_sample, played)

    def _report_samples(self, since: float, first: int, end: int) -> None:
        """Report samples up to `end` not yet reported, given that `first` was played at `since`."""
        start, end = max(first, self._reported_samples), min(end, len(self._captured) // 2)
        if start < end:
            data = bytes(self._captured[2 * start : 2 * end])
            frame = rtc.AudioFrame(data, self._rate, 1, end - start)
            self._listener(since + (start - first) / self._rate, frame)
            self._reported_samples = end

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if self.next_in_chain is not None:
            await self.next_in_chain.capture_frame(frame)
        self._rate = frame.sample_rate
        self._captured += bytes(frame.data)

    def flush(self) -> None:
        super().flush()
        if self.next_in_chain is not None:
            self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        if self.next_in_chain is not None:
            self.next_in_chain.clear_buffer()

    def pause(self) -> None:
        if self._playing_since is not None and self.paused_since is None:
            self.paused_since = time.time()
        super().pause()

    def on_playback_started(self, *, created_at: float) -> None:
        super().on_playback_started(created_at=created_at)
        self._playing_since = created_at

    def on_playback_progressed(self, *, started_at: float, offset: float, duration: float) -> None:
        super().on_playback_progressed(started_at=started_at, offset=offset, duration=duration)
        first, end = round(offset * self._rate), round((offset + duration) * self._rate)
        self._report_samples(started_at, first, end)
        # Playback ran out of audio, and the next frame has just arrived.
        self._playing_since, self._start_sample = time.time(), end
        self._listener(self._playing_since, None)

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
        self._reset()
