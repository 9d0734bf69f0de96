"""A call whose events a test writes, through the real event writer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from domain.calls.events import AgentTurn, PartialTranscript, Speaker
from domain.calls.lease import Claim
from domain.calls.model import CallId, EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, start_call
from persistence.worker_wiring import WorkerServices, worker_services
from tests.support.demo_workflow import publish_clinic


@dataclass(frozen=True, slots=True)
class CallWriter:
    claim: Claim
    worker: WorkerServices

    @property
    def call_id(self) -> CallId:
        return self.claim.call.id

    async def write_turns(self, *texts: str) -> None:
        for n, text in enumerate(texts):
            turn = AgentTurn(turn_id=str(n), node="n", agent="a", text=text, heard_text=text)
            self.worker.event_writer.emit(self.claim, turn)
        await self.worker.event_writer.wait_until_stored(self.claim)

    def publish_partial(self, text: str) -> None:
        partial = PartialTranscript(turn_id="1", rev=1, speaker=Speaker.CALLER, text=text)
        self.worker.event_writer.publish_partial(self.claim, partial)

    async def end(self, reason: EndReason = EndReason.ENDED_BY_API) -> None:
        await self.worker.queue.end(self.claim, reason)


@asynccontextmanager
async def writing_call(
    services: Services, settings: Settings, viewer: Viewer
) -> AsyncIterator[CallWriter]:
    await publish_clinic(services, viewer)
    await start_call(services, viewer, CallRequest(workflow_name="clinic"))
    async with worker_services(settings) as worker:
        id = await worker.queue.register_worker(1)
        [claim] = await worker.queue.claim(id, 1)
        worker.event_writer.open(claim)
        yield CallWriter(claim, worker)
