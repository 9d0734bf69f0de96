-- The functions and triggers of the database as they are today, to read. Nothing runs this file:
-- revisions in versions/ make the changes, and a test compares their result with this file.
-- Owners and grants are in grants.sql.

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

-- What a tenant has used: the number of live calls, and the talk time and the cost of a calendar
-- month (UTC). The month includes the calls that ended in it and the live calls. A scheduled call is live
-- once it is due.
create or replace function tenant_standing(p_tenant uuid, p_at timestamptz default clock_timestamp())
returns table (live_calls bigint, talk_ms bigint, spent bigint, resets_at timestamptz)
language sql stable as $$
    select live.calls, live.talk_ms + coalesce(m.talk_ms, 0), live.spent + coalesce(m.spent, 0),
           (this.month + interval '1 month') at time zone 'UTC'
      from (select date_trunc('month', p_at at time zone 'UTC') as month) this
     cross join (
           select count(*) filter (where coalesce(l.due_at <= p_at, true)) as calls,
                  coalesce(sum(greatest(extract(epoch from p_at - l.answered_at), 0) * 1000), 0)
                      ::bigint as talk_ms,
                  coalesce(sum(l.spent), 0)::bigint as spent
             from call_log l where l.tenant_id = p_tenant and l.ended_at is null) live
      left join tenant_month m on m.tenant_id = p_tenant and m.month = this.month::date
$$;

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

create or replace trigger copy_facts_of_call before insert on call_log
for each row execute function copy_facts_of_call();

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
    update transfer_leg f
       set released_at = least(now(), (select l.ended_at from call_log l where l.call_id = f.call_id))
     where f.id = p_transfer and f.released_at is null;
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

-- What a draft refers to is kept in rows of its own: row-level security would keep a GIN index on
-- the specs from being used, because `@>` is not leakproof.
create or replace function keep_references_of_agent() returns trigger
language plpgsql as $$
begin
    delete from draft_reference where user_id = coalesce(new.id, old.id);
    if tg_op <> 'DELETE' then
        insert into draft_reference (tenant_id, used_kind, used_name, user_id, user_name)
        select distinct new.tenant_id, 'tool', tool, new.id, new.name
          from jsonb_array_elements_text(new.spec -> 'tools') as tool;
    end if;
    return null;
end $$;

create or replace trigger keep_references after insert or delete or update of spec on agent
for each row execute function keep_references_of_agent();

create or replace function keep_references_of_workflow() returns trigger
language plpgsql as $$
begin
    delete from draft_reference where user_id = coalesce(new.id, old.id);
    if tg_op <> 'DELETE' then
        insert into draft_reference (tenant_id, used_kind, used_name, user_id, user_name)
        select distinct new.tenant_id, 'agent', node ->> 'agent', new.id, new.name
          from jsonb_array_elements(new.spec -> 'nodes') as node
         where node ->> 'agent' is not null;
    end if;
    return null;
end $$;

create or replace trigger keep_references after insert or delete or update of spec on workflow
for each row execute function keep_references_of_workflow();

-- What the API may know across tenants, and nothing more. studio_service owns these functions, so
-- they bypass row-level security.
create or replace function log_heads(p_calls uuid[]) returns table (call_id uuid, head int)
language sql stable security definer set search_path = public, pg_temp as $$
    select l.call_id, l.head from call_log l where l.call_id = any(p_calls)
$$;

create or replace function find_api_key(p_hash bytea) returns setof api_key
language sql stable security definer set search_path = public, pg_temp as $$
    select * from api_key where hash = p_hash
$$;

-- An API key by its digest, with the scopes of its role if that is one of the tenant's own; the
-- scopes of a built-in role are in the code.
create or replace function authenticate_api_key(p_hash bytea) returns table (
    id uuid, tenant_id uuid, role text, scopes text[], networks text[], key_id text,
    expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz
)
language sql stable security definer set search_path = public, pg_temp as $$
    select k.id, k.tenant_id, k.role,
           case when k.role is null then k.scopes
                else array(select jsonb_array_elements_text(r.spec -> 'scopes')) end,
           k.networks, k.key_id, k.expires_at, k.revoked_at, k.last_used_at
      from api_key k
      left join custom_role r on r.tenant_id = k.tenant_id and r.name = k.role
     where k.hash = p_hash
$$;

create or replace function find_refresh_token(p_hash bytea) returns setof refresh_token
language sql stable security definer set search_path = public, pg_temp as $$
    select * from refresh_token where hash = p_hash
$$;

-- What processes of the previous release know: a user belongs to one tenant, and a session lasts for as
-- long as its refresh tokens do.
create or replace function find_user(p_email text) returns setof app_user
language sql stable security definer set search_path = public, pg_temp as $$
    select p.id, p.email, m.role, coalesce(p.password_hash, ''), m.created_at, m.tenant_id
      from person p join membership m on m.person_id = p.id
     where p.email = p_email and m.suspended_at is null and not m.is_confined
     order by m.created_at, m.tenant_id limit 1
$$;

create or replace function find_session(p_tenant uuid, p_user uuid, p_session uuid) returns text
language sql stable security definer set search_path = public, pg_temp as $$
    select m.role from membership m
     where m.tenant_id = p_tenant and m.person_id = p_user and m.suspended_at is null
       and (p_session is null or exists (
            select from refresh_token r where r.family = p_session and r.user_id = p_user))
$$;

-- Whether the person signed in from one of the networks since then.
create or replace function knows_address(p_email text, p_networks bytea[], p_since timestamptz)
returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (
        select from known_address k join person p on p.id = k.user_id
         where p.email = p_email and k.network = any(p_networks) and k.seen_at > p_since)
$$;

-- The tenants of a person who signs in are not known yet. Only here does the API read the hash of a
-- password.
create or replace function find_person(p_email text)
returns table (
    id uuid, email text, name text, password_hash text, password_set_at timestamptz
)
language sql stable security definer set search_path = public, pg_temp as $$
    select p.id, p.email, p.name, p.password_hash, p.password_set_at
      from person p where p.email = p_email
