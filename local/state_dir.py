"""The state directory: the paths of all files, and the record of the running processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local import os_processes, private_files

REPOSITORY = Path(__file__).resolve().parent.parent

IS_CHECKOUT = (REPOSITORY / "studio").is_file()
"""Whether this is a checkout rather than a package that was installed with pip."""
PROGRAM = "./studio" if IS_CHECKOUT else "agent-studio"
"""How users call the command line."""

READY_FILE = "READY_FILE"
"""The environment variable with the path of the file that a service creates when it is ready. Its
child processes inherit the variable, by which they are found."""


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """The state of one service; pid 0 if it has no process."""

    name: str
    state: str
    pid: int = 0
    born: float = 0.0
    since: float = 0.0
    restarts: int = 0
    # Why it died and when it will be restarted (Unix time); empty and 0 while it runs.
    reason: str = ""
    next_try: float = 0.0


@dataclass(frozen=True, slots=True)
class SupervisorRecord:
    """The supervisor process, its services, and whether all of them are ready."""

    pid: int
    born: float
    url: str
    ready: bool = False
    entries: tuple[ServiceStatus, ...] = ()
    voice: str = ""

    @property
    def is_alive(self) -> bool:
        return is_same_process(self.pid, self.born)


@dataclass(frozen=True, slots=True)
class StateDir:
    root: Path

    @classmethod
    def locate(cls, environ: Mapping[str, str]) -> StateDir:
        """The state directory, which may not exist."""
        return cls(Path(environ.get("STUDIO_STATE") or _default_root(environ)))

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> StateDir:
        root = private_files.private_dir(cls.locate(environ).root)
        private_files.private_dir(root / "logs")
        return cls(root)

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def token(self) -> Path:
        return self.root / "token"

    @property
    def owner_password(self) -> Path:
        return self.root / "owner.password"

    @property
    def secret_key(self) -> Path:
        return self.root / "secret.key"

    @property
    def voice_notice(self) -> Path:
        return self.root / "voice.notice"

    @property
    def recordings(self) -> Path:
        return self.root / "recordings"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def ready_file(self, name: str) -> Path:
        return self.root / f"{name}.ready"

    def created_paths(self) -> list[Path]:
        """The existing files and directories that Agent Studio has created."""
        names = (
            "postgres",
            "valkey",
            "livekit",
            "livekit-db",
            "livekit-sip",
            "logs",
            "recordings",
            "spool",
            "*.ready",
            "voice.notice",
            "emulators.port",
            "run.json",
            "lock",
        )
        created = [path for name in names for path in self.root.glob(name)]
        keys = (self.token, self.owner_password, self.secret_key)
        return created + [path for path in keys if path.exists()]

    def write_record(self, record: SupervisorRecord) -> None:
        private_files.write_private(self._record_file, json.dumps(asdict(record)))

    def read_record(self) -> SupervisorRecord | None:
        """The last record; its supervisor may no longer be running. None if there is no record."""
        try:
            body = json.loads(self._record_file.read_text())
        except FileNotFoundError:
            return None
        entries = tuple(ServiceStatus(**entry) for entry in body.pop("entries"))
        return SupervisorRecord(**body, entries=entries)

    def running_record(self) -> SupervisorRecord | None:
        """The record of the running supervisor; None if none is running."""
        record = self.read_record()
        return record if record and record.is_alive else None

    @property
    def _record_file(self) -> Path:
        return self.root / "run.json"


def _default_root(environ: Mapping[str, str]) -> Path:
    if IS_CHECKOUT:
        return REPOSITORY / ".studio"
    data = Path(environ.get("XDG_DATA_HOME", ""))
    return (data if data.is_absolute() else Path.home() / ".local" / "share") / "agent-studio"


def is_same_process(pid: int, born: float) -> bool:
    """Whether the process with this pid is the one that started at `born` (Unix time), because pids
    are reused."""
    return os_processes.is_alive(pid) and abs(os_processes.start_time(pid) - born) < 1
