"""How a keeper deletes expired calls, idempotency keys, refresh tokens, links and e-mail.

Expired rows are deleted in batches: one statement for all of them could exceed the statement
timeout and would then fail on every attempt."""

from __future__ import annotations

import asyncpg

from persistence.database import in_batches
from persistence.db_errors import translate_outages

CALL_BATCH_SIZE, EVENT_BATCH_SIZE, ROW_BATCH_SIZE = 500, 20_000, 5_000

# Deleting a call deletes its events, of which there may be many, so a batch is also limited by the
# number of events. It contains at least one call.
DELETE_EXPIRED_CALLS = """
    delete from call where id = any(array(
        select call_id from (
            select call_id, sum(head) over oldest as events, row_number() over oldest as place
              from (
                select call_id, ended_at, head from call_log
                 where ended_at is not null and ended_at < now() - make_interval(days => $1)
                   and not exists (select from recording r where r.call_id = call_log.call_id
                                      and not (r.state = 'DELETED' and r.cleared))
                 order by ended_at limit $2) old
            window oldest as (order by ended_at, call_id)) counted
         where place = 1 or events <= $3))
    returning id
"""


def _deleting(table: str, condition: str, key: str = "ctid") -> str:
    """A statement that deletes $1 rows at most of those that the condition selects."""
    return f"""
    delete from {table} where {key} = any(array(
        select {key} from {table} where {condition} limit $1))
    returning 1
"""


DELETE_ROWS = (
    _deleting("idempotency", "created_at < now() - interval '24 hours'"),
    _deleting("refresh_token", "expires_at < now()"),
    _deleting("invitation", "expires_at < now() - interval '30 days'", "id"),
    _deleting("password_reset", "expires_at < now()", "person_id"),
    _deleting("mail", "expires_at < now()", "id"),
    _deleting("sign_in_handoff", "expires_at < now()"),
    _deleting("logout_token", "expires_at < now()"),
    # Every process has read these: it would otherwise look up everything again.
    _deleting("access_change", "at < now() - interval '1 hour'", "id"),
)


class SqlRetention:
    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    @translate_outages
    async def delete_expired(self, retention_days: int) -> int:
        for statement in DELETE_ROWS:
            await in_batches(self._pool, statement, size=ROW_BATCH_SIZE)
        if retention_days <= 0:
            return 0
        deleted = 0
        bounds = retention_days, CALL_BATCH_SIZE, EVENT_BATCH_SIZE
        while batch := await self._pool.fetch(DELETE_EXPIRED_CALLS, *bounds):
            deleted += len(batch)
        return deleted
