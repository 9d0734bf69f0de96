"""Counts what is used of each model while a call goes on, by the names that agents choose by.

It listens to the models themselves, not to the session: so it knows which of a chain was asked,
and what was asked beside the conversation, for a summary."""

from __future__ import annotations

from typing import Any, Protocol

from livekit.agents.metrics import LLMMetrics, STTMetrics, TTSMetrics

from domain.providers.model import ProviderKind
from domain.providers.prices import PriceList
from domain.providers.usage import Usage, spent, summed
from domain.workflows.agents import ProviderChoice


class Measured(Protocol):
    """Told what a provider says it has done."""

    def __call__(self, kind: ProviderKind, choice: ProviderChoice, metrics: Any) -> None: ...


class Meter:
    def __init__(self, prices: PriceList) -> None:
        self._prices = prices
        self._open: tuple[Usage, ...] = ()

    def count(self, kind: ProviderKind, choice: ProviderChoice, metrics: Any) -> None:
        used = Usage(kind=kind, provider=choice.provider, model=choice.model, **_counted(metrics))
        if not used.is_nothing:
            self._open = summed((*self._open, used))

    @property
    def open(self) -> tuple[Usage, ...]:
        """What has been used since it was last taken."""
        return tuple(used.at(self._prices.cost(used)) for used in self._open)

    @property
    def spent(self) -> int:
        return spent(self.open)

    def taken(self) -> tuple[Usage, ...]:
        """The same, to be told of in the log: the count begins anew."""
        open_, self._open = self.open, ()
        return open_


def _counted(metrics: Any) -> dict[str, int]:
    match metrics:
        case LLMMetrics():
            return {
                "input_tokens": metrics.prompt_tokens,
                "cached_tokens": metrics.prompt_cached_tokens,
                "output_tokens": metrics.completion_tokens,
            }
        case STTMetrics():
            return {
                "audio_ms": round(metrics.audio_duration * 1000),
                "input_tokens": metrics.input_tokens,
                "output_tokens": metrics.output_tokens,
            }
        case TTSMetrics():
            return {
                "characters": metrics.characters_count,
                "audio_ms": round(metrics.audio_duration * 1000),
                "input_tokens": metrics.input_tokens,
                "output_tokens": metrics.output_tokens,
            }
    return {}
