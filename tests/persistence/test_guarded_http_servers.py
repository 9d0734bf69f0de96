"""Misbehaving HTTP servers: each request ends soon with a response or `HttpFailed`."""

from __future__ import annotations

import asyncio
import time
import zlib
from pathlib import Path

import pytest

from domain.tools.http import MAX_BODY_BYTES, HttpFailed, HttpRequest
from tests.support.tls_hosts import (
    Responder,
    get,
    guarded_http,
    http_response,
    raw_response,
    running_host,
    self_signed_context,
)

pytestmark = pytest.mark.anyio


async def failed(answer: Responder, within: float = 60.0) -> str:
    """The failure of one request to such a server."""
    async with running_host(answer) as there, guarded_http(f"127.0.0.1:{there.port}") as outbound:
        url = f"http://127.0.0.1:{there.port}/"
        with pytest.raises(HttpFailed) as ended:
            await outbound.send(HttpRequest("POST", url, timeout=within))
        assert there.hits == 1, "what is not idempotent is sent once"
        return ended.value.kind


async def drips(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.02)


async def says_wait(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.001)


async def is_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize("answer", [drips, says_wait, is_silent])
async def test_a_slow_server_is_cut_off_at_the_timeout(answer: Responder) -> None:
    """None of these responses would ever end."""
    began = time.monotonic()
    async with asyncio.timeout(60):
        assert await failed(answer, within=0.3) == "timeout"
    assert time.monotonic() - began >= 0.3


async def test_a_response_body_is_limited_in_size() -> None:
    exact = b"x" * MAX_BODY_BYTES
    async with (
        running_host(http_response(exact)) as there,
        guarded_http(f"127.0.0.1:{there.port}") as outbound,
    ):
        assert (await get(outbound, f"http://127.0.0.1:{there.port}/")).body == exact
    assert await failed(http_response(exact + b"x")) == "too_large"


async def pours(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        await writer.drain()


async def heads_without_end(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Filler: " + b"x" * 4_000 + b"\r\n")
        await writer.drain()


async def test_an_endless_response_is_cut_off() -> None:
    assert await failed(pours) == "too_large"
    assert await failed(heads_without_end) == "broken"


async def test_a_compression_bomb_does_not_expand() -> None:
    packed = zlib.compress(b"x" * (MAX_BODY_BYTES * 4))
    answer = http_response(packed, head=["Content-Encoding: deflate"])
    async with running_host(answer) as there, guarded_http(f"127.0.0.1:{there.port}") as outbound:
        assert (await get(outbound, f"http://127.0.0.1:{there.port}/")).body == packed


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00" * 100,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"+PONG\r\n-ERR\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_a_response_that_is_not_http_fails(answer: bytes) -> None:
    assert await failed(raw_response(answer)) == "broken"


async def test_an_unreachable_server_fails() -> None:
    async with running_host() as gone:
        pass
    names = {"none.example": [["127.0.0.1"]], "two.example": [["10.0.0.1", "127.0.0.1"]]}
    async with guarded_http(f"127.0.0.1:{gone.port}", names=names) as outbound:
        for place in ("127.0.0.1", "none.example", "two.example", "unknown.example"):
            with pytest.raises(HttpFailed) as ended:
                await get(outbound, f"http://{place}:{gone.port}/")
            assert ended.value.kind == "connect"


async def test_a_certificate_must_be_trusted(tmp_path: Path) -> None:
    tls = self_signed_context(tmp_path)
    async with running_host(tls=tls) as there, guarded_http(f"localhost:{there.port}") as outbound:
        with pytest.raises(HttpFailed) as ended:
            await get(outbound, f"https://localhost:{there.port}/")
        assert (ended.value.kind, there.requests) == ("connect", [])
        with pytest.raises(HttpFailed) as ended:
            await get(outbound, f"http://localhost:{there.port}/")
        assert (ended.value.kind, there.requests) == ("broken", [])


async def test_cookies_and_proxy_settings_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        running_host() as proxy,
        running_host(http_response(head=["Set-Cookie: a=b; Path=/"])) as there,
    ):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        async with guarded_http(f"127.0.0.1:{there.port}") as outbound:
            for _ in range(2):
                await get(outbound, f"http://127.0.0.1:{there.port}/")
        assert (proxy.hits, there.hits) == (0, 2)
        assert b"cookie" not in there.requests[1].lower()
