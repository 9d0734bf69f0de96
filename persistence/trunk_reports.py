"""What operators should know of outbound trunks: which were paused, and which are near a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from domain.telephony.trunk_usage import MS_PER_MINUTE, NEAR_LIMIT, PauseReason
from persistence.db_errors import translate_outages

# Each of these is reported by the first keeper that finds it. Rows that are locked wait for the next look,
# because the ends of calls lock several of them in order.
NOTE_PAUSES = """
    with paused as (
        select trunk_id from trunk_usage
         where paused_until > now() and not is_pause_logged
           for update skip locked)
    update trunk_usage u set is_pause_logged = true
      from paused where u.trunk_id = paused.trunk_id
    returning u.trunk_id, u.tenant_id, u.pause_reason
"""
NOTE_NEAR_LIMITS = f"""
    with near as (
        select u.trunk_id from trunk_usage u join outbound_trunk t on t.id = u.trunk_id
         where u.day = (now() at time zone 'UTC')::date
           and u.near_limit_on is distinct from u.day
           and (u.calls >= {NEAR_LIMIT} * (t.spec -> 'limits' ->> 'calls_per_day')::int
                or u.talk_ms >= {NEAR_LIMIT * MS_PER_MINUTE}
                                * (t.spec -> 'limits' ->> 'minutes_per_day')::bigint)
           for update of u skip locked)
    update trunk_usage u set near_limit_on = u.day
      from near where u.trunk_id = near.trunk_id
    returning u.trunk_id, u.tenant_id
"""


@dataclass(frozen=True, slots=True)
class PausedTrunk:
    id: UUID
    tenant_id: UUID
    reason: PauseReason


@dataclass(frozen=True, slots=True)
class TrunkNearLimit:
    id: UUID
    tenant_id: UUID


class SqlTrunkReports:
    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    @translate_outages
    async def newly_paused(self) -> Sequence[PausedTrunk]:
        """The trunks that were paused since the last look of any keeper."""
        return [
            PausedTrunk(row["trunk_id"], row["tenant_id"], PauseReason(row["pause_reason"]))
            for row in await self._pool.fetch(NOTE_PAUSES)
        ]

    @translate_outages
    async def newly_near_limit(self) -> Sequence[TrunkNearLimit]:
        """The trunks that came near a limit of the day since the last look of any keeper."""
        rows = await self._pool.fetch(NOTE_NEAR_LIMITS)
        return [TrunkNearLimit(row["trunk_id"], row["tenant_id"]) for row in rows]
