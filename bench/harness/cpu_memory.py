"""CPU and memory of the processes of a benchmark, by role."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping

import psutil

from local.os_processes import proportional_memory_bytes

ROLES: Mapping[str, str] = {
    "worker.main": "worker",
    "worker.keeper": "keeper",
    "graph.app": "api",
    "livekit_sip": "sip",  # the emulator
    "livekit-sip": "sip",
    "bench.harness.livekit_baseline": "worker",
    "multiprocessing": "worker",  # the forks of both, and their fork servers
    "bench-callers": "callers",
    "local.emulators": "providers",
    "livekit-server": "livekit",
    "valkey": "stores",
    "postgres": "stores",
}
"""The role of a process by a word in its command line; the first match counts."""


class CpuMonitor:
    """Measures CPU from its creation on."""

    def __init__(self) -> None:
        self._started_at = time.monotonic()
        self._before = _cpu_seconds()
        psutil.cpu_percent()

    def cpu_percent(self) -> Mapping[str, float]:
        """The average per role, in percent of one core; `machine` is in percent of all cores."""
        elapsed = time.monotonic() - self._started_at
        now = _cpu_seconds()
        by_role: dict[str, float] = defaultdict(float)
        for (role, pid), seconds in now.items():
            by_role[role] += (seconds - self._before.get((role, pid), 0.0)) / elapsed * 100
        return {**by_role, "machine": psutil.cpu_percent()}


def memory_mb(role: str) -> float:
    """Proportional set size (PSS) of all processes of a role, in MiB."""
    return sum(_pss(process) for process in _processes() if role_of(process) == role)


def role_of(process: psutil.Process) -> str:
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return "other"
    return next((role for word, role in ROLES.items() if word in line), "other")


def _cpu_seconds() -> dict[tuple[str, int], float]:
    cpu_seconds = {}
    for process in _processes():
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        cpu_seconds[role_of(process), process.pid] = times.user + times.system
    return cpu_seconds


def _processes() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _pss(process: psutil.Process) -> float:
    try:
        return proportional_memory_bytes(process) / 2**20
    except psutil.Error:
        return 0.0
