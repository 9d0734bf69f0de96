"""`./studio status`, `down` and `reset`: show the running processes, stop them, delete the data."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import time
from dataclasses import asdict

from local import os_processes, postgres_user, private_files
from local.process_spec import StartupError
from local.state_dir import PROGRAM, ServiceStatus, StateDir, SupervisorRecord, is_same_process
from local.supervisor import stop_leftovers

NOT_RUNNING = f"not running; start it with {PROGRAM} up"
STOP_TIMEOUT_SECONDS = 90.0
COLUMNS = ("process", "pid", "state", "uptime", "restarts", "memory")


def status(state: StateDir, *, as_json: bool) -> int:
    """Print one line per process. Returns the exit code: 1 if nothing is running."""
    record = state.running_record()
    if as_json:
        print(json.dumps(_as_json(record), indent=2))
    elif record is None:
        print(NOT_RUNNING)
    else:
        print(f"running (pid {record.pid}), {record.url}/graphql")
        print(f"voice calls: {record.voice}\n")
        print(_table(record))
        for entry in record.entries:
            if entry.reason:
                print(f"\n{_describe_failure(entry)}")
    return 0 if record else 1


def down(state: StateDir) -> int:
    started, record = time.monotonic(), state.read_record()
    if record is None or not record.is_alive:
        for name in stop_leftovers(state):
            print(f"stopped {name}, left running by an earlier start")
        print("not running")
        return 0
    print(f"stopping (pid {record.pid})", flush=True)
    os_processes.terminate(record.pid, signal.SIGTERM, STOP_TIMEOUT_SECONDS)
    stop_leftovers(state)
    print(f"stopped in {time.monotonic() - started:.1f} s")
    return 0


def reset(state: StateDir, *, sure: bool) -> int:
    """Delete everything that Agent Studio created in the state directory, and nothing else."""
    if record := state.running_record():
        raise StartupError(f"running (pid {record.pid}): stop it first with {PROGRAM} down")
    if not sure and not _confirmed(f"Delete {state.root} with all agents, calls and keys?"):
        print("nothing was deleted")
        return 1
    with private_files.exclusive_lock(state.lock):
        stop_leftovers(state)
        postgres_user.delete_data(state.root / "postgres")
        for path in state.created_paths():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with contextlib.suppress(OSError):  # the directory has other files in it
        state.root.rmdir()
    print(f"deleted the data in {state.root}")
    return 0


def _confirmed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _as_json(record: SupervisorRecord | None) -> dict[str, object]:
    if record is None:
        return {"running": False, "processes": []}
    processes = [
        {**asdict(entry), "memory": os_processes.memory_bytes(entry.pid) if entry.pid else 0}
        for entry in record.entries
    ]
    return {
        "running": True,
        "pid": record.pid,
        "url": record.url,
        "ready": record.ready,
        "voice": record.voice,
        "processes": processes,
    }


def _table(record: SupervisorRecord) -> str:
    rows = [COLUMNS]
    for entry in record.entries:
        alive = is_same_process(entry.pid, entry.born)
        rows.append(
            (
                entry.name,
                str(entry.pid) if alive else "-",
                entry.state,
                _duration(time.time() - entry.since) if alive else "-",
                str(entry.restarts),
                f"{os_processes.memory_bytes(entry.pid) / 2**20:.0f} MB" if alive else "-",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _describe_failure(entry: ServiceStatus) -> str:
    """Why a service is down, when it will be restarted, and its last log lines."""
    if entry.state == "failed":
        return f"{entry.name} failed: {entry.reason}"
    seconds = max(0.0, entry.next_try - time.time())
    when = f"restarting it in {seconds:.0f} s" if entry.pid == 0 else "it is being restarted"
    headline, _, last_lines = entry.reason.partition("\n")
    return f"{entry.name} is {entry.state}: {headline}; {when}\n{last_lines}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} m" if hours else f"{minutes} m {rest:02} s"
