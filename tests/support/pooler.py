"""A proxy that drops startup parameters, as PgBouncer does with `ignore_startup_parameters`."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

SSL_REQUEST = 80_877_103
CANCEL_REQUEST = 80_877_102


@dataclass(slots=True)
class Pooler:
    url: str
    drops: frozenset[str]


@asynccontextmanager
async def running_pooler(database_url: str, *drops: str) -> AsyncIterator[Pooler]:
    """Run it in front of the server of the URL. `drops` can be changed at any time."""
    parts = urlsplit(database_url)
    pooler = Pooler("", frozenset(drops))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            startup = await _opening(reader, writer)
            up, down = await asyncio.open_connection(parts.hostname, parts.port)
            down.write(_without(startup, pooler.drops))
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, down))
                both.create_task(_copy(up, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    account = parts.netloc.rpartition("@")[0]
    pooler.url = urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:{port}"))
    try:
        yield pooler
    finally:
        server.close()


async def _opening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    while True:
        [length] = struct.unpack("!i", await reader.readexactly(4))
        body = await reader.readexactly(length - 4)
        if struct.unpack("!i", body[:4])[0] != SSL_REQUEST:
            return body
        writer.write(b"N")


def _without(body: bytes, drops: frozenset[str]) -> bytes:
    if struct.unpack("!i", body[:4])[0] == CANCEL_REQUEST:
        return struct.pack("!i", len(body) + 4) + body
    fields = body[4:].split(b"\0")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    forwarded = b"".join(
        name + b"\0" + value + b"\0" for name, value in pairs if name and name.decode() not in drops
    )
    message = body[:4] + forwarded + b"\0"
    return struct.pack("!i", len(message) + 4) + message


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
