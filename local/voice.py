"""Whether voice calls can be made here, through which LiveKit, and if not, why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local import livekit_binary
from local.livekit import Access
from local.livekit_binary import NoLivekit
from local.program import CannotStart

NAMES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


@dataclass(frozen=True, slots=True)
class Voice:
    """What to say of it; and the program for a LiveKit of ours, or the way in to the user's."""

    said: str
    binary: Path | None = None
    given: Access | None = None


def voice(environ: Mapping[str, str], *, wanted: bool, say: Callable[[str], None]) -> Voice:
    """May build a livekit-server, which takes minutes the first time."""
    if not wanted:
        return Voice("off, because of --no-voice")
    if environ.get("LIVEKIT_URL"):
        if missing := [name for name in NAMES if not environ.get(name)]:
            raise CannotStart(f"LIVEKIT_URL needs {' and '.join(missing)}")
        given = Access(*(environ[name] for name in NAMES))
        return Voice(f"through {given.url}", given=given)
    try:
        return Voice("ready", livekit_binary.find(environ, say))
    except NoLivekit as error:
        return Voice(f"off; {error}")
