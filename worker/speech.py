"""The ears and voices of a call's agents. Agents that hear or speak alike share one object, so that
its connection outlives a hand-off."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from livekit.agents import stt, tts

from domain.agents import AgentSpec, ProviderChoice, Voice
from domain.providers import ProviderKind
from domain.templates import render
from worker.meter import Measured
from worker.providers import build_stt, build_tts
from worker.providers.keys import ProviderKeys


class Changed(Protocol):
    """Told which provider failed (False), or is back (True)."""

    def __call__(self, choice: ProviderChoice, available: bool, kind: ProviderKind) -> None: ...


class Speech:
    def __init__(self, keys: ProviderKeys, changed: Changed, measured: Measured) -> None:
        self._keys = keys
        self._changed = changed
        self._measured = measured
        self._built: dict[str, stt.STT[Any] | tts.TTS[Any]] = {}
        self.language: str | None = None
        """The one that the caller was last heard to speak."""

    def ears(self, spec: AgentSpec) -> stt.STT[Any]:
        assert spec.stt is not None, "a call without ears is not started"
        language = spec.default_language
        key = _key("stt", asdict(spec.stt), language, spec.keyterms)
        if key not in self._built:
            told = self._of(ProviderKind.STT)
            self._built[key] = build_stt(
                spec.stt, self._keys, language, spec.keyterms, told, self._measured
            )
        found = self._built[key]
        assert isinstance(found, stt.STT)
        return found

    def voice(self, spec: AgentSpec, seen: Mapping[str, Any]) -> tts.TTS[Any]:
        assert spec.tts is not None, "a call without voices is not started"
        language = spec.default_language
        voice = render(_voice_for(spec.voices, language), seen, {})
        key = _key("tts", asdict(spec.tts), language, voice)
        if key not in self._built:
            told = self._of(ProviderKind.TTS)
            self._built[key] = build_tts(
                spec.tts, self._keys, language, voice or None, told, self._measured
            )
        found = self._built[key]
        assert isinstance(found, tts.TTS)
        return found

    def _of(self, kind: ProviderKind) -> Callable[[ProviderChoice, bool], None]:
        return lambda choice, available: self._changed(choice, available, kind)

    async def aclose(self) -> None:
        for built in self._built.values():
            await built.aclose()


def _voice_for(voices: tuple[Voice, ...], language: str | None) -> str:
    """That of the language; else of its family, as en for en-IN; else the first."""
    family = (language or "").split("-")[0]
    for fits in (
        lambda v: v.language == language,
        lambda v: v.language.split("-")[0] == family,
        lambda v: True,
    ):
        found = next((v.voice for v in voices if fits(v)), None)
        if found is not None:
            return found
    return ""


def _key(*facts: Any) -> str:
    return json.dumps(facts, sort_keys=True, default=dict)
