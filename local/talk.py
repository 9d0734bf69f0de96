"""`./studio talk`: a conversation in the terminal, through the public API and nothing else."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

from local.client import Refused, Studio
from local.screen import JsonScreen, Screen, TerminalScreen

Json = dict[str, Any]

ERROR = "... on Error { message code }"
START = (
    "mutation ($input: StartCallInput!) { startCall(input: $input) "
    f"{{ __typename {ERROR} ... on StartCallSuccess {{ call {{ id }} join {{ url token }} }} }} }}"
)
SEND = f"mutation ($input: SendMessageInput!) {{ sendMessage(input: $input) {{ __typename {ERROR} }} }}"
END = f"mutation ($input: EndCallInput!) {{ endCall(input: $input) {{ __typename {ERROR} }} }}"
FOLLOW = """
subscription ($callId: ID!, $after: Cursor) {
  callEvents(callId: $callId, after: $after) {
    __typename
    ... on CallEvent { cursor seq at }
    ... on StateChanged { state }
    ... on UserTurn { turnId text }
    ... on AgentTurn { turnId node agent text heardText interrupted }
    ... on PartialTranscript { turnId rev speaker text }
    ... on NodeEntered { node agent firstVisit }
    ... on HandedOff { fromNode toNode via contextPassed skipped }
    ... on ProviderFailedOver { providerKind provider model available }
    ... on HandoffRefused { fromNode toNode via message }
    ... on ToolStarted { toolCallId node tool arguments }
    ... on ToolFinished { toolCallId node tool outcome result durationMs }
    ... on ContextChanged { path value removed }
    ... on CommandApplied { commandId command }
    ... on CommandRefused { commandId command message }
    ... on TurnMeasured {
      turnId totalMs sttMs endOfTurnMs llmFirstTokenMs ttsFirstByteMs firstAudioMs atEarMs
      inputTokens outputTokens
    }
    ... on CallerPresent { present }
    ... on CallerSilent { seconds }
    ... on ErrorRaised { source message recoverable }
    ... on WorkerReplaced { epoch }
    ... on CallEnded { state reason blame durationMs }
  }
}
"""

TOTAL = """query ($id: ID!) {
  call(id: $id) { cost { total partial } latency { totalMs { p50 } atEarMs { p50 } } }
}"""

HANG_UP_SECONDS = 3.0


class Talk:
    """One call: what the caller says, and what is heard of it."""

    KIND = "TEXT"

    def __init__(self, studio: Studio, screen: Screen) -> None:
        self._studio = studio
        self._screen = screen
        self._call = ""
        self._answered = asyncio.Event()
        self._ended: Json | None = None
        self._spoken = 0

    async def hold(self, workflow: str, lines: AsyncIterator[str]) -> Json:
        """Start a call, say the lines, each when the agents have finished answering the one
        before; answers the event that ended the call."""
        started = await self._studio.mutate(
            START,
            {
                "input": {
                    "workflow": {"slug": workflow},
                    "kind": self.KIND,
                    "idempotencyKey": uuid4().hex,
                }
            },
        )
        self._call = started["call"]["id"]
        try:
            async with self._line(started), asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(self._listen())
                speaking = tasks.create_task(self._speak(lines))
                await listening
                speaking.cancel()
        except asyncio.CancelledError:
            await self._hang_up()
            raise
        assert self._ended is not None
        await self._tell_total()
        return self._ended

    async def _tell_total(self) -> None:
        with suppress(Refused, TimeoutError):
            async with asyncio.timeout(HANG_UP_SECONDS):
                answer = await self._studio.ask(TOTAL, {"id": self._call})
                self._screen.total(answer["call"])

    @asynccontextmanager
    async def _line(self, started: Json) -> AsyncGenerator[None]:
        """What carries the words; text needs no more than the API."""
        yield

    async def _hang_up(self) -> None:
        """Ctrl-C is the natural way out of a conversation: the call goes with it."""
        with suppress(Exception):
            async with asyncio.timeout(HANG_UP_SECONDS):
                await self._studio.mutate(END, {"input": {"callId": self._call}})

    async def _listen(self) -> None:
        updates = self._studio.follow(FOLLOW, {"callId": self._call}, away=self._screen.away)
        async with aclosing(updates):
            async for event in updates:
                self._screen.show(event)
                match event["__typename"]:
                    case "CallEnded":
                        self._ended = event
                        self._answered.set()
                    case "AgentTurn" if not self._spoken:
                        self._answered.set()
                    case "TurnMeasured":
                        self._answered.set()

    async def _speak(self, lines: AsyncIterator[str]) -> None:
        await self._until_answered()  # the greeting comes first
        async for line in lines:
            if self._ended:
                return
            self._answered.clear()
            self._spoken += 1
            try:
                await self._say(line)
            except Refused as refused:
                if not self._ended:
                    self._screen.note(str(refused))
                self._answered.set()
                continue
            await self._until_answered()
        if not self._ended:
            await self._studio.mutate(END, {"input": {"callId": self._call}})

    async def _say(self, line: str) -> None:
        key = f"{self._call}-{self._spoken}"[:255]
        message = {"callId": self._call, "text": line, "idempotencyKey": key}
        await self._studio.mutate(SEND, {"input": message})

    async def _until_answered(self) -> None:
        await self._answered.wait()


async def given(lines: Sequence[str]) -> AsyncGenerator[str]:
    for line in lines:
        yield line


async def typed(screen: Screen) -> AsyncGenerator[str]:
    """Lines from standard input, until it ends. Read by a thread of its own, which a call that
    ends meanwhile need not wait for."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        while True:
            line = sys.stdin.readline()
            with suppress(RuntimeError):  # the loop is gone: the call has ended
                loop.call_soon_threadsafe(lines.put_nowait, line)
            if not line:
                return

    Thread(target=read, daemon=True).start()
    while True:
        screen.prompt()
        line = await lines.get()
        if not line:
            return
        if line.strip():
            yield line.strip()


