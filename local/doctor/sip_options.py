"""Asks a SIP server what it can do (OPTIONS), over UDP, TCP or TLS."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from local.phone.dialog import MAX_FORWARDS
from local.phone.sip_message import (
    MalformedMessage,
    SipRequest,
    SipResponse,
    is_ipv4,
    parse,
)
from local.phone.sip_socket import MAGIC_COOKIE
from local.phone.transactions import Address, TransactionTimeout
from local.phone.user_agent import open_user_agent

RESPONSE_SECONDS = 4.0
"""Long enough for three transmissions over UDP."""
NAME = "doctor"
ACCEPTS_SDP = ("Accept", "application/sdp")
RTP_MAP = re.compile(r"^a=rtpmap:\d{1,3} ([\w.-]+)/\d+", re.MULTILINE)
AUDIO = re.compile(r"^m=audio \d{1,5} \S+((?: \d{1,3})+)\s*$", re.MULTILINE)
STATIC_CODECS = {"0": "PCMU", "8": "PCMA", "9": "G722"}


@dataclass(frozen=True, slots=True)
class SipAnswer:
    """`codecs` is empty if the server does not list them, which most do not."""

    status: int
    codecs: frozenset[str] = frozenset()


class NoAnswer(Exception):
    """The server cannot be asked; the message is the end of a sentence."""


class NotResolved(NoAnswer):
    """Its name has no IPv4 address."""


class NotTrusted(NoAnswer):
    """Its certificate is not valid for its name."""


async def ask_options(host: str, port: int, transport: str = "UDP") -> SipAnswer:
    """Raises `NoAnswer`."""
    address = await resolve(host)
    try:
        async with asyncio.timeout(RESPONSE_SECONDS):
            if transport == "UDP":
                response = await _ask_over_udp(host, (address, port))
            else:
                response = await _ask_over_tcp(host, (address, port), transport)
    except (TimeoutError, TransactionTimeout):
        raise NoAnswer(f"does not answer OPTIONS within {RESPONSE_SECONDS:g} seconds") from None
    return SipAnswer(response.status, codecs_of(response.body))


async def resolve(host: str) -> str:
    """The IPv4 address of a host. Raises `NotResolved`.

    In a thread of its own, because a name server that stays silent would otherwise keep the program
    from ending."""
    if is_ipv4(host):
        return host
    loop = asyncio.get_running_loop()
    found: asyncio.Future[str] = loop.create_future()

    def settle(address: str) -> None:
        if not found.done():
            found.set_result(address)

    def look_up() -> None:
        try:
            addresses = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)
            address = str(addresses[0][4][0])
        except OSError:
            address = ""
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, address)

    threading.Thread(target=look_up, daemon=True).start()
    if address := await found:
        return address
    raise NotResolved("has no IPv4 address in DNS")


def local_address(target: Address) -> str:
    """The address from which this machine sends to the target."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(target)
        return str(probe.getsockname()[0])


def codecs_of(body: str) -> frozenset[str]:
    """The audio codecs that a session description lists."""
    named = {name.upper() for name in RTP_MAP.findall(body)}
    audio = AUDIO.search(body)
    payloads = audio[1].split() if audio else ()
    return frozenset(named | {STATIC_CODECS[each] for each in payloads if each in STATIC_CODECS})


async def _ask_over_udp(host: str, server: Address) -> SipResponse:
    try:
        own = local_address(server)
        async with open_user_agent(NAME, lambda call: None, (own, 0)) as agent:
            call = agent.new_call(NAME, server)
            # Carriers recognize the trunk by the host name.
            call.dialog.target = f"sip:{host}:{server[1]}"
            call.dialog.remote = f"<{call.dialog.target}>"
            return await call.send("OPTIONS", (ACCEPTS_SDP,)).response
    except OSError as error:
        raise NoAnswer(f"cannot be reached: {error.strerror}") from None


async def _ask_over_tcp(host: str, server: Address, transport: str) -> SipResponse:
    async with _connection(host, server, is_encrypted=transport == "TLS") as (reader, writer):
        writer.write(_request(host, server, transport, writer).encode())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(
                rb"^(?:content-length|l)\s*:\s*(\d{1,5})", head, re.IGNORECASE | re.MULTILINE
            )
            body = await reader.readexactly(int(length[1]) if length else 0)
            message = parse(head + body)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            raise NoAnswer("closes the connection without an answer") from None
        except MalformedMessage:
            raise NoAnswer("does not speak SIP") from None
        if not isinstance(message, SipResponse):
            raise NoAnswer("does not answer OPTIONS")
        return message


@asynccontextmanager
async def _connection(
    host: str, server: Address, *, is_encrypted: bool
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    context = ssl.create_default_context() if is_encrypted else None
    name = host if is_encrypted else None
    try:
        reader, writer = await asyncio.open_connection(*server, ssl=context, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        raise NotTrusted(f"has no valid certificate: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise NoAnswer(f"does not speak TLS: {error.reason}") from None
    except OSError as error:
        raise NoAnswer(f"refuses the connection: {error.strerror or error}") from None
    try:
        yield reader, writer
    finally:
        writer.close()


def _request(
    host: str, server: Address, transport: str, writer: asyncio.StreamWriter
) -> SipRequest:
    own, own_port = writer.get_extra_info("sockname")[:2]
    uri = f"sip:{host}:{server[1]};transport={transport.lower()}"
    branch = f"{MAGIC_COOKIE}{secrets.token_hex(8)}"
    headers = (
        ("Via", f"SIP/2.0/{transport} {own}:{own_port};branch={branch};rport"),
        MAX_FORWARDS,
        ("From", f"<sip:{NAME}@{own}:{own_port}>;tag={secrets.token_hex(8)}"),
        ("To", f"<{uri}>"),
        ("Call-ID", f"{secrets.token_hex(12)}@{own}"),
        ("CSeq", "1 OPTIONS"),
        ("Contact", f"<sip:{NAME}@{own}:{own_port};transport={transport.lower()}>"),
        ACCEPTS_SDP,
    )
    return SipRequest(method="OPTIONS", uri=uri, headers=headers)
