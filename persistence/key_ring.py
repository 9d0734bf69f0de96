"""The keys derived from SECRET_KEY, and the format of API keys."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.common import base64url
from domain.common.access import API_KEY_PREFIX
from domain.common.errors import InvalidSetting

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEY_LENGTH, CHECKSUM_LENGTH = 30, 6
PREFIX_LENGTH = 12
"""The characters of a key that are stored and shown."""
API_KEY_PATTERN = re.compile(
    rf"{API_KEY_PREFIX}(live|test|join)_[0-9A-Za-z]{{{KEY_LENGTH + CHECKSUM_LENGTH}}}"
)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys derived from the entries of SECRET_KEY. The first entry signs; all verify."""

    signing_key: tuple[str, Ed25519PrivateKey]
    verification_keys: dict[str, Ed25519PublicKey]
    peppers: tuple[bytes, ...]
    refresh_secrets: tuple[bytes, ...] = field(repr=False)
    wrapping_keys: dict[str, AESGCM] = field(repr=False)
    """Keys that wrap the data keys of tenants. The first wraps; all of them unwrap."""
    link_secrets: tuple[bytes, ...] = field(repr=False)
    sign_in_keys: dict[str, AESGCM] = field(repr=False)
    """Keys that encrypt what belongs to a sign-in. The first encrypts; all of them decrypt."""
    audit_keys: dict[str, Ed25519PrivateKey] = field(repr=False)
    """Keys of the audit log. The first signs; all of them verify."""

    @staticmethod
    def from_secret_key(secret_key: str) -> KeyRing:
        ring = [part.strip() for part in secret_key.split(",") if part.strip()]
        if not ring or any(len(part) < 32 for part in ring):
            raise InvalidSetting(
                "SECRET_KEY must be 32 or more random characters; generate one with "
                "`python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`."
            )
        entries = {hashlib.sha256(part.encode()).hexdigest()[:8]: part for part in ring}
        signing_keys = {kid: _derive_ed25519(part, b"jwt") for kid, part in entries.items()}
        return KeyRing(
            signing_key=next(iter(signing_keys.items())),
            verification_keys={kid: key.public_key() for kid, key in signing_keys.items()},
            peppers=tuple(_derive(part, b"pepper") for part in ring),
            refresh_secrets=tuple(_derive(part, b"successor") for part in ring),
            wrapping_keys={kid: AESGCM(_derive(part, b"wrap")) for kid, part in entries.items()},
            link_secrets=tuple(_derive(part, b"links") for part in ring),
            sign_in_keys={kid: AESGCM(_derive(part, b"sign-in")) for kid, part in entries.items()},
            audit_keys={kid: _derive_ed25519(part, b"audit") for kid, part in entries.items()},
        )

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the entries of SECRET_KEY, in order."""
        return tuple(self.verification_keys)

    def digests(self, secret: str) -> list[bytes]:
        """The digests of a secret under each entry of SECRET_KEY; new secrets use the first."""
        text = secret.encode(errors="surrogatepass")
        return [hmac.digest(pepper, text, "sha256") for pepper in self.peppers]

    def next_refresh_tokens(self, token: str) -> list[str]:
        """The successor of a refresh token, under each entry of SECRET_KEY. It is derived rather
        than random, so that a client whose response was lost gets the same token again although
        only its digest is stored."""
        text = token.encode(errors="surrogatepass")
        digests = (hmac.digest(key, text, "sha256") for key in self.refresh_secrets)
        return [base64url.encode(digest) for digest in digests]


def _derive_ed25519(secret: str, purpose: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_derive(secret, purpose))


def _derive(secret: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"agent-studio/" + purpose).derive(secret.encode())


def new_api_key(environment: str = "live") -> str:
    """`as_live_`, or `as_join_` for a key that only lets callers join; then 30 random characters and 6
    of a checksum, which detects typos without a lookup."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(KEY_LENGTH))
    body = f"{API_KEY_PREFIX}{environment}_{letters}"
    return body + checksum(body)


def is_api_key(candidate: str) -> bool:
    body, check = candidate[:-CHECKSUM_LENGTH], candidate[-CHECKSUM_LENGTH:]
    return API_KEY_PATTERN.fullmatch(candidate) is not None and checksum(body) == check


def checksum(body: str) -> str:
    number, letters = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        letters += ALPHABET[digit]
    return letters
