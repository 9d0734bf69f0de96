"""The keys of a telephone, over SIP and RTP: those that the caller presses, those that a tool asks for
and presses, and the masked ones, which nothing but a request of the tool may contain."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from domain.calls.events import (
    AgentTurn,
    CallEnded,
    DtmfCollected,
    DtmfReceived,
    DtmfRequested,
    DtmfSent,
    RecordingStarted,
    ToolFinished,
    ToolOutcome,
    UserTurn,
    WorkerReplaced,
)
from domain.calls.model import Call, EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.tools.actions import (
    ApiCall,
    CollectDigits,
    Method,
    Respond,
    SendDtmf,
    ToolAction,
)
from domain.tools.model import ToolSpec
from domain.use_cases.calls import end_call
from domain.workflows.agents import ProviderChoice
from domain.workflows.answering import AnsweringSettings
from domain.workflows.model import Node, RecordingChoice, WorkflowSpec
from local.emulators.audio import synthetic_speech
from local.emulators.http_server import run_server
from local.emulators.llm import KEY, ScriptedReply, run_llm_emulator
from local.emulators.speech import run_speech_emulator
from local.phone.g711 import RATE
from local.phone.media import Media
from local.phone.phone import open_phone
from persistence.wiring import api_services
from tests.conftest import new_tenant
from tests.phone.conftest import SipContract
from tests.support.demo_workflow import RECEPTION, publish_clinic
from tests.support.dtmf_tones import dtmf_tone, keys_in
from tests.support.installation import running_installation
from tests.support.outbound_calls import CALLEE_NUMBER, add_trunk, dialed
from tests.support.recordings import join_segments, read_audio, with_recordings
from tests.support.viewers import owner_of
from tests.support.voice_clients import with_speech, with_voice_providers
from tests.support.waiting import until
from tests.worker.test_text_calls import running_worker, watch
from worker.audio.ogg_opus import decode_ogg
from worker.providers.stt import SAMPLE_RATE as STT_RATE
from worker.session.keypad import SPOKE_INSTEAD

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

RECORDING_RATE = 48_000
PIN = "84027693"
"""Has no digit 5, whose tone is the control."""
ACCOUNT = CollectDigits(name="account", min=4, max=6, prompt="Your account number?")
ASK_PIN = CollectDigits(name="pin", count=len(PIN), masked=True, prompt="Your PIN?")
REPLY = "Press one and the hash key to pay."
assert RECEPTION.llm is not None
DESK = replace(
    RECEPTION,
    tools=("pay",),
    llm=replace(
        RECEPTION.llm,
        options={
            "rules": [
                {"after": "pay", "says": "{{output}}"},
                {"hears": ["pressed 1#"], "calls": {"tool": "pay"}},
                {"says": REPLY},
            ]
        },
    ),
)
MODEL_DESK = replace(DESK, llm=ProviderChoice(provider="openai", model="gpt-4.1-mini"))
WORKFLOW = WorkflowSpec(
    name="clinic",
    nodes=(Node(id="reception", agent="reception", is_entry=True, is_exit=True),),
    answering=AnsweringSettings(enabled=False),
)


@dataclass
class Bank:
    """A server that pays, and repeats what it was sent."""

    url: str = ""
    paid: list[Any] = field(default_factory=list)

    async def pay(self, request: Request) -> JSONResponse:
        body = json.loads(await request.body())
        self.paid.append(body)
        return JSONResponse({"receipt": f"paid with {body['pin']}", "id": "r-1"})

    def request(self) -> ApiCall:
        return ApiCall(
            url=f"{self.url}/pay",
            method=Method.POST,
            body={"pin": "{{masked.pin}}"},
            save={"workflow.receipt": "body.receipt"},
        )

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")


@asynccontextmanager
async def running_bank() -> AsyncIterator[Bank]:
    bank = Bank()
    async with run_server(Starlette(routes=[Route("/pay", bank.pay, methods=["POST"])])) as url:
        bank.url = url
        yield bank


def pay_tool(*actions: ToolAction) -> ToolSpec:
    return ToolSpec(name="pay", description="Takes a payment.", actions=actions)


async def press_with_tones(media: Media, keys: str) -> None:
    """Press the keys as over a gateway that lets the tone of each key through before its event."""
    for key in keys:
        media.queue(dtmf_tone(key, 0.1))
        await media.until_played()
        media.send_digits(key)
        await media.until_digits_sent()
        media.queue(dtmf_tone(key, 0.04))
    await media.until_played()


async def test_digits_reach_events_model_and_request_and_masked_ones_only_the_request(
    settings: Settings,
    viewer: Viewer,
    sip: SipContract,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    recorded = with_recordings(settings, tmp_path)
    workflow = replace(WORKFLOW, recording=RecordingChoice(enabled=True))
    async with (
        open_phone(CALLEE_NUMBER) as phone,
        run_speech_emulator() as stt,
        running_bank() as bank,
    ):
        stt.default_utterances, stt.heard_audio = repeat(""), bytearray()
        voiced = with_voice_providers(recorded, sip.livekit, stt)
        voiced = replace(voiced, outbound_allow=bank.host)
        async with api_services(voiced) as services:
            await add_trunk(services, viewer, phone.host_and_port)
            actions = (
                ACCOUNT,
                SendDtmf(digits="{{digits.account}}w#"),
                ASK_PIN,
                bank.request(),
                Respond(message="{{workflow.receipt}} from {{digits.account}}"),
            )
            await publish_clinic(services, viewer, with_speech(DESK), pay_tool(*actions), workflow)
            async with running_worker(voiced):
                call = await dialed(services, viewer)
                line = await phone.next_call()
                await watch(services, viewer, call.id, RecordingStarted)
                await watch(services, viewer, call.id, AgentTurn)
                line.media.queue(dtmf_tone("5", 0.4))  # the control
                await line.media.until_played()
                line.media.send_digits("1#")
                await watch(services, viewer, call.id, AgentTurn, 2)
                line.media.send_digits("4711#")
                await watch(services, viewer, call.id, DtmfSent)
                assert await line.media.until_digits(5) == "4711#"
                await watch(services, viewer, call.id, AgentTurn, 3)
                await press_with_tones(line.media, PIN)
                await watch(services, viewer, call.id, AgentTurn, 4)
                await end_call(services, viewer, call.id)
                log = await watch(services, viewer, call.id, CallEnded)
            recording = await join_segments(services, voiced, call)
            sound = decode_ogg(await read_audio(services, recording))
    # What the caller and the model received.
    assert bank.paid == [{"pin": PIN}]
    assert [e.digits for e in log if isinstance(e, DtmfReceived)] == ["1#"]
    [turn] = [event for event in log if isinstance(event, UserTurn)]
    assert turn.text == "[The caller pressed 1# on the keypad of the phone.]"
    assert [e.digits for e in log if isinstance(e, DtmfSent)] == ["4711#"]
    collected = [event for event in log if isinstance(event, DtmfCollected)]
    assert [(e.name, e.pressed, e.count, e.complete) for e in collected] == [
        ("account", "4711", 4, True),
        ("pin", None, len(PIN), True),
    ]
    said = [event.text for event in log if isinstance(event, AgentTurn)]
    assert said == [
        DESK.prompt.greeting,
        ACCOUNT.prompt,
        ASK_PIN.prompt,
        "paid with [secret] from 4711",
    ]
    # Where the digits are, and where they are not.
    stored = await everything_stored(settings)
    assert "4711" in stored
    assert PIN not in stored
    assert PIN not in caplog.text
    assert not [record for record in caplog.records if PIN in repr(record.__dict__)]
    assert keys_in(np.ascontiguousarray(sound[:, 0]), RECORDING_RATE) == {"5"}
    assert keys_in(np.frombuffer(bytes(stt.heard_audio), np.int16), STT_RATE) == {"5"}


async def everything_stored(settings: Settings) -> str:
    """All rows of the database as text."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        tables = await connection.fetch(
            "select table_name from information_schema.tables "
            "where table_schema = 'public' and table_type = 'BASE TABLE'"
        )
        rows = [
            row[0]
            for table in tables
            for row in await connection.fetch(f'select t::text from "{table[0]}" t')
        ]
    finally:
        await connection.close()
    return "\n".join(rows)


