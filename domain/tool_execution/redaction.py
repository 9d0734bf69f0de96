"""Redacts the secrets and the masked digits that a tool has sent from the responses that it receives."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from domain.tools.http import HttpRequest, HttpResponse
from domain.tools.secrets import Secret

MIN_SECRET_LENGTH = 4
"""Shorter secrets are not redacted, because they would match by chance."""
REDACTED = b"[secret]"


class RedactingHttpClient:
    """An HTTP client that redacts from the responses every secret that it has handed out, and every
    masked digits that it was given."""

    def __init__(
        self,
        send: Callable[[HttpRequest], Awaitable[HttpResponse]],
        secret: Callable[[str], Secret | None],
    ) -> None:
        self._send = send
        self._secret = secret
        self._disclosed: set[str] = set()
        self._digits: set[str] = set()

    def secret(self, name: str) -> Secret | None:
        secret = self._secret(name)
        if secret is not None and len(secret.value) >= MIN_SECRET_LENGTH:
            self._disclosed.add(secret.value)
        return secret

    def redact_digits(self, digits: str) -> None:
        """Redact these digits; short ones only where they are a number of their own."""
        self._digits.add(digits)

    async def send(self, request: HttpRequest) -> HttpResponse:
        response = await self._send(request)
        body = response.body
        # Longest first, because one secret may contain another.
        for value in sorted(self._disclosed, key=len, reverse=True):
            for written in {value, json.dumps(value)[1:-1]}:
                body = body.replace(written.encode(), REDACTED)
        for digits in sorted(self._digits, key=len, reverse=True):
            body = re.sub(_pattern(digits), REDACTED, body)
        return replace(response, body=body)


def _pattern(digits: str) -> bytes:
    written = re.escape(digits.encode())
    return written if len(digits) >= MIN_SECRET_LENGTH else rb"(?<!\d)" + written + rb"(?!\d)"
