"""What a call used of its providers, and what that comes to.

An event of the log says what was used since the one before; the sum over the log is what the call
used. Each part carries its price as it was then, so a later price list does not rewrite the past."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from domain.providers.model import ProviderKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was used of one model. `cost` is in billionths of a dollar; None: no price is known."""

    kind: ProviderKind
    provider: str
    model: str
    input_tokens: int = 0
    cached_tokens: int = 0
    """Of the input tokens, those that the provider still knew."""
    output_tokens: int = 0
    characters: int = 0
    audio_ms: int = 0
    cost: int | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.input_tokens or self.output_tokens or self.characters or self.audio_ms)

    @property
    def key(self) -> tuple[str, str, str, bool]:
        """Parts of the same are added up; those without a price stay apart from those with one."""
        return (self.kind, self.provider, self.model, self.cost is None)

    def with_cost(self, cost: int | None) -> Usage:
        return replace(self, cost=cost)

    def __add__(self, other: Usage) -> Usage:
        return replace(
            self,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            characters=self.characters + other.characters,
            audio_ms=self.audio_ms + other.audio_ms,
            cost=None if self.cost is None else self.cost + (other.cost or 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCost:
    """What one provider is owed; `partial`: something of it has no price."""

    provider: str
    total: int
    partial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a call comes to; `partial`: something of it has no price, so it costs more."""

    total: int
    partial: bool
    by_provider: tuple[ProviderCost, ...]


def merge_usage(parts: Iterable[Usage]) -> tuple[Usage, ...]:
    """One for each model, in an order of their own: however the parts were cut, the sum is one."""
    sums: dict[tuple[str, str, str, bool], Usage] = {}
    for part in parts:
        known = sums.get(part.key)
        sums[part.key] = part if known is None else known + part
    return tuple(sums[what] for what in sorted(sums))


def total_cost(parts: Iterable[Usage]) -> int:
    return sum(part.cost or 0 for part in parts)


def is_partial(parts: Iterable[Usage]) -> bool:
    return any(part.cost is None for part in parts)


def cost_of(parts: Iterable[Usage]) -> Cost | None:
    """None: nothing was used."""
    used = tuple(parts)
    if not used:
        return None
    providers = sorted({part.provider for part in used})
    return Cost(
        total=total_cost(used),
        partial=is_partial(used),
        by_provider=tuple(_provider_cost(name, used) for name in providers),
    )


def _provider_cost(provider: str, used: tuple[Usage, ...]) -> ProviderCost:
    its = [part for part in used if part.provider == provider]
    return ProviderCost(provider=provider, total=total_cost(its), partial=is_partial(its))
