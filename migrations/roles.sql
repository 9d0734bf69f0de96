-- The roles of the processes. They are created before any revision refers to them, because a dump
-- that was restored on another server lacks them. All databases of a server share its roles.
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
        -- A superuser may assume any role, but may lose the superuser attribute later.
        if not pg_has_role(current_user, name, may_take)
           or (select rolsuper from pg_roles where rolname = current_user) then
            execute format('grant %I to current_user', name);
        end if;
        if not has_schema_privilege(name, 'public', 'usage') then
            execute format('grant usage on schema public to %I', name);
        end if;
    end loop;
end $$
