"""The services that `./studio up` runs, with their dependencies and environment."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from local.emulator_service import Emulators
from local.livekit import STORE_NAME, LivekitCredentials, LivekitServers
from local.livekit_availability import LIVEKIT_VARIABLES, LivekitAvailability
from local.log_alerts import LIVEKIT_ALERT_PATTERN, POSTGRES_ALERT_PATTERN
from local.private_files import load_or_create_secret
from local.process_spec import ProcessSpec, ready_immediately
from local.server import Server
from local.service import Service, file_ready, http_ready
from local.state_dir import REPOSITORY, StateDir
from local.telephone_service import SERVICE as TELEPHONE_SERVICE
from local.telephone_service import Telephone
from local.voice_status import BUILD_SERVICE

DEMO_SERVER = "127.0.0.1:8765"
"""Address of `./studio demo`: the only private address that tools may call, unless OUTBOUND_ALLOW
is set."""
SOFTPHONE_NETWORK = "127.0.0.0/8"
"""Where `./studio phone` is: the only private network that trunks may lead to, unless TRUNK_ALLOW is set."""
TENANT, OWNER = "demo", "owner@demo.local"
EXCLUDED_VARIABLES = frozenset({*LIVEKIT_VARIABLES, "HEALTH_PORT"})
"""Variables that processes do not inherit: worker and keeper would listen on the same health port,
and the LiveKit credentials come from `Plan.livekit_environment`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The state directory, the address of the API, and the built-in servers. A server is None if
    the user has one of their own."""

    state: StateDir
    environ: Mapping[str, str]
    host: str
    port: int
    voice: LivekitAvailability
    postgres: Server | None = None
    valkey: Server | None = None
    livekit: LivekitServers | None = None
    emulators: Emulators | None = None
    telephone: Telephone | None = None

    @property
    def url(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def servers(self) -> tuple[Server, ...]:
        return tuple(server for server in (self.postgres, self.valkey) if server)

    @property
    def livekit_environment(self) -> Mapping[str, str]:
        """The LiveKit URL and credentials; empty if there are no voice calls."""
        access = self.livekit_server
        if access and self.telephone:
            access = self.telephone.clients(access)
        return access.environment if access else {}

    @property
    def livekit_server(self) -> LivekitCredentials | None:
        """The LiveKit server itself, without the emulator in front of it."""
        return self.livekit.credentials if self.livekit else self.voice.credentials

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of every process."""
        fixed = {
            "API_PORT": str(self.port),
            "STUDIO_URL": self.url,
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": self.environ.get("SECRET_KEY")
            or load_or_create_secret(self.state.secret_key),
            "DATABASE_URL": self.postgres.url if self.postgres else self.environ["DATABASE_URL"],
            # The built-in server has one user, so there is no separate login for migrations.
            "MIGRATE_DATABASE_URL": ""
            if self.postgres
            else self.environ.get("MIGRATE_DATABASE_URL", ""),
            "REDIS_URL": self.valkey.url if self.valkey else self.environ["REDIS_URL"],
        }
        inherited = {
            name: value for name, value in self.environ.items() if name not in EXCLUDED_VARIABLES
        }
        defaults = {
            "OUTBOUND_ALLOW": DEMO_SERVER,
            "TRUNK_ALLOW": SOFTPHONE_NETWORK,
            "RECORDINGS_URL": self.state.recordings.as_uri(),
            "SPOOL_FOLDER": str(self.state.spool),
        }
        if self.voice.must_build:
            fixed["VOICE_NOTICE_FILE"] = str(self.state.voice_notice)
        emulated = self.emulators.environment if self.emulators else {}
        return {**defaults, **inherited, **emulated, **fixed, **self.livekit_environment}


def all_services(plan: Plan) -> tuple[Service, ...]:
    state, token = plan.state, plan.state.token
    environment = plan.environment
    load_or_create_secret(state.owner_password)
    account = ("--tenant", TENANT, "--email", OWNER)
    files = ("--password-file", str(state.owner_password), "--key-file", str(token))
    must_build = plan.voice.must_build

    def module(
        name: str,
        *command: str,
        ready: Callable[[int], Awaitable[bool]] = ready_immediately,
        grace: float = 10.0,
        children_outlive: bool = False,
    ) -> ProcessSpec:
        return ProcessSpec(
            name=name,
            argv=(sys.executable, "-m", *command),
            env=environment,
            ready=ready,
            grace_seconds=grace,
            ready_timeout=60.0,
            children_outlive=children_outlive,
        )

    return (
        *(
            Service(spec=server.spec, alert_pattern=POSTGRES_ALERT_PATTERN)
            for server in plan.servers
        ),
        *([_livekit_build(module(BUILD_SERVICE, "local.livekit_binary"))] if must_build else []),
        *_livekit_services(plan.livekit, background=must_build),
        *([plan.emulators.service(environment)] if plan.emulators else []),
        *_telephone_service(plan, environment),
        Service(
            spec=module("migrate", "persistence.migrate"),
            after=("postgres",),
            once=True,
        ),
        Service(
            spec=module(
                "worker",
                "worker.main",
                ready=file_ready(state.ready_file("worker")),
                grace=26.0,
                children_outlive=True,  # its child processes hold live calls
            ),
            after=("migrate", "valkey", "livekit", "emulators", TELEPHONE_SERVICE),
        ),
        Service(
            spec=module("admin", "persistence.admin", "bootstrap", *account, *files),
            after=("migrate",),
            once=True,
        ),
        Service(
            spec=module(
                "api", "graph.app", ready=http_ready(plan.host, plan.port, "/health/ready")
            ),
            after=("admin", "valkey"),
            env_files={"LOCAL_TOKEN": token},
        ),
        Service(
            spec=module("keeper", "worker.keeper", ready=file_ready(state.ready_file("keeper"))),
            after=("api",),  # not urgent; the worker needs the CPU first
        ),
        *_lobby(plan, module("lobby", "worker.lobby", ready=file_ready(state.ready_file("lobby")))),
        Service(
            spec=module("demo", "local.demo"),
            after=("api",),
            once=True,
            env_files={"STUDIO_TOKEN": token},
        ),
    )


def _telephone_service(plan: Plan, environment: Mapping[str, str]) -> tuple[Service, ...]:
    access = plan.livekit_server
    if plan.telephone is None or access is None:
        return ()
    return (plan.telephone.service(access, plan.livekit, environment),)


def _lobby(plan: Plan, spec: ProcessSpec) -> tuple[Service, ...]:
    """The process that puts callers on hold, where there may be telephone calls: with a telephone, and
    with a LiveKit server of the user, which may have livekit-sip."""
    if plan.telephone is None and plan.voice.credentials is None:
        return ()
    return (Service(spec=spec, after=("api",)),)


def _livekit_build(spec: ProcessSpec) -> Service:
    """Its whole output is shown, because it is the progress of minutes."""
    return Service(spec=spec, once=True, background=True, alert_pattern=re.compile(""))


def _livekit_services(livekit: LivekitServers | None, *, background: bool) -> tuple[Service, ...]:
    if livekit is None:
        return ()
    store = Service(spec=livekit.store.spec, alert_pattern=POSTGRES_ALERT_PATTERN)
    return store, Service(
        spec=livekit.server.spec,
        after=(STORE_NAME, BUILD_SERVICE),
        background=background,
        alert_pattern=LIVEKIT_ALERT_PATTERN,
    )
