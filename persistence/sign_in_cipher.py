"""Encryption of what belongs to a sign-in, under keys derived from SECRET_KEY: the attempt in a cookie,
the handoff and the secret of a second factor.

Each text is bound to its purpose, so that none of them is accepted in the place of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import TypeAdapter, ValidationError

from domain.common import base64url
from domain.common.access import PersonId
from domain.common.errors import DecryptionKeyMissing, SignInFailed
from domain.sign_in.oidc import Handoff, SignInAttempt
from persistence.encryption import decrypt, encrypt, newest
from persistence.key_ring import KeyRing

ATTEMPT, HANDOFF = b"agent-studio/sign-in-attempt", b"agent-studio/sign-in-handoff/"
TOTP = b"agent-studio/totp/"
MAX_COOKIE_LENGTH = 8_192

_attempts: TypeAdapter[SignInAttempt] = TypeAdapter(SignInAttempt)
_handoffs: TypeAdapter[Handoff] = TypeAdapter(Handoff)


class CookieCipher:
    """Encrypts attempts to sign in, which browsers keep for the API."""

    def __init__(self, ring: KeyRing) -> None:
        self._keys = ring.sign_in_keys

    def encrypt(self, attempt: SignInAttempt) -> str:
        _, key = newest(self._keys)
        text = encrypt(key, _attempts.dump_json(attempt), ATTEMPT)
        return base64url.encode(text)

    def decrypt(self, text: str) -> SignInAttempt:
        try:
            if not text or len(text) > MAX_COOKIE_LENGTH:
                raise ValueError(text)
            encrypted = base64url.decode(text)
            return _attempts.validate_json(_decrypt_with_any(self._keys, encrypted, ATTEMPT))
        except (ValueError, ValidationError, InvalidTag):
            raise SignInFailed("There is no attempt to sign in.", ()) from None


def encrypt_handoff(ring: KeyRing, digest: bytes, handoff: Handoff) -> bytes:
    _, key = newest(ring.sign_in_keys)
    return encrypt(key, _handoffs.dump_json(handoff), HANDOFF + digest)


def decrypt_handoff(ring: KeyRing, digest: bytes, text: bytes) -> Handoff | None:
    """None if the entry of SECRET_KEY under which it was encrypted has been removed."""
    try:
        return _handoffs.validate_json(_decrypt_with_any(ring.sign_in_keys, text, HANDOFF + digest))
    except InvalidTag:
        return None


def encrypt_totp_secret(ring: KeyRing, person: PersonId, secret: bytes) -> tuple[str, bytes]:
    """The id of the key, and the encrypted secret."""
    key_id, key = newest(ring.sign_in_keys)
    return key_id, encrypt(key, secret, TOTP + person.bytes)


def decrypt_totp_secret(ring: KeyRing, person: PersonId, row: Mapping[str, Any]) -> bytes:
    key = ring.sign_in_keys.get(row["key_id"])
    if key is None:
        raise DecryptionKeyMissing(
            f"The second factor is encrypted under another SECRET_KEY ({row['key_id']}): the operator "
            "can add it again after the one in use. A recovery code works without it."
        )
    try:
        return decrypt(key, row["sealed"], TOTP + person.bytes)
    except InvalidTag:
        raise DecryptionKeyMissing("The second factor was moved or damaged.") from None


def _decrypt_with_any(keys: Mapping[str, AESGCM], text: bytes, purpose: bytes) -> bytes:
    for key in keys.values():
        try:
            return decrypt(key, text, purpose)
        except InvalidTag:
            continue
    raise InvalidTag
