"""Sends requests to providers.

URLs that are built in or set by the operator need no guard against private addresses. Requests to a
server that a tenant names go through the same guard as those of tools."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import aiohttp
from yarl import URL

from domain.common.settings import Settings
from domain.tools.http import EgressBlocked, HttpClient, HttpFailed, HttpRequest, HttpResponse
from persistence.guarded_http import SESSION_OPTIONS, exchange, reporting_failures

DEFAULT_BASE_URLS: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "google": "https://generativelanguage.googleapis.com",
    "deepgram": "https://api.deepgram.com",
    "cartesia": "https://api.cartesia.ai",
    "sarvam": "https://api.sarvam.ai",
}


class ProviderHttp:
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

    async def send(
        self, provider: str, request: HttpRequest, base_url: str | None = None
    ) -> HttpResponse:
        """Send the request, whose URL is a path, to the server that the tenant named, or else to the
        provider. A body is JSON. Raises `EgressBlocked` or `HttpFailed`."""
        url = (base_url or self._base_urls[provider]).rstrip("/") + request.url
        headers = dict(request.headers)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        request = replace(request, url=url, headers=headers)
        if base_url is None:
            return await _send(request)
        if self._guarded_http is None:
            raise EgressBlocked
        return await self._guarded_http.send(request)


async def _send(request: HttpRequest) -> HttpResponse:
    try:
        url = URL(request.url)
    except ValueError:
        raise HttpFailed("connect") from None
    if not url.host:
        raise HttpFailed("connect")
    with reporting_failures():
        async with (
            asyncio.timeout(request.timeout),
            aiohttp.ClientSession(**SESSION_OPTIONS) as http,
        ):
            return await exchange(http, request, url)
