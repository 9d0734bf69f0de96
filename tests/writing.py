"""A call that a test talks in, through the real recorder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from domain.access import Viewer
from domain.actions.calls import CallRequest, start_call
from domain.calls import CallId, EndReason
from domain.events import AgentTurn, PartialTranscript, Speaker
from domain.holding import Claim
from domain.ports import Services
from domain.settings import Settings
from persistence.worker_wiring import WorkerServices, worker_services
from tests.clinic import publish_clinic


@dataclass(frozen=True, slots=True)
class Writer:
    claim: Claim
    worker: WorkerServices

    @property
    def call_id(self) -> CallId:
        return self.claim.call.id

    async def say(self, *texts: str) -> None:
        for n, text in enumerate(texts):
            turn = AgentTurn(turn_id=str(n), node="n", agent="a", text=text, heard_text=text)
            self.worker.recorder.emit(self.claim, turn)
        await self.worker.recorder.settled(self.claim)

    def whisper(self, text: str) -> None:
        partial = PartialTranscript(turn_id="1", rev=1, speaker=Speaker.CALLER, text=text)
        self.worker.recorder.show(self.claim, partial)

    async def end(self) -> None:
        await self.worker.queue.end(self.claim, EndReason.ENDED_BY_API)


@asynccontextmanager
async def writing(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Writer]:
    await publish_clinic(services, viewer)
    await start_call(services, viewer, CallRequest(workflow_name="clinic"), 3600)
    async with worker_services(settings) as worker:
        id = await worker.queue.enlist(1)
        [claim] = await worker.queue.claim(id, 1)
        worker.recorder.open(claim)
        yield Writer(claim, worker)
