-- Appends a batch of events for many calls at once. For each call: the epoch of the writer, the
-- writer's number of the first event, the number of events, the state that the writer expects the
-- call to be in (null: no change), the new state, the node that is active afterwards, and the cost
-- of the events.
-- The lock on the call_log row is the sequencer: numbers are dense, and commit order is number
-- order. Returns `ok` with the number of the first event, or `dup`, `gap`, `fenced` or `ended`.
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
begin
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
           case when c.direction = 'OUTBOUND' then c.trunk_id end
      into new.kind, new.workflow_id, new.user_id, new.due_at, new.trunk_id
      from call c where c.id = new.call_id;
    return new;
end $$;

-- Adds the time of a conversation over a trunk to what was talked over it today.
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
     where u.trunk_id = p_trunk;
end $$;

-- Ends the transfer of a call, whose phone occupies its trunk no longer. The row of the trunk is locked
-- first: a batch of events may hold it while it notes that the phone of this transfer was answered.
create or replace function release_transfer(p_transfer uuid) returns void
language plpgsql as $$
begin
    perform from trunk_usage u
      where u.trunk_id = (select f.trunk_id from transfer_leg f where f.id = p_transfer) for update;
    update transfer_leg set released_at = now() where id = p_transfer and released_at is null;
end $$;

drop function trunks_of_events(uuid[], int[], text[], json[]);