class CannotTalk(Exception):
    """Something is missing on this machine, before any call was started."""


async def _by_text(studio: Studio, screen: Screen, options: argparse.Namespace) -> Json:
    lines = given(options.say) if options.say else typed(screen)
    return await Talk(studio, screen).hold(options.workflow, lines)


async def _by_voice(studio: Studio, screen: Screen, options: argparse.Namespace) -> Json:
    # Loaded only now: it takes a second.
    from local import microphone, sound, telephone, voice_talk

    # Its warnings are about its own insides.
    logging.getLogger("livekit").setLevel(logging.ERROR)
    try:
        recorded = voice_talk.recordings(options.wav or [])
        speaker = None if options.wav else microphone.Microphone()
        tape = sound.Tape(options.out, telephone.RATE) if options.out else None
    except (sound.BadSound, microphone.NoMicrophone) as problem:
        raise CannotTalk(str(problem)) from None
    if speaker is not None:
        screen.note("speak whenever you like; Ctrl-C hangs up. Headphones are best.")
    talk = voice_talk.VoiceTalk(studio, screen, recorded, speaker, tape)
    return await talk.hold(options.workflow, given([str(path) for path in options.wav or ()]))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./studio talk", description=__doc__)
    parser.add_argument("workflow", nargs="?", default="clinic", help="its slug (default: clinic)")
    parser.add_argument("--say", action="append", help="say this instead of typing; repeatable")
    parser.add_argument("--voice", action="store_true", help="speak: by microphone, or by --wav")
    parser.add_argument("--wav", action="append", type=Path, help="say this file; repeatable")
    parser.add_argument("--out", type=Path, help="keep the voices: caller left, agent right (WAV)")
    parser.add_argument("--json", action="store_true", help="one event per line, for machines")
    options = parser.parse_args(arguments)
    url, token = os.environ.get("STUDIO_URL", ""), os.environ.get("STUDIO_TOKEN", "")
    if not url:
        parser.error("no studio is running here; start one with ./studio up")
    if not token:
        parser.error("set STUDIO_TOKEN as well: an access token or API key of that studio")
    if any(not line.strip() for line in options.say or ()):
        parser.error("--say needs words")
    if (options.wav or options.out) and not options.voice:
        parser.error("--wav and --out need --voice")
    if options.voice and options.say:
        parser.error("--say is for text; --voice takes --wav FILE, or a microphone")
    screen: Screen = JsonScreen() if options.json else TerminalScreen(sys.stdout, options.voice)
    talking = _by_voice if options.voice else _by_text
    try:
        ended = asyncio.run(talking(Studio(url, token), screen, options))
    except KeyboardInterrupt:
        return 130
    except CannotTalk as missing:
        print(missing, file=sys.stderr)
        return 2
    except (Refused, TimeoutError, ExceptionGroup) as error:
        problem = _first(error)
        if not isinstance(problem, Refused | TimeoutError):
            raise
        print(str(problem) or f"{url} did not answer; is it running?", file=sys.stderr)
        return 1
    return 0 if ended["state"] == "COMPLETED" else 1


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


if __name__ == "__main__":
    sys.exit(main())
