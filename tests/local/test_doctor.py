"""`./studio doctor`: what it concludes, against real sockets and made-up machines."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket
from typing import Any

import pytest

from local.doctor.carriers import TWILIO
from local.doctor.firewall import Exposure, exposure_of
from local.doctor.installation import Installation
from local.doctor.machine_checks import (
    PortUse,
    check_public_address,
    check_rtp_ports,
    check_sip_port,
)
from local.doctor.service_checks import ClockReading
from local.doctor.sip_options import NoAnswer, NotResolved, NotTrusted, SipAnswer, ask_options
from local.doctor.stun import binding_response, transaction_of
from local.doctor.trunk_checks import (
    Telephony,
    address_of,
    check_inbound_networks,
    check_outbound_trunks,
)
from local.phone.phone import open_phone
from local.phone.sip_message import SipRequest, parse, response_to
from local.phone.transactions import Address
from local.private_files import free_port
from local.state_dir import REPOSITORY
from tests.support.tls_hosts import self_signed_context

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1"
PHONE_NUMBER = "+12025550101"


def outbound(address: str, transport: str = "UDP", **fields: Any) -> dict[str, Any]:
    return {
        "name": "carrier",
        "address": address,
        "transport": transport,
        "isEnabled": True,
        "mediaEncryption": "DISABLED",
        "limits": {"concurrentCalls": 5},
        **fields,
    }


def inbound(*networks: str) -> dict[str, Any]:
    return {"name": "carrier", "allowedAddresses": [*networks], "isEnabled": True, "numbers": []}


# ---- carriers ------------------------------------------------------------------------------


@contextmanager
def silent_port() -> Iterator[int]:
    """A UDP port that receives and never answers."""
    with socket(AF_INET, SOCK_DGRAM) as opened:
        opened.bind((HOST, 0))
        yield opened.getsockname()[1]


@asynccontextmanager
async def sip_over_tcp(
    body: str = "", tls: ssl.SSLContext | None = None, *, is_sip: bool = True
) -> AsyncIterator[int]:
    """A carrier that answers OPTIONS over TCP or TLS."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = parse(await reader.readuntil(b"\r\n\r\n"))
        assert isinstance(request, SipRequest)
        assert request.method == "OPTIONS"
        answer = response_to(request, 200, to_tag="1", body=body).encode()
        writer.write(answer if is_sip else b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_carrier_is_asked_over_each_transport(tmp_path: Path) -> None:
    async with open_phone(PHONE_NUMBER) as phone:
        [found] = await check_outbound_trunks(Telephony([outbound(phone.host_and_port)]))
        assert (found.status, found.subject) == ("ok", "carrier")
        assert [str(message) for message in phone.trace] == ["<OPTIONS", ">200"]
    offer = "v=0\r\nm=audio 9 RTP/AVP 8 97\r\na=rtpmap:97 iLBC/8000\r\n"
    async with sip_over_tcp(offer) as port:
        assert await ask_options(HOST, port, "TCP") == SipAnswer(200, frozenset({"PCMA", "ILBC"}))
    async with sip_over_tcp("v=0\r\nm=audio 9 RTP/AVP 97\r\na=rtpmap:97 iLBC/8000\r\n") as port:
        [found] = await check_outbound_trunks(Telephony([outbound(f"{HOST}:{port}", "TCP")]))
        assert found.status == "fault"
        assert "codecs that livekit-sip does not have: ILBC" in found.message
    async with sip_over_tcp(is_sip=False) as port:
        with pytest.raises(NoAnswer, match="does not speak SIP"):
            await ask_options(HOST, port, "TCP")
    async with sip_over_tcp(tls=self_signed_context(tmp_path)) as port:
        with pytest.raises(NotTrusted, match="has no valid certificate"):
            await ask_options("localhost", port, "TLS")


async def test_a_carrier_that_does_not_answer_is_named_with_the_fix() -> None:
    with silent_port() as silent:
        trunks = Telephony(
            [
                outbound(f"{HOST}:{silent}", name="silent"),
                outbound("carrier.invalid", name="unknown"),
                outbound(f"{HOST}:{free_port()}", "TCP", name="closed"),
                outbound("carrier.invalid", name="off", isEnabled=False),
            ]
        )
        found = await check_outbound_trunks(trunks)
    assert [(each.subject, each.status, bool(each.fix)) for each in found] == [
        ("silent", "warning", True),
        ("unknown", "fault", True),
        ("closed", "fault", True),
    ]
    with pytest.raises(NotResolved):
        await ask_options("carrier.invalid", 5060)
    assert address_of("sip.example.com", "TLS") == ("sip.example.com", 5061)
    assert address_of("sip.example.com:5080", "UDP") == ("sip.example.com", 5080)


async def test_a_sip_port_of_another_program_is_named() -> None:
    with silent_port() as silent:
        place = Installation(sip_address=(HOST, silent))
        owners: list[dict[int, str]] = [{silent: "asterisk"}, {silent: ""}, {}]
        found = await asyncio.gather(*(check_sip_port(place, owner.copy) for owner in owners))
    assert [(one.status, "asterisk" in one.fix) for [one] in found] == [
        ("fault", True),
        ("warning", False),
        ("fault", False),
    ]


def test_the_networks_of_a_trunk_are_compared_with_those_of_its_carrier() -> None:
    number = {
        "number": PHONE_NUMBER,
        "workflow": {"slug": "clinic"},
        "inboundTrunk": {"name": "carrier", "isEnabled": True},
        "outboundTrunk": {"address": "example.pstn.twilio.com:5061"},
    }
    all_of_them = [*TWILIO.networks]

    def compare(*networks: str, **published: list[str]) -> list[tuple[str, str]]:
        found = check_inbound_networks(Telephony((), [inbound(*networks)], [number]), published)
        return [(each.status.value, each.message) for each in found]

    [(status, _)] = compare(*all_of_them)
    assert status == "ok"
    [(status, message)] = compare(*all_of_them[1:])
    assert status == "fault"
    assert f"refuses calls from {all_of_them[0]} (Virginia)" in message
    [(status, message)] = compare(*all_of_them, "192.0.2.0/24")
    assert (status, "accepts calls from 192.0.2.0/24" in message) == ("warning", True)
    # A list that the user gives wins over the one that is built in.
    assert [status for status, _ in compare("192.0.2.0/24", carrier=["192.0.2.0/25"])] == [
        "warning"
    ]
    [skipped] = check_inbound_networks(Telephony((), [inbound("192.0.2.0/24")]), {})
    assert skipped.status == "skipped"


# ---- the machine ---------------------------------------------------------------------------


def test_rtp_ports_must_be_enough_and_free() -> None:
    place = Installation(sip_address=(HOST, 5060), rtp_ports=range(10_000, 20_001))
    quiet = PortUse(range(32_768, 61_000), open={10_000: "livekit-sip", 12_000: ""})

    def judge(ports: range = place.rtp_ports, use: PortUse = quiet, calls: int = 5) -> list[str]:
        found = check_rtp_ports(replace(place, rtp_ports=ports), use, calls)
        return [each.status.value for each in found]

    assert judge() == ["ok"]
    assert judge(range(5_000, 9_001)) == ["fault"]
    assert judge(calls=3_000) == ["warning"]
    assert judge(range(30_000, 40_001)) == ["warning"]
    reserved = replace(quiet, reserved=frozenset(range(30_000, 40_001)))
    assert judge(range(30_000, 40_001), reserved) == ["ok"]
    assert judge(use=replace(quiet, open={12_000: "asterisk"})) == ["warning"]


class StunServer(asyncio.DatagramProtocol):
    """Answers every client that its address is `address`."""

    def __init__(self, address: str) -> None:
        self._address = address

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._transport.sendto(binding_response(transaction_of(data), self._address, 4_000), addr)


@asynccontextmanager
async def stun_server(address: str) -> AsyncIterator[Address]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: StunServer(address), local_addr=(HOST, 0)
    )
    try:
        yield transport.get_extra_info("sockname")[:2]
    finally:
        transport.close()


