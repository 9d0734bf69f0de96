"""docker-compose.yml: what its services have in common, and how livekit-sip finds LiveKit."""

from __future__ import annotations

import re
from typing import Any

import yaml

from local.doctor.installation import DEFAULT_RTP_PORTS, parse_ports
from tests.support.paths import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
ONCE = {"migrate", "doctor"}


def test_the_logs_of_every_service_are_rotated() -> None:
    assert {name: each["logging"] for name, each in SERVICES.items()} == {
        name: {"driver": "json-file", "options": {"max-size": "20m", "max-file": "5"}}
        for name in SERVICES
    }
    assert {name for name, each in SERVICES.items() if each["restart"] == "no"} == ONCE


def test_livekit_sip_shares_livekits_redis_and_finishes_its_calls() -> None:
    sip, livekit = SERVICES["livekit-sip"], SERVICES["livekit"]
    options = yaml.safe_load(sip["environment"]["SIP_CONFIG_BODY"])
    server = yaml.safe_load(livekit["environment"]["LIVEKIT_CONFIG"])
    # It is in the network of the host, where LiveKit and its Redis have these ports.
    assert sip["network_mode"] == "host"
    assert "127.0.0.1:7880:7880" in livekit["ports"]
    assert options["ws_url"] == "ws://127.0.0.1:7880"
    [published] = SERVICES["livekit-redis"]["ports"]
    assert published == f"{options['redis']['address']}:6379"
    assert server["redis"]["address"] == "livekit-redis:6379"
    assert options["redis"]["password"] == server["redis"]["password"] == "${REDIS_PASSWORD}"
    assert "--requirepass" in SERVICES["livekit-redis"]["command"]
    assert sip["stop_grace_period"] == livekit["stop_grace_period"] == "30m"
    assert options["sip_port"] == 5060
    [default] = re.findall(r":-(.*)\}", options["rtp_port"])
    assert parse_ports(default) == parse_ports(DEFAULT_RTP_PORTS)
    # Without the profile, no SIP port is open.
    assert sip["profiles"] == ["phone"]
    [command] = [word for word in sip["healthcheck"]["test"] if "/dev/tcp" in word]
    assert f"/dev/tcp/127.0.0.1/{options['health_port']} " in command


def test_livekit_sends_its_webhooks_to_the_api() -> None:
    server = yaml.safe_load(SERVICES["livekit"]["environment"]["LIVEKIT_CONFIG"])
    assert server["webhook"]["urls"] == ["http://api:8000/webhooks/livekit"]
    doctor = SERVICES["doctor"]["environment"]
    assert doctor["STUDIO_URL"] == "http://api:8000"
    assert doctor["REDIS_URL"] == SERVICES["api"]["environment"]["REDIS_URL"]
