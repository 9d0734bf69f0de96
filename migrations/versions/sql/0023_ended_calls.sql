-- The labels by which a call is found by its metadata: of its first 20 keys in alphabetical order, those
-- whose value is a short text, a number or a boolean.
create or replace function metadata_labels(p_metadata jsonb) returns table (name text, value text)
language sql immutable as $$
    select 'metadata.' || m.key, m.value #>> '{}'
      from jsonb_each(case when jsonb_typeof(p_metadata) = 'object' then p_metadata
                           else '{}'::jsonb end) m
     where jsonb_typeof(m.value) in ('string', 'number', 'boolean')
       and length(m.key) <= 200 and length(m.value #>> '{}') <= 200
     order by m.key collate "C" limit 20
$$;

-- Lists filter and sort calls that have ended by facts of the call together with its end. No index spans
-- two tables, so the end of a call copies them.
create or replace function keep_ended_call() returns trigger
language plpgsql as $$
begin
    insert into ended_call (call_id, tenant_id, created_at, kind, direction, workflow_id, version_id,
                            user_id, phone_number, end_reason, duration_ms, spent)
    select c.id, c.tenant_id, c.created_at, c.kind, c.direction, c.workflow_id, c.version_id,
           c.user_id, c.phone_number, new.end_reason,
           case when new.answered_at is null then 0
                else round(extract(epoch from new.ended_at - new.answered_at) * 1000) end, new.spent
      from call c where c.id = new.call_id
    on conflict do nothing;
    insert into call_label (tenant_id, name, value, created_at, call_id)
    select c.tenant_id, m.name, m.value, c.created_at, c.id
      from call c cross join metadata_labels(c.metadata) m
     where c.id = new.call_id and c.metadata <> '{}'
    on conflict do nothing;
    return null;
end $$;

create or replace trigger keep_ended_call after insert or update of ended_at on call_log
for each row when (new.ended_at is not null and new.end_reason is not null)
execute function keep_ended_call();

-- A call is found by the agents and the tools that took part in it, also while it is live.
create or replace function label_call_of_event() returns trigger
language plpgsql as $$
declare
    label constant text := case new.kind when 'node_entered' then 'agent' else 'tool' end;
begin
    insert into call_label (tenant_id, name, value, created_at, call_id)
    select l.tenant_id, label, left(new.body ->> label, 200), l.created_at, l.call_id
      from call_log l where l.call_id = new.call_id and new.body ->> label is not null
    on conflict do nothing;
    return null;
end $$;

create or replace trigger label_call_of_event after insert on call_event
for each row when (new.kind in ('node_entered', 'tool_started'))
execute function label_call_of_event();
