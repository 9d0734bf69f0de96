"""How much a tenant wants to use at most, and how much of it is left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.common.errors import QuotaExceeded
from domain.common.money import NANOS_PER_DOLLAR

MINUTE_MS = 60_000


class Budget(StrEnum):
    """What a tenant can set a limit to."""

    CONCURRENT_CALLS = "CONCURRENT_CALLS"
    MINUTES_PER_MONTH = "MINUTES_PER_MONTH"
    SPEND_PER_MONTH = "SPEND_PER_MONTH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Limits; None: none. Spend is in billionths of a dollar. Months are those of UTC."""

    concurrent_calls: int | None = None
    minutes_per_month: int | None = None
    spend_per_month: int | None = None
    spend_per_call: int | None = None

    @property
    def has_monthly_limit(self) -> bool:
        """Whether a month has a limit at all."""
        return self.minutes_per_month is not None or self.spend_per_month is not None


NO_BUDGETS = Budgets()


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetUsage:
    """What a tenant has used: calls that go on now, and this month's time and spend with them."""

    live_calls: int
    talk_ms: int
    spent: int
    resets_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStatus:
    """How one budget stands, in calls, minutes or dollars; limit None: there is none."""

    budget: Budget
    used: float
    limit: float | None
    is_exhausted: bool
    resets_at: datetime | None
    """None: as soon as a call ends."""

    @property
    def left(self) -> float | None:
        return None if self.limit is None else max(0.0, self.limit - self.used)


def budget_statuses(budgets: Budgets, standing: BudgetUsage) -> tuple[BudgetStatus, ...]:
    month, minutes = standing.resets_at, budgets.minutes_per_month
    talk_ms = None if minutes is None else minutes * MINUTE_MS
    return (
        _budget_status(
            Budget.CONCURRENT_CALLS, standing.live_calls, budgets.concurrent_calls, 1, None
        ),
        _budget_status(Budget.MINUTES_PER_MONTH, standing.talk_ms, talk_ms, MINUTE_MS, month),
        _budget_status(
            Budget.SPEND_PER_MONTH, standing.spent, budgets.spend_per_month, NANOS_PER_DOLLAR, month
        ),
    )


def _budget_status(
    budget: Budget, used: int, most: int | None, unit: int, resets_at: datetime | None
) -> BudgetStatus:
    return BudgetStatus(
        budget=budget,
        used=used / unit,
        limit=None if most is None else most / unit,
        is_exhausted=most is not None and used >= most,
        resets_at=resets_at,
    )


def raise_if_exhausted(budgets: Budgets, standing: BudgetUsage) -> None:
    """`QuotaExceeded` when something stands in the way of another call."""
    for level in budget_statuses(budgets, standing):
        if level.is_exhausted and level.limit is not None:
            raise QuotaExceeded(
                _message(level),
                ("input",),
                budget=level.budget,
                used=level.used,
                limit=level.limit,
                resets_at=level.resets_at,
            )


def _message(level: BudgetStatus) -> str:
    words = {
        Budget.CONCURRENT_CALLS: f"{level.used:.0f} calls go on, and {level.limit:.0f} may.",
        Budget.MINUTES_PER_MONTH: f"{level.used:.1f} of {level.limit:.0f} minutes are used.",
        Budget.SPEND_PER_MONTH: f"{level.used:.2f} of {level.limit:.2f} dollars are spent.",
    }
    again = (
        "Try again when a call has ended"
        if level.resets_at is None
        else f"There is more from {level.resets_at:%Y-%m-%d %H:%M} UTC on"
    )
    return f"{words[level.budget]} {again}, or raise the budget in the settings."


def is_month_exhausted(budgets: Budgets, standing: BudgetUsage) -> bool:
    """Whether calls that go on have to end: the month is used up."""
    return any(
        level.is_exhausted and level.resets_at is not None
        for level in budget_statuses(budgets, standing)
    )
