-- The privileges of each role on each table, and the isolation of tenants. This script runs in full
-- after every migration: it restores what a restored dump lacks and revokes superfluous privileges.
-- Every new table needs a line here.
--
-- Changing policies or row-level security takes an exclusive lock on the table. So only what
-- differs is changed, and each table has a transaction of its own.
do $$
declare
    every constant text := 'select, insert, update, delete';
    tenant_is constant text := '%I = nullif(current_setting(''app.tenant'', true), '''')::uuid';
    person_is constant text := '%I = nullif(current_setting(''app.person'', true), '''')::uuid';
    has_member constant text := 'exists (select from membership m where %s and m.%s)';
    rule record;
    policy record;
    definer record;
begin
    for rule in
        select c.oid, c.relowner, given.*, c.relrowsecurity and c.relforcerowsecurity as guarded
          from (values
            -- table, column of the tenant ('': it has only the other policies below), privileges of
            -- studio_api, privileges of studio_service
            ('tenant', 'id', 'select', every),
            ('access_change', 'tenant_id', null, every),
            ('agent', 'tenant_id', every, every),
            ('api_key', 'tenant_id', every, every),
            -- Only functions add entries, and shorten the log.
            ('audit_cut', 'tenant_id', 'select', 'select'),
            ('audit_entry', 'tenant_id', 'select', 'select, insert'),
            ('audit_head', 'tenant_id', 'select', 'select, insert'),
            ('audit_link', 'tenant_id', 'select', 'select, insert'),
            ('audit_pending', 'tenant_id', null, 'select, insert, delete'),
            ('audit_retention', 'tenant_id', 'select, insert, update', 'select'),
            ('call', 'tenant_id', 'select, insert', every),
            ('call_command', 'tenant_id', every, every),
            ('call_event', 'tenant_id', 'select, insert', every),
            ('call_label', 'tenant_id', 'select, insert', every),
            ('call_log', 'tenant_id', every, every),
            ('credential', 'tenant_id', every, every),
            ('custom_role', 'tenant_id', every, every),
            ('data_key', 'tenant_id', every, every),
            ('dialed_region', 'tenant_id', 'select, insert', every),
            ('draft_reference', 'tenant_id', every, every),
            ('ended_call', 'tenant_id', 'select, insert', every),
            ('federated_identity', 'tenant_id', every, every),
            ('federated_session', 'tenant_id', every, every),
            ('held_call', 'tenant_id', 'select', every),
            ('idempotency', 'tenant_id', every, every),
            ('identity_provider', 'tenant_id', every, every),
            ('inbound_trunk', 'tenant_id', every, every),
            ('invitation', 'tenant_id', every, every),
            ('known_address', 'tenant_id', every, every),
            ('logout_token', 'tenant_id', every, every),
            ('membership', 'tenant_id', every, every),
            ('outbound_trunk', 'tenant_id', every, every),
            ('password_reset', '', every, every),
            -- The API sets hashes of passwords; it reads one only with find_person.
            ('person', '', 'select (id, email, name, password_set_at, created_at), insert, '
                           'update (name, password_hash, password_set_at)', every),
            ('phone_number', 'tenant_id', every, every),
            ('recording', 'tenant_id', 'select, update', every),
            ('refresh_token', 'tenant_id', every, every),
            ('session', 'tenant_id', every, every),
            ('sign_in_handoff', 'tenant_id', every, every),
            ('tenant_month', 'tenant_id', 'select, insert, update', 'select, insert, update'),
            ('tenant_settings', 'tenant_id', every, every),
            ('tenant_usage', 'tenant_id', 'select', every),
            ('tool', 'tenant_id', every, every),
            ('transfer_leg', 'tenant_id', 'select, update', every),
            ('trunk_usage', 'tenant_id', 'select, insert, update', every),
            ('workflow', 'tenant_id', every, every),
            ('workflow_version', 'tenant_id', 'select, insert', every),
            -- Tables of the platform, which belong to no tenant.
            ('alembic_version', null, 'select', 'select'),
            ('app_user', null, 'select, update', 'select'),
            ('deleted_tenant', null, null, 'select, insert, update'),
            ('installation', null, null, 'select, insert'),
            ('installation_operator', null, null, every),
            ('mail', null, 'insert', every),
            ('recovery_code', null, null, every),
            ('totp', null, null, every),
            ('worker_process', null, null, every)
          ) as given (name, tenant, api, service)
          join pg_class c on c.relname = given.name and c.relnamespace = 'public'::regnamespace
    loop
        -- For a user other than the owner, the statements below would only warn and do nothing.
        if not pg_has_role(rule.relowner, 'usage') then
            raise insufficient_privilege
                using message = format('must be owner of table %s', rule.name);
        end if;
        execute format('revoke all on %I from public, studio_api, studio_service, studio_backup',
            rule.name);
        execute format('grant %s on %I to studio_service', rule.service, rule.name);
        execute format('grant select on %I to studio_backup', rule.name);
        if rule.api is not null then
            execute format('grant %s on %I to studio_api', rule.api, rule.name);
        end if;
        if rule.tenant is not null and not rule.guarded then
            execute format('alter table %I enable row level security', rule.name);
            execute format('alter table %I force row level security', rule.name);
        end if;
        for policy in
            select wanted.* from (values
                (rule.name, 'tenant_only', format('using (%1$s) with check (%1$s)',
                    format(tenant_is, rule.tenant))),
                (rule.name, 'service_all', 'to studio_service using (true) with check (true)'),
                (rule.name, 'backup_all', 'for select to studio_backup using (true)'),
                -- People see what is theirs in every tenant, and members see each other.
                ('known_address', 'own', format('using (%1$s) with check (%1$s)',
                    format(person_is, 'user_id'))),
                ('membership', 'own', format('for select using (%s)',
                    format(person_is, 'person_id'))),
                ('password_reset', 'own', format('using (%1$s) with check (%1$s)',
                    format(person_is, 'person_id'))),
                ('person', 'members', format('for select using (%s)', format(has_member,
                    'm.person_id = person.id', format(tenant_is, 'tenant_id')))),
                ('person', 'own', format('using (%1$s) with check (%1$s)',
                    format(person_is, 'id'))),
                ('session', 'own', format('using (%1$s) with check (%1$s)',
                    format(person_is, 'person_id'))),
                ('tenant', 'own', format('for select using (%s)', format(has_member,
                    'm.tenant_id = tenant.id', format(person_is, 'person_id'))))
            ) as wanted (of_table, name, body)
             where wanted.of_table = rule.name and rule.tenant is not null
               and (wanted.name <> 'tenant_only' or rule.tenant <> '')
               -- A test may stop at a revision that has no memberships yet.
               and (wanted.name not in ('members', 'own') or to_regclass('membership') is not null)
               and not exists (select from pg_policy p
                                where p.polrelid = rule.oid and p.polname = wanted.name)
        loop
            execute format('create policy %I on %I %s', policy.name, rule.name, policy.body);
        end loop;
        commit;
    end loop;

    grant select on all sequences in schema public to studio_backup;

    -- Functions that bypass row-level security run as studio_service, with a fixed search path
    -- instead of the caller's, and only the roles of this product may execute them. Those that delete
    -- or erase entries of the audit log run as the owner of its tables, because studio_service may not
    -- do that, and the API may not execute them.
    for definer in
        select p.oid::regprocedure as name, wanted.owner, wanted.users, p.proowner = wanted.owner as is_owned
          from pg_proc p
         cross join lateral (
               select case when of_audit_log then (select relowner from pg_class
                                                    where oid = to_regclass('public.audit_entry'))
                           else 'studio_service'::regrole::oid end as owner,
                      case when of_audit_log then 'studio_service'
                           else 'studio_api, studio_service' end as users
                 from (select p.proname in ('shorten_audit_log', 'erase_audit_entries',
                                            'delete_audit_log') as of_audit_log) is_definer) wanted
         where p.pronamespace = 'public'::regnamespace and p.prosecdef
           and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    loop
        execute format('alter function %s set search_path = public, pg_temp', definer.name);
        execute format('revoke all on function %s from public, studio_api', definer.name);
        execute format('grant execute on function %s to %s', definer.name, definer.users);
        if not definer.is_owned then
            grant create on schema public to studio_service;
            execute format('alter function %s owner to %s', definer.name, definer.owner::regrole);
            revoke create on schema public from studio_service;
        end if;
    end loop;
end $$
