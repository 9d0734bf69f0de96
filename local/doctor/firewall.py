"""Who may send to a UDP port, by the packet filter of this machine (nftables, with the rules of
iptables). A firewall in front of the machine cannot be seen from it."""

from __future__ import annotations

import asyncio
import json
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from domain.common.processes import running_program

COMMAND_SECONDS = 3.0
PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
FAMILIES = frozenset({"ip", "inet"})
VERDICTS = {"accept", "drop", "reject", "queue", "jump", "goto", "return"}

CONDITIONS = {"limit", "quota", "meter", "ct count", "xt"}
"""Statements that only some of the packets pass; `xt` is a match of iptables that nftables does not
translate."""

Json = Mapping[str, Any]


class Exposure(StrEnum):
    """From where packets reach a port."""

    OPEN = "open"
    """From everywhere."""
    RESTRICTED = "restricted"
    """At most from the sources that rules name."""
    UNKNOWN = "unknown"


async def read_ruleset() -> Json | None:
    """The rules of nftables; None if they cannot be read."""
    nft = shutil.which("nft", path=PATH)
    if nft is None:
        return None
    try:
        async with (
            running_program(nft, "-j", "list", "ruleset", stdout=PIPE, stderr=DEVNULL) as process,
            asyncio.timeout(COMMAND_SECONDS),
        ):
            output, _ = await process.communicate()
    except TimeoutError:
        return None
    if process.returncode != 0:  # only root may read them
        return None
    try:
        return dict(json.loads(output))
    except ValueError:
        return None


def exposure_of(ruleset: Json, port: int) -> Exposure:
    """Every chain of the input has to accept a packet, so the strictest one counts."""
    items = ruleset.get("nftables", ())
    chains = [item["chain"] for item in items if "chain" in item]
    found = {
        _exposure_by_chain(chain, _rules_of(chain, items), port)
        for chain in chains
        if chain.get("hook") == "input" and chain["family"] in FAMILIES
    }
    for exposure in (Exposure.RESTRICTED, Exposure.UNKNOWN):
        if exposure in found:
            return exposure
    return Exposure.OPEN


def _rules_of(chain: Json, items: Iterable[Json]) -> Sequence[Json]:
    place = (chain["family"], chain["table"], chain["name"])
    rules = (item["rule"] for item in items if "rule" in item)
    return [rule for rule in rules if (rule["family"], rule["table"], rule["chain"]) == place]


def _exposure_by_chain(chain: Json, rules: Sequence[Json], port: int) -> Exposure:
    """The first rule that applies to packets from everywhere decides, and otherwise the policy."""
    for rule in rules:
        statements = rule.get("expr", ())
        if not all(_applies(statement, port) for statement in statements):
            continue
        verdict = next((name for each in statements for name in each if name in VERDICTS), None)
        match verdict:
            case "accept":
                return Exposure.OPEN
            case "drop" | "reject":
                return Exposure.RESTRICTED
            case "jump" | "goto" | "queue":
                return Exposure.UNKNOWN
            case "return":
                break
    return Exposure.OPEN if chain.get("policy", "accept") == "accept" else Exposure.RESTRICTED


def _applies(statement: Json, port: int) -> bool:
    """Whether a statement lets all UDP packets to the port pass on to the next one."""
    if "match" not in statement:
        return not statement.keys() & CONDITIONS
    match = statement["match"]
    left, right = match["left"], match["right"]
    is_negated = match["op"] == "!="
    if "payload" in left and left["payload"].get("field") == "dport":
        is_udp = left["payload"].get("protocol") in ("udp", "th")
        return is_udp and _contains(right, port) is not is_negated
    if _names_protocol(left):
        return (right in ("udp", 17)) is not is_negated
    return False


def _names_protocol(left: Json) -> bool:
    if "meta" in left:
        return bool(left["meta"].get("key") == "l4proto")
    return bool(left.get("payload", {}).get("field") == "protocol")


def _contains(right: Any, port: int) -> bool:
    match right:
        case {"range": [first, last]}:
            return bool(first <= port <= last)
        case {"set": elements}:
            return any(_contains(each, port) for each in elements)
        case _:
            return bool(right == port)
