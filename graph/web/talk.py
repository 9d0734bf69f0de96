"""The page on which a user talks to a workflow."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from domain.common.settings import Settings
from graph.web.static_assets import COMMON_HEADERS, STATIC_FOLDER, asset_routes, websocket_sources

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'; "
    "media-src 'self'{sounds}; connect-src 'self'{sockets}{rooms}"
)
PERMISSIONS_POLICY = (
    "microphone=(self), autoplay=(self), camera=(), display-capture=(), geolocation=()"
)
S3_ENDPOINT_PATTERN = re.compile(r"https?://[a-z0-9.-]+(?::\d+)?", re.IGNORECASE)
LIVEKIT_URL_PATTERN = re.compile(r"(?:ws|http)(s?)://([a-z0-9.-]+(?::\d+)?)(?:/.*)?", re.IGNORECASE)


def talk_routes(settings: Settings, voice_notice: Callable[[], str] = str) -> list[BaseRoute]:
    """The routes of the page. `voice_notice` returns why voice calls cannot be started yet."""
    rooms = livekit_sources(settings.livekit_public_url or settings.livekit_url)
    sounds = recording_sources(settings)

    async def page(request: Request) -> Response:
        headers = {
            **COMMON_HEADERS,
            "Content-Security-Policy": CONTENT_SECURITY_POLICY.format(
                sounds=sounds, sockets=websocket_sources(request), rooms=rooms
            ),
            "Permissions-Policy": PERMISSIONS_POLICY,
            "Cache-Control": "no-cache",
        }
        return FileResponse(STATIC_FOLDER / "talk" / "index.html", headers=headers)

    access = (settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret)

    def facts() -> Mapping[str, Any]:
        return {"voice": all(access), "voiceNotice": voice_notice()}

    return [
        Route("/talk", page),
        *asset_routes("talk", settings.local_token, facts),
    ]


def livekit_sources(url: str) -> str:
    """CSP sources for LiveKit: WebSocket to join a room, and HTTP to learn why joining failed."""
    if (server := LIVEKIT_URL_PATTERN.fullmatch(url)) is None:
        return ""
    secure, host = server.group(1).lower(), server.group(2)
    return f" ws{secure}://{host} http{secure}://{host}"


def recording_sources(settings: Settings) -> str:
    """CSP source for recordings in S3; empty when recordings are stored in a local folder."""
    if not settings.recordings_url.startswith("s3://"):
        return ""
    amazon = f"https://s3.{settings.s3_region}.amazonaws.com"
    store = S3_ENDPOINT_PATTERN.match(settings.s3_public_endpoint or settings.s3_endpoint or amazon)
    return f" {store[0]}" if store else ""
