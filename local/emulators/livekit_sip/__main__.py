"""`python -m local.emulators.livekit_sip`: emulate livekit-sip next to a real LiveKit server.

LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET name the server. Prints the settings of its clients
(NAME=VALUE), followed by an empty line. `--front` and `--service` run only one of the two parts, so that
one can be killed without the other."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from domain.common.command_line import CommandLine
from local.emulators.livekit_sip.front import running_front, serving
from local.emulators.livekit_sip.service import running_emulator
from local.livekit import LivekitCredentials
from local.livekit_availability import LIVEKIT_VARIABLES
from local.phone.sip_socket import HOST


async def main(options: argparse.Namespace, livekit: LivekitCredentials) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        settings: dict[str, str] = {}
        service_port = options.service_port
        if options.part != "front":
            service_port, sip_address = await stack.enter_async_context(
                _running_service(livekit, options)
            )
            settings["SIP_ADDRESS"] = sip_address
        if options.part != "service":
            service_url = f"http://{HOST}:{service_port}"
            port = await stack.enter_async_context(
                running_front(livekit.url, service_url, options.port)
            )
            settings["LIVEKIT_URL"] = f"ws://{HOST}:{port}"
        _print_settings(settings)
        await stopped.wait()


@asynccontextmanager
async def _running_service(
    livekit: LivekitCredentials, options: argparse.Namespace
) -> AsyncIterator[tuple[int, str]]:
    """Yield the HTTP port, and the address for SIP."""
    async with running_emulator(livekit, (HOST, options.sip_port)) as emulator:
        app = web.Application()
        app.router.add_post("/twirp/livekit.SIP/{method}", emulator.serve)
        async with serving(app, options.service_port) as port:
            yield port, emulator.sip_address


def _print_settings(settings: Mapping[str, str]) -> None:
    sys.stdout.write("".join(f"{name}={value}\n" for name, value in settings.items()) + "\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = CommandLine(prog="python -m local.emulators.livekit_sip", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="HTTP port of the front (default: any)")
    parser.add_argument("--sip-port", type=int, default=0, help="UDP port for SIP (default: any)")
    parser.add_argument(
        "--service-port", type=int, default=0, help="HTTP port between the two parts (default: any)"
    )
    parts = parser.add_mutually_exclusive_group()
    for part in ("front", "service"):
        parts.add_argument(
            f"--{part}", dest="part", action="store_const", const=part, help=f"only the {part}"
        )
    options = parser.parse_args()
    if options.part is not None and not options.service_port:
        parser.error(f"--{options.part} needs --service-port, by which the two parts meet")
    return options


def _credentials() -> LivekitCredentials:
    if missing := [name for name in LIVEKIT_VARIABLES if not os.environ.get(name)]:
        sys.exit(f"the emulator needs {' and '.join(missing)} of a LiveKit server")
    return LivekitCredentials(*(os.environ[name] for name in LIVEKIT_VARIABLES))


if __name__ == "__main__":
    asyncio.run(main(_options(), _credentials()))
