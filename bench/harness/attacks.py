"""Attacks on an API process, each in a process of its own: `python -m bench.harness.attacks NAME …`.

An attack tells `attacking` once it has begun, goes on until it is ended, and needs little of a
processor but for what it sends. Only the standard library: it has to start at once."""

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
    """The API, a key of the attacker's tenant, and API keys that nobody made."""

    port: int
    key: str
    unknown_keys: Sequence[str]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


Attack = Callable[[Target], None]


# ---- what is sent --------------------------------------------------------------------------


def frame(opcode: int, payload: bytes) -> bytes:
    """As a client sends it; a mask of zeros masks nothing."""
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


# ---- how it is sent ------------------------------------------------------------------------


def websocket(target: Target, hello: bytes = b"") -> socket.socket:
    """Open, and as far as `hello` leads: one answer to it is awaited."""
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
    """As many messages as there is room for, again on a new connection when one is cut."""
    blob = message * (BLOB_BYTES // len(message))
    while True:
        with contextlib.suppress(OSError), websocket(target, hello) as sock:
            threading.Thread(target=discard, args=(sock,), daemon=True).start()
            while True:
                sock.sendall(blob)


def send_requests(target: Target, request: Callable[[], bytes]) -> None:
    """One request after the other on a kept connection."""
    while True:
        with (
            contextlib.suppress(OSError, ValueError),
            target.connect() as sock,
            sock.makefile("rb") as answers,
        ):
            sock.settimeout(60)
            while True:
                sock.sendall(request())
                _read_response(answers)


def _read_response(answers: BinaryIO) -> None:
    length, line = 0, answers.readline()
    if not line:
        raise OSError("closed")
    while line not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
        line = answers.readline()
    answers.read(length)


def run_threads(*works: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work, daemon=True) for work in works]
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
    """Operations, each new to the process and too large to be run."""
    query = "{" + "x " * 490 + "}"
    payload = {"query": query}
    hello = json_frame(type="connection_init", payload={"apiKey": target.key})
    flood(target, json_frame(type="subscribe", id="1", payload=payload), hello)


def large_headers(target: Target) -> None:
    """One header of 64 MB, then a million lines of headers, again and again."""
    parts = [b"x: " + b"a" * (64 * 2**20), b"".join(b"x%d: 1\r\n" % n for n in range(1_000_000))]
    while True:
        for part in parts:
            with contextlib.suppress(OSError), target.connect() as sock:
                sock.sendall(b"GET /health/live HTTP/1.1\r\nhost: bench\r\n" + part + b"\r\n\r\n")
                sock.recv(4096)


def half_requests(target: Target) -> None:
    """A thousand connections that never end their headers."""
    hold_connections(target, b"GET /health/live HTTP/1.1\r\nhost: bench\r\n")


def half_open_sockets(target: Target) -> None:
    """A thousand WebSockets that never say who they are, opened again as they are closed."""
    hold_connections(target, HANDSHAKE)


def hold_connections(target: Target, sent: bytes, count: int = 1_000) -> None:
    held: list[socket.socket] = []
    while True:
        with contextlib.suppress(OSError):
            sock = target.connect()
            sock.sendall(sent)
            held.append(sock)
        if len(held) >= count:
            held = [sock for sock in held if not _ended(sock)]
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
    """WebSockets opened and closed as fast as that goes, by four at once."""

    def again() -> None:
        while True:
            with contextlib.suppress(OSError), websocket(target):
                pass

    run_threads(*[again] * 4)


def anonymous_requests(target: Target) -> None:
    request = post_request("", "{ viewer { __typename } }").replace(b"x-api-key: \r\n", b"")
    run_threads(*[lambda: send_requests(target, lambda: request)] * 8)


def bad_keys(target: Target) -> None:
    """Keys of the right form that nobody made, each new."""
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
    """Six hundred watch the list of calls, and a call begins ten times a second."""
    hello = json_frame(type="connection_init", payload={"apiKey": target.key})
    query = "subscription { calls { __typename ... on CallAdded { call { id state } } } }"
    for _ in range(600 // WATCHERS_PER_SOCKET):
        sock = websocket(target, hello)
        for id in range(WATCHERS_PER_SOCKET):
            sock.sendall(json_frame(type="subscribe", id=str(id), payload={"query": query}))
        threading.Thread(target=discard, args=(sock,), daemon=True).start()
    start = post_request(target.key, START, {"input": {"workflow": {"slug": "gate"}}})

    def slowly() -> bytes:
        time.sleep(0.1)
        return start

    send_requests(target, slowly)


def conditions(target: Target) -> None:
    """A workflow of a thousand conditions to verify."""
    nodes = [{"id": "a", "agent": "x", "isEntry": True}, {"id": "b", "agent": "x", "isExit": True}]
    ways = [{"source": "a", "target": "b", "condition": f"user.y=={n}"} for n in range(1_000)]
    config = {"slug": "gate-conditions", "nodes": nodes, "connections": ways}
    request = post_request(target.key, VERIFY, {"w": config})
    send_requests(target, lambda: request)


def exports(target: Target) -> None:
    aliases = " ".join(f"a{n}: exportBundle {{ yaml }}" for n in range(10))
    request = post_request(target.key, f"{{ {aliases} }}")
    run_threads(*[lambda: send_requests(target, lambda: request)] * 2)


def unread_answers(target: Target) -> None:
    """Answers of many megabytes that nobody takes."""
    fields = "agents(first: 100) { edges { node { prompt { system } } } }"
    request = post_request(target.key, "{" + " ".join(f"a{n}: {fields}" for n in range(10)) + "}")
    held = [target.connect() for _ in range(20)]
    while True:
        for place, sock in enumerate(held):
            try:
                sock.setblocking(False)
                sock.sendall(request)
            except BlockingIOError:
                pass
            except OSError:
                with contextlib.suppress(OSError):
                    held[place] = target.connect()
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
"""By name, with the number of processes that attack at once."""


def main(name: str, url: str, key: str) -> None:
    unknown = sys.stdin.read().split()
    target = Target(urlsplit(url).port or 80, key, unknown)
    os.nice(5)  # the measured process and its bystander are not to lose by the sending of it
    print("attacking", flush=True)
    ATTACKS[name][0](target)


if __name__ == "__main__":
    main(*sys.argv[1:])
