"""Limits on sign-in attempts, which do not lock out the owner of an account."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from dataclasses import replace

import pytest

from domain.common.access import Person, Viewer
from domain.common.errors import RateLimited, Unauthenticated
from domain.common.networks import client_network
from domain.common.settings import Settings
from domain.ports import Services, TokenPair
from domain.tenants.members import Device
from domain.use_cases import accounts as use_cases
from domain.use_cases.accounts import LoginLimits
from graph.app import build_schema_with_loaders
from persistence.admin import bootstrap
from persistence.passwords import MAX_CONCURRENT
from tests.support.api_server import running_api
from tests.support.cpu import without_collections
from tests.support.people import LOGIN
from tests.support.viewers import PASSWORD

pytestmark = pytest.mark.anyio
LIMITS = LoginLimits()


async def login(
    services: Services, email: str, password: str, address: str, limits: LoginLimits = LIMITS
) -> tuple[Person, TokenPair]:
    device = Device(address=address)
    return await use_cases.login(services, email, password, device, attempts=limits)


def an_address() -> str:
    """A random address, because limits are per address and tests share a Redis."""
    return f"2001:db8:{secrets.randbelow(0xFFFF):x}:{secrets.randbelow(0xFFFF):x}::1"


@pytest.fixture
async def owner(settings: Settings) -> str:
    email = f"owner-{secrets.token_hex(6)}@acme.example"
    await bootstrap(settings, "acme", email, PASSWORD, None)
    return email


async def guess_until_refused(services: Services, email: str, address: str) -> RateLimited:
    """The allowance refills, so a slow machine may allow a few more attempts."""
    for _ in range(100):
        try:
            await login(services, email, "wrong", address)
        except RateLimited as refused:
            return refused
        except Unauthenticated:
            pass
    raise AssertionError("no attempt was refused")


async def test_an_attacker_on_another_network_does_not_lock_out_the_owner(
    services: Services, owner: str
) -> None:
    stranger = an_address()
    refused = await guess_until_refused(services, owner, stranger)
    assert (refused.code, refused.path) == ("RATE_LIMITED", ("email",))
    assert 0 < refused.retry_after <= 6
    with pytest.raises(RateLimited):
        await login(services, owner, PASSWORD, stranger)
    assert (await login(services, owner, PASSWORD, an_address()))[0].email == owner
    # Another user behind the attacker's address is not locked out either.
    with pytest.raises(Unauthenticated):
        await login(services, f"other-{owner}", "wrong", stranger)


async def test_many_networks_together_reach_a_limit_that_known_networks_are_exempt_from(
    services: Services, owner: str
) -> None:
    few, known = LoginLimits(email=2), an_address()
    await login(services, owner, PASSWORD, known)
    for _ in range(2):
        with pytest.raises((Unauthenticated, RateLimited)):
            await login(services, owner, "wrong", an_address(), few)
    with pytest.raises(RateLimited):
        await login(services, owner, PASSWORD, an_address(), few)
    assert (await login(services, owner, PASSWORD, known, few))[0].email == owner
    with pytest.raises(Unauthenticated):
        await login(services, owner, "wrong", known, few)


async def test_one_network_cannot_try_all_accounts(services: Services, owner: str) -> None:
    few, address = LoginLimits(network=2), an_address()
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await login(services, f"{secrets.token_hex(6)}@acme.example", "wrong", address, few)
    with pytest.raises(RateLimited):
        await login(services, owner, PASSWORD, address, few)


async def test_slow_guesses_are_limited_by_the_hour(services: Services, owner: str) -> None:
    few, known = LoginLimits(failures_of_email_per_hour=2), an_address()
    await login(services, owner, PASSWORD, known)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await login(services, owner, "wrong", an_address(), few)
    with pytest.raises(RateLimited) as refused:
        await login(services, owner, PASSWORD, an_address(), few)
    assert refused.value.retry_after == 1_800
    assert (await login(services, owner, PASSWORD, known, few))[0].email == owner


async def test_a_network_tries_few_accounts_in_an_hour(services: Services, owner: str) -> None:
    few, address = LoginLimits(failing_emails_of_network_per_hour=2), an_address()
    others = [f"{secrets.token_hex(6)}@acme.example" for _ in range(2)]
    # The same account counts once.
    for email in (others[0], *others):
        with pytest.raises(Unauthenticated):
            await login(services, email, "wrong", address, few)
    with pytest.raises(RateLimited):
        await login(services, owner, PASSWORD, address, few)
    assert (await login(services, owner, PASSWORD, an_address(), few))[0].email == owner


async def test_a_refused_attempt_does_not_use_up_the_shared_limit(
    services: Services, owner: str
) -> None:
    """Otherwise one address alone could use up the limit of all."""
    few = LoginLimits(email_from_network=1, email=2)
    address = an_address()
    for expected in (Unauthenticated, RateLimited, RateLimited, RateLimited):
        with pytest.raises(expected):
            await login(services, owner, "wrong", address, few)
    assert (await login(services, owner, PASSWORD, an_address(), few))[0].email == owner


async def test_an_email_address_cannot_name_another_limit(services: Services, owner: str) -> None:
    home = an_address()
    for email in (
        f"{client_network(home)}:{owner}",
        f"both:{client_network(home)} {owner}",
        client_network(home),
    ):
        with pytest.raises(Unauthenticated):
            await login(services, email, "wrong", an_address(), LoginLimits(email=1))
    assert (await login(services, owner, PASSWORD, home))[0].email == owner


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_network_counts_as_one_address(address: str, network: str) -> None:
    assert client_network(address) == network


async def test_the_client_address_behind_a_trusted_proxy_counts(
    services: Services, settings: Settings, viewer: Viewer, owner: str
) -> None:
    """Over HTTP, behind a trusted proxy."""

    trusting = replace(settings, trusted_proxies="127.0.0.1")
    async with running_api(services, trusting, viewer, build_schema_with_loaders) as api:

        async def attempt(password: str, address: str) -> dict[str, object]:
            answer = await api.execute(
                LOGIN,
                variables={"input": {"email": owner, "password": password}},
                headers={"x-forwarded-for": address},
            )
            return dict(answer["errors"][0]["extensions"] if "errors" in answer else answer["data"])

        answers = [await attempt("wrong", "198.51.100.7") for _ in range(30)]
        refused = [answer for answer in answers if answer.get("code") == "RATE_LIMITED"]
        assert refused
        assert all(0 < float(str(answer["retryAfter"])) <= 6 for answer in refused)
        assert "accessToken" in str(await attempt(PASSWORD, "198.51.100.8"))


async def test_password_hashing_does_not_block_the_event_loop(
    services: Services, owner: str
) -> None:
    with without_collections():
        whole, of_loop = time.process_time(), time.thread_time()
        attempts = (login(services, owner, "wrong", an_address()) for _ in range(12))
        results = await asyncio.gather(*attempts, return_exceptions=True)
        whole, of_loop = time.process_time() - whole, time.thread_time() - of_loop
    assert [type(result) for result in results] == [Unauthenticated] * 12
    assert of_loop < whole / 2
    names = {thread.name for thread in threading.enumerate() if "argon2" in thread.name}
    assert names == {f"argon2_{number}" for number in range(MAX_CONCURRENT)}
