"""Signed links to recordings in a folder: the tenant, the call and the expiry with an HMAC."""

from __future__ import annotations

import base64
import hmac
import struct
from datetime import datetime
from uuid import UUID

from domain.calls.recordings import RECORDING_FILENAME, recording_prefix
from domain.common.errors import Forbidden
from persistence.key_ring import KeyRing

_PAYLOAD = struct.Struct(">16s16sQ")
_SIGNATURE_BYTES = 32


class SignedLinks:
    def __init__(self, ring: KeyRing) -> None:
        self._keys = ring.link_secrets

    def sign(self, tenant: UUID, call: UUID, until: datetime) -> str:
        payload = _PAYLOAD.pack(tenant.bytes, call.bytes, int(until.timestamp()))
        signed = payload + hmac.digest(self._keys[0], payload, "sha256")
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def verify(self, token: str, now: datetime) -> str:
        try:
            signed = base64.b64decode(
                token + "=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
            payload, signature = signed[:-_SIGNATURE_BYTES], signed[-_SIGNATURE_BYTES:]
            tenant, call, until = _PAYLOAD.unpack(payload)
        except (ValueError, struct.error):
            raise Forbidden("This is not a link to a recording.") from None
        expected = [hmac.digest(key, payload, "sha256") for key in self._keys]
        if not any(hmac.compare_digest(signature, each) for each in expected):
            raise Forbidden("This is not a link to a recording.")
        if now.timestamp() >= until:
            raise Forbidden("This link has expired; request a new link to the recording.")
        return recording_prefix(UUID(bytes=tenant), UUID(bytes=call)) + RECORDING_FILENAME
