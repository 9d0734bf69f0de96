"""Records the audio of one call while one worker holds it. If recording fails, the call continues:
the error is reported once, and the segments recorded so far are kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession

from domain.calls.events import ErrorRaised, RecordingStarted
from domain.calls.recordings import AudioStore, RecordingState, RecordingStore, recording_prefix
from domain.common.errors import Unavailable
from domain.common.settings import Settings
from domain.common.tasks import background_task, cancel_and_wait
from worker.audio.spool import Spool
from worker.audio.taps import AgentTap, CallerTap
from worker.audio.timeline import Segment, Side, TimedFrame, Timeline
from worker.common.retry import retry_while_unavailable
from worker.session.conversation import Conversation

log = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 1.0
ALLOWED_LATENESS_SECONDS = 0.6
"""By then every frame has arrived and every interruption of the agent has been reported."""
FLUSH_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class RecordingResources:
    """What the recordings of a process share: the spool, the store and one encoder thread."""

    spool: Spool
    recording_store: RecordingStore
    executor: ThreadPoolExecutor

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, audio_store: AudioStore | None, recording_store: RecordingStore
    ) -> AsyncGenerator[RecordingResources | None]:
        """Open the resources; yields None when no audio store is configured."""
        if audio_store is None:
            yield None
            return
        spool = Spool.from_settings(settings, audio_store, recording_store)
        with ThreadPoolExecutor(1, thread_name_prefix="recording") as thread:
            async with background_task(spool.run()):
                yield cls(spool, recording_store, thread)


class CallRecorder:
    """Taps the session's audio from `tap` on, and records it from `run` on."""

    def __init__(
        self,
        conversation: Conversation,
        resources: RecordingResources,
        announcement: str | None = None,
    ) -> None:
        self.announcement = announcement
        self._conversation = conversation
        self._claim = conversation.claim
        self._resources = resources
        self._folder = recording_prefix(self._claim.call.tenant_id, self._claim.call.id)
        self._agent_tap: AgentTap | None = None
        self._is_capturing = False
        self._frames: list[TimedFrame] = []
        self._timeline: Timeline | None = None
        self._segments: asyncio.Queue[Segment | None] = asyncio.Queue()
        self._upload_task: asyncio.Task[None] | None = None
        self._error_reported = False

    def tap(self, session: AgentSession[Any]) -> None:
        """Tap the session's audio. Must be called before an agent speaks; repeats are ignored."""
        if self._agent_tap is not None or not session.input.audio or not session.output.audio:
            return
        self._agent_tap = AgentTap(session.output.audio, self._listener(Side.AGENT))
        session.output.audio = self._agent_tap
        session.input.audio = CallerTap(session.input.audio, self._listener(Side.CALLER))

    def _listener(self, side: Side) -> Any:
        def add_frame(at: float, frame: rtc.AudioFrame | None) -> None:
            if self._is_capturing:
                self._frames.append(TimedFrame(side, at, frame))

        return add_frame

    async def run(self) -> None:
        """Record until cancelled, or until the recording is deleted."""
        try:
            await self._run()
        except Exception as error:
            log.exception("recording failed", extra={"call_id": str(self._claim.call.id)})
            self._report_error(type(error).__name__)
            self._stop()

    def _stop(self) -> None:
        self._is_capturing = False
        self._frames.clear()

    async def _run(self) -> None:
        now, recording_store = datetime.now(UTC), self._resources.recording_store
        self._is_capturing = True
        recording = await retry_while_unavailable(
            lambda: recording_store.start(self._claim.call, self._claim.epoch, now)
        )
        if recording.state is not RecordingState.RECORDING:
            self._stop()
            return
        if not self._conversation.projection.is_recorded:
            announced = bool(self.announcement)
            self._conversation.record(RecordingStarted(announced=announced))
        self._timeline = Timeline(
            self._claim.epoch, recording.started_at.timestamp(), now.timestamp()
        )
        self._upload_task = asyncio.create_task(self._run_uploads())
        while not self._upload_task.done():
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
            await self._encode_until(time.time() - ALLOWED_LATENESS_SECONDS)
        await self._upload_task

    async def _encode_until(self, until: float, last: bool = False) -> None:
        timeline, agent = self._timeline, self._agent_tap
        if timeline is None or not self._is_capturing:
            return
        if agent is not None:
            agent.report_played(until)
            until = until if last else min(until, agent.paused_since or until)
        frames, self._frames = self._frames, []
        encode = timeline.finish if last else timeline.add
        loop = asyncio.get_running_loop()
        encoding = loop.run_in_executor(self._resources.executor, encode, frames, until)
        encoding.add_done_callback(self._queue_segments)
        # Shielded: frames taken from the buffer are encoded and queued even on cancellation.
        await asyncio.shield(encoding)

    def _queue_segments(self, encoding: asyncio.Future[list[Segment]]) -> None:
        if not encoding.cancelled() and encoding.exception() is None:
            for segment in encoding.result():
                self._segments.put_nowait(segment)

    async def _run_uploads(self) -> None:
        while (segment := await self._segments.get()) is not None:
            key = self._folder + segment.key.filename
            if not await self._resources.spool.save(key, segment.audio):
                self._report_error("The spool of the worker is full; part of the audio is lost.")
            elif self._resources.spool.is_store_unavailable:
                self._report_error(
                    "The audio store is unavailable; the worker keeps the audio until it is back."
                )
            elif await self._delete_if_unwanted(key):
                self._stop()
                return

    async def _delete_if_unwanted(self, key: str) -> bool:
        try:
            return await self._resources.spool.delete_if_unwanted(self._claim.call.id, key)
        except Unavailable:
            return False  # the keeper deletes the audio of deleted recordings later

    async def finish(self) -> None:
        """Encode and upload the rest of the audio."""
        if self._upload_task is None:
            return
        try:
            if self._is_capturing:
                await self._flush(self._upload_task)
        except Exception as error:
            log.exception("recording failed", extra={"call_id": str(self._claim.call.id)})
            self._report_error(type(error).__name__)
        finally:
            await cancel_and_wait(self._upload_task)

    async def _flush(self, upload_task: asyncio.Task[None]) -> None:
        await self._encode_until(time.time(), last=True)
        self._segments.put_nowait(None)
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_TIMEOUT_SECONDS):
                await asyncio.shield(upload_task)
                await self._mark_uploaded()

    async def _mark_uploaded(self) -> None:
        # Segments still spooled are reported as pending by any worker process of this machine.
        if not await asyncio.to_thread(self._resources.spool.has_pending, self._folder):
            await retry_while_unavailable(
                lambda: self._resources.recording_store.mark_uploaded(
                    self._claim.call.id, self._claim.epoch
                )
            )

    def _report_error(self, message: str) -> None:
        if not self._error_reported:
            self._error_reported = True
            error = ErrorRaised(source="recording", message=message, recoverable=True)
            self._conversation.record(error)


@asynccontextmanager
async def recording_session(
    conversation: Conversation, resources: RecordingResources | None
) -> AsyncGenerator[CallRecorder | None]:
    """Yields the recorder of a voice call; None if it is not recorded or has no audio store."""
    workflow = conversation.snapshot.workflow
    choice = conversation.claim.call.is_recorded
    if not (workflow.is_recorded if choice is None else choice):
        yield None
        return
    if resources is None:
        message = "No audio store is configured for this worker: set RECORDINGS_URL."
        conversation.record(ErrorRaised(source="recording", message=message, recoverable=True))
        yield None
        return
    announcement = workflow.recording.announcement if workflow.recording else None
    recorder = CallRecorder(conversation, resources, announcement)
    conversation.recorder = recorder
    yield recorder
