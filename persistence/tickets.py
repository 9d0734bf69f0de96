"""Tickets into LiveKit rooms: its access tokens, which are plain JWTs. Signed here so that the API
need not load LiveKit's library. https://docs.livekit.io/home/get-started/authentication/"""

from __future__ import annotations

from datetime import datetime, timedelta

import jwt

from domain.calls.model import CallId
from domain.calls.rooms import (
    CALLER,
    DEPARTURE_SECONDS,
    EMPTY_SECONDS,
    Ticket,
    room_of,
)
from domain.common.settings import Settings

CLOCKS_DIFFER_BY = timedelta(seconds=30)


class SignedTickets:
    def __init__(self, url: str, key: str, secret: str, seconds: float) -> None:
        self._url = url
        self._key = key
        self._secret = secret
        self._seconds = seconds

    @classmethod
    def of(cls, settings: Settings) -> SignedTickets | None:
        """None: there is no LiveKit, so no voice calls."""
        key, secret = settings.livekit_api_key, settings.livekit_api_secret
        if not (settings.livekit_url and key and secret):
            return None
        url = settings.livekit_public_url or settings.livekit_url
        return cls(url, key, secret, settings.join_seconds)

    def issue(self, call: CallId, now: datetime) -> Ticket:
        room, until = room_of(call), now + timedelta(seconds=self._seconds)
        claims = {
            "iss": self._key,
            "sub": CALLER,
            "nbf": now - CLOCKS_DIFFER_BY,
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
            # Whoever comes first makes the room.
            "roomConfig": {
                "emptyTimeout": EMPTY_SECONDS,
                "departureTimeout": DEPARTURE_SECONDS,
            },
        }
        token = jwt.encode(claims, self._secret, algorithm="HS256")
        return Ticket(url=self._url, token=token, room=room, expires_at=until)
