-- The functions and triggers of the database as they are today, to read. Nothing runs this file:
-- revisions in versions/ make the changes, and a test compares their result with this file.
-- Owners and grants are in grants.sql.

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
           case when c.direction = 'OUTBOUND' then c.trunk_id end
      into new.kind, new.workflow_id, new.user_id, new.due_at, new.trunk_id
      from call c where c.id = new.call_id;
    return new;
end $$;

create or replace trigger copy_facts_of_call before insert on call_log
for each row execute function copy_facts_of_call();

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

create or replace function find_user(p_email text) returns setof app_user
language sql stable security definer set search_path = public, pg_temp as $$
    select * from app_user where email = p_email
$$;

create or replace function find_api_key(p_hash bytea) returns setof api_key
language sql stable security definer set search_path = public, pg_temp as $$
    select * from api_key where hash = p_hash
$$;

create or replace function find_refresh_token(p_hash bytea) returns setof refresh_token
language sql stable security definer set search_path = public, pg_temp as $$
    select * from refresh_token where hash = p_hash
$$;

-- The role of a user whose session has not ended; null if it has. p_session null: the user only has
-- to exist.
create or replace function find_session(p_tenant uuid, p_user uuid, p_session uuid) returns text
language sql stable security definer set search_path = public, pg_temp as $$
    select u.role from app_user u
     where u.id = p_user and u.tenant_id = p_tenant
       and (p_session is null or exists (
            select from refresh_token r where r.family = p_session and r.user_id = u.id))
$$;

-- Whether the user signed in from one of the networks since then.
create or replace function knows_address(p_email text, p_networks bytea[], p_since timestamptz)
returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (
        select from known_address k join app_user u on u.id = k.user_id
         where u.email = p_email and k.network = any(p_networks) and k.seen_at > p_since)
$$;

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
    p_operator text, p_id uuid, p_slug text, p_search text, p_state text,
    p_after_at timestamptz, p_after_id uuid, p_limit int
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
               when t.suspended_at is not null then 'SUSPENDED' else 'ACTIVE' end)
       and (p_after_at is null or (t.created_at, t.id) < (p_after_at, p_after_id))
     order by t.created_at desc, t.id desc limit p_limit;
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

create or replace function list_deleted_tenants(
    p_operator text, p_after_at timestamptz, p_after_id uuid, p_limit int
) returns setof deleted_tenant
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    perform require_operator(p_operator);
    return query
    select d.* from deleted_tenant d
     where d.deleted_at is not null
       and (p_after_at is null or (d.deleted_at, d.id) < (p_after_at, p_after_id))
     order by d.deleted_at desc, d.id desc limit p_limit;
end $$;
