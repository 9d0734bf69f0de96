"""What was heard of a speech follows from what the output reports to have played, and when."""

from __future__ import annotations

import pytest
from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.agents.voice import io

from worker.session.playout import Playout
from worker.session.speech_progress import SpeechProgress

pytestmark = pytest.mark.anyio

RATE = 24_000
TEXT = "One two three four five six."
BEGAN = 1_000.0


class Speaker(io.AudioOutput):
    """Plays nothing; the test says what it would report."""

    def __init__(self) -> None:
        super().__init__(
            label="speaker",
            sample_rate=RATE,
            capabilities=io.AudioOutputCapabilities(pause=True),
        )
        self.is_paused = False

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)

    def clear_buffer(self) -> None:
        pass

    def flush(self) -> None:
        super().flush()

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False


class Line:
    """A playout on such a speaker, with a speech of six words, each of which takes a second."""

    def __init__(self) -> None:
        self.speaker = Speaker()
        self.session: AgentSession[None] = AgentSession()
        self.session.output.audio = self.speaker
        self.speech = SpeechProgress()
        self.speech.text = TEXT
        self.played: list[tuple[str, str, bool]] = []
        self.playout = Playout(lambda: self.speech, self._on_played)
        self.playout.tap(self.session)
        self.playout.tap(self.session)
        assert self.session.output.audio is not None
        self.output = self.session.output.audio

    def _on_played(self, text: str, heard_text: str, interrupted: bool) -> None:
        self.played.append((text, heard_text, interrupted))

    async def speak(self, seconds: int = 6) -> None:
        """Add the audio of so many words, and begin to play it."""
        for n, word in enumerate(TEXT.split()[:seconds]):
            frame = rtc.AudioFrame.create(RATE, 1, RATE)
            frame.userdata[USERDATA_TIMED_TRANSCRIPT] = [
                TimedString(word, start_time=float(n), end_time=n + 1.0)
            ]
            await self.output.capture_frame(frame)
        self.speaker.on_playback_started(created_at=BEGAN)

    def finish(self, seconds: float, interrupted: bool, offset: float = 0.0) -> None:
        """Report that it was played without a pause from `offset` on."""
        self.speaker.on_playback_progressed(
            started_at=BEGAN + offset, offset=offset, duration=seconds - offset
        )
        self.speaker.on_playback_finished(playback_position=seconds, interrupted=interrupted)


async def test_a_speech_that_is_played_to_its_end_was_heard_completely() -> None:
    line = Line()
    await line.speak()
    line.output.flush()
    assert line.playout.is_playing
    line.finish(6.0, interrupted=False)
    assert line.played == [(TEXT, TEXT, False)]
    assert (line.playout.is_playing, line.playout.has_audio) == (False, False)


async def test_an_interruption_ends_what_was_heard_where_the_output_stopped() -> None:
    line = Line()
    events: list[io.PlaybackFinishedEvent] = []
    line.output.on("playback_finished", events.append)
    await line.speak()
    line.output.flush()
    line.finish(2.7, interrupted=True)
    assert line.played == [(TEXT, "One two three", True)]
    # The session puts this into the history that its model is shown.
    assert [event.synchronized_transcript for event in events] == ["One two three"]


async def test_a_lost_connection_ends_what_was_heard_before_the_output_stopped() -> None:
    line = Line()
    await line.speak()
    line.output.flush()
    line.playout.cut_at(BEGAN + 2.0)
    line.finish(4.0, interrupted=True)
    assert line.played == [(TEXT, "One two", True)]


async def test_audio_that_a_pause_discarded_was_not_heard() -> None:
    line = Line()
    await line.speak()
    line.output.flush()
    line.speaker.on_playback_progressed(started_at=BEGAN, offset=0.0, duration=1.0)
    line.playout.cut_at(BEGAN + 11.0)
    # It continues ten seconds later, after the discarded part.
    line.speaker.on_playback_progressed(started_at=BEGAN + 10.0, offset=1.2, duration=3.0)
    line.speaker.on_playback_finished(playback_position=4.0, interrupted=True)
    assert line.played == [(TEXT, "One two", True)]


async def test_a_voice_that_fails_was_heard_as_far_as_its_audio_went() -> None:
    line = Line()
    await line.speak(seconds=4)
    line.output._mark_input_truncated()
    line.output.flush()
    line.finish(4.0, interrupted=False)
    assert line.played == [(TEXT, "One two three four", True)]


async def test_a_speech_of_which_nothing_was_played_was_not_said() -> None:
    line = Line()
    await line.speak()
    line.output.flush()
    line.speaker.on_playback_finished(playback_position=0.0, interrupted=True)
    assert line.played == []


async def test_each_speech_is_measured_by_its_own_audio() -> None:
    line = Line()
    await line.speak()
    line.output.flush()
    line.playout.cut_at(BEGAN + 1.0)
    line.finish(1.0, interrupted=True)
    line.speech = SpeechProgress()
    line.speech.text = TEXT
    await line.speak()
    line.output.flush()
    line.finish(3.0, interrupted=True)
    assert line.played == [(TEXT, "One", True), (TEXT, "One two three", True)]


async def test_it_plays_once_nothing_holds_or_pauses_it() -> None:
    line, first, second = Line(), object(), object()
    line.playout.hold(first)
    line.playout.hold(second)
    line.output.pause()
    line.playout.release(first)
    line.output.resume()
    assert line.speaker.is_paused
    line.playout.release(second)
    assert not line.speaker.is_paused
    line.output.pause()
    line.playout.hold(first)
    line.playout.release(first)
    assert line.speaker.is_paused
    line.output.resume()
    assert not line.speaker.is_paused


async def test_it_is_held_before_it_is_attached() -> None:
    speaker, session = Speaker(), AgentSession[None]()
    session.output.audio = speaker
    playout = Playout(SpeechProgress, lambda text, heard_text, interrupted: None)
    playout.hold(playout)
    playout.tap(session)
    assert speaker.is_paused
