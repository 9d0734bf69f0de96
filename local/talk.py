"""`./studio talk`: have a conversation with a workflow in the terminal, through the public API."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

from domain.common.command_line import CommandLine, suggestion
from domain.common.process_exit import exit_now
from local.client import ApiError, StudioClient
from local.state_dir import PROGRAM
from local.terminal_output import JsonOutput, TalkOutput, TerminalOutput

Json = dict[str, Any]
CallFunction = Callable[[StudioClient, TalkOutput, argparse.Namespace], Awaitable[Json]]

ERROR = "... on Error { message code }"
START = (
    "mutation ($input: StartCallInput!) { startCall(input: $input) "
    f"{{ __typename {ERROR} ... on StartCallSuccess {{ call {{ id }} join {{ url token }} }} }} }}"
)
SEND = f"mutation ($input: SendMessageInput!) {{ sendMessage(input: $input) {{ __typename {ERROR} }} }}"
END = f"mutation ($input: EndCallInput!) {{ endCall(input: $input) {{ __typename {ERROR} }} }}"
CALL_EVENTS = """
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
    ... on ToolFinished { toolCallId node tool outcome result duration }
    ... on ContextChanged { path value removed }
    ... on CommandApplied { commandId command }
    ... on CommandRefused { commandId command message }
    ... on TurnMeasured {
      turnId total stt endOfTurn llmFirstToken ttsFirstByte firstAudio atEar line
      inputTokens outputTokens
    }
    ... on DialStarted { trunk toNumber }
    ... on DialFailed { reason sipStatus }
    ... on CallAnswered { after }
    ... on AnsweredBy { by evidence quote revises }
    ... on MessageLeft { toneHeard heard }
    ... on ScreenerAnswered { round }
    ... on DtmfSent { digits }
    ... on DtmfReceived { digits }
    ... on DtmfRequested { name masked }
    ... on DtmfCollected { name masked pressed count attempts complete }
    ... on TransferStarted { mode number }
    ... on TransferAdvanced { phase brief }
    ... on TransferFailed { failure sipStatus }
    ... on TransferIsolationLost { transferId }
    ... on CallerPresent { present }
    ... on CallerSilent { duration }
    ... on ErrorRaised { source message recoverable }
    ... on WorkerReplaced { epoch }
    ... on CallEnded { state reason blame duration }
  }
}
"""

WORKFLOWS = "{ workflows(first: 100) { edges { node { slug published { number } } } } }"
CALL_TOTAL = """query ($id: ID!) {
  call(id: $id) { cost { total partial } latency { total { p50 } atEar { p50 } } }
}"""

HANG_UP_TIMEOUT_SECONDS = 3.0
MAX_OUTAGE_SECONDS = 180.0
"""How long a conversation waits for an API that does not answer. The call itself continues."""
DESCRIPTION = "have a conversation with a workflow in the terminal"
HOW_TO_LEAVE = "type what you say; Ctrl-D or /quit hangs up"
LEAVE_COMMANDS = ("/quit", "/exit")
"""Lines that hang up when they are typed; in files they are said to the agent."""


class TalkSession:
    """One call: sends the caller's lines and shows the events of the call."""

    KIND = "TEXT"

    def __init__(self, studio: StudioClient, output: TalkOutput) -> None:
        self._studio = studio
        self._output = output
        self._call = ""
        self._answered = asyncio.Event()
        self._ended: Json | None = None
        self._sent_count = 0

    async def run(self, workflow: str, lines: AsyncIterator[str]) -> Json:
        """Start a call and send the lines, each after the agent has answered the previous one.
        Returns the `CallEnded` event."""
        started = await self._studio.mutate(
            START,
            {
                "input": {
                    "workflow": {"slug": workflow},
                    "kind": self.KIND,
                    "idempotencyKey": uuid4().hex,
                    **self._more_input,
                }
            },
        )
        self._call = started["call"]["id"]
        try:
            async with self._transport(started), asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(self._listen())
                speaking = tasks.create_task(self._send_lines(lines))
                await listening
                speaking.cancel()
        except asyncio.CancelledError:  # Ctrl-C
            with suppress(Exception):
                async with asyncio.timeout(HANG_UP_TIMEOUT_SECONDS):
                    await self._hang_up()
            raise
        assert self._ended is not None
        await self._show_total()
        return self._ended

    @property
    def _more_input(self) -> Json:
        """Further fields of `StartCallInput`."""
        return {}

    async def _show_total(self) -> None:
        with suppress(ApiError, TimeoutError):
            async with asyncio.timeout(HANG_UP_TIMEOUT_SECONDS):
                answer = await self._studio.execute(CALL_TOTAL, {"id": self._call})
                self._output.show_total(answer["call"])

    @asynccontextmanager
    async def _transport(self, started: Json) -> AsyncGenerator[None]:
        """The connection that carries the conversation; text calls need only the API."""
        yield

    async def _hang_up(self) -> None:
        await self._studio.mutate(END, {"input": {"callId": self._call, "byCaller": True}})

    async def _listen(self) -> None:
        updates = self._studio.follow(
            CALL_EVENTS, {"callId": self._call}, on_disconnect=self._output.on_disconnect
        )
        async with aclosing(updates):
            async for event in updates:
                self._output.show_event(event)
                match event["__typename"]:
                    case "CallEnded":
                        self._ended = event
                        self._answered.set()
                    case "AgentTurn" if not self._sent_count:
                        self._answered.set()
                    case "TurnMeasured":
                        self._answered.set()

    async def _send_lines(self, lines: AsyncIterator[str]) -> None:
        await self._wait_for_reply()  # the greeting
        async for line in lines:
            if self._ended:
                return
            self._answered.clear()
            self._sent_count += 1
            try:
                await self._send_line(line)
            except ApiError as refused:
                if not self._ended:
                    self._output.show_note(str(refused))
                self._answered.set()
                continue
            await self._wait_for_reply()
        if not self._ended:
            await self._hang_up()

    async def _send_line(self, line: str) -> None:
        key = f"{self._call}-{self._sent_count}"[:255]
        message = {"callId": self._call, "text": line, "idempotencyKey": key}
        await self._studio.mutate(SEND, {"input": message}, MAX_OUTAGE_SECONDS)

    async def _wait_for_reply(self) -> None:
        await self._answered.wait()


