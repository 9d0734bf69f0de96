"""Findings about actions that need a telephone line: transfers, DTMF tones, and digits of the caller."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.common.errors import DialRefused
from domain.common.findings import Finding, FindingCode
from domain.telephony.dial_policy import check_dial
from domain.telephony.trunks import OutboundTrunkSpec
from domain.tools.actions import CollectDigits, SendDtmf, TransferCall
from domain.tools.model import all_actions
from domain.tools.transfers import TransferTarget
from domain.verification.reporting import Path, error, warning
from domain.workflows.model import Snapshot

_C = FindingCode


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephonyFacts:
    """What the tenant has of telephony."""

    outbound_trunks: tuple[OutboundTrunkSpec, ...] = ()
    """The enabled ones."""
    has_numbers: bool = False
    """Whether the tenant has a telephone number."""
    answers_number: bool = False
    """Whether the workflow answers the calls of one."""


def needs_telephone(snapshot: Snapshot) -> bool:
    return any(node.transfer is not None for node in snapshot.workflow.nodes) or any(
        isinstance(action, TransferCall | SendDtmf | CollectDigits)
        for tool in snapshot.tools.values()
        for _, action in all_actions(tool)
    )


def findings(snapshot: Snapshot, facts: TelephonyFacts | None) -> Iterator[Finding]:
    if facts is None:
        return
    for index, node in enumerate(snapshot.workflow.nodes):
        if node.transfer is not None:
            yield from _transfer(("nodes", str(index), "transfer"), node.transfer, facts)
    for name, tool in snapshot.tools.items():
        for path, action in all_actions(tool, ("tools", name)):
            match action:
                case TransferCall():
                    yield from _transfer((*path, "transferCall"), action, facts)
                case SendDtmf():
                    yield from _line((*path, "sendDtmf", "digits"), "sendDtmf", facts)
                case CollectDigits():
                    yield from _line((*path, "collectDigits"), "collectDigits", facts)


def _line(path: Path, action: str, facts: TelephonyFacts) -> Iterator[Finding]:
    if not facts.outbound_trunks and not facts.has_numbers:
        yield error(
            _C.NO_TELEPHONE,
            path,
            f"{action} needs a telephone line, and your tenant has none.",
            "Create a trunk and a telephone number, or remove the action.",
        )
    elif not facts.outbound_trunks and not facts.answers_number:
        yield warning(
            _C.NO_PHONE_NUMBER,
            path,
            f"{action} needs a telephone line, but the workflow answers no telephone number, and "
            "there is no outbound trunk, so only browsers and apps can call it.",
            "Assign a telephone number to the workflow, or remove the action.",
        )


def _transfer(path: Path, target: TransferTarget, facts: TelephonyFacts) -> Iterator[Finding]:
    """A transfer dials a number, so a trunk must allow it."""
    here = (*path, "number")
    if not facts.outbound_trunks and not facts.has_numbers:
        yield from _line(here, "transferCall", facts)
    elif not facts.outbound_trunks:
        yield error(
            _C.TRANSFER_NOT_ALLOWED,
            here,
            "There is no outbound trunk, whose rules say where callers may be transferred to.",
            "Create an outbound trunk, or remove the transfer.",
        )
    elif target.trunk is not None:
        yield from _named_trunk(path, target, target.trunk, facts)
    else:
        yield from _target(here, target.number, facts.outbound_trunks)


def _named_trunk(
    path: Path, target: TransferTarget, name: str, facts: TelephonyFacts
) -> Iterator[Finding]:
    trunks = tuple(trunk for trunk in facts.outbound_trunks if trunk.name == name)
    if trunks:
        yield from _target((*path, "number"), target.number, trunks)
    else:
        yield error(
            _C.TRANSFER_NOT_ALLOWED,
            (*path, "trunk"),
            f"There is no enabled outbound trunk {name}.",
            "Use the name of an enabled outbound trunk, or omit trunk.",
        )


def _target(path: Path, number: str, trunks: tuple[OutboundTrunkSpec, ...]) -> Iterator[Finding]:
    if "{{" in number:
        return
    refusals = list[DialRefused]()
    for trunk in trunks:
        try:
            check_dial(trunk, number, path)
        except DialRefused as refused:
            refusals.append(refused)
        else:
            return
    yield error(
        _C.TRANSFER_NOT_ALLOWED,
        path,
        f"No trunk may dial this number ({refusals[0].reason}), so the transfer would be refused.",
        refusals[0].message,
    )
