"""Secrets that were sent do not come back: not in an answer, nor in what is made of it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

from domain.tools.http import HttpRequest, HttpResponse

MIN_SECRET_LENGTH = 4
"""Shorter ones would be found in every text."""
REDACTED = b"[secret]"


class RedactingHttpClient:
    """Sends, and hides every secret it was asked for from the answers."""

    def __init__(
        self,
        send: Callable[[HttpRequest], Awaitable[HttpResponse]],
        secret: Callable[[str], str | None],
    ) -> None:
        self._send = send
        self._secret = secret
        self._disclosed: set[str] = set()

    def secret(self, name: str) -> str | None:
        found = self._secret(name)
        if found is not None and len(found) >= MIN_SECRET_LENGTH:
            self._disclosed.add(found)
        return found

    async def send(self, request: HttpRequest) -> HttpResponse:
        response = await self._send(request)
        body = response.body
        # Longest first, as one may be a part of another.
        for value in sorted(self._disclosed, key=len, reverse=True):
            for written in {value, json.dumps(value)[1:-1]}:
                body = body.replace(written.encode(), REDACTED)
        return replace(response, body=body)
