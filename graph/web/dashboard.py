"""The dashboard at /studio: the static export of `dashboard/`.

`npm ci && npm run build` in `dashboard/` builds the files in `pages/static/studio/`. Next.js writes scripts
into its pages, which the policy of a page allows by their hashes. Style elements that are made at run time
carry the nonce of the response.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import mimetypes
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from domain.common.settings import Settings
from graph.web.static_assets import (
    ASSET_POLICY,
    COMMON_HEADERS,
    NO_STORE_HEADERS,
    STATIC_FOLDER,
    has_etag,
    local_token_routes,
    websocket_sources,
)
from graph.web.talk import livekit_sources, recording_sources

FOLDER = STATIC_FOLDER / "studio"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; media-src 'self'{sounds}; connect-src 'self'{sockets}{sounds}{rooms}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
HASHED_FOLDERS = ("_next/static/chunks/", "_next/static/media/")
"""Files whose names contain a hash of their content."""
CACHE_FOREVER = "public, max-age=31536000, immutable"
COMPRESSIBLE_TYPES = ("text/", "application/json", "image/svg+xml")
MIN_COMPRESSED_BYTES = 1024
MAX_FILES = 1024


@dataclass(frozen=True, slots=True)
class File:
    body: bytes
    compressed: bytes | None
    etag: str
    media_type: str
    script_hashes: str
    """The scripts in an HTML file, as sources of its policy."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Other hosts that pages may connect to, as sources of their policy."""

    sounds: str
    """The store of recordings: the sound is played, and read to draw it."""
    rooms: str
    """The LiveKit server."""


def dashboard_routes(settings: Settings, folder: Path = FOLDER) -> list[BaseRoute]:
    """The routes of the dashboard, to which `/` redirects. `folder` is where it was built."""
    hosts = Hosts(
        sounds=recording_sources(settings),
        rooms=livekit_sources(settings.livekit_public_url or settings.livekit_url),
    )

    # Locations are relative, so that they are right behind a proxy that removes a prefix of the path.
    async def root(_: Request) -> Response:
        return RedirectResponse("studio/")

    # Browsers ask for it while a page that names its icon is still loading, or is being left.
    async def icon(_: Request) -> Response:
        return RedirectResponse("studio/icon.svg")

    async def without_slash(_: Request) -> Response:
        return RedirectResponse("studio/", 308)

    # A plain function: Starlette calls it in a thread, because it reads and compresses files.
    def serve(request: Request) -> Response:
        path = request.path_params["path"]
        if path and not path.endswith("/") and "." not in path.rsplit("/", 1)[-1]:
            return _with_slash(request, path)
        name = f"{path}index.html" if path.endswith("/") or not path else path
        if (file := read(folder, name)) is None:
            missing = read(folder, "404.html") if name.endswith("/index.html") else None
            if missing is None:
                raise HTTPException(404)
            return page(request, missing, hosts, status=404)
        return page(request, file, hosts) if name.endswith(".html") else asset(request, file, name)

    return [
        Route("/", root),
        Route("/favicon.ico", icon),
        Route("/studio", without_slash),
        *local_token_routes("studio", settings.local_token),
        Route("/studio/{path:path}", serve),
    ]


def _with_slash(request: Request, path: str) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    # "./" keeps a name such as `https:host` a path: without it, browsers would go to that host.
    return RedirectResponse(f"./{path.rsplit('/', 1)[-1]}/{query}", 308)


def page(request: Request, file: File, hosts: Hosts, status: int = 200) -> Response:
    """An HTML page, which differs with each response because of the nonce."""
    nonce = secrets.token_urlsafe(16)
    meta = f'<meta name="csp-nonce" nonce="{nonce}">'.encode()
    policy = CONTENT_SECURITY_POLICY.format(
        scripts=file.script_hashes,
        nonce=nonce,
        sounds=hosts.sounds,
        rooms=hosts.rooms,
        sockets=websocket_sources(request),
    )
    headers = {**NO_STORE_HEADERS, "Content-Security-Policy": policy, "Vary": "Accept-Encoding"}
    body = file.body.replace(b"<head>", b"<head>" + meta, 1)
    if accepts_gzip(request):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, 6, mtime=0)
    return Response(body, status, headers, file.media_type)


def asset(request: Request, file: File, name: str) -> Response:
    is_compressed = file.compressed is not None and accepts_gzip(request)
    etag = f'"{file.etag}-gz"' if is_compressed else f'"{file.etag}"'
    headers = {
        **COMMON_HEADERS,
        "Content-Security-Policy": ASSET_POLICY,
        "Cache-Control": CACHE_FOREVER if name.startswith(HASHED_FOLDERS) else "no-cache",
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if has_etag(request, etag):
        return Response(status_code=304, headers=headers)
    if is_compressed:
        headers["Content-Encoding"] = "gzip"
    body = file.compressed if is_compressed else file.body
    return Response(body, headers=headers, media_type=file.media_type)


def accepts_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("Accept-Encoding", "")


def read(folder: Path, name: str) -> File | None:
    """A built file; None when there is none of this name."""
    path = folder / name
    try:
        if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
            return None
        return _load(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):  # ValueError: a null byte in the name
        return None


@lru_cache(MAX_FILES)
def _load(path: Path, modified: int) -> File:
    # The time is part of the key of the cache: a file that was replaced is read again.
    body = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    is_html = media_type == "text/html"
    compress = (
        not is_html
        and len(body) >= MIN_COMPRESSED_BYTES
        and media_type.startswith((*COMPRESSIBLE_TYPES, "application/javascript"))
    )
    return File(
        body=body,
        compressed=gzip.compress(body, 6, mtime=0) if compress else None,
        etag=hashlib.sha256(body).hexdigest()[:32],
        media_type=media_type,
        script_hashes="".join(_script_sources(body)) if is_html else "",
    )


def _script_sources(html: bytes) -> list[str]:
    scripts = dict.fromkeys(INLINE_SCRIPT.findall(html))
    digests = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
    return [f" 'sha256-{digest}'" for digest in digests]
