"""Servers on loopback that count connections, and a resolver with addresses that a test sets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import AF_INET, AF_INET6, AddressFamily
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.tools.http import HttpRequest, HttpResponse
from persistence.guarded_http import GuardedHttpClient

Responder = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Host:
    """A server: `hits` counts connections, `requests` has the head of each request."""

    port: int = 0
    hits: int = 0
    requests: list[bytes] = field(default_factory=list)


def http_response(
    body: bytes = b"inside", status: str = "200 OK", head: Sequence[str] = ()
) -> Responder:
    lines = [f"HTTP/1.1 {status}", *head, f"Content-Length: {len(body)}", "", ""]
    return raw_response("\r\n".join(lines).encode() + body)


def raw_response(answer: bytes) -> Responder:
    async def write(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return write


@asynccontextmanager
async def running_host(
    answer: Responder | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Host]:
    """A server on one port of 127.0.0.1 and ::1 that closes each connection after one response."""
    host_state = Host()
    reply = answer or http_response()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host_state.hits += 1
        try:
            host_state.requests.append(await reader.readuntil(b"\r\n\r\n"))
            await reply(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    first = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    host_state.port = first.sockets[0].getsockname()[1]
    second = await asyncio.start_server(serve, "::1", host_state.port, ssl=tls)
    try:
        yield host_state
    finally:
        first.close()
        second.close()


class StaticResolver(AbstractResolver):
    """Resolves known names and records each lookup. Several address lists are returned in turn."""

    def __init__(self, known: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self.lookups: list[str] = []
        self._known = {name: list(answers) for name, answers in known.items()}

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AF_INET
    ) -> list[ResolveResult]:
        self.lookups.append(host)
        answers = self._known.get(host.rstrip("."), [])
        if not answers:
            raise OSError(f"{host} is unknown")
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        pass


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = AF_INET6 if ":" in address else AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)


def self_signed_context(folder: Path) -> ssl.SSLContext:
    """The context of a server with a self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context: Any = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server_context: ssl.SSLContext = context
    return server_context


@asynccontextmanager
async def guarded_http(
    allowed: str = "",
    *,
    port: int = 80,
    names: Mapping[str, Sequence[Sequence[str]]] | None = None,
) -> AsyncIterator[GuardedHttpClient]:
    """A client that allows plain HTTP and this port, so that only the address check can refuse."""
    resolver = None if names is None else StaticResolver(names)
    outbound = GuardedHttpClient(allowed, ports={port}, allow_plaintext=True, resolver=resolver)
    try:
        yield outbound
    finally:
        await outbound.aclose()


async def get(outbound: GuardedHttpClient, url: str) -> HttpResponse:
    return await outbound.send(HttpRequest("GET", url, timeout=60.0))
