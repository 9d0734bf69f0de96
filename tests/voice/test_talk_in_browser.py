"""The page /talk in a browser: a call by keyboard, an ended call, and problems."""

from __future__ import annotations

import os
import re
import socket
import wave
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from anyio import to_thread

from domain.calls.events import (
    AgentTurn,
    AnsweredBy,
    CallAnswered,
    CallEnded,
    CallerPresent,
    CallerSilent,
    CommandRefused,
    ContextChanged,
    DialFailed,
    DialStarted,
    DtmfCollected,
    DtmfReceived,
    DtmfRequested,
    DtmfSent,
    ErrorRaised,
    HandedOff,
    HandoffRefused,
    HandoffVia,
    MessageLeft,
    NodeEntered,
    ProviderFailedOver,
    ScreenerAnswered,
    ToolFinished,
    ToolOutcome,
    ToolStarted,
    TurnMeasured,
    UserTurn,
    WorkerLeft,
    WorkerReplaced,
)
from domain.calls.model import EndReason
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.providers.model import ProviderKind
from domain.use_cases.calls import end_call
from domain.use_cases.workflows import create_workflow, publish_workflow
from domain.workflows.answering import AnswerEvidence, AnsweringParty
from graph.app import build_schema_with_loaders
from graph.http.recordings import recording_routes
from graph.requests.connection_registry import ConnectionTimeouts
from graph.web.talk import talk_routes
from local.emulators.speech import SpeechEmulator, synthetic_speech
from local.livekit import LivekitCredentials
from local.private_files import free_port
from persistence.wiring import api_services
from resolvers.global_ids import global_id
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.demo_workflow import BOOKING, CLINIC, RECEPTION, publish_clinic
from tests.support.log_writer import writing_call
from tests.support.npm import skip_or_fail
from tests.support.recordings import enable_recording, join_segments, with_recordings
from tests.support.spoken_texts import CONNECTION_DROPPED
from tests.support.voice_clients import (
    joined_caller,
    voice_clinic,
    with_speech,
    with_voice_providers,
)
from tests.voice.test_voice_calls import started
from tests.worker.test_text_calls import watch

