"""Adapters that are loaded when they are first used. Most processes of the API and most keepers
never ask anybody over HTTP, and the library for it takes 7 MB.

A library that is not there from the start is imported in a thread: it takes a moment, in which others
are served."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from domain.common.settings import Settings
from domain.tenants.credentials import KeyTestResult
from domain.tools.http import HttpRequest, HttpResponse
from domain.tools.network_allow_list import AllowList

if TYPE_CHECKING:
    from persistence.audio_store import ObjectStore
    from persistence.guarded_http import GuardedHttpClient
    from persistence.key_probes import HttpKeyProber


class LazyHttpClient:
    """HTTP to the outside for tools."""

    def __init__(self, allowed: str) -> None:
        AllowList.parse(allowed)  # what is wrong with it is told at the start
        self._allowed = allowed
        self._http: GuardedHttpClient | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        if self._http is None:
            made = await asyncio.to_thread(_load_guarded_http)
            self._http = self._http or made(self._allowed)
        return await self._http.send(request)

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()


class LazyKeyProber:
    """Asks providers whether they know a key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def test_key(self, provider: str, key: str) -> KeyTestResult:
        made = await asyncio.to_thread(_load_http_prober)
        return await made(self._settings).test_key(provider, key)


def open_audio_store(settings: Settings, stack: AsyncExitStack) -> ObjectStore | None:
    """None: calls cannot be recorded."""
    if not settings.recordings_url:
        return None
    from persistence.audio_store import ObjectStore  # loads obstore, which takes 5 MB

    sounds = ObjectStore.from_settings(settings)
    if sounds is not None:
        stack.callback(sounds.close)
    return sounds


def _load_guarded_http() -> type[GuardedHttpClient]:
    from persistence.guarded_http import GuardedHttpClient  # loads aiohttp

    return GuardedHttpClient


def _load_http_prober() -> type[HttpKeyProber]:
    from persistence.key_probes import HttpKeyProber  # loads aiohttp

    return HttpKeyProber
