"""Trunks, telephone numbers, and which numbers may be dialled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.common.access import TenantId
from domain.common.errors import DialRefused, InvalidInput
from domain.common.problems import raise_all
from domain.telephony.carrier_addresses import carrier_address_problems, check_carrier_addresses
from domain.telephony.dial_policy import (
    DialRefusal,
    DialUsage,
    check_dial,
    check_limits,
    choose_caller_id,
)
from domain.telephony.numbers import LineType, ParsedNumber, parse_number
from domain.telephony.trunks import (
    DialLimits,
    InboundTrunkSpec,
    NumberDefaults,
    OutboundTrunkSpec,
    PhoneNumber,
    PhoneNumberId,
    PhoneNumberSpec,
    SipTransport,
    check_password,
    check_password_text,
    inbound_trunk_problems,
    outbound_trunk_problems,
    phone_number_problems,
)
from domain.tools.network_allow_list import AllowList

TRUNK = OutboundTrunkSpec(name="carrier", address="sip.example.com", region="US")
INBOUND = InboundTrunkSpec(name="carrier", allowed_addresses=("192.0.2.0/30",))
NUMBER = PhoneNumberSpec(number="+12025550123")
PATH = ("phoneNumber",)


def stored(number: str, age_days: int = 0) -> PhoneNumber:
    at = datetime(2026, 1, 31, tzinfo=UTC) - timedelta(days=age_days)
    return PhoneNumber(
        id=PhoneNumberId(uuid4()),
        tenant_id=TenantId(uuid4()),
        revision=1,
        created_at=at,
        updated_at=at,
        spec=PhoneNumberSpec(number=number),
    )


@pytest.mark.parametrize(
    ("number", "region", "costs_extra"),
    [
        ("+12025550123", "US", False),
        ("+4915112345678", "DE", False),
        ("+18765550123", "JM", False),
        ("+18095550123", "DO", False),
        ("+17875550123", "PR", False),
        ("+16715550123", "GU", False),
        ("+447624012345", "IM", False),
        ("+447781555012", "GG", False),
        ("+77015550123", "KZ", False),
        ("+33899123456", "FR", True),
        ("+12029765555", "US", True),
    ],
)
def test_the_region_is_that_of_the_number_and_not_of_its_country_code(
    number: str, region: str, costs_extra: bool
) -> None:
    parsed = parse_number(number)
    assert parsed is not None
    is_premium = parsed.line_type is LineType.PREMIUM_RATE
    assert (parsed.region, is_premium) == (region, costs_extra)


def test_a_satellite_phone_belongs_to_no_region() -> None:
    assert parse_number("+870773111632") == ParsedNumber(
        e164="+870773111632", region=None, line_type=LineType.MOBILE
    )


@pytest.mark.parametrize(
    "number",
    [
        "",
        "2025550199",
        "+1 202 555 0123",
        "+1-800-FLOWERS",
        "+0202555012",
        "++12025550123",
        "+١٢٠٢٥٥٥٠١٢٣",
        "tel:+12025550123",
        "+12025550123;ext=55",
        "+12025550123\n",
        "+120255501234567",
        "+12425550123456",
        "+49110",
        "+441234",
        "+447700900123",
        "+9991234567",
    ],
)
def test_what_is_no_valid_number_is_refused(number: str) -> None:
    assert parse_number(number) is None
    with pytest.raises(DialRefused) as refused:
        check_dial(TRUNK, number, PATH)
    short = number in ("+49110", "+441234")
    wanted = DialRefusal.SHORT_NUMBER if short else DialRefusal.INVALID_NUMBER
    assert (refused.value.reason, refused.value.path) == (wanted, PATH)
    assert not number or number not in refused.value.message


@pytest.mark.parametrize(
    ("number", "changes", "reason"),
    [
        ("+12025550123", {}, None),
        ("+12025550123", {"is_enabled": False}, DialRefusal.TRUNK_DISABLED),
        ("+18765550123", {}, DialRefusal.REGION_NOT_ALLOWED),
        ("+18765550123", {"allowed_regions": ("JM",)}, None),
        ("+18765550123", {"allowed_prefixes": ("+1876",)}, None),
        ("+4915112345678", {}, DialRefusal.REGION_NOT_ALLOWED),
        ("+4915112345678", {"allowed_regions": ("DE",)}, None),
        ("+870773111632", {}, DialRefusal.REGION_NOT_ALLOWED),
        ("+870773111632", {"allowed_prefixes": ("+87077",)}, None),
        ("+12029765555", {}, DialRefusal.PREMIUM_NUMBER),
        ("+12029765555", {"allowed_prefixes": ("+1202976",)}, None),
        ("+33899123456", {"allowed_regions": ("FR",)}, DialRefusal.PREMIUM_NUMBER),
        ("+33899123456", {"allowed_prefixes": ("+33899",)}, None),
        ("911", {}, DialRefusal.EMERGENCY_NUMBER),
        ("+911", {}, DialRefusal.EMERGENCY_NUMBER),
        ("112", {"region": "DE"}, DialRefusal.EMERGENCY_NUMBER),
        ("112", {"region": "DE", "allowed_short_numbers": ("112",)}, None),
        ("061", {"region": "ES"}, DialRefusal.SHORT_NUMBER),
        ("911", {"allowed_prefixes": ("+1911",)}, DialRefusal.EMERGENCY_NUMBER),
        ("12345", {}, DialRefusal.SHORT_NUMBER),
    ],
)
def test_only_allowed_numbers_may_be_dialled(
    number: str, changes: dict[str, object], reason: DialRefusal | None
) -> None:
    trunk = replace(TRUNK, **changes)  # type: ignore[arg-type]
    if reason is None:
        check_dial(trunk, number, PATH)
        return
    with pytest.raises(DialRefused) as refused:
        check_dial(trunk, number, PATH)
    assert (refused.value.reason, refused.value.path) == (reason, PATH)


def test_the_caller_id_is_one_of_the_numbers_of_the_trunk() -> None:
    new, old = stored("+12025550123"), stored("+12025550124", age_days=1)
    assert choose_caller_id([new, old], None, ("from",)) is old
    assert choose_caller_id([new, old], "+12025550123", ("from",)) is new
    for numbers, requested, reason in (
        ([new], "+12025550199", DialRefusal.CALLER_ID_NOT_OWNED),
        ([], None, DialRefusal.NO_CALLER_ID),
        ([], "+12025550123", DialRefusal.NO_CALLER_ID),
    ):
        with pytest.raises(DialRefused) as refused:
            choose_caller_id(numbers, requested, ("from",))
        assert (refused.value.reason, refused.value.path) == (reason, ("from",))


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        (DialUsage(), None),
        (DialUsage(active_calls=4, calls_today=199, calls_to_number_in_last_hour=2), None),
        (DialUsage(active_calls=5), DialRefusal.TOO_MANY_CONCURRENT_CALLS),
        (DialUsage(calls_today=200), DialRefusal.TOO_MANY_CALLS_PER_DAY),
        (DialUsage(calls_to_number_in_last_hour=3), DialRefusal.TOO_MANY_CALLS_TO_NUMBER),
    ],
)
def test_the_limits_of_a_trunk_are_respected(usage: DialUsage, reason: DialRefusal | None) -> None:
    if reason is None:
        check_limits(DialLimits(), usage, PATH)
        return
    with pytest.raises(DialRefused) as refused:
        check_limits(DialLimits(), usage, PATH)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"name": "My carrier"}, ("name",), "lower-case"),
        ({"address": "sip:sip.example.com"}, ("address",), "without sip:"),
        ({"address": "sip.example.com:0"}, ("address",), "optional port"),
        ({"address": "sip.example.com:70000"}, ("address",), "optional port"),
        ({"address": "sip.example.com;transport=tcp"}, ("address",), "parameters"),
        ({"address": "user@sip.example.com"}, ("address",), "host name"),
        ({"address": ""}, ("address",), "host name"),
        ({"address": "::1"}, ("address",), "IPv4"),
        ({"username": 'a"b'}, ("username",), "without spaces"),
        ({"region": "us"}, ("region",), "ISO 3166-1"),
        ({"region": "XX"}, ("region",), "ISO 3166-1"),
        ({"allowed_regions": ("DE", "001")}, ("allowedRegions", "1"), "ISO 3166-1"),
        ({"allowed_regions": ("DE", "DE")}, ("allowedRegions",), "twice"),
        ({"allowed_prefixes": ("1876",)}, ("allowedPrefixes", "0"), "E.164"),
        ({"allowed_prefixes": ("+1",)}, ("allowedPrefixes", "0"), "country code"),
        ({"allowed_prefixes": ("+44",)}, ("allowedPrefixes", "0"), "country code"),
        ({"allowed_prefixes": ("+999",)}, ("allowedPrefixes", "0"), "does not start"),
        ({"allowed_short_numbers": ("+112",)}, ("allowedShortNumbers", "0"), "2 to 6 digits"),
        ({"allowed_short_numbers": ("1234567",)}, ("allowedShortNumbers", "0"), "2 to 6"),
        ({"limits": DialLimits(calls_per_second=0)}, ("limits", "callsPerSecond"), "between 1"),
        ({"limits": DialLimits(concurrent_calls=-1)}, ("limits", "concurrentCalls"), "between"),
        ({"max_call_seconds": 0}, ("maxDuration",), "seconds"),
    ],
)
def test_an_invalid_outbound_trunk_is_refused(
    changes: dict[str, object], path: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        raise_all(outbound_trunk_problems(replace(TRUNK, **changes)))  # type: ignore[arg-type]
    assert refused.value.path == path
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.0.0.5", ""),
        ("127.0.0.1:5060", "127.0.0.1:5061"),
        ("127.1", ""),
        ("0x7f000001", ""),
        ("169.254.169.254", "169.254.0.0/16"),
        ("pbx", ""),
        ("pbx.internal:5070", "pbx.internal:5060"),
    ],
)
def test_a_trunk_must_not_lead_into_the_network_of_the_operator(address: str, allowed: str) -> None:
    trunk = replace(TRUNK, address=address)
    with pytest.raises(InvalidInput, match="TRUNK_ALLOW") as refused:
        raise_all(carrier_address_problems(trunk, AllowList.parse(allowed)))
    assert refused.value.path == ("address",)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("carrier.pstn.twilio.com", ""),
        ("54.172.60.1:5080", ""),
        ("10.0.0.5", "10.0.0.5:5061"),
        ("127.0.0.1:5099", "127.0.0.0/8"),
        ("pbx.internal", "pbx.internal:5061"),
    ],
)
def test_a_trunk_may_lead_to_public_and_to_listed_addresses(address: str, allowed: str) -> None:
    trunk = replace(TRUNK, address=address, transport=SipTransport.TLS)
    assert list(carrier_address_problems(trunk, AllowList.parse(allowed))) == []


def test_a_name_without_addresses_is_dialled_only_if_it_is_listed() -> None:
    for allowed in ("", "sip.example.com:5061,10.0.0.0/8"):
        with pytest.raises(
            DialRefused, match="list sip.example.com:5060 in TRUNK_ALLOW"
        ) as refused:
            check_carrier_addresses(TRUNK, (), AllowList.parse(allowed), ("trunk",))
        assert refused.value.reason == DialRefusal.UNRESOLVED_ADDRESS
    check_carrier_addresses(TRUNK, (), AllowList.parse("sip.example.com:5060"), ("trunk",))


@pytest.mark.parametrize("address", ["carrier.pstn.twilio.com", "192.0.2.10:5060", "pbx", "A.b:1"])
def test_the_address_of_a_trunk_is_a_host_with_an_optional_port(address: str) -> None:
    trunk = replace(TRUNK, address=address, allowed_prefixes=("+1876", "+4420"))
    assert list(outbound_trunk_problems(trunk)) == []


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"allowed_addresses": ()}, ("allowedAddresses",), "networks"),
        ({"allowed_addresses": ("192.0.2.1",)}, ("allowedAddresses", "0"), "192.0.2.1/32"),
        ({"allowed_addresses": ("sip.example.com",)}, ("allowedAddresses", "0"), "CIDR"),
        ({"allowed_addresses": ("192.0.2.1/30",)}, ("allowedAddresses", "0"), "host bits"),
        ({"allowed_addresses": ("0.0.0.0/0",)}, ("allowedAddresses", "0"), "no restriction"),
        ({"allowed_addresses": ("192.0.2.0/30",) * 2}, ("allowedAddresses",), "twice"),
        ({"context_headers": ("Authorization",)}, ("contextHeaders", "0"), "X-"),
        ({"context_headers": ("X-A", "x-a")}, ("contextHeaders",), "twice"),
        ({"username": "a b"}, ("username",), "without spaces"),
    ],
)
def test_an_invalid_inbound_trunk_is_refused(
    changes: dict[str, object], path: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        raise_all(inbound_trunk_problems(replace(INBOUND, **changes)))  # type: ignore[arg-type]
    assert refused.value.path == path
    assert words in refused.value.message


def test_every_network_may_call_a_trunk_that_authenticates() -> None:
    trunk = replace(INBOUND, allowed_addresses=("0.0.0.0/0",), username="carrier")
    assert list(inbound_trunk_problems(trunk)) == []


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"number": "12025550123"}, ("number",), "plus sign"),
        ({"number": "+1 202 555 0123"}, ("number",), "without spaces"),
        ({"number": "112"}, ("number",), "7 to 15 digits"),
        ({"label": "x" * 201}, ("label",), "201 characters"),
        ({"workflow_id": uuid4()}, ("inboundTrunkId",), "inbound trunk"),
        (
            {"defaults": NumberDefaults(language="klingon!")},
            ("defaults", "language"),
            "language",
        ),
        (
            {"defaults": NumberDefaults(ringing_seconds=90)},
            ("defaults", "ringingTimeout"),
            "between 5 and 75 seconds",
        ),
        ({"defaults": NumberDefaults(max_seconds=0)}, ("defaults", "maxDuration"), "seconds"),
        (
            {"defaults": NumberDefaults(user_context={"notes": "x" * 17_000})},
            ("defaults", "userContext"),
            "16384 bytes",
        ),
    ],
)
def test_an_invalid_number_is_refused(
    changes: dict[str, object], path: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        raise_all(phone_number_problems(replace(NUMBER, **changes)))  # type: ignore[arg-type]
    assert refused.value.path == path
    assert words in refused.value.message


def test_a_trunk_authenticates_with_a_username_and_a_password_or_with_neither() -> None:
    check_password(None, has_password=False, path=())
    check_password("user", has_password=True, path=())
    for username, has_password, path in ((None, True, "username"), ("user", False, "password")):
        with pytest.raises(InvalidInput) as refused:
            check_password(username, has_password=has_password, path=())
        assert refused.value.path == (path,)


@pytest.mark.parametrize("password", ["", "with space", 'quo"te', "back\\slash", "x" * 129, "ü"])
def test_a_password_that_sip_cannot_send_is_refused_without_being_echoed(password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_password_text(password, ("password",))
    assert not password or password not in refused.value.message
