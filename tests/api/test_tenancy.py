"""Ids of another tenant behave like unknown ids, in every argument that takes an id, and no field shows
anything of another tenant."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from domain.audit.origin import Origin, acting_as
from domain.common.access import Role, Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.sign_in.identity_providers import IdentityProviderSpec
from domain.telephony.trunks import InboundTrunkSpec, OutboundTrunkSpec, PhoneNumberSpec
from domain.tenants.api_keys import ApiKeySpec
from domain.tenants.roles import RoleSpec
from domain.use_cases.api_keys import create_api_key
from domain.use_cases.calls import CallRequest, start_call
from domain.use_cases.members import invite_member
from domain.use_cases.roles import create_role
from domain.use_cases.telephony import (
    create_inbound_trunk,
    create_outbound_trunk,
    create_phone_number,
)
from graph.app import build_schema_with_loaders
from graph.schema.build import build_schema
from resolvers.global_ids import global_id, member_id
from tests.api.test_accounts import execute
from tests.conftest import new_tenant
from tests.support.api_server import Api, create_token, running_api
from tests.support.demo_workflow import publish_clinic
from tests.support.selections import Place, places
from tests.support.viewers import owner_of

pytestmark = pytest.mark.anyio

DRAFTS = ("Agent", "Tool", "Workflow")
TELEPHONY = ("OutboundTrunk", "InboundTrunk", "PhoneNumber")
KINDS = (*DRAFTS, "WorkflowVersion", "Call", *TELEPHONY, "Member", "IdentityProvider")
OTHER_KINDS = ("Tenant", "Session", "Invitation")
"""Kinds of ids that `node` does not take."""
TRANSFER = '{callId: $id, number: "+12025550123"}'
FAILS = "__typename ... on Error { code message path }"
UNKNOWN_WORKFLOW = global_id("Workflow", uuid4())
UNKNOWN_TRUNK = global_id("InboundTrunk", uuid4())
UNKNOWN_NUMBER = global_id("PhoneNumber", uuid4())
UNKNOWN_VERSION = global_id("WorkflowVersion", uuid4())

CALL_FILTERS = {
    "workflowId": ("Workflow", "{workflowId: $id}"),
    "workflow.id": ("Workflow", "{workflow: {id: $id}}"),
    "versionId": ("WorkflowVersion", "{versionId: $id}"),
}
CASES: dict[str, tuple[str, str, str]] = {
    "Query.node.id": ("*", "query ($id: ID!) { x: node(id: $id) { __typename id } }", "x"),
    "Query.nodes.ids": ("*", "query ($id: ID!) { nodes(ids: [$id]) { __typename id } }", "nodes"),
    "Query.auditLog.filter.target": (
        "Agent",
        (
            "query ($id: ID!) { auditLog(filter: {target: $id}) "
            "{ edges { node { target { type name } } } } }"
        ),
        "auditLog",
    ),
    "Query.auditLog.filter.sessionId": (
        "Session",
        "query ($id: ID!) { auditLog(filter: {sessionId: $id}) { edges { node { id } } } }",
        "auditLog",
    ),
    "Query.agent.by.id": ("Agent", "query ($id: ID!) { agent(by: {id: $id}) { id } }", "agent"),
    "Query.tool.by.id": ("Tool", "query ($id: ID!) { tool(by: {id: $id}) { id } }", "tool"),
    "Query.workflow.by.id": (
        "Workflow",
        "query ($id: ID!) { workflow(by: {id: $id}) { id } }",
        "workflow",
    ),
    "Query.call.id": ("Call", "query ($id: ID!) { call(id: $id) { id } }", "call"),
    **{
        f"Query.calls.filter.{path}": (
            kind,
            f"query ($id: ID!) {{ calls(filter: {filter}) {{ edges {{ node {{ id }} }} }} }}",
            "calls",
        )
        for path, (kind, filter) in CALL_FILTERS.items()
    },
    **{
        f"Mutation.update{kind}.input.id": (
            kind,
            (
                f"mutation ($id: ID!) {{ update{kind}(input: {{id: $id, expectedRevision: 1, "
                f"description: null}}) {{ {FAILS} }} }}"
            ),
            f"update{kind}",
        )
        for kind in DRAFTS
    },
    **{
        f"Mutation.update{kind}.input.id": (
            kind,
            (
                f"mutation ($id: ID!) {{ update{kind}(input: {{id: $id, expectedRevision: 1}}) "
                f"{{ {FAILS} }} }}"
            ),
            f"update{kind}",
        )
        for kind in (*TELEPHONY, "IdentityProvider")
    },
    **{
        f"Query.{name}.by.id": (
            f"{name[0].upper()}{name[1:]}",
            f"query ($id: ID!) {{ {name}(by: {{id: $id}}) {{ id }} }}",
            name,
        )
        for name in ("outboundTrunk", "inboundTrunk", "phoneNumber")
    },
    **{
        f"Mutation.createPhoneNumber.input.{name}Id": (
            f"{name[0].upper()}{name[1:]}",
            (
                f'mutation ($id: ID!) {{ createPhoneNumber(input: {{number: "+12025550124", '
                f"{name}Id: $id}}) "
                f"{{ {FAILS} }} }}"
            ),
            "createPhoneNumber",
        )
        for name in ("inboundTrunk", "outboundTrunk")
    },
    "Mutation.createPhoneNumber.input.workflowId": (
        "Workflow",
        (
            'mutation ($id: ID!) { createPhoneNumber(input: {number: "+12025550124", workflowId: $id, '
            f'inboundTrunkId: "{UNKNOWN_TRUNK}"}}) {{ {FAILS} }} }}'
        ),
        "createPhoneNumber",
    ),
    **{
        f"Mutation.updatePhoneNumber.input.{name}Id": (
            f"{name[0].upper()}{name[1:]}",
            (
                f'mutation ($id: ID!) {{ updatePhoneNumber(input: {{id: "{UNKNOWN_NUMBER}", '
                f"expectedRevision: 1, {name}Id: $id}}) {{ {FAILS} }} }}"
            ),
            "updatePhoneNumber",
        )
        for name in ("workflow", "inboundTrunk", "outboundTrunk")
    },
    "Mutation.resumeOutboundTrunk.input.id": (
        "OutboundTrunk",
        f"mutation ($id: ID!) {{ resumeOutboundTrunk(input: {{id: $id}}) {{ {FAILS} }} }}",
        "resumeOutboundTrunk",
    ),
    "Mutation.testTool.input.id": (
        "Tool",
        f"mutation ($id: ID!) {{ testTool(input: {{id: $id}}) {{ {FAILS} }} }}",
        "testTool",
    ),
    "Mutation.publishWorkflow.input.id": (
        "Workflow",
        (
            "mutation ($id: ID!) { publishWorkflow(input: {id: $id, expectedRevision: 1}) "
            f"{{ {FAILS} }} }}"
        ),
        "publishWorkflow",
    ),
    "Query.simulationFromCall.callId": (
        "Call",
        "query ($id: ID!) { simulationFromCall(callId: $id) { suite yaml } }",
        "simulationFromCall",
    ),
    "Mutation.restoreWorkflow.input.id": (
        "Workflow",
        (
            "mutation ($id: ID!) { restoreWorkflow(input: "
            f'{{id: $id, versionId: "{UNKNOWN_VERSION}", expectedRevision: 1}}) {{ {FAILS} }} }}'
        ),
        "restoreWorkflow",
    ),
    "Mutation.restoreWorkflow.input.versionId": (
        "WorkflowVersion",
        (
            "mutation ($id: ID!) { restoreWorkflow(input: "
            f'{{id: "{UNKNOWN_WORKFLOW}", versionId: $id, expectedRevision: 1}}) {{ {FAILS} }} }}'
        ),
        "restoreWorkflow",
    ),
    "Mutation.startCall.input.version": (
        "WorkflowVersion",
        (
            'mutation ($id: ID!) { startCall(input: {workflow: {slug: "clinic"}, version: $id}) '
            f"{{ {FAILS} }} }}"
        ),
        "startCall",
    ),
    "Mutation.startCall.input.trunk": (
        "OutboundTrunk",
        (
            'mutation ($id: ID!) { startCall(input: {workflow: {slug: "clinic"}, kind: SIP, '
            f'phoneNumber: "+12025550102", trunk: $id}}) {{ {FAILS} }} }}'
        ),
        "startCall",
    ),
    "Mutation.startCall.input.workflow.id": (
        "Workflow",
        f"mutation ($id: ID!) {{ startCall(input: {{workflow: {{id: $id}}}}) {{ {FAILS} }} }}",
        "startCall",
    ),
    "Mutation.sendMessage.input.callId": (
        "Call",
        f'mutation ($id: ID!) {{ sendMessage(input: {{callId: $id, text: "hi"}}) {{ {FAILS} }} }}',
        "sendMessage",
    ),
    "Mutation.joinCall.input.callId": (
        "Call",
        f"mutation ($id: ID!) {{ joinCall(input: {{callId: $id}}) {{ {FAILS} }} }}",
        "joinCall",
    ),
    "Mutation.deleteRecording.input.callId": (
        "Call",
        f"mutation ($id: ID!) {{ deleteRecording(input: {{callId: $id}}) {{ {FAILS} }} }}",
        "deleteRecording",
    ),
    "Mutation.transferCall.input.callId": (
        "Call",
        f"mutation ($id: ID!) {{ transferCall(input: {TRANSFER}) {{ {FAILS} }} }}",
        "transferCall",
    ),
    "Mutation.endCall.input.callId": (
        "Call",
        f"mutation ($id: ID!) {{ endCall(input: {{callId: $id}}) {{ {FAILS} }} }}",
        "endCall",
    ),
    **{
        f"Mutation.delete{kind}.input.id": (
            kind,
            f"mutation ($id: ID!) {{ delete{kind}(input: {{id: $id}}) {{ {FAILS} }} }}",
            f"delete{kind}",
        )
        for kind in (*DRAFTS, *TELEPHONY, "IdentityProvider")
    },
    "Mutation.updateRole.input.id": (
        "Role",
        (
            "mutation ($id: ID!) { updateRole(input: {id: $id, expectedRevision: 1, "
            f"description: null}}) {{ {FAILS} }} }}"
        ),
        "updateRole",
    ),
    "Mutation.deleteRole.input.id": (
        "Role",
        f"mutation ($id: ID!) {{ deleteRole(input: {{id: $id}}) {{ {FAILS} }} }}",
        "deleteRole",
    ),
    **{
        f"Mutation.{verb}ApiKey.input.id": (
            "ApiKey",
            f"mutation ($id: ID!) {{ {verb}ApiKey(input: {{id: $id}}) {{ {FAILS} }} }}",
            f"{verb}ApiKey",
        )
        for verb in ("update", "rotate", "revoke")
    },
}
OF_OPERATORS = {
    f"Mutation.{name}Tenant.input.id"
    for name in ("update", "suspend", "resume", "delete", "restore")
}
"""Ids of tenants, which `test_tenants.py` tests: only operators of the installation may use them."""
SUBSCRIPTIONS: dict[str, tuple[str, str]] = {
    "Subscription.callEvents.callId": (
        "Call",
        "subscription ($id: ID!) { callEvents(callId: $id) { __typename } }",
    ),
    **{
        f"Subscription.calls.filter.{path}": (
            kind,
            (
                f"subscription ($id: ID!) {{ calls(filter: {filter}) "
                "{ __typename ... on CallListSnapshot { calls { id } } } }"
            ),
        )
        for path, (kind, filter) in CALL_FILTERS.items()
    },
}

MEMBER_MUTATIONS = ("suspendMember", "resumeMember", "removeMember", "endSessionsOfMember")
CASES |= {
    f"Mutation.{name}.input.{field}": (
        kind,
        f"mutation ($id: ID!) {{ x: {name}(input: {{{field}: $id{more}}}) {{ {FAILS} }} }}",
        "x",
    )
    for kind, name, field, more in (
        ("Tenant", "switchTenant", "id", ""),
        ("Session", "endSession", "id", ""),
        ("Invitation", "withdrawInvitation", "id", ""),
        ("Member", "changeMemberRole", "id", ', role: "VIEWER"'),
        *(("Member", name, "id", "") for name in (*MEMBER_MUTATIONS, "createPasswordResetLink")),
    )
}


def _ids_in(type_: Any, path: str, within: frozenset[str] = frozenset()) -> set[str]:
    named = get_named_type(type_)
    if named.name == "ID":
        return {path}
    if not isinstance(named, GraphQLInputObjectType) or named.name in within:
        return set()
    return {
        coordinate
        for name, field in named.fields.items()
        for coordinate in _ids_in(field.type, f"{path}.{name}", within | {named.name})
    }


def test_every_id_argument_has_a_case() -> None:
    schema = build_schema()._schema
    places = {
        coordinate
        for root in (schema.query_type, schema.mutation_type, schema.subscription_type)
        if root is not None
        for name, field in root.fields.items()
        for argument, given in field.args.items()
        for coordinate in _ids_in(given.type, f"{root.name}.{name}.{argument}")
    }
    assert places == CASES.keys() | SUBSCRIPTIONS.keys() | OF_OPERATORS


@dataclass(frozen=True, slots=True)
class TwoTenants:
    """Two tenants; `theirs` are ids of the first one, by kind."""

    owner: Api
    stranger: Api
    theirs: dict[str, str]
    keys: dict[Role, str]
    """An API key of the second tenant for each role."""


async def _telephony(services: Services, viewer: Viewer) -> tuple[UUID, UUID, UUID]:
    """The ids of an outbound trunk, an inbound trunk and a number."""
    outbound = OutboundTrunkSpec(name="carrier", address="sip.example.com", region="US")
    inbound = InboundTrunkSpec(name="carrier", allowed_addresses=("192.0.2.0/30",))
    number = PhoneNumberSpec(number="+12025550123")
    return (
        (await create_outbound_trunk(services, viewer, outbound, None)).id,
        (await create_inbound_trunk(services, viewer, inbound, None)).id,
        (await create_phone_number(services, viewer, number)).id,
    )


async def _access(services: Services, viewer: Viewer) -> dict[str, str]:
    """The ids of a role and of an API key that has it."""
    role = await create_role(services, viewer, RoleSpec(name="support", scopes=("calls:read",)))
    key = await create_api_key(services, viewer, ApiKeySpec(name="ci", role="support"))
    assert role.custom is not None
    return {
        "Role": global_id("Role", role.custom.id),
        "ApiKey": global_id("ApiKey", key.key.id),
    }


async def _provider(services: Services, viewer: Viewer) -> UUID:
    """The id of an identity provider that no request reaches."""
    spec = IdentityProviderSpec(
        name="acme", label="Acme", issuer="https://id.acme.example", client_id="studio"
    )
    async with services.store.transaction(viewer.tenant_id) as work:
        return (await work.identity_providers.add(spec)).id


async def _session(services: Services, viewer: Viewer) -> UUID:
    assert viewer.person_id is not None
    [session, *_] = await services.accounts.sessions(viewer.person_id)
    return session.id


@pytest.fixture
async def two_tenants(
    services: Services, settings: Settings, viewer: Viewer
) -> AsyncIterator[TwoTenants]:
    await create_token(services, settings, viewer)  # makes the viewer a member
    version = await publish_clinic(services, viewer)
    call = await start_call(services, viewer, CallRequest(workflow_name="clinic"))
    async with services.store.transaction(viewer.tenant_id) as work:
        [agent] = await work.agents.by_names(["booking"])
        [tool] = await work.tools.by_names(["book_appointment"])
    outbound, inbound, number = await _telephony(services, viewer)
    ids: tuple[Any, ...] = (agent.id, tool.id, version.workflow_id, version.id, call.id)
    ids += (outbound, inbound, number)
    session = await _session(services, viewer)
    with acting_as(Origin(actor=viewer.subject, session=str(session))):
        invitation, _ = await invite_member(services, viewer, "ada@acme.example", "VIEWER")
    person = viewer.person_id
    assert person is not None
    ids += (
        person,
        await _provider(services, viewer),
        viewer.tenant_id,
        session,
        invitation.id,
    )
    theirs = {
        kind: global_id(kind, id) for kind, id in zip((*KINDS, *OTHER_KINDS), ids, strict=True)
    }
    theirs["Member"] = member_id(viewer.tenant_id, person)
    theirs |= await _access(services, viewer)
    other = owner_of(await new_tenant(settings, "other"))
    stranger = Viewer(
        tenant_id=other.tenant_id,
        subject="user:00000000-0000-0000-0000-000000000002",
        scopes=other.scopes,
    )
    # Many documents are sent below with one key.
    unlimited = replace(settings, requests_per_minute=1_000_000)
    async with AsyncExitStack() as stack:
        owner, guest = [
            await stack.enter_async_context(
                running_api(services, unlimited, who, build_schema_with_loaders)
            )
            for who in (viewer, stranger)
        ]
        specs = {role: ApiKeySpec(name=role, role=role) for role in Role}
        keys = {
            role: (await create_api_key(services, stranger, spec)).value
            for role, spec in specs.items()
        }
        yield TwoTenants(owner, guest, theirs, keys)


def unknown(kind: str) -> str:
    return member_id(uuid4(), uuid4()) if kind == "Member" else global_id(kind, uuid4())


def _without(id: str, answer: Any) -> Any:
    """The answer without the id, and without the rate limit, which each request changes."""
    same: Any = json.loads(json.dumps(answer).replace(id, "ID"))
    body = same.get("payload", same)
    if isinstance(body, dict):
        body.get("extensions", {}).pop("rateLimit", None)
    return same


async def test_ids_of_another_tenant_behave_like_unknown_ids(
    two_tenants: TwoTenants, settings: Settings, viewer: Viewer
) -> None:
    changes = "select count(*) from audit_entry where tenant_id = $1"
    before = await execute(settings, changes, viewer.tenant_id)
    for place, (kinds, document, field) in CASES.items():
        for kind in KINDS if kinds == "*" else (kinds,):
            theirs, unknown_id = two_tenants.theirs[kind], unknown(kind)
            foreign = await two_tenants.stranger.execute(document, variables={"id": theirs})
            nothing = await two_tenants.stranger.execute(document, variables={"id": unknown_id})
            assert _without(theirs, foreign) == _without(unknown_id, nothing), place
            assert "errors" not in foreign, (place, foreign)
            if place.startswith("Query."):
                mine = await two_tenants.owner.execute(document, variables={"id": theirs})
                assert mine["data"][field] != foreign["data"][field], place
    for kind in KINDS:
        document = CASES["Query.node.id"][1]
        mine = await two_tenants.owner.execute(document, variables={"id": two_tenants.theirs[kind]})
        assert mine["data"]["x"] == {"__typename": kind, "id": two_tenants.theirs[kind]}
    assert await execute(settings, changes, viewer.tenant_id) == before


async def test_no_role_distinguishes_ids_of_another_tenant_from_unknown_ones(
    two_tenants: TwoTenants,
) -> None:
    for role, key in two_tenants.keys.items():

        async def ask(document: str, id: str, key: str = key) -> Any:
            options: Any = {"auth": False, "headers": {"x-api-key": key}}
            answer = await two_tenants.stranger.execute(document, variables={"id": id}, **options)
            return _without(id, answer)

        for place, (kinds, document, _) in CASES.items():
            for kind in KINDS if kinds == "*" else (kinds,):
                foreign = await ask(document, two_tenants.theirs[kind])
                assert "RATE_LIMITED" not in json.dumps(foreign), (role, place)
                assert foreign == await ask(document, unknown(kind)), (role, place)


async def test_calls_of_another_tenant_cannot_be_watched(two_tenants: TwoTenants) -> None:
    for place, (kind, document) in SUBSCRIPTIONS.items():
        heard = []
        for id in (two_tenants.theirs[kind], unknown(kind)):
            async with two_tenants.stranger.socket() as socket:
                await socket.subscribe("1", document, id=id)
                heard.append(_without(id, await socket.receive()))
        assert heard[0] == heard[1], place
        async with two_tenants.owner.socket() as socket:
            await socket.subscribe("1", document, id=two_tenants.theirs[kind])
            assert await socket.receive() != heard[0], place


async def test_lists_contain_only_items_of_the_tenant(two_tenants: TwoTenants) -> None:
    drafts = ("agents", "tools", "workflows", "calls")
    fields = (*drafts, "outboundTrunks", "inboundTrunks", "phoneNumbers")
    document = "{" + " ".join(f"{name} {{ edges {{ node {{ id }} }} }}" for name in fields) + "}"
    mine = (await two_tenants.owner.execute(document))["data"]
    others = (await two_tenants.stranger.execute(document))["data"]
    for name in fields:
        assert mine[name]["edges"], name
        assert others[name]["edges"] == [], name
    document = "{ roles { name isBuiltIn } apiKeys { edges { node { name } } } }"
    for who, roles, keys in (
        (two_tenants.owner, ["support"], {"ci", "test"}),
        (two_tenants.stranger, [], {"test", *Role}),
    ):
        data = (await who.execute(document))["data"]
        assert [role["name"] for role in data["roles"] if not role["isBuiltIn"]] == roles
        assert {edge["node"]["name"] for edge in data["apiKeys"]["edges"]} == keys


# ---- every field ------------------------------------------------------------------------------

FILL = """mutation {
  updateSettings(input: {expectedRevision: 0, values: {canary: 1},
    endpoints: [{name: "canary", url: "https://canary.example"}]}) { __typename }
  setSecret(input: {name: "canary", value: "a secret that is not shown"}) { __typename }
  setCredential(input: {provider: "openai", key: "sk-canary-canary-canary"}) { __typename } }"""
CANARIES = re.compile(r'"acme"|"clinic"|"booking"|ada@acme|canary|"carrier"|"support"')
"""Names in the first tenant only."""
UNIQUE_IDS = """
    select distinct c.value from {table} t, jsonb_each_text(to_jsonb(t)) c where t.tenant_id = $1
       and c.value ~ '^[0-9a-f]{{8}}-[0-9a-f-]{{27}}$'
