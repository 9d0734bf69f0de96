"""The `studio` script on a machine where nothing is installed yet."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.state_dir import REPOSITORY

SYSTEM_PYTHON = Path(sys.base_prefix) / "bin" / "python3"

# Replaces the real command line: prints where it runs and its arguments.
CLI = "import sys; print(sys.prefix, *sys.argv[1:])"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The script alone, without packages to install, under a path with a space."""
    root = tmp_path / "a checkout"
    (root / "local").mkdir(parents=True)
    (root / "local" / "__init__.py").touch()
    (root / "local" / "__main__.py").write_text(CLI)
    for lock in ("requirements.lock", "requirements-dev.lock"):
        (root / lock).write_text(f"# {lock}\n")
    shutil.copy(REPOSITORY / "studio", root)
    return root


def studio(
    checkout: Path, *words: str, cwd: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    known_uv = f"{REPOSITORY / '.boot' / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        (str(SYSTEM_PYTHON), str(checkout / "studio"), *words),
        check=False,
        cwd=cwd or checkout,
        env={**os.environ, "PATH": known_uv, **environ},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_the_first_run_installs_and_the_next_one_does_not(checkout: Path) -> None:
    first = studio(checkout, "up", "--port", "1")
    assert first.stdout == f"{checkout / '.venv'} up --port 1\n"
    assert "installing requirements.lock … " in first.stderr
    second = studio(checkout, "status")
    assert (second.stdout, second.stderr) == (f"{checkout / '.venv'} status\n", "")


def test_a_new_lock_file_is_installed_and_development_tools_stay(checkout: Path) -> None:
    assert "installing requirements-dev.lock" in studio(checkout, "test").stderr
    assert studio(checkout, "up").stderr == ""
    for lock in ("requirements.lock", "requirements-dev.lock"):
        (checkout / lock).write_text("# changed\n")
    assert "installing requirements-dev.lock" in studio(checkout, "up").stderr


def test_two_first_runs_at_once_install_once(checkout: Path) -> None:
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(studio, checkout, "status") for _ in range(3)]
        results = [run.result() for run in runs]
    assert {result.stdout for result in results} == {f"{checkout / '.venv'} status\n"}
    assert sum("installing requirements.lock" in result.stderr for result in results) == 1


def test_the_environment_of_the_user_has_no_influence(checkout: Path) -> None:
    trap = checkout.parent / "trap"
    (trap / "local").mkdir(parents=True)
    (trap / "local" / "__init__.py").write_text("raise SystemExit('wrong local')")
    foreign = {
        "VIRTUAL_ENV": str(trap),
        "PYTHONPATH": str(trap),
        "PIP_TARGET": str(trap),
        "PIP_REQUIRE_VIRTUALENV": "1",
        "UV_PROJECT_ENVIRONMENT": str(trap),
        "UV_SYSTEM_PYTHON": "1",
    }
    result = studio(checkout, "status", cwd=trap, **foreign)
    assert result.stdout == f"{checkout / '.venv'} status\n"
    assert [path.name for path in trap.iterdir()] == ["local"]


def test_in_a_container_image_nothing_is_installed(checkout: Path) -> None:
    """As `docker compose run --rm api ./studio admin …`: the packages belong to the image's Python."""
    before = sorted(checkout.iterdir())
    result = studio(checkout, "admin", "tenants", STUDIO_IMAGE="1")
    assert (result.stdout, result.stderr) == (f"{sys.base_prefix} admin tenants\n", "")
    assert sorted(checkout.iterdir()) == before
    compose = (REPOSITORY / "docker-compose.yml").read_text()
    assert compose.count("STUDIO_IMAGE=1") == 1


