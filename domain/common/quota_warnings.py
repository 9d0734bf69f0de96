"""Warnings that little is left of a quota, which the response to a request shows.

They are ambient, as the origin of the audit log is, so that no use case and no resolver has to pass on what is
not its result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from domain.common.quotas import is_near


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaWarning:
    """Little is left of a quota, which still allowed the request."""

    quota: str
    used: float
    limit: float

    @property
    def message(self) -> str:
        return (
            f"{self.used:g} of {self.limit:g} are used of the quota {self.quota}; above it, requests "
            "are refused. Ask the operator of the installation to raise it."
        )


_warnings: ContextVar[list[QuotaWarning] | None] = ContextVar("quota_warnings", default=None)


@contextmanager
def collect_warnings() -> Iterator[list[QuotaWarning]]:
    """Collect the warnings of a request, so that its response can show them."""
    collected: list[QuotaWarning] = []
    token = _warnings.set(collected)
    try:
        yield collected
    finally:
        _warnings.reset(token)


def warn_if_near(quota: str, used: float, limit: float | None) -> None:
    collected = _warnings.get()
    if collected is not None and limit is not None and is_near(used, limit):
        collected.append(QuotaWarning(quota=quota, used=used, limit=limit))
