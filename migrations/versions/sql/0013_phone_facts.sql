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

-- What the events of a telephone call say about the call itself.
create or replace function copy_phone_facts_of_event() returns trigger
language plpgsql as $$
begin
    update call_log l
       set sip_status = case when new.kind = 'dial_failed'
                             then (new.body ->> 'sip_status')::int else l.sip_status end,
           answered_by = case when new.kind = 'answered_by'
                              then new.body ->> 'by' else l.answered_by end
     where l.call_id = new.call_id;
    return null;
end $$;

create or replace trigger copy_phone_facts_of_event after insert on call_event
for each row when (new.kind in ('dial_failed', 'answered_by'))
execute function copy_phone_facts_of_event();