async def test_a_caller_who_speaks_instead_is_answered_and_one_who_hangs_up_is_not_waited_for(
    settings: Settings, viewer: Viewer, sip: SipContract
) -> None:
    async with open_phone(CALLEE_NUMBER) as phone, run_speech_emulator() as stt:
        voiced = with_voice_providers(settings, sip.livekit, stt)
        async with api_services(voiced) as services:
            await add_trunk(services, viewer, phone.host_and_port)
            await publish_clinic(services, viewer, with_speech(DESK), pay_tool(ACCOUNT), WORKFLOW)
            async with running_worker(voiced):
                call = await dialed(services, viewer)
                line = await phone.next_call()
                await watch(services, viewer, call.id, AgentTurn)
                line.media.send_digits("1#")
                await watch(services, viewer, call.id, AgentTurn, 2)
                stt.utterances = ["I do not have it here"]
                line.media.queue(np.frombuffer(synthetic_speech(1.5, RATE), np.int16))
                await watch(services, viewer, call.id, UserTurn, 2)
                await watch(services, viewer, call.id, AgentTurn, 3)
                line.media.send_digits("1#")
                await watch(services, viewer, call.id, DtmfRequested, 2)
                await line.hang_up()
                log = await watch(services, viewer, call.id, CallEnded)
    [refused] = [event for event in log if isinstance(event, ToolFinished)]
    assert (refused.outcome, refused.result) == (ToolOutcome.FAILED, SPOKE_INSTEAD)
    turns = [event.text for event in log if isinstance(event, UserTurn)]
    assert turns[1].startswith("I do not have it here")
    said = [event.text for event in log if isinstance(event, AgentTurn)]
    assert said[:2] == [DESK.prompt.greeting, ACCOUNT.prompt]
    # The reply to the words, or that to the result of the tool if it comes first.
    assert said[2] in (REPLY, SPOKE_INSTEAD)
    ended = log[-1]
    assert isinstance(ended, CallEnded)
    assert ended.reason is EndReason.HUNG_UP_BY_USER


