"""The baseline: the same agent on livekit-agents alone, in one process or under `AgentServer`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from livekit import api, rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, JobProcess, inference
from livekit.agents.utils import http_context
from livekit.agents.voice.room_io import RoomOptions
from livekit.plugins import cartesia, deepgram

from bench.harness.call_rig import AGENT, ENDPOINTING_DELAYS, RULES
from domain.calls.rooms import CALLER_IDENTITY
from worker.providers.scripted import ScriptedLLM

NAME = "bench"
REGISTERED = "registered"
STARTED = "begun"


class BaselineAgent(Agent):
    def __init__(self) -> None:
        super().__init__(instructions=AGENT.prompt.system)

    async def on_enter(self) -> None:
        self.session.say(AGENT.prompt.greeting or "")


def session(vad: Any, environ: Mapping[str, str]) -> AgentSession[None]:
    stt_url = environ["DEEPGRAM_BASE_URL"] + "/v1/listen"
    agent_session: AgentSession[None] = AgentSession(
        vad=vad,
        stt=deepgram.STT(model="nova-3", api_key="bench", base_url=stt_url),
        llm=ScriptedLLM(RULES, dict),
        tts=cartesia.TTS(api_key="bench", base_url=environ["CARTESIA_BASE_URL"]),
        turn_handling={
            "turn_detection": inference.TurnDetector(version="v1-mini"),
            "endpointing": {"min_delay": ENDPOINTING_DELAYS[0], "max_delay": ENDPOINTING_DELAYS[1]},
            "interruption": {"mode": "vad"},
        },
        user_away_timeout=None,
    )

    def on_item_added(event: Any) -> None:
        latency = (getattr(event.item, "metrics", None) or {}).get("e2e_latency")
        if latency is not None:
            _write_line(f"{latency * 1000:.1f}")

    agent_session.on("conversation_item_added", on_item_added)
    return agent_session


OPTIONS = RoomOptions(participant_identity=CALLER_IDENTITY, text_input=False)


async def run_single_session(room_name: str, environ: Mapping[str, str]) -> None:
    """Run one session in one room until the room disconnects."""
    token = api.AccessToken(environ["LIVEKIT_API_KEY"], environ["LIVEKIT_API_SECRET"])
    grants = api.VideoGrants(room_join=True, room=room_name, agent=True)
    room = rtc.Room()
    disconnected = asyncio.Event()
    room.on("disconnected", lambda _: disconnected.set())
    async with http_context.open():
        signed = token.with_identity("baseline").with_kind("agent").with_grants(grants).to_jwt()
        await room.connect(environ["LIVEKIT_URL"], signed)
        await session(inference.VAD(), environ).start(
            BaselineAgent(), room=room, room_options=OPTIONS, record=False, session_host=False
        )
        await disconnected.wait()


def prewarm(process: JobProcess) -> None:
    process.userdata["vad"] = inference.VAD()


async def job(context: JobContext) -> None:
    await context.connect()
    agent_session = session(context.proc.userdata["vad"], os.environ)
    await agent_session.start(
        BaselineAgent(), room=context.room, room_options=OPTIONS, record=False, session_host=False
    )
    _write_line(STARTED)


def server(environ: Mapping[str, str]) -> AgentServer:
    agent_server = AgentServer(
        ws_url=environ["LIVEKIT_URL"],
        api_key=environ["LIVEKIT_API_KEY"],
        api_secret=environ["LIVEKIT_API_SECRET"],
        host="127.0.0.1",
        port=0,
        setup_fnc=prewarm,
        num_idle_processes=1,
        load_fnc=lambda _: 0.0,
        initialize_process_timeout=60,
    )
    agent_server.rtc_session(job, agent_name=NAME)
    agent_server.on("worker_registered", lambda *_: _write_line(REGISTERED))
    return agent_server


def _write_line(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    """Run one session in the named room or, without a name, an agent server."""
    if arguments:
        asyncio.run(run_single_session(arguments[0], os.environ))
    else:
        logging.getLogger("livekit").setLevel(logging.ERROR)
        asyncio.run(server(os.environ).run(devmode=False))


# Not `-m`, which would name this module `__main__`, because jobs import its functions by name.
COMMAND = (
    sys.executable,
    "-c",
    "import sys; from bench.harness.livekit_baseline import main; main(sys.argv[1:])",
)
