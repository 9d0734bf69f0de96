"""Finding livekit-server, and building it with an installed Go, which a script emulates."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.livekit_binary import VERSION, LivekitUnavailable, find_or_build
from local.process_spec import StartupError
from tests.support.waiting import until

SERVER = "#!/bin/sh\necho livekit-server version 0 of {maker}\n"
GO = """#!/bin/sh
if [ "$1" = version ]; then echo "go version {version} linux/amd64"; exit 0; fi
echo "$CGO_ENABLED $GOTOOLCHAIN $GOFLAGS $*" >> "{journal}"
{install}
"""
BUILDS = """printf '%s\\n' '#!/bin/sh' 'echo livekit-server version 0 of go' > "$GOBIN/server"
chmod +x "$GOBIN/server\""""


@dataclass
class Machine:
    """A PATH with a shell, three tools and the programs that a test adds."""

    root: Path
    said: list[str] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": str(self.root / "bin"),
            "HOME": str(self.root),
            "GOFLAGS": "-mod=vendor",
        }

    @property
    def cached(self) -> Path:
        return self.root / ".cache" / "agent-studio" / "bin" / f"livekit-server-{VERSION}"

    def install(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def with_go(self, install: str = BUILDS, version: str = "go1.26.8") -> None:
        text = GO.format(version=version, install=install, journal=self.root / "journal")
        self.install(self.root / "bin" / "go", text)

    @property
    def wait_until_released(self) -> str:
        return f"while [ ! -e '{self.root}/released' ]; do sleep 0.05; done\n"

    def release(self) -> None:
        (self.root / "released").touch()

    def built(self) -> list[str]:
        journal = self.root / "journal"
        return journal.read_text().splitlines() if journal.exists() else []

    def find(self, deadline: float = 120, **environ: str) -> Path:
        return find_or_build({**self.environ, **environ}, self.said.append, timeout=deadline)

    def left(self) -> list[str]:
        """The files in the cache, except for the lock."""
        return [one.name for one in self.cached.parent.iterdir() if one.suffix != ".lock"]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "a home")
    (machine.root / "bin").mkdir(parents=True)
    for tool in ("chmod", "sleep", "setpriv"):
        if found := shutil.which(tool):
            (machine.root / "bin" / tool).symlink_to(found)
    return machine


def test_the_configured_binary_precedes_path_and_path_precedes_the_cache(machine: Machine) -> None:
    machine.with_go()
    assert machine.find() == machine.cached
    on_path = machine.install(machine.root / "bin" / "livekit-server", SERVER.format(maker="apt"))
    assert machine.find() == on_path
    named = machine.install(machine.root / "mine", SERVER.format(maker="me"))
    assert machine.find(LIVEKIT_SERVER_BIN=str(named)) == named
    on_path.unlink()
    assert machine.find() == machine.cached
    assert len(machine.built()) == 1


def test_go_builds_it_once_without_the_settings_of_the_user(machine: Machine) -> None:
    machine.with_go()
    assert machine.find() == machine.cached
    source = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
    assert machine.built() == [f"0 local  install -trimpath {source}"]
    assert machine.said == [
        f"building livekit-server {VERSION} for voice calls (once; takes a few minutes) …"
    ]
    assert machine.left() == [machine.cached.name]


def test_the_cache_follows_xdg(machine: Machine) -> None:
    machine.with_go()
    elsewhere = machine.root / "elsewhere"
    found = machine.find(XDG_CACHE_HOME=str(elsewhere))
    assert found == elsewhere / "agent-studio" / "bin" / machine.cached.name


def test_concurrent_builds_build_once(machine: Machine) -> None:
    machine.with_go(machine.wait_until_released + BUILDS)
    waiting = "waiting for another process that is building livekit-server …"
    with ThreadPoolExecutor() as pool:
        found = [pool.submit(machine.find) for _ in range(3)]
        while machine.said.count(waiting) < 2:
            time.sleep(0.02)
        machine.release()
    assert [each.result() for each in found] == [machine.cached] * 3
    assert len(machine.built()) == 1