async def test_the_announced_address_is_compared_with_what_the_internet_sees() -> None:
    async def judge(announced: str, server: Address | None) -> str:
        [found] = await check_public_address(Installation(public_address=announced), server)
        assert bool(found.fix) is (found.status in ("fault", "warning"))
        return found.status.value

    ours, other = "8.8.8.8", "9.9.9.9"
    async with stun_server(ours) as server:
        assert await judge(ours, server) == "ok"
        assert await judge(other, server) == "warning"
        assert await judge("10.0.0.5", server) == "fault"
        assert await judge("sip.example.com", server) == "fault"
        assert await judge("", server) == "fault"
    with silent_port() as silent:
        assert await judge(ours, (HOST, silent)) == "warning"
    [found] = await check_public_address(Installation(is_loopback=True), None)
    assert found.status == "skipped"


DROP, ACCEPT, TO_SIP = {"drop": None}, {"accept": None}, {"range": [5_060, 5_061]}


def match(left: dict[str, Any], right: Any) -> dict[str, Any]:
    return {"match": {"op": "==", "left": left, "right": right}}


def payload(field: str, protocol: str = "udp") -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": field}}


FROM_CARRIER = match(payload("saddr", "ip"), {"prefix": {"addr": "192.0.2.0", "len": 30}})
ESTABLISHED = match({"ct": {"key": "state"}}, {"set": ["established", "related"]})
SIP = match(payload("dport"), TO_SIP)


