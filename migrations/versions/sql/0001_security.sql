-- All databases of a server share its roles, so they may exist already.
do $$
declare
    name text;
begin
    perform pg_advisory_xact_lock(7305);
    foreach name in array array['studio_api', 'studio_service'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I nologin', name);
        end if;
        execute format('grant %I to current_user', name);
        execute format('grant usage on schema public to %I', name);
    end loop;
end $$;

grant create on schema public to studio_service;
grant select, insert, update, delete on all tables in schema public to studio_service;
grant select, insert, update, delete on all tables in schema public to studio_api;
revoke all on worker_process from studio_api;
revoke insert, update, delete on tenant from studio_api;
revoke update, delete on call, call_event, workflow_version from studio_api;

do $$
declare
    name text;
    owned constant text[] := array['app_user', 'api_key', 'refresh_token', 'agent', 'tool',
        'workflow', 'workflow_version', 'call', 'call_log', 'call_event', 'call_command',
        'idempotency'];
    mine constant text := '%I = nullif(current_setting(''app.tenant'', true), '''')::uuid';
begin
    foreach name in array owned || 'tenant'::text loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy tenant_only on %I to public using (' || mine || ') with check (' || mine || ')',
            name, case name when 'tenant' then 'id' else 'tenant_id' end,
            case name when 'tenant' then 'id' else 'tenant_id' end);
        execute format(
            'create policy service_all on %I to studio_service using (true) with check (true)', name);
    end loop;
end $$;

alter function log_heads(uuid[]) owner to studio_service;
alter function find_user(text) owner to studio_service;
alter function find_api_key(bytea) owner to studio_service;
alter function find_refresh_token(bytea) owner to studio_service;
revoke create on schema public from studio_service;
