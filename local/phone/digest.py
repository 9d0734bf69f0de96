"""Digest authentication of SIP requests (RFC 3261, section 22; RFC 8760)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PARAMETER = re.compile(r'([a-zA-Z-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,"]+))')
HASHES: Mapping[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}


class UnsupportedChallenge(Exception):
    """A challenge that is not Digest, or uses an algorithm that we do not know."""


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str
    password: str = field(repr=False)


def new_challenge(realm: str) -> str:
    return f'Digest realm="{realm}", nonce="{secrets.token_hex(16)}", algorithm=MD5'


def authorization(challenge: str, credentials: Credentials, method: str, uri: str) -> str:
    """The value of the Authorization header that answers a challenge."""
    asked = _parameters(challenge)
    algorithm = asked.get("algorithm", "MD5").upper()
    if algorithm not in HASHES or "realm" not in asked or "nonce" not in asked:
        raise UnsupportedChallenge(f"the digest algorithm {algorithm} is not supported")
    given = {
        "username": credentials.username,
        "realm": asked["realm"],
        "nonce": asked["nonce"],
        "uri": uri,
        "algorithm": algorithm,
    }
    if "auth" in asked.get("qop", "").replace(" ", "").split(","):
        given |= {"qop": "auth", "nc": "00000001", "cnonce": secrets.token_hex(8)}
    if "opaque" in asked:
        given["opaque"] = asked["opaque"]
    given["response"] = _response(given, credentials.password, method)
    unquoted = ("algorithm", "qop", "nc")
    return "Digest " + ", ".join(
        f"{name}={value}" if name in unquoted else f'{name}="{value}"'
        for name, value in given.items()
    )


def is_authorized(header: str, credentials: Credentials, method: str, nonce: str) -> bool:
    """Whether a request proves that its sender knows the password."""
    given = _parameters(header)
    needed = {"username", "realm", "nonce", "uri", "response"}
    if not needed <= given.keys() or given.get("algorithm", "MD5").upper() not in HASHES:
        return False
    if (given["username"], given["nonce"]) != (credentials.username, nonce):
        return False
    return secrets.compare_digest(given["response"], _response(given, credentials.password, method))


def nonce_of(challenge: str) -> str:
    return _parameters(challenge).get("nonce", "")


def _parameters(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest":
        return {}
    return {m[1].lower(): m[2] if m[2] is not None else m[3] for m in PARAMETER.finditer(rest)}


def _response(given: Mapping[str, str], password: str, method: str) -> str:
    digest = HASHES[given.get("algorithm", "MD5").upper()]
    secret = digest(f"{given['username']}:{given['realm']}:{password}".encode())
    request = digest(f"{method}:{given['uri']}".encode())
    middle = [given["nonce"]]
    if "qop" in given:
        middle += [given.get("nc", ""), given.get("cnonce", ""), given["qop"]]
    return digest(":".join((secret, *middle, request)).encode())
