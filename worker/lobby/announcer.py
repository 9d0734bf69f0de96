"""The texts that callers on hold hear, spoken once and then repeated for all callers of a workflow."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from domain.calls.holding import HeldCall
from domain.common.settings import Settings
from domain.providers.usage import Usage

log = logging.getLogger(__name__)

SYNTHESIS_TIMEOUT_SECONDS = 15.0
FAILURE_SECONDS = 60.0
"""How long a text that could not be spoken is not tried again."""
MAX_CACHED_TEXTS = 64


@dataclass(frozen=True, slots=True)
class Speech:
    """A spoken text at the rate of a telephone line; empty if it could not be spoken. `usage` is what
    speaking it has used, which only the first caller is charged for."""

    pcm: bytes = b""
    usage: tuple[Usage, ...] = ()
    at: float = 0.0

    @property
    def is_outdated(self) -> bool:
        return not self.pcm and time.monotonic() - self.at > FAILURE_SECONDS


class Synthesis(Protocol):
    async def synthesize(self, held: HeldCall, text: str, settings: Settings) -> Speech: ...


class Announcer:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cache: OrderedDict[tuple[str, ...], Speech] = OrderedDict()
        self._lock = asyncio.Lock()
        """Texts are spoken one after the other, so that each is spoken once."""

    async def speak(self, held: HeldCall, text: str) -> Speech:
        """The text in the voice of the first agent. Silence if that fails: the tones remain."""
        call = held.call
        key = (str(call.tenant_id), str(call.version_id), call.language or "", text)
        async with self._lock:
            cached = self._cache.get(key)
            if cached is not None and not cached.is_outdated:
                self._cache.move_to_end(key)
                return Speech(cached.pcm, at=cached.at)
            speech = await self._synthesize(held, text)
            self._cache[key] = speech
            while len(self._cache) > MAX_CACHED_TEXTS:
                self._cache.popitem(last=False)
            return speech

    async def _synthesize(self, held: HeldCall, text: str) -> Speech:
        try:
            async with asyncio.timeout(SYNTHESIS_TIMEOUT_SECONDS):
                # It takes 100 MB, so it is loaded only where there is something to say.
                loaded = await asyncio.to_thread(import_module, "worker.lobby.synthesis")
                synthesis = cast(Synthesis, loaded)
                return await synthesis.synthesize(held, text, self._settings)
        except Exception as error:  # noqa: BLE001 - a provider may raise anything
            facts = {"call_id": str(held.call.id), "why": type(error).__name__}
            log.warning("cannot speak an announcement", extra=facts)
            return Speech(at=time.monotonic())
