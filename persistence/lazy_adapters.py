"""Adapters that are loaded when they are first used. Most API processes and most keepers never send
an HTTP request, and the library for it takes 7 MB.

The library is imported in a thread, so that the event loop serves other requests meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from domain.common.settings import Settings
from domain.tenants.credentials import (
    NO_ENDPOINT,
    DecryptedCredentials,
    KeyTestResult,
    ProviderEndpoint,
)
from domain.tenants.voice_previews import SpokenAudio, VoicePreview
from domain.tools.http import HttpClient, HttpRequest, HttpResponse
from domain.tools.network_allow_list import AllowList

if TYPE_CHECKING:
    from persistence.audio_store import ObjectStore
    from persistence.guarded_http import GuardedHttpClient
    from persistence.key_probes import HttpKeyProber
    from persistence.speech_synthesis import ProviderSynthesizer


class LazyHttpClient:
    """The HTTP client of tools, loaded at its first request."""

    def __init__(self, allowed: str) -> None:
        AllowList.parse(allowed)  # so that an invalid setting is reported at startup
        self._allowed = allowed
        self._http: GuardedHttpClient | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        if self._http is None:
            client_class = await asyncio.to_thread(_load_guarded_http)
            self._http = self._http or client_class(self._allowed)
        return await self._http.send(request)

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()


class LazyProviders:
    """What the API asks of providers itself; loaded at its first request."""

    def __init__(self, settings: Settings, guarded_http: HttpClient) -> None:
        self._settings = settings
        self._guarded_http = guarded_http

    async def test_key(
        self, provider: str, key: str, endpoint: ProviderEndpoint = NO_ENDPOINT
    ) -> KeyTestResult:
        prober = await asyncio.to_thread(_load_key_prober, self._settings, self._guarded_http)
        return await prober.test_key(provider, key, endpoint)

    async def synthesize(
        self, preview: VoicePreview, credentials: DecryptedCredentials
    ) -> SpokenAudio:
        synthesizer = await asyncio.to_thread(_load_synthesizer, self._settings, self._guarded_http)
        return await synthesizer.synthesize(preview, credentials)


def open_audio_store(settings: Settings, stack: AsyncExitStack) -> ObjectStore | None:
    """Open the store of recordings; None if RECORDINGS_URL is not set."""
    if not settings.recordings_url:
        return None
    from persistence.audio_store import ObjectStore  # loads obstore, which takes 5 MB

    audio_store = ObjectStore.from_settings(settings)
    if audio_store is not None:
        stack.callback(audio_store.close)
    return audio_store


def _load_guarded_http() -> type[GuardedHttpClient]:
    from persistence.guarded_http import GuardedHttpClient  # loads aiohttp

    return GuardedHttpClient


def _load_key_prober(settings: Settings, guarded_http: HttpClient) -> HttpKeyProber:
    from persistence.key_probes import HttpKeyProber  # loads aiohttp
    from persistence.provider_http import ProviderHttp

    return HttpKeyProber(ProviderHttp(settings, guarded_http=guarded_http))


def _load_synthesizer(settings: Settings, guarded_http: HttpClient) -> ProviderSynthesizer:
    from persistence.provider_http import ProviderHttp
    from persistence.speech_synthesis import ProviderSynthesizer  # loads aiohttp

    return ProviderSynthesizer(settings, ProviderHttp(settings, guarded_http=guarded_http))
