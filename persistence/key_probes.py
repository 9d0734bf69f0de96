"""Asks providers whether they accept an API key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from domain.tenants.credentials import NO_ENDPOINT, KeyTestResult, ProviderEndpoint, Verdict
from domain.tools.http import EgressBlocked, HttpFailed, HttpRequest
from persistence.provider_http import ProviderHttp

TIMEOUT_SECONDS = 10.0
MAX_BODY_BYTES = 8 * 1024 * 1024
"""Some servers list thousands of models."""


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
    def __init__(self, http: ProviderHttp) -> None:
        self._http = http

    async def test_key(
        self, provider: str, key: str, endpoint: ProviderEndpoint = NO_ENDPOINT
    ) -> KeyTestResult:
        probe, base_url = PROBE_REQUESTS[provider], endpoint.url(provider)
        try:
            response = await self._http.send(
                provider,
                HttpRequest(
                    "GET" if probe.body is None else "POST",
                    probe.path,
                    {
                        probe.header: f"{probe.prefix}{key}",
                        **probe.extra_headers,
                        **endpoint.headers,
                    },
                    None if probe.body is None else orjson.dumps(probe.body),
                    timeout=TIMEOUT_SECONDS,
                    max_body_bytes=MAX_BODY_BYTES,
                ),
                base_url,
            )
        except EgressBlocked:
            message = f"The server for {provider} has a private address, which is not allowed."
            return KeyTestResult(verdict=Verdict.UNREACHABLE, message=message)
        except HttpFailed as error:
            message = f"{provider} could not be reached ({error.kind})."
            return KeyTestResult(verdict=Verdict.UNREACHABLE, message=message)
        return _key_test_from_status(provider, response.status)


def _key_test_from_status(provider: str, status: int) -> KeyTestResult:
    if 200 <= status < 300:
        return KeyTestResult(verdict=Verdict.ACCEPTED, message=f"{provider} accepts the key.")
    # Gemini responds with 400 to an unknown key.
    if status in (401, 403) or (provider == "google" and status == 400):
        message = f"{provider} rejects the key (status {status})."
        return KeyTestResult(verdict=Verdict.REJECTED, message=message)
    message = f"{provider} responded with status {status}, which does not show if the key is valid."
    return KeyTestResult(verdict=Verdict.UNREACHABLE, message=message)
