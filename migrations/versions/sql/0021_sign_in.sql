-- What signing in needs to know before the tenant or the user is known, and nothing more.
create or replace function find_identity_provider(p_id uuid)
returns table (id uuid, tenant_id uuid, spec text, sealed bytea, key_id text, wrapped bytea)
language sql stable security definer set search_path = public, pg_temp as $$
    select p.id, p.tenant_id, p.spec::text, p.sealed, k.key_id, k.wrapped
      from identity_provider p left join data_key k on k.tenant_id = p.tenant_id
     where p.id = p_id
$$;

create or replace function sign_in_options(p_slug text) returns table (id uuid, label text)
language sql stable security definer set search_path = public, pg_temp as $$
    select p.id, p.spec ->> 'label'
      from identity_provider p join tenant t on t.id = p.tenant_id
     where t.slug = p_slug and (p.spec ->> 'is_enabled')::boolean
     order by p.spec ->> 'label', p.id
$$;

-- Deletes the handoff, so that of concurrent calls only one gets it.
create or replace function take_handoff(p_hash bytea)
returns table (sealed bytea, created_at timestamptz)
language sql security definer set search_path = public, pg_temp as $$
    with taken as (delete from sign_in_handoff h where h.hash = p_hash returning h.*)
    select t.sealed, t.created_at from taken t where t.expires_at > now()
$$;

-- Second factors. The API has no rights on these tables: it cannot list secrets, and it cannot compare a
-- code without counting the attempt.
create or replace function find_totp(p_person uuid)
returns table (is_active boolean, sealed bytea, key_id text, created_at timestamptz, codes bigint)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.confirmed_at is not null,
           case when t.confirmed_at is null then t.sealed end, t.key_id, t.created_at,
           (select count(*) from recovery_code c where c.person_id = t.person_id)
      from totp t where t.person_id = p_person
$$;

create or replace function enrol_totp(p_person uuid, p_sealed bytea, p_key_id text)
returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into totp as t (person_id, sealed, key_id) values (p_person, p_sealed, p_key_id)
    on conflict (person_id) do update
       set sealed = excluded.sealed, key_id = excluded.key_id, created_at = now()
     where t.confirmed_at is null;
    return found;
end $$;

-- p_created_at: the moment of the enrolment whose code was compared; another one may have replaced it.
create or replace function confirm_totp(
    p_person uuid, p_created_at timestamptz, p_step bigint, p_codes bytea[]
) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update totp t
       set confirmed_at = now(), last_step = p_step, failed_attempts = 0, attempted_at = null
     where t.person_id = p_person and t.created_at = p_created_at and t.confirmed_at is null;
    if not found then
        return false;
    end if;
    perform replace_recovery_codes(p_person, p_codes);
    return true;
end $$;

-- Counts the attempt first, so that concurrent guesses cannot pass together. After five failures the next
-- attempt has to wait, for twice as long each time and at most a quarter of an hour. `wait` is null for
-- an attempt that may be made.
create or replace function begin_totp_attempt(p_person uuid)
returns table (sealed bytea, key_id text, wait double precision)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    t totp%rowtype;
    ready_at timestamptz;
begin
    select * into t from totp where person_id = p_person and confirmed_at is not null for update;
    if not found then
        return;
    end if;
    ready_at := case when t.failed_attempts < 5 then '-infinity' else t.attempted_at
        + make_interval(secs => least(900, power(2, least(t.failed_attempts - 5, 20)))) end;
    if ready_at > clock_timestamp() then
        wait := extract(epoch from ready_at - clock_timestamp());
    else
        update totp set failed_attempts = t.failed_attempts + 1, attempted_at = clock_timestamp()
         where person_id = p_person;
        sealed := t.sealed;
        key_id := t.key_id;
    end if;
    return next;
end $$;

-- A code works once, and after it no earlier one. The secret is given again, as it may have been encrypted
-- with another entry of SECRET_KEY before.
create or replace function accept_totp_step(
    p_person uuid, p_step bigint, p_sealed bytea, p_key_id text
) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update totp
       set last_step = p_step, failed_attempts = 0, attempted_at = null, sealed = p_sealed,
           key_id = p_key_id
     where person_id = p_person and confirmed_at is not null
       and coalesce(last_step < p_step, true);
    return found;
end $$;

create or replace function use_recovery_code(p_person uuid, p_digest bytea) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    delete from recovery_code where person_id = p_person and digest = p_digest;
    if not found then
        return false;
    end if;
    perform add_entries_about_person(p_person, 'DELETED', 'recovery_code', jsonb_build_object(
        'details', jsonb_build_object(
            'left', (select count(*) from recovery_code c where c.person_id = p_person))));
    return true;
end $$;

create or replace function replace_recovery_codes(p_person uuid, p_codes bytea[]) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform from totp where person_id = p_person for update;
    delete from recovery_code where person_id = p_person;
    insert into recovery_code (person_id, digest) select p_person, unnest(p_codes);
    perform add_entries_about_person(p_person, 'CREATED', 'recovery_code', jsonb_build_object(
        'details', jsonb_build_object('left', cardinality(p_codes))));
end $$;

create or replace function remove_totp(p_person uuid) returns void
language sql security definer set search_path = public, pg_temp as $$
    delete from totp where person_id = p_person
$$;

create or replace trigger audit_change after insert or update or delete on identity_provider
for each row execute function audit_change();

create or replace trigger audit_change after insert or update or delete on federated_identity
for each row execute function audit_change('person_id');

-- The attempts to enter a code are no entries; the sign-in that follows is one, or its failure.
create or replace trigger audit_person
after insert or delete or update of created_at, confirmed_at on totp
for each row execute function audit_person(
    'person_id', 'key_id', 'last_step', 'failed_attempts', 'attempted_at');
