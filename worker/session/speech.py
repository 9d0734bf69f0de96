"""The STT and TTS of a call's agents. Agents with the same configuration share an instance, so that
its connection survives a hand-off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from typing import Any, Protocol

import aiohttp

from domain.common.languages import MULTILINGUAL, primary_subtag, supports_language
from domain.common.settings import Settings
from domain.providers.model import ProviderKind
from domain.templating.templates import render
from domain.tenants.provider_keys import ProviderKeys
from domain.workflows.agents import AgentSpec, ProviderChoice, Voice
from worker.common.usage_meter import MetricsListener
from worker.providers.account_sessions import AccountSessions
from worker.providers.failover import Cooldowns
from worker.providers.http import create_http_session
from worker.providers.registry import SpeechBuildContext, build_stt, build_tts
from worker.providers.stt import UNKNOWN_LANGUAGE
from worker.providers.stt_fallback import SttFallback, TranscriptFilter
from worker.providers.tts_fallback import TtsFallback
from worker.session.overlap_filter import OverlapFilter

UNSPECIFIED_LANGUAGES = (MULTILINGUAL, UNKNOWN_LANGUAGE)
PHONE_SAMPLE_RATE = 16_000
"""The most that a telephone transmits, in Hz: G.722, which livekit-sip prefers, has 16 kHz, and G.711
has 8."""
MIN_WORDS_TO_SWITCH_LANGUAGE = 2
"""A single word such as "okay" does not mean that the caller has switched languages."""


class SpeechAvailabilityListener(Protocol):
    """Receives the provider that became unavailable (False) or available again (True)."""

    def __call__(self, choice: ProviderChoice, available: bool, kind: ProviderKind) -> None: ...


class SpeechProviders:
    def __init__(
        self,
        keys: ProviderKeys,
        on_availability_changed: SpeechAvailabilityListener,
        on_metrics: MetricsListener,
        settings: Settings,
        language: str | None = None,
        *,
        is_phone: bool = False,
    ) -> None:
        """`language` is the one that agents speak until the caller's is known; None for their own."""
        self._tts_sample_rate = PHONE_SAMPLE_RATE if is_phone else None
        self._keys = keys
        self._timeouts = {
            ProviderKind.STT: settings.stt_timeout_seconds,
            ProviderKind.TTS: settings.tts_timeout_seconds,
        }
        self._on_availability_changed = on_availability_changed
        self._on_metrics = on_metrics
        self._http: aiohttp.ClientSession | None = None
        self._account_sessions = AccountSessions()
        self._cooldowns: dict[ProviderKind, Cooldowns] = {kind: {} for kind in ProviderKind}
        self._stt_by_key: dict[str, SttFallback] = {}
        self._tts_by_key: dict[str, TtsFallback] = {}
        self.caller_language: str | None = None
        """The language of the caller's last turn; None while it is not known."""
        self._reply_language = language
        self.overlap = OverlapFilter()
        self.transcripts: TranscriptFilter = self.overlap
        """What the events of the STTs pass; set before the first STT is built."""

    def update_caller_language(self, text: str, language: str | None) -> None:
        """Take the language of a final transcript, if the STT detected one."""
        if not language or language in UNSPECIFIED_LANGUAGES:
            return
        self.caller_language = language
        if self._reply_language is None or len(text.split()) >= MIN_WORDS_TO_SWITCH_LANGUAGE:
            self._reply_language = language

    def spoken_language(self, spec: AgentSpec) -> str | None:
        """The language that the agent speaks now: the caller's, or the agent's first one if the
        agent does not speak it; None if neither is known."""
        known = {primary_subtag(tag) for tag in spec.languages} or {
            primary_subtag(tag)
            for tag in (*spec.expected_languages, *(v.language for v in spec.voices))
        }
        spoken = self._reply_language
        if spoken is not None and (not known or primary_subtag(spoken) in known):
            return spoken
        return spec.first_language

    def transcript_overdue(self, since: float) -> None:
        """Report that the caller started to speak at `since` (as `time.time`) and no transcript
        arrived in time."""
        for stt in self._stt_by_key.values():
            stt.transcript_overdue(since)

    def stop_listening(self) -> None:
        """Send no more audio to the STT, because the call is over."""
        for stt in self._stt_by_key.values():
            stt.stop()

    def get_stt(self, spec: AgentSpec) -> SttFallback:
        assert spec.stt is not None, "a voice call is not started without an STT"
        languages = spec.expected_languages
        key = _key(asdict(spec.stt), languages, spec.keyterms)
        if key not in self._stt_by_key:
            build_context = self._build_context(ProviderKind.STT)
            self._stt_by_key[key] = build_stt(spec.stt, build_context, languages, spec.keyterms)
        return self._stt_by_key[key]

    def get_private_stt(self, spec: AgentSpec) -> SttFallback:
        """An STT for another party than the caller: its transcripts do not reach the agents."""
        assert spec.stt is not None, "a voice call is not started without an STT"
        languages = spec.expected_languages
        key = _key("private", asdict(spec.stt), languages)
        if key not in self._stt_by_key:
            build_context = replace(self._build_context(ProviderKind.STT), transcripts=None)
            self._stt_by_key[key] = build_stt(spec.stt, build_context, languages, ())
        return self._stt_by_key[key]

    def get_tts(self, spec: AgentSpec, context: Mapping[str, Any]) -> TtsFallback:
        """The TTS for the caller's language, or for the default one if the agent has no voice."""
        assert spec.tts is not None, "a voice call is not started without a TTS"
        language = self._tts_language(spec)
        voice = render(_voice_for(spec.voices, language), context, {})
        key = _key(asdict(spec.tts), language, voice)
        if key not in self._tts_by_key:
            build_context = self._build_context(ProviderKind.TTS)
            self._tts_by_key[key] = build_tts(spec.tts, build_context, language, voice or None)
        return self._tts_by_key[key]

    def _tts_language(self, spec: AgentSpec) -> str | None:
        spoken, default = self._reply_language, next(iter(spec.expected_languages), None)
        if spoken is None or (spec.languages and not supports_language(spec.languages, spoken)):
            return default
        matches = [
            v.language for v in spec.voices if primary_subtag(v.language) == primary_subtag(spoken)
        ]
        return next(iter(sorted(matches, key=lambda each: each != spoken)), default)

    def _build_context(self, kind: ProviderKind) -> SpeechBuildContext:
        if self._http is None:
            self._http = create_http_session()
        return SpeechBuildContext(
            keys=self._keys,
            http=self._http,
            on_availability_changed=lambda choice, available: self._on_availability_changed(
                choice, available, kind
            ),
            on_metrics=self._on_metrics,
            cooldowns=self._cooldowns[kind],
            timeout_seconds=self._timeouts[kind],
            transcripts=self.transcripts,
            tts_sample_rate=self._tts_sample_rate,
            account_sessions=self._account_sessions,
        )

    async def aclose(self) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._account_sessions.aclose)
            if self._http is not None:
                stack.push_async_callback(self._http.close)
            for stt in self._stt_by_key.values():
                stack.push_async_callback(stt.aclose)
            for tts in self._tts_by_key.values():
                stack.push_async_callback(tts.aclose)


def _voice_for(voices: tuple[Voice, ...], language: str | None) -> str:
    """The voice for the language, else for its primary subtag (en for en-IN), else the first."""
    subtag = primary_subtag(language or "")
    for matches in (
        lambda v: v.language == language,
        lambda v: primary_subtag(v.language) == subtag,
        lambda v: True,
    ):
        voice = next((v.voice for v in voices if matches(v)), None)
        if voice is not None:
            return voice
    return ""


def _key(*facts: Any) -> str:
    return json.dumps(facts, sort_keys=True, default=dict)