class PhoneTalkSession(TalkSession):
    """A call that dials a phone. The person on the phone talks, and this terminal shows the call."""

    KIND = "SIP"

    def __init__(self, studio: StudioClient, output: TalkOutput, number: str) -> None:
        super().__init__(studio, output)
        self._number = number

    @property
    def _more_input(self) -> Json:
        return {"phoneNumber": self._number}

    async def _send_lines(self, lines: AsyncIterator[str]) -> None:
        """The conversation is on the phone."""

    async def _hang_up(self) -> None:
        await self._studio.mutate(END, {"input": {"callId": self._call}})


async def iterate_lines(lines: Sequence[str]) -> AsyncGenerator[str]:
    for line in lines:
        yield line


async def read_stdin_lines(output: TalkOutput) -> AsyncGenerator[str]:
    """The lines of standard input. A daemon thread reads them, so that a call can end while
    readline blocks."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()
    is_typed = sys.stdin.isatty()

    def is_last(line: str) -> bool:
        return not line or (is_typed and line.strip() in LEAVE_COMMANDS)

    def read() -> None:
        while True:
            line = sys.stdin.readline()
            with suppress(RuntimeError):  # the loop is closed because the call has ended
                loop.call_soon_threadsafe(lines.put_nowait, line)
            if is_last(line):
                return

    Thread(target=read, daemon=True).start()
    if is_typed:
        output.show_hint(HOW_TO_LEAVE)
    while True:
        output.prompt()
        line = await lines.get()
        if is_last(line):
            return
        if is_typed and line.strip() == "/help":
            output.show_hint(HOW_TO_LEAVE)
        elif line.strip():
            yield line.strip()


class TalkSetupError(Exception):
    """This machine cannot make the call; raised before the call is started."""


async def _talk(
    run_call: CallFunction, studio: StudioClient, output: TalkOutput, options: argparse.Namespace
) -> Json:
    try:
        return await run_call(studio, output, options)
    except ApiError as error:
        if error.code not in ("WORKFLOW_NOT_FOUND", "WORKFLOW_NOT_PUBLISHED"):
            raise
        raise ApiError(await _describe_workflows(studio, options.workflow)) from None


async def _describe_workflows(studio: StudioClient, wanted: str) -> str:
    found = (await studio.execute(WORKFLOWS))["workflows"]["edges"]
    slugs = [edge["node"]["slug"] for edge in found if edge["node"]["published"]]
    published = f"the published ones are {', '.join(slugs)}" if slugs else "none is published"
    return f"there is no published workflow {wanted}; {published}{suggestion(wanted, slugs)}"


async def _run_text(studio: StudioClient, output: TalkOutput, options: argparse.Namespace) -> Json:
    lines = iterate_lines(options.say) if options.say else read_stdin_lines(output)
    return await TalkSession(studio, output).run(options.workflow, lines)


async def _run_phone(studio: StudioClient, output: TalkOutput, options: argparse.Namespace) -> Json:
    session = PhoneTalkSession(studio, output, options.phone)
    return await session.run(options.workflow, iterate_lines([]))


async def _run_voice(studio: StudioClient, output: TalkOutput, options: argparse.Namespace) -> Json:
    # Imported only for voice calls, because importing LiveKit takes about a second.
    from local import microphone, room_participant, voice_talk, wav

    # The SDK's warnings concern its internals and are of no use to the caller.
    logging.getLogger("livekit").setLevel(logging.ERROR)
    try:
        wav_files = voice_talk.load_wav_files(options.wav or [])
        devices = None if options.wav else microphone.Microphone()
        recorder = wav.StereoRecorder(options.out, room_participant.RATE) if options.out else None
    except (wav.WavError, microphone.MicrophoneUnavailable) as problem:
        raise TalkSetupError(str(problem)) from None
    if devices is not None:
        output.show_note("speak at any time; Ctrl-C hangs up. Headphones work best.")
    session = voice_talk.VoiceTalkSession(studio, output, wav_files, devices, recorder)
    return await session.run(
        options.workflow, iterate_lines([str(path) for path in options.wav or ()])
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = CommandLine(prog=f"{PROGRAM} talk", description=DESCRIPTION)
    parser.add_argument(
        "workflow", nargs="?", default="clinic", help="slug of the workflow (default: clinic)"
    )
    parser.add_argument(
        "--say",
        action="append",
        metavar="TEXT",
        help="send this line instead of typing; repeatable",
    )
    parser.add_argument(
        "--voice", action="store_true", help="make a voice call, with a microphone or with --wav"
    )
    parser.add_argument(
        "--phone",
        metavar="NUMBER",
        help="dial this phone number in E.164 over your outbound trunk, and show the call",
    )
    parser.add_argument(
        "--wav",
        action="append",
        type=Path,
        metavar="FILE",
        help="play this WAV file as the caller's next turn; repeatable",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="record the call to a WAV file: caller left, agent right",
    )
    parser.add_argument(
        "--json", action="store_true", help="machine-readable output: one event per line"
    )
    options = parser.parse(arguments)
    url, token = os.environ.get("STUDIO_URL", ""), os.environ.get("STUDIO_TOKEN", "")
    if not url:
        parser.error(f"no studio is running on this machine; start one with {PROGRAM} up")
    if not token:
        parser.error("STUDIO_URL needs STUDIO_TOKEN: an access token or API key of that studio")
    if any(not line.strip() for line in options.say or ()):
        parser.error("--say needs text")
    if (options.wav or options.out) and not options.voice:
        parser.error("--wav and --out need --voice")
    if options.phone and (options.voice or options.say):
        parser.error("--phone is for calls to a phone; --voice and --say are for others")
    if options.voice and options.say:
        parser.error("--say is for text calls; with --voice use --wav FILE or a microphone")
    is_spoken = bool(options.voice or options.phone)
    output: TalkOutput = JsonOutput() if options.json else TerminalOutput(sys.stdout, is_spoken)
    run_call = _run_phone if options.phone else _run_voice if options.voice else _run_text
    try:
        ended = asyncio.run(_talk(run_call, StudioClient(url, token), output, options))
    except KeyboardInterrupt:
        return 130
    except TalkSetupError as problem:
        print(problem, file=sys.stderr)
        return 2
    except (ApiError, TimeoutError, ExceptionGroup) as error:
        cause = _first_cause(error)
        if not isinstance(cause, ApiError | TimeoutError):
            raise
        print(str(cause) or f"{url} did not answer; is it running?", file=sys.stderr)
        return 1
    return 0 if ended["state"] == "COMPLETED" else 1


def _first_cause(error: BaseException) -> BaseException:
    return _first_cause(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


if __name__ == "__main__":
    exit_now(main())
