"""Whose turn it is among providers that stand in for each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from domain.workflows.agents import ProviderChoice

COOLDOWN_SECONDS = 30.0
"""So long one that failed is passed by, unless all others fail too."""

AvailabilityListener = Callable[[ProviderChoice, bool], None]
"""Told which provider failed (False), or is back (True)."""
Cooldowns = dict[tuple[str, str], float]
"""Until when providers and their models are passed by."""
ProviderT = TypeVar("ProviderT")


class FailoverPolicy(Generic[ProviderT]):
    """The order of the agent, but those that failed of late come last."""

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
        return sorted(self._choices, key=lambda one: self._cooldown_until(one) > time.monotonic())

    def record_failure(self, one: ProviderT) -> None:
        rested = self._cooldown_until(one) > 0
        self._cooldowns[self._key(one)] = time.monotonic() + COOLDOWN_SECONDS
        if not rested and not self.has_single_provider:
            self._on_availability_changed(self._choices[one], False)

    def record_success(self, one: ProviderT) -> None:
        if self._cooldowns.pop(self._key(one), None) is not None and not self.has_single_provider:
            self._on_availability_changed(self._choices[one], True)

    def _cooldown_until(self, one: ProviderT) -> float:
        return self._cooldowns.get(self._key(one), 0.0)

    def _key(self, one: ProviderT) -> tuple[str, str]:
        return self._choices[one].provider, self._choices[one].model


class PreferredProviderIdentity:
    """A chain looks like whoever is first in it, and passes on what all of them measure."""

    policy: FailoverPolicy[Any]

    @property
    def model(self) -> str:
        return str(self.policy.preferred.model)

    @property
    def provider(self) -> str:
        return str(self.policy.preferred.provider)


def forward_metrics(policy: FailoverPolicy[Any], emit: Callable[..., Any]) -> None:
    for one in policy.providers:
        one.on("metrics_collected", partial(emit, "metrics_collected"))
