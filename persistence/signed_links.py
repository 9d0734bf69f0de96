"""Signed links: what a link is to and when it expires, with an HMAC under a key derived from SECRET_KEY."""

from __future__ import annotations

import hmac
import struct
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.calls.recordings import RECORDING_FILENAME, recording_prefix
from domain.common import base64url
from domain.common.errors import Forbidden
from persistence.key_ring import KeyRing

_SIGNATURE_BYTES = 32


class LinkTokens:
    """The tokens of one kind of links, which contain values of a fixed format. The first entry of
    SECRET_KEY signs; all of them verify."""

    def __init__(self, ring: KeyRing, purpose: bytes, format: str, name: str) -> None:
        """`purpose` makes the tokens of other kinds of links invalid; `name` is what links of this kind
        are to."""
        self._keys = ring.link_secrets
        self._purpose = purpose
        self._payload = struct.Struct(f">{format}Q")
        self._name = name

    def sign(self, *values: bytes | int, until: datetime) -> str:
        payload = self._payload.pack(*values, int(until.timestamp()))
        return base64url.encode(payload + self._digest(self._keys[0], payload))

    def verify(self, token: str, now: datetime) -> tuple[Any, ...]:
        """The values of the token. Raises `Forbidden` if it was not signed here or has expired."""
        try:
            signed = base64url.decode(token)
            payload, signature = signed[:-_SIGNATURE_BYTES], signed[-_SIGNATURE_BYTES:]
            *values, until = self._payload.unpack(payload)
        except (ValueError, struct.error):
            raise self._invalid() from None
        expected = [self._digest(key, payload) for key in self._keys]
        if not any(hmac.compare_digest(signature, each) for each in expected):
            raise self._invalid()
        if now.timestamp() >= until:
            raise Forbidden(f"This link has expired; request a new link to {self._name}.")
        return tuple(values)

    def _digest(self, key: bytes, payload: bytes) -> bytes:
        return hmac.digest(key, self._purpose + payload, "sha256")

    def _invalid(self) -> Forbidden:
        return Forbidden(f"This is not a link to {self._name}.")


class SignedLinks:
    """Links to recordings in a folder."""

    def __init__(self, ring: KeyRing) -> None:
        # Links of earlier releases have no purpose.
        self._tokens = LinkTokens(ring, b"", "16s16s", "a recording")

    def sign(self, tenant: UUID, call: UUID, until: datetime) -> str:
        return self._tokens.sign(tenant.bytes, call.bytes, until=until)

    def verify(self, token: str, now: datetime) -> str:
        tenant, call = self._tokens.verify(token, now)
        return recording_prefix(UUID(bytes=tenant), UUID(bytes=call)) + RECORDING_FILENAME
