"""Verification reports actions that need a telephone line where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.common.findings import FindingCode, Severity
from domain.telephony.trunks import OutboundTrunkSpec
from domain.tools.actions import CollectDigits, SendDtmf, ToolAction, TransferCall
from domain.tools.model import ToolSpec
from domain.verification import TelephonyFacts, build_snapshot, verify
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION

TRUNK = OutboundTrunkSpec(name="carrier", address="sip.example.com", region="US")
TRANSFER = TransferCall(number="+12025550123")
PATH = ("tools", "book_appointment", "actions")

NOTHING = TelephonyFacts()
OUTBOUND = TelephonyFacts(outbound_trunks=(TRUNK,))
OTHER_NUMBER = TelephonyFacts(has_numbers=True)
OWN_NUMBER = TelephonyFacts(has_numbers=True, answers_number=True)


def found(
    action: ToolAction, facts: TelephonyFacts | None
) -> list[tuple[FindingCode, Severity, tuple[str, ...]]]:
    tool: ToolSpec = replace(BOOK, actions=(action, *BOOK.actions))
    agents = {agent.name: agent for agent in (RECEPTION, BOOKING)}
    snapshot = build_snapshot(CLINIC, agents, {tool.name: tool})
    findings = verify(snapshot, telephony_facts=facts)
    known = {finding.code for finding in verify(build_snapshot(CLINIC, agents, {BOOK.name: BOOK}))}
    return [(f.code, f.severity, f.path) for f in findings if f.code not in known]


@pytest.mark.parametrize(
    ("action", "facts", "code", "severity"),
    [
        (TRANSFER, NOTHING, FindingCode.NO_TELEPHONE, Severity.ERROR),
        (TRANSFER, OUTBOUND, None, None),
        (TRANSFER, OTHER_NUMBER, FindingCode.TRANSFER_NOT_ALLOWED, Severity.ERROR),
        (TRANSFER, OWN_NUMBER, FindingCode.TRANSFER_NOT_ALLOWED, Severity.ERROR),
        (TRANSFER, None, None, None),
        (SendDtmf(digits="1w2"), NOTHING, FindingCode.NO_TELEPHONE, Severity.ERROR),
        (SendDtmf(digits="1w2"), OUTBOUND, None, None),
        (SendDtmf(digits="1w2"), OTHER_NUMBER, FindingCode.NO_PHONE_NUMBER, Severity.WARNING),
        (SendDtmf(digits="1w2"), OWN_NUMBER, None, None),
        (CollectDigits(name="pin"), NOTHING, FindingCode.NO_TELEPHONE, Severity.ERROR),
        (CollectDigits(name="pin"), OTHER_NUMBER, FindingCode.NO_PHONE_NUMBER, Severity.WARNING),
        (CollectDigits(name="pin"), OWN_NUMBER, None, None),
        (
            TransferCall(number="+18765550123"),
            OUTBOUND,
            FindingCode.TRANSFER_NOT_ALLOWED,
            Severity.ERROR,
        ),
        (TransferCall(number="911"), OUTBOUND, FindingCode.TRANSFER_NOT_ALLOWED, Severity.ERROR),
        (TransferCall(number="{{user.desk}}"), OUTBOUND, None, None),
    ],
)
def test_actions_that_need_a_telephone_line_are_reported(
    action: ToolAction,
    facts: TelephonyFacts | None,
    code: FindingCode | None,
    severity: Severity | None,
) -> None:
    names = {
        TransferCall: ("transferCall", "number"),
        SendDtmf: ("sendDtmf", "digits"),
        CollectDigits: ("collectDigits",),
    }
    name = names[type(action)]
    expected = [] if code is None else [(code, severity, (*PATH, "0", *name))]
    assert found(action, facts) == expected


def test_one_of_several_trunks_may_allow_the_target_of_a_transfer() -> None:
    caribbean = replace(TRUNK, name="caribbean", allowed_regions=("JM",))
    facts = TelephonyFacts(outbound_trunks=(TRUNK, caribbean))
    assert found(TransferCall(number="+18765550123"), facts) == []
