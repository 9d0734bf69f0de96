"""Adapters that are loaded when they are first used. Most processes of the API and most keepers
never ask anybody over HTTP, and the library for it takes 7 MB.

A library that is not there from the start is imported in a thread: it takes a moment, in which others
are served."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from domain.addresses import AllowList
from domain.credentials import KeyTest
from domain.outbound import HttpRequest, HttpResponse
from domain.settings import Settings

if TYPE_CHECKING:
    from persistence.outbound import GuardedHttp
    from persistence.probes import HttpProber
    from persistence.sounds import ObjectStore


class OnDemandHttp:
    """HTTP to the outside for tools."""

    def __init__(self, allowed: str) -> None:
        AllowList.read(allowed)  # what is wrong with it is told at the start
        self._allowed = allowed
        self._http: GuardedHttp | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        if self._http is None:
            made = await asyncio.to_thread(_guarded_http)
            self._http = self._http or made(self._allowed)
        return await self._http.send(request)

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()


class OnDemandProber:
    """Asks providers whether they know a key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def ask(self, provider: str, key: str) -> KeyTest:
        made = await asyncio.to_thread(_http_prober)
        return await made(self._settings).ask(provider, key)


def sounds_of(settings: Settings, stack: AsyncExitStack) -> ObjectStore | None:
    """None: calls cannot be recorded."""
    if not settings.recordings_url:
        return None
    from persistence.sounds import ObjectStore  # loads obstore, which takes 5 MB

    sounds = ObjectStore.of(settings)
    if sounds is not None:
        stack.callback(sounds.close)
    return sounds


def _guarded_http() -> type[GuardedHttp]:
    from persistence.outbound import GuardedHttp  # loads aiohttp

    return GuardedHttp


def _http_prober() -> type[HttpProber]:
    from persistence.probes import HttpProber  # loads aiohttp

    return HttpProber