def test_the_leftovers_of_a_killed_build_are_removed(machine: Machine) -> None:
    machine.with_go()
    (machine.cached.parent / ".build-dead").mkdir(parents=True)
    (machine.cached.parent / ".build-dead" / "server").write_text("half")
    machine.find()
    assert machine.left() == [machine.cached.name]


def test_a_damaged_binary_in_the_cache_is_rebuilt(machine: Machine) -> None:
    machine.with_go()
    machine.install(machine.cached, "half a file")
    assert machine.find() == machine.cached
    assert machine.cached.read_text().endswith("of go\n")


@pytest.mark.parametrize("version", ["go1.25.3", "go1.9", "weird"])
def test_without_a_suitable_go_one_line_says_how_to_install_it(
    machine: Machine, version: str
) -> None:
    for there in (False, True):
        if there:
            machine.with_go(version=version)
        with pytest.raises(LivekitUnavailable) as refused:
            machine.find()
        assert str(refused.value) == (
            "livekit-server was not found: put it on PATH (https://github.com/livekit/livekit),"
            " install Go 1.26 or newer to have it built, or set LIVEKIT_SERVER_BIN or LIVEKIT_URL"
        )
    assert (machine.built(), machine.said) == ([], [])


def test_a_failed_build_shows_why_and_leaves_nothing(machine: Machine) -> None:
    machine.with_go("echo 'go: fetching'; echo 'dial tcp: no such host' >&2; exit 1")
    with pytest.raises(
        LivekitUnavailable, match=r"^livekit-server could not be built: dial tcp: no such"
    ):
        machine.find()
    assert machine.said[1:] == ["    go: fetching", "    dial tcp: no such host"]
    assert machine.left() == []


def test_a_cache_that_cannot_be_written_is_named_with_a_way_out(machine: Machine) -> None:
    machine.with_go()
    (machine.root / ".cache").touch()
    with pytest.raises(LivekitUnavailable) as refused:
        machine.find()
    assert str(refused.value) == (
        f"cannot build livekit-server in {machine.cached.parent}: Not a directory; set HOME to a"
        " directory that can be written, or LIVEKIT_SERVER_BIN to a livekit-server"
    )
    assert machine.built() == []


def test_a_build_that_takes_too_long_is_stopped(machine: Machine) -> None:
    machine.with_go(f"sleep 3600 & echo $! > '{machine.root}/compiler'; wait")
    with pytest.raises(LivekitUnavailable, match=r"^livekit-server could not be built within 3 s$"):
        machine.find(deadline=3)
    compiler = Path(f"/proc/{int((machine.root / 'compiler').read_text())}/status")

    def has_ended() -> bool:
        # A killed process exists until the processor has been given to it once more.
        try:
            return "State:\tZ" in compiler.read_text()
        except FileNotFoundError:
            return True

    asyncio.run(until(has_ended))
    assert machine.left() == []


def test_waiting_for_another_build_times_out(machine: Machine) -> None:
    machine.with_go(machine.wait_until_released + BUILDS)
    first = threading.Thread(target=machine.find)
    first.start()
    while not machine.built():
        time.sleep(0.02)
    with pytest.raises(LivekitUnavailable, match="another process has been building livekit"):
        machine.find(deadline=0.2)
    machine.release()
    first.join()
    assert machine.find() == machine.cached


@pytest.mark.parametrize("text", [None, "no program at all", "#!/bin/sh\necho something else\n"])
def test_a_configured_binary_that_does_not_run_is_refused(
    machine: Machine, text: str | None
) -> None:
    machine.with_go()
    named = machine.root / "mine"
    if text is not None:
        machine.install(named, text)
    with pytest.raises(StartupError) as refused:
        machine.find(LIVEKIT_SERVER_BIN=str(named))
    assert str(refused.value) == (f"LIVEKIT_SERVER_BIN: {named} does not run as a livekit-server")
    assert machine.built() == []
