"""The ears and voices of a call's agents. Agents that hear or speak alike share one object, so that
its connection outlives a hand-off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any, Protocol

import aiohttp

from domain.agents import AgentSpec, ProviderChoice, Voice
from domain.languages import ANY, base, speaks
from domain.providers import ProviderKind
from domain.settings import Settings
from domain.templates import render
from worker.meter import Measured
from worker.providers import Means, build_stt, build_tts
from worker.providers.ears import Ears
from worker.providers.hearing import UNKNOWN
from worker.providers.keys import ProviderKeys
from worker.providers.order import Rests
from worker.providers.voices import Voices
from worker.providers.wire import connections

NO_LANGUAGES = (ANY, UNKNOWN)
SURE_WORDS = 2
"""An "okay" alone does not tell that the caller has changed their language."""


class Changed(Protocol):
    """Told which provider failed (False), or is back (True)."""

    def __call__(self, choice: ProviderChoice, available: bool, kind: ProviderKind) -> None: ...


class Speech:
    def __init__(
        self, keys: ProviderKeys, changed: Changed, measured: Measured, settings: Settings
    ) -> None:
        self._keys = keys
        self._timeouts = {
            ProviderKind.STT: settings.stt_timeout_seconds,
            ProviderKind.TTS: settings.tts_timeout_seconds,
        }
        self._changed = changed
        self._measured = measured
        self._http: aiohttp.ClientSession | None = None
        self._rests: dict[ProviderKind, Rests] = {kind: {} for kind in ProviderKind}
        self._ears: dict[str, Ears] = {}
        self._voices: dict[str, Voices] = {}
        self.language: str | None = None
        """The one that the caller was last heard to speak."""
        self._answered: str | None = None

    def heard(self, text: str, language: str | None) -> None:
        """The caller said this, in that language where the provider told it."""
        if not language or language in NO_LANGUAGES:
            return
        self.language = language
        if self._answered is None or len(text.split()) >= SURE_WORDS:
            self._answered = language

    def overdue(self, since: float) -> None:
        """The caller has spoken since then, by the clock, and no words came of it."""
        for ears in self._ears.values():
            ears.overdue(since)

    def ears(self, spec: AgentSpec) -> Ears:
        assert spec.stt is not None, "a call without ears is not started"
        languages = _expected(spec)
        key = _key(asdict(spec.stt), languages, spec.keyterms)
        if key not in self._ears:
            means = self._means(ProviderKind.STT)
            self._ears[key] = build_stt(spec.stt, means, languages, spec.keyterms)
        return self._ears[key]

    def voice(self, spec: AgentSpec, seen: Mapping[str, Any]) -> Voices:
        """The one of the caller's language, when the agent has one for it."""
        assert spec.tts is not None, "a call without voices is not started"
        language = self._spoken(spec)
        voice = render(_voice_for(spec.voices, language), seen, {})
        key = _key(asdict(spec.tts), language, voice)
        if key not in self._voices:
            means = self._means(ProviderKind.TTS)
            self._voices[key] = build_tts(spec.tts, means, language, voice or None)
        return self._voices[key]

    def _spoken(self, spec: AgentSpec) -> str | None:
        heard, usual = self._answered, next(iter(_expected(spec)), None)
        if heard is None or (spec.languages and not speaks(spec.languages, heard)):
            return usual
        fitting = [v.language for v in spec.voices if base(v.language) == base(heard)]
        return next(iter(sorted(fitting, key=lambda each: each != heard)), usual)

    def _means(self, kind: ProviderKind) -> Means:
        if self._http is None:
            self._http = connections()
        return Means(
            keys=self._keys,
            http=self._http,
            changed=lambda choice, available: self._changed(choice, available, kind),
            measured=self._measured,
            rests=self._rests[kind],
            timeout_seconds=self._timeouts[kind],
        )

    async def aclose(self) -> None:
        async with AsyncExitStack() as stack:
            if self._http is not None:
                stack.push_async_callback(self._http.close)
            for ears in self._ears.values():
                stack.push_async_callback(ears.aclose)
            for voice in self._voices.values():
                stack.push_async_callback(voice.aclose)


def _expected(spec: AgentSpec) -> tuple[str, ...]:
    """The languages that a caller may speak, the likeliest first."""
    first = (spec.default_language,) if spec.default_language else ()
    return tuple(dict.fromkeys((*first, *spec.languages)))


def _voice_for(voices: tuple[Voice, ...], language: str | None) -> str:
    """That of the language; else of its family, as en for en-IN; else the first."""
    family = base(language or "")
    for fits in (
        lambda v: v.language == language,
        lambda v: base(v.language) == family,
        lambda v: True,
    ):
        found = next((v.voice for v in voices if fits(v)), None)
        if found is not None:
            return found
    return ""


def _key(*facts: Any) -> str:
    return json.dumps(facts, sort_keys=True, default=dict)
