-- Appends a batch of events for many calls at once. For each call: the epoch of the writer, the
-- writer's number of the first event, the number of events, the state that the writer expects the
-- call to be in (null: no change), the new state, and the node that is active afterwards.
-- The lock on the call_log row is the sequencer: numbers are dense, and commit order is number
-- order. Returns `ok` with the number of the first event, or `dup`, `gap`, `fenced` or `ended`.
create function append_events(
    p_call uuid[], p_epoch int[], p_first bigint[], p_count int[],
    p_before text[], p_state text[], p_node text[],
    p_at timestamptz[], p_kind text[], p_body json[]
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

-- The one end of a call: only this function ends calls. It refuses the commands that are still
-- pending, writes the last event and fences every writer. p_epoch null: end the call under any
-- epoch. p_unclaimed: end the call only if no worker holds it. Returns the events that it wrote;
-- none if the call had ended or did not match the arguments.
create function end_call(
    p_call uuid, p_epoch int, p_unclaimed boolean,
    p_reason text, p_state text, p_blame text
) returns table (tenant_id uuid, seq int, at timestamptz, body json)
language plpgsql as $$
declare
    log call_log%rowtype;
    asked record;
    text_body json;
begin
    select l.* into log from call_log l where l.call_id = p_call for update;
    if not found or log.ended_at is not null
       or (p_epoch is not null and log.epoch <> p_epoch)
       or (p_unclaimed and log.worker_id is not null) then
        return;
    end if;
    for asked in
        update call_command c set done_at = now()
         where c.call_id = p_call and c.done_at is null and c.kind <> 'END'
        returning c.id, c.kind
    loop
        log.head := log.head + 1;
        text_body := json_build_object('command_id', asked.id, 'command', asked.kind,
            'message', 'The call has ended.', 'kind', 'command_refused');
        insert into call_event (tenant_id, call_id, seq, at, kind, body)
        values (log.tenant_id, p_call, log.head, clock_timestamp(), 'command_refused', text_body)
        returning call_event.tenant_id, call_event.seq, call_event.at, call_event.body
        into tenant_id, seq, at, body;
        return next;
    end loop;
    update call_command c set done_at = now() where c.call_id = p_call and c.done_at is null;
    log.head := log.head + 1;
    update call_log l
       set head = log.head, epoch = l.epoch + 1, state = p_state, worker_id = null,
           deadline_at = null, ended_at = now(), end_reason = p_reason
     where l.call_id = p_call;
    text_body := json_build_object('state', p_state, 'reason', p_reason, 'blame', p_blame,
        'duration_ms', case when log.answered_at is null then 0 else
            round(extract(epoch from now() - log.answered_at) * 1000) end,
        'kind', 'call_ended');
    insert into call_event (tenant_id, call_id, seq, at, kind, body)
    values (log.tenant_id, p_call, log.head, clock_timestamp(), 'call_ended', text_body)
    returning call_event.tenant_id, call_event.seq, call_event.at, call_event.body
    into tenant_id, seq, at, body;
    return next;
end $$;

-- What the API may know across tenants, and nothing more. studio_service owns these functions, so
-- they bypass row-level security.
create function log_heads(p_calls uuid[]) returns table (call_id uuid, head int)
language sql stable security definer set search_path = public as $$
    select l.call_id, l.head from call_log l where l.call_id = any(p_calls)
$$;

create function find_user(p_email text) returns setof app_user
language sql stable security definer set search_path = public as $$
    select * from app_user where email = p_email
$$;

create function find_api_key(p_hash bytea) returns setof api_key
language sql stable security definer set search_path = public as $$
    select * from api_key where hash = p_hash
$$;

create function find_refresh_token(p_hash bytea) returns setof refresh_token
language sql stable security definer set search_path = public as $$
    select * from refresh_token where hash = p_hash
$$;
