"""Decides whether voice calls are available, and which LiveKit server carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import livekit_binary
from local.livekit import LivekitCredentials
from local.livekit_binary import LivekitUnavailable
from local.process_spec import StartupError

LIVEKIT_VARIABLES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


@dataclass(frozen=True, slots=True)
class LivekitAvailability:
    """A description for the user, and either the binary of the built-in LiveKit or the credentials
    of the user's server. Without either, voice calls are off. The binary may have to be built."""

    description: str
    binary: Path | None = None
    credentials: LivekitCredentials | None = None
    must_build: bool = False
    remark: str = ""


def check_livekit(environ: Mapping[str, str], *, enabled: bool) -> LivekitAvailability:
    """Find a LiveKit server, or find that one can be built."""
    if not enabled:
        return LivekitAvailability("off, because of --no-voice")
    if environ.get("LIVEKIT_URL"):
        if missing := [name for name in LIVEKIT_VARIABLES if not environ.get(name)]:
            raise StartupError(f"LIVEKIT_URL needs {' and '.join(missing)}")
        credentials = LivekitCredentials(*(environ[name] for name in LIVEKIT_VARIABLES))
        return LivekitAvailability(f"through {credentials.url}", credentials=credentials)
    try:
        binary = livekit_binary.find(environ)
        return LivekitAvailability(
            "ready", binary or livekit_binary.cached_binary(environ), must_build=binary is None
        )
    except LivekitUnavailable as error:
        return LivekitAvailability(f"off; {error}")
