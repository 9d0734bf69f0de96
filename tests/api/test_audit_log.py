"""The audit log through the API: what leaves entries, lists with filters, retention and exports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from graphql import GraphQLUnionType, get_named_type

from domain.audit.heads import head_from_json
from domain.audit.origin import Origin, acting_as
from domain.calls.model import Call
from domain.common.access import Role, Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.agents import create_agent
from graph.app import build_schema_with_loaders
from graph.schema.build import build_schema
from persistence.api_keys import create_key
from persistence.audit_signatures import AuditSignatures
from persistence.audit_verification import verify_export
from persistence.database import DbRole
from persistence.key_ring import KeyRing
from persistence.sqlalchemy_engine import create_engine
from resolvers.global_ids import global_id, member_id
from tests.api.test_accounts import owner
from tests.api.test_identity_providers import answered as answered_by_provider
from tests.api.test_identity_providers import forger, logout_token, signed_in, studio, uuid_of
from tests.api.test_second_factors import CONFIRM, ENROL, REMOVE, REPLACE, App
from tests.api.test_transfer_calls import Rig, answered, rig
from tests.conftest import new_tenant
from tests.persistence.test_audit_log import keeping, link_all
from tests.support.api_server import Api, running_api
from tests.support.demo_workflow import RECEPTION
from tests.support.forging_provider import ForgingProvider
from tests.support.graphql_calls import GREETER, mutate
from tests.support.people import (
    LOGIN,
    SignedIn,
    new_member,
    owner_at,
    signed_in_at,
    until_ended,
)
from tests.support.single_sign_on import Installation
from tests.support.viewers import PASSWORD, owner_of

__all__ = ["forger", "owner", "rig", "studio"]

pytestmark = pytest.mark.anyio

SCHEMA = build_schema()._schema
LEAVES_NO_ENTRY = {
    "requestPasswordReset": "a keeper looks up later whether there is such a person",
    "switchTenant": "its session is an entry of the other tenant, as after login",
    "sendMessage": "the log of the call has it, with its actor",
    "refreshSession": "a session continues; only the end of a session is an entry",
    "importMcpTools": "it changes the same rows as createTool and updateSettings",
}
OF_IDENTITY_PROVIDERS = {
    *("createIdentityProvider", "updateIdentityProvider", "deleteIdentityProvider", "finishSignIn")
}
OF_OPERATORS = {
    *("createTenant", "updateTenant", "suspendTenant", "resumeTenant"),
    *("deleteTenant", "restoreTenant"),
}
LOG = """query ($filter: AuditFilter, $first: Int, $after: Cursor) {
  auditLog(filter: $filter, first: $first, after: $after) {
    since edges { node { id at kind actor actorId sessionId address requestId action target { type id name }
                   before after details seq hash body erasedAt } }
    pageInfo { hasNextPage endCursor } } }"""
EXPORT = """mutation ($input: CreateAuditExportInput!) { createAuditExport(input: $input) {
  __typename ... on CreateAuditExportSuccess { url entries } ... on Error { code path } } }"""
RETAIN = """mutation ($input: SetAuditRetentionInput!) { setAuditRetention(input: $input) {
  __typename ... on SetAuditRetentionSuccess { retention { days } } ... on Error { code path } } }"""


RESET_LINK = """mutation ($input: CreatePasswordResetLinkInput!) {
  createPasswordResetLink(input: $input) { ... on CreatePasswordResetLinkSuccess { link } } }"""
NEW_PASSWORD = "violet anchor sled 47 quartz"


async def log_of(api: Api, first: int = 20, **filter: Any) -> list[Any]:
    answer = await api.execute(LOG, variables={"filter": filter, "first": first})
    assert "errors" not in answer, answer
    return [edge["node"] for edge in answer["data"]["auditLog"]["edges"]]


async def since_of(api: Api, **filter: Any) -> datetime | None:
    answer = await api.execute(LOG, variables={"filter": filter})
    since = answer["data"]["auditLog"]["since"]
    return None if since is None else datetime.fromisoformat(since)


async def eventually(read: Callable[[], Awaitable[Any]]) -> Any:
    """What `read` returns as soon as it returns anything: some entries are added in the background."""
    async with asyncio.timeout(60):
        while not (found := await read()):  # noqa: ASYNC110 - the log cannot be waited for
            await asyncio.sleep(0.2)
    return found


def document(name: str) -> str:
    """The mutation with this name; it selects nothing but the type and the error."""
    assert SCHEMA.mutation_type is not None
    field = SCHEMA.mutation_type.fields[name]
    result = get_named_type(field.type)
    error = "... on Error { code message path }" if isinstance(result, GraphQLUnionType) else ""
    kind = get_named_type(field.args["input"].type).name
    return f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ __typename {error} }} }}"


@dataclass(frozen=True, slots=True)
class Walk:
    """Runs mutations one after the other, and checks that each leaves an entry."""

    api: Api
    settings: Settings
    subject: str
    seen: set[str] = field(default_factory=set)

    async def does(self, name: str, /, **fields: Any) -> None:
        result = await mutate(self.api, document(name), **fields)
        assert result["__typename"].endswith("Success"), (name, result)
        await self.left_entry(name, self.subject)

    async def left_entry(self, name: str, actor: str) -> None:
        self.seen.add(name)
        entries = await eventually(lambda: log_of(self.api, action=name))
        assert actor in {entry["actor"] for entry in entries}, name

    async def row(self, table: str, name: object, column: str = "name", order: str = "") -> Any:
        query = f"select * from {table} where {column} = $1 {order}"
        return await row_of(self.settings, query, name)

    async def id(self, type_: str, table: str, name: str, column: str = "name") -> str:
        return global_id(type_, (await self.row(table, name, column))["id"])


async def row_of(settings: Settings, query: str, *values: Any) -> Any:
    db = await asyncpg.connect(settings.database_url)
    try:
        return await db.fetchrow(query, *values)
    finally:
        await db.close()


async def test_every_mutation_leaves_an_entry(
    rig: Rig, settings: Settings, viewer: Viewer, owner: str
) -> None:
    walk = Walk(rig.api, settings, viewer.subject)
    await edit_drafts(walk)
    await operate_calls(walk, await answered(settings, rig))
    await change_settings(walk)
    await change_telephony(walk)
    await change_access(walk)
    await change_people(walk)
    await sign_in_and_out(walk, owner)
    assert SCHEMA.mutation_type is not None
    others = {*LEAVES_NO_ENTRY} | OF_IDENTITY_PROVIDERS | OF_OPERATORS
    assert walk.seen | others == {*SCHEMA.mutation_type.fields}
    assert walk.seen & others == set()


async def edit_drafts(walk: Walk) -> None:
    await walk.does("createAgent", **GREETER)
    agent = await walk.id("Agent", "agent", "greeter")
    await walk.does("updateAgent", id=agent, expectedRevision=1, description="Greets.")
    respond = {"respond": {"message": "Done."}}
    await walk.does("createTool", name="look_up", description="Looks up.", actions=[respond])
    tool = await walk.id("Tool", "tool", "look_up")
    await walk.does("updateTool", id=tool, expectedRevision=1, description="Looks it up.")
    await walk.does("testTool", id=tool)
    await walk.does("deleteTool", id=tool)
    node = {"id": "start", "agent": "greeter", "isEntry": True, "isExit": True}
    await walk.does("createWorkflow", slug="desk", nodes=[node])
    workflow = await walk.id("Workflow", "workflow", "desk")
    await walk.does("updateWorkflow", id=workflow, expectedRevision=1, description="A desk.")
    await walk.does("publishWorkflow", id=workflow, expectedRevision=2)
    row = await walk.row("workflow", "desk")
    await walk.does(
        "restoreWorkflow",
        id=workflow,
        versionId=global_id("WorkflowVersion", row["published"]),
        expectedRevision=row["revision"],
    )
    await walk.does("deleteWorkflow", id=workflow)
    await walk.does("deleteAgent", id=agent)
    await walk.does("importBundle", bundle={"agents": [{**GREETER, "name": "imported"}]})


async def operate_calls(walk: Walk, in_progress: Call) -> None:
    await walk.does("startCall", workflow={"slug": "clinic"}, kind="VOIP")
    [entry] = await log_of(walk.api, action="startCall")
    call = {"callId": entry["target"]["id"]}
    await walk.does("joinCall", **call)
    await walk.does("endCall", **call)
    await log_of_call_has_no_caller(walk, entry)
    call = {"callId": global_id("Call", in_progress.id)}
    await walk.does("transferCall", **call, number="+12025550103")
    await row_of(
        walk.settings,
        "insert into recording (call_id, tenant_id, epoch, state, started_at) "
        "select id, tenant_id, 1, 'RECORDING', now() from call where id = $1",
        in_progress.id,
    )
    await walk.does("deleteRecording", **call)


async def log_of_call_has_no_caller(walk: Walk, started: Any) -> None:
    about = await log_of(walk.api, target=started["target"]["id"])
    assert [entry["kind"] for entry in about] == ["ENDED", "ACCESSED", "CREATED"]
    assert not {"user_id", "phone_number", "user_context", "metadata"} & started["after"].keys()


async def change_settings(walk: Walk) -> None:
    await walk.does("setCredential", provider="deepgram", key="key-of-the-tenant")
    await walk.does("testCredential", provider="deepgram", key="key-of-the-tenant")
    await walk.does("deleteCredential", provider="deepgram")
    # The attempt is an entry, whatever becomes of it.
    voice = {"provider": "cartesia", "model": "sonic-3"}
    await mutate(walk.api, document("previewVoice"), tts=voice)
    await walk.left_entry("previewVoice", walk.subject)
    await walk.does("setSecret", name="crm", value="value")
    await walk.does("deleteSecret", name="crm")
    await walk.does("updateSettings", expectedRevision=0, values={"city": "Berlin"})
    await walk.does("setAuditRetention", days=90)
    await walk.does("createAuditExport")


async def change_telephony(walk: Walk) -> None:
    await walk.does("createOutboundTrunk", name="second", address="sip.example.com", region="US")
    trunk = await walk.id("OutboundTrunk", "outbound_trunk", "second")
    await walk.does("updateOutboundTrunk", id=trunk, expectedRevision=1, isEnabled=False)
    await walk.does("deleteOutboundTrunk", id=trunk)
    paused = "update trunk_usage set paused_until = now() + interval '1 hour'"
    await row_of(walk.settings, paused)
    carrier = await walk.id("OutboundTrunk", "outbound_trunk", "carrier")
    await walk.does("resumeOutboundTrunk", id=carrier)
    await walk.does("createInboundTrunk", name="second", allowedAddresses=["192.0.2.0/30"])
    inbound = await walk.id("InboundTrunk", "inbound_trunk", "second")
    await walk.does("updateInboundTrunk", id=inbound, expectedRevision=1, isEnabled=False)
    await walk.does("deleteInboundTrunk", id=inbound)
    await walk.does("createPhoneNumber", number="+12025550199", outboundTrunkId=carrier)
    number = await walk.id("PhoneNumber", "phone_number", "+12025550199", "number")
    await walk.does("updatePhoneNumber", id=number, expectedRevision=1, label="Desk")
    await walk.does("deletePhoneNumber", id=number)


async def change_access(walk: Walk) -> None:
    await walk.does("createRole", name="support", scopes=["CALLS_READ"])
    role = await walk.id("Role", "custom_role", "support")
    await walk.does("updateRole", id=role, expectedRevision=1, scopes=["CALLS_WRITE"])
    await walk.does("deleteRole", id=role)
    await walk.does("createApiKey", name="ci", role="VIEWER")
    key = await walk.id("ApiKey", "api_key", "ci")
    await walk.does("updateApiKey", id=key, role="OPERATOR")
    await walk.does("rotateApiKey", id=key)
    await walk.does("revokeApiKey", id=key)


async def change_people(walk: Walk) -> None:
    await walk.does("inviteMember", email="bob@acme.example", role="EDITOR")
    bob = await walk.id("Invitation", "invitation", "bob@acme.example", "email")
    await walk.does("withdrawInvitation", id=bob)
    ada = await new_member(owner_at(walk.api), "EDITOR", "ada@acme.example")
    person = (await walk.row("person", "ada@acme.example", "email"))["id"]
    me, member = f"user:{person}", (await ada.viewer())["memberId"]
    await walk.left_entry("acceptInvitation", me)
    passwords = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    for name, fields in {"updateProfile": {"name": "Ada L."}, "changePassword": passwords}.items():
        result = await ada.run(document(name), **fields)
        assert result["__typename"] == f"{name[0].upper()}{name[1:]}Success", result
        await walk.left_entry(name, me)
    await use_second_factor(walk, ada, me)
    for name in ("endSession", "endSessions"):
        other = await signed_in_at(walk.api, "ada@acme.example", NEW_PASSWORD)
        session = await walk.row("session", person, "person_id", "order by created_at desc")
        id = {"id": global_id("Session", session["id"])} if name == "endSession" else {}
        await ada.run(document(name), **id)
        await until_ended(other)
        await walk.left_entry(name, me)
    await walk.does("endSessionsOfMember", id=member)
    await walk.does("changeMemberRole", id=member, role="VIEWER")
    await walk.does("suspendMember", id=member)
    await walk.does("resumeMember", id=member)
    link = await mutate(walk.api, RESET_LINK, id=member)
    await walk.left_entry("createPasswordResetLink", walk.subject)
    token = link["link"].rpartition("=")[2]
    await mutate(walk.api, document("resetPassword"), token=token, newPassword=PASSWORD)
    await walk.left_entry("resetPassword", walk.subject)
    await walk.does("removeMember", id=member)
    bodies = "".join(entry["body"] for entry in await log_of(walk.api, 100, target=member))
    assert "password_hash" in bodies
    assert "argon2" not in bodies


async def use_second_factor(walk: Walk, ada: SignedIn, me: str) -> None:
    begun = await ada.run(ENROL, currentPassword=NEW_PASSWORD)
    confirmed = await ada.run(CONFIRM, code=await App(begun["secret"]).next_code())
    replaced = await ada.run(REPLACE, code=confirmed["recoveryCodes"][0])
    removed = await ada.run(REMOVE, currentPassword=NEW_PASSWORD, code=replaced["recoveryCodes"][0])
    assert removed["secondFactor"] == {"isActive": False, "recoveryCodesLeft": 0}
    names = ("enrolTotp", "confirmTotp", "replaceRecoveryCodes", "removeTotp")
    for name in names:
        await walk.left_entry(name, me)
    entries = [entry for name in names for entry in await log_of(walk.api, action=name)]
    used = [entry["details"] for entry in entries if entry["kind"] == "DELETED"]
    # A code replaced the others, and one of the new ones removed the second factor.
    assert used == [{"left": 9}, None, {"left": 9}]
    assert begun["secret"] not in str(entries)


async def sign_in_and_out(walk: Walk, owner: str) -> None:
    user = (await walk.row("person", owner, "email"))["id"]
    signed_in = await login(walk.api, owner, PASSWORD)
    await walk.left_entry("login", f"user:{user}")
    await mutate(walk.api, document("logout"), refreshToken=signed_in["refreshToken"])
    await walk.left_entry("logout", f"user:{user}")


async def login(api: Api, email: str, password: str, **headers: str) -> Any:
    given = {"email": email, "password": password}
    response = await api.post(LOGIN, auth=False, variables={"input": given}, headers=headers)
    return response.json()["data"]["login"]


async def test_an_entry_names_the_user_the_session_the_address_and_the_request(
    api: Api, settings: Settings, viewer: Viewer
) -> None:
    body = {"query": document("createAgent"), "variables": {"input": GREETER}}
    headers = {"authorization": f"Bearer {api.token}", "x-request-id": "of-the-test"}
    await api.http.post("/graphql", json=body, headers=headers)
    async with api.socket() as socket:
        await socket.subscribe("1", document("createAgent"), input={**GREETER, "name": "second"})
        await socket.receive()
    headers = {"x-api-key": api.key}
    body["variables"] = {"input": {**GREETER, "name": "third"}}
    await api.http.post("/graphql", json=body, headers=headers)
    by_key, by_socket, by_user = await log_of(api, action="createAgent")
    assert by_user["target"] == {
        "type": "Agent",
        "id": by_user["target"]["id"],
        "name": "greeter",
    }
    node = await api.execute(
        "query ($id: ID!) { node(id: $id) { ... on Agent { name } } }",
        variables={"id": by_user["target"]["id"]},
    )
    assert node["data"]["node"] == {"name": "greeter"}
    [session] = await row_of(settings, "select family::text from refresh_token")
    id = global_id("Session", session)
    who = ("actor", "sessionId", "address", "requestId")
    assert [by_user[name] for name in who] == [viewer.subject, id, "127.0.0.1", "of-the-test"]
    assert [by_socket[name] for name in who] == [viewer.subject, id, "127.0.0.1", None]
    assert by_key["actor"].startswith("key:")
    assert by_key["sessionId"] is None
    assert by_user["actorId"] == member_id(viewer.tenant_id, UUID(int=1))
    of_key = global_id("ApiKey", UUID(by_key["actor"].removeprefix("key:")))
    assert by_key["actorId"] == of_key
    assert (by_user["before"], by_user["after"]["spec"]["prompt"]["system"]) == (None, "Greet.")


async def test_sign_ins_are_in_the_log_of_the_tenant_of_the_user(
    api: Api, services: Services, settings: Settings, viewer: Viewer, owner: str
) -> None:
    [id] = await row_of(settings, "select id from person where email = $1", owner)
    user = member_id(viewer.tenant_id, id)
    await login(api, owner, "wrong", **{"x-request-id": "failed"})
    await login(api, owner, "wrong")
    await login(api, "stranger@acme.example", "wrong")
    failed = await eventually(lambda: log_of(api, kinds=["SIGN_IN_FAILED"]))
    first = await login(api, owner, PASSWORD)
    second = await services.accounts.refresh(first["refreshToken"])
    third = await services.accounts.refresh(second.refresh)
    again = await api.execute(
        document("refreshSession"), variables={"input": {"refreshToken": first["refreshToken"]}}
    )
    assert again["data"]["refreshSession"]["code"] == "UNAUTHENTICATED"
    await services.accounts.sign_out(third.refresh)
    assert [entry["kind"] for entry in await log_of(api, target=user)] == [
        "SESSION_ENDED",
        "SIGNED_IN",
        "SIGN_IN_FAILED",
        "CREATED",
    ]
    # Attempts that are repeated within a minute are one entry.
    [entry] = failed
    assert (entry["actor"], entry["address"], entry["requestId"]) == (
        "anonymous",
        "127.0.0.1",
        "failed",
    )
    assert await log_of(api, kinds=["SIGN_IN_FAILED"]) == failed


async def test_what_a_stolen_session_guesses_is_in_the_log(api: Api) -> None:
    """The password and the code that are asked for again."""
    ada = await new_member(owner_at(api), "VIEWER")
    enrolled = await ada.run(ENROL, currentPassword=PASSWORD)
    app = App(enrolled["secret"])
    await ada.run(CONFIRM, code=await app.next_code())
    await ada.run(REMOVE, currentPassword="wrong" * 4, code="000000")
    await ada.run(REPLACE, code="not a code")

    async def failures() -> list[Any]:
        entries = await log_of(api, kinds=["SIGN_IN_FAILED"])
        return entries if len(entries) == 2 else []

    entries = await eventually(failures)
    subject = (await ada.viewer())["subject"]
    assert {(each["actor"], each["action"], each["details"]["factor"]) for each in entries} == {
        (subject, "removeTotp", "password"),
        (subject, "replaceRecoveryCodes", "code"),
    }


async def test_what_an_identity_provider_decides_is_in_the_log(
    studio: Installation, forger: ForgingProvider, viewer: Viewer
) -> None:
    walk = Walk(studio.api, studio.settings, viewer.subject)
    created = await studio.create(
        forger.issuer,
        clientSecret="client-secret-of-acme",
        trustedDomains=["acme.example"],
        groupsClaim="groups",
        roleRules=[{"group": "staff", "role": "VIEWER"}],
    )
    await walk.left_entry("createIdentityProvider", walk.subject)
    provider = await studio.update(created, label="Acme")
    await walk.left_entry("updateIdentityProvider", walk.subject)
    await new_member(studio.owner, "EDITOR", "ada@acme.example")
    forger.claims = {"groups": ["staff"]}
    ada = await signed_in(studio, forger, provider)
    identity = await ada.viewer()
    me, member = identity["subject"], identity["memberId"]
    await walk.left_entry("finishSignIn", me)
    by_provider = f"identity_provider:{uuid_of(provider)}"
    decided = await log_of(studio.api, actor=by_provider)
    # The provider confines the member, so the session that began with a password ends.
    assert [(entry["kind"], (entry["after"] or {}).get("role")) for entry in decided] == [
        ("SESSION_ENDED", None),
        ("UPDATED", "VIEWER"),
        ("CREATED", None),
    ]
    assert {entry["target"]["id"] for entry in decided} == {member}
    forger.claims = {"groups": ["staff"], "sub": "eve", "email": "eve@elsewhere.example"}
    attempt, response = await answered_by_provider(studio, forger, provider)
    refused = await studio.finish(response.headers["location"], attempt.verifier)
    assert refused["reason"] == "NOT_A_MEMBER"
    [entry] = await eventually(lambda: log_of(studio.api, kinds=["SIGN_IN_FAILED"]))
    assert (entry["target"]["id"], entry["address"]) == (provider["id"], "127.0.0.1")
    assert entry["details"] == {"code": "NOT_A_MEMBER", "subject": "eve"}
    form = {"logout_token": logout_token(forger, jti="1", sub="ada")}
    await studio.api.http.post(provider["logoutUri"], data=form)
    await until_ended(ada)
    ended, *earlier = await log_of(studio.api, actor=by_provider)
    assert (ended["kind"], ended["target"]["id"]) == ("SESSION_ENDED", member)
    assert [entry["id"] for entry in earlier] == [entry["id"] for entry in decided]
    await walk.does("deleteIdentityProvider", id=provider["id"])
    assert walk.seen == OF_IDENTITY_PROVIDERS
    log = await log_of(studio.api, 100, target=provider["id"])
    kinds = ["DELETED", "SIGN_IN_FAILED", "UPDATED", "UPDATED", "CREATED"]
    assert [entry["kind"] for entry in log] == kinds
    assert "client-secret-of-acme" not in str(log)


async def key_of(settings: Settings, viewer: Viewer, role: Role) -> str:
    engine = create_engine(settings.database_url, DbRole.SERVICE)
    async with engine.begin() as db:
        key = await create_key(db, settings, viewer.tenant_id, role.lower(), role)
    await engine.dispose()
    return key


async def ask(api: Api, key: str, query: str, **variables: Any) -> Any:
    body = {"query": query, "variables": variables}
    return (await api.http.post("/graphql", json=body, headers={"x-api-key": key})).json()


async def test_what_is_refused_is_in_the_log_once_a_minute(
    api: Api, settings: Settings, viewer: Viewer
) -> None:
    key = await key_of(settings, viewer, Role.VIEWER)
    for _ in range(3):
        refused = await ask(api, key, document("createAgent"), input=GREETER)
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    [entry] = await eventually(lambda: log_of(api, kinds=["REFUSED"]))
    assert entry["actor"].startswith("key:")
    assert entry["action"] == "createAgent"
    assert entry["details"]["code"] == "FORBIDDEN"
    assert "agents:write" in entry["details"]["message"]
    # Another operation is another entry, also one that only reads, and whatever its aliases are.
    await ask(api, key, "{ agent: auditLog { edges { node { at } } } }")
    await ask(api, key, document("deleteAgent"), input={"id": global_id("Agent", UUID(int=1))})

    async def refused_actions() -> list[Any]:
        entries = await log_of(api, kinds=["REFUSED"])
        return entries if len(entries) == 3 else []

    entries = await eventually(refused_actions)
    assert {each["action"] for each in entries} == {"createAgent", "auditLog", "deleteAgent"}
    assert await row_of(settings, "select * from agent") is None


async def test_only_owners_and_admins_read_the_log_and_only_owners_change_its_retention(
    api: Api, settings: Settings, viewer: Viewer
) -> None:
    for role in Role:
        key = await key_of(settings, viewer, role)
        reads, writes = role in (Role.OWNER, Role.ADMIN), role is Role.OWNER
        for query in (LOG, "{ auditHead { seq } }", "{ auditRetention { days } }"):
            assert ("errors" not in await ask(api, key, query)) is reads, role
        assert ("errors" not in await ask(api, key, EXPORT, input={})) is reads, role
        assert ("errors" not in await ask(api, key, RETAIN, input={"days": 60})) is writes, role


async def test_the_log_is_paged_and_filtered(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    before = await log_of(api)
    for name in ("one", "two", "three"):
        await create_agent(services, viewer, replace(RECEPTION, name=name))
    session = UUID(int=5)
    ada = f"user:{UUID(int=6)}"
    origin = Origin(actor=ada, address="192.0.2.1", session=str(session), action="test")
    with acting_as(origin):
        await create_agent(services, viewer, replace(RECEPTION, name="four"))
    everything = await log_of(api)
    names = [entry["target"]["name"] for entry in everything[: -len(before)]]
    assert names == ["four", "three", "two", "one"]
    pages, cursor, more = [], None, True
    while more:
        given = {"first": 3, "after": cursor}
        page = (await api.execute(LOG, variables=given))["data"]["auditLog"]
        pages += [edge["node"] for edge in page["edges"]]
        cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert pages == everything
    four, three = everything[:2]
    for filter in (
        {"actor": ada},
        {"actor": four["actorId"]},
        {"address": "192.0.2.1"},
        {"sessionId": global_id("Session", session)},
        {"action": "test"},
        {"target": four["target"]["id"]},
        {"at": {"since": four["at"]}},
        {"kinds": ["CREATED"], "actor": ada},
    ):
        assert await log_of(api, **filter) == [four], filter
    assert await since_of(api, actor=ada, action="test") is None
    assert await since_of(api, action="test", at={"until": four["at"]}) is None
    since = await since_of(api, action="test")
    assert since is not None
    assert abs(datetime.now(UTC) - timedelta(days=31) - since) < timedelta(minutes=5)
    assert await log_of(api, kinds=["DELETED"]) == []
    assert await log_of(api, kinds=[]) == []
    assert await log_of(api, at={"since": three["at"], "until": four["at"]}) == [three]
    for name in ("target", "sessionId"):
        refused = await api.execute(LOG, variables={"filter": {name: str(session)}})
        assert refused["errors"][0]["extensions"] == {
            "code": "INVALID_INPUT",
            "path": ["filter", name],
            "docs": "/docs/api#invalid_input",
        }
    refused = await api.execute(
        LOG, variables={"filter": {"at": {"since": four["at"], "until": three["at"]}}}
    )
    assert refused["errors"][0]["extensions"] == {
        "code": "INVALID_INPUT",
        "path": ["filter", "at", "until"],
        "docs": "/docs/api#invalid_input",
    }


async def test_a_tenant_sees_and_exports_its_own_log_only(
    api: Api, services: Services, settings: Settings
) -> None:
    stranger = owner_of(await new_tenant(settings, "globex"))
    stranger = replace(stranger, subject="user:00000000-0000-0000-0000-000000000002")
    await mutate(api, document("createAgent"), **GREETER)
    [ours] = await log_of(api, action="createAgent")
    async with running_api(services, settings, stranger, build_schema_with_loaders) as theirs:
        assert await log_of(theirs, target=ours["target"]["id"]) == []
        assert await log_of(theirs, action="createAgent") == []
        seen = await log_of(theirs)
        assert {json.loads(entry["body"])["tenant_id"] for entry in seen} == {
            str(stranger.tenant_id)
        }


async def test_an_export_is_complete_signed_and_noted(
    api: Api, settings: Settings, viewer: Viewer
) -> None:
    signatures = AuditSignatures(KeyRing.from_secret_key(settings.secret_key))
    await mutate(api, document("createAgent"), **GREETER)
    async with keeping(settings) as chain:
        linked = await link_all(chain)
    made = await mutate(api, EXPORT)
    assert made["entries"] == linked
    response = await api.http.get(made["url"])
    assert response.headers["content-type"] == "application/x-ndjson"
    report = verify_export(response.text.splitlines(), signatures)
    assert (report.entries, report.problems) == (linked, ())
    exported = [json.loads(json.loads(line)["body"]) for line in response.text.splitlines()[1:-1]]
    listed = [json.loads(entry["body"]) for entry in await log_of(api) if entry["seq"]]
    assert exported == listed[::-1]
    [note] = await log_of(api, kinds=["EXPORTED"])
    assert (note["actor"], note["action"]) == (viewer.subject, "createAuditExport")
    assert note["details"] == {"first": 1, "last": linked}
    # Cut off, changed, or from another signature.
    lines = response.text.splitlines()
    assert verify_export(lines[:-1], signatures).problems != ()
    assert verify_export([lines[0], *lines[2:]], signatures).problems != ()
    for token in (made["url"][:-3] + "AAA", "/audit-exports/x", "/audit-exports/%00"):
        assert (await api.http.get(token)).status_code == 403, token
    none = await mutate(api, EXPORT, at={"until": "2020-01-01T00:00:00Z"})
    assert none["entries"] == 0
    empty = (await api.http.get(none["url"])).text.splitlines()
    assert verify_export(empty, signatures).problems == ()
    head = (await api.execute("{ auditHead { seq hash line } }"))["data"]["auditHead"]
    line = head_from_json(json.loads(head.pop("line")))
    assert head == {"seq": linked, "hash": report.head.hash.hex()}
    assert (line.seq, line.hash) == (linked, report.head.hash)
    assert signatures.is_genuine(line)


async def test_a_retention_that_is_too_short_or_too_long_is_refused(
    api: Api, settings: Settings
) -> None:
    for days in (-1, 1, 29, 3_651):
        refused = await mutate(api, RETAIN, days=days)
        assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", "days"]), days
    assert await row_of(settings, "select * from audit_retention") is None
    for kept in (30, 0):
        assert (await mutate(api, RETAIN, days=kept))["retention"] == {"days": kept}
    assert (await api.execute("{ auditRetention { days } }"))["data"] == {
        "auditRetention": {"days": 0}
    }
