"""The state directory: where everything lies, and the record of what runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local import os_processes, private_files

REPOSITORY = Path(__file__).resolve().parent.parent

READY_FILE = "READY_FILE"
"""Names the file that a service touches; so every process that it starts can be told by it."""


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service as the supervisor last saw it; pid 0 when it has no process."""

    name: str
    state: str
    pid: int = 0
    born: float = 0.0
    since: float = 0.0
    restarts: int = 0
    # While it has died and waits to be started again: why, and when that will be.
    reason: str = ""
    next_try: float = 0.0


@dataclass(frozen=True, slots=True)
class SupervisorRecord:
    """Who supervises here, what it runs, and whether all of it is ready."""

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
    def from_env(cls, environ: Mapping[str, str]) -> StateDir:
        root = private_files.private_dir(
            Path(environ.get("STUDIO_STATE") or REPOSITORY / ".studio")
        )
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
        """Everything of ours that is there."""
        names = (
            "postgres",
            "valkey",
            "livekit",
            "livekit-db",
            "logs",
            "recordings",
            "spool",
            "*.ready",
            "emulators.port",
            "run.json",
            "lock",
        )
        ours = [path for name in names for path in self.root.glob(name)]
        keys = (self.token, self.owner_password, self.secret_key)
        return ours + [path for path in keys if path.exists()]

    def write_record(self, record: SupervisorRecord) -> None:
        private_files.write_private(self._record_file, json.dumps(asdict(record)))

    def read_record(self) -> SupervisorRecord | None:
        """What was last recorded here, by a supervisor that may be gone since."""
        try:
            body = json.loads(self._record_file.read_text())
        except FileNotFoundError:
            return None
        entries = tuple(ServiceStatus(**entry) for entry in body.pop("entries"))
        return SupervisorRecord(**body, entries=entries)

    def running_record(self) -> SupervisorRecord | None:
        """The record of the supervisor that is alive here, if one is."""
        record = self.read_record()
        return record if record and record.is_alive else None

    @property
    def _record_file(self) -> Path:
        return self.root / "run.json"


def is_same_process(pid: int, born: float) -> bool:
    """Whether the process of that number is still the one born then."""
    return os_processes.is_alive(pid) and abs(os_processes.start_time(pid) - born) < 1
