-- A key whose scopes are those that a role had in some release has that role, so that it also gets the
-- scopes that the role has gained since. No two of these sets are equal.
set local role studio_service;
update api_key k set role = r.role
  from (values
    ('OWNER', '{agents:read,agents:write,tools:read,tools:write,workflows:read,workflows:write,calls:read,calls:write,settings:read,settings:write,credentials:read,credentials:write,telephony:read,telephony:write}'::text[]),
    ('OWNER', '{agents:read,agents:write,tools:read,tools:write,workflows:read,workflows:write,calls:read,calls:write,settings:read,settings:write,credentials:read,credentials:write}'),
    ('EDITOR', '{agents:read,agents:write,tools:read,tools:write,workflows:read,workflows:write,calls:read,calls:write,settings:read,settings:write,telephony:read}'),
    ('EDITOR', '{agents:read,agents:write,tools:read,tools:write,workflows:read,workflows:write,calls:read,calls:write,settings:read,settings:write}'),
    ('EDITOR', '{agents:read,agents:write,tools:read,tools:write,workflows:read,workflows:write,calls:read,calls:write}'),
    ('OPERATOR', '{agents:read,tools:read,workflows:read,calls:read,calls:write,settings:read,telephony:read}'),
    ('OPERATOR', '{agents:read,tools:read,workflows:read,calls:read,calls:write,settings:read}'),
    ('OPERATOR', '{agents:read,tools:read,workflows:read,calls:read,calls:write}'),
    ('VIEWER', '{agents:read,tools:read,workflows:read,calls:read,settings:read,telephony:read}'),
    ('VIEWER', '{agents:read,tools:read,workflows:read,calls:read,settings:read}'),
    ('VIEWER', '{agents:read,tools:read,workflows:read,calls:read}')
  ) as r (role, scopes)
 where k.scopes @> r.scopes and k.scopes <@ r.scopes;
reset role;

create function authenticate_api_key(p_hash bytea) returns table (
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

drop function find_member(uuid, uuid, uuid);
create function find_member(p_tenant uuid, p_person uuid, p_session uuid)
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

create trigger note_access_change after update or delete on custom_role
for each row execute function note_access_change();
