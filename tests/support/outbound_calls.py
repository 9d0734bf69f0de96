"""Calls that dial a phone: a published clinic with voices, and a trunk that leads to a softphone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from domain.calls.events import CallEvent, DialStarted
from domain.calls.model import Call, CallKind
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.telephony.trunks import DialLimits, OutboundTrunk, OutboundTrunkSpec, PhoneNumberSpec
from domain.use_cases.calls import CallRequest, start_call
from domain.use_cases.outbound_calls import DialRequest
from domain.use_cases.telephony import create_outbound_trunk, create_phone_number
from domain.workflows.agents import AgentSpec
from domain.workflows.model import WorkflowSpec
from local.emulators.speech import SpeechEmulator, run_speech_emulator
from local.emulators.voices import Voice
from local.livekit import LivekitCredentials
from local.phone.phone import Phone
from persistence.wiring import api_services
from tests.support.demo_workflow import BOOKING, CLINIC, RECEPTION, publish_clinic
from tests.support.voice_clients import with_speech, with_voice_providers

CALLER_NUMBER = "+12025550101"
CALLEE_NUMBER = "+12025550102"
GENEROUS = DialLimits(
    calls_per_second=100,
    concurrent_calls=100,
    calls_per_day=10_000,
    calls_per_number_per_hour=1_000,
)
COPY_CALL = """
    with copies as (insert into call
        select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid()))).*
          from call c, generate_series(1, $2) where c.id = $1 returning id)
    insert into call_log
        select (jsonb_populate_record(l, jsonb_build_object('call_id', copies.id))).*
          from call_log l, copies where l.call_id = $1
"""
NO_LIVEKIT = LivekitCredentials("ws://127.0.0.1:9", "key", "secret-of-32-characters-or-more-000")


async def add_trunk(
    services: Services,
    viewer: Viewer,
    address: str = "127.0.0.1:9",
    number: str = CALLER_NUMBER,
    password: str | None = None,
    **fields: Any,
) -> OutboundTrunk:
    """A trunk with one number that it may show to callees."""
    spec = OutboundTrunkSpec(
        **{"name": "carrier", "address": address, "region": "US", "limits": GENEROUS, **fields}
    )
    trunk = await create_outbound_trunk(services, viewer, spec, password)
    shown = PhoneNumberSpec(number=number, outbound_trunk_id=trunk.id)
    await create_phone_number(services, viewer, shown)
    return trunk


def dial_request(number: str | None = CALLEE_NUMBER, **dial: Any) -> CallRequest:
    return CallRequest(
        workflow_name="clinic",
        kind=CallKind.SIP,
        dial=DialRequest(phone_number=number, **dial),
    )


async def dialed(services: Services, viewer: Viewer, **dial: Any) -> Call:
    return await start_call(services, viewer, dial_request(**dial))


@asynccontextmanager
async def speaking_clinic(
    settings: Settings,
    viewer: Viewer,
    livekit: LivekitCredentials = NO_LIVEKIT,
    *,
    reception: AgentSpec = RECEPTION,
    voice: Voice | None = None,
    workflow: WorkflowSpec = CLINIC,
) -> AsyncIterator[tuple[Services, Settings, SpeechEmulator]]:
    """The published clinic, whose agents have voices."""
    async with run_speech_emulator() as emulator:
        emulator.voice = voice or emulator.voice
        voiced = with_voice_providers(settings, livekit, emulator)
        async with api_services(voiced) as services:
            agents = with_speech(reception, BOOKING)
            await publish_clinic(services, viewer, agents, workflow=workflow)
            yield services, voiced, emulator


@dataclass(frozen=True, slots=True)
class Line:
    """What a test of an outbound call needs at hand."""

    services: Services
    viewer: Viewer
    settings: Settings
    phone: Phone

    async def dial(self, **dial: Any) -> Call:
        return await dialed(self.services, self.viewer, **dial)


def dials(events: list[CallEvent]) -> int:
    return sum(isinstance(event, DialStarted) for event in events)


def invites(phone: Phone) -> int:
    """How many calls have arrived at the phone."""
    return len({m.call_id for m in phone.trace if str(m).startswith("<INVITE")})
