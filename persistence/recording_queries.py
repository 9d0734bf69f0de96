"""The SQL statements of the recording store.

`due_at` is when a keeper should process a recording. It is the end of the lease while a keeper
processes it, the end of the backoff after a failure and, while segments are still pending, the time
from which the recording is made without them."""

from __future__ import annotations

START_RECORDING = """
    insert into recording (call_id, tenant_id, epoch, state, started_at)
    values ($1, $2, $3, 'RECORDING', $4)
    on conflict (call_id) do update set epoch = greatest(recording.epoch, excluded.epoch),
           due_at = case when recording.state = 'RECORDING' then null else recording.due_at end
    returning *
"""
ACCEPTS_AUDIO = """
    select 1 from recording where call_id = $1 and state in ('RECORDING', 'PROCESSING')
"""
MARK_UPLOADED = """
    update recording set due_at = now()
     where call_id = $1 and epoch = $2 and state = 'RECORDING'
"""
# Only for calls that have ended: no keeper joins the segments of a live call, and only the worker
# that holds it sets `due_at`.
MARK_PENDING = """
    update recording r set state = 'RECORDING',
           due_at = greatest(r.due_at, now() + make_interval(secs => $2))
      from call_log l
     where r.call_id = any($1::uuid[]) and l.call_id = r.call_id
       and r.state in ('RECORDING', 'PROCESSING') and l.ended_at > now() - interval '1 hour'
"""
# A worker that is dead or has lost its call sets no `due_at`: then the join starts five seconds
# after the end. Deleted recordings come last, because there may be many, and the index has this
# order.
LEASE_NEXT = """
    with next as (
        select r.call_id, l.ended_at from recording r join call_log l using (call_id)
         where not r.cleared and case
               when r.state in ('RECORDING', 'PROCESSING') then l.ended_at is not null
                    and coalesce(r.due_at, l.ended_at + interval '5 seconds') <= now()
               when r.state in ('READY', 'DELETED') then r.due_at <= now()
               else false end
         order by r.state = 'DELETED', r.due_at limit 1 for update of r skip locked)
    update recording r set tries = r.tries + 1, due_at = now() + make_interval(secs => $1),
           state = case r.state when 'RECORDING' then 'PROCESSING' else r.state end
      from next where r.call_id = next.call_id
    returning r.*, next.ended_at, next.ended_at < now() - interval '10 seconds'
           and coalesce(r.deleted_at < now() - interval '1 minute', true) as over
"""
RENEW_LEASE = """
    update recording set due_at = now() + make_interval(secs => $3)
     where call_id = $1 and tries = $2
"""
MARK_READY = """
    update recording set state = 'READY', duration_ms = $3, missing_ms = $4, size = $5,
           error = null, ready_at = now(), due_at = now() + interval '30 seconds'
     where call_id = $1 and tries = $2 and state = 'PROCESSING' returning call_id
"""
MARK_AUDIO_DELETED = """
    update recording set cleared = $3::float is null, due_at = now() + make_interval(secs => $3),
           error = case state when 'READY' then null else error end
     where call_id = $1 and tries = $2 and state in ('READY', 'DELETED')
"""
MARK_FAILED = """
    update recording set error = $3, due_at = now() + make_interval(secs => $4),
           state = case when $4::float is null and state = 'PROCESSING' then 'FAILED' else state end
     where call_id = $1 and tries = $2
"""
# Segments of a call that has just ended may arrive for another minute, and only then can a
# recording be cleared. A batch has many recordings, so each becomes due once, after that minute.
DELETE_EXPIRED = """
    with old as (
        select r.call_id from recording r join call_log l using (call_id)
         where r.state <> 'DELETED' and (
               ($1 > 0 and l.ended_at < now() - make_interval(days => $1))
               or ($2 > 0 and l.ended_at < now() - make_interval(days => $2)))
         order by r.call_id limit $4 for update of r)
    update recording r set state = 'DELETED', deleted_at = now(), deleted_by = $3,
           cleared = false, tries = r.tries + 1, due_at = now() + interval '61 seconds'
      from old where r.call_id = old.call_id
    returning r.call_id
"""
COUNT_ORPHANS = "select count(*) from recording where state = 'DELETED' and not cleared"
SELECT_STATES = "select call_id, state from recording where call_id = any($1::uuid[])"
