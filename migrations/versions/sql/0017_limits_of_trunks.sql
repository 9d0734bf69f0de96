-- A trunk is paused for a while when the carrier has refused several of its calls within some minutes, and
-- none was answered in between: a stolen key would be tried on and on, and the carrier might block the
-- trunk. The log has each event once, so each refusal counts once.
create or replace function count_refusals_of_trunk() returns trigger
language plpgsql as $$
declare
    dialed_over uuid;
    refused text := new.body ->> 'reason';
begin
    select l.trunk_id into dialed_over from call_log l where l.call_id = new.call_id;
    if new.kind = 'call_answered' then
        update trunk_usage set refusals = 0, refused_since = null
         where trunk_id = dialed_over and refusals > 0;
    elsif refused in ('CARRIER_REFUSED', 'TRUNK_UNAUTHORIZED') then
        update trunk_usage u
           set refusals = case when u.refused_since > now() - interval '10 minutes'
                               then u.refusals + 1 else 1 end,
               refused_since = case when u.refused_since > now() - interval '10 minutes'
                                    then u.refused_since else now() end
         where u.trunk_id = dialed_over;
        update trunk_usage u
           set paused_until = now() + interval '15 minutes', pause_reason = refused,
               is_pause_logged = false, refusals = 0, refused_since = null
         where u.trunk_id = dialed_over and u.refusals >= 5;
    end if;
    return null;
end $$;

create or replace trigger count_refusals_of_trunk after insert on call_event
for each row when (new.kind in ('dial_failed', 'call_answered'))
execute function count_refusals_of_trunk();

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
