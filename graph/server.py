"""The uvicorn server, its limits, and the socket that it listens on."""

from __future__ import annotations

import resource
import socket
import sys

import uvicorn
from starlette.types import ASGIApp

from graph.http.graphql_http import MAX_BODY_BYTES
from graph.http.lame_duck import LameDuck, Server
from graph.http.protocols import BoundedConfig, Bounds

SHUTDOWN_TIMEOUT_SECONDS = 8
TCP_USER_TIMEOUT_MS = 20_000
MAX_OPEN_FILES = 65_536


def create_server(
    app: ASGIApp,
    trusted_proxies: str,
    lame_duck: LameDuck | None = None,
    bounds: Bounds = Bounds(),  # noqa: B008 - frozen
) -> uvicorn.Server:
    config = BoundedConfig(
        app,
        bounds,
        loop="uvloop",
        ws_max_size=MAX_BODY_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=trusted_proxies,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECONDS,
    )
    return Server(config, lame_duck or LameDuck())


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket.

    On Linux the kernel drops a client that acknowledges nothing for `TCP_USER_TIMEOUT_MS`. Otherwise
    closing the socket of such a client would wait until its buffer is empty."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=2048)
    # Accepted sockets inherit it. Without it, a response in two parts waits 40 ms for an acknowledgement:
    # uvloop sets it itself, asyncio does not for a socket that it has not created.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
    return listening


def raise_open_file_limit() -> None:
    """Every connection is an open file, and shells often limit a process to 1,024 of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
