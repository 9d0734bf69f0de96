"""`./studio phone`: a softphone for the terminal. It answers the calls of agents, and calls them."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from domain.common.command_line import CommandLine
from domain.common.tasks import cancel_and_wait, first_event
from local.client import ApiError, StudioClient
from local.phone.answer import ANSWERS, RINGS_FOREVER, Answer, refuses
from local.phone.g711 import RATE
from local.phone.phone import Phone, open_phone
from local.phone.phone_call import PhoneCall
from local.phone.sip_call import CallEnd, Side
from local.phone.sip_socket import HOST
from local.phone.transactions import Address, TransactionTimeout
from local.process_spec import StartupError
from local.softphone_setup import PHONE_NUMBER, STUDIO_NUMBER, set_up_softphone
from local.state_dir import PROGRAM
from local.telephone_service import SIP_ADDRESS, find_sip_address
from local.terminal_output import DIM
from local.wav import Samples, StereoRecorder, WavError, read_wav

if TYPE_CHECKING:
    from local.microphone import Microphone

DESCRIPTION = "a softphone that answers the calls of agents, or calls them"
EXAMPLES = f"""\
Both need a studio with a telephone: {PROGRAM} up --phone

  {PROGRAM} phone dial                     call the demo
  {PROGRAM} phone answer --call            let the demo call this phone
  {PROGRAM} phone answer --status 486      be busy whenever an agent calls
"""
HANG_UP_SECONDS = 3.0
RECONCILIATION_SECONDS = 6.0
"""Keepers write new numbers into LiveKit every five seconds."""
START = (
    "mutation ($input: StartCallInput!) { startCall(input: $input) "
    "{ __typename ... on Error { message code } ... on StartCallSuccess { call { id } } } }"
)


class PhoneSetupError(Exception):
    """This machine cannot make the call; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """With what the phone speaks, and the file in which it records."""

    wav_files: Sequence[Samples] = ()
    microphone: Microphone | None = None
    out: Path | None = None

    def recorder(self) -> StereoRecorder | None:
        return StereoRecorder(self.out, RATE) if self.out else None


