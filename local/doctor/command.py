"""`./studio doctor`: examine an installation, and name each fault with its fix."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from ipaddress import IPv4Network
from pathlib import Path
from typing import TextIO

from domain.common.command_line import CommandLine
from local.doctor import machine_checks, service_checks, trunk_checks
from local.doctor.findings import (
    Check,
    CheckResult,
    Finding,
    RunCheck,
    Status,
    run_checks,
    skipped,
)
from local.doctor.installation import Installation, find_installation
from local.doctor.service_checks import Findings
from local.doctor.trunk_checks import Telephony
from local.phone.transactions import Address
from local.process_spec import StartupError
from local.state_dir import PROGRAM, StateDir
from local.terminal_output import DIM, GREEN, RED, YELLOW

DESCRIPTION = "examine an installation and its telephone, and name each fault with its fix"
EXAMPLES = f"""\
Examines the studio that runs on this machine, or the one of STUDIO_URL, STUDIO_TOKEN, LIVEKIT_URL,
LIVEKIT_API_KEY, LIVEKIT_API_SECRET and REDIS_URL. SIP_ADDRESS, SIP_RTP_PORTS and SIP_PUBLIC_ADDRESS
describe livekit-sip. In docker-compose.yml: docker compose run --rm doctor

  {PROGRAM} doctor                          examine everything
  {PROGRAM} doctor --only trunk --only networks
  {PROGRAM} doctor --networks carrier=FILE  compare a trunk with the networks in a file

The exit code is 1 if there is a fault, and 0 otherwise; warnings do not count.
"""
STUN_SERVER = "stun.l.google.com:19302"
"""The server that LiveKit and livekit-sip ask, too."""
COLOURS = {Status.OK: GREEN, Status.WARNING: YELLOW, Status.FAULT: RED, Status.SKIPPED: DIM}
LABEL_WIDTH = max(map(len, Status)) + 2
NAME_WIDTH = 10
ERASE_LINE = "\r\033[K"
MAX_PROGRESS_LENGTH = 78


def all_checks(installation: Installation, options: argparse.Namespace) -> Sequence[Check]:
    services, machine, trunks = service_checks, machine_checks, trunk_checks
    telephony = _Once(installation)

    async def check_rtp_ports() -> Findings:
        calls = (await telephony.read()).concurrent_calls
        use = await asyncio.to_thread(machine.read_port_use)
        return machine.check_rtp_ports(installation, use, calls)

    async def check_outbound_trunks() -> Findings:
        return await trunks.check_outbound_trunks(await telephony.read())

    async def check_networks() -> Findings:
        return trunks.check_inbound_networks(await telephony.read(), dict(options.networks))

    async def check_numbers() -> Findings:
        return await trunks.check_numbers(installation, await telephony.read())

    def of_telephone(name: str, run: RunCheck) -> Check:
        """A check whose faults do not matter to a tenant without trunks."""

        async def run_if_used() -> Findings:
            findings = await run()
            has_fault = any(finding.status is Status.FAULT for finding in findings)
            if has_fault and (await telephony.read()).is_unused:
                return (skipped("There is no trunk, and no telephone either."),)
            return findings

        return Check(name, run_if_used, timeout_seconds=20.0)

    return (
        Check("api", lambda: services.check_api(installation)),
        Check("livekit", lambda: services.check_livekit(installation)),
        Check("webhook", lambda: services.check_webhooks(installation), timeout_seconds=15.0),
        Check("clock", lambda: services.check_clock(installation, machine.is_clock_synchronized)),
        of_telephone("redis", lambda: services.check_redis(installation)),
        of_telephone("sip", lambda: machine.check_sip_port(installation)),
        of_telephone("rtp", check_rtp_ports),
        of_telephone("address", lambda: machine.check_public_address(installation, options.stun)),
        of_telephone("firewall", lambda: machine.check_firewall(installation)),
        Check("dispatch", lambda: services.check_dispatch(installation)),
        Check("numbers", check_numbers, timeout_seconds=20.0),
        Check("trunk", check_outbound_trunks, timeout_seconds=20.0),
        Check("networks", check_networks),
    )


class _Once:
    """Reads the trunks and numbers once, for several checks."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._reading: asyncio.Task[Telephony] | None = None

    async def read(self) -> Telephony:
        if self._reading is None:
            self._reading = asyncio.create_task(trunk_checks.read_telephony(self._installation))
        return await asyncio.shield(self._reading)


# ---- output --------------------------------------------------------------------------------


