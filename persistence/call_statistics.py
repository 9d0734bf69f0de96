"""The queries for statistics of calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from domain.calls.model import END_OUTCOMES, CallId, CallState, EndReason
from domain.calls.statistics import (
    FIRST_AUDIO_TURNS,
    MAX_ENDED_CALLS,
    CallGroup,
    CallStatistics,
    FirstAudio,
)
from domain.common.access import TenantId

# One statement, so that a call that ends meanwhile is counted once. The limit is part of the text, because
# the planner assumes that a bound parameter returns a tenth of the table. If there is one call more than
# the limit, all calls after that one are counted, whether they have ended or not.
SELECT_GROUPS = f"""
    with newest as (
        select end_reason, spent, duration_ms, created_at from ended_call
         where tenant_id = $1 and created_at >= $2 and created_at < $3
         order by created_at desc, call_id desc limit {MAX_ENDED_CALLS + 1}),
    counted as (
        select case when count(*) > {MAX_ENDED_CALLS}
                    then min(created_at) + interval '1 microsecond' else $2 end as since from newest)
    select (select since from counted) as since, null as state, end_reason, count(*) as calls,
           sum(spent)::bigint as spent, sum(duration_ms)::bigint as duration_ms
      from newest where created_at >= (select since from counted) group by end_reason
     union all
    select (select since from counted), state, null, count(*), sum(spent)::bigint, 0
      from call_log
     where tenant_id = $1 and ended_at is null
       and created_at >= (select since from counted) and created_at < $3
     group by state
"""
SELECT_FIRST_AUDIO = """
    select count(*) as turns, count(distinct call_id) as calls,
           percentile_disc(0.5) within group (order by ms) as p50,
           percentile_disc(0.95) within group (order by ms) as p95
      from (select c.id as call_id, (e.body ->> 'first_audio_ms')::float8 as ms
              from unnest($2::uuid[]) c (id)
             cross join lateral (
                   select body from call_event
                    where tenant_id = $1 and call_id = c.id and kind = 'turn_measured'
                    order by seq desc limit $3) e) measured
     where ms is not null
"""


async def fetch_statistics(
    db: asyncpg.Connection[asyncpg.Record], tenant: TenantId, since: datetime, until: datetime
) -> CallStatistics:
    rows = await db.fetch(SELECT_GROUPS, tenant, since, until)
    groups = sorted(map(_group, rows), key=lambda group: group.calls, reverse=True)
    return CallStatistics(since=rows[0]["since"] if rows else since, until=until, groups=groups)


def _group(row: asyncpg.Record) -> CallGroup:
    reason = EndReason(row["end_reason"]) if row["end_reason"] else None
    return CallGroup(
        state=END_OUTCOMES[reason][0] if reason else CallState(row["state"]),
        end_reason=reason,
        calls=row["calls"],
        spent=row["spent"],
        duration_ms=row["duration_ms"],
    )


async def fetch_first_audio(
    db: asyncpg.Connection[asyncpg.Record], tenant: TenantId, calls: Sequence[CallId]
) -> FirstAudio | None:
    row = await db.fetchrow(SELECT_FIRST_AUDIO, tenant, calls, FIRST_AUDIO_TURNS)
    assert row is not None
    if not row["turns"]:
        return None
    return FirstAudio(calls=row["calls"], turns=row["turns"], p50=row["p50"], p95=row["p95"])
