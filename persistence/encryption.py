"""AES-GCM (NIST SP 800-38D) with a fresh nonce, which precedes the encrypted text."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


def encrypt(key: AESGCM, plain: bytes, purpose: bytes) -> bytes:
    """`purpose` is the associated data: for another one, the text cannot be decrypted."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, purpose)


def decrypt(key: AESGCM, text: bytes, purpose: bytes) -> bytes:
    """Raises `InvalidTag` unless the text was encrypted with this key for this purpose."""
    if len(text) <= NONCE_BYTES:
        raise InvalidTag
    plain: bytes = key.decrypt(text[:NONCE_BYTES], text[NONCE_BYTES:], purpose)
    return plain


def newest(keys: Mapping[str, AESGCM]) -> tuple[str, AESGCM]:
    """The key that encrypts, and its id."""
    return next(iter(keys.items()))