def test_without_uv_and_pip_it_says_what_to_install(checkout: Path) -> None:
    bare = checkout.parent / "bare"
    subprocess.run(
        (str(SYSTEM_PYTHON), "-m", "venv", "--without-pip", str(bare)), check=True, timeout=250
    )
    result = subprocess.run(
        (str(bare / "bin" / "python"), str(checkout / "studio"), "up"),
        check=False,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("Neither uv nor pip was found.")
    assert "sudo apt-get install python3-pip" in result.stderr
    assert not (checkout / ".venv").exists()


def with_uv(checkout: Path, script: str) -> dict[str, str]:
    """A PATH on which `uv` is this script."""
    tools = checkout.parent / "tools"
    tools.mkdir()
    (tools / "uv").write_text(f"#!/bin/sh\n{script}\n")
    (tools / "uv").chmod(0o755)
    return {"PATH": f"{tools}:{os.environ['PATH']}"}


def test_a_moved_checkout_runs_without_another_installation(checkout: Path) -> None:
    studio(checkout, "status")
    moved = checkout.with_name("moved")
    checkout.rename(moved)
    offline = with_uv(moved, "exit 1")
    result = studio(moved, "status", PATH=offline["PATH"])
    assert (result.stdout, result.stderr) == (f"{moved / '.venv'} status\n", "")
    assert str(checkout / ".venv") not in (moved / ".venv" / "bin" / "activate").read_text()


def test_a_failed_installation_is_reported_in_a_sentence(checkout: Path) -> None:
    failing = with_uv(checkout, "echo 'warning: slow' >&2; echo 'error: no such host' >&2; exit 2")
    result = studio(checkout, "up", PATH=failing["PATH"])
    assert (result.returncode, result.stdout) == (1, "")
    assert "creating .venv failed: error: no such host\n" in result.stderr
    assert "HTTPS_PROXY" in result.stderr
    assert "Traceback" not in result.stderr
    whole = (checkout / ".boot" / "failed.log").read_text()
    assert whole == "warning: slow\nerror: no such host\n"


def test_another_attempt_continues_a_failed_installation(checkout: Path) -> None:
    assert studio(checkout, "up").returncode == 0
    (checkout / "requirements.lock").write_text("# changed\n")
    failing = with_uv(checkout, "echo 'error: no such host' >&2; exit 2")
    assert studio(checkout, "up", PATH=failing["PATH"]).returncode == 1
    again = studio(checkout, "up")
    assert again.returncode == 0
    assert "installing requirements.lock" in again.stderr
    assert "creating .venv" not in again.stderr


def test_where_the_home_cannot_be_written_packages_are_cached_in_the_checkout(
    checkout: Path,
) -> None:
    cached = f'[ "$UV_CACHE_DIR" = "{checkout}/.boot/cache" ]'
    refuse = "echo 'failed to create ~/.cache/uv: Permission denied (os error 13)' >&2; exit 2"
    create = f'[ "$1" = pip ] || "{SYSTEM_PYTHON}" -m venv --without-pip .venv'
    tools = with_uv(checkout, f"{cached} || {{ {refuse}; }}\n{create}")
    result = studio(checkout, "status", PATH=tools["PATH"])
    assert result.stdout == f"{checkout / '.venv'} status\n", result.stderr
    assert "failed" not in result.stderr


def test_ctrl_c_during_the_installation_prints_no_traceback(checkout: Path) -> None:
    begun = checkout.parent / "begun"
    environ = {**os.environ, **with_uv(checkout, f"echo > {begun}; exec sleep 60")}
    command = (str(SYSTEM_PYTHON), str(checkout / "studio"), "up")
    with subprocess.Popen(
        command, env=environ, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        until = time.monotonic() + 60
        while not begun.exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=250)
    assert process.returncode == 130
    assert said.endswith("interrupted; run the command again to continue\n")
    assert "Traceback" not in said


def test_a_directory_that_cannot_be_written_is_named(checkout: Path) -> None:
    (checkout / ".boot").write_text("in the way")
    result = studio(checkout, "up")
    assert result.returncode == 1
    assert result.stderr == (f"cannot install into {checkout}: {checkout / '.boot'}: File exists\n")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_disk_is_reported_in_a_sentence(checkout: Path) -> None:
    (checkout / ".boot").mkdir()
    (checkout / ".boot" / "failed.log").symlink_to("/dev/full")
    result = studio(checkout, "up", PATH=with_uv(checkout, "echo error >&2; exit 2")["PATH"])
    assert result.returncode == 1
    assert result.stderr.endswith(f"cannot install into {checkout}: No space left on device\n")


@pytest.mark.parametrize("command", ["test", "bench"])
def test_help_needs_no_development_tools(checkout: Path, command: str) -> None:
    assert "installing requirements.lock … " in studio(checkout, command, "--help").stderr
