"""Issues LiveKit access tokens for the rooms of calls.

The tokens are plain JWTs and are signed here, so that the API need not load the LiveKit library.
https://docs.livekit.io/home/get-started/authentication/"""

from __future__ import annotations

from datetime import datetime, timedelta

import jwt

from domain.calls.model import CallId
from domain.calls.rooms import (
    CALLER_IDENTITY,
    DEPARTURE_TIMEOUT_SECONDS,
    EMPTY_TIMEOUT_SECONDS,
    RoomAccess,
    room_name,
)
from domain.common.settings import Settings

CLOCK_SKEW = timedelta(seconds=30)


class JwtRoomAccessIssuer:
    def __init__(self, url: str, key: str, secret: str, seconds: float) -> None:
        self._url = url
        self._key = key
        self._secret = secret
        self._seconds = seconds

    @classmethod
    def from_settings(cls, settings: Settings) -> JwtRoomAccessIssuer | None:
        """None if LiveKit is not configured, so that there are no voice calls."""
        key, secret = settings.livekit_api_key, settings.livekit_api_secret
        if not (settings.livekit_url and key and secret):
            return None
        url = settings.livekit_public_url or settings.livekit_url
        return cls(url, key, secret, settings.join_seconds)

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
