-- The roles that processes work under, made before any revision speaks of them: a dump that was
-- restored on another server comes without them. Roles are shared by all databases of a server.
do $$
declare
    name text;
    may_take constant text :=
        case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end;
begin
    foreach name in array array['studio_api', 'studio_service', 'studio_backup'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I nologin', name);
        end if;
        -- A superuser may take any role, but need not stay one.
        if not pg_has_role(current_user, name, may_take)
           or (select rolsuper from pg_roles where rolname = current_user) then
            execute format('grant %I to current_user', name);
        end if;
        if not has_schema_privilege(name, 'public', 'usage') then
            execute format('grant usage on schema public to %I', name);
        end if;
    end loop;
end $$
