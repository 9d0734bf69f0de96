"""Time-based one-time passwords (RFC 6238), and the recovery codes that replace a lost device."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
SKEW_STEPS = 1
"""Steps before and after the current one whose code is accepted, because clocks differ."""
SECRET_BYTES = 20
"""RFC 4226 recommends 160 bits, which is also what authenticator apps support."""
PRODUCT = "Agent Studio"

RECOVERY_CODES = 10
RECOVERY_CODE_BYTES = 10
RECOVERY_GROUP = 4

CODE = re.compile(rf"[0-9]{{{DIGITS}}}")
RECOVERY_CODE = re.compile(r"[a-z2-7]{16}")
_IGNORED = str.maketrans("", "", " -")


def new_totp_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def totp_code(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a time step, truncated dynamically as RFC 4226 section 5.3 says."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def time_step(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS


def matching_step(secret: bytes, code: str, at: datetime) -> int | None:
    """The time step near `at` that has this code; None if there is none. Every candidate is compared,
    so that the time does not depend on which one matches."""
    now, found = time_step(at), None
    for step in range(now - SKEW_STEPS, now + SKEW_STEPS + 1):
        if hmac.compare_digest(totp_code(secret, step).encode(), code.encode()):
            found = step
    return found


def normalize_code(text: str) -> str:
    """A code as a user types it, without separators and in lower case."""
    return text.translate(_IGNORED).lower()


def is_totp_code(code: str) -> bool:
    return CODE.fullmatch(code) is not None


def is_recovery_code(code: str) -> bool:
    return RECOVERY_CODE.fullmatch(code) is not None


def encoded_secret(secret: bytes) -> str:
    """The secret in Base32, which can be typed into an app."""
    return base64.b32encode(secret).decode().rstrip("=")


def otpauth_uri(secret: bytes, email: str) -> str:
    """The URI that authenticator apps read from a QR code."""
    label = quote(f"{PRODUCT}:{email}", safe="")
    query = urlencode({"secret": encoded_secret(secret), "issuer": PRODUCT}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"


def new_recovery_codes() -> tuple[str, ...]:
    """Codes of 80 random bits, in groups that are easy to copy: `abcd-efgh-ijkl-mnop`."""
    return tuple(_new_recovery_code() for _ in range(RECOVERY_CODES))


def recovery_code_digest(code: str) -> bytes:
    """What is stored of a normalized recovery code. Its 80 random bits need no key, so recovery codes
    outlive a rotation of SECRET_KEY."""
    return hashlib.sha256(b"agent-studio/recovery-code/" + code.encode()).digest()


def _new_recovery_code() -> str:
    code = base64.b32encode(secrets.token_bytes(RECOVERY_CODE_BYTES)).decode().lower()
    groups = (code[i : i + RECOVERY_GROUP] for i in range(0, len(code), RECOVERY_GROUP))
    return "-".join(groups)
