"""Recordings contain the agent audio that was played, and every sound at its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice import io

from tests.support.recordings import LoudMoments
from worker.audio.ogg_opus import SAMPLE_RATE, decode_ogg
from worker.audio.taps import AgentTap
from worker.audio.timeline import PACKETS_PER_SEGMENT, Segment, Side, TimedFrame, Timeline

pytestmark = pytest.mark.anyio

BEGAN = 1_000.0


class Speaker(io.AudioOutput):
    """A speaker without sound, whose reports the test determines."""

    def __init__(self) -> None:
        super().__init__(
            label="speaker",
            sample_rate=SAMPLE_RATE,
            capabilities=io.AudioOutputCapabilities(pause=True),
        )

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)

    def flush(self) -> None:
        super().flush()

    def clear_buffer(self) -> None:
        pass


class Room:
    """A tap on a speaker, and the samples that it reported, by the time at which they were played."""

    def __init__(self) -> None:
        self.speaker = Speaker()
        self.played: dict[int, int] = {}
        self.tap = AgentTap(self.speaker, self._heard)

    def _heard(self, at: float, frame: rtc.AudioFrame | None) -> None:
        if frame is not None:
            start = round((at - BEGAN) * SAMPLE_RATE)
            for place, sample in enumerate(np.frombuffer(frame.data, dtype=np.int16)):
                assert start + place not in self.played
                self.played[start + place] = int(sample)

    async def take(self, first: int, count: int) -> None:
        data = np.arange(first, first + count, dtype=np.int16).tobytes()
        await self.tap.capture_frame(rtc.AudioFrame(data, SAMPLE_RATE, 1, count))

    def said(self, started: float, offset: float, seconds: float) -> None:
        self.speaker.on_playback_progressed(
            started_at=BEGAN + started, offset=offset, duration=seconds
        )

    def done(self, seconds: float, interrupted: bool = False) -> None:
        self.speaker.on_playback_finished(playback_position=seconds, interrupted=interrupted)


async def test_complete_playback_is_recorded_once_as_it_happens() -> None:
    room = Room()
    await room.take(0, SAMPLE_RATE)
    room.tap.report_played(BEGAN + 9)
    assert room.played == {}  # playback has not started
    room.speaker.on_playback_started(created_at=BEGAN)
    room.tap.report_played(BEGAN + 0.4)
    assert abs(len(room.played) - 0.4 * SAMPLE_RATE) <= 1
    room.tap.flush()
    room.said(0.0, 0.0, 1.0)
    room.done(1.0)
    room.tap.report_played(BEGAN + 5)
    assert room.played == {n: n for n in range(SAMPLE_RATE)}


async def test_audio_cut_off_by_an_interruption_is_not_recorded() -> None:
    room = Room()
    await room.take(0, SAMPLE_RATE)
    room.speaker.on_playback_started(created_at=BEGAN)
    room.tap.report_played(BEGAN + 0.25)
    room.tap.pause()
    room.tap.report_played(BEGAN + 0.9)
    room.tap.clear_buffer()
    room.said(0.0, 0.0, 0.5)
    room.done(0.5, interrupted=True)
    room.tap.report_played(BEGAN + 2)
    assert room.played == {n: n for n in range(SAMPLE_RATE // 2)}
    # The next words are not mixed with those.
    await room.take(100, 10)
    room.speaker.on_playback_started(created_at=BEGAN + 3)
    room.said(3.0, 0.0, 10 / SAMPLE_RATE)
    room.done(10 / SAMPLE_RATE)
    assert [room.played[3 * SAMPLE_RATE + n] for n in range(10)] == list(range(100, 110))


async def test_paused_playback_resumes_without_the_audio_dropped_meanwhile() -> None:
    room = Room()
    await room.take(0, SAMPLE_RATE)
    room.speaker.on_playback_started(created_at=BEGAN)
    room.tap.pause()
    assert room.tap.paused_since is not None
    room.said(0.0, 0.0, 0.25)
    room.tap.resume()
    room.tap.report_played(BEGAN + 0.9)
    assert len(room.played) == SAMPLE_RATE // 4
    room.said(0.8, 0.5, 0.5)
    room.done(0.75)
    assert room.tap.paused_since is None
    quarter, half = SAMPLE_RATE // 4, SAMPLE_RATE // 2
    later = {round(0.8 * SAMPLE_RATE) + n: half + n for n in range(half)}
    assert room.played == {n: n for n in range(quarter)} | later


def frame(seconds: float, level: int, rate: int) -> rtc.AudioFrame:
    count = int(seconds * rate)
    wave = level * np.sin(np.arange(count) * 2 * np.pi * 440 / rate)
    return rtc.AudioFrame(wave.astype(np.int16).tobytes(), rate, 1, count)


def heard_in(pieces: list[Segment]) -> list[LoudMoments]:
    return [LoudMoments.from_ogg(piece.audio) for piece in pieces]


def test_channels_and_times_are_kept_at_any_rate_and_for_late_frames() -> None:
    timeline = Timeline(2, BEGAN, BEGAN + 10)
    sounds = [
        TimedFrame(
            Side.CALLER, BEGAN + 10 + n / 10 + (0.3 if n == 3 else 0.0), frame(0.1, 9_000, 16_000)
        )
        for n in range(10)
    ]
    sounds.append(TimedFrame(Side.AGENT, BEGAN + 12, frame(1.0, 9_000, 24_000)))
    pieces = timeline.add(sounds, BEGAN + 14)
    assert pieces == []
    pieces = timeline.finish(
        [TimedFrame(Side.CALLER, BEGAN + 14, frame(2.0, 9_000, 16_000))], BEGAN + 16
    )
    assert [piece.key.at_ms for piece in pieces] == [10_000, 15_000]
    assert {piece.key.epoch for piece in pieces} == {2}
    first, second = heard_in(pieces)
    assert abs(first.seconds - PACKETS_PER_SEGMENT * 0.02) < 0.02
    # A single segment lacks its last few milliseconds, with which the next one starts.
    assert _span(first.left) == [(0.0, 0.9), (4.0, 4.8)]
    assert _span(first.right) == [(2.0, 2.9)]
    assert [round(at, 1) for at in second.left][:9] == [n / 10 for n in range(9)]
    assert second.right == []


def _span(moments: list[float]) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for at in (round(moment, 1) for moment in moments):
        if spans and at - spans[-1][1] < 0.15:
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((at, at))
    return spans


def test_silence_is_recorded_too() -> None:
    timeline = Timeline(1, BEGAN, BEGAN)
    [piece] = timeline.add([], BEGAN + 5.1)
    assert piece.key.at_ms == 0
    both = decode_ogg(piece.audio)
    assert np.abs(both).max() == 0


class RealTimeSpeaker(Speaker):
    """Plays in real time, and reports what it played when it is stopped."""

    since: float | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if self.since is None:
            self.since = time.time()
            self.on_playback_started(created_at=self.since)

    def clear_buffer(self) -> None:
        if self.since is not None:
            self.stopped = time.time()
            asyncio.get_running_loop().call_soon(self._finish, self.since, self.stopped)
            self.since = None

    def _finish(self, since: float, stopped: float) -> None:
        self.on_playback_progressed(started_at=since, offset=0.0, duration=stopped - since)
        self.on_playback_finished(playback_position=stopped - since, interrupted=True)


async def test_audio_played_until_the_session_closed_is_reported_at_its_close() -> None:
    heard: list[tuple[float, rtc.AudioFrame]] = []
    speaker = RealTimeSpeaker()
    tap = AgentTap(speaker, lambda at, frame: heard.append((at, frame)) if frame else None)
    session: AgentSession[None] = AgentSession()
    session.output.audio = tap
    await session.start(Agent(instructions=""), record=False)
    began = time.time()

    async def sound() -> AsyncIterator[rtc.AudioFrame]:
        for _ in range(50):
            yield frame(0.1, 9_000, SAMPLE_RATE)

    session.say("hello", audio=sound())
    async with asyncio.timeout(60):
        while speaker.since is None:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    await session.aclose()
    reported = list(heard)
    tap.report_played(time.time() + 1)
    assert heard == reported  # nothing is left to report
    assert sum(each.duration for _, each in heard) == pytest.approx(
        speaker.stopped - reported[0][0], abs=0.01
    )
    assert began <= reported[0][0] <= speaker.stopped - 0.5