$$;

-- The role of a person whose session has not ended, and its scopes if it is one of the tenant's own.
create or replace function find_member(p_tenant uuid, p_person uuid, p_session uuid)
returns table (role text, scopes text[], ends_at timestamptz, is_confined boolean)
language sql stable security definer set search_path = public, pg_temp as $$
    select m.role, array(select jsonb_array_elements_text(r.spec -> 'scopes')),
           s.ends_at, s.is_confined
      from session s
      join membership m on m.tenant_id = s.tenant_id and m.person_id = s.person_id
      left join custom_role r on r.tenant_id = m.tenant_id and r.name = m.role
     where s.id = p_session and s.tenant_id = p_tenant and s.person_id = p_person
       and m.suspended_at is null
$$;

-- The holder of an invitation, or of a link to set a new password, has no credential yet.
create or replace function find_invitation(p_hash bytea) returns table (
    id uuid, tenant_id uuid, tenant_slug text, tenant_name text, email text, role text,
    invited_by text, created_at timestamptz, expires_at timestamptz, person_id uuid
)
language sql stable security definer set search_path = public, pg_temp as $$
    select i.id, i.tenant_id, t.slug, t.name, i.email, i.role, i.invited_by, i.created_at,
           i.expires_at, p.id
      from invitation i
      join tenant t on t.id = i.tenant_id
      left join person p on p.email = i.email
     where i.hash = p_hash and i.used_at is null and i.expires_at > now()
$$;

create or replace function find_password_reset(p_hash bytea)
returns table (id uuid, email text, name text)
language sql stable security definer set search_path = public, pg_temp as $$
    select p.id, p.email, p.name from password_reset r join person p on p.id = r.person_id
     where r.hash = p_hash and r.expires_at > now()
$$;

-- Which credentials to look up again since a transaction, and the transaction to ask for next time: the
-- oldest one that is still running. Times would miss what a long transaction commits late. There is
-- always one row. Rows of an hour ago were read by all processes, or are from a restored dump.
create or replace function access_changes(p_since text) returns table (
    next text, id bigint, tenant_id uuid, person_id uuid, session_id uuid, key_id uuid
)
language sql stable security definer set search_path = public, pg_temp as $$
    select pg_snapshot_xmin(pg_current_snapshot())::text,
           c.id, c.tenant_id, c.person_id, c.session_id, c.key_id
      from (select) as one
      left join lateral (
           select * from access_change a
            where a.xid >= p_since::bigint and a.at > now() - interval '1 hour'
            order by a.id desc limit 10001) c on true
$$;

-- A process of the previous release creates only tokens.
create or replace function keep_session_of_token() returns trigger
language plpgsql as $$
begin
    insert into session as s (id, tenant_id, person_id)
    values (new.family, new.tenant_id, new.user_id)
    on conflict (id) do update set last_used_at = now();
    return new;
end $$;

create or replace trigger keep_session before insert on refresh_token
for each row execute function keep_session_of_token();

-- A session without tokens is over: they were deleted by a process of the previous release, or they
-- have expired.
create or replace function end_session_without_tokens() returns trigger
language plpgsql as $$
begin
    delete from session s where s.id = old.family
       and not exists (select from refresh_token r where r.family = old.family);
    return null;
end $$;

create or replace trigger end_session after delete on refresh_token
for each row execute function end_session_without_tokens();

-- A person who no longer belongs to any tenant is deleted. Because of the lock, tenants that remove the
-- same person at once wait for each other. It is taken before the sessions are deleted, in the order of
-- all that end sessions.
create or replace function lock_person_of_membership() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform from person p where p.id = old.person_id for update;
    return old;
end $$;

create or replace trigger lock_person before delete on membership
for each row execute function lock_person_of_membership();

create or replace function delete_person_without_membership() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    delete from person p where p.id = old.person_id
       and not exists (select from membership m where m.person_id = old.person_id);
    return null;
end $$;

create or replace trigger delete_person after delete on membership
for each row execute function delete_person_without_membership();

-- A tenant always has an owner. Because of the lock, two owners who remove each other at once wait for
-- each other. A tenant that is being deleted is gone already when its memberships are.
create or replace function keep_an_owner() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('owners ' || old.tenant_id, 0));
    if exists (select from tenant t where t.id = old.tenant_id)
       and not exists (select from membership m where m.tenant_id = old.tenant_id
                          and m.role = 'OWNER' and m.suspended_at is null) then
        raise exception 'the tenant would have no owner' using errcode = 'AS001';
    end if;
    return null;
end $$;

create or replace trigger keep_an_owner_updated after update on membership
for each row when (old.role = 'OWNER' and old.suspended_at is null
                   and (new.role <> 'OWNER' or new.suspended_at is not null))
execute function keep_an_owner();

create or replace trigger keep_an_owner_deleted after delete on membership
for each row when (old.role = 'OWNER' and old.suspended_at is null)
execute function keep_an_owner();

-- Makes all processes look up the credentials again that a change concerns: those of the tenant, or
-- only those of its person, its session or its key. A trigger cannot be forgotten.
create or replace function note_access_change() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    unrelated constant text[] := '{name,last_used_at,hash,address,user_agent}';
    before jsonb := to_jsonb(old) - unrelated;
begin
    if tg_op = 'UPDATE' and before - 'key_id' = to_jsonb(new) - unrelated - 'key_id' then
        return null;
    end if;
    insert into access_change (tenant_id, person_id, session_id, key_id)
    values ((before ->> case tg_table_name when 'tenant' then 'id' else 'tenant_id' end)::uuid,
            (before ->> 'person_id')::uuid,
            case tg_table_name when 'session' then (before ->> 'id')::uuid end,
            case tg_table_name when 'api_key' then (before ->> 'id')::uuid end);
    return null;
end $$;

