"""Keeps LiveKit's inbound trunks and dispatch rules as the database says.

The database owns them; LiveKit has a copy in its Redis, which may be emptied at any time. Each round
compares all of them and repairs the differences, so a lost round costs time and nothing else. Several
keepers may do this at once, because LiveKit refuses a second trunk with the same number and a second
rule for the same trunk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import aiohttp
from livekit import api
from livekit.api.sip_service import SipService

from domain.common.errors import Unavailable
from domain.telephony.inbound_routes import (
    InboundRoute,
    InboundRoutes,
    RouteReport,
    RouteReports,
)
from domain.telephony.trunks import PhoneNumberId
from worker.common.livekit_rooms import LiveKitRooms
from worker.keeper.livekit_trunks import (
    Rule,
    Trunk,
    is_same_rule,
    is_same_trunk,
    name_of,
    name_prefix,
    rule_of,
    trunk_of,
)

log = logging.getLogger(__name__)

RECONCILE_INTERVAL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Listed:
    """The trunks and rules of this installation that LiveKit has."""

    trunks: Sequence[Trunk]
    rules: Sequence[Rule]


@dataclass(frozen=True, slots=True)
class Kept:
    """Those of them that belong to a route, by name."""

    trunks: Mapping[str, Trunk]
    rules: Mapping[str, Rule]


class InboundTrunkReconciler:
    def __init__(self, rooms: LiveKitRooms, routes: InboundRoutes, reports: RouteReports) -> None:
        self._rooms = rooms
        self._routes = routes
        self._reports = reports
        self._failing: frozenset[PhoneNumberId] = frozenset()
        self._reported: frozenset[PhoneNumberId] = frozenset()
        self._is_available = True

    async def run(self) -> None:
        while True:
            with suppress(Unavailable):  # of the database; the keeper's rounds report that
                await self.reconcile()
            await asyncio.sleep(RECONCILE_INTERVAL_SECONDS)

    async def reconcile(self) -> None:
        """Compare once, and repair what differs. Failures are logged and retried in the next round."""
        installation = await self._routes.installation_id()
        routes = await self._routes.inbound_routes()
        try:
            async with self._rooms.client() as server:
                failing = await _reconcile(server.sip, routes, installation)
        except (api.TwirpError, aiohttp.ClientError, TimeoutError) as error:
            why = error.code if isinstance(error, api.TwirpError) else type(error).__name__
            self._note_unavailable(why, has_routes=bool(routes))
            await self._reports.put(RouteReport(unavailable=why))
            return
        self._is_available = True
        again = self._note_failing(failing)
        await self._reports.put(RouteReport(refused={id: failing[id] for id in again}))

    def _note_unavailable(self, why: str, *, has_routes: bool) -> None:
        """A LiveKit server without Redis has no SIP service, which matters only to those who need
        it."""
        if self._is_available and has_routes:
            log.warning("LiveKit's SIP service is unavailable", extra={"why": why})
            self._is_available = False

    def _note_failing(self, failing: Mapping[PhoneNumberId, str]) -> frozenset[PhoneNumberId]:
        """Another keeper that does the same at the same time is no failure, so only what fails twice
        in a row is reported."""
        again = frozenset(failing.keys() & self._failing)
        for id in again - self._reported:
            facts = {"phone_number_id": str(id), "why": failing[id]}
            log.warning("LiveKit refuses the trunk of a telephone number", extra=facts)
        self._failing, self._reported = frozenset(failing), again
        return again


async def _reconcile(
    sip: SipService, routes: Sequence[InboundRoute], installation: UUID
) -> Mapping[PhoneNumberId, str]:
    """Return why LiveKit refuses the trunk or the rule of a number, for each that it refuses."""
    listed = await _list(sip, name_prefix(installation))
    # First what is superfluous: a number that was deleted and created again has a trunk under its
    # former id, and LiveKit would refuse the new one.
    kept = await _delete_superfluous(sip, listed, routes, installation)
    failing: dict[PhoneNumberId, str] = {}
    for route in routes:
        try:
            await _ensure(sip, kept, route, installation)
        except api.TwirpError as error:
            if error.code == api.TwirpErrorCode.UNAVAILABLE:
                raise
            failing[route.number_id] = error.code  # its message contains the number
        await asyncio.sleep(0)  # a round without differences waits for nothing
    return failing


async def _list(sip: SipService, prefix: str) -> Listed:
    trunks = await sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
    rules = await sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    return Listed(
        [trunk for trunk in trunks.items if trunk.name.startswith(prefix)],
        [rule for rule in rules.items if rule.name.startswith(prefix)],
    )


async def _delete_superfluous(
    sip: SipService, listed: Listed, routes: Sequence[InboundRoute], installation: UUID
) -> Kept:
    """Delete the trunks and rules of numbers that have no route any more, and duplicates. Rules go
    first, so that none is ever without its trunk."""
    wanted = {name_of(route, installation) for route in routes}
    rules, trunks = dict[str, Rule](), dict[str, Trunk]()
    for rule in listed.rules:
        if rule.name in wanted and rule.name not in rules:
            rules[rule.name] = rule
        else:
            await _delete_rule(sip, rule)
    for trunk in listed.trunks:
        if trunk.name in wanted and trunk.name not in trunks:
            trunks[trunk.name] = trunk
        else:
            await _delete_trunk(sip, trunk)
    return Kept(trunks, rules)


async def _ensure(sip: SipService, kept: Kept, route: InboundRoute, installation: UUID) -> None:
    trunk = trunk_of(route, installation)
    trunk_id = await _ensure_trunk(sip, kept.trunks.get(trunk.name), trunk)
    rule = rule_of(route, installation, trunk_id)
    await _ensure_rule(sip, kept.rules.get(rule.name), rule)


async def _ensure_trunk(sip: SipService, listed: Trunk | None, wanted: Trunk) -> str:
    if listed is None:
        created = await sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=wanted))
        log.info("created an inbound trunk", extra={"trunk": wanted.name})
        return created.sip_trunk_id
    if not is_same_trunk(listed, wanted):
        await sip.update_inbound_trunk(listed.sip_trunk_id, wanted)
        log.info("updated an inbound trunk", extra={"trunk": wanted.name})
    return listed.sip_trunk_id


async def _ensure_rule(sip: SipService, listed: Rule | None, wanted: Rule) -> None:
    if listed is None:
        await sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=wanted))
    elif not is_same_rule(listed, wanted):
        await sip.update_dispatch_rule(listed.sip_dispatch_rule_id, wanted)


@contextmanager
def _suppress_not_found() -> Iterator[None]:
    """Another keeper may have deleted the object."""
    try:
        yield
    except api.TwirpError as error:
        if error.code != api.TwirpErrorCode.NOT_FOUND:
            raise


async def _delete_trunk(sip: SipService, trunk: Trunk) -> None:
    with _suppress_not_found():
        await sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id))
    log.info("deleted an inbound trunk", extra={"trunk": trunk.name})


async def _delete_rule(sip: SipService, rule: Rule) -> None:
    with _suppress_not_found():
        await sip.delete_dispatch_rule(
            api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
        )
