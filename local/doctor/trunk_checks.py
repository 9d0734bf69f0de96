"""Whether the trunks and numbers of a tenant work: carriers answer, their networks are allowed, and
LiveKit has the numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from livekit import api

from local.client import ApiError, StudioClient
from local.doctor.carriers import Carrier, compare_networks, find_carrier
from local.doctor.findings import Finding, fault, ok, skipped, warning
from local.doctor.installation import Installation
from local.doctor.service_checks import Findings
from local.doctor.sip_options import NoAnswer, NotResolved, NotTrusted, SipAnswer, ask_options
from local.phone.transactions import Address

QUERY_SECONDS = 8.0
MAX_TRUNKS = 20
"""Trunks of each direction that are examined, so that the time is bounded."""
DEFAULT_PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061}
CODECS = frozenset({"PCMU", "PCMA", "G722"})
"""The codecs that livekit-sip offers."""
QUERY = """{
  outboundTrunks(first: 100) {
    edges { node { name address transport mediaEncryption isEnabled limits { concurrentCalls } } }
  }
  inboundTrunks(first: 100) {
    edges { node { name allowedAddresses isEnabled numbers } }
  }
  phoneNumbers(first: 100) {
    edges { node {
      number workflow { slug } inboundTrunk { name isEnabled } outboundTrunk { address }
    } }
  }
}"""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Telephony:
    """The trunks and numbers of the tenant. `problem` says why they cannot be read."""

    outbound: Sequence[Json] = ()
    inbound: Sequence[Json] = ()
    numbers: Sequence[Json] = ()
    problem: str = ""

    @property
    def is_unused(self) -> bool:
        """Whether the tenant certainly has no telephone."""
        return not (self.problem or self.outbound or self.inbound)

    @property
    def concurrent_calls(self) -> int:
        return sum(t["limits"]["concurrentCalls"] for t in self.outbound if t["isEnabled"])


async def read_telephony(installation: Installation) -> Telephony:
    if not installation.api_url:
        return Telephony(problem="There is no studio whose trunks could be examined.")
    if not installation.token:
        return Telephony(
            problem="Without a token of the studio (STUDIO_TOKEN) its trunks cannot be examined."
        )
    studio = StudioClient(installation.api_url, installation.token)
    try:
        data = await studio.execute(QUERY, timeout_seconds=QUERY_SECONDS)
    except ApiError as error:
        return Telephony(problem=f"The API does not show the trunks: {error}")
    except TimeoutError:
        return Telephony(problem="The API does not respond.")
    return Telephony(
        outbound=_nodes(data["outboundTrunks"]),
        inbound=_nodes(data["inboundTrunks"]),
        numbers=_nodes(data["phoneNumbers"]),
    )


def _nodes(connection: Json) -> list[Json]:
    return [edge["node"] for edge in connection["edges"]]


# ---- outbound ------------------------------------------------------------------------------


async def check_outbound_trunks(telephony: Telephony) -> Findings:
    """Ask each carrier with OPTIONS. A response of any kind shows that it can be reached."""
    enabled = [trunk for trunk in telephony.outbound if trunk["isEnabled"]]
    if telephony.problem:
        return (skipped(telephony.problem),)
    if not enabled:
        return (skipped("There is no outbound trunk that is enabled."),)
    return await asyncio.gather(*(_check_outbound_trunk(trunk) for trunk in enabled[:MAX_TRUNKS]))


async def _check_outbound_trunk(trunk: Json) -> Finding:
    host, port = address_of(trunk["address"], trunk["transport"])
    name, place = trunk["name"], f"{host}:{port} ({trunk['transport']})"
    try:
        answer = await ask_options(host, port, trunk["transport"])
    except NotResolved as problem:
        return fault(f"{host} {problem}.", "Correct the `address` of the trunk.", name)
    except NotTrusted as problem:
        fix = "Use the host name that the carrier's certificate is for; an address has none."
        return fault(f"{place} {problem}.", fix, name)
    except NoAnswer as problem:
        return _no_answer(name, place, trunk["transport"], problem)
    return _judge_answer(trunk, place, answer)


def _no_answer(name: str, place: str, transport: str, problem: NoAnswer) -> Finding:
    if transport == "UDP":  # some carriers ignore OPTIONS of strangers
        fix = (
            "Make a call. If it ends UNREACHABLE, let the firewall send UDP to the carrier, and check"
            " the port with your carrier."
        )
        return warning(f"{place} {problem}.", fix, name)
    fix = "Check the port with your carrier, and let the firewall connect to it."
    return fault(f"{place} {problem}.", fix, name)


def _judge_answer(trunk: Json, place: str, answer: SipAnswer) -> Finding:
    name = trunk["name"]
    if answer.codecs and not answer.codecs & CODECS:
        listed = ", ".join(sorted(answer.codecs))
        fix = f"Enable one of {', '.join(sorted(CODECS))} for your trunk at the carrier."
        return fault(
            f"{place} offers only codecs that livekit-sip does not have: {listed}.", fix, name
        )
    if answer.status >= 500:
        fix = "Ask the carrier; its server responds and reports a failure of its own."
        return warning(f"{place} answers OPTIONS with {answer.status}.", fix, name)
    if trunk["mediaEncryption"] == "REQUIRED" and trunk["transport"] != "TLS":
        fix = "Set `transport: TLS`: without it, the key of the audio is sent in the open."
        return warning(f"{place} answers, but encrypts only the audio.", fix, name)
    codecs = f", with {', '.join(sorted(answer.codecs))}" if answer.codecs else ""
    return ok(f"{place} answers OPTIONS with {answer.status}{codecs}.", name)


def address_of(address: str, transport: str) -> Address:
    """The host and the port of a trunk; the default port of its transport if it names none."""
    host, _, port = address.partition(":")
    return host, int(port) if port else DEFAULT_PORTS[transport]


# ---- inbound -------------------------------------------------------------------------------


def check_inbound_networks(
    telephony: Telephony, published: Mapping[str, Sequence[str]]
) -> Findings:
    """Compare the networks of each trunk with those that its carrier publishes. `published` has the
    lists that the user gave, by the names of trunks."""
    if telephony.problem:
        return (skipped(telephony.problem),)
    enabled = [trunk for trunk in telephony.inbound if trunk["isEnabled"]]
    if not enabled:
        return (skipped("There is no inbound trunk that is enabled."),)
    return [
        finding
        for trunk in enabled[:MAX_TRUNKS]
        for finding in _check_networks(trunk, telephony, published.get(trunk["name"]))
    ]


def _check_networks(trunk: Json, telephony: Telephony, published: Sequence[str] | None) -> Findings:
    name, allowed = trunk["name"], trunk["allowedAddresses"]
    if published is not None:
        return _compare(name, allowed, dict.fromkeys(published, ""), "the list")
    carrier = find_carrier(_outbound_hosts(telephony, name), allowed)
    if carrier is None:
        message = "Its carrier publishes no list that is known here."
        return (skipped(f"{message} Compare it with --networks {name}=FILE.", name),)
    return _compare(name, allowed, carrier.networks, _source(carrier))


def _source(carrier: Carrier) -> str:
    return f"{carrier.name}'s list ({carrier.page}, as of {carrier.read_on})"


def _outbound_hosts(telephony: Telephony, inbound: str) -> Iterable[str]:
    """The hosts of the outbound trunks of the numbers whose calls come over the inbound trunk."""
    for number in telephony.numbers:
        if (number["inboundTrunk"] or {}).get("name") == inbound and number["outboundTrunk"]:
            yield number["outboundTrunk"]["address"].partition(":")[0]


def _compare(
    name: str, allowed: Sequence[str], published: Mapping[str, str], source: str
) -> Findings:
    compared = compare_networks(allowed, published)
    found = []
    if compared.missing:
        networks = ", ".join(_with_place(str(each), published) for each in compared.missing)
        message = f"It refuses calls from {networks}, which {source} has."
        found.append(fault(message, "Add them to `allowedAddresses`, and to the firewall.", name))
    if compared.foreign:
        networks = ", ".join(map(str, compared.foreign))
        message = f"It accepts calls from {networks}, which {source} does not have."
        found.append(warning(message, "Remove them from `allowedAddresses`.", name))
    return found or (ok(f"Its networks are those of {source}.", name),)


def _with_place(network: str, published: Mapping[str, str]) -> str:
    place = published.get(network, "")
    return f"{network} ({place})" if place else network


async def check_numbers(installation: Installation, telephony: Telephony) -> Findings:
    """Whether LiveKit has the trunk of each number that a workflow answers."""
    if telephony.problem:
        return (skipped(telephony.problem),)
    answered = {
        number["number"]
        for number in telephony.numbers
        if number["workflow"] and (number["inboundTrunk"] or {}).get("isEnabled")
    }
    if not answered:
        return (skipped("There is no number that a workflow answers."),)
    listed = await _numbers_in_livekit(installation)
    if listed is None:
        return (skipped("LiveKit does not list its trunks."),)
    if missing := sorted(answered - listed):
        message = (
            f"LiveKit does not know {', '.join(missing)}: calls to it ring and are not answered."
        )
        fix = (
            "Start a keeper with LIVEKIT_URL, and read its log: it writes numbers within 5 seconds."
        )
        return (fault(message, fix),)
    return (ok(f"LiveKit has all {len(answered)} numbers that workflows answer."),)


async def _numbers_in_livekit(installation: Installation) -> frozenset[str] | None:
    livekit = installation.livekit
    if livekit is None:
        return None
    timeout = aiohttp.ClientTimeout(total=QUERY_SECONDS)
    try:
        async with api.LiveKitAPI(
            livekit.url, livekit.key, livekit.secret, timeout=timeout
        ) as client:
            trunks = await client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
    except (api.ServerError, aiohttp.ClientError, TimeoutError, OSError):
        return None
    return frozenset(number for trunk in trunks.items for number in trunk.numbers)
