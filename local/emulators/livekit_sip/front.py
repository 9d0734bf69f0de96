"""The address that clients use as LIVEKIT_URL: it sends SIP requests to the emulator, and everything
else to the real LiveKit server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from domain.common.tasks import cancel_and_wait
from local.emulators.livekit_sip.twirp import Failure

SIP_PATH = "/twirp/livekit.SIP/"
MAX_BODY_BYTES = 16 * 1024 * 1024
NO_SERVICE_SECONDS = 1.0
NO_SERVICE = Failure("unavailable", "no response from servers")
OWN_HEADERS = frozenset(
    {"host", "content-length", "connection", "upgrade", "transfer-encoding", "content-encoding"}
)
"""Headers that concern one connection and are not forwarded."""


class Front:
    def __init__(self, livekit_url: str, sip_url: str, http: aiohttp.ClientSession) -> None:
        self._livekit_url = "http" + livekit_url.removeprefix("ws")
        self._sip_url = sip_url
        self._http = http

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith(SIP_PATH):
            return await self._serve_sip(request)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._serve_websocket(request)
        try:
            return await self._forward(self._livekit_url, request)
        except aiohttp.ClientError:
            return self._drop(request)

    async def _serve_sip(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._forward(self._sip_url, request)
        except aiohttp.ClientError:
            # livekit-server waits for an answer of livekit-sip, and gets none.
            await asyncio.sleep(NO_SERVICE_SECONDS)
            return NO_SERVICE.response()

    async def _forward(self, base: str, request: web.Request) -> web.Response:
        body = await request.read()
        async with self._http.request(
            request.method, base + request.path_qs, headers=_forwarded(request.headers), data=body
        ) as response:
            return web.Response(
                status=response.status,
                body=await response.read(),
                headers=_forwarded(response.headers),
            )

    async def _serve_websocket(self, request: web.Request) -> web.StreamResponse:
        try:
            upstream = await self._http.ws_connect(
                self._livekit_url + request.path_qs,
                headers=_forwarded(request.headers, websocket=True),
                max_msg_size=0,
                autoclose=False,
            )
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status, text=error.message)
        except aiohttp.ClientError:
            return self._drop(request)
        async with upstream:
            client = web.WebSocketResponse(max_msg_size=0, compress=False)
            await client.prepare(request)
            await _copy_both_ways(client, upstream)
        return client

    def _drop(self, request: web.Request) -> web.Response:
        """Close the connection without an answer, as a server does that is not running."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)


async def _copy_both_ways(
    client: web.WebSocketResponse, upstream: aiohttp.ClientWebSocketResponse
) -> None:
    """Until one side closes; then close the other."""
    copies = (
        asyncio.create_task(_copy(client, upstream)),
        asyncio.create_task(_copy(upstream, client)),
    )
    try:
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_and_wait(*copies)
        await client.close()


async def _copy(
    source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    target: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> None:
    try:
        async for message in source:
            if message.type == aiohttp.WSMsgType.BINARY:
                await target.send_bytes(message.data)
            elif message.type == aiohttp.WSMsgType.TEXT:
                await target.send_str(message.data)
    except (aiohttp.ClientError, ConnectionError):
        pass


def _forwarded(headers: Mapping[str, str], *, websocket: bool = False) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, value in headers.items()
        if name.lower() not in OWN_HEADERS
        and not (websocket and name.lower().startswith("sec-websocket-"))
    ]


@asynccontextmanager
async def running_front(livekit_url: str, sip_url: str, port: int = 0) -> AsyncIterator[int]:
    """Serve on a loopback port for the duration of the block, and yield the port. A client that
    leaves while LiveKit lets it in is not forwarded any longer: it would remove the client's next
    connection, which has the same identity."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as http:
        front = Front(livekit_url, sip_url, http)
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", front.serve)
        async with serving(app, port, handler_cancellation=True) as used:
            yield used


@asynccontextmanager
async def serving(
    app: web.Application, port: int, *, handler_cancellation: bool = False
) -> AsyncIterator[int]:
    """Serve on a loopback port for the duration of the block, and yield the port. With
    `handler_cancellation`, a request ends when its client leaves."""
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=1.0,
        handler_cancellation=handler_cancellation,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
