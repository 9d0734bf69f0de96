"""What a check of `./studio doctor` finds: a sentence and, unless all is well, the fix."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.common.tasks import cancel_and_wait


class Status(StrEnum):
    """How serious a finding is. Only a fault makes the doctor fail."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    status: Status
    message: str
    fix: str = ""
    subject: str = ""
    """The object that it is about, such as the name of a trunk; empty for the whole installation."""


def ok(message: str, subject: str = "") -> Finding:
    return Finding(Status.OK, message, subject=subject)


def warning(message: str, fix: str, subject: str = "") -> Finding:
    return Finding(Status.WARNING, message, fix, subject)


def fault(message: str, fix: str, subject: str = "") -> Finding:
    return Finding(Status.FAULT, message, fix, subject)


def skipped(message: str, subject: str = "") -> Finding:
    return Finding(Status.SKIPPED, message, subject=subject)


RunCheck = Callable[[], Awaitable[Sequence[Finding]]]


@dataclass(frozen=True, slots=True)
class Check:
    """One question. `run` returns what it finds, and must be bounded; it is cut off after
    `timeout_seconds`."""

    name: str
    run: RunCheck
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class CheckResult:
    name: str
    findings: Sequence[Finding]


async def run_checks(
    checks: Sequence[Check], on_progress: Callable[[Sequence[str]], None]
) -> AsyncIterator[CheckResult]:
    """Run all checks at the same time, and yield their results in the order of the checks.
    `on_progress` receives the names of the checks that still run, whenever they change."""
    pending = [check.name for check in checks]

    async def run(check: Check) -> CheckResult:
        result = await _run_bounded(check)
        pending.remove(check.name)
        on_progress(tuple(pending))
        return result

    on_progress(tuple(pending))
    tasks = [asyncio.create_task(run(check)) for check in checks]
    try:
        for task in tasks:
            yield await task
    finally:
        await cancel_and_wait(*tasks)


async def _run_bounded(check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(check.timeout_seconds):
            return CheckResult(check.name, await check.run())
    except TimeoutError:
        message = f"The check did not finish within {check.timeout_seconds:g} seconds."
        fix = "Check that name servers and firewalls answer at once instead of staying silent."
        return CheckResult(check.name, (warning(message, fix),))
