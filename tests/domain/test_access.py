"""Scopes and roles, the networks of keys, and the hosts of secrets."""

from __future__ import annotations

from itertools import pairwise
from uuid import uuid4

import pytest

from domain.audit.origin import known_address
from domain.common.access import (
    ROLE_SCOPES,
    Role,
    Scope,
    Tenant,
    TenantId,
    expand_scopes,
    known_scopes,
    scopes_of_role,
)
from domain.common.errors import Forbidden, InvalidInput
from domain.common.networks import client_network, is_in_networks, parse_networks
from domain.tools.secrets import HostLimit, check_hosts
from tests.support.viewers import member_of


def test_a_scope_to_write_includes_the_one_to_read() -> None:
    assert expand_scopes([Scope.AGENTS_WRITE]) == {Scope.AGENTS_READ, Scope.AGENTS_WRITE}
    assert expand_scopes([Scope.CALLS_WRITE]) == {
        Scope.CALLS_READ,
        Scope.CALLS_WRITE,
        Scope.CALLS_JOIN,
    }
    for role, scopes in ROLE_SCOPES.items():
        assert expand_scopes(scopes) == scopes, role


def test_each_role_may_do_what_the_next_lower_one_may() -> None:
    by_rank = [ROLE_SCOPES[role] for role in Role]
    assert all(lower <= higher for higher, lower in pairwise(by_rank))


def test_what_is_unknown_grants_nothing() -> None:
    assert known_scopes(["tomorrow:write", "tools:read"]) == {Scope.TOOLS_READ}
    assert scopes_of_role("support", None) == frozenset()
    assert scopes_of_role("support", ["calls:read"]) == {Scope.CALLS_READ}
    assert scopes_of_role("VIEWER", ["keys:write"]) == ROLE_SCOPES[Role.VIEWER]


def test_scopes_that_a_viewer_lacks_cannot_be_granted() -> None:
    tenant = Tenant(id=TenantId(uuid4()), slug="acme", name="Acme")
    operator = member_of(tenant, Role.OPERATOR)
    operator.require_all([Scope.CALLS_WRITE])
    with pytest.raises(Forbidden, match="lacks: keys:write, telephony:write") as refused:
        operator.require_all(
            [Scope.TELEPHONY_WRITE, Scope.KEYS_WRITE, Scope.CALLS_READ], ("scopes",)
        )
    assert refused.value.path == ("scopes",)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("203.0.113.9", True),
        ("::ffff:203.0.113.9", True),
        ("203.0.114.9", False),
        ("2001:db8::7", True),
        ("2001:db9::7", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_an_address_is_compared_with_networks(address: str, inside: bool) -> None:
    networks = parse_networks(["203.0.113.0/24", "2001:db8::/32"], ())
    assert is_in_networks(address, networks) is inside


@pytest.mark.parametrize(
    ("address", "known", "network"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7", "203.0.113.7"),
        ("2001:DB8::1", "2001:db8::1", "2001:db8::/64"),
        ("testclient", None, "testclient"),
    ],
)
def test_an_address_has_one_form(address: str, known: str | None, network: str) -> None:
    assert known_address(address) == known
    assert client_network(address) == network


@pytest.mark.parametrize("text", ["203.0.113.1/24", "example.com", "", "::ffff:10.0.0.1", "1.2.3"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_networks(["10.0.0.1", text], ("addresses",))
    assert refused.value.path == ("addresses", "1")


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        ("api.example.com", "api.example.com", 443, True),
        ("api.example.com", "API.example.com.", 8443, True),
        ("api.example.com", "api.example.com.evil.test", 443, False),
        ("api.example.com", "xapi.example.com", 443, False),
        ("api.example.com:8443", "api.example.com", 8443, True),
        ("api.example.com:8443", "api.example.com", 443, False),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "evilexample.com", 443, False),
        ("203.0.113.9", "203.0.113.9", 443, True),
        ("[2001:db8::1]:443", "2001:db8::1", 443, True),
        ("[2001:db8::1]", "2001:db8::2", 443, False),
    ],
)
def test_a_secret_may_go_to_its_hosts_only(entry: str, host: str, port: int, allowed: bool) -> None:
    assert HostLimit("crm", check_hosts([entry], ())).allows(host, port) is allowed


@pytest.mark.parametrize(
    "host",
    [
        *("", "*", "*.com", "a.*.com", "https://a.example.com", "a.example.com/x", "a b.com"),
        *("a.example.com:0", "a.example.com:65536", "a.example.com:", "ünder.example", "u@a.com"),
        *("::1", "[::1", "[fe80::1%eth0]"),
    ],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_hosts(["a.example.com", host], ("hosts",))
    assert refused.value.path == ("hosts", "1")
