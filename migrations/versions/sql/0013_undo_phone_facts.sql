drop trigger if exists copy_phone_facts_of_event on call_event;

drop function if exists copy_phone_facts_of_event();

create or replace function copy_facts_of_call() returns trigger
language plpgsql as $$
begin
    select c.kind, c.workflow_id, c.user_id into new.kind, new.workflow_id, new.user_id
      from call c where c.id = new.call_id;
    return new;
end $$;