async def test_masked_digits_die_with_the_worker_and_are_asked_for_again(
    tmp_path: Path, sip: SipContract
) -> None:
    async with (
        run_speech_emulator() as heard,
        run_llm_emulator() as model,
        open_phone(CALLEE_NUMBER) as phone,
        running_bank() as bank,
        running_installation(
            tmp_path,
            workers=1,
            **sip.livekit.environment,
            DEEPGRAM_API_KEY="emulator",
            DEEPGRAM_BASE_URL=heard.url,
            CARTESIA_API_KEY="emulator",
            CARTESIA_BASE_URL=heard.url,
            OPENAI_API_KEY=KEY,
            OPENAI_BASE_URL=f"{model.url}/openai",
            OUTBOUND_ALLOW=bank.host,
        ) as whole,
        api_services(with_voice_providers(whole.settings, sip.livekit, heard)) as services,
    ):
        heard.default_utterances, heard.heard_audio = repeat(""), bytearray()
        pays = ScriptedReply(tool_calls=(("pay", {}),))
        model.script = [pays, pays, ScriptedReply("Paid.")]
        viewer = owner_of(await new_tenant(whole.settings, "acme"))
        await add_trunk(services, viewer, phone.host_and_port)
        tool = pay_tool(ASK_PIN, bank.request())
        await publish_clinic(services, viewer, with_speech(MODEL_DESK), tool, WORKFLOW)
        call = await dialed(services, viewer)
        line = await phone.next_call()
        await watch(services, viewer, call.id, AgentTurn)
        line.media.send_digits("1#")
        await watch(services, viewer, call.id, DtmfRequested)
        await press_with_tones(line.media, PIN[:2])
        await whole.processes["worker 0"].kill_children()
        await press_with_tones(line.media, PIN[2:4])
        await whole.wait_for_workers(1)
        await watch(services, viewer, call.id, WorkerReplaced)
        await press_with_tones(line.media, PIN[4:5])
        await watch(services, viewer, call.id, DtmfRequested, 2)
        await press_with_tones(line.media, PIN)
        await until(lambda: bank.paid)
        log = await finished(services, viewer, call)
        assert bank.paid == [{"pin": PIN}]
        ends = [event.outcome for event in log if isinstance(event, ToolFinished)]
        assert ends == [ToolOutcome.UNKNOWN, ToolOutcome.SUCCEEDED]
        assert [e.digits for e in log if isinstance(e, DtmfReceived)] == ["1#"]
        assert PIN not in await everything_stored(whole.settings)
        assert keys_in(np.frombuffer(bytes(heard.heard_audio), np.int16), STT_RATE) == set()


async def finished(services: Services, viewer: Viewer, call: Call) -> list[Any]:
    """The log of the call, which is ended once its tool has finished."""
    await watch(services, viewer, call.id, ToolFinished, 2)
    await end_call(services, viewer, call.id)
    return await watch(services, viewer, call.id, CallEnded)
