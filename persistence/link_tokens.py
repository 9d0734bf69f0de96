"""Random tokens, such as those in links that let people in, of which only a hash is stored."""

from __future__ import annotations

import secrets
from hashlib import sha256

TOKEN_BYTES = 32


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """Tokens are long and random, so a plain hash is enough, and it outlives SECRET_KEY."""
    return sha256(token.encode(errors="surrogatepass")).digest()
