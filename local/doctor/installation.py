"""What `./studio doctor` examines: the addresses and keys of an installation.

They come from the environment, as in a container, and otherwise from the studio that runs on this
machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from local.livekit import LivekitCredentials
from local.livekit_availability import LIVEKIT_VARIABLES
from local.phone.sip_socket import HOST
from local.phone.transactions import Address
from local.process_spec import StartupError
from local.state_dir import StateDir
from local.telephone_service import (
    RTP_PORTS,
    SERVICE,
    SIP_ADDRESS,
    find_livekit_sip,
    parse_sip_address,
)

STUDIO_URL, STUDIO_TOKEN, TOKEN_FILE = "STUDIO_URL", "STUDIO_TOKEN", "STUDIO_TOKEN_FILE"
RTP_RANGE, PUBLIC_ADDRESS = "SIP_RTP_PORTS", "SIP_PUBLIC_ADDRESS"
DEFAULT_RTP_PORTS = "10000-20000"
DEFAULT_SIP_ADDRESS = (HOST, 5060)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is known about an installation; a value that is not known is empty."""

    api_url: str = ""
    token: str = field(default="", repr=False)
    livekit: LivekitCredentials | None = None
    redis_url: str = field(default="", repr=False)
    sip_address: Address = DEFAULT_SIP_ADDRESS
    rtp_ports: range = range(10_000, 20_001)
    public_address: str = ""
    """The address that livekit-sip gives to carriers."""
    is_loopback: bool = False
    """Whether its telephone listens on 127.0.0.1 alone, so that no carrier can reach it."""


def find_installation(environ: Mapping[str, str], state: StateDir) -> Installation:
    """Raises `StartupError` if a variable is not valid."""
    found = _running_studio(state, environ)
    livekit = _livekit_of(environ)
    sip_address = parse_sip_address(environ.get(SIP_ADDRESS, ""))
    return replace(
        found,
        api_url=environ.get(STUDIO_URL, "").rstrip("/") or found.api_url,
        token=_token_of(environ) or found.token,
        livekit=livekit or found.livekit,
        redis_url=environ.get("REDIS_URL") or found.redis_url,
        sip_address=sip_address or found.sip_address,
        rtp_ports=parse_ports(environ[RTP_RANGE]) if environ.get(RTP_RANGE) else found.rtp_ports,
        public_address=environ.get(PUBLIC_ADDRESS, ""),
        is_loopback=found.is_loopback and sip_address is None,
    )


def parse_ports(text: str) -> range:
    """Raises `StartupError` unless the text is two ports, such as 10000-20000."""
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 0 < int(first) < int(last) <= 65_535):
        raise StartupError(f"{RTP_RANGE} must be two ports, such as {DEFAULT_RTP_PORTS}")
    return range(int(first), int(last) + 1)


def _livekit_of(environ: Mapping[str, str]) -> LivekitCredentials | None:
    if not environ.get("LIVEKIT_URL"):
        return None
    if missing := [name for name in LIVEKIT_VARIABLES if not environ.get(name)]:
        raise StartupError(f"LIVEKIT_URL needs {' and '.join(missing)}")
    return LivekitCredentials(*(environ[name] for name in LIVEKIT_VARIABLES))


def _token_of(environ: Mapping[str, str]) -> str:
    if token := environ.get(STUDIO_TOKEN):
        return token
    return _read(Path(environ[TOKEN_FILE])) if environ.get(TOKEN_FILE) else ""


# ---- the studio on this machine ------------------------------------------------------------


def _running_studio(state: StateDir, environ: Mapping[str, str]) -> Installation:
    record = state.running_record()
    if record is None:
        return Installation()
    has_telephone = any(entry.name == SERVICE for entry in record.entries)
    telephone = state.root / SERVICE
    sip_port = _read(telephone / "sip.port") if has_telephone else ""
    return Installation(
        api_url=record.url,
        token=_read(state.token),
        livekit=_built_in_livekit(state, environ, has_telephone),
        redis_url=_built_in_redis(state),
        sip_address=(HOST, int(sip_port)) if sip_port else DEFAULT_SIP_ADDRESS,
        rtp_ports=parse_ports(RTP_PORTS if has_telephone else DEFAULT_RTP_PORTS),
        is_loopback=has_telephone,
    )


def _built_in_livekit(
    state: StateDir, environ: Mapping[str, str], has_telephone: bool
) -> LivekitCredentials | None:
    """The LiveKit of the studio; with the emulator of livekit-sip, the port of the emulator."""
    livekit, telephone = state.root / "livekit", state.root / SERVICE
    is_emulated = has_telephone and find_livekit_sip(environ) is None
    port = _read(telephone / "http.port" if is_emulated else livekit / "port")
    key, secret = _read(livekit / "key"), _read(livekit / "secret")
    if not (port and key and secret):
        return None
    return LivekitCredentials(f"ws://{HOST}:{port}", key, secret)


def _built_in_redis(state: StateDir) -> str:
    port, password = _read(state.root / "valkey/port"), _read(state.root / "valkey/password")
    return f"redis://:{password}@{HOST}:{port}" if port and password else ""


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
