"""Speaks a text with the TTS of a call's first agent. It loads the providers."""

from __future__ import annotations

import time

from livekit import rtc

from domain.calls.context import initial_context
from domain.calls.holding import HeldCall
from domain.common.settings import Settings
from domain.providers.model import ProviderKind
from domain.providers.prices import PriceList
from domain.tenants.provider_keys import ProviderKeys, ProviderMisconfigured
from domain.workflows.agents import ProviderChoice
from worker.common.usage_meter import UsageMeter
from worker.lobby.announcer import Speech
from worker.lobby.hold_audio import RATE
from worker.providers.tts_fallback import TtsFallback
from worker.session.speech import SpeechProviders


async def synthesize(held: HeldCall, text: str, settings: Settings) -> Speech:
    if held.credentials.problem:
        # The operator's keys are no fallback for a tenant's own, which the tenant pays for.
        raise ProviderMisconfigured(held.credentials.problem)
    meter = UsageMeter(PriceList(held.settings.prices))
    providers = SpeechProviders(
        ProviderKeys.from_settings(settings).with_tenant_credentials(held.credentials),
        _ignore_availability,
        meter.add_metrics,
        settings,
        held.call.language,
    )
    try:
        pcm = await _speak(_tts_of(held, providers), text)
    finally:
        await providers.aclose()
    return Speech(pcm, meter.drain(), time.monotonic())


def _tts_of(held: HeldCall, providers: SpeechProviders) -> TtsFallback:
    snapshot = held.version.snapshot
    node = snapshot.workflow.entry.id
    context = initial_context(held.call, held.settings.template_namespace)
    return providers.get_tts(snapshot.agent_at(node), context.visible_to(node))


async def _speak(tts: TtsFallback, text: str) -> bytes:
    resampler: rtc.AudioResampler | None = None
    pcm = bytearray()
    async with tts.stream() as stream:
        stream.push_text(text)
        stream.end_input()
        async for audio in stream:
            frame = audio.frame
            if resampler is None:
                resampler = rtc.AudioResampler(frame.sample_rate, RATE)
            _append(pcm, resampler.push(frame))
    if resampler is not None:
        _append(pcm, resampler.flush())
    return bytes(pcm)


def _append(pcm: bytearray, frames: list[rtc.AudioFrame]) -> None:
    for frame in frames:
        pcm.extend(frame.data.cast("B"))


def _ignore_availability(choice: ProviderChoice, available: bool, kind: ProviderKind) -> None:
    """The log of the call belongs to the worker that claims it."""
