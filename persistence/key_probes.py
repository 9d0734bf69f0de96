"""Asks providers whether they know a key. Their addresses are ours, or the operator's: no guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from domain.common.settings import Settings
from domain.tenants.credentials import KeyTestResult, Verdict

TIMEOUT_SECONDS = 10.0
DEFAULT_BASE_URLS: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "google": "https://generativelanguage.googleapis.com",
    "deepgram": "https://api.deepgram.com",
    "cartesia": "https://api.cartesia.ai",
    "sarvam": "https://api.sarvam.ai",
}


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """A request that costs nothing and that a wrong key is refused."""

    path: str
    header: str
    prefix: str = ""
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


PROBE_REQUESTS: Mapping[str, ProbeRequest] = {
    "openai": ProbeRequest("/models", "Authorization", "Bearer "),
    "google": ProbeRequest("/v1beta/models", "x-goog-api-key"),
    "deepgram": ProbeRequest("/v1/projects", "Authorization", "Token "),
    "cartesia": ProbeRequest(
        "/voices?limit=1", "X-API-Key", extra_headers={"Cartesia-Version": "2025-04-16"}
    ),
    "sarvam": ProbeRequest("/text-lid", "api-subscription-key", body={"input": "namaste"}),
}


class HttpKeyProber:
    def __init__(self, settings: Settings, base_urls: Mapping[str, str] | None = None) -> None:
        configured = {name: url for name, url in settings.provider_base_urls.items() if url}
        self._base_urls = {**DEFAULT_BASE_URLS, **configured, **(base_urls or {})}

    async def test_key(self, provider: str, key: str) -> KeyTestResult:
        question = PROBE_REQUESTS[provider]
        url = self._base_urls[provider].rstrip("/") + question.path
        headers = {question.header: f"{question.prefix}{key}", **question.extra_headers}
        method = "GET" if question.body is None else "POST"
        try:
            patience = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            async with (
                aiohttp.ClientSession(timeout=patience) as http,
                http.request(
                    method, url, headers=headers, json=question.body, allow_redirects=False
                ) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            message = f"{provider} could not be reached ({type(error).__name__})."
            return KeyTestResult(verdict=Verdict.UNREACHABLE, message=message)
        return _key_test_from_status(provider, status)


def _key_test_from_status(provider: str, status: int) -> KeyTestResult:
    if 200 <= status < 300:
        return KeyTestResult(verdict=Verdict.ACCEPTED, message=f"{provider} accepts the key.")
    # Gemini answers 400 to a key that it does not know.
    if status in (401, 403) or (provider == "google" and status == 400):
        message = f"{provider} refuses the key (status {status})."
        return KeyTestResult(verdict=Verdict.REJECTED, message=message)
    message = f"{provider} answered with status {status}, which says nothing about the key."
    return KeyTestResult(verdict=Verdict.UNREACHABLE, message=message)
