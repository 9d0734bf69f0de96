"""One-time codes (RFC 6238) and recovery codes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from domain.sign_in import totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    """The vectors of RFC 6238, appendix B, for SHA-1."""
    step = totp.time_step(datetime.fromtimestamp(seconds, UTC))
    assert totp.totp_code(SECRET, step, digits=8) == code
    assert totp.totp_code(SECRET, step) == code[-6:]


@pytest.mark.parametrize(("behind", "step"), [(-2, None), (-1, 99), (0, 100), (1, 101), (2, None)])
def test_the_codes_of_the_steps_before_and_after_are_accepted(
    behind: int, step: int | None
) -> None:
    now = datetime.fromtimestamp(100 * totp.STEP_SECONDS + 7, UTC)
    code = totp.totp_code(SECRET, 100 + behind)
    assert totp.matching_step(SECRET, code, now) == step


def test_an_app_reads_the_secret_from_the_uri() -> None:
    uri = urlsplit(totp.otpauth_uri(SECRET, "ada+1@acme.example"))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == "/Agent Studio:ada+1@acme.example"
    query = parse_qs(uri.query)
    assert query["issuer"] == ["Agent Studio"]
    assert base64.b32decode(query["secret"][0]) == SECRET


def test_recovery_codes_are_recognised_however_they_are_typed() -> None:
    codes = totp.new_recovery_codes()
    assert len(set(codes)) == totp.RECOVERY_CODES
    for code in codes:
        typed = totp.normalize_code(f" {code.upper().replace('-', ' ')}")
        assert totp.is_recovery_code(typed)
        assert not totp.is_totp_code(typed)
        assert totp.recovery_code_digest(typed) == totp.recovery_code_digest(
            totp.normalize_code(code)
        )
    assert totp.is_totp_code(totp.normalize_code("123 456"))
