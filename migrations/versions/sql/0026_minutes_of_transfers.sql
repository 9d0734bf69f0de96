-- Here and not only in grants.sql, because the API ends calls while the migration continues.
grant update on transfer_leg to studio_api;

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

-- Counts the conversation of a call that was dialled, and those of its transfers, when the call ends. The
-- rows of the trunks are locked in order, because calls over the same trunks end at the same time, and
-- before those of the transfers, as by release_transfer.
create or replace function count_talk_of_trunk() returns trigger
language plpgsql as $$
declare
    trunks uuid[] := array(select f.trunk_id from transfer_leg f
                            where f.call_id = new.call_id and f.released_at is null);
begin
    if trunks <> '{}' then
        perform from trunk_usage u where u.trunk_id = new.trunk_id or u.trunk_id = any(trunks)
          order by u.trunk_id for update;
        update transfer_leg set released_at = new.ended_at
         where call_id = new.call_id and released_at is null and trunk_id = any(trunks);
    end if;
    if new.answered_at is not null and new.trunk_id is not null then
        perform add_talk_of_trunk(new.trunk_id, new.answered_at, new.ended_at);
    end if;
    return null;
end $$;

create or replace trigger count_talk_of_trunk after update of ended_at on call_log
for each row when (old.ended_at is null and new.ended_at is not null
                   and new.answered_at is not null)
execute function count_talk_of_trunk();

create or replace function count_talk_of_transfer() returns trigger
language plpgsql as $$
begin
    perform add_talk_of_trunk(new.trunk_id, new.answered_at, new.released_at);
    return null;
end $$;

create or replace trigger count_talk_of_transfer after update of released_at on transfer_leg
for each row when (old.released_at is null and new.released_at is not null
                   and new.answered_at is not null)
execute function count_talk_of_transfer();

-- Ends the transfer of a call, whose phone occupies its trunk no longer. The row of the trunk is locked
-- first: a batch of events may hold it while it notes that the phone of this transfer was answered.
create or replace function release_transfer(p_transfer uuid) returns void
language plpgsql as $$
begin
    perform from trunk_usage u
      where u.trunk_id = (select f.trunk_id from transfer_leg f where f.id = p_transfer) for update;
    update transfer_leg set released_at = now() where id = p_transfer and released_at is null;
end $$;

create or replace function note_answer_of_transfer() returns trigger
language plpgsql as $$
begin
    perform from trunk_usage u
      where u.trunk_id = (select f.trunk_id from transfer_leg f
                           where f.id::text = new.body ->> 'transfer_id' and f.call_id = new.call_id)
        for update;
    update transfer_leg set answered_at = new.at
     where id::text = new.body ->> 'transfer_id' and call_id = new.call_id;
    return null;
end $$;

create or replace trigger note_answer_of_transfer after insert on call_event
for each row when (new.kind = 'transfer_advanced' and new.body ->> 'phase' = 'ANSWERED')
execute function note_answer_of_transfer();
