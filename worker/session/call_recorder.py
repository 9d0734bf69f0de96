"""The recording of one call while one worker holds it. Whatever goes wrong with it, the call goes
on: it is told once, and what was recorded stays."""

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
"""What is older is known: every sound has come, and what was cut off has been told."""
FLUSH_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class RecordingResources:
    """What the recordings of a process share: one thread to encode in, and one way to the store."""

    spool: Spool
    recording_store: RecordingStore
    executor: ThreadPoolExecutor

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, audio_store: AudioStore | None, recording_store: RecordingStore
    ) -> AsyncGenerator[RecordingResources | None]:
        """None: there is no place for recordings."""
        if audio_store is None:
            yield None
            return
        spool = Spool.from_settings(settings, audio_store, recording_store)
        with ThreadPoolExecutor(1, thread_name_prefix="recording") as thread:
            async with background_task(spool.run()):
                yield cls(spool, recording_store, thread)


class CallRecorder:
    """Listens from `tap` on, and keeps what it hears from `run` on."""

    def __init__(self, conversation: Conversation, resources: RecordingResources) -> None:
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
        """Once, before anything is said."""
        if self._agent_tap is not None or not session.input.audio or not session.output.audio:
            return
        self._agent_tap = AgentTap(session.output.audio, self._listener(Side.AGENT))
        session.output.audio = self._agent_tap
        session.input.audio = CallerTap(session.input.audio, self._listener(Side.CALLER))

    def _listener(self, side: Side) -> Any:
        def heard(at: float, frame: rtc.AudioFrame | None) -> None:
            if self._is_capturing:
                self._frames.append(TimedFrame(side, at, frame))

        return heard

    async def run(self) -> None:
        """Until it is cancelled, or nobody wants it any more."""
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
        now, ledger = datetime.now(UTC), self._resources.recording_store
        self._is_capturing = True
        recording = await retry_while_unavailable(
            lambda: ledger.start(self._claim.call, self._claim.epoch, now)
        )
        if recording.state is not RecordingState.RECORDING:
            self._stop()
            return
        if not self._conversation.projection.is_recorded:
            announced = bool(self._conversation.announcement)
            self._conversation.record(RecordingStarted(announced=announced))
        began = recording.started_at.timestamp()
        self._timeline = Timeline(self._claim.epoch, began, now.timestamp())
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
        sounds, self._frames = self._frames, []
        make = timeline.finish if last else timeline.add
        loop = asyncio.get_running_loop()
        making = loop.run_in_executor(self._resources.executor, make, sounds, until)
        making.add_done_callback(self._queue_segments)
        # What is being made is kept, also when nobody waits for it any more.
        await asyncio.shield(making)

    def _queue_segments(self, encoding: asyncio.Future[list[Segment]]) -> None:
        if not encoding.cancelled() and encoding.exception() is None:
            for piece in encoding.result():
                self._segments.put_nowait(piece)

    async def _run_uploads(self) -> None:
        while (piece := await self._segments.get()) is not None:
            key = self._folder + piece.key.filename
            if not await self._resources.spool.save(key, piece.audio):
                self._report_error("No room is left where pieces wait for the store.")
            elif self._resources.spool.is_store_unavailable:
                self._report_error("The store is away; what was recorded waits for it.")
            elif await self._delete_if_unwanted(key):
                self._stop()
                return

    async def _delete_if_unwanted(self, key: str) -> bool:
        try:
            return await self._resources.spool.delete_if_unwanted(self._claim.call.id, key)
        except Unavailable:
            return False  # the keeper, which removes what is deleted, looks again

    async def finish(self) -> None:
        """Keep what was heard to the last."""
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
        call, epoch, ledger = (
            self._claim.call.id,
            self._claim.epoch,
            self._resources.recording_store,
        )
        # Otherwise the spool, of any process here, says that some of it is still to come.
        if not await asyncio.to_thread(self._resources.spool.has_pending, self._folder):
            await retry_while_unavailable(lambda: ledger.mark_uploaded(call, epoch))

    def _report_error(self, message: str) -> None:
        if not self._error_reported:
            self._error_reported = True
            told = ErrorRaised(source="recording", message=message, recoverable=True)
            self._conversation.record(told)


@asynccontextmanager
async def recording_session(
    conversation: Conversation, resources: RecordingResources | None
) -> AsyncGenerator[CallRecorder | None]:
    """The recording of a voice call, where its workflow asks for one."""
    workflow = conversation.snapshot.workflow
    if not workflow.is_recorded:
        yield None
        return
    if resources is None:
        missing = "This worker has no place for recordings: set RECORDINGS_URL."
        conversation.record(ErrorRaised(source="recording", message=missing, recoverable=True))
        yield None
        return
    assert workflow.recording is not None
    conversation.announcement = workflow.recording.announcement
    recording = CallRecorder(conversation, resources)
    conversation.on_session_start = recording.tap
    yield recording
