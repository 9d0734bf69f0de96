"""Failure detection: dead workers are distinguished from a database that hangs or is slow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from worker.keeper.liveness import PROBES_PER_LEASE, FailureDetector

LEASE = 3.0
INTERVAL = LEASE / PROBES_PER_LEASE
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def declared_dead_at(answers: Iterator[float], heard: datetime) -> float | None:
    """When a keeper that receives these responses declares a worker with this last heartbeat dead."""
    detector = FailureDetector(LEASE)
    for answer in answers:
        verdict = detector.observe(at(answer))
        if verdict is not None and heard < verdict.silent_since:
            return answer
    return None


def rounds(begin: float, end: float, interval: float = INTERVAL) -> Iterator[float]:
    while begin < end:
        yield begin
        begin += interval


def test_a_dead_worker_is_detected_soon_after_its_lease() -> None:
    found = declared_dead_at(rounds(0, 30), heard=at(10.1))
    assert found is not None
    assert 10.1 + LEASE < found <= 10.1 + LEASE + 2 * INTERVAL


@pytest.mark.parametrize("hang", [1.0, 2.5, 3.5, 5.0, 8.0, 60.0])
def test_after_a_database_outage_every_worker_has_a_whole_lease(hang: float) -> None:
    """Also when the keeper's own query hung and returned before any heartbeat."""

    def answers() -> Iterator[float]:
        yield from rounds(0, 10)
        yield from rounds(10 + hang, 10 + hang + 30)

    last_heartbeat = at(9.0)
    found = declared_dead_at(answers(), last_heartbeat)
    assert found is not None, "who is not heard after the silence either is dead"
    assert found >= 10 + hang + LEASE - INTERVAL * 2
    assert found <= 10 + hang + LEASE + INTERVAL


def test_two_consecutive_outages_count_as_two_answers() -> None:
    def answers() -> Iterator[float]:
        yield from rounds(0, 10)
        yield from (15.0, 20.0, 25.0)

    assert declared_dead_at(answers(), heard=at(9.0)) is None


def test_a_slow_database_only_delays_the_detection() -> None:
    found = declared_dead_at(rounds(0, 200, interval=8.0), heard=at(50))
    assert found is not None
    assert found <= 50 + 8 * (PROBES_PER_LEASE + 2)


def test_a_new_keeper_declares_no_worker_dead() -> None:
    assert declared_dead_at(rounds(100, 100 + LEASE), heard=at(0)) is None
    assert declared_dead_at(rounds(100, 100 + LEASE + 2 * INTERVAL), heard=at(0)) is not None


def test_a_clock_that_is_set_back_declares_no_worker_dead() -> None:
    detector = FailureDetector(LEASE)
    for answer in rounds(100, 110):
        detector.observe(at(answer))
    # Heartbeats are older from here on, too, and each has time to arrive.
    assert [detector.observe(at(answer)) for answer in rounds(50, 50 + LEASE)] == [
        None
    ] * PROBES_PER_LEASE


def test_deadlines_that_passed_during_an_outage_are_checked_after_it() -> None:
    detector = FailureDetector(LEASE)
    for answer in rounds(0, 10):
        detector.observe(at(answer))
    steady = detector.observe(at(10))
    assert steady is not None
    assert steady.overdue_at == at(10)
    resumed = detector.observe(at(30))
    assert resumed is not None
    assert resumed.overdue_at < at(10)
    for answer in rounds(30 + INTERVAL, 30 + LEASE + 2 * INTERVAL):
        resumed = detector.observe(at(answer))
        assert resumed is not None
    assert resumed.overdue_at >= at(30 + LEASE)
