"""Attacks on an API process, each in a process of its own: `python -m bench.harness.attacks NAME …`.

An attack prints `attacking` when it starts, runs until it is killed, and uses little CPU except for
sending. It imports only the standard library, so that it starts quickly."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

TEXT, PING = 1, 9
BLOB_BYTES = 65_536
WATCHERS_PER_SOCKET = 20
HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nhost: bench\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Target:
    """The port of the API, a key of the attacker's tenant, and API keys that do not exist."""

    port: int
    key: str
    unknown_keys: Sequence[str]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


Attack = Callable[[Target], None]


# ---- messages ------------------------------------------------------------------------------


def frame(opcode: int, payload: bytes) -> bytes:
    """A frame of a client. Its mask of zeros leaves the payload unchanged."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + b"\0\0\0\0" + payload


def json_frame(**message: object) -> bytes:
    return frame(TEXT, json.dumps(message).encode())


def post_request(key: str, query: str, variables: object = None) -> bytes:
    body = json.dumps({"query": query, "variables": variables}).encode()
    head = (
        "POST /graphql HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"x-api-key: {key}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


# ---- connections ---------------------------------------------------------------------------


def websocket(target: Target, hello: bytes = b"") -> socket.socket:
    """Open a WebSocket, send `hello` and wait for one message in response."""
    sock = target.connect()
    sock.sendall(HANDSHAKE)
    sock.recv(4096)
    if hello:
        sock.sendall(hello)
        sock.recv(4096)
    return sock


def discard(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while sock.recv(BLOB_BYTES):
            pass


def flood(target: Target, message: bytes, hello: bytes = b"") -> None:
    """Send as many messages as the connection takes, and reconnect when it is aborted."""
    blob = message * (BLOB_BYTES // len(message))
    while True:
        with contextlib.suppress(OSError), websocket(target, hello) as sock:
            threading.Thread(target=discard, args=(sock,), daemon=True).start()
            while True:
                sock.sendall(blob)


def send_requests(target: Target, request: Callable[[], bytes]) -> None:
    """Send one request after another on a keep-alive connection."""
    while True:
        with (
            contextlib.suppress(OSError, ValueError),
            target.connect() as sock,
            sock.makefile("rb") as responses,
        ):
            sock.settimeout(60)
            while True:
                sock.sendall(request())
                _read_response(responses)


def _read_response(responses: BinaryIO) -> None:
    length, line = 0, responses.readline()
    if not line:
        raise OSError("closed")
    while line not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
        line = responses.readline()
    responses.read(length)


def run_threads(*targets: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work, daemon=True) for work in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ---- the attacks ---------------------------------------------------------------------------


def pings(target: Target) -> None:
    flood(target, json_frame(type="ping"))


def protocol_pings(target: Target) -> None:
    flood(target, frame(PING, b""))


def signed_in_pings(target: Target) -> None:
    flood(
        target,
        json_frame(type="ping"),
        json_frame(type="connection_init", payload={"apiKey": target.key}),
    )


def subscribes(target: Target) -> None:
    """Operations that are rejected as too large, each parsed again."""
    query = "{" + "x " * 490 + "}"
    payload = {"query": query}
    hello = json_frame(type="connection_init", payload={"apiKey": target.key})
    flood(target, json_frame(type="subscribe", id="1", payload=payload), hello)


def large_headers(target: Target) -> None:
    """One header of 64 MB, then a million header lines, repeatedly."""
    parts = [b"x: " + b"a" * (64 * 2**20), b"".join(b"x%d: 1\r\n" % n for n in range(1_000_000))]
    while True:
        for part in parts:
            with contextlib.suppress(OSError), target.connect() as sock:
                sock.sendall(b"GET /health/live HTTP/1.1\r\nhost: bench\r\n" + part + b"\r\n\r\n")
                sock.recv(4096)


def half_requests(target: Target) -> None:
    """A thousand connections that never finish their headers."""
    hold_connections(target, b"GET /health/live HTTP/1.1\r\nhost: bench\r\n")


def half_open_sockets(target: Target) -> None:
    """A thousand WebSockets that never authenticate, and reconnect when they are closed."""
    hold_connections(target, HANDSHAKE)


def hold_connections(target: Target, sent: bytes, count: int = 1_000) -> None:
    sockets: list[socket.socket] = []
    while True:
        with contextlib.suppress(OSError):
            sock = target.connect()
            sock.sendall(sent)
            sockets.append(sock)
        if len(sockets) >= count:
            sockets = [sock for sock in sockets if not _ended(sock)]
            time.sleep(0.1)


def _ended(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        while sock.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    sock.close()
    return True


def reconnects(target: Target) -> None:
    """WebSockets that four threads open and close as fast as possible."""

    def reconnect() -> None:
        while True:
            with contextlib.suppress(OSError), websocket(target):
                pass

    run_threads(*[reconnect] * 4)


def anonymous_requests(target: Target) -> None:
    request = post_request("", "{ viewer { __typename } }").replace(b"x-api-key: \r\n", b"")
    run_threads(*[lambda: send_requests(target, lambda: request)] * 8)


def bad_keys(target: Target) -> None:
    """API keys that are well formed but do not exist, each a different one."""
    keys = iter(target.unknown_keys)
    run_threads(
        *[
            lambda: send_requests(
                target, lambda: post_request(next(keys), "{ viewer { __typename } }")
            )
        ]
        * 4
    )


def watchers(target: Target) -> None:
    """Six hundred subscriptions of the list of calls, while ten calls per second are started."""
    hello = json_frame(type="connection_init", payload={"apiKey": target.key})
    query = "subscription { calls { __typename ... on CallAdded { call { id state } } } }"
    for _ in range(600 // WATCHERS_PER_SOCKET):
        sock = websocket(target, hello)
        for id in range(WATCHERS_PER_SOCKET):
            sock.sendall(json_frame(type="subscribe", id=str(id), payload={"query": query}))
        threading.Thread(target=discard, args=(sock,), daemon=True).start()
    start = post_request(target.key, START, {"input": {"workflow": {"slug": "gate"}}})

    def slow_request() -> bytes:
        time.sleep(0.1)
        return start

    send_requests(target, slow_request)


def conditions(target: Target) -> None:
    """Requests to verify a workflow with a thousand conditions."""
    nodes = [{"id": "a", "agent": "x", "isEntry": True}, {"id": "b", "agent": "x", "isExit": True}]
    connections = [
        {"source": "a", "target": "b", "condition": f"user.y=={n}"} for n in range(1_000)
    ]
    config = {"slug": "gate-conditions", "nodes": nodes, "connections": connections}
    request = post_request(target.key, VERIFY, {"w": config})
    send_requests(target, lambda: request)


def exports(target: Target) -> None:
    aliases = " ".join(f"a{n}: exportBundle {{ yaml }}" for n in range(10))
    request = post_request(target.key, f"{{ {aliases} }}")
    run_threads(*[lambda: send_requests(target, lambda: request)] * 2)


def unread_answers(target: Target) -> None:
    """Responses of many megabytes that the client never reads."""
    fields = "agents(first: 100) { edges { node { prompt { system } } } }"
    request = post_request(target.key, "{" + " ".join(f"a{n}: {fields}" for n in range(10)) + "}")
    sockets = [target.connect() for _ in range(20)]
    while True:
        for index, sock in enumerate(sockets):
            try:
                sock.setblocking(False)
                sock.sendall(request)
            except BlockingIOError:
                pass
            except OSError:
                with contextlib.suppress(OSError):
                    sockets[index] = target.connect()
        time.sleep(0.5)


START = "mutation ($input: StartCallInput!) { startCall(input: $input) { __typename } }"
VERIFY = "query ($w: WorkflowInput!) { verifyWorkflow(config: $w) { ok } }"

ATTACKS: Mapping[str, tuple[Attack, int]] = {
    "pings": (pings, 1),
    "pings_x3": (pings, 3),
    "protocol_pings": (protocol_pings, 3),
    "signed_in_pings": (signed_in_pings, 3),
    "subscribes": (subscribes, 1),
    "large_headers": (large_headers, 1),
    "half_requests": (half_requests, 1),
    "half_open_sockets": (half_open_sockets, 1),
    "reconnects": (reconnects, 1),
    "anonymous_requests": (anonymous_requests, 1),
    "bad_keys": (bad_keys, 1),
    "watchers": (watchers, 1),
    "conditions": (conditions, 1),
    "exports": (exports, 1),
    "unread_answers": (unread_answers, 1),
}
"""Each attack with the number of processes that run it concurrently."""


def main(name: str, url: str, key: str) -> None:
    unknown = sys.stdin.read().split()
    target = Target(urlsplit(url).port or 80, key, unknown)
    os.nice(5)  # so that sending takes no CPU from the API and the bystander
    print("attacking", flush=True)
    ATTACKS[name][0](target)


if __name__ == "__main__":
    main(*sys.argv[1:])
