do $$
declare
    audited record;
begin
    for audited in
        select tgname as trigger, tgrelid::regclass as name from pg_trigger
         where tgname ~ '^audit_(change|person|session)'
    loop
        execute format('drop trigger %I on %s', audited.trigger, audited.name);
    end loop;
end $$;
drop function audit_session();
drop function audit_person();
drop function add_entries_about_person(uuid, text, text, jsonb);
drop function find_members(text, timestamptz, text);
drop function erase_audit_entries(uuid, text, int);
drop function shorten_audit_log(uuid, int, int, bigint, bytea, timestamptz, text, bytea);
drop function expired_audit_link(uuid, int, int);
drop function audit_days_of(uuid, int);
drop function link_audit_entries(uuid, int);
drop function audit_head_of(uuid);
drop function add_audit_note(text, text, text, text, text, jsonb);
drop function audit_change();
drop function audit_facts(jsonb, jsonb, text[]);
drop function add_audit_entry(uuid, text, text, text, text, text, jsonb);
drop function with_digests(jsonb);
drop function without_secrets(jsonb);
drop function without_header_values(jsonb);
drop function changed_fields(jsonb, jsonb);
drop function is_secret_column(text);
