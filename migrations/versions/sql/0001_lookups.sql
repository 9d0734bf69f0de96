-- What the API may know across tenants, and nothing more. studio_service owns these functions, so
-- they bypass row-level security.
create function log_heads(p_calls uuid[]) returns table (call_id uuid, head int)
language sql stable security definer set search_path = public as $$
    select l.call_id, l.head from call_log l where l.call_id = any(p_calls)
$$;

create function find_user(p_email text) returns setof app_user
language sql stable security definer set search_path = public as $$
    select * from app_user where email = p_email
$$;

create function find_api_key(p_hash bytea) returns setof api_key
language sql stable security definer set search_path = public as $$
    select * from api_key where hash = p_hash
$$;

create function find_refresh_token(p_hash bytea) returns setof refresh_token
language sql stable security definer set search_path = public as $$
    select * from refresh_token where hash = p_hash
$$;
