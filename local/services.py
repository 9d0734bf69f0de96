"""What `./studio up` runs and in which order: plain data."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from local.complaints import LOUD_IN_LIVEKIT, LOUD_IN_POSTGRES
from local.home import kept_secret
from local.livekit import STORE, Livekit
from local.program import Program, at_once
from local.server import Server
from local.service import Service, answers, touches
from local.stand_ins import StandIns
from local.state import REPOSITORY, State
from local.voice import NAMES, Voice

DEMO_SERVER = "127.0.0.1:8765"
"""Of `./studio demo`: the only private place that tools reach here, unless you say otherwise."""
TENANT, OWNER = "demo", "owner@demo.local"
NOT_PASSED_ON = frozenset({*NAMES, "HEALTH_PORT"})
"""Worker and keeper would both listen on the one port, and the way in to LiveKit is told apart."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where this studio keeps its state, where its API answers, which servers are its own."""

    state: State
    environ: Mapping[str, str]
    host: str
    port: int
    voice: Voice
    postgres: Server | None = None
    valkey: Server | None = None
    livekit: Livekit | None = None
    stand_ins: StandIns | None = None

    @property
    def url(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def servers(self) -> tuple[Server, ...]:
        return tuple(server for server in (self.postgres, self.valkey) if server)

    @property
    def access(self) -> Mapping[str, str]:
        """What lets a process in to LiveKit; nothing where there are no voice calls."""
        access = self.livekit.access if self.livekit else self.voice.given
        return access.environment if access else {}

    @property
    def environment(self) -> Mapping[str, str]:
        """What every process is told."""
        made = {
            "API_PORT": str(self.port),
            "STUDIO_URL": self.url,
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": self.environ.get("SECRET_KEY") or kept_secret(self.state.secret_key),
            "DATABASE_URL": self.postgres.url if self.postgres else self.environ["DATABASE_URL"],
            # The built-in server has one user.
            "MIGRATE_DATABASE_URL": ""
            if self.postgres
            else self.environ.get("MIGRATE_DATABASE_URL", ""),
            "REDIS_URL": self.valkey.url if self.valkey else self.environ["REDIS_URL"],
        }
        given = {name: value for name, value in self.environ.items() if name not in NOT_PASSED_ON}
        usual = {
            "OUTBOUND_ALLOW": DEMO_SERVER,
            "RECORDINGS_URL": self.state.recordings.as_uri(),
            "SPOOL_FOLDER": str(self.state.spool),
        }
        stand_ins = self.stand_ins.environment if self.stand_ins else {}
        return {**usual, **given, **stand_ins, **made, **self.access}


def everything(plan: Plan) -> tuple[Service, ...]:
    state, token = plan.state, plan.state.token
    environment = plan.environment
    kept_secret(state.owner_password)
    account = ("--tenant", TENANT, "--email", OWNER)
    files = ("--password-file", str(state.owner_password), "--key-file", str(token))

    def module(
        name: str,
        *command: str,
        ready: Callable[[int], Awaitable[bool]] = at_once,
        grace: float = 10.0,
        children_outlive: bool = False,
    ) -> Program:
        return Program(
            name=name,
            argv=(sys.executable, "-m", *command),
            env=environment,
            ready=ready,
            grace=grace,
            patience=60.0,
            children_outlive=children_outlive,
        )

    return (
        *(Service(program=server.program, loud=LOUD_IN_POSTGRES) for server in plan.servers),
        *_livekit(plan.livekit),
        *([plan.stand_ins.service(environment)] if plan.stand_ins else []),
        Service(
            program=module("migrate", "persistence.migrate"),
            after=("postgres",),
            once=True,
        ),
        Service(
            program=module(
                "worker",
                "worker.main",
                ready=touches(state.ready_file("worker")),
                grace=20.0,
                children_outlive=True,  # they hold calls
            ),
            after=("migrate", "valkey", "livekit", "emulators"),
        ),
        Service(
            program=module("admin", "persistence.admin", "bootstrap", *account, *files),
            after=("migrate",),
            once=True,
        ),
        Service(
            program=module(
                "api", "graph.app", ready=answers(plan.host, plan.port, "/health/ready")
            ),
            after=("admin", "valkey"),
            env_files={"LOCAL_TOKEN": token},
        ),
        Service(
            program=module("keeper", "worker.keeper", ready=touches(state.ready_file("keeper"))),
            after=("api",),  # it is in no hurry, and the worker needs the processor now
        ),
        Service(
            program=module("demo", "local.demo"),
            after=("api",),
            once=True,
            env_files={"STUDIO_TOKEN": token},
        ),
    )


def _livekit(livekit: Livekit | None) -> tuple[Service, ...]:
    if livekit is None:
        return ()
    store = Service(program=livekit.store.program, loud=LOUD_IN_POSTGRES)
    return store, Service(program=livekit.server.program, after=(STORE,), loud=LOUD_IN_LIVEKIT)
