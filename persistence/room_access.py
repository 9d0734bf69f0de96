"""Issues LiveKit access tokens for the rooms of calls.

The tokens are plain JWTs and are signed here, so that the API need not load the LiveKit library.
https://docs.livekit.io/home/get-started/authentication/"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import jwt

from domain.calls.model import CallId
from domain.calls.rooms import (
    CALLER_IDENTITY,
    DEPARTURE_TIMEOUT_SECONDS,
    EMPTY_TIMEOUT_SECONDS,
    RoomAccess,
    room_name,
)
from domain.common.errors import Unavailable
from domain.common.settings import Settings

CLOCK_SKEW = timedelta(seconds=30)


def read_notice(file: str) -> str:
    """Why voice calls cannot be started; empty if there is no such file."""
    try:
        return Path(file).read_text() if file else ""
    except FileNotFoundError:
        return ""


class JwtRoomAccessIssuer:
    def __init__(self, url: str, key: str, secret: str, seconds: float, notice: str = "") -> None:
        self._url = url
        self._key = key
        self._secret = secret
        self._seconds = seconds
        self._notice = notice

    @classmethod
    def from_settings(cls, settings: Settings) -> JwtRoomAccessIssuer | None:
        """None if LiveKit is not configured, so that there are no voice calls."""
        key, secret = settings.livekit_api_key, settings.livekit_api_secret
        if not (settings.livekit_url and key and secret):
            return None
        url = settings.livekit_public_url or settings.livekit_url
        return cls(url, key, secret, settings.join_seconds, settings.voice_notice_file)

    def require_server(self) -> None:
        if notice := read_notice(self._notice):
            raise Unavailable(notice)

    def issue(self, call: CallId, now: datetime) -> RoomAccess:
        room, until = room_name(call), now + timedelta(seconds=self._seconds)
        claims = {
            "iss": self._key,
            "sub": CALLER_IDENTITY,
            "nbf": now - CLOCK_SKEW,
            "exp": until,
            "video": {
                "room": room,
                "roomJoin": True,
                "canSubscribe": True,
                "canPublish": True,
                "canPublishSources": ["microphone"],
                "canPublishData": False,
                "canUpdateOwnMetadata": False,
            },
            # The first participant to join creates the room with this configuration.
            "roomConfig": {
                "emptyTimeout": EMPTY_TIMEOUT_SECONDS,
                "departureTimeout": DEPARTURE_TIMEOUT_SECONDS,
            },
        }
        token = jwt.encode(claims, self._secret, algorithm="HS256")
        return RoomAccess(url=self._url, token=token, room=room, expires_at=until)
