"""The usage of providers by a call, and its cost.

A usage event reports what was used since the previous one; the sum over the log is the usage of the
call. Each event carries its cost at the price of that time, so later prices do not change the past."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from domain.providers.model import ProviderKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The usage of one model. `cost` is in billionths of a dollar; None: the price is unknown."""

    kind: ProviderKind
    provider: str
    model: str
    input_tokens: int = 0
    cached_tokens: int = 0
    """The input tokens that the provider had cached."""
    output_tokens: int = 0
    characters: int = 0
    audio_ms: int = 0
    cost: int | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.input_tokens or self.output_tokens or self.characters or self.audio_ms)

    @property
    def key(self) -> tuple[str, str, str, bool]:
        """Usage with equal keys is added up; usage without a price is kept apart from usage with
        one."""
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
    """The cost of one provider, in billionths of a dollar. `partial`: some usage has no price."""

    provider: str
    total: int
    partial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of a call, in billionths of a dollar. `partial`: some usage has no price, so the
    actual cost is higher."""

    total: int
    partial: bool
    by_provider: tuple[ProviderCost, ...]


def merge_usage(parts: Iterable[Usage]) -> tuple[Usage, ...]:
    """Add up usage by key, in a fixed order: the result does not depend on how usage was split."""
    sums: dict[tuple[str, str, str, bool], Usage] = {}
    for part in parts:
        known = sums.get(part.key)
        sums[part.key] = part if known is None else known + part
    return tuple(sums[key] for key in sorted(sums))


def total_cost(parts: Iterable[Usage]) -> int:
    return sum(part.cost or 0 for part in parts)


def is_partial(parts: Iterable[Usage]) -> bool:
    return any(part.cost is None for part in parts)


def cost_of(parts: Iterable[Usage]) -> Cost | None:
    """Returns None when nothing was used."""
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
    parts = [part for part in used if part.provider == provider]
    return ProviderCost(provider=provider, total=total_cost(parts), partial=is_partial(parts))
