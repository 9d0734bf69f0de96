"""Asks providers whether they accept an API key.

URLs that are built in or set by the operator need no guard against private addresses. Requests to a
server that a tenant names go through the same guard as those of tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from domain.common.settings import Settings
from domain.tenants.credentials import NO_ENDPOINT, KeyTestResult, ProviderEndpoint, Verdict
from domain.tools.http import EgressBlocked, HttpClient, HttpFailed, HttpRequest

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
    def __init__(
        self,
        settings: Settings,
        base_urls: Mapping[str, str] | None = None,
        guarded_http: HttpClient | None = None,
    ) -> None:
        """`guarded_http` sends requests to servers that tenants name."""
        configured = {name: url for name, url in settings.provider_base_urls.items() if url}
        self._base_urls = {**DEFAULT_BASE_URLS, **configured, **(base_urls or {})}
        self._guarded_http = guarded_http

    async def test_key(
        self, provider: str, key: str, endpoint: ProviderEndpoint = NO_ENDPOINT
    ) -> KeyTestResult:
        request = self._request(provider, key, endpoint)
        try:
            if endpoint.url(provider) is None:
                status = await _send(request)
            elif self._guarded_http is not None:
                status = (await self._guarded_http.send(request)).status
            else:
                raise EgressBlocked
        except EgressBlocked:
            message = f"The server for {provider} has a private address, which is not allowed."
            return KeyTestResult(verdict=Verdict.UNREACHABLE, message=message)
        except (HttpFailed, aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = error.kind if isinstance(error, HttpFailed) else type(error).__name__
            message = f"{provider} could not be reached ({reason})."
            return KeyTestResult(verdict=Verdict.UNREACHABLE, message=message)
        return _key_test_from_status(provider, status)

    def _request(self, provider: str, key: str, endpoint: ProviderEndpoint) -> HttpRequest:
        probe = PROBE_REQUESTS[provider]
        base_url = endpoint.url(provider) or self._base_urls[provider]
        headers = {
            probe.header: f"{probe.prefix}{key}",
            **probe.extra_headers,
            **endpoint.headers,
        }
        body = None
        if probe.body is not None:
            body, headers["Content-Type"] = orjson.dumps(probe.body), "application/json"
        method = "GET" if body is None else "POST"
        url = base_url.rstrip("/") + probe.path
        return HttpRequest(method, url, headers, body, timeout=TIMEOUT_SECONDS)


async def _send(request: HttpRequest) -> int:
    timeout = aiohttp.ClientTimeout(total=request.timeout)
    async with (
        aiohttp.ClientSession(timeout=timeout) as http,
        http.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
        ) as response,
    ):
        return response.status


def _key_test_from_status(provider: str, status: int) -> KeyTestResult:
    if 200 <= status < 300:
        return KeyTestResult(verdict=Verdict.ACCEPTED, message=f"{provider} accepts the key.")
    # Gemini responds with 400 to an unknown key.
    if status in (401, 403) or (provider == "google" and status == 400):
        message = f"{provider} rejects the key (status {status})."
        return KeyTestResult(verdict=Verdict.REJECTED, message=message)
    message = f"{provider} responded with status {status}, which does not show if the key is valid."
    return KeyTestResult(verdict=Verdict.UNREACHABLE, message=message)
