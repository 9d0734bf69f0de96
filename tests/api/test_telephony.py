"""Trunks and telephone numbers through the API: passwords are never shown, numbers are unique in the
installation, and whatever is refused changes nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.common.access import Role, Viewer
from domain.common.errors import Forbidden, InvalidInput
from domain.common.settings import Settings
from domain.ports import Services
from domain.telephony.inbound_routes import RouteReport
from domain.telephony.trunks import OutboundTrunkSpec, PhoneNumberId
from domain.use_cases.telephony import MAX_TRUNKS, create_outbound_trunk
from graph.app import build_schema_with_loaders
from persistence.key_ring import KeyRing
from persistence.telephony_reader import fetch_dial_trunk
from persistence.vault import Vault
from resolvers.global_ids import decode_global_id, global_id, require_id
from tests.conftest import new_tenant
from tests.support.api_server import Api, running_api
from tests.support.demo_workflow import publish_clinic
from tests.support.graphql_calls import ERROR_FIELDS, mutate
from tests.support.viewers import member_of, owner_of

pytestmark = pytest.mark.anyio

NUMBER = "+12025550123"
PASSWORD = "a-password-of-a-trunk"
TRUNK = {"name": "carrier", "address": "sip.example.com", "region": "US"}
INBOUND = {"name": "carrier", "allowedAddresses": ["192.0.2.0/30"]}

OUTBOUND_FIELDS = """id name address transport mediaEncryption username hasPassword region
  allowedRegions allowedPrefixes allowedShortNumbers maxDuration isEnabled callerIds revision
  limits { callsPerSecond concurrentCalls callsPerDay callsPerNumberPerHour minutesPerDay }
  usage { callsToday minutesToday isNearLimit } pause { reason until }"""
INBOUND_FIELDS = """id name allowedAddresses mediaEncryption username hasPassword contextHeaders
  maxDuration isEnabled numbers revision"""
NUMBER_FIELDS = """id number label earlierCalls revision workflow { slug } inboundTrunk { name }
  outboundTrunk { name } defaults { userContext language ringingTimeout maxDuration recording }
  hold { after timeout announcement goodbye } refusedAttestations"""
CURRENT, USED_BY = "... on RevisionConflict { current }", "... on InUse { usedBy }"


def document(name: str, shown: str, fields: str, more: str = "") -> str:
    """The mutation of this name, with the shown object and what some errors say in addition."""
    kind = f"{name[0].upper()}{name[1:]}"
    return f"""mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ __typename
      ... on {kind}Success {{ {shown} {{ {fields} }} }} {ERROR_FIELDS} {more} }} }}"""


CREATE_OUTBOUND = document("createOutboundTrunk", "trunk", OUTBOUND_FIELDS)
UPDATE_OUTBOUND = document("updateOutboundTrunk", "trunk", OUTBOUND_FIELDS, CURRENT)
DELETE_OUTBOUND = document("deleteOutboundTrunk", "trunk", OUTBOUND_FIELDS, USED_BY)
RESUME_OUTBOUND = document("resumeOutboundTrunk", "trunk", OUTBOUND_FIELDS)
CREATE_INBOUND = document("createInboundTrunk", "trunk", INBOUND_FIELDS)
UPDATE_INBOUND = document("updateInboundTrunk", "trunk", INBOUND_FIELDS, CURRENT)
DELETE_INBOUND = document("deleteInboundTrunk", "trunk", INBOUND_FIELDS, USED_BY)
CREATE_NUMBER = document("createPhoneNumber", "phoneNumber", NUMBER_FIELDS)
UPDATE_NUMBER = document("updatePhoneNumber", "phoneNumber", NUMBER_FIELDS, CURRENT)
DELETE_NUMBER = document("deletePhoneNumber", "phoneNumber", NUMBER_FIELDS)
DELETE_WORKFLOW = document("deleteWorkflow", "workflow", "slug", USED_BY)
LIST = """{ outboundTrunks { edges { node { name callerIds } } }
  inboundTrunks { edges { node { name numbers } } }
  phoneNumbers { edges { node { number } } } }"""


async def rows(settings: Settings) -> list[Any]:
    """All rows of trunks and numbers."""
    db = await asyncpg.connect(settings.database_url)
    found = [
        await db.fetch(f"select * from {table} order by id")
        for table in ("outbound_trunk", "inbound_trunk", "phone_number", "workflow")
    ]
    await db.close()
    return found


@pytest.fixture
async def other(services: Services, settings: Settings) -> AsyncIterator[Api]:
    """The API as the owner of another tenant."""
    stranger = replace(owner_of(await new_tenant(settings, "other")), subject=f"user:{uuid4()}")
    async with running_api(services, settings, stranger, build_schema_with_loaders) as api:
        yield api


async def created(api: Api, document: str, **fields: Any) -> dict[str, Any]:
    made = await mutate(api, document, **fields)
    assert made["__typename"].endswith("Success"), made
    shown: dict[str, Any] = made.get("trunk") or made["phoneNumber"]
    return shown


async def test_an_outbound_trunk_is_created_changed_and_deleted(api: Api) -> None:
    made = await created(api, CREATE_OUTBOUND, **TRUNK, username="user", password=PASSWORD)
    expected: dict[str, Any] = {
        **TRUNK,
        "transport": "UDP",
        "mediaEncryption": "DISABLED",
        "username": "user",
        "hasPassword": True,
        "allowedRegions": [],
        "allowedPrefixes": [],
        "allowedShortNumbers": [],
        "limits": {
            "callsPerSecond": 1,
            "concurrentCalls": 5,
            "callsPerDay": 200,
            "callsPerNumberPerHour": 3,
            "minutesPerDay": None,
        },
        "usage": {"callsToday": 0, "minutesToday": 0, "isNearLimit": False},
        "pause": None,
        "maxDuration": "PT1800S",
        "isEnabled": True,
        "callerIds": [],
        "revision": 1,
    }
    id = made.pop("id")
    assert made == expected
    changed = await created(
        api,
        UPDATE_OUTBOUND,
        id=id,
        expectedRevision=1,
        transport="TLS",
        password=PASSWORD,
        allowedRegions=["JM"],
        limits={"callsPerSecond": 4, "minutesPerDay": 60},
        maxDuration="PT10M",
        isEnabled=False,
    )
    assert changed == {
        **expected,
        "id": id,
        "transport": "TLS",
        "allowedRegions": ["JM"],
        "limits": {**expected["limits"], "callsPerSecond": 4, "minutesPerDay": 60},
        "maxDuration": "PT600S",
        "isEnabled": False,
        "revision": 2,
    }
    deleted = await created(api, DELETE_OUTBOUND, id=id)
    assert deleted == changed
    again = await mutate(api, DELETE_OUTBOUND, id=id)
    assert (again["code"], again["path"]) == ("NOT_FOUND", ["input", "id"])


async def test_a_pause_of_a_trunk_is_shown_and_ended(api: Api, settings: Settings) -> None:
    made = await created(api, CREATE_OUTBOUND, **TRUNK)
    db = await asyncpg.connect(settings.database_url)
    await db.execute(
        """insert into trunk_usage (trunk_id, tenant_id, day, calls, talk_ms, paused_until,
                                    pause_reason)
           select id, tenant_id, (now() at time zone 'UTC')::date, 180, 90000,
                  now() + interval '1 hour', 'TRUNK_UNAUTHORIZED' from outbound_trunk"""
    )
    await db.close()
    query = (
        f"query ($name: String!) {{ outboundTrunk(by: {{name: $name}}) {{ {OUTBOUND_FIELDS} }} }}"
    )
    shown = (await api.execute(query, variables={"name": "carrier"}))["data"]["outboundTrunk"]
    assert shown["usage"] == {"callsToday": 180, "minutesToday": 1.5, "isNearLimit": True}
    assert shown["pause"]["reason"] == "TRUNK_UNAUTHORIZED"
    resumed = await created(api, RESUME_OUTBOUND, id=made["id"])
    assert (resumed["pause"], resumed["usage"]) == (None, shown["usage"])


async def test_an_inbound_trunk_is_created_changed_and_deleted(api: Api) -> None:
    made = await created(api, CREATE_INBOUND, **INBOUND, contextHeaders=["X-Campaign"])
    id = made.pop("id")
    expected = {
        **INBOUND,
        "mediaEncryption": "DISABLED",
        "username": None,
        "hasPassword": False,
        "contextHeaders": ["X-Campaign"],
        "maxDuration": "PT3600S",
        "isEnabled": True,
        "numbers": [],
        "revision": 1,
    }
    assert made == expected
    changed = await created(
        api,
        UPDATE_INBOUND,
        id=id,
        expectedRevision=1,
        username="carrier",
        password=PASSWORD,
        mediaEncryption="REQUIRED",
    )
    assert changed == {
        **expected,
        "id": id,
        "username": "carrier",
        "hasPassword": True,
        "mediaEncryption": "REQUIRED",
        "revision": 2,
    }
    assert await created(api, DELETE_INBOUND, id=id) == changed


async def test_a_number_has_a_workflow_trunks_and_defaults(
    api: Api, services: Services, viewer: Viewer
) -> None:
    version = await publish_clinic(services, viewer)
    outbound = await created(api, CREATE_OUTBOUND, **TRUNK)
    inbound = await created(api, CREATE_INBOUND, **INBOUND)
    made = await created(
        api,
        CREATE_NUMBER,
        number=NUMBER,
        label="Reception",
        earlierCalls=2,
        workflowId=global_id("Workflow", version.workflow_id),
        inboundTrunkId=inbound["id"],
        outboundTrunkId=outbound["id"],
        defaults={
            "userContext": {"vip": True},
            "language": "de-DE",
            "ringingTimeout": "PT12S",
            "maxDuration": "PT5M",
        },
        hold={"after": "PT5S", "timeout": "PT2M", "announcement": "Please hold."},
        refusedAttestations=["FAILED"],
    )
    id = made.pop("id")
    expected = {
        "number": NUMBER,
        "label": "Reception",
        "earlierCalls": 2,
        "revision": 1,
        "workflow": {"slug": "clinic"},
        "inboundTrunk": {"name": "carrier"},
        "outboundTrunk": {"name": "carrier"},
        "defaults": {
            "userContext": {"vip": True},
            "language": "de-DE",
            "ringingTimeout": "PT12S",
            "maxDuration": "PT300S",
            "recording": None,
        },
        "hold": {
            "after": "PT5S",
            "timeout": "PT120S",
            "announcement": "Please hold.",
            "goodbye": None,
        },
        "refusedAttestations": ["FAILED"],
    }
    assert made == expected
    listed = (await api.execute(LIST))["data"]
    assert listed == {
        "outboundTrunks": {"edges": [{"node": {"name": "carrier", "callerIds": [NUMBER]}}]},
        "inboundTrunks": {"edges": [{"node": {"name": "carrier", "numbers": [NUMBER]}}]},
        "phoneNumbers": {"edges": [{"node": {"number": NUMBER}}]},
    }
    query = "query ($number: String!) { phoneNumber(by: {number: $number}) { id } }"
    found = await api.execute(query, variables={"number": NUMBER})
    assert found["data"]["phoneNumber"] == {"id": id}
    changed = await created(
        api, UPDATE_NUMBER, id=id, expectedRevision=1, label=None, workflowId=None
    )
    assert changed == {**expected, "id": id, "label": None, "workflow": None, "revision": 2}
    stale = await mutate(api, UPDATE_NUMBER, id=id, expectedRevision=1, label="again")
    assert (stale["code"], stale["current"]) == ("REVISION_CONFLICT", 2)
    assert await created(api, DELETE_NUMBER, id=id) == changed


async def test_a_number_says_why_livekit_does_not_accept_its_calls(
    api: Api, services: Services, viewer: Viewer
) -> None:
    workflow = global_id("Workflow", (await publish_clinic(services, viewer)).workflow_id)
    trunk = (await created(api, CREATE_INBOUND, **INBOUND))["id"]
    made = await created(
        api, CREATE_NUMBER, number=NUMBER, workflowId=workflow, inboundTrunkId=trunk
    )
    await created(api, CREATE_NUMBER, number="+12025550124", inboundTrunkId=trunk)
    id = PhoneNumberId(require_id("PhoneNumber", made["id"]))

    async def faults() -> list[str | None]:
        """Of the number without a workflow, and of the other one."""
        asked = "{ phoneNumbers { edges { node { routeProblem { fault message } } } } }"
        edges = (await api.execute(asked))["data"]["phoneNumbers"]["edges"]
        problems = [edge["node"]["routeProblem"] for edge in edges]
        return [problem and problem["fault"] for problem in problems]

    assert await faults() == [None, "NO_KEEPER"]
    for report, fault in (
        (RouteReport(unavailable="unavailable"), "LIVEKIT_UNAVAILABLE"),
        (RouteReport(refused={id: "invalid_argument"}), "REFUSED"),
        (RouteReport(refused={PhoneNumberId(uuid4()): "invalid_argument"}), None),
        (RouteReport(), None),
    ):
        await services.route_reports.put(report)
        assert await faults() == [None, fault]


async def test_a_password_is_never_returned_and_reaches_only_the_worker(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    made = await created(api, CREATE_OUTBOUND, **TRUNK, username="user", password=PASSWORD)
    decoded = decode_global_id(made["id"])
    assert decoded is not None
    vault = Vault(KeyRing.from_secret_key(settings.secret_key))
    db = await asyncpg.connect(settings.database_url)
    trunk = await fetch_dial_trunk(db, vault, viewer.tenant_id, decoded[1])
    assert trunk is not None
    assert (trunk.password, trunk.spec.username, trunk.problem) == (PASSWORD, "user", None)
    assert PASSWORD not in repr(trunk)
    assert await fetch_dial_trunk(db, vault, uuid4(), decoded[1]) is None
    dump = await db.fetchval("select json_agg(t)::text from outbound_trunk t")
    assert PASSWORD.encode().hex() not in dump
    assert PASSWORD not in dump
    other_key = Vault(KeyRing.from_secret_key("another-key-for-tests-" + "0" * 32))
    locked = await fetch_dial_trunk(db, other_key, viewer.tenant_id, decoded[1])
    await db.close()
    assert locked is not None
    assert locked.password is None
    assert "SECRET_KEY" in str(locked.problem)


async def test_a_password_of_another_trunk_cannot_be_used(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    spec = OutboundTrunkSpec(name="one", address="sip.example.com", username="u", region="US")
    one = await create_outbound_trunk(services, viewer, spec, PASSWORD)
    two = await create_outbound_trunk(services, viewer, replace(spec, name="two"), "another")
    db = await asyncpg.connect(settings.database_url)
    await db.execute(
        "update outbound_trunk set sealed = (select sealed from outbound_trunk where id = $1) "
        "where id = $2",
        one.id,
        two.id,
    )
    vault = Vault(KeyRing.from_secret_key(settings.secret_key))
    moved = await fetch_dial_trunk(db, vault, viewer.tenant_id, two.id)
    await db.close()
    assert moved is not None
    assert moved.password is None
    assert "moved" in str(moved.problem)


async def test_passwords_are_changed_and_removed(api: Api, settings: Settings) -> None:
    made = await created(api, CREATE_OUTBOUND, **TRUNK, username="user", password=PASSWORD)
    id = made["id"]
    before = (await rows(settings))[0][0]["sealed"]
    kept = await created(api, UPDATE_OUTBOUND, id=id, expectedRevision=1, username="other")
    assert (kept["username"], kept["hasPassword"]) == ("other", True)
    assert (await rows(settings))[0][0]["sealed"] == before
    await created(api, UPDATE_OUTBOUND, id=id, expectedRevision=2, password="new-password")
    assert (await rows(settings))[0][0]["sealed"] != before
    removed = await created(
        api, UPDATE_OUTBOUND, id=id, expectedRevision=3, username=None, password=None
    )
    assert (removed["username"], removed["hasPassword"]) == (None, False)
    assert (await rows(settings))[0][0]["sealed"] is None


async def test_a_new_address_needs_the_password_again(api: Api, settings: Settings) -> None:
    made = await created(api, CREATE_OUTBOUND, **TRUNK, username="user", password=PASSWORD)
    id, before = made["id"], await rows(settings)
    moved = {"id": id, "expectedRevision": 1, "address": "sip.example.org"}
    refused = await mutate(api, UPDATE_OUTBOUND, **moved)
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", "password"])
    assert "set it again" in refused["message"]
    assert await rows(settings) == before
    changed = await created(api, UPDATE_OUTBOUND, **moved, password=PASSWORD)
    assert changed["address"] == "sip.example.org"


async def test_a_trunk_whose_address_is_no_longer_listed_can_be_edited(
    api: Api, settings: Settings
) -> None:
    made = await created(api, CREATE_OUTBOUND, **TRUNK)
    db = await asyncpg.connect(settings.database_url)
    await db.execute(
        """update outbound_trunk set spec = jsonb_set(spec, '{address}', '"10.0.0.5"')"""
    )
    await db.close()
    disabled = {"address": "10.0.0.5", "isEnabled": False}
    changed = await created(api, UPDATE_OUTBOUND, id=made["id"], expectedRevision=1, **disabled)
    assert (changed["address"], changed["isEnabled"]) == ("10.0.0.5", False)
    before = await rows(settings)
    moved = {"id": made["id"], "expectedRevision": 2, "transport": "TCP"}
    refused = await mutate(api, UPDATE_OUTBOUND, **moved)
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", "address"])
    assert await rows(settings) == before


INVALID_OUTBOUND: list[tuple[dict[str, Any], list[str], str]] = [
    ({"name": "My carrier"}, ["name"], "lower-case"),
    ({"address": "sip:sip.example.com"}, ["address"], "without sip:"),
    ({"address": "10.0.0.5"}, ["address"], "list 10.0.0.5:5060 in TRUNK_ALLOW"),
    ({"region": "USA"}, ["region"], "ISO 3166-1"),
    ({"allowedRegions": ["JM", "+1"]}, ["allowedRegions", "1"], "ISO 3166-1"),
    ({"allowedPrefixes": ["+1"]}, ["allowedPrefixes", "0"], "country code"),
    ({"allowedShortNumbers": ["+112"]}, ["allowedShortNumbers", "0"], "2 to 6 digits"),
    ({"limits": {"callsPerSecond": 0}}, ["limits", "callsPerSecond"], "between 1 and 100"),
    ({"maxDuration": "PT0S"}, ["maxDuration"], "between 1 and 86400 seconds"),
    ({"username": "user"}, ["password"], "needs a password"),
    ({"password": PASSWORD}, ["username"], "needs a username"),
    ({"username": "user", "password": "with space"}, ["password"], "without spaces"),
]


async def test_an_invalid_outbound_trunk_is_refused_and_changes_nothing(
    api: Api, settings: Settings
) -> None:
    made = await created(api, CREATE_OUTBOUND, **{**TRUNK, "name": "existing"})
    before = await rows(settings)
    for given, path, words in INVALID_OUTBOUND:
        for document, fields in (
            (CREATE_OUTBOUND, {**TRUNK, **given}),
            (UPDATE_OUTBOUND, {"id": made["id"], "expectedRevision": 1, **given}),
        ):
            refused = await mutate(api, document, **fields)
            assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", *path])
            assert words in refused["message"]
            assert given.get("password", "unused") not in refused["message"]
    assert await rows(settings) == before


INVALID_INBOUND: list[tuple[dict[str, Any], list[str], str]] = [
    ({"allowedAddresses": []}, ["allowedAddresses"], "networks"),
    ({"allowedAddresses": ["192.0.2.1"]}, ["allowedAddresses", "0"], "192.0.2.1/32"),
    ({"allowedAddresses": ["192.0.2.1/30"]}, ["allowedAddresses", "0"], "host bits"),
    ({"allowedAddresses": ["0.0.0.0/0"]}, ["allowedAddresses", "0"], "no restriction"),
    ({"contextHeaders": ["Authorization"]}, ["contextHeaders", "0"], "X-"),
    ({"username": "carrier"}, ["password"], "needs a password"),
]


async def test_an_invalid_inbound_trunk_is_refused_and_changes_nothing(
    api: Api, settings: Settings
) -> None:
    made = await created(api, CREATE_INBOUND, **{**INBOUND, "name": "existing"})
    before = await rows(settings)
    for given, path, words in INVALID_INBOUND:
        for document, fields in (
            (CREATE_INBOUND, {**INBOUND, **given}),
            (UPDATE_INBOUND, {"id": made["id"], "expectedRevision": 1, **given}),
        ):
            refused = await mutate(api, document, **fields)
            assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", *path])
            assert words in refused["message"]
    assert await rows(settings) == before


INVALID_NUMBERS: list[tuple[dict[str, Any], list[str], str]] = [
    ({"number": "2025550123"}, ["number"], "plus sign"),
    ({"number": "+1 202 555 0123"}, ["number"], "without spaces"),
    ({"number": "112"}, ["number"], "7 to 15 digits"),
    ({"number": "+١٢٠٢٥٥٥٠١٢٣"}, ["number"], "E.164"),
    ({"earlierCalls": 11}, ["earlierCalls"], "between 0 and 10"),
    ({"defaults": {"language": "not a tag!"}}, ["defaults", "language"], "language"),
    ({"defaults": {"ringingTimeout": "PT2M"}}, ["defaults", "ringingTimeout"], "5 and 75"),
    ({"defaults": {"maxDuration": "PT2H"}}, ["defaults", "maxDuration"], "3600 seconds"),
    ({"defaults": {"recording": True}}, ["defaults", "recording"], "RECORDINGS_URL"),
    ({"defaults": {"userContext": [1]}}, ["defaults", "userContext"], "JSON object"),
    ({"hold": {"after": "PT29S"}}, ["hold", "after"], "between 1 and 28"),
    ({"hold": {"timeout": "PT2H"}}, ["hold", "timeout"], "0 and 3600"),
    ({"hold": {"announcement": ""}}, ["hold", "announcement"], "empty"),
    ({"refusedAttestations": ["NONE"] * 2}, ["refusedAttestations"], "twice"),
]


async def test_an_invalid_number_is_refused_and_changes_nothing(
    api: Api, settings: Settings
) -> None:
    before = await rows(settings)
    for given, path, words in INVALID_NUMBERS:
        refused = await mutate(api, CREATE_NUMBER, **{"number": NUMBER, **given})
        assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", *path])
        assert words in refused["message"]
    assert await rows(settings) == before


async def test_a_workflow_needs_the_trunk_that_its_calls_come_from(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    version = await publish_clinic(services, viewer)
    before = await rows(settings)
    refused = await mutate(
        api, CREATE_NUMBER, number=NUMBER, workflowId=global_id("Workflow", version.workflow_id)
    )
    assert refused["path"] == ["input", "inboundTrunkId"]
    assert await rows(settings) == before


async def test_a_number_can_exist_once_in_the_installation(
    api: Api, other: Api, settings: Settings
) -> None:
    """The answer does not reveal who has the number."""
    await created(api, CREATE_NUMBER, number=NUMBER)
    trunk = await created(api, CREATE_INBOUND, **INBOUND)
    before = await rows(settings)
    own = await mutate(api, CREATE_NUMBER, number=NUMBER, inboundTrunkId=trunk["id"])
    foreign = await mutate(other, CREATE_NUMBER, number=NUMBER)
    assert own == foreign
    assert (own["__typename"], own["code"]) == ("NumberTaken", "NUMBER_TAKEN")
    assert own["path"] == ["input", "number"]
    assert "acme" not in json.dumps(own)
    assert await rows(settings) == before
    assert (await other.execute(LIST))["data"]["phoneNumbers"] == {"edges": []}


async def test_two_trunks_cannot_have_the_same_name(api: Api, settings: Settings) -> None:
    for document, fields in ((CREATE_OUTBOUND, TRUNK), (CREATE_INBOUND, INBOUND)):
        await created(api, document, **fields)
        before = await rows(settings)
        refused = await mutate(api, document, **fields)
        assert (refused["code"], refused["path"]) == ("NAME_TAKEN", ["input", "name"])
        assert await rows(settings) == before


async def test_what_numbers_use_cannot_be_deleted(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    version = await publish_clinic(services, viewer)
    workflow = global_id("Workflow", version.workflow_id)
    outbound = (await created(api, CREATE_OUTBOUND, **TRUNK))["id"]
    inbound = (await created(api, CREATE_INBOUND, **INBOUND))["id"]
    number = await created(
        api,
        CREATE_NUMBER,
        number=NUMBER,
        workflowId=workflow,
        inboundTrunkId=inbound,
        outboundTrunkId=outbound,
    )
    before = await rows(settings)
    deletions = (
        (DELETE_OUTBOUND, outbound),
        (DELETE_INBOUND, inbound),
        (DELETE_WORKFLOW, workflow),
    )
    for document, id in deletions:
        refused = await mutate(api, document, id=id)
        assert (refused["code"], refused["usedBy"]) == ("IN_USE", [NUMBER])
        assert refused["path"] == ["input", "id"]
    assert await rows(settings) == before
    await created(api, DELETE_NUMBER, id=number["id"])
    for document, id in deletions:
        assert (await mutate(api, document, id=id))["__typename"].endswith("Success")


async def test_a_tenant_cannot_have_any_number_of_trunks(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    db = await asyncpg.connect(settings.database_url)
    await db.execute(
        """insert into outbound_trunk (id, tenant_id, name, revision, spec)
           select gen_random_uuid(), $1, 't' || i, 1, '{}' from generate_series(1, $2) i""",
        viewer.tenant_id,
        MAX_TRUNKS,
    )
    await db.close()
    before = await rows(settings)
    spec = OutboundTrunkSpec(name="more", address="sip.example.com", region="US")
    with pytest.raises(InvalidInput) as refused:
        await create_outbound_trunk(services, viewer, spec, None)
    assert (refused.value.path, "at most 100" in refused.value.message) == (("name",), True)
    assert await rows(settings) == before


@pytest.mark.parametrize("role", [Role.EDITOR, Role.OPERATOR, Role.VIEWER])
async def test_only_owners_and_admins_change_trunks(
    services: Services, settings: Settings, role: Role
) -> None:
    tenant = await new_tenant(settings, "roles")
    spec = OutboundTrunkSpec(name="carrier", address="sip.example.com", region="US")
    with pytest.raises(Forbidden):
        await create_outbound_trunk(services, member_of(tenant, role), spec, None)
    await create_outbound_trunk(services, member_of(tenant, Role.ADMIN), spec, None)
    async with running_api(
        services, settings, member_of(tenant, role), build_schema_with_loaders
    ) as api:
        listed = (await api.execute("{ outboundTrunks { edges { node { name } } } }"))["data"]
    assert listed == {"outboundTrunks": {"edges": [{"node": {"name": "carrier"}}]}}


async def test_verification_asks_for_a_telephone_line(
    api: Api, services: Services, viewer: Viewer
) -> None:
    """The findings of a stored workflow follow what the tenant has."""
    version = await publish_clinic(services, viewer)
    query = '{ workflow(by: {slug: "clinic"}) { findings { findings { code } } } }'
    tool = 'query { tool(by: {name: "book_appointment"}) { id revision } }'
    found = (await api.execute(tool))["data"]["tool"]
    update = f"""mutation ($input: UpdateToolInput!) {{ updateTool(input: $input) {{ __typename
      {ERROR_FIELDS} }} }}"""
    updated = await mutate(
        api,
        update,
        id=found["id"],
        expectedRevision=found["revision"],
        actions=[{"sendDtmf": {"digits": "1"}}],
    )
    assert updated["__typename"] == "UpdateToolSuccess", updated

    async def codes() -> list[str]:
        listed = (await api.execute(query))["data"]["workflow"]["findings"]["findings"]
        return [each["code"] for each in listed if "PHONE" in each["code"]]

    assert await codes() == ["NO_TELEPHONE"]
    inbound = (await created(api, CREATE_INBOUND, **INBOUND))["id"]
    number = await created(api, CREATE_NUMBER, number=NUMBER, inboundTrunkId=inbound)
    assert await codes() == ["NO_PHONE_NUMBER"]
    workflow = global_id("Workflow", UUID(str(version.workflow_id)))
    await created(api, UPDATE_NUMBER, id=number["id"], expectedRevision=1, workflowId=workflow)
    assert await codes() == []
