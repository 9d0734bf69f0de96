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
    p_operator text, p_id uuid, p_slug text, p_search text, p_state text
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
               when t.suspended_at is not null then 'SUSPENDED' else 'ACTIVE' end);
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

create or replace function list_deleted_tenants(p_operator text) returns setof deleted_tenant
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    perform require_operator(p_operator);
    return query
    select d.* from deleted_tenant d where d.deleted_at is not null;
end $$;

-- Deletes entries of the audit log of a tenant whose deletion has begun, and what chains them. Returns how
-- many rows it has deleted, at most p_limit of each table.
create or replace function delete_audit_log(p_tenant uuid, p_limit int) returns int
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    entries int;
    links int;
begin
    perform set_config('app.tenant', p_tenant::text, true);
    if not exists (select from tenant t join deleted_tenant d on d.id = t.id
                    where t.id = p_tenant and t.delete_at <= now() and d.deleted_at is null) then
        raise insufficient_privilege using message = 'the tenant is not being deleted';
    end if;
    delete from audit_entry where id = any(array(
        select e.id from audit_entry e where e.tenant_id = p_tenant order by e.at, e.id limit p_limit));
    get diagnostics entries = row_count;
    delete from audit_link where tenant_id = p_tenant and seq = any(array(
        select l.seq from audit_link l where l.tenant_id = p_tenant order by l.seq limit p_limit));
    get diagnostics links = row_count;
    return entries + links;
end $$;

-- Operators are added and removed on the command line. The logs of their tenants say so.
create or replace function audit_operator() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    subject constant text := case tg_op when 'INSERT' then new.subject else old.subject end;
    subject_id constant uuid := split_part(subject, ':', 2);
begin
    perform add_audit_entry(
        of_subject.tenant_id, case tg_op when 'INSERT' then 'CREATED' else 'DELETED' end,
        null, 'installation_operator', subject, null, null)
       from (select m.tenant_id from membership m
              where m.person_id = subject_id and subject like 'user:%'
             union all
             select k.tenant_id from api_key k
              where k.id = subject_id and subject like 'key:%') of_subject;
    return null;
end $$;

create or replace trigger audit_operator after insert or delete on installation_operator
for each row execute function audit_operator();

create or replace trigger note_access_change after insert or delete on installation_operator
for each row execute function note_access_change();