@pytest.mark.parametrize(
    ("policy", "rules", "exposure"),
    [
        ("accept", [], Exposure.OPEN),
        ("drop", [], Exposure.RESTRICTED),
        ("drop", [[ESTABLISHED, ACCEPT], [SIP, FROM_CARRIER, ACCEPT]], Exposure.RESTRICTED),
        ("drop", [[SIP, ACCEPT]], Exposure.OPEN),
        ("drop", [[match(payload("dport", "tcp"), 5_060), ACCEPT]], Exposure.RESTRICTED),
        ("accept", [[SIP, FROM_CARRIER, ACCEPT], [SIP, DROP]], Exposure.RESTRICTED),
        ("accept", [[{"limit": {"rate": 10}}, DROP]], Exposure.OPEN),
        ("drop", [[{"jump": {"target": "ufw"}}]], Exposure.UNKNOWN),
    ],
)
def test_the_firewall_is_judged_by_its_rules(
    policy: str, rules: list[list[Any]], exposure: Exposure
) -> None:
    place = {"family": "inet", "table": "filter"}
    chain = {**place, "name": "input", "hook": "input", "policy": policy}
    listed = [{"rule": {**place, "chain": "input", "expr": rule}} for rule in rules]
    other = {"family": "ip", "table": "nat", "name": "out", "hook": "output", "policy": "drop"}
    assert (
        exposure_of({"nftables": [{"chain": chain}, {"chain": other}, *listed]}, 5_060) == exposure
    )


def test_clocks_differ_only_by_what_a_date_in_seconds_shows() -> None:
    now = datetime(2026, 11, 29, 12, 0, 0, 700_000, tzinfo=UTC)
    cut, second = now.replace(microsecond=0), timedelta(seconds=1)
    assert ClockReading(now, cut, now).difference == 0
    assert ClockReading(now, cut + 5 * second, now).difference == pytest.approx(4.3)
    assert ClockReading(now, cut - 5 * second, now + second).difference == pytest.approx(-4.7)


# ---- the command ---------------------------------------------------------------------------


def doctor(state: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "STUDIO_STATE": str(state), "STUDIO_URL": "", "LIVEKIT_URL": ""}
    return subprocess.run(
        (sys.executable, "-m", "local.cli", "doctor", "--stun", "none", *words),
        check=False,
        cwd=REPOSITORY,
        env={**given, **environ},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_without_a_studio_everything_else_is_examined(tmp_path: Path) -> None:
    place = f"{HOST}:{free_port(SOCK_DGRAM)}"
    state = tmp_path / "none"
    examined = doctor(state, "--json", SIP_ADDRESS=place)
    assert not state.exists(), "in a container, nothing may be written"
    assert examined.returncode == 1, examined.stderr
    report = json.loads(examined.stdout)
    by_check = {each["check"]: each for each in report["findings"]}
    assert (by_check["api"]["status"], by_check["livekit"]["status"]) == ("skipped", "skipped")
    assert (by_check["sip"]["status"], place in by_check["sip"]["message"]) == ("fault", True)
    assert report["faults"] == sum(each["status"] == "fault" for each in report["findings"])
    shown = doctor(tmp_path, "--only", "api", STUDIO_URL=f"http://{HOST}:{free_port()}")
    assert shown.returncode == 1
    assert "fault    api" in shown.stdout
    assert "1 fault, 0 warnings, 0 ok, 0 skipped, in " in shown.stdout


@pytest.mark.parametrize(
    ("words", "environ", "complaint"),
    [
        (("--only", "luck"), {}, "no check named luck; there are: api, livekit, "),
        (("--networks", "carrier"), {}, "give the name of a trunk and a file"),
        ((), {"SIP_RTP_PORTS": "many"}, "SIP_RTP_PORTS must be two ports, such as 10000-20000"),
        ((), {"SIP_ADDRESS": "here"}, "SIP_ADDRESS must be a host and a port"),
        ((), {"LIVEKIT_URL": "ws://127.0.0.1:9"}, "LIVEKIT_URL needs LIVEKIT_API_KEY and"),
    ],
)
def test_what_the_doctor_cannot_read_is_refused(
    tmp_path: Path, words: tuple[str, ...], environ: dict[str, str], complaint: str
) -> None:
    unset = {"LIVEKIT_API_KEY": "", "LIVEKIT_API_SECRET": ""}
    refused = doctor(tmp_path, *words, **{**unset, **environ})
    assert (refused.returncode, refused.stdout) == (2, "")
    assert complaint in refused.stderr
