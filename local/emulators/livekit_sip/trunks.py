"""Inbound trunks and dispatch rules, in memory: a restart forgets them, as an emptied Redis does."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TypeVar

from google.protobuf.internal.containers import RepeatedScalarFieldContainer
from livekit.protocol.models import ListUpdate
from livekit.protocol.sip import (
    SIPDispatchRuleInfo,
    SIPDispatchRuleUpdate,
    SIPInboundTrunkInfo,
    SIPInboundTrunkUpdate,
)

from local.emulators.livekit_sip.twirp import Failure, TwirpError

RecordT = TypeVar("RecordT", SIPInboundTrunkInfo, SIPDispatchRuleInfo)
NO_TRUNK = Failure("not_found", "requested sip trunk does not exist")
NO_RULE = Failure("not_found", "requested sip dispatch rule does not exist")


@dataclass(frozen=True, slots=True)
class InboundCall:
    """What decides about a call that arrives."""

    called: str
    caller: str
    source: str
    """The IP address from which it came."""
    caller_host: str
    """The host in its From header, which the caller chooses."""


class TrunkStore:
    def __init__(self) -> None:
        self._trunks: dict[str, SIPInboundTrunkInfo] = {}
        self._rules: dict[str, SIPDispatchRuleInfo] = {}

    # ---- trunks ----------------------------------------------------------------------------

    def create_trunk(self, trunk: SIPInboundTrunkInfo) -> SIPInboundTrunkInfo:
        created = SIPInboundTrunkInfo()
        created.CopyFrom(trunk)
        created.sip_trunk_id = _new_id("ST_")
        return self._store_trunk(created)

    def replace_trunk(self, id: str, trunk: SIPInboundTrunkInfo) -> SIPInboundTrunkInfo:
        _find(self._trunks, id, NO_TRUNK)
        replaced = SIPInboundTrunkInfo()
        replaced.CopyFrom(trunk)
        replaced.sip_trunk_id = id
        return self._store_trunk(replaced)

    def update_trunk(self, id: str, update: SIPInboundTrunkUpdate) -> SIPInboundTrunkInfo:
        updated = SIPInboundTrunkInfo()
        updated.CopyFrom(_find(self._trunks, id, NO_TRUNK))
        for name in ("numbers", "allowed_addresses", "allowed_numbers"):
            if update.HasField(name):
                _update_list(getattr(updated, name), getattr(update, name))
        for name in ("auth_username", "auth_password", "auth_realm", "name", "metadata"):
            if update.HasField(name):
                setattr(updated, name, getattr(update, name))
        return self._store_trunk(updated)

    def trunks(self, ids: Iterable[str], numbers: Iterable[str]) -> list[SIPInboundTrunkInfo]:
        asked, called = {*ids}, {*numbers}
        return [
            trunk
            for trunk in self._trunks.values()
            if (not asked or trunk.sip_trunk_id in asked)
            and (not called or not trunk.numbers or called & {*trunk.numbers})
        ]

    def delete_trunk(self, id: str) -> SIPInboundTrunkInfo:
        """livekit-server also confirms the deletion of a trunk that does not exist."""
        return self._trunks.pop(id, SIPInboundTrunkInfo(sip_trunk_id=id))

    def _store_trunk(self, trunk: SIPInboundTrunkInfo) -> SIPInboundTrunkInfo:
        if not (trunk.numbers or trunk.allowed_addresses or trunk.auth_username):
            message = (
                "for security, one of the fields must be set: AuthUsername+AuthPassword, "
                "AllowedAddresses or Numbers"
            )
            raise TwirpError(Failure("invalid_argument", message))
        for other in self._trunks.values():
            if other.sip_trunk_id != trunk.sip_trunk_id and _conflict(trunk, other):
                message = f"Conflicting inbound SIP Trunks: {other.sip_trunk_id}"
                raise TwirpError(Failure("invalid_argument", message))
        self._trunks[trunk.sip_trunk_id] = trunk
        return trunk

    # ---- rules -----------------------------------------------------------------------------

    def create_rule(self, rule: SIPDispatchRuleInfo) -> SIPDispatchRuleInfo:
        created = SIPDispatchRuleInfo()
        created.CopyFrom(rule)
        created.sip_dispatch_rule_id = _new_id("SDR_")
        return self._store_rule(created)

    def replace_rule(self, id: str, rule: SIPDispatchRuleInfo) -> SIPDispatchRuleInfo:
        _find(self._rules, id, NO_RULE)
        replaced = SIPDispatchRuleInfo()
        replaced.CopyFrom(rule)
        replaced.sip_dispatch_rule_id = id
        return self._store_rule(replaced)

    def update_rule(self, id: str, update: SIPDispatchRuleUpdate) -> SIPDispatchRuleInfo:
        updated = SIPDispatchRuleInfo()
        updated.CopyFrom(_find(self._rules, id, NO_RULE))
        if update.HasField("trunk_ids"):
            _update_list(updated.trunk_ids, update.trunk_ids)
        if update.HasField("rule"):
            updated.rule.CopyFrom(update.rule)
        for name in ("name", "metadata"):
            if update.HasField(name):
                setattr(updated, name, getattr(update, name))
        updated.attributes.update(update.attributes)
        return self._store_rule(updated)

    def rules(self, ids: Iterable[str], trunk_ids: Iterable[str]) -> list[SIPDispatchRuleInfo]:
        asked, trunks = {*ids}, {*trunk_ids}
        return [
            rule
            for rule in self._rules.values()
            if (not asked or rule.sip_dispatch_rule_id in asked)
            and (not trunks or not rule.trunk_ids or trunks & {*rule.trunk_ids})
        ]

    def delete_rule(self, id: str) -> SIPDispatchRuleInfo:
        deleted = _find(self._rules, id, NO_RULE)
        del self._rules[id]
        return deleted

    def _store_rule(self, rule: SIPDispatchRuleInfo) -> SIPDispatchRuleInfo:
        if rule.rule.WhichOneof("rule") is None:
            raise TwirpError(Failure("invalid_argument", "missing rule"))
        if _pin_of(rule):
            raise TwirpError(Failure("unimplemented", "the emulator asks callers for no PIN"))
        for other in self._rules.values():
            if other.sip_dispatch_rule_id != rule.sip_dispatch_rule_id and _overlap(rule, other):
                message = f"Dispatch rule for the same trunk: {other.sip_dispatch_rule_id}"
                raise TwirpError(Failure("invalid_argument", message))
        self._rules[rule.sip_dispatch_rule_id] = rule
        return rule

    # ---- matching --------------------------------------------------------------------------

    def find_trunk(self, call: InboundCall) -> SIPInboundTrunkInfo | None:
        """The trunk of a call. One that names the number wins over one for every number."""
        matching = [trunk for trunk in self._trunks.values() if _accepts(trunk, call)]
        matching.sort(key=lambda trunk: not trunk.numbers)
        return next(iter(matching), None)

    def find_rule(
        self, trunk: SIPInboundTrunkInfo | None, call: InboundCall
    ) -> SIPDispatchRuleInfo | None:
        """The rule of a call. One without trunks applies to all calls, also those of no trunk."""
        candidates = [
            rule
            for rule in self._rules.values()
            if (not rule.trunk_ids or (trunk and trunk.sip_trunk_id in rule.trunk_ids))
            and (not rule.numbers or call.called in rule.numbers)
            and (not rule.inbound_numbers or call.caller in rule.inbound_numbers)
        ]
        candidates.sort(key=lambda rule: (not rule.trunk_ids, not rule.numbers))
        return next(iter(candidates), None)


def _find(records: Mapping[str, RecordT], id: str, failure: Failure) -> RecordT:
    if id not in records:
        raise TwirpError(failure)
    return records[id]


def _new_id(prefix: str) -> str:
    return prefix + secrets.token_hex(6)


def _accepts(trunk: SIPInboundTrunkInfo, call: InboundCall) -> bool:
    return (
        (not trunk.numbers or _plain(call.called) in map(_plain, trunk.numbers))
        and (not trunk.allowed_numbers or call.caller in trunk.allowed_numbers)
        and (
            not trunk.allowed_addresses
            or any(_is_allowed(address, call) for address in trunk.allowed_addresses)
        )
    )


def _is_allowed(address: str, call: InboundCall) -> bool:
    """An address without a prefix length also matches the host that the caller claims, which is why
    an installation writes networks only."""
    if "/" not in address:
        return address in (call.source, call.caller_host)
    try:
        return ip_address(call.source) in ip_network(address, strict=False)
    except ValueError:
        return False


def _plain(number: str) -> str:
    return number.lstrip("+")


def _conflict(one: SIPInboundTrunkInfo, other: SIPInboundTrunkInfo) -> bool:
    """Whether the same call could match both trunks by its number."""
    callers, other_callers = {*one.allowed_numbers}, {*other.allowed_numbers}
    if callers and other_callers and not callers & other_callers:
        return False
    if not one.numbers or not other.numbers:
        return not one.numbers and not other.numbers
    return bool({*map(_plain, one.numbers)} & {*map(_plain, other.numbers)})


def _overlap(one: SIPDispatchRuleInfo, other: SIPDispatchRuleInfo) -> bool:
    def share(first: Iterable[str], second: Iterable[str]) -> bool:
        a, b = {*first}, {*second}
        return bool(a & b) or not (a or b)

    return (
        share(one.trunk_ids, other.trunk_ids)
        and share(one.numbers, other.numbers)
        and share(one.inbound_numbers, other.inbound_numbers)
    )


def _pin_of(rule: SIPDispatchRuleInfo) -> str:
    kind = rule.rule.WhichOneof("rule")
    return str(getattr(rule.rule, kind).pin) if kind else ""


def _update_list(values: RepeatedScalarFieldContainer[str], update: ListUpdate) -> None:
    kept = list(_updated(list(values), update))
    del values[:]
    values.extend(kept)


def _updated(values: list[str], update: ListUpdate) -> Iterator[str]:
    if update.set or update.clear:
        yield from update.set
        return
    removed = {*update.remove}
    yield from (value for value in values if value not in removed)
    yield from (value for value in update.add if value not in values)
