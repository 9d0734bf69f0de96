"""Whose turn it is among providers that stand in for each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from domain.workflows.agents import ProviderChoice

REST_SECONDS = 30.0
"""So long one that failed is passed by, unless all others fail too."""

Changed = Callable[[ProviderChoice, bool], None]
"""Told which provider failed (False), or is back (True)."""
Rests = dict[tuple[str, str], float]
"""Until when providers and their models are passed by."""
Built = TypeVar("Built")


class Order(Generic[Built]):
    """The order of the agent, but those that failed of late come last."""

    def __init__(
        self,
        built: Mapping[Built, ProviderChoice],
        changed: Changed,
        rests: Rests | None = None,
    ) -> None:
        self._built = built
        self._changed = changed
        self._rests: Rests = {} if rests is None else rests

    @property
    def all(self) -> list[Built]:
        return list(self._built)

    @property
    def alone(self) -> bool:
        return len(self._built) == 1

    @property
    def first(self) -> Built:
        return self.now()[0]

    def now(self) -> list[Built]:
        return sorted(self._built, key=lambda one: self._rest(one) > time.monotonic())

    def failed(self, one: Built) -> None:
        rested = self._rest(one) > 0
        self._rests[self._name(one)] = time.monotonic() + REST_SECONDS
        if not rested and not self.alone:
            self._changed(self._built[one], False)

    def answered(self, one: Built) -> None:
        if self._rests.pop(self._name(one), None) is not None and not self.alone:
            self._changed(self._built[one], True)

    def _rest(self, one: Built) -> float:
        return self._rests.get(self._name(one), 0.0)

    def _name(self, one: Built) -> tuple[str, str]:
        return self._built[one].provider, self._built[one].model


class Front:
    """A chain looks like whoever is first in it, and passes on what all of them measure."""

    order: Order[Any]

    @property
    def model(self) -> str:
        return str(self.order.first.model)

    @property
    def provider(self) -> str:
        return str(self.order.first.provider)


def pass_on(order: Order[Any], emit: Callable[..., Any]) -> None:
    for one in order.all:
        one.on("metrics_collected", partial(emit, "metrics_collected"))
