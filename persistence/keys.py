"""Keys: what SECRET_KEY gives, and the API keys that people hold."""

from __future__ import annotations

import base64
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

from domain.common.access import API_KEY_PREFIX
from domain.common.errors import InvalidSetting

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEY_LETTERS, CHECK_LETTERS = 30, 6
API_KEY = re.compile(rf"{API_KEY_PREFIX}(live|test)_[0-9A-Za-z]{{{KEY_LETTERS + CHECK_LETTERS}}}")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """What SECRET_KEY gives: the first secret signs, all of them verify."""

    signing: tuple[str, Ed25519PrivateKey]
    verifying: dict[str, Ed25519PublicKey]
    peppers: tuple[bytes, ...]
    successors: tuple[bytes, ...] = field(repr=False)
    wrapping: dict[str, AESGCM] = field(repr=False)
    """Of the data keys of tenants; the first wraps, all of them unwrap."""
    links: tuple[bytes, ...] = field(repr=False)

    @staticmethod
    def of(secret_key: str) -> KeyRing:
        ring = [part.strip() for part in secret_key.split(",") if part.strip()]
        if not ring or any(len(part) < 32 for part in ring):
            raise InvalidSetting(
                "SECRET_KEY must be 32 or more random characters; make one with "
                "`python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`."
            )
        pairs = [
            (
                hashlib.sha256(part.encode()).hexdigest()[:8],
                Ed25519PrivateKey.from_private_bytes(_derive(part, b"jwt")),
            )
            for part in ring
        ]
        return KeyRing(
            signing=pairs[0],
            verifying={kid: key.public_key() for kid, key in pairs},
            peppers=tuple(_derive(part, b"pepper") for part in ring),
            successors=tuple(_derive(part, b"successor") for part in ring),
            wrapping={
                hashlib.sha256(part.encode()).hexdigest()[:8]: AESGCM(_derive(part, b"wrap"))
                for part in ring
            },
            links=tuple(_derive(part, b"links") for part in ring),
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the entries of SECRET_KEY, in their order."""
        return tuple(self.verifying)

    def digests(self, secret: str) -> list[bytes]:
        """What is stored of a secret, under each entry; the first is used for new ones."""
        text = secret.encode(errors="surrogatepass")
        return [hmac.digest(pepper, text, "sha256") for pepper in self.peppers]

    def refresh_tokens_after(self, token: str) -> list[str]:
        """The refresh token that follows this one, under each entry. It can be reckoned again, so
        that a client whose answer was lost is given the same one, and nobody stores it."""
        text = token.encode(errors="surrogatepass")
        made = (hmac.digest(key, text, "sha256") for key in self.successors)
        return [base64.urlsafe_b64encode(digest).decode().rstrip("=") for digest in made]


def _derive(secret: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"agent-studio/" + purpose).derive(secret.encode())


def new_api_key(environment: str = "live") -> str:
    """`as_live_` + 30 random letters + 6 that check them, so that a typo is found offline."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(KEY_LETTERS))
    body = f"{API_KEY_PREFIX}{environment}_{letters}"
    return body + check_letters(body)


def is_api_key(text_: str) -> bool:
    body, check = text_[:-CHECK_LETTERS], text_[-CHECK_LETTERS:]
    return API_KEY.fullmatch(text_) is not None and check_letters(body) == check


def check_letters(body: str) -> str:
    number, letters = zlib.crc32(body.encode()), ""
    for _ in range(CHECK_LETTERS):
        number, digit = divmod(number, len(ALPHABET))
        letters += ALPHABET[digit]
    return letters
