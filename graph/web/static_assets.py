"""What the pages of the API share: their files, and the token of a local installation.

The files in `pages/static/` are built by `npm ci && npm run build` in `pages/`, and those of the dashboard in
`dashboard/`. They request nothing from other hosts, except from LiveKit during a call and from the store
of recordings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import Address
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from domain.common.networks import parse_address

STATIC_FOLDER = Path(__file__).parent / "pages" / "static"
COMMON_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
ASSET_POLICY = "default-src 'none'; frame-ancestors 'none'"
NO_STORE_HEADERS = {**COMMON_HEADERS, "Cache-Control": "no-store"}

HOST_PATTERN = re.compile(r"[a-z0-9.-]+(:\d+)?", re.IGNORECASE)
LOOPBACK_HOST_PATTERN = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)
PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def asset_routes(
    page: str, local_token: str, facts: Callable[[], Mapping[str, Any]] = dict
) -> list[BaseRoute]:
    """The routes for the built files of a page, its configuration and the local token."""

    async def without_slash(request: Request) -> Response:
        return RedirectResponse(f"/{page}")

    return [
        Route(f"/{page}/", without_slash),
        *local_token_routes(page, local_token, facts),
        Mount(f"/{page}/assets", Assets(directory=STATIC_FOLDER / page)),
    ]


def local_token_routes(
    page: str, local_token: str, facts: Callable[[], Mapping[str, Any]] = dict
) -> list[BaseRoute]:
    """The routes for the configuration of a page and the local token."""

    async def config(request: Request) -> Response:
        body = {"localToken": bool(local_token) and is_local_request(request), **facts()}
        return JSONResponse(body, headers=NO_STORE_HEADERS)

    async def token(request: Request) -> Response:
        if not local_token or not is_local_request(request):
            raise HTTPException(404)
        return JSONResponse({"token": local_token}, headers=NO_STORE_HEADERS)

    return [
        Route(f"/{page}/config.json", config),
        Route(f"/{page}/local-token", token, methods=["POST"]),
    ]


def has_etag(request: Request, etag: str) -> bool:
    """Whether the client has the version of a file with this tag already."""
    tags = request.headers.get("If-None-Match", "").split(",")
    return etag in (tag.strip().removeprefix("W/") for tag in tags)


def websocket_sources(request: Request) -> str:
    """CSP sources for WebSockets: not every browser includes those of the same host in 'self'."""
    host = request.headers.get("Host", "")
    return f" ws://{host} wss://{host}" if HOST_PATTERN.fullmatch(host) else ""


def is_local_request(request: Request) -> bool:
    """Whether a page of this API sent the request from a browser on this machine, without a proxy.

    The check of the host rejects pages whose name was made to resolve to this machine (DNS rebinding),
    the check of the origin rejects pages of other sites, and the others reject requests that came
    through a proxy or tunnel on this machine.
    """
    host = request.headers.get("Host", "")
    return (
        request.client is not None
        and is_loopback(request.client.host)
        and LOOPBACK_HOST_PATTERN.fullmatch(host) is not None
        and request.headers.get("Origin") in (None, f"http://{host}", f"https://{host}")
        and not any(name in request.headers for name in PROXY_HEADERS)
        # Browsers send the site of the page; other clients send no such header.
        and request.headers.get("Sec-Fetch-Site") not in ("cross-site", "same-site")
        and not belongs_to_other_user(request.client)
    )


def belongs_to_other_user(client: Address) -> bool:
    """Whether another user of this machine opened the connection.

    Linux reports the owner of a connection. Other systems do not, and are treated as having one user."""
    table = Path("/proc/net/tcp6" if ":" in client.host else "/proc/net/tcp")
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return False
    port = f":{client.port:04X}"
    owners = {int(line.split()[7]) for line in lines if line.split()[1].endswith(port)}
    return not owners <= {os.getuid(), 0}


def is_loopback(address: str) -> bool:
    parsed = parse_address(address)
    return parsed is not None and parsed.is_loopback


class Assets(StaticFiles):
    """Files that change under the same name: browsers check each time and download what changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        # The page itself is among the files. Under this path it must not run anything.
        response.headers.update({**COMMON_HEADERS, "Content-Security-Policy": ASSET_POLICY})
        response.headers["Cache-Control"] = "no-cache"
        return response