create or replace trigger note_access_change after update or delete on tenant
for each row execute function note_access_change();
create or replace trigger note_access_change after update or delete on membership
for each row execute function note_access_change();
create or replace trigger note_access_change after update or delete on session
for each row execute function note_access_change();
create or replace trigger note_access_change after update or delete on api_key
for each row execute function note_access_change();
create or replace trigger note_access_change after update or delete on custom_role
for each row execute function note_access_change();

-- A text that changes when a list of the tenant's calls does. What a list shows of a call changes
-- only until the call ends, so the live calls and the newest call are enough.
create or replace function call_list_versions(p_tenants uuid[])
returns table (tenant_id uuid, version text)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.id,
           concat_ws(' ',
               (select max(c.created_at) from call c where c.tenant_id = t.id),
               (select sum(hashtextextended(
                           concat_ws(' ', l.call_id, l.state, l.answered_at, l.active_node), 0))
                  from call_log l where l.tenant_id = t.id and l.ended_at is null))
      from unnest(p_tenants) t(id)
$$;

-- A text that changes when the drafts of the tenant do. A change whose transaction began before that of
-- the newest one may not show, so it only supplements the notifications.
create or replace function draft_list_versions(p_tenants uuid[])
returns table (tenant_id uuid, version text)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.id,
           concat_ws(' ',
               (select concat(count(*), '/', max(d.updated_at)) from agent d
                 where d.tenant_id = t.id),
               (select concat(count(*), '/', max(d.updated_at)) from tool d
                 where d.tenant_id = t.id),
               (select concat(count(*), '/', max(d.updated_at)) from workflow d
                 where d.tenant_id = t.id))
      from unnest(p_tenants) t(id)
$$;

-- The worker processes, with the number of calls that each holds: all of them, its voice calls, and those
-- of the tenant.
create or replace function worker_load(p_tenant uuid)
returns table (
    id uuid, host text, capacity int, voice_capacity int, started_at timestamptz,
    heartbeat_at timestamptz, calls bigint, voice_calls bigint, own_calls bigint)
language sql stable security definer set search_path = public, pg_temp as $$
    select p.id, p.host, p.capacity, p.voice_capacity, p.started_at, p.heartbeat_at,
           held.calls, held.voice_calls, held.own_calls
      from worker_process p
     cross join lateral (
           select count(*) as calls, count(*) filter (where l.kind <> 'TEXT') as voice_calls,
                  count(*) filter (where l.tenant_id = p_tenant) as own_calls
             from call_log l where l.worker_id = p.id and l.ended_at is null) held
     order by p.started_at, p.id limit 1000
$$;

-- How many calls of the tenant wait for a worker, counted to 1,001, and since when the first one does.
create or replace function waiting_calls(p_tenant uuid)
returns table (calls bigint, oldest_at timestamptz)
language sql stable security definer set search_path = public, pg_temp as $$
    select count(*), min(waiting.due_at)
      from (select coalesce(l.due_at, l.created_at) as due_at from call_log l
             where l.tenant_id = p_tenant and l.ended_at is null and l.worker_id is null
               and coalesce(l.due_at, l.created_at) <= now()
             order by l.created_at limit 1001) waiting
$$;

-- Whether the audit log leaves out the values of a column, wherever it is.
create or replace function is_secret_column(p_name text) returns boolean
language sql immutable as $$
    select p_name ~ '(password|hash|digest|secret|sealed|wrapped|token|verifier|recovery)'
$$;

-- The fields of p_new that p_old has not, or with another value. Of an object that both have, only the
-- fields that differ, so that an entry about one setting does not repeat a whole document.
create or replace function changed_fields(p_old jsonb, p_new jsonb) returns jsonb
language sql immutable as $$
    select coalesce(jsonb_object_agg(f.key,
               case when jsonb_typeof(f.value) = 'object' and jsonb_typeof(p_old -> f.key) = 'object'
               then (select coalesce(jsonb_object_agg(g.key, g.value), '{}')
                       from jsonb_each(f.value) g
                      where g.value is distinct from p_old -> f.key -> g.key)
               else f.value end), '{}')
      from jsonb_each(p_new) f
     where f.value is distinct from p_old -> f.key
$$;

