"""`./studio up` and its companions in a terminal, with small scripts as services."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local import os_processes
from local.private_files import free_port
from local.process_spec import parent_death_prefix
from local.state_dir import REPOSITORY, StateDir, SupervisorRecord

COMMAND = (sys.executable, "-m", "tests.support.local_toys")


@dataclass
class Terminal:
    """Runs `./studio …` in a pseudo-terminal."""

    state: Path
    port: int = field(default_factory=free_port)
    toys: str = "store= step=store api=step worker=step,store"
    environ: dict[str, str] = field(default_factory=dict)
    opened: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, *words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*COMMAND, *words),
            check=False,
            env=self._environment(),
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            input=answer,
            timeout=100,
        )

    def up(self) -> subprocess.Popen[str]:
        """Start in the foreground and return once the banner is shown."""
        process = self.begin()
        self.read_until(process, "Try next")
        return process

    def begin(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            (*COMMAND, "up"),
            env=self._environment(),
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.opened.append(process)
        return process

    def read_until(self, process: subprocess.Popen[str], words: str) -> str:
        assert process.stdout is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if words in line:
                return seen
        raise AssertionError(f"{words!r} was never said:\n{seen}")

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return facts

    def pids(self) -> dict[str, int]:
        return {one["name"]: one["pid"] for one in self.facts()["processes"] if one["pid"]}

    @property
    def journal(self) -> list[str]:
        return (self.state / "journal").read_text().splitlines()

    def _environment(self) -> dict[str, str]:
        mine = {
            "STUDIO_STATE": str(self.state),
            "API_PORT": str(self.port),
            "TOYS": self.toys,
            "PYTHONPATH": str(REPOSITORY),
        }
        return {**os.environ, **mine, **self.environ}


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "a state")
    yield terminal
    if record := StateDir(terminal.state).running_record():
        os_processes.terminate(record.pid, signal.SIGTERM, 60)
    for process in terminal.opened:
        process.communicate(timeout=250)


def finish(process: subprocess.Popen[str], with_signal: signal.Signals) -> tuple[int, str]:
    process.send_signal(with_signal)
    said, _ = process.communicate(timeout=250)
    return process.returncode, said.lstrip()


def test_services_start_in_order_of_dependency_and_stop_in_reverse(terminal: Terminal) -> None:
    process = terminal.up()
    stopping = "stopping (interrupt again to kill the services)\n"
    assert finish(process, signal.SIGINT) == (0, f"{stopping}stopped\n")
    started, stopped = terminal.journal[:4], terminal.journal[4:]
    assert started[:2] == ["store started", "step started"]
    assert sorted(started[2:]) == ["api started", "worker started"]
    assert sorted(stopped[:2]) == ["api stopped", "worker stopped"]
    assert stopped[2:] == ["store stopped"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_sighup_and_sigterm_stop_everything_too(terminal: Terminal, how: signal.Signals) -> None:
    process = terminal.up()
    pids = terminal.pids()
    assert finish(process, how)[0] == 0
    assert [pid for pid in pids.values() if os_processes.is_alive(pid)] == []


@pytest.mark.skipif(
    not parent_death_prefix(signal.SIGKILL), reason="only the Linux kernel does this"
)
def test_a_killed_supervisor_leaves_no_orphan_and_the_next_start_works(terminal: Terminal) -> None:
    process = terminal.up()
    pids = terminal.pids()
    assert sorted(pids) == ["api", "store", "worker"]
    assert finish(process, signal.SIGKILL)[0] == -signal.SIGKILL
    assert os_processes.wait_until_gone(pids.values(), 60)
    assert terminal.run("status").returncode == 1
    assert finish(terminal.up(), signal.SIGINT)[0] == 0


def test_processes_left_by_an_earlier_supervisor_are_stopped_first(terminal: Terminal) -> None:
    terminal.run("status")
    with subprocess.Popen(("sleep", "60")) as left:
        entry = {
            "name": "api",
            "state": "ready",
            "pid": left.pid,
            "born": os_processes.start_time(left.pid),
        }
        gone = {"pid": 4_000_000, "born": 1.0, "url": "", "ready": True, "entries": [entry]}
        (terminal.state / "run.json").write_text(json.dumps(gone))
        process = terminal.begin()
        terminal.read_until(process, "stopped api, left running by an earlier start")
        assert left.wait(60) == -signal.SIGTERM
    terminal.read_until(process, "Try next")


def test_an_unrelated_process_with_a_reused_pid_is_left_alone(terminal: Terminal) -> None:
    terminal.run("status")
    with subprocess.Popen(("sleep", "60")) as stranger:
        entry = {"name": "api", "state": "ready", "pid": stranger.pid, "born": 1.0}
        gone = {"pid": stranger.pid, "born": 1.0, "url": "", "ready": True, "entries": [entry]}
        (terminal.state / "run.json").write_text(json.dumps(gone))
        terminal.up()
        assert stranger.poll() is None
        stranger.kill()


def test_a_service_that_dies_is_restarted_and_the_restart_is_reported(terminal: Terminal) -> None:
    process = terminal.up()
    before = terminal.pids()
    os.kill(before["worker"], signal.SIGKILL)
    said = terminal.read_until(process, "worker is ready again")
    assert "worker was terminated by SIGKILL; restarting it in 0.2 s" in said
    after = {one["name"]: one for one in terminal.facts()["processes"]}
    assert after["worker"]["restarts"] == 1
    assert after["worker"]["pid"] != before["worker"]
    assert after["api"]["pid"] == before["api"]
    assert after["api"]["restarts"] == 0


def test_a_service_that_keeps_dying_is_retried_while_the_others_continue(
    terminal: Terminal,
) -> None:
    terminal.environ = {"FRAIL": "worker"}
    process = terminal.up()
    said = terminal.read_until(process, "full log")
    assert "worker exited with code 3; restarting it in 0.8 s" in said
    assert "worker keeps failing (5 times in a row); the other services keep running\n" in said
    assert "    the engine is gone\n" in said
    assert "request" not in said
    until = time.monotonic() + 60
    while "; restarting it in" not in (status := terminal.run("status").stdout):
        assert time.monotonic() < until
    assert "\nworker is failing: worker exited with code 3; restarting it in " in status
    assert "    the engine is gone\n" in status
    states = {one["name"]: one["state"] for one in terminal.facts()["processes"]}
    assert (states["store"], states["api"]) == ("ready", "ready")
    (terminal.state / "fixed").touch()
    until = time.monotonic() + 60
    while not (was := terminal.pids().get("worker")) or was != terminal.pids().get("worker"):
        assert time.monotonic() < until
    assert "failing" not in terminal.run("status").stdout
    assert finish(process, signal.SIGINT)[0] == 0


def test_a_service_that_keeps_dying_before_all_are_ready_aborts_the_start(
    terminal: Terminal,
) -> None:
    terminal.environ = {"FRAIL": "worker", "SLOW": "api"}
    process = terminal.begin()
    said, _ = process.communicate(timeout=250)
    assert process.returncode == 1
    assert "worker died 5 times in a row; the last time: worker exited with code 3\n" in said
    assert "    the engine is gone\n" in said
    assert terminal.journal[-2:] == ["api stopped", "store stopped"]


def child_of(terminal: Terminal, not_this: int = 0) -> int:
    """The process that the worker started last, once the journal names it."""
    until = time.monotonic() + 60
    while True:
        reported = [line.rpartition(" ") for line in terminal.journal]
        pids = [
            int(what) for who, _, what in reported if who == "worker's child" and what.isdigit()
        ]
        if pids and pids[-1] != not_this:
            return pids[-1]
        assert time.monotonic() < until
        time.sleep(0.05)


def test_children_of_a_service_outlive_it_until_the_service_is_ready_again(
    terminal: Terminal,
) -> None:
    terminal.environ = {"PARENT": "worker"}
    process = terminal.up()
    first = child_of(terminal)
    os.kill(terminal.pids()["worker"], signal.SIGKILL)
    terminal.read_until(process, "restarting it")
    assert os_processes.is_alive(first)
    terminal.read_until(process, "worker is ready again")
    assert os_processes.wait_until_gone([first], 60)
    second = child_of(terminal, not_this=first)
    assert os_processes.is_alive(second)
    assert terminal.journal.count("worker's child stopped") == 1


def test_orphans_of_a_service_stop_with_everything_else(terminal: Terminal) -> None:
    terminal.environ = {"PARENT": "worker", "STUBBORN": "worker's child", "GRACE": "2"}
    process = terminal.up()
    left = child_of(terminal)
    os.kill(terminal.pids()["worker"], signal.SIGKILL)
    terminal.read_until(process, "restarting it")
    assert finish(process, signal.SIGINT)[0] == 0
    assert not os_processes.is_alive(left)
    assert not os_processes.is_alive(child_of(terminal))


@pytest.mark.skipif(
    not parent_death_prefix(signal.SIGKILL), reason="only the Linux kernel does this"
)
def test_orphans_of_a_supervisor_are_stopped_at_the_next_start(terminal: Terminal) -> None:
    terminal.environ = {"PARENT": "worker"}
    process = terminal.up()
    left = child_of(terminal)
    assert finish(process, signal.SIGKILL)[0] == -signal.SIGKILL
    assert os_processes.is_alive(left)
    again = terminal.begin()
    terminal.read_until(again, "stopped worker, left running by an earlier start")
    assert not os_processes.is_alive(left)
    terminal.read_until(again, "Try next")


def test_a_service_that_cannot_start_is_named_with_its_last_output(terminal: Terminal) -> None:
    terminal.environ = {"BROKEN": "api"}
    process = terminal.begin()
    said, _ = process.communicate(timeout=250)
    assert process.returncode == 1
    assert "api exited with code 1 before it was ready" in said
    log = StateDir(terminal.state).log("api")
    assert f"    ERROR: the engine is gone\n    (full log: {log})\n" in said
    assert terminal.journal[-1] == "store stopped"
    assert terminal.run("status").returncode == 1


def test_a_setup_step_that_fails_aborts_the_start(terminal: Terminal) -> None:
    terminal.environ = {"BROKEN": "step"}
    process = terminal.begin()
    said, _ = process.communicate(timeout=250)
    assert process.returncode == 1
    assert "step exited with code 1" in said
    assert terminal.journal == ["store started", "step started", "store stopped"]


def test_a_second_up_is_refused_and_changes_nothing(terminal: Terminal) -> None:
    process = terminal.up()
    pids = terminal.pids()
    for words in (("up",), ("up", "--detach")):
        second = terminal.run(*words)
        where = f"http://127.0.0.1:{terminal.port}/graphql"
        assert second.stdout == f"already running (pid {process.pid}), {where}\n"
        assert second.returncode == 1
    assert terminal.pids() == pids


def test_the_owner_of_a_port_in_use_is_named_before_anything_starts(terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", terminal.port))
        taken.listen()
        refused = terminal.run("up")
    owner = f"{os_processes.name(os.getpid())} (pid {os.getpid()})"
    assert refused.stdout == (
        f"port {terminal.port} (api) is in use by {owner}:"
        " stop it, or choose another port with --port\n"
    )
    assert refused.returncode == 1
    assert not (terminal.state / "journal").exists()


def test_a_service_that_ignores_sigterm_is_killed_after_its_grace_period(
    terminal: Terminal,
) -> None:
    terminal.environ = {"STUBBORN": "api", "GRACE": "2"}
    code, said = finish(terminal.up(), signal.SIGINT)
    assert (code, "api did not stop within 2 s and was killed" in said) == (0, True)
    assert terminal.journal[-1] == "store stopped"


def test_a_second_ctrl_c_does_not_wait(terminal: Terminal) -> None:
    terminal.environ = {"STUBBORN": "api", "GRACE": "3600"}
    process = terminal.up()
    process.send_signal(signal.SIGINT)
    terminal.read_until(process, "interrupt again to kill")
    assert finish(process, signal.SIGINT) == (0, "killing the services\nstopped\n")


def test_warnings_are_shown_and_other_lines_are_only_logged(terminal: Terminal) -> None:
    process = terminal.up()
    (terminal.state / "say").write_text('all is well\n{"level": "warning", "message": "low"}\n')
    said = terminal.read_until(process, "low")
    assert "store | warning low\n" in said
    assert "all is well" not in said
    logged = terminal.run("logs", "store", "-n", "2").stdout
    assert logged == 'all is well\n{"level": "warning", "message": "low"}\n'
    assert "store  | all is well" in terminal.run("logs").stdout
    assert terminal.run("logs", "nobody").stdout == (
        "no log named nobody; available: api, step, store, worker\n"
    )


def test_up_detach_runs_in_the_background_until_down(terminal: Terminal) -> None:
    started = terminal.run("up", "--detach")
    assert started.returncode == 0
    assert "everything ready" in started.stdout
    assert "./studio down" in started.stdout
    record = StateDir(terminal.state).running_record()
    assert isinstance(record, SupervisorRecord)
    assert terminal.run("status").stdout.startswith(f"running (pid {record.pid}), ")
    pids = terminal.pids()
    stopped = terminal.run("down")
    assert stopped.stdout.startswith(f"stopping (pid {record.pid})\nstopped in ")
    assert [pid for pid in (record.pid, *pids.values()) if os_processes.is_alive(pid)] == []
    assert terminal.run("down").stdout == "not running\n"


def test_up_detach_reports_a_failed_start(terminal: Terminal) -> None:
    terminal.environ = {"BROKEN": "api"}
    failed = terminal.run("up", "--detach")
    assert failed.returncode == 1
    assert "api exited with code 1 before it was ready" in failed.stdout


def test_reset_deletes_the_state_after_confirmation_when_nothing_runs(terminal: Terminal) -> None:
    process = terminal.up()
    refused = terminal.run("reset", "--yes")
    assert refused.stdout == f"running (pid {process.pid}): stop it first with ./studio down\n"
    assert refused.returncode == 1
    finish(process, signal.SIGINT)
    unsure = terminal.run("reset", answer="\n")
    assert (unsure.returncode, (terminal.state / "journal").exists()) == (1, True)
    assert terminal.run("reset", answer="yes\n").returncode == 0
    assert [path.name for path in terminal.state.iterdir()] == ["journal"]  # not ours to delete
