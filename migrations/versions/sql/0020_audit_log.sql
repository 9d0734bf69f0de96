-- Whether the audit log leaves out the values of a column, wherever it is.
create function is_secret_column(p_name text) returns boolean
language sql immutable as $$
    select p_name ~ '(password|hash|digest|secret|sealed|wrapped|token|verifier|recovery)'
$$;

-- The fields of p_new that p_old has not, or with another value. Of an object that both have, only the
-- fields that differ, so that an entry about one setting does not repeat a whole document.
create function changed_fields(p_old jsonb, p_new jsonb) returns jsonb
language sql immutable as $$
    select coalesce(jsonb_object_agg(f.key,
               case when jsonb_typeof(f.value) = 'object' and jsonb_typeof(p_old -> f.key) = 'object'
               then (select coalesce(jsonb_object_agg(g.key, g.value), '{}')
                       from jsonb_each(f.value) g
                      where g.value is distinct from p_old -> f.key -> g.key)
               else f.value end), '{}')
      from jsonb_each(p_new) f
     where f.value is distinct from p_old -> f.key
$$;

-- A document without the values of its HTTP headers, which may be credentials. A value that refers to a
-- secret by its name shows nothing, and stays.
create function without_header_values(p_document jsonb) returns jsonb
language plpgsql immutable as $$
begin
    if p_document is null or p_document::text not like '%"headers"%' then
        return p_document;
    elsif jsonb_typeof(p_document) = 'array' then
        return (select jsonb_agg(without_header_values(value) order by place)
                  from jsonb_array_elements(p_document) with ordinality as item (value, place));
    elsif jsonb_typeof(p_document) = 'object' then
        return (select jsonb_object_agg(f.key,
                    case when f.key <> 'headers' or jsonb_typeof(f.value) <> 'object'
                    then without_header_values(f.value)
                    else (select coalesce(jsonb_object_agg(h.key,
                              case when regexp_replace(h.value #>> '{}', '\{\{[^}]*\}\}', '', 'g')
                                        ~* '^\s*(basic|bearer|digest|token)?\s*$' then h.value
                                   else '"[redacted]"'::jsonb end), '{}')
                            from jsonb_each(f.value) h) end)
                  from jsonb_each(p_document) f);
    end if;
    return p_document;
end $$;

create function without_secrets(p_fields jsonb) returns jsonb
language sql immutable as $$
    select jsonb_object_agg(key,
               case when is_secret_column(key) and value <> 'null' then '"[redacted]"'::jsonb
                    else without_header_values(value) end)
      from jsonb_each(p_fields)
$$;

-- The fields, of which those that are long are replaced by their SHA-256 and their size.
create function with_digests(p_fields jsonb) returns jsonb
language sql immutable as $$
    select jsonb_object_agg(key,
               case when octet_length(value::text) <= 512 then value
               else jsonb_build_object(
                   'sha256', encode(sha256(convert_to(value::text, 'UTF8')), 'hex'),
                   'bytes', octet_length(value::text)) end)
      from jsonb_each(p_fields)
$$;

-- Adds an entry to the audit log. `body` is the text that is hashed; the columns repeat what it says, for
-- filters, and are compared with it when the log is verified. Without p_actor, the actor is the one that
-- the process has named in `app.origin`; without either, it is the role of the database connection.
create function add_audit_entry(
    p_tenant uuid, p_kind text, p_actor text, p_target_kind text, p_target text, p_target_name text,
    p_facts jsonb
) returns void
language plpgsql as $$
declare
    origin jsonb := coalesce(nullif(current_setting('app.origin', true), ''), '{}')::jsonb;
    entry audit_entry%rowtype;
begin
    entry.id := gen_random_uuid();
    entry.at := clock_timestamp();
    entry.actor := coalesce(p_actor, origin ->> 'actor', 'database:'
        || coalesce(nullif(current_setting('role'), 'none'), session_user));
    entry.body := jsonb_strip_nulls(jsonb_build_object(
        'format', 1, 'id', entry.id, 'tenant_id', p_tenant, 'kind', p_kind, 'actor', entry.actor,
        'at', to_char(entry.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'action', origin ->> 'action', 'session', origin ->> 'session',
        'address', origin ->> 'address', 'request', origin ->> 'request',
        'target_kind', p_target_kind, 'target', p_target, 'target_name', p_target_name))
        || coalesce(p_facts, '{}');
    with added as (
        insert into audit_entry (id, tenant_id, at, actor, session, address, request, action, kind,
                                 target_kind, target, target_name, body)
        values (entry.id, p_tenant, entry.at, entry.actor, origin ->> 'session',
                origin ->> 'address', origin ->> 'request', origin ->> 'action', p_kind,
                p_target_kind, p_target, p_target_name, entry.body)
        returning id, tenant_id, at
    )
    insert into audit_pending (entry_id, tenant_id, at) select id, tenant_id, at from added;
end $$;

-- What an entry says about the change of a row: the columns before and after, without those that are left
-- out and without secrets. Null if nothing else has changed. If it is longer than 16 KB, it has digests
-- instead of long values.
create function audit_facts(p_old jsonb, p_new jsonb, p_left_out text[]) returns jsonb
language plpgsql immutable as $$
declare
    left_out constant text[] :=
        array['tenant_id', 'created_at', 'updated_at', 'last_used_at'] || p_left_out;
    before jsonb := p_old - left_out;
    after jsonb := p_new - left_out;
begin
    if p_old is not null and p_new is not null then
        before := changed_fields(p_new - left_out, p_old - left_out);
        after := changed_fields(p_old - left_out, p_new - left_out);
        if before = '{}' and after = '{}' then
            return null;
        end if;
    else
        before := jsonb_strip_nulls(before);
        after := jsonb_strip_nulls(after);
    end if;
    before := without_secrets(before);
    after := without_secrets(after);
    if octet_length(concat(before, after)) > 16384 then
        before := with_digests(before);
        after := with_digests(after);
    end if;
    return case when before is null then '{}' else jsonb_build_object('before', before) end
        || case when after is null then '{}' else jsonb_build_object('after', after) end;
end $$;

-- Adds an entry about a changed row. The first argument of the trigger, if any, is the column that
-- identifies the row; the others are columns that the entry leaves out.
create function audit_change() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    old_row constant jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    new_row constant jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    current_row constant jsonb := coalesce(new_row, old_row);
    log_of constant uuid := coalesce(current_row ->> 'tenant_id', current_row ->> 'id');
    acting_tenant constant uuid :=
        nullif(current_setting('app.origin', true), '')::jsonb ->> 'tenant';
    kind constant text :=
        case tg_op when 'INSERT' then 'CREATED' when 'UPDATE' then 'UPDATED' else 'DELETED' end;
    facts constant jsonb := audit_facts(old_row, new_row, tg_argv[1:]);
begin
    if facts is null then
        return null;
    elsif tg_op = 'DELETE' and not exists (select from tenant t where t.id = log_of) then
        -- The row is deleted with its tenant, and so is the log.
        return null;
    end if;
    perform add_audit_entry(
        log_of, kind, null, tg_table_name::text,
        coalesce(current_row ->> tg_argv[0], current_row ->> 'id', log_of::text),
        coalesce(current_row ->> 'name', current_row ->> 'slug', current_row ->> 'email',
                 current_row ->> 'number'),
        facts);
    if tg_table_name = 'tenant' and acting_tenant <> log_of then
        -- An operator of the installation. Their own tenant need not know more of the other one.
        perform add_audit_entry(acting_tenant, kind, null, 'tenant', log_of::text, null, null);
    end if;
    return null;
end $$;

-- Adds an entry about what changes no row, such as a sign-in, to the log of the current tenant.
create function add_audit_note(
    p_kind text, p_actor text, p_target_kind text, p_target text, p_target_name text, p_details jsonb
) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    tenant constant uuid := nullif(current_setting('app.tenant', true), '');
begin
    if p_kind in ('CREATED', 'UPDATED', 'DELETED', 'SHORTENED', 'ERASED') then
        raise 'entries of the kind % are not notes', p_kind;
    elsif octet_length(p_details::text) > 16384 then
        p_details := with_digests(p_details);
    end if;
    perform add_audit_entry(
        tenant, p_kind, p_actor, p_target_kind, p_target, p_target_name,
        jsonb_build_object('details', p_details));
end $$;

-- The end of the chain of a tenant: the number and the hash of its last link, or those with which a
-- shortened chain begins.
create function audit_head_of(p_tenant uuid) returns table (seq bigint, hash bytea)
language sql stable as $$
    select * from (
        (select l.seq, l.hash from audit_link l where l.tenant_id = p_tenant
          order by l.seq desc limit 1)
        union all
        select c.seq, c.hash from audit_cut c where c.tenant_id = p_tenant
        union all
        select 0, decode(repeat('00', 32), 'hex')) as ends (seq, hash)
     order by ends.seq desc limit 1
$$;

-- Chains the oldest entries of a tenant that are in no chain yet, and returns how many. Only one
-- transaction at a time does that for a tenant; others return 0.
create function link_audit_entries(p_tenant uuid, p_limit int) returns int
language plpgsql as $$
declare
    head record;
    waiting record;
    done int := 0;
begin
    if not pg_try_advisory_xact_lock(hashtextextended('audit ' || p_tenant, 0)) then
        return 0;
    end if;
    select h.seq, h.hash into head from audit_head_of(p_tenant) h;
    for waiting in
        select p.entry_id, sha256(convert_to(e.body, 'UTF8')) as leaf
          from audit_pending p join audit_entry e on e.id = p.entry_id
         where p.tenant_id = p_tenant order by p.at, p.entry_id limit p_limit
    loop
        head.seq := head.seq + 1;
        head.hash := sha256(head.hash || waiting.leaf);
        insert into audit_link (tenant_id, seq, entry_id, leaf, hash)
        values (p_tenant, head.seq, waiting.entry_id, waiting.leaf, head.hash);
        delete from audit_pending where entry_id = waiting.entry_id;
        done := done + 1;
    end loop;
    return done;
end $$;

-- How many days the entries of a tenant are kept; 0 is forever. No setting is below 30 days, so that
-- what happened cannot be hidden at once.
create function audit_days_of(p_tenant uuid, p_default_days int) returns int
language sql stable as $$
    select case when days <= 0 then 0 else greatest(days, 30) end
      from (select coalesce((select r.days from audit_retention r where r.tenant_id = p_tenant),
                            p_default_days) as days) wanted
$$;

-- The last link of a tenant before which, at most p_limit at once, all entries are past their retention.
-- No row if there is none.
create function expired_audit_link(p_tenant uuid, p_default_days int, p_limit int)
returns table (seq bigint, hash bytea)
language sql stable as $$
    with oldest as (
        select l.seq, l.hash, e.at,
               bool_and(coalesce(e.at < now() - make_interval(days => d.days), true))
                   over (order by l.seq) as is_expired
          from (select audit_days_of(p_tenant, p_default_days) as days) d
         cross join lateral (
               select * from audit_link where tenant_id = p_tenant order by seq limit p_limit) l
          left join audit_entry e on e.id = l.entry_id
         where d.days > 0
    )
    select o.seq, o.hash from oldest o
     where o.is_expired and o.at is not null order by o.seq desc limit 1
$$;

-- Deletes the entries of a tenant up to a link, all of which must be past their retention. What is left
-- of them is the hash from which the chain continues, with a signature. Returns how many entries it has
-- deleted; 0 if one of them is not past its retention, or if they were deleted already.
create function shorten_audit_log(
    p_tenant uuid, p_default_days int, p_limit int, p_seq bigint, p_hash bytea,
    p_cut_at timestamptz, p_key_id text, p_signature bytea
) returns int
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    first_entry_at timestamptz;
    last_entry_at timestamptz;
    deleted int;
begin
    perform set_config('app.tenant', p_tenant::text, true);
    perform pg_advisory_xact_lock(hashtextextended('audit ' || p_tenant, 0));
    if not exists (select from audit_link l where l.tenant_id = p_tenant and l.seq = p_seq
                                              and l.hash = p_hash)
       or coalesce((select x.seq from expired_audit_link(p_tenant, p_default_days, p_limit) x), 0)
          < p_seq then
        return 0;
    end if;
    select min(e.at), max(e.at) into first_entry_at, last_entry_at
      from audit_link l join audit_entry e on e.id = l.entry_id
     where l.tenant_id = p_tenant and l.seq <= p_seq;
    insert into audit_cut (tenant_id, seq, hash, first_at, last_at, cut_at, key_id, signature)
    values (p_tenant, p_seq, p_hash, first_entry_at, last_entry_at, p_cut_at, p_key_id, p_signature)
    on conflict on constraint pk_audit_cut do update
       set seq = excluded.seq, hash = excluded.hash, last_at = excluded.last_at,
           cut_at = excluded.cut_at, key_id = excluded.key_id, signature = excluded.signature;
    delete from audit_entry e using audit_link l
     where l.tenant_id = p_tenant and l.seq <= p_seq and e.id = l.entry_id;
    delete from audit_link where tenant_id = p_tenant and seq <= p_seq;
    get diagnostics deleted = row_count;
    delete from audit_head where tenant_id = p_tenant and seq < p_seq;
    perform add_audit_entry(p_tenant, 'SHORTENED', 'system:retention', 'audit_cut', p_seq::text, null,
        jsonb_build_object('details', jsonb_build_object(
            'seq', p_seq, 'hash', encode(p_hash, 'hex'),
            'first_at', first_entry_at, 'last_at', last_entry_at)));
    return deleted;
end $$;

-- Erases the content of entries that contain a text, such as the e-mail address of a person who asks for
-- it. Their hashes stay, so that the chain does; an entry says which ones were erased. Returns how many
-- entries it has erased, at most p_limit.
create function erase_audit_entries(p_tenant uuid, p_text text, p_limit int) returns int
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    seqs bigint[];
begin
    perform set_config('app.tenant', p_tenant::text, true);
    with found as (
        select e.id, l.seq from audit_entry e join audit_link l on l.entry_id = e.id
         where e.tenant_id = p_tenant and position(p_text in e.body) > 0
         order by l.seq limit p_limit
    ), erased as (
        update audit_entry e
           set actor = 'erased', session = null, address = null, request = null,
               target = null, target_name = null, body = '', erased_at = now()
          from found f where e.id = f.id
        returning f.seq
    )
    select array_agg(seq order by seq) into seqs from erased;
    if seqs is null then
        return 0;
    end if;
    perform add_audit_entry(p_tenant, 'ERASED', 'system:administration', 'audit_entry', null, null,
        jsonb_build_object('details', jsonb_build_object('seqs', to_jsonb(seqs))));
    return cardinality(seqs);
end $$;

-- The tenants of the person with an e-mail address, to whose logs a failed sign-in belongs. What people do
-- with their passwords does not concern tenants for which only an identity provider vouches for them.
-- With p_since, none if the person has signed in from the address since then.
create function find_members(p_email text, p_since timestamptz, p_address text)
returns table (tenant_id uuid, user_id uuid)
language sql stable security definer set search_path = public, pg_temp as $$
    select m.tenant_id, m.person_id from person p join membership m on m.person_id = p.id
     where p.email = p_email and not m.is_confined
       and (p_since is null or not exists (
            select from session s where s.person_id = p.id and s.created_at >= p_since
               and s.address is not distinct from p_address))
$$;

-- Adds an entry about a person to the log of each tenant that they belong to.
create function add_entries_about_person(
    p_person uuid, p_kind text, p_target_kind text, p_facts jsonb
) returns void
language sql as $$
    select add_audit_entry(
               m.tenant_id, p_kind, null, p_target_kind, p_person::text, null, p_facts)
      from membership m where m.person_id = p_person and not m.is_confined
$$;

-- The first argument of the trigger is the column that has the id of the person; the others are columns that the
-- entries leave out.
create function audit_person() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    old_row constant jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    new_row constant jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    facts constant jsonb := audit_facts(old_row, new_row, tg_argv[1:]);
    person constant uuid := coalesce(new_row, old_row) ->> tg_argv[0];
begin
    if facts is not null then
        perform add_entries_about_person(
            person,
            case tg_op when 'INSERT' then 'CREATED' when 'UPDATE' then 'UPDATED' else 'DELETED' end,
            tg_table_name::text, facts);
    end if;
    return null;
end $$;

-- Adds an entry when a session begins or ends. A refresh token is enough to end its session, so a
-- sign-out is attributed to its user. A session that just expires is no entry.
create function audit_session() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    action constant text := nullif(current_setting('app.origin', true), '')::jsonb ->> 'action';
    current_row constant jsonb := case tg_op when 'INSERT' then to_jsonb(new) else to_jsonb(old) end;
    log_of constant uuid := current_row ->> 'tenant_id';
    kind constant text := case when tg_op = 'INSERT' then 'SIGNED_IN'
                               when action = 'logout' then 'SIGNED_OUT' else 'SESSION_ENDED' end;
begin
    if tg_op = 'DELETE' and not exists (select from tenant t where t.id = log_of) then
        return null;
    end if;
    perform add_audit_entry(
        log_of, kind,
        case when kind <> 'SESSION_ENDED' then 'user:' || (current_row ->> 'person_id') end,
        'person', current_row ->> 'person_id', null,
        jsonb_build_object('details', jsonb_strip_nulls(jsonb_build_object(
            'session', current_row ->> 'id', 'user_agent', current_row ->> 'user_agent'))));
    return null;
end $$;

-- What people configure is audited whatever changes it.
create trigger audit_change after insert or update or delete on agent
for each row execute function audit_change();

create trigger audit_change after insert or update or delete on api_key
for each row execute function audit_change();

create trigger audit_change after insert or update or delete on audit_retention
for each row execute function audit_change('tenant_id');

create trigger audit_change after insert or update or delete on credential
for each row execute function audit_change();

create trigger audit_change after insert or update or delete on custom_role
for each row execute function audit_change();

create trigger audit_change after insert or update or delete on data_key
for each row execute function audit_change('tenant_id');

create trigger audit_change after insert or update or delete on inbound_trunk
for each row execute function audit_change();

create trigger audit_change after insert or update or delete on invitation
for each row execute function audit_change();

create trigger audit_change after insert or update or delete on membership
for each row execute function audit_change('person_id');

create trigger audit_change after insert or update or delete on outbound_trunk
for each row execute function audit_change();

create trigger audit_change after insert or update or delete on phone_number
for each row execute function audit_change();

-- Why a tenant is suspended is for other operators.
create trigger audit_change after insert or update on tenant
for each row execute function audit_change('id', 'suspension_reason');

create trigger audit_change after insert or update or delete on tenant_settings
for each row execute function audit_change('tenant_id');

create trigger audit_change after insert or update or delete on tool
for each row execute function audit_change();

create trigger audit_change after insert or update or delete on workflow
for each row execute function audit_change();

create trigger audit_change after insert or update or delete on workflow_version
for each row execute function audit_change('id', 'snapshot');

create trigger audit_person after update of email, name, password_hash on person
for each row execute function audit_person('id');

create trigger audit_person after insert or update on password_reset
for each row execute function audit_person('person_id');

create trigger audit_session after insert on session
for each row execute function audit_session();

create trigger audit_session_ended after delete on session
for each row when (nullif(current_setting('app.origin', true), '') is not null)
execute function audit_session();

-- What also happens by itself is audited only if a user or a key did it. The log of a call has its own account of
-- the rest. Who is called, and what is said to them, is personal and not repeated here.
create trigger audit_change after insert on call
for each row when (nullif(current_setting('app.origin', true), '') is not null)
execute function audit_change('id', 'user_id', 'phone_number', 'from_number', 'to_number',
    'caller_identity', 'user_context', 'metadata');

create trigger audit_change after insert on call_command
for each row when (new.kind not in ('SEND_TEXT', 'END')
                   and nullif(current_setting('app.origin', true), '') is not null)
execute function audit_change('call_id', 'body', 'place');

create trigger audit_change after update or delete on recording
for each row when (nullif(current_setting('app.origin', true), '') is not null)
execute function audit_change('call_id', 'due_at', 'tries', 'cleared');

create trigger audit_change after update of paused_until on trunk_usage
for each row when (old.paused_until is distinct from new.paused_until
                   and nullif(current_setting('app.origin', true), '') is not null)
execute function audit_change('trunk_id', 'day', 'calls', 'next_dial_at', 'talk_ms', 'refusals',
    'refused_since', 'is_pause_logged', 'near_limit_on');
