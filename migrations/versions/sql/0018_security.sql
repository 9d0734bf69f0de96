-- What processes of the previous release need, until the grants are set after the last revision.
do $$
declare
    name text;
    mine constant text := 'tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid';
    definer regprocedure;
begin
    foreach name in array array['membership', 'session', 'invitation', 'access_change'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format('create policy tenant_only on %1$I using (%2$s) with check (%2$s)', name, mine);
        execute format(
            'create policy service_all on %I to studio_service using (true) with check (true)', name);
    end loop;
    foreach name in array array['password_reset'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
    end loop;
    execute 'create policy members on person for select using (exists ('
        || 'select from membership m where m.person_id = person.id and m.' || mine || '))';
    grant select, insert, update, delete on membership, session to studio_api;
    grant select on app_user to studio_api, studio_service;
    grant update on app_user to studio_api;  -- to lock its rows
    revoke all on person from studio_api;
    grant select (id, email, name, password_set_at, created_at),
        update (name, password_hash, password_set_at) on person to studio_api;
    grant select, insert, update, delete on membership, session, invitation, password_reset, mail,
        access_change to studio_service;

    grant create on schema public to studio_service;
    foreach definer in array array[
        'find_user(text)', 'find_person(text)', 'find_member(uuid, uuid, uuid)',
        'find_invitation(bytea)', 'find_password_reset(bytea)', 'access_changes(text)',
        'lock_person_of_membership()', 'delete_person_without_membership()', 'keep_an_owner()', 'note_access_change()'
    ]::regprocedure[] loop
        execute format('alter function %s owner to studio_service', definer);
        execute format('revoke all on function %s from public', definer);
        execute format('grant execute on function %s to studio_api, studio_service', definer);
    end loop;
    revoke create on schema public from studio_service;
end $$;
