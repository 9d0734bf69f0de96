"""Counts the usage of each model during a call, by the provider and model names of the agents.

It listens to the models rather than to the session, so it knows which model of a fallback chain
was used, and counts requests outside of the conversation, such as summaries."""

from __future__ import annotations

from typing import Any, Protocol

from livekit.agents.metrics import LLMMetrics, STTMetrics, TTSMetrics

from domain.providers.model import ProviderKind
from domain.providers.prices import PriceList
from domain.providers.usage import Usage, merge_usage, total_cost
from domain.workflows.agents import ProviderChoice


class MetricsListener(Protocol):
    """Receives the metrics that a provider reports."""

    def __call__(self, kind: ProviderKind, choice: ProviderChoice, metrics: Any) -> None: ...


class UsageMeter:
    def __init__(self, prices: PriceList) -> None:
        self._prices = prices
        self._pending: tuple[Usage, ...] = ()

    def add_metrics(self, kind: ProviderKind, choice: ProviderChoice, metrics: Any) -> None:
        used = Usage(
            kind=kind, provider=choice.provider, model=choice.model, **_usage_fields(metrics)
        )
        self.add(used)

    def add(self, used: Usage) -> None:
        if not used.is_empty:
            self._pending = merge_usage((*self._pending, used))

    @property
    def pending(self) -> tuple[Usage, ...]:
        """Usage since the last `drain`."""
        return tuple(used.with_cost(self._prices.cost(used)) for used in self._pending)

    @property
    def has_pending(self) -> bool:
        return bool(self._pending)

    @property
    def pending_cost(self) -> int:
        return total_cost(self.pending)

    def drain(self) -> tuple[Usage, ...]:
        """Return the pending usage and reset it. The caller records it in the event log."""
        drained, self._pending = self.pending, ()
        return drained


def _usage_fields(metrics: Any) -> dict[str, int]:
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
