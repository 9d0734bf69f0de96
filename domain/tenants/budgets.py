"""Budgets: the limits on the usage of a tenant, and how much of them is left.

The tenant sets those on calls, and the operator of the installation the others, which are quotas."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.common.errors import QuotaExceeded
from domain.common.money import NANOS_PER_DOLLAR
from domain.common.quotas import is_near

MINUTE_MS = 60_000


class Budget(StrEnum):
    """What is limited."""

    CONCURRENT_CALLS = "CONCURRENT_CALLS"
    MINUTES_PER_MONTH = "MINUTES_PER_MONTH"
    SPEND_PER_MONTH = "SPEND_PER_MONTH"
    REQUESTS_PER_MINUTE = "REQUESTS_PER_MINUTE"
    SOCKETS = "SOCKETS"
    SUBSCRIPTIONS = "SUBSCRIPTIONS"
    AGENTS = "AGENTS"
    TOOLS = "TOOLS"
    WORKFLOWS = "WORKFLOWS"
    STORAGE_MEGABYTES = "STORAGE_MEGABYTES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The limits of a tenant; None is no limit. Spend is in billionths of a dollar. A month is a
    calendar month in UTC."""

    concurrent_calls: int | None = None
    minutes_per_month: int | None = None
    spend_per_month: int | None = None
    spend_per_call: int | None = None

    @property
    def has_monthly_limit(self) -> bool:
        """Whether the time or the spend of a month is limited."""
        return self.minutes_per_month is not None or self.spend_per_month is not None


NO_BUDGETS = Budgets()


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetUsage:
    """The usage of a tenant: calls in progress, and the time and spend of this month including
    them. `spent` is in billionths of a dollar."""

    live_calls: int
    talk_ms: int
    spent: int
    resets_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStatus:
    """The usage of one budget, in calls, minutes or dollars. `limit` None is no limit."""

    budget: Budget
    used: float
    limit: float | None
    is_exhausted: bool
    resets_at: datetime | None
    """When usage starts again from zero; None for concurrent calls, which are not monthly."""

    @property
    def is_near(self) -> bool:
        """Whether little is left: the soft warning before the budget is exhausted."""
        return is_near(self.used, self.limit)

    @property
    def left(self) -> float | None:
        return None if self.limit is None else max(0.0, self.limit - self.used)


def budget_statuses(budgets: Budgets, usage: BudgetUsage) -> tuple[BudgetStatus, ...]:
    month, minutes = usage.resets_at, budgets.minutes_per_month
    talk_ms = None if minutes is None else minutes * MINUTE_MS
    return (
        _budget_status(
            Budget.CONCURRENT_CALLS, usage.live_calls, budgets.concurrent_calls, 1, None
        ),
        _budget_status(Budget.MINUTES_PER_MONTH, usage.talk_ms, talk_ms, MINUTE_MS, month),
        _budget_status(
            Budget.SPEND_PER_MONTH, usage.spent, budgets.spend_per_month, NANOS_PER_DOLLAR, month
        ),
    )


def _budget_status(
    budget: Budget, used: int, limit: int | None, unit: int, resets_at: datetime | None
) -> BudgetStatus:
    return BudgetStatus(
        budget=budget,
        used=used / unit,
        limit=None if limit is None else limit / unit,
        is_exhausted=limit is not None and used >= limit,
        resets_at=resets_at,
    )


def raise_if_exhausted(budgets: Budgets, usage: BudgetUsage) -> None:
    """Raise `QuotaExceeded` when a budget does not allow another call."""
    for status in budget_statuses(budgets, usage):
        if status.is_exhausted and status.limit is not None:
            raise QuotaExceeded(
                _message(status),
                (),
                budget=status.budget,
                used=status.used,
                limit=status.limit,
                resets_at=status.resets_at,
            )


def _message(status: BudgetStatus) -> str:
    facts = {
        Budget.CONCURRENT_CALLS: f"{status.used:.0f} of {status.limit:.0f} concurrent calls are "
        "in progress.",
        Budget.MINUTES_PER_MONTH: f"{status.used:.1f} of {status.limit:.0f} minutes are used.",
        Budget.SPEND_PER_MONTH: f"{status.used:.2f} of {status.limit:.2f} dollars are spent.",
    }
    advice = (
        "Try again when a call has ended"
        if status.resets_at is None
        else f"Try again after the budget resets at {status.resets_at:%Y-%m-%d %H:%M} UTC"
    )
    return f"{facts[status.budget]} {advice}, or raise the budget in the settings."


def is_month_exhausted(budgets: Budgets, usage: BudgetUsage) -> bool:
    """Whether a monthly budget is exhausted, so that calls in progress have to end."""
    return any(
        status.is_exhausted and status.resets_at is not None
        for status in budget_statuses(budgets, usage)
    )


def quota_status(
    budget: Budget, used: float, limit: float | None, resets_at: datetime | None = None
) -> BudgetStatus:
    return BudgetStatus(
        budget=budget,
        used=used,
        limit=limit,
        is_exhausted=limit is not None and used >= limit,
        resets_at=resets_at,
    )


QUOTA_UNITS = {
    Budget.AGENTS: "agents",
    Budget.TOOLS: "tools",
    Budget.WORKFLOWS: "workflows",
    Budget.STORAGE_MEGABYTES: "megabytes of storage",
}


def quota_exceeded(budget: Budget, used: float, limit: float) -> QuotaExceeded:
    return QuotaExceeded(
        f"{used:g} of {limit:g} {QUOTA_UNITS[budget]} are used. Delete some that are not needed, or "
        "ask the operator of the installation to raise the quota.",
        (),
        budget=budget,
        used=used,
        limit=limit,
        resets_at=None,
    )
