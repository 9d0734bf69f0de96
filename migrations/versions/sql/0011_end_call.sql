-- The one end of a call: only this function ends calls. It refuses the commands that are still
-- pending, marks END commands as applied (for whatever reason the call ends, it ends as requested),
-- writes the last event and fences every writer. p_epoch null: end the call under any epoch.
-- p_unclaimed: end the call only if no worker holds it.
-- Adds the usage of the call to the month; that row is locked last, to prevent deadlocks.
-- Returns the events that it wrote; none if the call had ended or did not match the arguments.
create or replace function end_call(
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
    for asked in
        update call_command c set done_at = now()
         where c.call_id = p_call and c.done_at is null
        returning c.id, c.kind
    loop
        log.head := log.head + 1;
        text_body := json_build_object('command_id', asked.id, 'command', asked.kind,
            'kind', 'command_applied');
        insert into call_event (tenant_id, call_id, seq, at, kind, body)
        values (log.tenant_id, p_call, log.head, clock_timestamp(), 'command_applied', text_body)
        returning call_event.tenant_id, call_event.seq, call_event.at, call_event.body
        into tenant_id, seq, at, body;
        return next;
    end loop;
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
    insert into tenant_month as m (tenant_id, month, calls, talk_ms, spent)
    values (log.tenant_id, date_trunc('month', now() at time zone 'UTC')::date, 1,
            case when log.answered_at is null then 0 else
                round(extract(epoch from now() - log.answered_at) * 1000) end, log.spent)
    on conflict on constraint pk_tenant_month do update
       set calls = m.calls + 1, talk_ms = m.talk_ms + excluded.talk_ms,
           spent = m.spent + excluded.spent;
end $$;
