"""Failover between providers: which one to use next, and the cooldown after a failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from domain.workflows.agents import ProviderChoice

COOLDOWN_SECONDS = 30.0
"""Cooldown after a failure; ignored when every provider is in cooldown."""

AvailabilityListener = Callable[[ProviderChoice, bool], None]
"""Receives the provider that became unavailable (False) or available again (True)."""
Cooldowns = dict[tuple[str, str, str | None], float]
"""When the cooldown of a provider, model and credential ends, as `time.monotonic`."""
ProviderT = TypeVar("ProviderT")


class FailoverPolicy(Generic[ProviderT]):
    """Orders providers as the agent lists them, with those in cooldown last."""

    def __init__(
        self,
        choices: Mapping[ProviderT, ProviderChoice],
        on_availability_changed: AvailabilityListener,
        cooldowns: Cooldowns | None = None,
    ) -> None:
        self._choices = choices
        self._on_availability_changed = on_availability_changed
        self._cooldowns: Cooldowns = {} if cooldowns is None else cooldowns

    @property
    def providers(self) -> list[ProviderT]:
        return list(self._choices)

    @property
    def has_single_provider(self) -> bool:
        return len(self._choices) == 1

    @property
    def preferred(self) -> ProviderT:
        return self.candidates()[0]

    def candidates(self) -> list[ProviderT]:
        now = time.monotonic()
        return sorted(self._choices, key=lambda provider: self._cooldown_until(provider) > now)

    def record_failure(self, provider: ProviderT) -> None:
        had_failed = self._cooldown_until(provider) > 0
        self._cooldowns[self._key(provider)] = time.monotonic() + COOLDOWN_SECONDS
        if not had_failed and not self.has_single_provider:
            self._on_availability_changed(self._choices[provider], False)

    def record_success(self, provider: ProviderT) -> None:
        had_failed = self._cooldowns.pop(self._key(provider), None) is not None
        if had_failed and not self.has_single_provider:
            self._on_availability_changed(self._choices[provider], True)

    def _cooldown_until(self, provider: ProviderT) -> float:
        return self._cooldowns.get(self._key(provider), 0.0)

    def _key(self, provider: ProviderT) -> tuple[str, str, str | None]:
        choice = self._choices[provider]
        return choice.provider, choice.model, choice.credential


class PreferredProviderIdentity:
    """Gives a fallback the model and provider names of its preferred provider."""

    policy: FailoverPolicy[Any]

    @property
    def model(self) -> str:
        return str(self.policy.preferred.model)

    @property
    def provider(self) -> str:
        return str(self.policy.preferred.provider)


def forward_metrics(policy: FailoverPolicy[Any], emit: Callable[..., Any]) -> None:
    """Emit the metrics of every provider as those of the fallback."""
    for provider in policy.providers:
        provider.on("metrics_collected", partial(emit, "metrics_collected"))
