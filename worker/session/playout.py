"""The playout of what agents say: which part of it the caller has heard, and holding it back while
nothing reaches the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.agents.voice import io

from worker.session.speech_progress import SpeechProgress


class PlayedListener(Protocol):
    """Receives the text of a speech that is over, what the caller heard of it, and whether the speech
    was interrupted."""

    def __call__(self, text: str, heard_text: str, interrupted: bool) -> None: ...


class Playout:
    """Tracks one speech after another. `next_speech` returns the one whose audio begins."""

    def __init__(
        self, next_speech: Callable[[], SpeechProgress], on_played: PlayedListener
    ) -> None:
        self._next_speech = next_speech
        self._on_played = on_played
        self._output: _TrackedOutput | None = None
        self._holders: set[object] = set()
        self._paused_by_session = False
        self._started_listeners: list[Callable[[], None]] = []
        self._reset()

    def _reset(self) -> None:
        self._speech = SpeechProgress()
        self._runs: list[tuple[float, float, float]] = []
        """Stretches that were played: when (as `time.time`), from which second on, how many."""
        self._truncated = False
        self._heard_until: float | None = None
        self.has_audio = False
        """Whether a speech has audio that is not played completely."""
        self.is_playing = False
        """Whether part of that audio has been played."""

    def tap(self, session: AgentSession[Any]) -> None:
        """Attach to the session's output. Called before an agent speaks; repeats are ignored."""
        if self._output is None and session.output.audio is not None:
            self._output = _TrackedOutput(session.output.audio, self)
            session.output.audio = self._output
            if self._holders:
                self._output.pause_output()

    # ---- holding it back -------------------------------------------------------------------

    def hold(self, holder: object) -> None:
        """Stop playing until every holder has released it."""
        self._holders.add(holder)
        if self._output is not None:
            self._output.pause_output()

    def release(self, holder: object) -> None:
        self._holders.discard(holder)
        self._resume()

    def pause(self) -> None:
        self._paused_by_session = True
        if self._output is not None:
            self._output.pause_output()

    def resume(self) -> None:
        self._paused_by_session = False
        self._resume()

    def _resume(self) -> None:
        if self._output is not None and not (self._holders or self._paused_by_session):
            self._output.resume_output()

    def cut_at(self, at: float) -> None:
        """The caller has heard nothing of the current speech after that time (as `time.time`)."""
        self._heard_until = at

    # ---- what the output reports -----------------------------------------------------------

    def frame_added(self, frame: rtc.AudioFrame, is_first: bool) -> None:
        if is_first:
            self._reset()
            self._speech = self._next_speech()
        self.has_audio = True
        self._speech.add_timestamps(frame.userdata.get(USERDATA_TIMED_TRANSCRIPT) or ())
        self._speech.add_audio(frame.duration)

    def input_truncated(self) -> None:
        """The voice failed, so that the audio ends before the text does."""
        self._truncated = True

    def input_ended(self) -> None:
        if not self._truncated:
            self._speech.audio_ended()

    def add_started_listener(self, listener: Callable[[], None]) -> None:
        """Call the listener whenever a speech starts to be played."""
        self._started_listeners.append(listener)

    def started(self) -> None:
        self.is_playing = True
        for listener in self._started_listeners:
            listener()

    def progressed(self, started_at: float, offset: float, seconds: float) -> None:
        self._runs.append((started_at, offset, seconds))

    def finished(self, position: float, interrupted: bool, transcript: str | None) -> str:
        """Report the speech, and return what was heard of it. `transcript` is what the session would
        assume."""
        text = self._speech.text.strip()
        interrupted = interrupted or self._truncated or self._heard_until is not None
        heard = self._heard_text(position, transcript) if interrupted else text
        self._reset()
        if heard:
            self._on_played(text, heard, interrupted)
        return heard

    def _heard_text(self, position: float, transcript: str | None) -> str:
        heard = self._speech.heard_text(self._heard_seconds(position))
        return (transcript or "").strip() if heard is None else heard

    def _heard_seconds(self, position: float) -> float:
        if not self._runs:
            return position
        until = self._heard_until
        return max(
            offset + (seconds if until is None else min(max(0.0, until - started_at), seconds))
            for started_at, offset, seconds in self._runs
        )


class _TrackedOutput(io.AudioOutput):
    def __init__(self, output: io.AudioOutput, playout: Playout) -> None:
        super().__init__(
            label="playout",
            next_in_chain=output,
            sample_rate=output.sample_rate,
            capabilities=io.AudioOutputCapabilities(pause=True),
        )
        self._playout = playout

    @property
    def _next(self) -> io.AudioOutput:
        assert self.next_in_chain is not None
        return self.next_in_chain

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        speeches = self.captured_playout_segments
        await super().capture_frame(frame)
        self._playout.frame_added(frame, is_first=self.captured_playout_segments > speeches)
        await self._next.capture_frame(frame)

    def flush(self) -> None:
        super().flush()
        self._playout.input_ended()
        self._next.flush()

    def clear_buffer(self) -> None:
        self._next.clear_buffer()

    def _mark_input_truncated(self) -> None:
        self._playout.input_truncated()
        super()._mark_input_truncated()

    def pause(self) -> None:
        self._playout.pause()

    def resume(self) -> None:
        self._playout.resume()

    def pause_output(self) -> None:
        self._next.pause()

    def resume_output(self) -> None:
        self._next.resume()

    def on_playback_started(self, *, created_at: float) -> None:
        self._playout.started()
        super().on_playback_started(created_at=created_at)

    def on_playback_progressed(self, *, started_at: float, offset: float, duration: float) -> None:
        self._playout.progressed(started_at, offset, duration)
        super().on_playback_progressed(started_at=started_at, offset=offset, duration=duration)

    def on_playback_finished(
        self,
        *,
        playback_position: float,
        interrupted: bool,
        synchronized_transcript: str | None = None,
    ) -> None:
        if not self._playout.has_audio:
            return
        heard = self._playout.finished(playback_position, interrupted, synchronized_transcript)
        super().on_playback_finished(
            playback_position=playback_position,
            interrupted=interrupted,
            synchronized_transcript=heard,
        )
