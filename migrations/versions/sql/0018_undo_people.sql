drop trigger note_access_change on tenant;
drop trigger note_access_change on api_key;
drop trigger keep_session on refresh_token;
drop trigger end_session on refresh_token;
drop trigger lock_person on membership;
drop trigger delete_person on membership;
drop trigger keep_an_owner_updated on membership;
drop trigger keep_an_owner_deleted on membership;
drop function find_user(text);
drop function find_person(text);
drop function find_member(uuid, uuid, uuid);
drop function find_invitation(bytea);
drop function find_password_reset(bytea);
drop function access_changes(text);
drop view app_user;
do $$
declare
    policy record;
begin
    for policy in select policyname as name from pg_policies where tablename = 'person'
                     and policyname not in ('service_all', 'backup_all') loop
        execute format('drop policy %I on person', policy.name);
    end loop;
end $$;
drop policy if exists own on tenant;
drop policy if exists own on known_address;
drop table access_change;
drop table mail;
drop table password_reset;
drop table invitation;

-- A user belongs to one tenant again: the oldest of a person.
alter table refresh_token drop constraint fk_refresh_token_family;
alter table person rename to app_user;
alter table app_user rename constraint pk_person to pk_app_user;
alter table app_user rename constraint uq_person_email to uq_app_user_email;
alter table app_user drop column name, drop column password_set_at, add column role text, add column tenant_id uuid;
set local role studio_service;
update app_user u set role = m.role, tenant_id = m.tenant_id, password_hash = coalesce(password_hash, '')
  from (select distinct on (person_id) * from membership order by person_id, created_at) m
 where m.person_id = u.id;
delete from app_user where tenant_id is null;
reset role;
drop table session;
drop table membership;
drop function keep_session_of_token();
drop function end_session_without_tokens();
drop function lock_person_of_membership();
drop function delete_person_without_membership();
drop function keep_an_owner();
drop function note_access_change();
alter table app_user
    alter column role set not null,
    alter column tenant_id set not null,
    alter column password_hash set not null,
    add constraint fk_app_user_tenant_id foreign key (tenant_id) references tenant (id)
        on delete cascade;
create index ix_app_user_tenant_id on app_user (tenant_id);
create policy tenant_only on app_user to public
    using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
revoke all on app_user from studio_api;
grant select, insert, update, delete on app_user to studio_api;

create function find_user(p_email text) returns setof app_user
language sql stable security definer set search_path = public as $$
    select * from app_user where email = p_email
$$;

create or replace function find_session(p_tenant uuid, p_user uuid, p_session uuid) returns text
language sql stable security definer set search_path = public, pg_temp as $$
    select u.role from app_user u
     where u.id = p_user and u.tenant_id = p_tenant
       and (p_session is null or exists (
            select from refresh_token r where r.family = p_session and r.user_id = u.id))
$$;

create or replace function knows_address(p_email text, p_networks bytea[], p_since timestamptz)
returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (
        select from known_address k join app_user u on u.id = k.user_id
         where u.email = p_email and k.network = any(p_networks) and k.seen_at > p_since)
$$;
grant create on schema public to studio_service;
alter function find_user(text) owner to studio_service;
revoke create on schema public from studio_service;
