"""The tokens in links that let people in."""

from __future__ import annotations

from hashlib import sha256


def hash_token(token: str) -> bytes:
    """Tokens are long and random, so a plain hash is enough, and it outlives SECRET_KEY."""
    return sha256(token.encode(errors="surrogatepass")).digest()
