"""Findings about actions that need a telephone line: transfers, DTMF tones, and digits of the caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.common.errors import DialRefused
from domain.common.findings import Finding, FindingCode
from domain.telephony.dial_policy import check_dial
from domain.telephony.trunks import OutboundTrunkSpec
from domain.tools.actions import CollectDigits, SendDtmf, TransferCall
from domain.tools.model import ToolSpec, all_actions
from domain.verification.reporting import Path, error, warning

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


def needs_telephone(tool: ToolSpec) -> bool:
    kinds = TransferCall | SendDtmf | CollectDigits
    return any(isinstance(action, kinds) for _, action in all_actions(tool))


def findings(tools: Mapping[str, ToolSpec], facts: TelephonyFacts | None) -> Iterator[Finding]:
    if facts is None:
        return
    for name, tool in tools.items():
        for path, action in all_actions(tool, ("tools", name)):
            match action:
                case TransferCall(number=number):
                    here = (*path, "transferCall", "number")
                    yield from _line(here, "transferCall", facts)
                    yield from _target(here, number, facts)
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


def _target(path: Path, number: str, facts: TelephonyFacts) -> Iterator[Finding]:
    """A transfer dials a number, so it must be one that may be dialled."""
    if "{{" in number or not facts.outbound_trunks:
        return
    refusals = list[DialRefused]()
    for trunk in facts.outbound_trunks:
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
