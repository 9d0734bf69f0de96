revoke update on transfer_leg from studio_api;

drop trigger if exists note_answer_of_transfer on call_event;

drop function if exists note_answer_of_transfer();

drop function if exists release_transfer(uuid);

drop trigger if exists count_talk_of_transfer on transfer_leg;

drop function if exists count_talk_of_transfer();

-- Adds the time of a conversation that was dialled to that of its trunk today, when it ends.
create or replace function count_talk_of_trunk() returns trigger
language plpgsql as $$
declare
    today date := (now() at time zone 'UTC')::date;
begin
    update trunk_usage u
       set talk_ms = case when u.day = today then u.talk_ms else 0 end
                     + round(extract(epoch from new.ended_at - new.answered_at) * 1000),
           calls = case when u.day = today then u.calls else 0 end,
           day = today
     where u.trunk_id = new.trunk_id;
    return null;
end $$;

create or replace trigger count_talk_of_trunk after update of ended_at on call_log
for each row when (old.ended_at is null and new.ended_at is not null
                   and new.answered_at is not null and new.trunk_id is not null)
execute function count_talk_of_trunk();

drop function if exists add_talk_of_trunk(uuid, timestamptz, timestamptz);
