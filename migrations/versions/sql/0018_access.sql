-- Of processes of the previous release.
create function find_user(p_email text) returns setof app_user
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

create or replace function knows_address(p_email text, p_networks bytea[], p_since timestamptz)
returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (
        select from known_address k join person p on p.id = k.user_id
         where p.email = p_email and k.network = any(p_networks) and k.seen_at > p_since)
$$;

create function find_person(p_email text)
returns table (
    id uuid, email text, name text, password_hash text, password_set_at timestamptz
)
language sql stable security definer set search_path = public, pg_temp as $$
    select p.id, p.email, p.name, p.password_hash, p.password_set_at
      from person p where p.email = p_email
$$;

create function find_member(p_tenant uuid, p_person uuid, p_session uuid)
returns table (role text, ends_at timestamptz, is_confined boolean)
language sql stable security definer set search_path = public, pg_temp as $$
    select m.role, s.ends_at, s.is_confined
      from session s
      join membership m on m.tenant_id = s.tenant_id and m.person_id = s.person_id
     where s.id = p_session and s.tenant_id = p_tenant and s.person_id = p_person
       and m.suspended_at is null
$$;

create function find_invitation(p_hash bytea) returns table (
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

create function find_password_reset(p_hash bytea)
returns table (id uuid, email text, name text)
language sql stable security definer set search_path = public, pg_temp as $$
    select p.id, p.email, p.name from password_reset r join person p on p.id = r.person_id
     where r.hash = p_hash and r.expires_at > now()
$$;

create function access_changes(p_since text) returns table (
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

create function keep_session_of_token() returns trigger
language plpgsql as $$
begin
    insert into session as s (id, tenant_id, person_id)
    values (new.family, new.tenant_id, new.user_id)
    on conflict (id) do update set last_used_at = now();
    return new;
end $$;

create trigger keep_session before insert on refresh_token
for each row execute function keep_session_of_token();

create function end_session_without_tokens() returns trigger
language plpgsql as $$
begin
    delete from session s where s.id = old.family
       and not exists (select from refresh_token r where r.family = old.family);
    return null;
end $$;

create trigger end_session after delete on refresh_token
for each row execute function end_session_without_tokens();

create function lock_person_of_membership() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform from person p where p.id = old.person_id for update;
    return old;
end $$;

create trigger lock_person before delete on membership
for each row execute function lock_person_of_membership();

create function delete_person_without_membership() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    delete from person p where p.id = old.person_id
       and not exists (select from membership m where m.person_id = old.person_id);
    return null;
end $$;

create trigger delete_person after delete on membership
for each row execute function delete_person_without_membership();

create function keep_an_owner() returns trigger
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

create trigger keep_an_owner_updated after update on membership
for each row when (old.role = 'OWNER' and old.suspended_at is null
                   and (new.role <> 'OWNER' or new.suspended_at is not null))
execute function keep_an_owner();

create trigger keep_an_owner_deleted after delete on membership
for each row when (old.role = 'OWNER' and old.suspended_at is null)
execute function keep_an_owner();

create function note_access_change() returns trigger
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

create trigger note_access_change after update or delete on tenant
for each row execute function note_access_change();
create trigger note_access_change after update or delete on membership
for each row execute function note_access_change();
create trigger note_access_change after update or delete on session
for each row execute function note_access_change();
create trigger note_access_change after update or delete on api_key
for each row execute function note_access_change();