class Report:
    """Shows the findings on a terminal as soon as they are known, and below them what still runs."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_tty = out.isatty()
        self._pending: Sequence[str] = ()

    def show_progress(self, pending: Sequence[str]) -> None:
        self._pending = pending
        if self._is_tty:
            text = f"  checking {', '.join(pending)} …" if pending else ""
            self._out.write(ERASE_LINE + self._paint(DIM, text[:MAX_PROGRESS_LENGTH]))
            self._out.flush()

    def show(self, result: CheckResult) -> None:
        for finding in result.findings:
            self._write(self._line(result.name, finding))
            if finding.fix:
                indent = " " * (LABEL_WIDTH + NAME_WIDTH + 2)
                self._write(self._paint(DIM, f"{indent}→ {finding.fix}"))
        self.show_progress(self._pending)

    def show_total(self, findings: Sequence[Finding], seconds: float) -> None:
        counts = Counter(finding.status for finding in findings)
        parts = (
            _counted(counts[Status.FAULT], "fault"),
            _counted(counts[Status.WARNING], "warning"),
            f"{counts[Status.OK]} ok",
            f"{counts[Status.SKIPPED]} skipped",
        )
        self._write(f"\n{', '.join(parts)}, in {seconds:.1f} s")

    def _line(self, name: str, finding: Finding) -> str:
        label = self._paint(COLOURS[finding.status], finding.status.ljust(LABEL_WIDTH))
        subject = f"{finding.subject}: " if finding.subject else ""
        return f"  {label}{name.ljust(NAME_WIDTH)}{subject}{finding.message}"

    def _write(self, line: str) -> None:
        self._out.write(f"{ERASE_LINE if self._is_tty else ''}{line}\n")
        self._out.flush()

    def _paint(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._is_tty and text else text


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def as_json(results: Sequence[CheckResult]) -> str:
    findings = [
        {"check": result.name, **asdict(finding)}
        for result in results
        for finding in result.findings
    ]
    faults = sum(finding["status"] == Status.FAULT for finding in findings)
    return json.dumps({"faults": faults, "findings": findings}, indent=2, ensure_ascii=False)


# ---- the command ---------------------------------------------------------------------------


async def examine(
    installation: Installation, options: argparse.Namespace, report: Report | None
) -> Sequence[CheckResult]:
    """`report` shows the results while they arrive; None shows nothing."""
    checks = [
        check
        for check in all_checks(installation, options)
        if not options.only or check.name in options.only
    ]
    results = []
    on_progress = report.show_progress if report else lambda pending: None
    async for result in run_checks(checks, on_progress):
        results.append(result)
        if report:
            report.show(result)
    return results


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Returns the exit code. The caller must end the process at once: a name server that stays silent
    keeps threads of the resolver busy, which a normal end would wait for."""
    parser = _parser()
    options = parser.parse(arguments)
    _check_options(parser, options)
    logging.getLogger("livekit").setLevel(logging.ERROR)
    try:
        installation = find_installation(environ, StateDir.locate(environ))
    except (StartupError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    report = None if options.json else Report(sys.stdout)
    started = time.monotonic()
    loop = asyncio.new_event_loop()
    try:
        results = loop.run_until_complete(examine(installation, options, report))
    except KeyboardInterrupt:
        return 130
    findings = [finding for result in results for finding in result.findings]
    if report:
        report.show_total(findings, time.monotonic() - started)
    else:
        print(as_json(results))
    return 1 if any(finding.status is Status.FAULT for finding in findings) else 0


def _check_options(parser: CommandLine, options: argparse.Namespace) -> None:
    known = [check.name for check in all_checks(Installation(), options)]
    if unknown := [name for name in options.only or () if name not in known]:
        parser.error(f"no check named {unknown[0]}; there are: {', '.join(known)}")


def _parser() -> CommandLine:
    parser = CommandLine(
        prog=f"{PROGRAM} doctor",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--json", action="store_true", help="machine-readable output: one JSON object")
    add("--only", action="append", metavar="CHECK", help="run only this check; repeatable")
    add(
        "--stun",
        type=_server,
        default=_server(STUN_SERVER),
        metavar="HOST:PORT",
        help=f"the STUN server that says which address the internet sees (default: {STUN_SERVER};"
        " `none` asks no server)",
    )
    add(
        "--networks",
        type=_network_list,
        action="append",
        default=[],
        metavar="TRUNK=FILE",
        help="a file with the networks that the carrier of the trunk publishes, one per line",
    )
    return parser


def _server(text: str) -> Address | None:
    if text == "none":
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= 65_535:
        raise argparse.ArgumentTypeError(f"the server is a host and a port, such as {STUN_SERVER}")
    return host, int(port)


def _network_list(text: str) -> tuple[str, Sequence[str]]:
    trunk, _, file = text.partition("=")
    if not trunk or not file:
        raise argparse.ArgumentTypeError(
            "give the name of a trunk and a file: carrier=networks.txt"
        )
    try:
        lines = [line.partition("#")[0].strip() for line in Path(file).read_text().splitlines()]
        return trunk, [str(IPv4Network(line)) for line in lines if line]
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{file}: {error}") from None
