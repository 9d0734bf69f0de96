"""Creating, listing, changing, rotating and revoking API keys.

No one can create or change a key that may do more than they themselves, and no key can make one that
outlives it or that may be used from more addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from domain.common.access import ApiKeyId, Scope, Viewer
from domain.common.errors import Forbidden, InvalidInput, NotFound, Problem
from domain.common.lists import Count, ListPage, Window
from domain.common.networks import Network
from domain.common.problems import problems_of, raise_per_value
from domain.ports import Services, UnitOfWork
from domain.tenants.api_keys import (
    DEFAULT_OVERLAP,
    ENDED_TTL,
    MAX_KEYS,
    ApiKey,
    ApiKeySpec,
    ApiKeyState,
    api_key_problems,
    check_expiry,
    check_overlap,
    kind_of,
    successor_expiry,
)
from domain.use_cases.roles import scopes_to_grant


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just created, with its value, which is never shown again."""

    key: ApiKey
    value: str = field(repr=False)


async def list_api_keys(services: Services, viewer: Viewer, window: Window) -> ListPage[ApiKey]:
    viewer.require(Scope.KEYS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.api_keys.page(window)


async def count_api_keys(services: Services, viewer: Viewer) -> Count:
    viewer.require(Scope.KEYS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        return Count(await work.api_keys.count())


async def create_api_key(
    services: Services, viewer: Viewer, spec: ApiKeySpec, found: Sequence[Problem] = ()
) -> NewApiKey:
    """`found` are the problems of the request that were found while it was read."""
    viewer.require(Scope.KEYS_WRITE)
    now = services.clock()
    problems = [*found, *api_key_problems(spec, now)]
    async with services.store.transaction(viewer.tenant_id) as work:
        granted = await _check_grant(work, viewer, spec, problems)
        await work.api_keys.delete_ended(now - ENDED_TTL)
        await _check_count(work)
        return NewApiKey(*await work.api_keys.add(spec, granted, viewer.subject))


async def update_api_key(
    services: Services,
    viewer: Viewer,
    id: ApiKeyId,
    changes: Mapping[str, Any],
    found: Sequence[Problem] = (),
) -> ApiKey:
    """Change the fields in `changes`. A role replaces the scopes of a key, and scopes its role."""
    viewer.require(Scope.KEYS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        key = await _lock_live(services, viewer, work, id)
        if key.replaced_by is not None:
            raise InvalidInput("This key was rotated: change its successor.", ("id",))
        spec = _changed(key.spec, changes)
        problems = [*found, *api_key_problems(spec, services.clock())]
        granted = await _check_grant(work, viewer, spec, problems)
        if kind_of(spec, granted) is not key.kind:
            raise InvalidInput(
                f"The kind of a key is part of its value and stays {key.kind}: create a new key.",
                ("scopes",),
            )
        return await work.api_keys.save(id, spec, granted)


async def rotate_api_key(
    services: Services,
    viewer: Viewer,
    id: ApiKeyId,
    overlap: timedelta | None,
    expires_at: datetime | None,
) -> tuple[NewApiKey, ApiKey]:
    """Create the successor of a key, and let the key itself expire after the overlap. Returns both."""
    viewer.require(Scope.KEYS_WRITE)
    now, overlap = services.clock(), DEFAULT_OVERLAP if overlap is None else overlap
    raise_per_value(
        problems_of(check_overlap, overlap),
        problems_of(check_expiry, expires_at, now) if expires_at is not None else (),
    )
    async with services.store.transaction(viewer.tenant_id) as work:
        key = await _lock_live(services, viewer, work, id)
        if key.replaced_by is not None:
            raise InvalidInput("This key was rotated already: rotate its successor.", ("id",))
        spec = replace(key.spec, expires_at=expires_at or successor_expiry(key, now))
        granted = await _check_grant(work, viewer, spec, ())
        await _check_count(work)
        new, value = await work.api_keys.add(spec, granted, viewer.subject)
        ends_at = min(now + overlap, key.spec.expires_at or now + overlap)
        old = await work.api_keys.replace(id, new.id, ends_at)
        return NewApiKey(new, value), old


async def revoke_api_key(services: Services, viewer: Viewer, id: ApiKeyId) -> ApiKey:
    """Revoke a key at once. Revoking it again changes nothing. A member who manages keys may revoke one
    that is more powerful than they are, because a key that leaked must not wait for an owner."""
    viewer.require(Scope.KEYS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        if await work.api_keys.lock(id) is None:
            raise _no_such_key()
        return await work.api_keys.revoke(id)


def _changed(spec: ApiKeySpec, changes: Mapping[str, Any]) -> ApiKeySpec:
    if "role" in changes or "scopes" in changes:
        spec = replace(spec, role=None, scopes=None)
    return replace(spec, **changes)


async def _check_grant(
    work: UnitOfWork, viewer: Viewer, spec: ApiKeySpec, problems: Sequence[Problem]
) -> frozenset[Scope]:
    """What the key would grant. Raises the problems, and `Forbidden` if it is more than the viewer may
    do."""
    if spec.role is not None:
        granted, path = await scopes_to_grant(work, spec.role, ("role",), problems), "role"
    else:
        raise_per_value(problems)
        granted, path = frozenset(spec.scopes or ()), "scopes"
    viewer.require_all(granted, (path,))
    if viewer.key_id is not None:
        _check_within(viewer, spec)
    return granted


def _check_within(viewer: Viewer, spec: ApiKeySpec) -> None:
    limit = viewer.expires_at
    if limit is not None and (spec.expires_at is None or spec.expires_at > limit):
        raise Forbidden(
            f"A key cannot make one that outlives it: it expires {limit:%Y-%m-%d %H:%M} UTC.",
            ("expiresAt",),
        )
    inside = all(any(_contains(own, each) for own in viewer.networks) for each in spec.networks)
    if viewer.networks and not (spec.networks and inside):
        raise Forbidden(
            "A key cannot make one that may be used from other addresses than itself.",
            ("allowedAddresses",),
        )


def _contains(outer: Network, inner: Network) -> bool:
    return (
        outer.version == inner.version
        and inner.network_address in outer
        and inner.prefixlen >= outer.prefixlen
    )


async def _lock_live(services: Services, viewer: Viewer, work: UnitOfWork, id: ApiKeyId) -> ApiKey:
    """Lock a key that can be used. Raises `Forbidden` if it may do more than the viewer."""
    key = await work.api_keys.lock(id)
    if key is None:
        raise _no_such_key()
    state = key.state(services.clock())
    if state is not ApiKeyState.LIVE:
        raise InvalidInput(f"The key is {state.lower()}: create a new one.", ("id",))
    viewer.require_all(key.scopes, ("id",))
    return key


async def _check_count(work: UnitOfWork) -> None:
    if await work.api_keys.count_live() >= MAX_KEYS:
        raise InvalidInput(
            f"A tenant may have at most {MAX_KEYS} live keys: revoke some that are not used.",
            ("name",),
        )


def _no_such_key() -> NotFound:
    return NotFound("There is no such API key.", ("id",))
