"""`./studio up --phone`: livekit-sip for telephone calls, or its emulator where it is not installed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import SOCK_DGRAM
from urllib.parse import urlsplit

from local import private_files
from local.livekit import LivekitCredentials, LivekitServers
from local.log_alerts import ALERT_PATTERN
from local.phone.sip_socket import HOST
from local.phone.transactions import Address
from local.process_spec import ProcessSpec, StartupError
from local.service import Service, http_ready
from local.state_dir import PROGRAM, StateDir

SERVICE = "livekit-sip"
BINARY_VARIABLE, SIP_ADDRESS = "LIVEKIT_SIP_BIN", "SIP_ADDRESS"
RTP_PORTS = "32000-32599"
EMULATED = (
    "EMULATED, without livekit-sip and without a carrier: only"
    f" `{PROGRAM} phone` on this machine can call and be called"
)


@dataclass(frozen=True, slots=True)
class Telephone:
    """The ports of livekit-sip or of its emulator. `binary` is None for the emulator; then clients
    reach LiveKit through the front of the emulator."""

    directory: Path
    sip_port: int
    http_port: int
    binary: Path | None = None

    @property
    def description(self) -> str:
        if self.binary is None:
            return EMULATED
        return f"livekit-sip at {HOST}:{self.sip_port}"

    def clients(self, livekit: LivekitCredentials) -> LivekitCredentials:
        """The credentials with which worker, keeper and API reach LiveKit."""
        if self.binary is not None:
            return livekit
        return LivekitCredentials(f"ws://{HOST}:{self.http_port}", livekit.key, livekit.secret)

    def service(
        self,
        livekit: LivekitCredentials,
        servers: LivekitServers | None,
        environment: Mapping[str, str],
    ) -> Service:
        if self.binary is None:
            spec = self._emulator(livekit, environment)
        else:
            spec = self._livekit_sip(self.binary, livekit, servers)
        return Service(spec=spec, after=("livekit",), alert_pattern=ALERT_PATTERN)

    def _emulator(self, livekit: LivekitCredentials, environment: Mapping[str, str]) -> ProcessSpec:
        ports = ("--port", str(self.http_port), "--sip-port", str(self.sip_port))
        return ProcessSpec(
            name=SERVICE,
            argv=(sys.executable, "-m", "local.emulators.livekit_sip", *ports),
            env={**environment, **livekit.environment},
            ready=http_ready(HOST, self.http_port, "/"),
        )

    def _livekit_sip(
        self, binary: Path, livekit: LivekitCredentials, servers: LivekitServers | None
    ) -> ProcessSpec:
        if servers is None:
            raise StartupError(
                "--phone: livekit-sip needs the Redis of LiveKit, and LIVEKIT_URL names a server of"
                " yours: run livekit-sip next to that server"
            )
        configuration = self.directory / "livekit-sip.yaml"
        redis = urlsplit(servers.store.url)
        options = {
            "api_key": livekit.key,
            "api_secret": livekit.secret,
            "ws_url": livekit.url,
            "redis": {"address": f"{redis.hostname}:{redis.port}", "password": redis.password},
            "sip_port": self.sip_port,
            "listen_ip": HOST,
            "nat_1_to_1_ip": HOST,
            "rtp_port": RTP_PORTS,
            "hide_inbound_port": True,
            "health_port": self.http_port,
            "logging": {"level": "info", "json": True},
        }
        private_files.write_private(configuration, json.dumps(options, indent=1))  # JSON is YAML
        return ProcessSpec(
            name=SERVICE,
            argv=(str(binary), "--config", str(configuration)),
            env={"PATH": os.environ.get("PATH", os.defpath)},
            ready=http_ready(HOST, self.http_port, "/"),
            stop_attempts=2,
        )


def choose_telephone(state: StateDir, environ: Mapping[str, str]) -> Telephone:
    directory = private_files.private_dir(state.root / SERVICE)
    return Telephone(
        directory,
        private_files.load_or_pick_port(directory / "sip.port", SOCK_DGRAM),
        private_files.load_or_pick_port(directory / "http.port"),
        find_livekit_sip(environ),
    )


def find_livekit_sip(environ: Mapping[str, str]) -> Path | None:
    """LIVEKIT_SIP_BIN, or the program on PATH; None if there is neither."""
    if named := environ.get(BINARY_VARIABLE):
        if not os.access(named, os.X_OK):
            raise StartupError(f"{BINARY_VARIABLE}: {named} is not a program")
        return Path(named).absolute()
    found = shutil.which(SERVICE, path=environ.get("PATH", os.defpath))
    return Path(found).absolute() if found else None


def parse_sip_address(text: str) -> Address | None:
    """The host and port of SIP_ADDRESS; None if it is empty. Raises `StartupError`."""
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= 65_535:
        raise StartupError(f"{SIP_ADDRESS} must be a host and a port, such as 127.0.0.1:5060")
    return host, int(port)


def find_sip_address(environ: Mapping[str, str]) -> Address:
    """Where phones call: SIP_ADDRESS, or the telephone of the studio on this machine."""
    if given := parse_sip_address(environ.get(SIP_ADDRESS, "")):
        return given
    port_file = StateDir.from_env(environ).root / SERVICE / "sip.port"
    if not port_file.exists():
        raise StartupError(
            f"this studio has no telephone; start it with {PROGRAM} up --phone,"
            " or name another with --server HOST:PORT"
        )
    return HOST, int(port_file.read_text())
