"""GraphiQL: the page, its files, and the token that a local install offers to it.

The files in `graphiql/static/` are built by `npm ci && npm run build` in `graphiql/`; nothing in
them asks any other host for anything.
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from pathlib import Path

from starlette.datastructures import Address
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "graphiql" / "static"
EVERYWHERE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
PRIVATE = {**EVERYWHERE, "Cache-Control": "no-store"}

POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; connect-src 'self'"
)
NAMED_HOST = re.compile(r"[a-z0-9.-]+(:\d+)?", re.IGNORECASE)
THIS_MACHINE = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def ide_routes(local_token: str) -> list[BaseRoute]:
    """The page at /graphiql, its files and, when there is a token, the way to it."""

    async def config(request: Request) -> Response:
        return JSONResponse(
            {"localToken": bool(local_token) and is_local(request)}, headers=PRIVATE
        )

    async def token(request: Request) -> Response:
        if not local_token or not is_local(request):
            raise HTTPException(404)
        return JSONResponse({"token": local_token}, headers=PRIVATE)

    return [
        Route("/graphiql", ide_page),
        Route("/graphiql/config.json", config),
        Route("/graphiql/local-token", token, methods=["POST"]),
        Mount("/graphiql/assets", Assets(directory=STATIC)),
    ]


async def ide_page(request: Request) -> Response:
    """Also what GET /graphql answers to a browser, hence `Vary`."""
    headers = {"Content-Security-Policy": policy(request), "Cache-Control": "no-cache"}
    return FileResponse(STATIC / "index.html", headers={**EVERYWHERE, **headers, "Vary": "Accept"})


def policy(request: Request) -> str:
    host = request.headers.get("Host", "")
    # Not every browser counts WebSockets of the same host as 'self'.
    return f"{POLICY} ws://{host} wss://{host}" if NAMED_HOST.fullmatch(host) else POLICY


def is_local(request: Request) -> bool:
    """Asked by a page of ours, in a browser on this machine, with nothing in between.

    The host keeps out pages whose name was made to resolve to this machine, the origin pages of
    other sites, and the rest whoever comes through a proxy or tunnel that runs here.
    """
    host = request.headers.get("Host", "")
    return (
        request.client is not None
        and is_loopback(request.client.host)
        and THIS_MACHINE.fullmatch(host) is not None
        and request.headers.get("Origin") in (None, f"http://{host}", f"https://{host}")
        and not any(name in request.headers for name in FORWARDED)
        and not is_somebody_elses(request.client)
    )


def is_somebody_elses(client: Address) -> bool:
    """Does another user of this machine ask? Linux tells whose a connection is; elsewhere nobody
    does, and the machine is taken for one person's."""
    table = Path("/proc/net/tcp6" if ":" in client.host else "/proc/net/tcp")
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return False
    port = f":{client.port:04X}"
    owners = {int(line.split()[7]) for line in lines if line.split()[1].endswith(port)}
    return not owners <= {os.getuid(), 0}


def is_loopback(address: str) -> bool:
    try:
        return ip_address(address.removeprefix("::ffff:")).is_loopback
    except ValueError:
        return False


class Assets(StaticFiles):
    """Files whose names stay and whose content may not: asked for each time, sent when changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        # The page itself is among them; here it is a file that does nothing.
        closed = "default-src 'none'; frame-ancestors 'none'"
        response.headers.update({**EVERYWHERE, "Content-Security-Policy": closed})
        response.headers["Cache-Control"] = "no-cache"
        return response
