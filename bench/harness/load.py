"""What the processes of a measurement use: of the processors, and of memory, by what they are."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping

import psutil

from local.os_processes import proportional_memory_bytes

ROLES: Mapping[str, str] = {
    "worker.main": "worker",
    "bench.harness.bare": "worker",
    "multiprocessing": "worker",  # the forks of either, and whoever forks them
    "bench-callers": "callers",
    "local.emulators": "providers",
    "livekit-server": "livekit",
    "valkey": "stores",
    "postgres": "stores",
}
"""By a word of the command line; the first that fits."""


class CpuMonitor:
    """From its making on."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = _cpu_seconds()
        psutil.cpu_percent()

    def cpu_percent(self) -> Mapping[str, float]:
        """Of one core, by role, on average since the beginning; `machine`: of all of it."""
        passed = time.monotonic() - self._began
        now = _cpu_seconds()
        by_role: dict[str, float] = defaultdict(float)
        for (role, pid), seconds in now.items():
            by_role[role] += (seconds - self._before.get((role, pid), 0.0)) / passed * 100
        return {**by_role, "machine": psutil.cpu_percent()}


def memory_mb(role: str) -> float:
    """What is theirs alone, with their part of what they share (PSS)."""
    return sum(_pss(process) for process in _processes() if role_of(process) == role)


def role_of(process: psutil.Process) -> str:
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return "other"
    return next((role for word, role in ROLES.items() if word in line), "other")


def _cpu_seconds() -> dict[tuple[str, int], float]:
    found = {}
    for process in _processes():
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        found[role_of(process), process.pid] = times.user + times.system
    return found


def _processes() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _pss(process: psutil.Process) -> float:
    try:
        return proportional_memory_bytes(process) / 2**20
    except psutil.Error:
        return 0.0
