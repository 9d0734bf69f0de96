"""Webhooks of LiveKit, which make keepers look at the rooms at once.

They are verified here, so that the API need not load the LiveKit library.
https://docs.livekit.io/home/server/webhooks/"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import jwt
import orjson

from domain.common.errors import InvalidInput, Unauthenticated
from domain.common.settings import Settings
from domain.telephony.inbound_routes import INBOUND_ROOM_PREFIX
from persistence import notifications
from persistence.pubsub import Channels

LEEWAY_SECONDS = 30.0


class LiveKitWebhooks:
    def __init__(self, channels: Channels[Any], key: str, secret: str) -> None:
        self._channels = channels
        self._key = key
        self._secret = secret

    @classmethod
    def from_settings(cls, channels: Channels[Any], settings: Settings) -> LiveKitWebhooks | None:
        key, secret = settings.livekit_api_key, settings.livekit_api_secret
        return cls(channels, key, secret) if key and secret else None

    async def accept(self, body: bytes, authorization: str) -> None:
        self._verify(body, authorization)
        if _is_about_an_inbound_room(body):
            await self._channels.publish_many([notifications.rooms_changed()])

    def _verify(self, body: bytes, authorization: str) -> None:
        """The token is signed with the secret that both sides know, and names the hash of the body."""
        token = authorization.removeprefix("Bearer ")
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                issuer=self._key,
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "exp"]},
            )
        except jwt.PyJWTError:
            raise Unauthenticated("The webhook is not signed by this LiveKit server.") from None
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if not hmac.compare_digest(str(claims.get("sha256", "")).encode(), digest.encode()):
            raise Unauthenticated("The webhook is signed for another body.")


def _is_about_an_inbound_room(body: bytes) -> bool:
    try:
        event = orjson.loads(body)
        name = event["room"]["name"] if event.get("room") else ""
        return str(name).startswith(f"{INBOUND_ROOM_PREFIX}_")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidInput("The webhook is not an event of LiveKit in JSON.") from None