"""
GLOBAL_ID = re.compile(r'"([A-Za-z0-9_-]{20,})"')
NAMELESS = {
    *("tenants", "deletedTenants", "workerPool", "providers"),  # these are of the installation
    "auditRetention",
}
"""What shows neither an id nor a name of the tenant to its owner."""


async def _ids_of(settings: Settings, tenant: UUID) -> frozenset[str]:
    """All ids in the rows of a tenant."""
    tables = await execute(
        settings,
        "select attrelid::regclass::text from pg_attribute where attname = 'tenant_id' "
        "and attrelid in (select oid from pg_class where relkind = 'r')",
    )
    found: set[str] = set()
    for (table,) in tables:
        query = UNIQUE_IDS.format(table=table)
        found |= {row[0] for row in await execute(settings, query, tenant)}
    return frozenset(found)


def _decoded(text: str) -> str:
    """The text, followed by what its opaque ids contain."""
    parts = [text]
    for id in GLOBAL_ID.findall(text):
        try:
            padded = id + "=" * (-len(id) % 4)
            parts.append(base64.urlsafe_b64decode(padded).decode("utf-8", "ignore"))
        except (binascii.Error, ValueError):
            pass
    return "\n".join(parts)


def _shown(answer: Any, ids: frozenset[str]) -> set[str]:
    """Everything of a tenant that an answer shows."""
    text = _decoded(json.dumps(answer.get("data")))
    return {id for id in ids if id in text} | set(CANARIES.findall(text))


async def test_no_field_shows_anything_of_another_tenant_to_any_role(
    two_tenants: TwoTenants, settings: Settings, viewer: Viewer
) -> None:
    filled = (await two_tenants.owner.execute(FILL))["data"]
    assert all(each["__typename"].endswith("Success") for each in filled.values()), filled
    ids = await _ids_of(settings, viewer.tenant_id)
    assert {str(viewer.tenant_id), str(viewer.person_id)} <= ids
    every = list(places(build_schema()._schema))
    seen: set[str] = set()

    async def ask(place: Place, key: str | None) -> Any:
        if key is None:
            return await two_tenants.owner.execute(place.document)
        headers = {"x-api-key": key}
        return await two_tenants.stranger.execute(place.document, auth=False, headers=headers)

    for place in every:
        if place.root not in seen and _shown(await ask(place, None), ids):
            seen.add(place.root)
        for role, key in two_tenants.keys.items():
            answer = await ask(place, key)
            codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
            assert codes <= {"FORBIDDEN"}, (role, place.document, answer)
            assert _shown(answer, ids) == set(), (role, place.document, answer)
    # What strangers cannot see is there.
    assert {place.root for place in every} - seen == NAMELESS