def load_equipment(options: argparse.Namespace) -> Equipment:
    """Raises `PhoneSetupError` if a file or the microphone cannot be used."""
    # Imported only for conversations, because importing LiveKit takes about a second.
    from local import microphone
    from local.room_participant import resample

    logging.getLogger("livekit").setLevel(logging.ERROR)
    try:
        files = [resample(*read_wav(path), RATE) for path in options.wav or ()]
        device = None if options.wav or options.silent else microphone.Microphone()
        if options.out:
            StereoRecorder(options.out, RATE).close(0)
    except (WavError, microphone.MicrophoneUnavailable) as problem:
        raise PhoneSetupError(str(problem)) from None
    return Equipment(files, device, options.out)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Shows what happens to the phone."""

    is_tty: bool

    def show(self, text: str) -> None:
        line = f"  · {text}"
        print(f"\033[{DIM}m{line}\033[0m" if self.is_tty else line, flush=True)


async def answer(options: argparse.Namespace, studio: StudioClient, terminal: Terminal) -> int:
    """Wait for calls until interrupted, or for one with --once or --call."""
    equipment = load_equipment(options) if options.status is None else Equipment()
    async with open_phone(
        options.number, _answer_of(options), address=(HOST, options.port)
    ) as phone:
        setup = await set_up_softphone(studio, options.workflow, phone.host_and_port)
        terminal.show(f"waiting for calls at sip:{phone.number}@{phone.host_and_port}")
        if options.call:
            await studio.mutate(START, {"input": _call_of(options, setup.outbound_trunk)})
            terminal.show(f"{options.workflow} is calling")
        else:
            terminal.show(
                f'startCall(input: {{workflow: {{slug: "{options.workflow}"}}, kind: SIP,'
                f' phoneNumber: "{phone.number}"}}) calls it; Ctrl-C switches it off'
            )
        while True:
            end = await _take_call(phone, equipment, terminal)
            if options.call or options.once:
                return 0 if end.status == 200 else 1


def _call_of(options: argparse.Namespace, trunk: str) -> dict[str, object]:
    return {
        "workflow": {"slug": options.workflow},
        "kind": "SIP",
        "phoneNumber": options.number,
        "trunk": trunk,
        "callerNumber": STUDIO_NUMBER,
        "idempotencyKey": uuid4().hex,
    }


def _answer_of(options: argparse.Namespace) -> Answer:
    if options.status is None:
        return Answer(ring_seconds=options.ring)
    return RINGS_FOREVER if options.status == 0 else refuses(options.status)


async def _take_call(phone: Phone, equipment: Equipment, terminal: Terminal) -> CallEnd:
    call = await phone.next_call(timeout_seconds=None)
    terminal.show(f"{call.number} is calling")
    await first_event(call.answered, call.ended)
    if call.answered.is_set():
        terminal.show("answered")
        await _converse(call, equipment, terminal)
    return await _show_end(call, terminal)


async def dial(options: argparse.Namespace, studio: StudioClient, terminal: Terminal) -> int:
    """Call a number of the studio."""
    equipment = load_equipment(options)
    if options.number == STUDIO_NUMBER:
        setup = await set_up_softphone(studio, options.workflow, None)
        if setup.is_new:
            terminal.show("setting up the number; one moment")
            await asyncio.sleep(RECONCILIATION_SECONDS)
    async with open_phone(options.caller, ANSWERS) as phone:
        started = time.monotonic()
        call = await phone.dial(options.number, options.server)
        terminal.show(f"calling {options.number}")
        try:
            await first_event(call.answered, call.ended)
            if call.answered.is_set():
                terminal.show(f"answered after {time.monotonic() - started:.1f} s")
                await _converse(call, equipment, terminal)
        except asyncio.CancelledError:  # Ctrl-C
            with suppress(TimeoutError):
                async with asyncio.timeout(HANG_UP_SECONDS):
                    await call.hang_up()
            raise
        end = await _show_end(call, terminal)
    return 0 if end.status == 200 else 1


async def _show_end(call: PhoneCall, terminal: Terminal) -> CallEnd:
    end = await call.until_ended()
    if end.status != 200:
        terminal.show(f"not answered: SIP status {end.status}")
    else:
        side = "this phone" if end.by is Side.LOCAL else "the other side"
        terminal.show(f"{side} has hung up")
    return end


async def _converse(call: PhoneCall, equipment: Equipment, terminal: Terminal) -> None:
    from local.phone_conversation import PhoneConversation

    conversation = PhoneConversation(
        call, equipment.wav_files, equipment.microphone, equipment.recorder(), terminal.show
    )
    async with _typed_keys(conversation.press, call):
        await conversation.run()


@asynccontextmanager
async def _typed_keys(press: Callable[[str], None], call: PhoneCall) -> AsyncIterator[None]:
    """Send what is typed as DTMF digits for the duration of the block."""
    if not sys.stdin.isatty():
        yield
        return
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()

    async def read() -> None:
        while True:
            line = (await lines.get()).strip()
            if line in ("/quit", "/exit"):
                await call.hang_up()
            else:
                press(line)

    loop.add_reader(sys.stdin, lambda: lines.put_nowait(sys.stdin.readline()))
    reading = asyncio.create_task(read())
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)
        await cancel_and_wait(reading)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse(arguments)
    url, token = os.environ.get("STUDIO_URL", ""), os.environ.get("STUDIO_TOKEN", "")
    if not url:
        parser.error(f"no studio is running on this machine; start one with {PROGRAM} up --phone")
    if not token:
        parser.error("STUDIO_URL needs STUDIO_TOKEN: an access token or API key of that studio")
    command = {"answer": answer, "dial": dial}[options.command]
    terminal = Terminal(sys.stdout.isatty())
    try:
        if options.command == "dial" and options.server is None:
            options.server = find_sip_address(os.environ)
        return asyncio.run(command(options, StudioClient(url, token), terminal))
    except KeyboardInterrupt:
        return 130
    except (PhoneSetupError, StartupError) as problem:
        print(problem, file=sys.stderr)
        return 2
    except (ApiError, OSError, TimeoutError, ExceptionGroup) as error:
        print(_sentence(_first_cause(error), url), file=sys.stderr)
        return 1


def _sentence(error: BaseException, url: str) -> str:
    match error:
        case ApiError():
            return str(error)
        case TransactionTimeout():
            return "the telephone of the studio does not respond; is the studio still running?"
        case TimeoutError():
            return f"{url} did not answer; is it running?"
        case OSError():
            return f"the phone cannot use its port: {error.strerror}"
        case _:
            raise error


def _first_cause(error: BaseException) -> BaseException:
    return _first_cause(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _parser() -> CommandLine:
    parser = CommandLine(
        prog=f"{PROGRAM} phone",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    text = "wait for the calls of agents"
    _add_answer_options(commands.add_parser("answer", help=text, description=text))
    text = "call a number of the studio"
    _add_dial_options(commands.add_parser("dial", help=text, description=text))
    return parser


def _add_answer_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--number",
        default=PHONE_NUMBER,
        help=f"the number of this phone (default: {PHONE_NUMBER})",
    )
    add("--port", type=_port, default=0, help="UDP port for SIP (default: any free port)")
    add("--ring", type=float, default=1.0, metavar="SECONDS", help="how long to ring (default: 1)")
    add(
        "--status",
        type=_status,
        metavar="SIP_STATUS",
        help="refuse calls with this status, for instance 486 (busy); 0: ring until the caller gives up",
    )
    add("--once", action="store_true", help="end after one call")
    add(
        "--call",
        action="store_true",
        help="let the workflow call this phone now, and end after that call",
    )
    _add_conversation_options(parser)


def _add_dial_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "number",
        nargs="?",
        default=STUDIO_NUMBER,
        help=f"the number to call (default: {STUDIO_NUMBER}, which the workflow answers)",
    )
    add(
        "--caller",
        default=PHONE_NUMBER,
        help=f"the number of this phone (default: {PHONE_NUMBER})",
    )
    add(
        "--server",
        type=_server,
        metavar="HOST:PORT",
        help=f"SIP address of livekit-sip (default: {SIP_ADDRESS}, or that of the local studio)",
    )
    _add_conversation_options(parser)


def _add_conversation_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--workflow", default="clinic", help="slug of the workflow (default: clinic)")
    add(
        "--wav",
        action="append",
        type=Path,
        metavar="FILE",
        help="say this WAV file instead of using the microphone; repeatable",
    )
    add("--silent", action="store_true", help="say nothing; needs neither microphone nor files")
    add(
        "--out",
        type=Path,
        metavar="FILE",
        help="record the call to a WAV file: this phone left, the other side right",
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def _status(text: str) -> int:
    if not text.isdecimal() or not (int(text) == 0 or 300 <= int(text) <= 699):
        raise argparse.ArgumentTypeError("a status is 0, or a number from 300 to 699")
    return int(text)


def _server(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= 65_535:
        raise argparse.ArgumentTypeError("the address is a host and a port, such as 127.0.0.1:5060")
    return host, int(port)


if __name__ == "__main__":
    sys.exit(main())
