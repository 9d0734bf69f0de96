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
from domain.calls.recordings import Ledger, RecordingState, SoundStore, folder_of
from domain.common.errors import Unavailable
from domain.common.settings import Settings
from domain.common.tasks import beside, end
from worker.audio.spool import Spool
from worker.audio.taps import AgentTap, CallerTap
from worker.audio.timeline import Piece, Side, Sound, Timeline
from worker.common.retry import patiently
from worker.session.conversation import Conversation

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
BEHIND_SECONDS = 0.6
"""What is older is known: every sound has come, and what was cut off has been told."""
SETTLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Recorders:
    """What the recordings of a process share: one thread to encode in, and one way to the store."""

    spool: Spool
    ledger: Ledger
    thread: ThreadPoolExecutor

    @classmethod
    @asynccontextmanager
    async def of(
        cls, settings: Settings, sounds: SoundStore | None, ledger: Ledger
    ) -> AsyncGenerator[Recorders | None]:
        """None: there is no place for recordings."""
        if sounds is None:
            yield None
            return
        spool = Spool.of(settings, sounds, ledger)
        with ThreadPoolExecutor(1, thread_name_prefix="recording") as thread:
            async with beside(spool.tend_for_ever()):
                yield cls(spool, ledger, thread)


class CallRecording:
    """Listens from `tap` on, and keeps what it hears from `run` on."""

    def __init__(self, conversation: Conversation, recorders: Recorders) -> None:
        self._conversation = conversation
        self._claim = conversation.claim
        self._with = recorders
        self._folder = folder_of(self._claim.call.tenant_id, self._claim.call.id)
        self._agent: AgentTap | None = None
        self._listening = False
        self._heard: list[Sound] = []
        self._timeline: Timeline | None = None
        self._pieces: asyncio.Queue[Piece | None] = asyncio.Queue()
        self._putting: asyncio.Task[None] | None = None
        self._complained = False

    def tap(self, session: AgentSession[Any]) -> None:
        """Once, before anything is said."""
        if self._agent is not None or not session.input.audio or not session.output.audio:
            return
        self._agent = AgentTap(session.output.audio, self._listener(Side.AGENT))
        session.output.audio = self._agent
        session.input.audio = CallerTap(session.input.audio, self._listener(Side.CALLER))

    def _listener(self, side: Side) -> Any:
        def heard(at: float, frame: rtc.AudioFrame | None) -> None:
            if self._listening:
                self._heard.append(Sound(side, at, frame))

        return heard

    async def run(self) -> None:
        """Until it is cancelled, or nobody wants it any more."""
        try:
            await self._run()
        except Exception as error:
            log.exception("recording failed", extra={"call_id": str(self._claim.call.id)})
            self._complain(type(error).__name__)
            self._stop()

    def _stop(self) -> None:
        self._listening = False
        self._heard.clear()

    async def _run(self) -> None:
        now, ledger = datetime.now(UTC), self._with.ledger
        self._listening = True
        recording = await patiently(lambda: ledger.begin(self._claim.call, self._claim.epoch, now))
        if recording.state is not RecordingState.RECORDING:
            self._stop()
            return
        if not self._conversation.story.recorded:
            announced = bool(self._conversation.announcement)
            self._conversation.tell(RecordingStarted(announced=announced))
        began = recording.started_at.timestamp()
        self._timeline = Timeline(self._claim.epoch, began, now.timestamp())
        self._putting = asyncio.create_task(self._put_for_ever())
        while not self._putting.done():
            await asyncio.sleep(LOOK_SECONDS)
            await self._look(time.time() - BEHIND_SECONDS)
        await self._putting

    async def _look(self, until: float, last: bool = False) -> None:
        timeline, agent = self._timeline, self._agent
        if timeline is None or not self._listening:
            return
        if agent is not None:
            agent.settle(until)
            until = until if last else min(until, agent.held_since or until)
        sounds, self._heard = self._heard, []
        make = timeline.finish if last else timeline.add
        loop = asyncio.get_running_loop()
        making = loop.run_in_executor(self._with.thread, make, sounds, until)
        making.add_done_callback(self._take)
        # What is being made is kept, also when nobody waits for it any more.
        await asyncio.shield(making)

    def _take(self, making: asyncio.Future[list[Piece]]) -> None:
        if not making.cancelled() and making.exception() is None:
            for piece in making.result():
                self._pieces.put_nowait(piece)

    async def _put_for_ever(self) -> None:
        while (piece := await self._pieces.get()) is not None:
            key = self._folder + piece.place.name
            if not await self._with.spool.keep(key, piece.sound):
                self._complain("No room is left where pieces wait for the store.")
            elif self._with.spool.is_away:
                self._complain("The store is away; what was recorded waits for it.")
            elif await self._is_unwanted(key):
                self._stop()
                return

    async def _is_unwanted(self, key: str) -> bool:
        try:
            return await self._with.spool.withdraw_unwanted(self._claim.call.id, key)
        except Unavailable:
            return False  # the keeper, which removes what is deleted, looks again

    async def finish(self) -> None:
        """Keep what was heard to the last."""
        if self._putting is None:
            return
        try:
            if self._listening:
                await self._flush(self._putting)
        except Exception as error:
            log.exception("recording failed", extra={"call_id": str(self._claim.call.id)})
            self._complain(type(error).__name__)
        finally:
            await end(self._putting)

    async def _flush(self, putting: asyncio.Task[None]) -> None:
        await self._look(time.time(), last=True)
        self._pieces.put_nowait(None)
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                await asyncio.shield(putting)
                await self._settle()

    async def _settle(self) -> None:
        call, epoch, ledger = self._claim.call.id, self._claim.epoch, self._with.ledger
        # Otherwise the spool, of any process here, says that some of it is still to come.
        if not await asyncio.to_thread(self._with.spool.waiting, self._folder):
            await patiently(lambda: ledger.settled(call, epoch))

    def _complain(self, message: str) -> None:
        if not self._complained:
            self._complained = True
            told = ErrorRaised(source="recording", message=message, recoverable=True)
            self._conversation.tell(told)


@asynccontextmanager
async def recorded(
    conversation: Conversation, recorders: Recorders | None
) -> AsyncGenerator[CallRecording | None]:
    """The recording of a voice call, where its workflow asks for one."""
    workflow = conversation.snapshot.workflow
    if not workflow.is_recorded:
        yield None
        return
    if recorders is None:
        missing = "This worker has no place for recordings: set RECORDINGS_URL."
        conversation.tell(ErrorRaised(source="recording", message=missing, recoverable=True))
        yield None
        return
    assert workflow.recording is not None
    conversation.announcement = workflow.recording.announcement
    recording = CallRecording(conversation, recorders)
    conversation.begins = recording.tap
    yield recording
