"""Operators manage the tenants of the installation: over the API and on the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from domain.calls.events import CallEnded
from domain.calls.model import EndReason
from domain.common.access import PersonId, Role, Scope, Tenant, Viewer
from domain.common.command_line import CommandLine, InvalidArguments
from domain.common.errors import Forbidden, TenantSuspended
from domain.common.lists import Window
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.workflows import publish_workflow
from graph.app import build_schema_with_loaders
from persistence.api_keys import owner_key_issuer
from persistence.key_ring import KeyRing
from persistence.tenant_commands import (
    add_tenant_commands,
    read_certificate,
    run_tenant_command,
)
from persistence.worker_wiring import WorkerServices, worker_services
from resolvers.global_ids import global_id, member_id
from tests.api.test_accounts import until_waiting
from tests.api.test_audit_log import OF_OPERATORS, RESET_LINK, Walk, log_of
from tests.api.test_key_management import CREATE as CREATE_KEY
from tests.conftest import new_tenant
from tests.support.api_server import Api, add_member, running_api
from tests.support.demo_workflow import publish_clinic
from tests.support.graphql_calls import ERROR_FIELDS, mutate
from tests.support.people import ACCEPT, INVITE, an_email, invited, owner_at, visitor_at
from tests.support.processes import run_module
from tests.support.viewers import owner_of
from tests.worker.test_text_calls import started, watch
from worker.keeper.tenants import TenantKeeper

pytestmark = pytest.mark.anyio

TENANT = "tenant { id slug name state suspensionReason deleteAt quotas { agents sockets } }"
CREATE = f"""mutation ($input: CreateTenantInput!) {{ createTenant(input: $input) {{ __typename
  ... on CreateTenantSuccess {{ apiKeyValue {TENANT} }} {ERROR_FIELDS} }} }}"""
UPDATE = f"""mutation ($input: UpdateTenantInput!) {{ updateTenant(input: $input) {{ __typename
  ... on UpdateTenantSuccess {{ {TENANT} }} {ERROR_FIELDS} }} }}"""
SUSPEND = f"""mutation ($input: SuspendTenantInput!) {{ suspendTenant(input: $input) {{ __typename
  ... on SuspendTenantSuccess {{ {TENANT} }} {ERROR_FIELDS} }} }}"""
RESUME = f"""mutation ($input: ResumeTenantInput!) {{ resumeTenant(input: $input) {{ __typename
  ... on ResumeTenantSuccess {{ {TENANT} }} {ERROR_FIELDS} }} }}"""
DELETE = f"""mutation ($input: DeleteTenantInput!) {{ deleteTenant(input: $input) {{ __typename
  ... on DeleteTenantSuccess {{ {TENANT} }} {ERROR_FIELDS} }} }}"""
RESTORE = f"""mutation ($input: RestoreTenantInput!) {{ restoreTenant(input: $input) {{ __typename
  ... on RestoreTenantSuccess {{ {TENANT} }} {ERROR_FIELDS} }} }}"""
LIST = """query ($filter: TenantFilter, $first: Int, $after: Cursor) {
  tenants(filter: $filter, first: $first, after: $after) {
    edges { node { slug state } } pageInfo { hasNextPage endCursor } } }"""
DELETED = """{ deletedTenants { edges { node { slug requestedBy counts certificate } } } }"""
DELETED_TENANT = """insert into deleted_tenant (id, slug, counts, deleted_at, certificate)
  values ($1, 'gone', '{}', now(), '')"""
OPERATOR = "user:00000000-0000-0000-0000-000000000009"
ADA = PersonId(UUID(int=11))


async def execute(settings: Settings, statement: str, *values: Any) -> list[asyncpg.Record]:
    db = await asyncpg.connect(settings.database_url)
    try:
        return list(await db.fetch(statement, *values))
    finally:
        await db.close()


@pytest.fixture
async def operator(settings: Settings) -> Viewer:
    """An owner of a tenant who is an operator of the installation as well."""
    owner = replace(owner_of(await new_tenant(settings, "platform")), subject=OPERATOR)
    await execute(settings, "insert into installation_operator (subject) values ($1)", OPERATOR)
    return owner


@pytest.fixture
async def admin(services: Services, settings: Settings, operator: Viewer) -> AsyncIterator[Api]:
    async with running_api(services, settings, operator, build_schema_with_loaders) as running:
        yield running


def id_of(tenant: Tenant) -> str:
    return global_id("ManagedTenant", tenant.id)


async def suspend(api: Api, tenant: Tenant) -> None:
    done = await mutate(api, SUSPEND, id=id_of(tenant), reason="unpaid")
    assert done["tenant"]["state"] == "SUSPENDED"


async def until_refused(api: Api) -> tuple[int, str]:
    """A credential is looked up at most once a second."""
    async with asyncio.timeout(60):
        while (answer := await api.post("{ viewer { subject } }")).status_code == 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    [error] = answer.json()["errors"]
    return answer.status_code, str(error["extensions"]["code"])


async def test_operators_create_rename_and_list_tenants(admin: Api, settings: Settings) -> None:
    made = await mutate(admin, CREATE, slug="acme", name="Acme", quotas={"agents": 5})
    assert made["tenant"] | {"id": ""} == {
        "id": "",
        "slug": "acme",
        "name": "Acme",
        "state": "ACTIVE",
        "suspensionReason": None,
        "deleteAt": None,
        "quotas": {"agents": 5, "sockets": None},
    }
    as_owner = {"auth": False, "headers": {"x-api-key": made["apiKeyValue"]}}
    seen = await admin.execute("{ viewer { tenant { slug } scopes } }", **as_owner)
    assert seen["data"]["viewer"]["tenant"] == {"slug": "acme"}
    assert "INSTALLATION_MANAGE" not in seen["data"]["viewer"]["scopes"]
    refused = await admin.execute("{ tenants { edges { cursor } } }", **as_owner)
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    first_owner = {"input": {"email": "ada@acme.example", "role": "OWNER"}}
    invited_by_key = await admin.execute(INVITE, **as_owner, variables=first_owner)
    assert invited_by_key["data"]["inviteMember"]["invitation"]["role"] == "OWNER"
    taken = await mutate(admin, CREATE, slug="acme", name="Acme again")
    assert (taken["code"], taken["path"]) == ("NAME_TAKEN", ["input", "slug"])
    id = made["tenant"]["id"]
    renamed = await mutate(
        admin,
        UPDATE,
        id=id,
        slug="acme-corp",
        name="Acme Corp.",
        quotas={"agents": None, "sockets": 0},
    )
    assert renamed["tenant"]["slug"] == "acme-corp"
    assert renamed["tenant"]["quotas"] == {"agents": None, "sockets": 0}
    taken = await mutate(admin, UPDATE, id=id, slug="platform")
    assert (taken["code"], taken["path"]) == ("NAME_TAKEN", ["input", "slug"])
    first = (await admin.execute(LIST, variables={"first": 1}))["data"]["tenants"]
    assert [edge["node"]["slug"] for edge in first["edges"]] == ["acme-corp"]
    after = first["pageInfo"]["endCursor"]
    rest = (await admin.execute(LIST, variables={"after": after}))["data"]["tenants"]
    assert [edge["node"]["slug"] for edge in rest["edges"]] == ["platform"]
    for filter, slugs in (
        ({"search": "CORP"}, ["acme-corp"]),
        ({"slug": "acme"}, []),
        ({"state": "SUSPENDED"}, []),
        ({"search": "%"}, []),
    ):
        found = (await admin.execute(LIST, variables={"filter": filter}))["data"]["tenants"]
        assert [edge["node"]["slug"] for edge in found["edges"]] == slugs, filter
    refused = await admin.execute(LIST, variables={"filter": {"search": "x" * 201}})
    assert refused["errors"][0]["extensions"]["path"] == ["filter", "search"]


async def test_every_bad_input_is_refused_and_changes_nothing(
    admin: Api, settings: Settings, operator: Viewer
) -> None:
    before = await execute(settings, "select * from tenant order by id")
    own = id_of(Tenant(id=operator.tenant_id, slug="", name=""))
    unknown = global_id("ManagedTenant", UUID(int=7))
    for document, given, code, path in (
        (CREATE, {"slug": "Not A Slug", "name": "x"}, "INVALID_INPUT", ["slug"]),
        (CREATE, {"slug": "x", "name": " "}, "INVALID_INPUT", ["name"]),
        (
            CREATE,
            {"slug": "x", "name": "x", "quotas": {"agents": -1}},
            "INVALID_INPUT",
            ["quotas", "agents"],
        ),
        (UPDATE, {"id": unknown, "name": "x"}, "NOT_FOUND", ["id"]),
        (UPDATE, {"id": unknown, "name": None}, "INVALID_INPUT", ["name"]),
        (UPDATE, {"id": unknown, "quotas": None}, "INVALID_INPUT", ["quotas"]),
        (UPDATE, {"id": "garbage", "name": "x"}, "NOT_FOUND", ["id"]),
        (SUSPEND, {"id": own, "reason": "x"}, "INVALID_INPUT", ["id"]),
        (SUSPEND, {"id": unknown, "reason": ""}, "INVALID_INPUT", ["reason"]),
        (RESUME, {"id": unknown}, "NOT_FOUND", ["id"]),
        (DELETE, {"id": own, "confirmSlug": "platform"}, "INVALID_INPUT", ["id"]),
        (
            DELETE,
            {"id": unknown, "confirmSlug": "x", "graceDays": 0},
            "INVALID_INPUT",
            ["graceDays"],
        ),
        (DELETE, {"id": unknown, "confirmSlug": "x"}, "NOT_FOUND", ["id"]),
        (RESTORE, {"id": unknown}, "NOT_FOUND", ["id"]),
    ):
        refused = await mutate(admin, document, **given)
        assert (refused["code"], refused["path"]) == (code, ["input", *path]), (document, given)
    several = DELETE.replace(ERROR_FIELDS, "... on ValidationError { problems { path } }")
    refused = await mutate(admin, several, id=own, confirmSlug="x", graceDays=0)
    paths = {problem["path"][-1] for problem in refused["problems"]}
    assert paths == {"id", "confirmSlug", "graceDays"}
    assert await execute(settings, "select * from tenant order by id") == before


COUNTED_LISTS = ("members", "invitations", "apiKeys", "tenants", "deletedTenants", "versions")


async def read_from_both_ends(api: Api, name: str) -> list[str]:
    """The cursors of a list, which are the same from the first page to the last and back."""
    count = "" if name == "auditLog" else "totalCount { value isEstimate }"
    page = f"""list: {name}(first: $first, after: $after, last: $last, before: $before) {{
        {count} edges {{ cursor }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}"""
    field = f'workflow(by: {{slug: "clinic"}}) {{ {page} }}' if name == "versions" else page
    document = "query ($first: Int, $after: Cursor, $last: Int, $before: Cursor) { " + field + " }"
    forwards: list[str] = []
    backwards: list[str] = []
    for size, edge, cursor, more, others, read in (
        ("first", "after", "endCursor", "hasNextPage", "hasPreviousPage", forwards),
        ("last", "before", "startCursor", "hasPreviousPage", "hasNextPage", backwards),
    ):
        given: dict[str, Any] = {size: 2}
        while True:
            data = (await api.execute(document, variables=given))["data"]
            found = (data["workflow"] if name == "versions" else data)["list"]
            cursors, info = [each["cursor"] for each in found["edges"]], found["pageInfo"]
            read[:] = cursors + read if size == "last" else read + cursors
            assert info[others] is (edge in given), (name, given)
            if not info[more]:
                break
            given[edge] = info[cursor]
    assert forwards == backwards, name
    assert name == "auditLog" or found["totalCount"] == {
        "value": len(forwards),
        "isEstimate": False,
    }
    return forwards


async def test_lists_can_be_read_from_both_ends(
    admin: Api, services: Services, settings: Settings, operator: Viewer
) -> None:
    await publish_clinic(services, operator)
    async with services.store.transaction(operator.tenant_id) as work:
        [workflow] = await work.workflows.by_names(["clinic"])
    for note in ("again", "once more"):
        await publish_workflow(services, operator, workflow.id, workflow.revision, note)
    for n in range(3):
        email = f"{n}@acme.example"
        await mutate(admin, INVITE, email=email, role="VIEWER")
        await mutate(admin, CREATE_KEY, name=f"key-{n}", role="VIEWER")
        await add_member(settings, operator.tenant_id, PersonId(UUID(int=20 + n)), email, "VIEWER")
        await mutate(admin, CREATE, slug=f"tenant-{n}", name="Acme")
        await execute(settings, DELETED_TENANT, UUID(int=20 + n))
    for name in COUNTED_LISTS:
        assert len(await read_from_both_ends(admin, name)) >= 3, name
    assert len(await read_from_both_ends(admin, "auditLog")) > 3


async def test_only_operators_manage_tenants(
    services: Services, settings: Settings, tenant: Tenant
) -> None:
    """The database refuses as well, in case that a use case forgets to."""
    documents = (
        (CREATE, {"slug": "mine", "name": "Mine"}),
        (UPDATE, {"id": id_of(tenant), "name": "Mine"}),
        (SUSPEND, {"id": id_of(tenant), "reason": "x"}),
        (RESUME, {"id": id_of(tenant)}),
        (DELETE, {"id": id_of(tenant), "confirmSlug": "acme"}),
        (RESTORE, {"id": id_of(tenant)}),
    )
    async with running_api(services, settings, owner_of(tenant), build_schema_with_loaders) as api:
        for document, given in documents:
            answer = await api.execute(document, variables={"input": given})
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN", document
        for query in (LIST, DELETED):
            answer = await api.execute(query)
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN", query
    with pytest.raises(Forbidden, match="not one of an operator"):
        await services.tenants.page(owner_of(tenant).subject, Window(10))
    [row] = await execute(settings, "select count(*), min(slug) as slug from tenant")
    assert tuple(row) == (1, "acme")


async def test_a_key_with_the_scope_is_no_operator_without_the_installations_consent(
    api: Api, settings: Settings
) -> None:
    await execute(
        settings, "update api_key set role = null, scopes = scopes || '{installation:manage}'"
    )
    answer = await api.execute(LIST, auth=False, headers={"x-api-key": api.key})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_suspended_tenant_is_out_and_back_when_it_is_resumed(
    services: Services, settings: Settings, admin: Api, viewer: Viewer, tenant: Tenant
) -> None:
    await publish_clinic(services, viewer)
    call = await started(services, viewer)
    async with (
        running_api(services, settings, viewer, build_schema_with_loaders) as api,
        worker_services(settings) as wired,
    ):
        async with api.socket() as socket:
            await socket.subscribe("calls", "subscription { calls { __typename } }")
            await socket.receive()
            await suspend(admin, tenant)
            assert (await socket.wait_closed())[0] == 4401
        assert await until_refused(api) == (403, "TENANT_SUSPENDED")
        with pytest.raises(TenantSuspended):
            await services.accounts.authenticate_credential(api.key)
        async with api.socket({}) as refused:
            await refused.send(
                type="connection_init", payload={"authorization": f"Bearer {api.key}"}
            )
            assert await refused.wait_closed() == (4401, "TENANT_SUSPENDED")
        await keeper(wired).end_calls_of_suspended()
        [ended] = [
            e for e in await watch(services, viewer, call.id, CallEnded) if isinstance(e, CallEnded)
        ]
        assert ended.reason is EndReason.TENANT_SUSPENDED
        assert (await admin.post("{ viewer { subject } }")).status_code == 200, "others continue"
        resumed = await mutate(admin, RESUME, id=id_of(tenant))
        assert (resumed["tenant"]["state"], resumed["tenant"]["suspensionReason"]) == (
            "ACTIVE",
            None,
        )
        async with asyncio.timeout(60):
            while (await api.post("{ viewer { subject } }")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_people_of_a_suspended_tenant_sign_in_to_their_others(
    services: Services, settings: Settings, admin: Api, operator: Viewer, tenant: Tenant
) -> None:
    for joined in (operator.tenant_id, tenant.id):
        await add_member(settings, joined, ADA, "ada@acme.test", Role.OWNER)
    pair = await services.accounts.sign_in(ADA, tenant.id)
    async with running_api(services, settings, owner_of(tenant), build_schema_with_loaders) as api:
        token = await invited(owner_at(api), an_email(), "EDITOR")
    await suspend(admin, tenant)
    members = await execute(settings, "select * from membership order by 1, 2")
    used = await services.accounts.sign_in(ADA)
    viewer = await services.accounts.authenticate_credential(used.access)
    assert viewer.tenant_id == operator.tenant_id
    with pytest.raises(TenantSuspended):
        await services.accounts.sign_in(ADA, tenant.id)
    with pytest.raises(TenantSuspended):
        await services.accounts.refresh(pair.refresh)
    refused = await visitor_at(admin).run(ACCEPT, token=token, password="twelve quiet lamps fly")
    assert refused["code"] == "TENANT_SUSPENDED"
    stored = await execute(settings, "select * from membership order by 1, 2")
    assert [each["person_id"] for each in stored] == [each["person_id"] for each in members]
    await mutate(admin, RESUME, id=id_of(tenant))
    assert await services.accounts.refresh(pair.refresh)


async def test_a_new_operator_may_manage_tenants_at_once(api: Api, settings: Settings) -> None:
    assert (await api.execute(LIST))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    subject = (await api.execute("{ viewer { subject } }"))["data"]["viewer"]["subject"]
    for change, is_operator in (
        ("insert into installation_operator (subject) values ($1)", True),
        ("delete from installation_operator where subject = $1", False),
    ):
        await execute(settings, change, subject)
        async with asyncio.timeout(60):
            while ("errors" not in await api.execute(LIST)) is not is_operator:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        kinds = {True: ["CREATED"], False: ["DELETED", "CREATED"]}[is_operator]
        entries = [entry for entry in await log_of(api, 100) if entry["target"]]
        found = [e for e in entries if e["target"]["type"] == "installation_operator"]
        assert [entry["kind"] for entry in found] == kinds


async def test_members_of_their_tenant_cannot_become_an_operator(
    services: Services, settings: Settings, api: Api, tenant: Tenant
) -> None:
    await add_member(settings, tenant.id, ADA, "ada@acme.test", Role.EDITOR)
    subject = f"user:{ADA}"
    await execute(settings, "insert into installation_operator (subject) values ($1)", subject)
    # The owner of the tenant chooses the identity provider that vouches for Ada.
    for confined, is_operator in ((False, True), (True, False)):
        pair = await services.accounts.sign_in(ADA, tenant.id, confined=confined)
        viewer = await services.accounts.authenticate_credential(pair.access)
        assert (Scope.INSTALLATION_MANAGE in viewer.scopes) is is_operator
    member = {"id": member_id(tenant.id, ADA)}
    assert await owner_at(api).code(RESET_LINK, **member) == "FORBIDDEN"
    assert await execute(settings, "select * from password_reset") == []


async def test_no_link_to_set_a_password_leads_to_an_operator_who_is_added_meanwhile(
    settings: Settings, api: Api, tenant: Tenant
) -> None:
    await add_member(settings, tenant.id, ADA, "ada@acme.test", Role.EDITOR)
    db = await asyncpg.connect(settings.database_url)
    slow = db.transaction()
    await slow.start()
    insert = "insert into installation_operator (subject) values ($1)"
    await db.execute(insert, f"user:{ADA}")
    adding = asyncio.create_task(run_command(settings, "operators", "add", "ada@acme.test"))
    await until_waiting(settings, 1, adding)
    link_of = {"id": member_id(tenant.id, ADA)}
    creating = asyncio.create_task(owner_at(api).code(RESET_LINK, **link_of))
    await until_waiting(settings, 2, creating)
    await slow.rollback()
    await db.close()
    assert await adding == f"user:{ADA} is an operator: ada@acme.test, tenants: acme."
    assert await creating == "FORBIDDEN"
    assert await execute(settings, "select * from password_reset") == []


async def test_what_operators_do_is_in_the_logs_of_both_tenants(
    admin: Api, settings: Settings
) -> None:
    walk = Walk(admin, settings, OPERATOR)
    await walk.does("createTenant", slug="acme", name="Acme")
    row = await walk.row("tenant", "Acme")
    id = global_id("ManagedTenant", row["id"])
    await walk.does("updateTenant", id=id, quotas={"agents": 5})
    await walk.does("suspendTenant", id=id, reason="unpaid since May")
    await walk.does("resumeTenant", id=id)
    await walk.does("deleteTenant", id=id, confirmSlug="acme")
    await walk.does("restoreTenant", id=id)
    assert walk.seen == OF_OPERATORS
    of_both = ["UPDATED"] * 5 + ["CREATED"]
    seen_by_operator = await log_of(admin, target=id)
    assert [entry["kind"] for entry in seen_by_operator] == of_both
    assert "Acme" not in str(seen_by_operator)
    entries = await execute(
        settings,
        "select kind, actor, body from audit_entry where tenant_id = $1 and target_kind = 'tenant' "
        "order by at desc, id",
        row["id"],
    )
    assert [(entry["kind"], entry["actor"]) for entry in entries] == [
        (kind, OPERATOR) for kind in of_both
    ]
    bodies = " ".join(entry["body"] for entry in entries)
    assert '"agents": 5' in bodies
    assert "unpaid" not in bodies


def keeper(wired: WorkerServices) -> TenantKeeper:
    return TenantKeeper(wired.tenants, has_audio_store=True)


async def overdue(settings: Settings, tenant: Tenant) -> None:
    """Let the time of grace pass."""
    statement = "update tenant set delete_at = now() - interval '1 second' where id = $1"
    await execute(settings, statement, tenant.id)


async def test_a_tenant_is_deleted_after_its_time_of_grace_and_the_proof_remains(
    services: Services,
    settings: Settings,
    admin: Api,
    viewer: Viewer,
    tenant: Tenant,
    tmp_path: Path,
) -> None:
    await publish_clinic(services, viewer)
    await started(services, viewer)
    await add_member(settings, tenant.id, ADA, "ada@acme.test", Role.OWNER)
    others = await rows_of_others(settings, tenant)
    wrong = await mutate(admin, DELETE, id=id_of(tenant), confirmSlug="acmee")
    assert (wrong["code"], wrong["path"]) == ("INVALID_INPUT", ["input", "confirmSlug"])
    deleting = await mutate(admin, DELETE, id=id_of(tenant), confirmSlug="acme", graceDays=7)
    assert deleting["tenant"]["state"] == "DELETING"
    async with worker_services(settings) as wired:
        await keeper(wired).delete_due()
        assert await rows_of(settings, tenant) != {}, "not before its time"
        restored = await mutate(admin, RESTORE, id=id_of(tenant))
        assert (restored["tenant"]["state"], restored["tenant"]["deleteAt"]) == ("ACTIVE", None)
        await mutate(admin, DELETE, id=id_of(tenant), confirmSlug="acme")
        await overdue(settings, tenant)
        await keeper(wired).delete_due()
        assert await rows_of(settings, tenant) != {}, "its call has not ended"
        await keeper(wired).end_calls_of_suspended()
        await asyncio.gather(keeper(wired).delete_due(), keeper(wired).delete_due())
    assert await rows_of(settings, tenant) == {}
    assert await execute(settings, "select * from person where email like '%@acme.test'") == []
    assert await rows_of_others(settings, tenant) == others
    too_late = await mutate(admin, RESTORE, id=id_of(tenant))
    assert too_late["code"] == "NOT_FOUND"
    [edge] = (await admin.execute(DELETED))["data"]["deletedTenants"]["edges"]
    proof = edge["node"]
    assert (proof["slug"], proof["requestedBy"]) == ("acme", OPERATOR)
    assert {
        name: proof["counts"][name] for name in ("agent", "tool", "call", "workflow_version")
    } == {
        "agent": 2,
        "tool": 1,
        "call": 1,
        "workflow_version": 1,
    }
    ring = KeyRing.from_secret_key(settings.secret_key)
    facts = read_certificate(ring, proof["certificate"])
    assert (facts["slug"], facts["sub"], facts["remaining_rows"]) == ("acme", str(tenant.id), 0)
    forged = proof["certificate"][:-4] + "AAAA"
    with pytest.raises(InvalidArguments):
        read_certificate(ring, forged)
    (tmp_path / "proof").write_text(proof["certificate"])
    checked = await studio_admin(settings, "verify-deletion", str(tmp_path / "proof"))
    assert checked[0] == 0, checked
    assert "The database has no rows of it." in checked[1]


async def test_a_tenant_is_deleted_after_its_audio(
    services: Services, settings: Settings, viewer: Viewer, tenant: Tenant
) -> None:
    await publish_clinic(services, viewer)
    call = await started(services, viewer)
    await overdue(settings, tenant)
    statement = (
        "insert into recording (call_id, tenant_id, epoch, state, started_at) "
        "values ($1, $2, 1, 'READY', now())"
    )
    await execute(settings, statement, call.id, tenant.id)
    async with worker_services(settings) as wired:
        await keeper(wired).end_calls_of_suspended()
        await keeper(wired).delete_due()
        [recording] = await execute(settings, "select state, cleared, deleted_by from recording")
        assert tuple(recording) == ("DELETED", False, "tenant deletion")
        assert "call" in await rows_of(settings, tenant), "the key of the audio is in this row"
        # As a recording job does when it has deleted the audio.
        await execute(settings, "update recording set cleared = true")
        await keeper(wired).delete_due()
    assert await rows_of(settings, tenant) == {}


async def rows_of(settings: Settings, tenant: Tenant) -> dict[str, int]:
    tables = await execute(
        settings,
        "select table_name as name from information_schema.columns "
        "where table_schema = 'public' and column_name = 'tenant_id' "
        "and table_name <> 'access_change'",
    )
    counts = {
        row["name"]: (
            await execute(
                settings, f"select count(*) from {row['name']} where tenant_id = $1", tenant.id
            )
        )[0][0]
        for row in tables
    }
    return {name: count for name, count in counts.items() if count}


async def rows_of_others(settings: Settings, tenant: Tenant) -> list[Any]:
    users = await execute(
        settings, "select person_id from membership where tenant_id <> $1 order by 1", tenant.id
    )
    keys = await execute(
        settings, "select id from api_key where tenant_id <> $1 order by 1", tenant.id
    )
    return [*users, *keys]


# ---- the command line -----------------------------------------------------------------------


async def studio_admin(settings: Settings, *words: str) -> tuple[int | None, str]:
    return await run_module(settings, "local.cli", "admin", *words)


async def run_command(settings: Settings, *words: str) -> str:
    """What a command prints, without a process of its own, which takes seconds to start."""
    parser = CommandLine()
    add_tenant_commands(parser.add_subparsers(required=True, dest="command"))
    return await run_tenant_command(settings, parser.parse_args(words), owner_key_issuer(settings))


async def test_tenants_are_managed_on_the_command_line(
    services: Services, settings: Settings
) -> None:
    code, said = await studio_admin(
        settings, "tenant", "create", "beta", "--name", "Beta", "--agents", "3"
    )
    assert code == 0, said
    key = said.splitlines()[-1]
    viewer = await services.accounts.authenticate_credential(key)
    assert viewer.quotas.agents == 3
    wrong = await studio_admin(settings, "tenant", "delete", "beta", "--confirm", "gamma")
    assert wrong == (2, "--confirm must repeat the slug of the tenant.\n")
    listed = json.loads(await run_command(settings, "tenants", "--json"))
    assert [(each["slug"], each["state"], each["quotas"]) for each in listed] == [
        ("beta", "ACTIVE", {"agents": 3})
    ]
    for words, said in (
        (
            ("tenant", "update", "beta", "--slug", "gamma", "--agents", "default"),
            "The tenant gamma is active.",
        ),
        (
            ("tenant", "suspend", "gamma", "--reason", "unpaid"),
            "The tenant gamma is suspended: unpaid.",
        ),
        (("tenant", "resume", "gamma"), "The tenant gamma is active."),
        (("operators",), "There are no operators."),
        (
            ("operators", "add", key[:12]),
            f"{viewer.subject} is an operator: beta owner, tenants: gamma.",
        ),
        (("operators", "add", key[:12]), f"{viewer.subject}: nothing to do."),
        (("operators",), f"{viewer.subject}  beta owner  gamma"),
        (("operators", "remove", viewer.subject), f"{viewer.subject} is no operator any more."),
    ):
        assert await run_command(settings, *words) == said, words
    with pytest.raises(InvalidArguments, match="slug must start with"):
        await run_command(settings, "tenant", "create", "Not a slug")
    with pytest.raises(InvalidArguments, match="There is no tenant 'nowhere'"):
        await run_command(settings, "tenant", "resume", "nowhere")
    # 1 would mean that a log was changed.
    unknown = await studio_admin(settings, "audit", "verify", "--tenant", "nowhere")
    assert unknown == (2, "There is no tenant 'nowhere'.\n")
    deleted = await run_command(
        settings, "tenant", "delete", "gamma", "--confirm", "gamma", "--days", "0"
    )
    assert "will be deleted on" in deleted
    async with worker_services(settings) as wired:
        await keeper(wired).delete_due()
    [proof] = json.loads(await run_command(settings, "tenants", "--deleted"))
    assert (proof["slug"], proof["requested_by"], proof["deleted"]["api_key"]) == (
        "gamma",
        "command line",
        1,
    )
