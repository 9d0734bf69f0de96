"""Rows for a database at any revision: those of a revision fill the tables and columns that it adds."""

from __future__ import annotations

from collections.abc import Sequence

_USER = """
    insert into app_user (id, tenant_id, email, role, password_hash)
    values ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001',
            'ada@acme.test', 'OWNER', '$argon2id$');
"""
_PERSON = """
    insert into person (id, email, password_hash)
    values ('00000000-0000-0000-0000-000000000002', 'ada@acme.test', '$argon2id$');
    insert into membership (tenant_id, person_id, role)
    values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002',
            'OWNER');
"""
"""The same user, since revision 0018."""

_ROWS = {
    "0001": """
        insert into worker_process (id, capacity) values ('00000000-0000-0000-0000-0000000000f0', 9);
        insert into tenant (id, slug, name)
        values ('00000000-0000-0000-0000-000000000001', 'acme', 'Acme');
        {user}
        insert into api_key (id, tenant_id, name, prefix, hash, scopes)
        values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000001',
                'ci', 'as_1', '\\x01', '{calls:read}');
        insert into refresh_token (hash, tenant_id, user_id, family, expires_at)
        values ('\\x02', '00000000-0000-0000-0000-000000000001',
                '00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000004',
                '2030-01-01');
        insert into tool (id, tenant_id, name, revision, spec)
        values ('00000000-0000-0000-0000-000000000005', '00000000-0000-0000-0000-000000000001',
                'book', 1, '{"name": "book"}');
        insert into agent (id, tenant_id, name, revision, spec)
        values ('00000000-0000-0000-0000-000000000006', '00000000-0000-0000-0000-000000000001',
                'desk', 1, '{"name": "desk", "tools": ["book"]}');
        insert into workflow (id, tenant_id, name, revision, spec, published)
        values ('00000000-0000-0000-0000-000000000007', '00000000-0000-0000-0000-000000000001',
                'clinic', 1, '{"name": "clinic", "nodes": [{"name": "desk", "agent": "desk"}]}',
                '00000000-0000-0000-0000-000000000008');
        insert into workflow_version (id, tenant_id, workflow_id, number, checksum, published_at,
                                      published_by, snapshot)
        values ('00000000-0000-0000-0000-000000000008', '00000000-0000-0000-0000-000000000001',
                '00000000-0000-0000-0000-000000000007', 1, 'c0ffee', now(), 'ada', '{}');
        insert into call (id, tenant_id, kind, direction, workflow_id, version_id, user_id,
                          user_context, metadata, max_seconds, created_at)
        select id, '00000000-0000-0000-0000-000000000001', 'VOIP', 'INBOUND',
               '00000000-0000-0000-0000-000000000007', '00000000-0000-0000-0000-000000000008',
               'u1', '{"vip": true}', '{}', 3600, now()
          from unnest('{00000000-0000-0000-0000-00000000000a,
                        00000000-0000-0000-0000-00000000000b}'::uuid[]) id;
        insert into call_log (call_id, tenant_id, head, state, active_node, worker_id, deadline_at,
                              created_at, answered_at)
        select id, tenant_id, 1, 'ACTIVE', 'desk', '00000000-0000-0000-0000-0000000000f0',
               now() + interval '1 hour', created_at, now()
          from call;
        insert into call_event (tenant_id, call_id, seq, at, kind, body)
        select tenant_id, id, 1, now(), 'state_changed',
               '{"state": "ACTIVE", "before": "CONNECTING", "kind": "state_changed"}'
          from call;
        insert into call_command (id, tenant_id, call_id, kind, body, asked_by)
        select gen_random_uuid(), tenant_id, id, asked, '{"text": "Hello."}', 'ada'
          from call, unnest('{SEND_TEXT,END}'::text[]) asked;
        insert into idempotency (tenant_id, key, digest, call_id)
        values ('00000000-0000-0000-0000-000000000001', 'k1', 'd1',
                '00000000-0000-0000-0000-00000000000a');
        select end_call('00000000-0000-0000-0000-00000000000b', null, false, 'ENDED_BY_API',
                        'COMPLETED', 'API');
    """,
    "0002": """
        insert into tenant_settings (tenant_id, revision, spec)
        values ('00000000-0000-0000-0000-000000000001', 1, '{}');
    """,
    "0003": """
        insert into data_key (tenant_id, key_id, wrapped)
        values ('00000000-0000-0000-0000-000000000001', 'k', '\\x03');
        insert into credential (id, tenant_id, kind, name, last_four, sealed, updated_by)
        values ('00000000-0000-0000-0000-00000000000c', '00000000-0000-0000-0000-000000000001',
                'SECRET', 'crm', '1234', '\\x04', 'ada');
    """,
    "0004": """
        insert into recording (call_id, tenant_id, epoch, state, started_at)
        values ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-000000000001', 1,
                'RECORDING', now());
    """,
    "0005": """
        insert into tenant_month (tenant_id, month, calls, talk_ms, spent)
        values ('00000000-0000-0000-0000-000000000001', '2026-01-01', 3, 180000, 42);
        update call_log set spent = 7;
    """,
    "0008": "update call_log set takeovers = 1 where ended_at is null;",
    "0009": """
        update api_key set key_id = 'k', created_by = 'ada';
        insert into known_address (tenant_id, user_id, network)
        values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002',
                '\\x05');
    """,
    "0012": """
        insert into outbound_trunk (id, tenant_id, name, revision, spec, sealed)
        values ('00000000-0000-0000-0000-000000000010', '00000000-0000-0000-0000-000000000001',
                'carrier', 1, '{"name": "carrier", "address": "sip.example.com", "region": "US"}',
                '\\x06');
        insert into inbound_trunk (id, tenant_id, name, revision, spec)
        values ('00000000-0000-0000-0000-000000000011', '00000000-0000-0000-0000-000000000001',
                'carrier', 1, '{"name": "carrier", "allowed_addresses": ["192.0.2.0/30"]}');
        insert into phone_number (id, tenant_id, number, workflow_id, inbound_trunk_id,
                                  outbound_trunk_id, revision, spec)
        values ('00000000-0000-0000-0000-000000000012', '00000000-0000-0000-0000-000000000001',
                '+12025550123', '00000000-0000-0000-0000-000000000007',
                '00000000-0000-0000-0000-000000000011', '00000000-0000-0000-0000-000000000010', 1,
                '{"number": "+12025550123"}');
        insert into installation default values;
    """,
    "0013": """
        update call set from_number = '+12025550101', to_number = '+12025550102',
               phone_number = '+12025550102', room_name = 'in_' || id, caller_identity = 'sip_1',
               scheduled_for = now(), ringing_seconds = 30, trunk_id = id, phone_number_id = id,
               calling_hours = '{"start": "08:00:00", "end": "21:00:00", "time_zone": null}';
        update call_log set due_at = now(), trunk_id = call_id, dial_claimed_at = now(),
               answered_by = 'PERSON';
        insert into call_event (tenant_id, call_id, seq, at, kind, body)
        select tenant_id, call_id, head + 1, now(), 'dial_failed',
               '{"reason": "BUSY", "sip_status": 486, "after_ms": 900, "kind": "dial_failed"}'
          from call_log where ended_at is null;
        update call_log set head = head + 1 where ended_at is null;
        insert into trunk_usage (trunk_id, tenant_id, day, calls)
        select id, tenant_id, '2026-01-01', 3 from outbound_trunk;
    """,
    "0014": "update call set language = 'de-DE', is_recorded = false;",
    "0015": """
        insert into transfer_leg (id, tenant_id, call_id, trunk_id, number)
        select gen_random_uuid(), tenant_id, call_id, call_id, '+12025550103' from call_log;
    """,
    "0016": """update call set answering = '{"voicemail": "HANG_UP"}' where kind = 'SIP';""",
    "0017": """
        update call set hold_after_seconds = 10, hold_seconds = 60, attestation = 'PARTIAL';
        insert into held_call (call_id, tenant_id, lobby_id) select id, tenant_id, id from call;
        insert into dialed_region (tenant_id, region)
        select id, 'DE' from tenant;
        update trunk_usage set talk_ms = 1000, refusals = 2, refused_since = now(),
               paused_until = now(), pause_reason = 'CARRIER_REFUSED', near_limit_on = day;
    """,
    "0018": """
        update person set name = 'Ada', password_set_at = now();
        update membership set managed_by = 'keycloak', last_used_at = now();
        update session set address = '192.0.2.1', user_agent = 'curl/8', ends_at = '2030-01-01',
               is_confined = true;
        insert into invitation (id, tenant_id, email, role, hash, invited_by, expires_at)
        select gen_random_uuid(), id, 'bob@acme.test', 'EDITOR', '\\x07', 'user:ada', '2030-01-01'
          from tenant;
        insert into password_reset (person_id, hash, created_by, expires_at)
        select id, '\\x08', 'user:ada', '2030-01-01' from person;
        insert into mail (id, recipient, key_id, sealed, reset_hash, expires_at)
        values (gen_random_uuid(), 'bob@acme.test', 'k', '\\x09', '\\x0a', '2030-01-01');
    """,
    "0019": """
        insert into custom_role (id, tenant_id, name, revision, spec)
        values ('00000000-0000-0000-0000-000000000019', '00000000-0000-0000-0000-000000000001',
                'support', 1, '{"name": "support", "scopes": ["calls:read"]}');
        update api_key set role = 'support', networks = '{192.0.2.0/24}', replaced_by = id;
        update credential set hosts = '{api.example.com}';
    """,
    "0020": """
        insert into audit_retention (tenant_id, days) select id, 90 from tenant;
        select link_audit_entries(id, 1) from tenant;
        insert into audit_head (tenant_id, seq, hash, signed_at, key_id, signature)
        select tenant_id, seq, hash, now(), 'k', '\\x07' from audit_link;
        insert into audit_cut (tenant_id, seq, hash, first_at, last_at, cut_at, key_id, signature)
        select tenant_id, 0, hash, now(), now(), now(), 'k', '\\x07' from audit_link;
    """,
    "0021": """
        insert into identity_provider (id, tenant_id, name, revision, spec, sealed)
        values ('00000000-0000-0000-0000-000000000021', '00000000-0000-0000-0000-000000000001',
                'acme', 1, '{"name": "acme", "label": "Sign in", "issuer": "https://id.acme.example",
                "client_id": "studio"}', '\\x08');
        insert into federated_identity (tenant_id, issuer, subject, person_id)
        select tenant_id, 'https://id.acme.example', 'ada', person_id from membership limit 1;
        insert into federated_session (session_id, provider_id, subject, tenant_id)
        select id, '00000000-0000-0000-0000-000000000021', 'ada', tenant_id from session limit 1;
        insert into sign_in_handoff (hash, provider_id, subject, sealed, expires_at, tenant_id)
        select '\\x09', id, 'ada', '\\x0a', now(), tenant_id from identity_provider;
        insert into logout_token (provider_id, hash, expires_at, tenant_id)
        select id, '\\x0b', now(), tenant_id from identity_provider;
        insert into totp (person_id, sealed, key_id, confirmed_at, last_step)
        select id, '\\x0c', 'k', now(), 1 from person limit 1;
        insert into recovery_code (person_id, digest) select person_id, '\\x0d' from totp;
    """,
    "0022": """
        update tenant set suspended_at = now(), suspension_reason = 'unpaid',
               quotas = '{"agents": 5}';
        update credential set base_url = 'https://llm.example.com/v1', header_names = '{x-team}',
               sealed_endpoint = '\\x07';
        insert into installation_operator (subject)
        values ('user:00000000-0000-0000-0000-000000000002');
        insert into tenant_usage (tenant_id, storage_bytes)
        values ('00000000-0000-0000-0000-000000000001', 4096);
        insert into deleted_tenant (id, slug, counts)
        values ('00000000-0000-0000-0000-000000000020', 'gone', '{"call": 3}');
    """,
    "0023": """
        update worker_process set voice_capacity = 3, host = 'studio-1';
        insert into call_label (tenant_id, name, value, created_at, call_id)
        select tenant_id, 'agent', 'desk', created_at, id from call;
    """,
    "0026": "update transfer_leg set answered_at = claimed_at;",
    "0027": "update call_log set dialed_number = '+12025550102' where trunk_id is not null;",
}


def rows_of(revisions: Sequence[str]) -> str:
    """The script that inserts the rows of these revisions."""
    user = _PERSON if "0018" in revisions else _USER
    return "".join(_ROWS.get(revision, "") for revision in revisions).replace("{user}", user)
