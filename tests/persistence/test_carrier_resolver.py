"""The names of carriers are looked up in few threads, of which no tenant holds more than a share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from domain.common.access import TenantId
from domain.common.errors import DialRefused, Unavailable
from domain.telephony.dial_policy import DialRefusal
from domain.telephony.trunks import OutboundTrunkSpec
from domain.tools.network_allow_list import AllowList
from persistence.carrier_resolver import (
    MAX_LOOKUPS,
    MAX_LOOKUPS_PER_TENANT,
    CarrierResolver,
    resolve_with_system,
)

pytestmark = pytest.mark.anyio

LOCAL = AllowList.parse("127.0.0.0/8, ::1/128")


class SlowNames:
    """The resolver of the system, whose name server does not respond for names of `slow.example`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.slow = threading.Semaphore(0)
        """Released for each slow name that is asked for."""
        self.respond = threading.Event()

    def resolve(self, host: str, port: int) -> list[Any]:
        self.asked.append(host)
        if host.endswith("slow.example"):
            self.slow.release()
            assert self.respond.wait(timeout=60)
        return resolve_with_system("localhost", port)


@contextmanager
def slow_names() -> Iterator[SlowNames]:
    names = SlowNames()
    try:
        yield names
    finally:
        names.respond.set()  # else the threads would keep the process from ending


def trunk(name: str) -> OutboundTrunkSpec:
    return OutboundTrunkSpec(name="carrier", address=name, region="US")


async def test_a_tenant_whose_names_resolve_slowly_does_not_hold_up_the_others() -> None:
    slow, *others = [TenantId(uuid4()) for _ in range(3)]
    with slow_names() as names:
        resolver = CarrierResolver(LOCAL, timeout_seconds=60, resolve=names.resolve)
        async with asyncio.TaskGroup() as tasks:
            for number in range(20):
                tasks.create_task(resolver.check(slow, trunk(f"{number}.slow.example")))
            for _ in range(MAX_LOOKUPS_PER_TENANT):
                assert await asyncio.to_thread(names.slow.acquire, timeout=60)
            for other in others:
                await resolver.check(other, trunk("carrier.example"))
            assert not names.slow.acquire(blocking=False)
            names.respond.set()
        assert len(names.asked) == 20 + len(others)


async def test_a_name_that_waits_for_others_of_its_tenant_for_too_long_is_not_dialled() -> None:
    tenant = TenantId(uuid4())
    with slow_names() as names:
        resolver = CarrierResolver(LOCAL, timeout_seconds=0.2, resolve=names.resolve)
        for host in ("1.slow.example", "2.slow.example", "carrier.example"):
            with pytest.raises(DialRefused) as refused:
                await resolver.check(tenant, trunk(host))
            assert refused.value.reason == DialRefusal.UNRESOLVED_ADDRESS
        assert names.asked == ["1.slow.example", "2.slow.example"]
        names.respond.set()
        resolver = CarrierResolver(LOCAL, timeout_seconds=60, resolve=names.resolve)
        await resolver.check(tenant, trunk("carrier.example"))


async def test_names_wait_for_a_thread_while_other_tenants_occupy_all() -> None:
    with slow_names() as names:
        resolver = CarrierResolver(LOCAL, timeout_seconds=60, resolve=names.resolve)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(MAX_LOOKUPS):
                tasks.create_task(resolver.check(TenantId(uuid4()), trunk("slow.example")))
            for _ in range(MAX_LOOKUPS):
                assert await asyncio.to_thread(names.slow.acquire, timeout=60)
            waiting = [
                tasks.create_task(resolver.check(TenantId(uuid4()), trunk("carrier.example")))
                for _ in range(3)
            ]
            assert not (await asyncio.wait(waiting, timeout=0.2))[0]
            assert names.asked == ["slow.example"] * MAX_LOOKUPS
            names.respond.set()
        assert names.asked[MAX_LOOKUPS:] == ["carrier.example"] * 3


async def test_a_name_that_waits_for_other_tenants_for_too_long_may_be_tried_again() -> None:
    """Unlike a name that does not resolve, whose call ends."""
    with slow_names() as names:
        resolver = CarrierResolver(LOCAL, timeout_seconds=0.2, resolve=names.resolve)
        for _ in range(MAX_LOOKUPS):
            with pytest.raises(DialRefused):
                await resolver.check(TenantId(uuid4()), trunk("slow.example"))
        with pytest.raises(Unavailable):
            await resolver.check(TenantId(uuid4()), trunk("carrier.example"))
        assert names.asked == ["slow.example"] * MAX_LOOKUPS


async def test_calls_to_the_same_carrier_share_its_lookup() -> None:
    tenant = TenantId(uuid4())
    with slow_names() as names:
        resolver = CarrierResolver(LOCAL, timeout_seconds=60, resolve=names.resolve)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(5):
                tasks.create_task(resolver.check(tenant, trunk("slow.example")))
            await asyncio.sleep(0)
            names.respond.set()
        assert names.asked == ["slow.example"]
