drop function authenticate_api_key(bytea);
drop function find_member(uuid, uuid, uuid);
create function find_member(p_tenant uuid, p_person uuid, p_session uuid)
returns table (role text, ends_at timestamptz, is_confined boolean)
language sql stable security definer set search_path = public, pg_temp as $$
    select m.role, s.ends_at, s.is_confined
      from session s
      join membership m on m.tenant_id = s.tenant_id and m.person_id = s.person_id
     where s.id = p_session and s.tenant_id = p_tenant and s.person_id = p_person
       and m.suspended_at is null
$$;
grant create on schema public to studio_service;
alter function find_member(uuid, uuid, uuid) owner to studio_service;
revoke create on schema public from studio_service;
revoke all on function find_member(uuid, uuid, uuid) from public;
grant execute on function find_member(uuid, uuid, uuid) to studio_api, studio_service;
