"""The SQL statements of the call queue. Every change of a call is fenced by its epoch."""

from __future__ import annotations

# The number of consecutive failed takeovers: each holder died before it wrote to the log.
# `producer_seq` counts the events that the last holder has written.
FAILED_TAKEOVERS = "case when l.producer_seq > 0 then 0 else l.takeovers end"
END_ASKED = """exists (
           select from call_command c
            where c.call_id = l.call_id and c.done_at is null and c.kind = 'END')"""
# The log has a copy of the call's kind, except for old rows that have not been backfilled yet.
CALL_KIND = "coalesce(l.kind, (select c.kind from call c where c.id = l.call_id))"
# A call whose takeovers fail may be the reason why its workers die, which also hurts their other
# calls. So its next takeover waits, with a backoff that doubles each time. After the second failure
# a worker holds one such call at a time, so that the other calls that were lost with it are taken
# over and confirmed first. The call does not wait for an idle worker: if all are busy, none would
# ever take it.
SELECT_CLAIMABLE = f"""
    select l.call_id, l.tenant_id, l.state, l.epoch, {END_ASKED} as end_asked,
           case when l.state = 'ENDING' then 'ENDED_BY_AGENT' else 'ENDED_BY_API' end as reason,
           $4::int > 0 and {FAILED_TAKEOVERS} > 1 as is_suspect
      from call_log l
     where l.ended_at is null and l.worker_id is null
       and ($2 or {CALL_KIND} = 'TEXT'
            or (l.state <> 'PENDING' and l.deadline_at < now() + make_interval(secs => $3)))
       and ($4 = 0 or {FAILED_TAKEOVERS} = 0 or (
            {FAILED_TAKEOVERS} < $4
            and l.deadline_at < now() + make_interval(
                secs => $5::float8 - least($6::float8 * 2 ^ ({FAILED_TAKEOVERS} - 1), $5 / 2))
            and ({FAILED_TAKEOVERS} = 1 or not exists (
                 select from call_log h
                  where h.worker_id = $7 and h.ended_at is null
                    and h.producer_seq = 0 and h.takeovers > 2))))
     order by l.created_at limit $1 for update skip locked
"""
CONFIRM_CLAIM = (
    "update call_log set takeovers = 0 where call_id = $1 and epoch = $2 and takeovers > 0"
)
CLAIM = """
    update call_log l set worker_id = $2, epoch = l.epoch + 1, head = l.head + 1, producer_seq = 0,
           takeovers = case when $3::text is not null then 0
                            when l.producer_seq > 0 then 1 else l.takeovers + 1 end,
           state = coalesce($3, l.state),
           deadline_at = case when $3 is null then coalesce(
               l.answered_at + make_interval(secs => (
                   select c.max_seconds + 10 from call c where c.id = l.call_id)),
               now() + make_interval(secs => $4)) else now() + make_interval(secs => $4) end
     where l.call_id = $1 returning l.epoch, l.head
"""
INSERT_EVENT = """
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    values ($1, $2, $3, clock_timestamp(), $4, $5) returning at
"""
SELECT_ENDED = """
    select call_id from call_log where call_id = any($1::uuid[]) and ended_at is not null
"""
SELECT_CALL = """
    select c.*, l.state, l.active_node, l.answered_at, l.ended_at, l.end_reason,
           (select spec from tenant_settings s where s.tenant_id = c.tenant_id) as settings,
           v.id as v_id, v.number, v.checksum, v.note, v.published_at, v.published_by, v.snapshot
      from call c join call_log l on l.call_id = c.id
      join workflow_version v on v.id = c.version_id
     where c.id = $1
"""
SELECT_ENCRYPTED = """
    select k.tenant_id, k.key_id, k.wrapped, c.id, c.kind, c.name, c.sealed
      from data_key k join credential c using (tenant_id) where k.tenant_id = $1
"""
SELECT_COMMANDS = """
    select c.id, c.call_id, c.kind, c.body, c.asked_by
      from call_log l cross join lateral (
           select * from call_command c where c.call_id = l.call_id and c.done_at is null
            order by c.kind <> 'END', c.place limit 20) c
     where l.worker_id = $1 and l.ended_at is null order by c.place
"""
LOG_PAGE = """
    select seq, at, body::text from call_event where call_id = $1 and seq > $2
     order by seq limit $3
"""
IS_REGISTERED = "select 1 from worker_process where id = $1 for key share"
END_CALL = "select tenant_id, seq, at, body::text from end_call($1, $2, false, $3, $4, $5)"
RELEASE_CALL = """
    update call_log set worker_id = null, epoch = epoch + 1, takeovers = 0,
           deadline_at = now() + make_interval(secs => $3)
     where call_id = $1 and epoch = $2 and ended_at is null
"""
DELETE_WORKER = "delete from worker_process where id = $1"
# A single statement, so that a worker whose heartbeat arrives in the meantime stays registered.
REAP_DEAD_WORKERS = "delete from worker_process where heartbeat_at < $1"
HAS_WAITING = """
    select exists (select from call_log where ended_at is null and worker_id is null)
"""
# Rows are locked in the same order as by appends, which prevents deadlocks.
RELEASE_CALLS = """
    with lost as (
        select call_id from call_log l where {condition} and l.ended_at is null
         order by call_id for update)
    update call_log l set worker_id = null, epoch = l.epoch + 1,
           deadline_at = now() + make_interval(secs => $1)
      from lost where l.call_id = lost.call_id
    returning l.call_id
"""
RELEASE_ORPHANS = RELEASE_CALLS.format(
    condition="l.worker_id is not null and not exists "
    "(select from worker_process p where p.id = l.worker_id)"
)
RELEASE_OTHERS = RELEASE_CALLS.format(condition="l.worker_id = $2 and l.call_id <> all($3)")
SELECT_END_REQUESTED = """
    select l.call_id, l.epoch,
           case when l.state = 'ENDING' then 'ENDED_BY_AGENT' else 'ENDED_BY_API' end as reason
      from call_command c join call_log l using (call_id)
     where c.done_at is null and c.kind = 'END' and l.ended_at is null
       and (l.worker_id is null or c.asked_at < now() - make_interval(secs => $1))
     limit 500
"""
SELECT_OVERDUE = f"""
    select l.call_id, l.epoch,
           case when l.state = 'PENDING' then 'NO_WORKER'
                when l.state = 'ENDING' then 'ENDED_BY_AGENT'
                when l.worker_id is null then 'WORKER_LOST'
                when l.answered_at is not null then 'MAX_DURATION'
                else 'INTERNAL' end as reason
      from call_log l
     where l.ended_at is null and (
           l.deadline_at < $2
           or (l.state = 'PENDING' and l.worker_id is null
               and l.created_at < $2::timestamptz - make_interval(secs => $1))
           or (l.worker_id is null and $3 > 0 and {FAILED_TAKEOVERS} >= $3))
     limit 500
"""

# Expired rows are deleted in batches: one statement for all of them could exceed the statement
# timeout and would then fail on every attempt. Deleting a call deletes its events, of which there
# may be many, so a batch is also limited by the number of events. It contains at least one call.
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
DELETE_EXPIRED_IDEMPOTENCY_KEYS = """
    delete from idempotency where ctid = any(array(
        select ctid from idempotency where created_at < now() - interval '24 hours' limit $1))
    returning 1
"""
DELETE_EXPIRED_REFRESH_TOKENS = """
    delete from refresh_token where ctid = any(array(
        select ctid from refresh_token where expires_at < now() limit $1))
    returning 1
"""
