"""What a carrier says about a caller's number, and how long callers are on hold."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from domain.common.errors import InvalidInput
from domain.common.problems import raise_all
from domain.telephony.attestation import Attestation, attestation_of
from domain.telephony.hold import HOLD_TEXTS, HoldLimits, HoldPolicy, hold_limits, hold_texts
from domain.telephony.trunks import NumberDefaults, PhoneNumberSpec, phone_number_problems

A = Attestation
INSTALLATION = HoldLimits(15, 180)


@pytest.mark.parametrize(
    ("headers", "attestation"),
    [
        ({}, A.NONE),
        ({"X-Twilio-VerStat": "TN-Validation-Passed-A"}, A.FULL),
        ({"x_twilio_verstat": "TN-Validation-Passed-B"}, A.PARTIAL),
        ({"X-Twilio-VerStat": "TN-Validation-Passed-C-Diverted"}, A.GATEWAY),
        ({"X-Twilio-VerStat": "TN-Validation-Failed-A"}, A.FAILED),
        ({"X-Twilio-VerStat": "No-TN-Validation"}, A.NONE),
        ({"X-Twilio-VerStat": "TN-Validation-PassedX"}, A.NONE),
        ({"P-Asserted-Identity": "<sip:+12025550101@h;verstat=TN-Validation-Passed>"}, A.FULL),
        ({"p_asserted_identity": "<tel:+12025550101>; verstat=tn-validation-failed"}, A.FAILED),
        ({"P-Asserted-Identity": "<sip:+12025550101@h>"}, A.NONE),
        ({"X-Plivo-Stir-Verification": "Verified"}, A.GATEWAY),
        ({"X-Plivo-Stir-Verification": "Not Verified"}, A.FAILED),
        (
            {
                "X-Twilio-VerStat": "TN-Validation-Passed-A",
                "P-Asserted-Identity": "<sip:+12025550101@h;verstat=TN-Validation-Failed>",
            },
            A.FAILED,
        ),
    ],
)
def test_headers_state_the_attestation(
    headers: Mapping[str, str], attestation: Attestation
) -> None:
    assert attestation_of(headers) is attestation


@pytest.mark.parametrize(
    ("policy", "ringing", "limits"),
    [
        (HoldPolicy(), 30, HoldLimits(15, 180)),
        (HoldPolicy(), 10, HoldLimits(8, 180)),
        (HoldPolicy(after_seconds=3, max_seconds=60), 30, HoldLimits(3, 60)),
        (HoldPolicy(max_seconds=0), 30, None),
    ],
)
def test_callers_are_held_as_the_number_or_the_installation_says(
    policy: HoldPolicy, ringing: int, limits: HoldLimits | None
) -> None:
    assert hold_limits(policy, INSTALLATION, ringing) == limits
    assert hold_limits(HoldPolicy(), HoldLimits(15, 0), ringing) is None


def test_callers_hear_the_texts_of_the_number_or_of_their_language() -> None:
    assert hold_texts(HoldPolicy(), "de-AT") == HOLD_TEXTS["de"]
    assert hold_texts(HoldPolicy(), "ja") == HOLD_TEXTS["en"]
    own = hold_texts(HoldPolicy(announcement="One moment."), None)
    assert (own.announcement, own.goodbye) == ("One moment.", HOLD_TEXTS["en"].goodbye)


@pytest.mark.parametrize(
    ("hold", "field"),
    [
        (HoldPolicy(after_seconds=29), "after"),
        (HoldPolicy(after_seconds=0), "after"),
        (HoldPolicy(max_seconds=3_601), "timeout"),
        (HoldPolicy(max_seconds=-1), "timeout"),
        (HoldPolicy(announcement=" "), "announcement"),
        (HoldPolicy(goodbye="x" * 501), "goodbye"),
    ],
)
def test_a_hold_that_cannot_be_is_refused(hold: HoldPolicy, field: str) -> None:
    spec = PhoneNumberSpec(number="+12025550123", hold=hold)
    with pytest.raises(InvalidInput) as refused:
        raise_all(phone_number_problems(spec))
    assert refused.value.path == ("hold", field)


def test_a_hold_begins_before_the_phone_stops_ringing() -> None:
    hold, defaults = HoldPolicy(after_seconds=8), NumberDefaults(ringing_seconds=10)
    spec = PhoneNumberSpec(number="+12025550123", hold=hold, defaults=defaults)
    assert list(phone_number_problems(spec)) == []


def test_an_attestation_is_refused_once() -> None:
    spec = PhoneNumberSpec(number="+12025550123", refused_attestations=(A.FAILED, A.FAILED))
    with pytest.raises(InvalidInput) as refused:
        raise_all(phone_number_problems(spec))
    assert refused.value.path == ("refusedAttestations",)