RATE = 48_000
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder in which screenshots are stored."""


def microphone(path: Path, *starts: float) -> Path:
    """Records a second of speech at each of these seconds, and silence otherwise."""
    pcm = bytearray(2 * RATE * 60)
    for start in starts:
        sound = synthetic_speech(1.0, RATE)
        at = 2 * int(start * RATE)
        pcm[at : at + len(sound)] = sound
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)
    return path


def reported(line: str) -> str:
    """The speaker and the text of a transcript line, without durations."""
    who, *words = re.split(r"\n+", line.strip())
    return f"{who}: {words[0]}" if words else re.sub(r", \d+ ms$", "", who)


def need_a_network() -> None:
    """Skip without a network: browsers do not connect over the loopback interface alone."""
    if [name for _, name in socket.if_nameindex() if name != "lo"] == []:
        skip_or_fail("THE PAGE IS NOT TESTED IN A CALL: this machine has a loopback interface only")


PROMPT = replace(RECEPTION, session=replace(RECEPTION.session, max_endpointing=0.6))
REFUSED = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"


@pytest.mark.anyio
async def test_a_call_by_keyboard_from_the_sign_in_to_the_end(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, tmp_path: Path
) -> None:
    need_a_network()
    visit = script_runner(tmp_path / "scripts")
    # Long after the agent has greeted and has answered, however busy the machine is.
    wav = microphone(tmp_path / "microphone.wav", 8.0, 20.0)
    async with voice_clinic(settings, viewer, livekit, PROMPT) as (services, heard, whole):
        heard.utterances = ["I need an appointment", "tomorrow at ten", "thank you"]
        more = talk_routes(replace(whole, local_token=await create_api_key(whole, viewer)))
        async with running_api(
            services, whole, viewer, build_schema_with_loaders, ConnectionTimeouts(), more
        ) as api:
            host = livekit.url.split("//")[1]
            see = partial(visit, "talk.mjs", f"{api.url}/talk", host, wav, SCREENSHOTS)
            seen = await to_thread.run_sync(see)
    assert seen["refused"] == [REFUSED]
    assert seen["workflows"] == ["clinic\nreception, booking · version 1"]
    assert seen["state"] == "In conversation"
    assert [reported(line) for line in seen["lines"]] == [
        "You are in the room.",
        "reception: Sunrise Clinic, hello.",
        "You: I need an appointment",
        "reception: One moment.",
        "reception → booking requested by the model",
        "booking: Booking here. When suits you?",
        "You: tomorrow at ten",
        "book_appointment succeeded",
        'workflow.slot = "tomorrow at ten"',
        "flags.booked = true",
        "booking: You are booked for tomorrow at ten.",
    ]
    assert seen["unfinished"] == []
    assert seen["context"] == 'workflow.slot\n"tomorrow at ten"\nflags.booked\ntrue'
    # Parts that took almost no time are not shown.
    brief = ("Tools and hand-offs", "Playback")
    assert [part for part in seen["waterfall"] if part not in brief] == [
        "Speech recognition",
        "End of turn detected",
        "Model’s first token",
        "Voice’s first byte",
        "Network and jitter, estimated",
    ]
    assert seen["announced"][-3:] == [
        "Tool book_appointment succeeded.",
        "booking: You are booked for tomorrow at ten.",
        "The microphone is muted.",
    ]
    assert (seen["muted"], seen["again"]) == ("Unmute", seen["lines"])
    assert [reported(line) for line in seen["back"]] == [
        "You left the room, or the connection was lost; the agent waits.",
        "You are in the room.",
        f"booking: {CONNECTION_DROPPED}",
        "You: thank you",
        "booking: Which day suits you?",
    ]
    figures = dict(figure.split("\n") for figure in seen["figures"])
    assert (figures["Reason"], figures["Caused by"]) == ("HUNG_UP_BY_USER", "the caller")
    assert re.fullmatch(r"\d+:[0-5]\d", figures["Duration"])
    assert re.fullmatch(r"\d\.\d\d s", figures["Median to first audio"])
    assert (seen["docked"], seen["address"], seen["overflows"]) == (False, f"{api.url}/talk", False)
    assert {name: found for name, found in seen.items() if name.startswith("barriers")} == {
        f"barriers{screen}": [] for screen in ("SignIn", "Choose", "Call", "Away", "Over")
    }
    assert (seen["errors"], seen["outside"]) == ([], [])


TRANSCRIPT = (
    UserTurn(turn_id="c0", text="What are your hours?"),
    AgentTurn(
        turn_id="1.0",
        node="reception",
        agent="reception",
        text="We are open from Monday to Friday, and on Saturday until noon.",
        heard_text="We are open from Monday",
        interrupted=True,
    ),
    TurnMeasured(
        turn_id="c0",
        total_ms=2100,
        stt_ms=240,
        end_of_turn_ms=520,
        llm_first_token_ms=310,
        tts_first_byte_ms=140,
        playback_ms=20,
        first_audio_ms=990,
        at_ear_ms=1210,
    ),
    ProviderFailedOver(
        provider_kind=ProviderKind.LLM, provider="openai", model="gpt-4.1", available=False
    ),
    HandoffRefused(
        from_node="reception",
        to_node="billing",
        via=HandoffVia.MODEL,
        message="No way leads there.",
    ),
    HandedOff(from_node="reception", to_node="booking", via=HandoffVia.CONDITION),
    NodeEntered(node="booking", agent="booking", first_visit=True, skipped=("triage",)),
    ToolStarted(tool_call_id="t", node="booking", tool="book", arguments={"slot": "ten"}),
    ToolFinished(
        tool_call_id="t",
        node="booking",
        tool="book",
        arguments={"slot": "ten"},
        outcome=ToolOutcome.FAILED,
        result="<b>full</b>",
        duration_ms=12.4,
    ),
    ContextChanged(path="workflow.slot", value="ten"),
    ContextChanged(path="flags.booked", value=True),
    ContextChanged(path="flags.booked", value=None, removed=True),
    CommandRefused(command_id=str(uuid4()), command="TRANSFER", message="There is no trunk."),
    CallerSilent(seconds=8.0),
    CallerPresent(present=False),
    WorkerLeft(epoch=2),
    WorkerReplaced(epoch=3),
    DialStarted(
        trunk="carrier", from_number="+12025550101", to_number="+12025550102", ringing_seconds=30
    ),
    DialFailed(reason=EndReason.BUSY, sip_status=486, after_ms=900.0),
    CallAnswered(after_ms=2_500.0),
    AnsweredBy(
        by=AnsweringParty.VOICEMAIL,
        evidence=(AnswerEvidence.WORDS, AnswerEvidence.TONE),
        quote="after the tone",
        decided_after_ms=3_000.0,
        revises=AnsweringParty.PERSON,
    ),
    MessageLeft(text="Please call us back.", tone_heard=True, heard_ms=2_000.0),
    ScreenerAnswered(round=2, text="This is the clinic."),
    DtmfSent(digits="12#"),
    DtmfReceived(digits="42#"),
    DtmfRequested(tool_call_id="p", name="pin", masked=True),
    DtmfCollected(
        tool_call_id="p",
        name="pin",
        masked=True,
        pressed=None,
        count=6,
        attempts=1,
        complete=True,
    ),
    DtmfCollected(
        tool_call_id="q",
        name="menu",
        masked=False,
        pressed="",
        count=0,
        attempts=3,
        complete=False,
    ),
    ErrorRaised(source="tts", message="APITimeoutError", recoverable=True),
    ErrorRaised(source="tts", message="APITimeoutError", recoverable=True),
    ErrorRaised(source="summary", message="The model did not respond.", recoverable=True),
    ErrorRaised(source="room", message="LiveKit cannot be reached.", recoverable=False),
)


@pytest.mark.anyio
async def test_an_ended_call_can_be_read(
    settings: Settings, viewer: Viewer, services: Services, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path / "scripts")
    async with writing_call(services, settings, viewer) as writer:
        for event in TRANSCRIPT:
            writer.worker.event_writer.emit(writer.claim, event)
        await writer.worker.event_writer.wait_until_stored(writer.claim)
        await writer.end(EndReason.WORKFLOW_FINISHED)
        more = talk_routes(settings)
        async with running_api(
            services, settings, viewer, build_schema_with_loaders, ConnectionTimeouts(), more
        ) as api:
            page = f"{api.url}/talk#call={global_id('Call', writer.call_id)}"
            see = partial(visit, "talk-read.mjs", page, api.key, SCREENSHOTS)
            seen = await to_thread.run_sync(see)
    assert [line.split("\n")[0] for line in seen["lines"]] == [
        "You",
        "reception",
        "The model openai gpt-4.1 failed; the next provider takes over.",
        "Hand-off from reception to billing refused: No way leads there.",
        "reception → booking its condition became true",
        "Skipped: triage",
        "book failed, 12 ms",
        'workflow.slot = "ten"',
        "flags.booked = true",
        "flags.booked removed",
        "TRANSFER was refused: There is no trunk.",
        "The caller was silent for 8 s.",
        "You left the room, or the connection was lost; the agent waits.",
        "The worker is stopping; another one continues from here.",
        "The worker was lost; another one continues from here.",
        "Dialling +12025550102 over the trunk carrier.",
        "Not reached: busy (SIP 486).",
        "The phone was answered after 2.50 s.",
        "The phone was answered by a mailbox, and not a person (words, tone): “after the tone”",
        "The message was left after the tone.",
        "The agent introduced itself again (2 times).",
        "The agent pressed 12#.",
        "The caller pressed 42#.",
        "The caller is asked to press the masked digits pin.",
        "pin: the caller pressed 6 keys.",
        "menu: the caller pressed no key. That is not what was asked for.",
        "The voice failed: APITimeoutError. The call continues. (2 times)",
        "The summary for the next agent failed: The model did not respond. The call continues.",
        "Joining the room failed: LiveKit cannot be reached. The call cannot continue.",
        "The call ended after 0:00.",
    ]
    assert re.findall(r"\d+ ms", seen["lines"][1]) == [
        f"{ms} ms" for ms in (240, 280, 310, 140, 20, 220)
    ]
    assert seen["lines"][6].endswith("Result\n\n<b>full</b>")
    assert seen["unheard"] == ["to Friday, and on Saturday until noon."]
    assert seen["context"] == 'workflow.slot\n"ten"'
    assert seen["figures"] == [
        "Duration\n0:00",
        "Answers\n1",
        "Median to first audio\n0.99 s",
        "Median with network\n1.21 s",
        "Reason\nWORKFLOW_FINISHED",
        "Caused by\nthe agent",
    ]
    # A screen reader announces new events, not old ones.
    assert seen["announced"] == ["The call is over. The workflow is finished."]
    assert seen["layout"] == [
        {"broken": [], "overflows": False, "contextIsBelow": width < 1024, "callIdLines": 1}
        for width in (390, 800, 1440)
    ]
    assert (seen["barriers"], seen["errors"], seen["outside"]) == ([], [], [])


@pytest.mark.anyio
async def test_a_recording_plays_on_the_page_and_by_its_link(
    settings: Settings, viewer: Viewer, livekit: LivekitCredentials, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path / "scripts")
    kept = with_recordings(settings, tmp_path)
    async with voice_clinic(kept, viewer, livekit) as (services, _, whole):
        await enable_recording(services, viewer)
        call = await started(services, viewer)
        async with joined_caller(services, call) as caller:
            await watch(services, viewer, call.id, AgentTurn, 2)
            await caller.wait_for_silence()
            await end_call(services, viewer, call.id)
            await watch(services, viewer, call.id, CallEnded)
        recording = await join_segments(services, whole, call)
        more = [*talk_routes(whole), *recording_routes()]
        async with running_api(
            services, whole, viewer, build_schema_with_loaders, ConnectionTimeouts(), more
        ) as api:
            page = f"{api.url}/talk#call={global_id('Call', call.id)}"
            see = partial(visit, "talk-listen.mjs", page, api.key, SCREENSHOTS)
            seen = await to_thread.run_sync(see)
    assert recording.duration_ms is not None
    seconds = recording.duration_ms / 1000
    assert seen["title"] == f"Recording, 0:{int(seconds):02}"
    assert seen["played"] == pytest.approx(seconds, abs=0.1)
    assert seen["alone"] == pytest.approx(seconds, abs=0.1)
    assert (seen["barriers"], seen["errors"], seen["outside"]) == ([], [], [])


@pytest.mark.anyio
async def test_many_workflows_are_searched_and_problems_are_visible(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path / "scripts")
    livekit = LivekitCredentials(f"ws://127.0.0.1:{free_port()}", "k", "s" * 32)
    voiced = with_voice_providers(settings, livekit, SpeechEmulator())
    async with api_services(voiced) as services:
        await publish_clinic(services, viewer, with_speech(RECEPTION, BOOKING))
        for number in range(20):
            spec = replace(CLINIC, name=f"booking-{number}", display_name=f"Booking {number}")
            made = await create_workflow(services, viewer, spec)
            await publish_workflow(services, viewer, made.id, made.revision, None)
        more = talk_routes(voiced)
        async with running_api(
            services, voiced, viewer, build_schema_with_loaders, ConnectionTimeouts(), more
        ) as api:
            see = partial(visit, "talk-choose.mjs", f"{api.url}/talk", api.key, SCREENSHOTS)
            seen = await to_thread.run_sync(see)
    assert seen == {
        "denied": [{"visible": True, "isBelow": True, "overflows": False}] * 3,
        "all": 21,
        "matching": ["Booking 17", "Booking 7"],
        "chosen": "booking-17",
        "focused": "booking-17",
        "none": ["No workflow matches."],
        "startable": False,
        "barriers": [],
        "chosenForUnknown": 0,
    }


@pytest.mark.anyio
async def test_problems_are_shown_with_what_to_do(
    settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path / "scripts")
    nowhere = f"ws://127.0.0.1:{free_port()}"
    absent = with_voice_providers(
        settings, LivekitCredentials(url=nowhere, key="k", secret="s" * 32), SpeechEmulator()
    )
    async with api_services(absent) as services:
        await publish_clinic(services, viewer, with_speech(RECEPTION, BOOKING))
        serve = partial(
            running_api, services, absent, viewer, build_schema_with_loaders, ConnectionTimeouts()
        )
        async with serve(talk_routes(absent)) as api, serve(talk_routes(settings)) as other:
            pages = f"{api.url}/talk", f"{other.url}/talk"
            see = partial(visit, "talk-problems.mjs", *pages, api.key)
            seen = await to_thread.run_sync(see)
    denied, call_was_shown = seen.pop("denied")
    assert denied == (
        "This page may not use the microphone. Allow it in the site settings next to the address, "
        "then try again. If it is allowed there, check the privacy settings of the system."
    )
    assert call_was_shown is False
    unreachable, ended = seen.pop("unreachable")
    assert unreachable.startswith(
        f"Connecting to LiveKit at {nowhere} failed. Check that this browser can reach it: its port "
        "and UDP must be open, and LIVEKIT_PUBLIC_URL must be an address that browsers can reach."
    )
    assert ended == "The call was ended before a worker took it."
    assert seen == {
        "withoutLivekit": (
            "Voice calls need a LiveKit server, and this installation has none. Set LIVEKIT_URL, "
            "LIVEKIT_API_KEY and LIVEKIT_API_SECRET and restart. ./studio up starts one where it "
            "can, and reports why where it cannot."
        ),
        "insecure": (
            "Browsers allow the microphone only on https pages and on localhost. Open this page as "
            "https://…, or as http://localhost on the machine itself."
        ),
        "unknown": "This call does not exist, has been deleted, or belongs to another tenant.",
    }