-- A document without the values of its HTTP headers, which may be credentials. A value that refers to a
-- secret by its name shows nothing, and stays.
create or replace function without_header_values(p_document jsonb) returns jsonb
language plpgsql immutable as $$
begin
    if p_document is null or p_document::text not like '%"headers"%' then
        return p_document;
    elsif jsonb_typeof(p_document) = 'array' then
        return (select jsonb_agg(without_header_values(value) order by place)
                  from jsonb_array_elements(p_document) with ordinality as item (value, place));
    elsif jsonb_typeof(p_document) = 'object' then
        return (select jsonb_object_agg(f.key,
                    case when f.key <> 'headers' or jsonb_typeof(f.value) <> 'object'
                    then without_header_values(f.value)
                    else (select coalesce(jsonb_object_agg(h.key,
                              case when regexp_replace(h.value #>> '{}', '\{\{[^}]*\}\}', '', 'g')
                                        ~* '^\s*(basic|bearer|digest|token)?\s*$' then h.value
                                   else '"[redacted]"'::jsonb end), '{}')
                            from jsonb_each(f.value) h) end)
                  from jsonb_each(p_document) f);
    end if;
    return p_document;
end $$;

create or replace function without_secrets(p_fields jsonb) returns jsonb
language sql immutable as $$
    select jsonb_object_agg(key,
               case when is_secret_column(key) and value <> 'null' then '"[redacted]"'::jsonb
                    else without_header_values(value) end)
      from jsonb_each(p_fields)
$$;

-- The fields, of which those that are long are replaced by their SHA-256 and their size.
create or replace function with_digests(p_fields jsonb) returns jsonb
language sql immutable as $$
    select jsonb_object_agg(key,
               case when octet_length(value::text) <= 512 then value
               else jsonb_build_object(
                   'sha256', encode(sha256(convert_to(value::text, 'UTF8')), 'hex'),
                   'bytes', octet_length(value::text)) end)
      from jsonb_each(p_fields)
$$;

-- Adds an entry to the audit log. `body` is the text that is hashed; the columns repeat what it says, for
-- filters, and are compared with it when the log is verified. Without p_actor, the actor is the one that
-- the process has named in `app.origin`; without either, it is the role of the database connection.
create or replace function add_audit_entry(
    p_tenant uuid, p_kind text, p_actor text, p_target_kind text, p_target text, p_target_name text,
    p_facts jsonb
) returns void
language plpgsql as $$
declare
    origin jsonb := coalesce(nullif(current_setting('app.origin', true), ''), '{}')::jsonb;
    entry audit_entry%rowtype;
begin
    entry.id := gen_random_uuid();
    entry.at := clock_timestamp();
    entry.actor := coalesce(p_actor, origin ->> 'actor', 'database:'
        || coalesce(nullif(current_setting('role'), 'none'), session_user));
    entry.body := jsonb_strip_nulls(jsonb_build_object(
        'format', 1, 'id', entry.id, 'tenant_id', p_tenant, 'kind', p_kind, 'actor', entry.actor,
        'at', to_char(entry.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'action', origin ->> 'action', 'session', origin ->> 'session',
        'address', origin ->> 'address', 'request', origin ->> 'request',
        'target_kind', p_target_kind, 'target', p_target, 'target_name', p_target_name))
        || coalesce(p_facts, '{}');
    with added as (
        insert into audit_entry (id, tenant_id, at, actor, session, address, request, action, kind,
                                 target_kind, target, target_name, body)
        values (entry.id, p_tenant, entry.at, entry.actor, origin ->> 'session',
                origin ->> 'address', origin ->> 'request', origin ->> 'action', p_kind,
                p_target_kind, p_target, p_target_name, entry.body)
        returning id, tenant_id, at
    )
    insert into audit_pending (entry_id, tenant_id, at) select id, tenant_id, at from added;
end $$;

-- What an entry says about the change of a row: the columns before and after, without those that are left
-- out and without secrets. Null if nothing else has changed. If it is longer than 16 KB, it has digests
-- instead of long values.
create or replace function audit_facts(p_old jsonb, p_new jsonb, p_left_out text[]) returns jsonb
language plpgsql immutable as $$
declare
    left_out constant text[] :=
        array['tenant_id', 'created_at', 'updated_at', 'last_used_at'] || p_left_out;
    before jsonb := p_old - left_out;
    after jsonb := p_new - left_out;
begin
    if p_old is not null and p_new is not null then
        before := changed_fields(p_new - left_out, p_old - left_out);
        after := changed_fields(p_old - left_out, p_new - left_out);
        if before = '{}' and after = '{}' then
            return null;
        end if;
    else
        before := jsonb_strip_nulls(before);
        after := jsonb_strip_nulls(after);
    end if;
    before := without_secrets(before);
    after := without_secrets(after);
    if octet_length(concat(before, after)) > 16384 then
        before := with_digests(before);
        after := with_digests(after);
    end if;
    return case when before is null then '{}' else jsonb_build_object('before', before) end
        || case when after is null then '{}' else jsonb_build_object('after', after) end;
end $$;

-- Adds an entry about a changed row. The first argument of the trigger, if any, is the column that
-- identifies the row; the others are columns that the entry leaves out.
create or replace function audit_change() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    old_row constant jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    new_row constant jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    current_row constant jsonb := coalesce(new_row, old_row);
    log_of constant uuid := coalesce(current_row ->> 'tenant_id', current_row ->> 'id');
    acting_tenant constant uuid :=
        nullif(current_setting('app.origin', true), '')::jsonb ->> 'tenant';
    kind constant text :=
        case tg_op when 'INSERT' then 'CREATED' when 'UPDATE' then 'UPDATED' else 'DELETED' end;
    facts constant jsonb := audit_facts(old_row, new_row, tg_argv[1:]);
begin
    if facts is null then
        return null;
    elsif tg_op = 'DELETE' and not exists (select from tenant t where t.id = log_of) then
        -- The row is deleted with its tenant, and so is the log.
        return null;
    end if;
    perform add_audit_entry(
        log_of, kind, null, tg_table_name::text,
        coalesce(current_row ->> tg_argv[0], current_row ->> 'id', log_of::text),
        coalesce(current_row ->> 'name', current_row ->> 'slug', current_row ->> 'email',
                 current_row ->> 'number'),
        facts);
    if tg_table_name = 'tenant' and acting_tenant <> log_of then
        -- An operator of the installation. Their own tenant need not know more of the other one.
        perform add_audit_entry(acting_tenant, kind, null, 'tenant', log_of::text, null, null);
    end if;
    return null;
end $$;

-- Adds an entry about what changes no row, such as a sign-in, to the log of the current tenant.
create or replace function add_audit_note(
    p_kind text, p_actor text, p_target_kind text, p_target text, p_target_name text, p_details jsonb
) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    tenant constant uuid := nullif(current_setting('app.tenant', true), '');
begin
    if p_kind in ('CREATED', 'UPDATED', 'DELETED', 'SHORTENED', 'ERASED') then
        raise 'entries of the kind % are not notes', p_kind;
    elsif octet_length(p_details::text) > 16384 then
        p_details := with_digests(p_details);
    end if;
    perform add_audit_entry(
        tenant, p_kind, p_actor, p_target_kind, p_target, p_target_name,
        jsonb_build_object('details', p_details));
end $$;

-- The end of the chain of a tenant: the number and the hash of its last link, or those with which a
-- shortened chain begins.
create or replace function audit_head_of(p_tenant uuid) returns table (seq bigint, hash bytea)
language sql stable as $$
    select * from (
        (select l.seq, l.hash from audit_link l where l.tenant_id = p_tenant
          order by l.seq desc limit 1)
        union all
        select c.seq, c.hash from audit_cut c where c.tenant_id = p_tenant
        union all
        select 0, decode(repeat('00', 32), 'hex')) as ends (seq, hash)
     order by ends.seq desc limit 1
$$;

-- Chains the oldest entries of a tenant that are in no chain yet, and returns how many. Only one
-- transaction at a time does that for a tenant; others return 0.
create or replace function link_audit_entries(p_tenant uuid, p_limit int) returns int
language plpgsql as $$
declare
    head record;
    waiting record;
    done int := 0;
begin
    if not pg_try_advisory_xact_lock(hashtextextended('audit ' || p_tenant, 0)) then
        return 0;
    end if;
    select h.seq, h.hash into head from audit_head_of(p_tenant) h;
    for waiting in
        select p.entry_id, sha256(convert_to(e.body, 'UTF8')) as leaf
          from audit_pending p join audit_entry e on e.id = p.entry_id
         where p.tenant_id = p_tenant order by p.at, p.entry_id limit p_limit
    loop
        head.seq := head.seq + 1;
        head.hash := sha256(head.hash || waiting.leaf);
        insert into audit_link (tenant_id, seq, entry_id, leaf, hash)
        values (p_tenant, head.seq, waiting.entry_id, waiting.leaf, head.hash);
        delete from audit_pending where entry_id = waiting.entry_id;
        done := done + 1;
    end loop;
    return done;
end $$;

-- How many days the entries of a tenant are kept; 0 is forever. No setting is below 30 days, so that
-- what happened cannot be hidden at once.
create or replace function audit_days_of(p_tenant uuid, p_default_days int) returns int
language sql stable as $$
    select case when days <= 0 then 0 else greatest(days, 30) end
      from (select coalesce((select r.days from audit_retention r where r.tenant_id = p_tenant),
                            p_default_days) as days) wanted
$$;

-- The last link of a tenant before which, at most p_limit at once, all entries are past their retention.
-- No row if there is none.
create or replace function expired_audit_link(p_tenant uuid, p_default_days int, p_limit int)
returns table (seq bigint, hash bytea)
language sql stable as $$
    with oldest as (
        select l.seq, l.hash, e.at,
               bool_and(coalesce(e.at < now() - make_interval(days => d.days), true))
                   over (order by l.seq) as is_expired
          from (select audit_days_of(p_tenant, p_default_days) as days) d
         cross join lateral (
               select * from audit_link where tenant_id = p_tenant order by seq limit p_limit) l
          left join audit_entry e on e.id = l.entry_id
         where d.days > 0
    )
    select o.seq, o.hash from oldest o
     where o.is_expired and o.at is not null order by o.seq desc limit 1
$$;

-- Deletes the entries of a tenant up to a link, all of which must be past their retention. What is left
-- of them is the hash from which the chain continues, with a signature. Returns how many entries it has
-- deleted; 0 if one of them is not past its retention, or if they were deleted already.
create or replace function shorten_audit_log(
    p_tenant uuid, p_default_days int, p_limit int, p_seq bigint, p_hash bytea,
    p_cut_at timestamptz, p_key_id text, p_signature bytea
) returns int
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    first_entry_at timestamptz;
    last_entry_at timestamptz;
    deleted int;
begin
    perform set_config('app.tenant', p_tenant::text, true);
    perform pg_advisory_xact_lock(hashtextextended('audit ' || p_tenant, 0));
    if not exists (select from audit_link l where l.tenant_id = p_tenant and l.seq = p_seq
                                              and l.hash = p_hash)
       or coalesce((select x.seq from expired_audit_link(p_tenant, p_default_days, p_limit) x), 0)
          < p_seq then
        return 0;
    end if;
    select min(e.at), max(e.at) into first_entry_at, last_entry_at
      from audit_link l join audit_entry e on e.id = l.entry_id
     where l.tenant_id = p_tenant and l.seq <= p_seq;
    insert into audit_cut (tenant_id, seq, hash, first_at, last_at, cut_at, key_id, signature)
    values (p_tenant, p_seq, p_hash, first_entry_at, last_entry_at, p_cut_at, p_key_id, p_signature)
    on conflict on constraint pk_audit_cut do update
       set seq = excluded.seq, hash = excluded.hash, last_at = excluded.last_at,
           cut_at = excluded.cut_at, key_id = excluded.key_id, signature = excluded.signature;
    delete from audit_entry e using audit_link l
     where l.tenant_id = p_tenant and l.seq <= p_seq and e.id = l.entry_id;
    delete from audit_link where tenant_id = p_tenant and seq <= p_seq;
    get diagnostics deleted = row_count;
    delete from audit_head where tenant_id = p_tenant and seq < p_seq;
    perform add_audit_entry(p_tenant, 'SHORTENED', 'system:retention', 'audit_cut', p_seq::text, null,
        jsonb_build_object('details', jsonb_build_object(
            'seq', p_seq, 'hash', encode(p_hash, 'hex'),
            'first_at', first_entry_at, 'last_at', last_entry_at)));
    return deleted;
end $$;

-- Erases the content of entries that contain a text, such as the e-mail address of a person who asks for
-- it. Their hashes stay, so that the chain does; an entry says which ones were erased. Returns how many
-- entries it has erased, at most p_limit.
create or replace function erase_audit_entries(p_tenant uuid, p_text text, p_limit int) returns int
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    seqs bigint[];
begin
    perform set_config('app.tenant', p_tenant::text, true);
    with found as (
        select e.id, l.seq from audit_entry e join audit_link l on l.entry_id = e.id
         where e.tenant_id = p_tenant and position(p_text in e.body) > 0
         order by l.seq limit p_limit
    ), erased as (
        update audit_entry e
           set actor = 'erased', session = null, address = null, request = null,
               target = null, target_name = null, body = '', erased_at = now()
          from found f where e.id = f.id
        returning f.seq
    )
    select array_agg(seq order by seq) into seqs from erased;
    if seqs is null then
        return 0;
    end if;
    perform add_audit_entry(p_tenant, 'ERASED', 'system:administration', 'audit_entry', null, null,
        jsonb_build_object('details', jsonb_build_object('seqs', to_jsonb(seqs))));
    return cardinality(seqs);
end $$;

-- The tenants of the person with an e-mail address, to whose logs a failed sign-in belongs. What people do
-- with their passwords does not concern tenants for which only an identity provider vouches for them.
-- With p_since, none if the person has signed in from the address since then.
create or replace function find_members(p_email text, p_since timestamptz, p_address text)
returns table (tenant_id uuid, user_id uuid)
language sql stable security definer set search_path = public, pg_temp as $$
    select m.tenant_id, m.person_id from person p join membership m on m.person_id = p.id
     where p.email = p_email and not m.is_confined
       and (p_since is null or not exists (
            select from session s where s.person_id = p.id and s.created_at >= p_since
               and s.address is not distinct from p_address))
$$;

-- Adds an entry about a person to the log of each tenant that they belong to.
create or replace function add_entries_about_person(
    p_person uuid, p_kind text, p_target_kind text, p_facts jsonb
) returns void
language sql as $$
    select add_audit_entry(
               m.tenant_id, p_kind, null, p_target_kind, p_person::text, null, p_facts)
      from membership m where m.person_id = p_person and not m.is_confined
$$;

-- The first argument of the trigger is the column that has the id of the person; the others are columns that the
-- entries leave out.
create or replace function audit_person() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    old_row constant jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    new_row constant jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    facts constant jsonb := audit_facts(old_row, new_row, tg_argv[1:]);
    person constant uuid := coalesce(new_row, old_row) ->> tg_argv[0];
begin
    if facts is not null then
        perform add_entries_about_person(
            person,
            case tg_op when 'INSERT' then 'CREATED' when 'UPDATE' then 'UPDATED' else 'DELETED' end,
            tg_table_name::text, facts);
    end if;
    return null;
end $$;

-- Adds an entry when a session begins or ends. A refresh token is enough to end its session, so a
-- sign-out is attributed to its user. A session that just expires is no entry.
create or replace function audit_session() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    action constant text := nullif(current_setting('app.origin', true), '')::jsonb ->> 'action';
    current_row constant jsonb := case tg_op when 'INSERT' then to_jsonb(new) else to_jsonb(old) end;
    log_of constant uuid := current_row ->> 'tenant_id';
    kind constant text := case when tg_op = 'INSERT' then 'SIGNED_IN'
                               when action = 'logout' then 'SIGNED_OUT' else 'SESSION_ENDED' end;
begin
    if tg_op = 'DELETE' and not exists (select from tenant t where t.id = log_of) then
        return null;
    end if;
    perform add_audit_entry(
        log_of, kind,
        case when kind <> 'SESSION_ENDED' then 'user:' || (current_row ->> 'person_id') end,
        'person', current_row ->> 'person_id', null,
        jsonb_build_object('details', jsonb_strip_nulls(jsonb_build_object(
            'session', current_row ->> 'id', 'user_agent', current_row ->> 'user_agent'))));
    return null;
end $$;

-- What people configure is audited whatever changes it.
create or replace trigger audit_change after insert or update or delete on agent
for each row execute function audit_change();

create or replace trigger audit_change after insert or update or delete on api_key
for each row execute function audit_change();

create or replace trigger audit_change after insert or update or delete on audit_retention
for each row execute function audit_change('tenant_id');

create or replace trigger audit_change after insert or update or delete on credential
for each row execute function audit_change();

create or replace trigger audit_change after insert or update or delete on custom_role
for each row execute function audit_change();

create or replace trigger audit_change after insert or update or delete on data_key
for each row execute function audit_change('tenant_id');

create or replace trigger audit_change after insert or update or delete on inbound_trunk
for each row execute function audit_change();

create or replace trigger audit_change after insert or update or delete on invitation
for each row execute function audit_change();

create or replace trigger audit_change after insert or update or delete on membership
for each row execute function audit_change('person_id');

create or replace trigger audit_change after insert or update or delete on outbound_trunk
for each row execute function audit_change();

create or replace trigger audit_change after insert or update or delete on phone_number
for each row execute function audit_change();

-- Why a tenant is suspended is for other operators.
create or replace trigger audit_change after insert or update on tenant
for each row execute function audit_change('id', 'suspension_reason');

create or replace trigger audit_change after insert or update or delete on tenant_settings
for each row execute function audit_change('tenant_id');

create or replace trigger audit_change after insert or update or delete on tool
for each row execute function audit_change();

create or replace trigger audit_change after insert or update or delete on workflow
for each row execute function audit_change();

create or replace trigger audit_change after insert or update or delete on workflow_version
for each row execute function audit_change('id', 'snapshot');

create or replace trigger audit_person after update of email, name, password_hash on person
for each row execute function audit_person('id');

create or replace trigger audit_person after insert or update on password_reset
for each row execute function audit_person('person_id');

create or replace trigger audit_session after insert on session
for each row execute function audit_session();

create or replace trigger audit_session_ended after delete on session
for each row when (nullif(current_setting('app.origin', true), '') is not null)
execute function audit_session();

-- What also happens by itself is audited only if a user or a key did it. The log of a call has its own account of
-- the rest. Who is called, and what is said to them, is personal and not repeated here.
create or replace trigger audit_change after insert on call
for each row when (nullif(current_setting('app.origin', true), '') is not null)
execute function audit_change('id', 'user_id', 'phone_number', 'from_number', 'to_number',
    'caller_identity', 'user_context', 'metadata');

create or replace trigger audit_change after insert on call_command
for each row when (new.kind not in ('SEND_TEXT', 'END')
                   and nullif(current_setting('app.origin', true), '') is not null)
execute function audit_change('call_id', 'body', 'place');

create or replace trigger audit_change after update or delete on recording
for each row when (nullif(current_setting('app.origin', true), '') is not null)
execute function audit_change('call_id', 'due_at', 'tries', 'cleared');

create or replace trigger audit_change after update of paused_until on trunk_usage
for each row when (old.paused_until is distinct from new.paused_until
                   and nullif(current_setting('app.origin', true), '') is not null)
execute function audit_change('trunk_id', 'day', 'calls', 'next_dial_at', 'talk_ms', 'refusals',
    'refused_since', 'is_pause_logged', 'near_limit_on');
-- What signing in needs to know before the tenant or the user is known, and nothing more.
create or replace function find_identity_provider(p_id uuid)
returns table (id uuid, tenant_id uuid, spec text, sealed bytea, key_id text, wrapped bytea)
language sql stable security definer set search_path = public, pg_temp as $$
    select p.id, p.tenant_id, p.spec::text, p.sealed, k.key_id, k.wrapped
      from identity_provider p left join data_key k on k.tenant_id = p.tenant_id
     where p.id = p_id
$$;

create or replace function sign_in_options(p_slug text) returns table (id uuid, label text)
language sql stable security definer set search_path = public, pg_temp as $$
    select p.id, p.spec ->> 'label'
      from identity_provider p join tenant t on t.id = p.tenant_id
     where t.slug = p_slug and (p.spec ->> 'is_enabled')::boolean
     order by p.spec ->> 'label', p.id
$$;

-- Deletes the handoff, so that of concurrent calls only one gets it.
create or replace function take_handoff(p_hash bytea)
returns table (sealed bytea, created_at timestamptz)
language sql security definer set search_path = public, pg_temp as $$
    with taken as (delete from sign_in_handoff h where h.hash = p_hash returning h.*)
    select t.sealed, t.created_at from taken t where t.expires_at > now()
$$;

-- Second factors. The API has no rights on these tables: it cannot list secrets, and it cannot compare a
-- code without counting the attempt.
create or replace function find_totp(p_person uuid)
returns table (is_active boolean, sealed bytea, key_id text, created_at timestamptz, codes bigint)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.confirmed_at is not null,
           case when t.confirmed_at is null then t.sealed end, t.key_id, t.created_at,
           (select count(*) from recovery_code c where c.person_id = t.person_id)
      from totp t where t.person_id = p_person
$$;

create or replace function enrol_totp(p_person uuid, p_sealed bytea, p_key_id text)
returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into totp as t (person_id, sealed, key_id) values (p_person, p_sealed, p_key_id)
    on conflict (person_id) do update
       set sealed = excluded.sealed, key_id = excluded.key_id, created_at = now()
     where t.confirmed_at is null;
    return found;
end $$;

-- p_created_at: the moment of the enrolment whose code was compared; another one may have replaced it.
create or replace function confirm_totp(
    p_person uuid, p_created_at timestamptz, p_step bigint, p_codes bytea[]
) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update totp t
       set confirmed_at = now(), last_step = p_step, failed_attempts = 0, attempted_at = null
     where t.person_id = p_person and t.created_at = p_created_at and t.confirmed_at is null;
    if not found then
        return false;
    end if;
    perform replace_recovery_codes(p_person, p_codes);
    return true;
end $$;

-- Counts the attempt first, so that concurrent guesses cannot pass together. After five failures the next
-- attempt has to wait, for twice as long each time and at most a quarter of an hour. `wait` is null for
-- an attempt that may be made.
create or replace function begin_totp_attempt(p_person uuid)
returns table (sealed bytea, key_id text, wait double precision)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    t totp%rowtype;
    ready_at timestamptz;
begin
    select * into t from totp where person_id = p_person and confirmed_at is not null for update;
    if not found then
        return;
    end if;
    ready_at := case when t.failed_attempts < 5 then '-infinity' else t.attempted_at
        + make_interval(secs => least(900, power(2, least(t.failed_attempts - 5, 20)))) end;
    if ready_at > clock_timestamp() then
        wait := extract(epoch from ready_at - clock_timestamp());
    else
        update totp set failed_attempts = t.failed_attempts + 1, attempted_at = clock_timestamp()
         where person_id = p_person;
        sealed := t.sealed;
        key_id := t.key_id;
    end if;
    return next;
end $$;

-- A code works once, and after it no earlier one. The secret is given again, as it may have been encrypted
-- with another entry of SECRET_KEY before.
create or replace function accept_totp_step(
    p_person uuid, p_step bigint, p_sealed bytea, p_key_id text
) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update totp
       set last_step = p_step, failed_attempts = 0, attempted_at = null, sealed = p_sealed,
           key_id = p_key_id
     where person_id = p_person and confirmed_at is not null
       and coalesce(last_step < p_step, true);
    return found;
end $$;

create or replace function use_recovery_code(p_person uuid, p_digest bytea) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    delete from recovery_code where person_id = p_person and digest = p_digest;
    if not found then
        return false;
    end if;
    perform add_entries_about_person(p_person, 'DELETED', 'recovery_code', jsonb_build_object(
        'details', jsonb_build_object(
            'left', (select count(*) from recovery_code c where c.person_id = p_person))));
    return true;
end $$;

create or replace function replace_recovery_codes(p_person uuid, p_codes bytea[]) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform from totp where person_id = p_person for update;
    delete from recovery_code where person_id = p_person;
    insert into recovery_code (person_id, digest) select p_person, unnest(p_codes);
    perform add_entries_about_person(p_person, 'CREATED', 'recovery_code', jsonb_build_object(
        'details', jsonb_build_object('left', cardinality(p_codes))));
end $$;

create or replace function remove_totp(p_person uuid) returns void
language sql security definer set search_path = public, pg_temp as $$
    delete from totp where person_id = p_person
$$;

create or replace trigger audit_change after insert or update or delete on identity_provider
for each row execute function audit_change();

create or replace trigger audit_change after insert or update or delete on federated_identity
for each row execute function audit_change('person_id');

-- The attempts to enter a code are no entries; the sign-in that follows is one, or its failure.
create or replace trigger audit_person
after insert or delete or update of created_at, confirmed_at on totp
for each row execute function audit_person(
    'person_id', 'key_id', 'last_step', 'failed_attempts', 'attempted_at');

-- Tenants are managed by operators of the installation, who see no data of a tenant. These functions
-- bypass row-level security, so each of them first checks who asks. p_operator null stands for a
-- process with the rights of studio_service, such as the command line of the installation.
create or replace function require_operator(p_operator text) returns void
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    if p_operator is null then
        if pg_has_role(session_user, 'studio_service', 'member') then
            return;
        end if;
    elsif exists (select from installation_operator o where o.subject = p_operator) then
        return;
    end if;
    raise insufficient_privilege using message = 'not an operator of the installation';
end $$;

-- Whether a tenant may use the installation, with its own quotas, and whether the subject is an
-- operator. No row: the tenant does not exist.
create or replace function access_of_subject(p_tenant uuid, p_subject text)
returns table (is_suspended boolean, is_deleting boolean, is_operator boolean, quotas text)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.suspended_at is not null, t.delete_at is not null,
           exists (select from installation_operator o where o.subject = p_subject), t.quotas::text
      from tenant t where t.id = p_tenant
$$;

create or replace function list_tenants(
    p_operator text, p_id uuid, p_slug text, p_search text, p_state text
) returns setof tenant
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    perform require_operator(p_operator);
    return query
    select t.* from tenant t
     where (p_id is null or t.id = p_id) and (p_slug is null or t.slug = p_slug)
       and (p_search is null or strpos(t.slug, lower(p_search)) > 0
            or strpos(lower(t.name), lower(p_search)) > 0)
       and (p_state is null or p_state = case
               when t.delete_at is not null then 'DELETING'
               when t.suspended_at is not null then 'SUSPENDED' else 'ACTIVE' end);
end $$;

-- Returns no row if the slug is taken.
create or replace function create_tenant(
    p_operator text, p_id uuid, p_slug text, p_name text, p_quotas jsonb
) returns setof tenant
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform require_operator(p_operator);
    return query
    insert into tenant as t (id, slug, name, quotas) values (p_id, p_slug, p_name, p_quotas)
    on conflict (slug) do nothing returning t.*;
end $$;

-- Changes what is not null. A key of p_quotas with the value null removes that quota, so that the one
-- of the installation applies. Raises unique_violation if the slug is taken.
create or replace function update_tenant(
    p_operator text, p_id uuid, p_slug text, p_name text, p_quotas jsonb
) returns setof tenant
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform require_operator(p_operator);
    return query
    update tenant t
       set slug = coalesce(p_slug, t.slug), name = coalesce(p_name, t.name),
           quotas = jsonb_strip_nulls(t.quotas || coalesce(p_quotas, '{}'))
     where t.id = p_id returning t.*;
end $$;

-- p_reason null: the tenant may use the installation again.
create or replace function suspend_tenant(p_operator text, p_id uuid, p_reason text)
returns setof tenant
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform require_operator(p_operator);
    return query
    update tenant t
       set suspended_at = case when p_reason is not null then coalesce(t.suspended_at, now()) end,
           suspension_reason = p_reason
     where t.id = p_id returning t.*;
end $$;

-- p_days null: the tenant is kept, unless a keeper has begun to delete it. A second request does not
-- change the first one's date.
create or replace function delete_tenant(p_operator text, p_id uuid, p_days int, p_by text)
returns setof tenant
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform require_operator(p_operator);
    -- Keepers lock the row as well when they begin, so the next statement sees whether one has.
    perform from tenant t where t.id = p_id for update;
    return query
    update tenant t
       set delete_at = case when p_days is not null
                            then coalesce(t.delete_at, now() + make_interval(days => p_days)) end,
           delete_requested_at = case when p_days is not null
                                      then coalesce(t.delete_requested_at, now()) end,
           delete_requested_by = case when p_days is not null
                                      then coalesce(t.delete_requested_by, p_by) end
     where t.id = p_id
       and (p_days is not null or not exists (select from deleted_tenant d where d.id = t.id))
    returning t.*;
end $$;

create or replace function list_deleted_tenants(p_operator text) returns setof deleted_tenant
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    perform require_operator(p_operator);
    return query
    select d.* from deleted_tenant d where d.deleted_at is not null;
end $$;

-- Deletes entries of the audit log of a tenant whose deletion has begun, and what chains them. Returns how
-- many rows it has deleted, at most p_limit of each table.
create or replace function delete_audit_log(p_tenant uuid, p_limit int) returns int
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    entries int;
    links int;
begin
    perform set_config('app.tenant', p_tenant::text, true);
    if not exists (select from tenant t join deleted_tenant d on d.id = t.id
                    where t.id = p_tenant and t.delete_at <= now() and d.deleted_at is null) then
        raise insufficient_privilege using message = 'the tenant is not being deleted';
    end if;
    delete from audit_entry where id = any(array(
        select e.id from audit_entry e where e.tenant_id = p_tenant order by e.at, e.id limit p_limit));
    get diagnostics entries = row_count;
    delete from audit_link where tenant_id = p_tenant and seq = any(array(
        select l.seq from audit_link l where l.tenant_id = p_tenant order by l.seq limit p_limit));
    get diagnostics links = row_count;
    return entries + links;
end $$;

-- Operators are added and removed on the command line. The logs of their tenants say so.
create or replace function audit_operator() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    subject constant text := case tg_op when 'INSERT' then new.subject else old.subject end;
    subject_id constant uuid := split_part(subject, ':', 2);
begin
    perform add_audit_entry(
        of_subject.tenant_id, case tg_op when 'INSERT' then 'CREATED' else 'DELETED' end,
        null, 'installation_operator', subject, null, null)
       from (select m.tenant_id from membership m
              where m.person_id = subject_id and subject like 'user:%'
             union all
             select k.tenant_id from api_key k
              where k.id = subject_id and subject like 'key:%') of_subject;
    return null;
end $$;

create or replace trigger audit_operator after insert or delete on installation_operator
for each row execute function audit_operator();

create or replace trigger note_access_change after insert or delete on installation_operator
for each row execute function note_access_change();
