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
