-- The trunks whose usage the triggers of a batch of events change; the arguments are those of append_events.
-- No others may be locked, because no call is dialled over a trunk while its row is locked. Most answers and
-- busy lines change nothing.
create or replace function trunks_of_events(
    p_call uuid[], p_count int[], p_kind text[], p_body json[]
) returns uuid[]
language sql stable as $$
    with event as materialized (
        select call_id, kind, body
          from unnest(array(select c.call_id from unnest(p_call, p_count) with ordinality
                                                  as c (call_id, events, n)
                             cross join generate_series(1, c.events) order by c.n),
                      p_kind, p_body) as e (call_id, kind, body)
         where kind in ('call_answered', 'dial_failed', 'transfer_advanced'))
    select array(
        select l.trunk_id from event e join call_log l using (call_id)
                               join trunk_usage u using (trunk_id)
         where e.kind = 'call_answered' and u.refusals > 0
            or e.kind = 'dial_failed'
               and e.body ->> 'reason' in ('CARRIER_REFUSED', 'TRUNK_UNAUTHORIZED')
        union
        select f.trunk_id from event e join transfer_leg f using (call_id)
         where e.kind = 'transfer_advanced' and e.body ->> 'phase' = 'ANSWERED'
           and f.id::text = e.body ->> 'transfer_id')
$$;

-- Appends a batch of events for many calls at once. For each call: the epoch of the writer, the
-- writer's number of the first event, the number of events, the state that the writer expects the
-- call to be in (null: no change), the new state, the node that is active afterwards, and the cost
-- of the events.
-- The lock on the call_log row is the sequencer: numbers are dense, and commit order is number
-- order. Returns `ok` with the number of the first event, or `dup`, `gap`, `fenced` or `ended`.
-- Some events change the usage of trunks. Then the rows of all calls are locked before those of these trunks,
-- and each in order, as by end_call, which prevents deadlocks.
create or replace function append_events(
    p_call uuid[], p_epoch int[], p_first bigint[], p_count int[],
    p_before text[], p_state text[], p_node text[],
    p_at timestamptz[], p_kind text[], p_body json[], p_spent bigint[] default null
) returns table (call_id uuid, status text, first_seq int)
language plpgsql as $$
declare
    i int;
    done int := 0;
    log call_log%rowtype;
    trunks uuid[] := '{}';
begin
    if p_kind && array['call_answered', 'dial_failed', 'transfer_advanced'] then
        trunks := trunks_of_events(p_call, p_count, p_kind, p_body);
    end if;
    if trunks <> '{}' then
        perform from call_log l where l.call_id = any(p_call) and l.ended_at is null
          order by l.call_id for update;
        perform from trunk_usage u where u.trunk_id = any(trunks) order by u.trunk_id for update;
    end if;
    for i in 1 .. coalesce(array_length(p_call, 1), 0) loop
        update call_log l
           set head = l.head + p_count[i],
               producer_seq = p_first[i] + p_count[i] - 1,
               state = coalesce(p_state[i], l.state),
               active_node = coalesce(p_node[i], l.active_node),
               spent = l.spent + coalesce(p_spent[i], 0),
               answered_at = case when p_state[i] = 'ACTIVE' then coalesce(l.answered_at, now())
                                  else l.answered_at end,
               deadline_at = case
                   when p_state[i] = 'ACTIVE' then now() + interval '10 seconds'
                        + make_interval(secs => (select c.max_seconds from call c
                                                  where c.id = l.call_id))
                   when p_state[i] = 'ENDING' then now() + interval '60 seconds'
                   else l.deadline_at end
         where l.call_id = p_call[i]
           and l.epoch = p_epoch[i]
           and l.producer_seq = p_first[i] - 1
           and l.ended_at is null
           and (p_before[i] is null or l.state = p_before[i])
        returning l.* into log;
        if found then
            insert into call_event (tenant_id, call_id, seq, at, kind, body)
            select log.tenant_id, log.call_id, log.head - p_count[i] + n,
                   p_at[done + n], p_kind[done + n], p_body[done + n]
              from generate_series(1, p_count[i]) as n;
            status := 'ok';
            first_seq := log.head - p_count[i] + 1;
        else
            select l.* into log from call_log l where l.call_id = p_call[i];
            status := case
                when log.epoch is distinct from p_epoch[i] then
                    case when log.ended_at is null then 'fenced' else 'ended' end
                when log.producer_seq >= p_first[i] + p_count[i] - 1 then 'dup'
                when log.ended_at is not null then 'ended'
                when p_before[i] is not null and log.state <> p_before[i] then 'fenced'
                else 'gap' end;
            first_seq := null;
        end if;
        call_id := p_call[i];
        return next;
        done := done + p_count[i];
    end loop;
end $$;

-- Lists of calls are filtered by facts of the call together with its state, and the queue is ordered
-- by when a call is due and limited by its trunk. No index spans two tables, so these facts, which
-- never change, are copied into the log.
create or replace function copy_facts_of_call() returns trigger
language plpgsql as $$
begin
    select c.kind, c.workflow_id, c.user_id, c.scheduled_for,
           case when c.direction = 'OUTBOUND' then c.trunk_id end,
           case when c.direction = 'OUTBOUND' then c.phone_number end
      into new.kind, new.workflow_id, new.user_id, new.due_at, new.trunk_id, new.dialed_number
      from call c where c.id = new.call_id;
    return new;
end $$;

-- Adds the time of a conversation over a trunk to what was talked over it today. A transfer may be released
-- on a later day than its call ended; then it adds nothing.
create or replace function add_talk_of_trunk(p_trunk uuid, p_since timestamptz, p_until timestamptz)
returns void language plpgsql as $$
declare
    today date := (now() at time zone 'UTC')::date;
begin
    update trunk_usage u
       set talk_ms = case when u.day = today then u.talk_ms else 0 end
                     + round(extract(epoch from p_until - p_since) * 1000),
           calls = case when u.day = today then u.calls else 0 end,
           day = today
     where u.trunk_id = p_trunk and (p_until at time zone 'UTC')::date = today;
end $$;

-- Ends the transfer of a call, whose phone occupies its trunk no longer. The row of the trunk is locked
-- first: a batch of events may hold it while it notes that the phone of this transfer was answered.
create or replace function release_transfer(p_transfer uuid) returns void
language plpgsql as $$
begin
    perform from trunk_usage u
      where u.trunk_id = (select f.trunk_id from transfer_leg f where f.id = p_transfer) for update;
    update transfer_leg f
       set released_at = least(now(), (select l.ended_at from call_log l where l.call_id = f.call_id))
     where f.id = p_transfer and f.released_at is null;
end $$;
