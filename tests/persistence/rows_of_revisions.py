"""Rows for a database at any revision: those of a revision fill the tables and columns that it adds."""

from __future__ import annotations

from collections.abc import Sequence

_ROWS = {
    "0001": """
        insert into worker_process (id, capacity) values ('00000000-0000-0000-0000-0000000000f0', 9);
        insert into tenant (id, slug, name)
        values ('00000000-0000-0000-0000-000000000001', 'acme', 'Acme');
        insert into app_user (id, tenant_id, email, role, password_hash)
        values ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001',
                'ada@acme.test', 'OWNER', '$argon2id$');
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
}


def rows_of(revisions: Sequence[str]) -> str:
    """The script that inserts the rows of these revisions."""
    return "".join(_ROWS.get(revision, "") for revision in revisions)
