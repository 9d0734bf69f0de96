"""`./studio phone` and `./studio up --phone`: what they refuse, and what they start."""

from __future__ import annotations

import wave
from dataclasses import replace
from pathlib import Path

import pytest

from local import phone_command
from local.livekit import LivekitCredentials
from local.livekit_availability import LivekitAvailability
from local.process_spec import StartupError
from local.services import Plan, all_services
from local.state_dir import StateDir
from local.telephone_service import (
    BINARY_VARIABLE,
    EMULATED,
    SERVICE,
    choose_telephone,
    find_sip_address,
)

LIVEKIT = LivekitCredentials("ws://127.0.0.1:7880", "key", "secret")


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir.from_env({"STUDIO_STATE": str(tmp_path / "state")})


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "livekit-sip"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def planned(state: StateDir, environ: dict[str, str]) -> Plan:
    urls = {"DATABASE_URL": "unused", "REDIS_URL": "unused"}
    voice = LivekitAvailability("through a server", credentials=LIVEKIT)
    telephone = choose_telephone(state, environ)
    return Plan(state, urls | environ, "127.0.0.1", 8000, voice, telephone=telephone)


def test_the_emulator_stands_between_the_workers_and_livekit(state: StateDir) -> None:
    plan = planned(state, {"PATH": ""})
    assert plan.telephone is not None
    assert plan.telephone.description == EMULATED
    services = {service.name: service for service in all_services(plan)}
    emulator = services[SERVICE].spec
    assert emulator.env["LIVEKIT_URL"] == LIVEKIT.url
    front = f"ws://127.0.0.1:{plan.telephone.http_port}"
    assert {services[name].spec.env["LIVEKIT_URL"] for name in ("api", "worker", "keeper")} == {
        front
    }
    assert SERVICE in services["worker"].after
    assert services["lobby"].spec.argv[-1] == "worker.lobby"
    assert find_sip_address({"STUDIO_STATE": str(state.root)}) == (
        "127.0.0.1",
        plan.telephone.sip_port,
    )
    assert choose_telephone(state, {"PATH": ""}) == plan.telephone, "its ports are kept"


def test_the_real_livekit_sip_needs_the_redis_of_livekit(state: StateDir, program: Path) -> None:
    plan = planned(state, {BINARY_VARIABLE: str(program)})
    assert plan.telephone is not None
    assert plan.telephone.binary == program
    assert plan.telephone.clients(LIVEKIT) == LIVEKIT
    with pytest.raises(StartupError, match="needs the Redis of LiveKit"):
        all_services(plan)


def test_a_livekit_sip_that_is_no_program_is_refused(state: StateDir) -> None:
    with pytest.raises(StartupError, match="LIVEKIT_SIP_BIN: /nowhere is not a program"):
        choose_telephone(state, {BINARY_VARIABLE: "/nowhere"})


def test_without_a_telephone_nothing_changes(state: StateDir) -> None:
    plan = replace(planned(state, {"PATH": ""}), telephone=None)
    names = [service.name for service in all_services(plan)]
    assert SERVICE not in names
    assert plan.livekit_environment["LIVEKIT_URL"] == LIVEKIT.url


def test_the_address_of_the_telephone_is_given_or_found(state: StateDir) -> None:
    environ = {"STUDIO_STATE": str(state.root)}
    with pytest.raises(StartupError, match="up --phone"):
        find_sip_address(environ)
    assert find_sip_address({"SIP_ADDRESS": "127.0.0.1:5070"}) == ("127.0.0.1", 5070)
    with pytest.raises(StartupError, match="SIP_ADDRESS must be a host and a port"):
        find_sip_address({"SIP_ADDRESS": "5070"})


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("answer", "--port", "70000"), "a port is a number from 1 to 65535"),
        (("answer", "--status", "200"), "a status is 0, or a number from 300 to 699"),
        (("dial", "--server", "5060"), "the address is a host and a port"),
        (("hold",), "invalid choice: 'hold'"),
        ((), "the following arguments are required: command"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    complaint: str,
) -> None:
    monkeypatch.setenv("STUDIO_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("STUDIO_TOKEN", "token")
    with pytest.raises(SystemExit):
        phone_command.main(words)
    assert complaint in capsys.readouterr().err


def test_a_phone_needs_a_studio_and_a_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STUDIO_URL", raising=False)
    with pytest.raises(SystemExit):
        phone_command.main(("dial",))
    assert "start one with ./studio up --phone" in capsys.readouterr().err
    monkeypatch.setenv("STUDIO_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("STUDIO_TOKEN", raising=False)
    with pytest.raises(SystemExit):
        phone_command.main(("dial",))
    assert "STUDIO_URL needs STUDIO_TOKEN" in capsys.readouterr().err


def test_a_file_that_cannot_be_played_is_named_before_the_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("STUDIO_TOKEN", "token")
    damaged = tmp_path / "damaged.wav"
    damaged.write_bytes(b"not a file of sounds")
    words = ("dial", "--server", "127.0.0.1:5060", "--wav", str(damaged))
    assert phone_command.main(words) == 2
    assert capsys.readouterr().err == f"{damaged} is not a WAV file\n"
    with wave.open(str(damaged), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(bytes(800))
    assert phone_command.main([*words, "--out", str(tmp_path / "missing" / "out.wav")]) == 2
    assert "No such file or directory" in capsys.readouterr().err
