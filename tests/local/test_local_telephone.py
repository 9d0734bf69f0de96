"""`./studio up --phone`: a whole telephone call on one machine, without a carrier."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from local import livekit_binary
from local.livekit import LivekitCredentials
from local.telephone_service import BINARY_VARIABLE, EMULATED, SERVICE
from tests.local.test_local_voice import OURS, Studio, studio
from tests.voice.test_voice_talk import spoken

__all__ = ["studio"]


def test_a_newcomer_calls_the_demo_by_telephone(
    livekit: LivekitCredentials, studio: Callable[..., Studio], tmp_path: Path
) -> None:
    tools = os.environ.get("PATH", "")
    here = studio(
        LIVEKIT_SERVER_BIN=str(livekit_binary.find_or_build(os.environ, print)),
        PATH=tools,
        **{BINARY_VARIABLE: ""},
    )
    up = here("up", "--phone", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    assert f"voice calls: ready; telephone {EMULATED}\n" in up.stdout
    assert {*here.processes()} == {*OURS, "livekit", "livekit-db", "lobby", SERVICE}
    file = spoken("What are your opening hours?", tmp_path / "question.wav")
    dialled = here("phone", "dial", "--wav", str(file))
    assert dialled.returncode == 0, dialled.stdout + dialled.stderr
    assert "answered after" in dialled.stdout
    assert "this phone has hung up" in dialled.stdout
    examined = here("doctor", "--json", "--stun", "none")
    assert examined.returncode == 0, examined.stdout + examined.stderr
    found = {each["check"]: each["status"] for each in json.loads(examined.stdout)["findings"]}
    sound = ("api", "livekit", "webhook", "redis", "sip", "dispatch", "numbers")
    assert {name: found[name] for name in sound} == dict.fromkeys(sound, "ok")
    assert {found["address"], found["firewall"]} == {"skipped"}  # it is on loopback
    assert "\nstopped in " in here("down").stdout
