"""Asks providers whether they accept an API key.

The URLs are built in or set by the operator, so they need no guard against private addresses."""

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
    """A request that is free of charge and that the provider rejects if the key is wrong."""

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
        probe = PROBE_REQUESTS[provider]
        url = self._base_urls[provider].rstrip("/") + probe.path
        headers = {probe.header: f"{probe.prefix}{key}", **probe.extra_headers}
        method = "GET" if probe.body is None else "POST"
        try:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.request(
                    method, url, headers=headers, json=probe.body, allow_redirects=False
                ) as response,
            ):
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            message = f"{provider} could not be reached ({type(error).__name__})."
            return KeyTestResult(verdict=Verdict.UNREACHABLE, message=message)
        return _key_test_from_status(provider, status)


def _key_test_from_status(provider: str, status: int) -> KeyTestResult:
    if 200 <= status < 300:
        return KeyTestResult(verdict=Verdict.ACCEPTED, message=f"{provider} accepts the key.")
    # Gemini responds with 400 to an unknown key.
    if status in (401, 403) or (provider == "google" and status == 400):
        message = f"{provider} rejects the key (status {status})."
        return KeyTestResult(verdict=Verdict.REJECTED, message=message)
    message = f"{provider} responded with status {status}, which does not show if the key is valid."
    return KeyTestResult(verdict=Verdict.UNREACHABLE, message=message)
