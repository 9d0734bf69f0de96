"""Members of a tenant: invitations, roles, suspension and removal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.common.access import ROLE_SCOPES, PersonId, Role, Scope, Viewer
from domain.common.errors import InvalidToken, LastOwner
from domain.common.settings import Settings
from domain.ports import Services
from domain.tenants.members import UNKNOWN_DEVICE
from domain.use_cases.members import accept_invitation, change_member_role, remove_member
from persistence.wiring import api_services
from resolvers.global_ids import decode_global_id, decode_member, global_id
from resolvers.global_ids import member_id as member_id_in
from tests.api.test_accounts import execute
from tests.conftest import new_tenant
from tests.support.api_server import Api, add_member
from tests.support.people import (
    ACCEPT,
    DELETE_ROLE,
    INVITE,
    PASSWORD,
    UPDATE_ROLE,
    SignedIn,
    an_email,
    invited,
    new_member,
    new_role,
    owner_at,
    signed_in_at,
    until,
    until_ended,
    visitor_at,
)
from tests.support.sessions import until_refused

pytestmark = pytest.mark.anyio

MEMBERS = (
    """{ members { edges { node { id email name role suspendedAt managedBy lastUsedAt } } } }"""
)
INVITATIONS = "{ invitations { edges { node { id email role invitedBy } } } }"
RECEIVED = """query ($token: String!) { receivedInvitation(token: $token) {
  email role hasAccount tenant { slug } } }"""
WITHDRAW = """mutation ($input: WithdrawInvitationInput!) { withdrawInvitation(input: $input) {
  __typename ... on Error { code path } } }"""
CHANGE = """mutation ($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) {
  __typename ... on ChangeMemberRoleSuccess { member { role } } ... on Error { code message path } } }"""
SUSPEND = """mutation ($input: SuspendMemberInput!) { suspendMember(input: $input) {
  __typename ... on Error { code message path } } }"""
RESUME = """mutation ($input: ResumeMemberInput!) { resumeMember(input: $input) {
  __typename ... on Error { code message path } } }"""
REMOVE = """mutation ($input: RemoveMemberInput!) { removeMember(input: $input) {
  __typename ... on RemoveMemberSuccess { member { email } } ... on Error { code message path } } }"""
RESET_LINK = """mutation ($input: CreatePasswordResetLinkInput!) {
  createPasswordResetLink(input: $input) { __typename
  ... on CreatePasswordResetLinkSuccess { link } ... on Error { code message path } } }"""
SWITCH = """mutation ($input: SwitchTenantInput!) { switchTenant(input: $input) {
  __typename ... on LoginSuccess { accessToken refreshToken } ... on Error { code message path } } }"""
FOLLOW = "subscription { calls { __typename } }"


@pytest.fixture
async def owner(api: Api) -> SignedIn:
    return owner_at(api)


@pytest.fixture
async def other_owner(services: Services, settings: Settings, api: Api) -> SignedIn:
    """The owner of another tenant, on the same installation."""
    tenant = await new_tenant(settings, "globex")
    id = PersonId(UUID(int=2))
    await add_member(settings, tenant.id, id, "owner@globex.example", Role.OWNER)
    return SignedIn(api, (await services.accounts.sign_in(id)).access)


async def members(person: SignedIn) -> dict[str, Any]:
    """The members by e-mail address."""
    answer = await person.execute(MEMBERS)
    return {edge["node"]["email"]: edge["node"] for edge in answer["data"]["members"]["edges"]}


async def member_id(person: SignedIn) -> str:
    return str((await person.viewer())["memberId"])


# ---- invitations ----------------------------------------------------------------------------


async def test_an_invited_person_chooses_a_password_and_becomes_a_member(
    api: Api, owner: SignedIn
) -> None:
    email = an_email()
    token = await invited(owner, f" {email.upper()} ", "EDITOR")
    visitor = visitor_at(api)
    received = (await visitor.execute(RECEIVED, token=token))["data"]["receivedInvitation"]
    assert received == {
        "email": email,
        "role": "EDITOR",
        "hasAccount": False,
        "tenant": {"slug": "acme"},
    }
    for password, path in (
        ("short", "password"),
        (f"{email} acme", "password"),
        ("000webhost4ever", "password"),  # long enough, and on lists of attackers
        (None, "password"),
    ):
        refused = await visitor.run(ACCEPT, token=token, password=password)
        assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", path])
    assert list(await members(owner)) == ["00000000-0000-0000-0000-000000000001@example.org"]

    accepted = await visitor.run(ACCEPT, token=token, password=PASSWORD, name="  Ada   Lovelace ")
    ada = SignedIn(api, accepted["accessToken"])
    viewer = await ada.viewer()
    assert viewer["person"] == {
        "id": global_id("Person", UUID(viewer["subject"].removeprefix("user:"))),
        "email": email,
        "name": "Ada Lovelace",
    }
    assert viewer["memberId"] == (await members(owner))[email]["id"]
    assert viewer["scopes"] == sorted(scope.name for scope in ROLE_SCOPES[Role.EDITOR])
    assert [each["role"] for each in viewer["memberships"]] == ["EDITOR"]
    assert (await signed_in_at(api, email)).token
    assert (await owner.execute(INVITATIONS))["data"]["invitations"]["edges"] == []
    assert await owner.code(INVITE, email=email, role="VIEWER") == "ALREADY_MEMBER"


async def test_an_invitation_is_good_once_even_if_many_accept_at_the_same_time(
    api: Api, owner: SignedIn, services: Services
) -> None:
    token = await invited(owner, an_email(), "VIEWER")
    attempts = (
        accept_invitation(services, None, token, PASSWORD, None, UNKNOWN_DEVICE) for _ in range(10)
    )
    results = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Exception)]
    assert [type(each) for each in refused] == [InvalidToken] * 9
    assert len(await members(owner)) == 2
    assert await visitor_at(api).code(ACCEPT, token=token, password=PASSWORD) == "INVALID_TOKEN"


async def test_a_withdrawn_replaced_or_expired_invitation_is_like_an_unknown_one(
    api: Api, owner: SignedIn, settings: Settings
) -> None:
    visitor, email = visitor_at(api), an_email()
    replaced = await invited(owner, email, "VIEWER")
    withdrawn = await invited(owner, email, "VIEWER")
    [invitation] = (await owner.execute(INVITATIONS))["data"]["invitations"]["edges"]
    assert (await owner.run(WITHDRAW, id=invitation["node"]["id"]))["__typename"].endswith(
        "Success"
    )
    assert await owner.code(WITHDRAW, id=invitation["node"]["id"]) == "NOT_FOUND"
    expired = await invited(owner, email, "VIEWER")
    await execute(settings, "update invitation set expires_at = now()")
    answers = []
    for token in (replaced, withdrawn, expired, "unknown", ""):
        received = await visitor.execute(RECEIVED, token=token)
        assert received == {"data": {"receivedInvitation": None}} | {
            "extensions": received["extensions"]
        }
        answers.append(await visitor.run(ACCEPT, token=token, password=PASSWORD))
    assert {answer["code"] for answer in answers} == {"INVALID_TOKEN"}
    assert len({answer["message"] for answer in answers}) == 1
    assert len(await members(owner)) == 1


async def test_only_the_invited_address_accepts_an_invitation(
    api: Api, owner: SignedIn, other_owner: SignedIn
) -> None:
    """A person with an account signs in with it; a stolen link alone is not enough."""
    email = an_email()
    ada = await new_member(owner, "EDITOR", email)
    token = await invited(other_owner, email, "VIEWER")
    visitor = visitor_at(api)
    assert (await visitor.execute(RECEIVED, token=token))["data"]["receivedInvitation"][
        "hasAccount"
    ]
    for someone, more, path in (
        (visitor, {}, "password"),
        (owner, {}, "token"),
        (visitor, {"password": "seven unrelated green tables"}, None),
    ):
        refused = await someone.run(ACCEPT, token=token, **more)
        assert refused["code"] == "UNAUTHENTICATED"
        assert refused["path"] == (["input", path] if path else ["input"])
    assert (await ada.viewer())["memberships"][1:] == []
    accepted = await ada.run(ACCEPT, token=token)
    at_globex = SignedIn(api, accepted["accessToken"])
    assert (await at_globex.viewer())["tenant"]["slug"] == "globex"


async def test_a_person_without_a_session_accepts_with_their_password(
    api: Api, owner: SignedIn, other_owner: SignedIn
) -> None:
    email = an_email()
    await new_member(owner, "EDITOR", email)
    token = await invited(other_owner, email, "VIEWER")
    result = await visitor_at(api).run(ACCEPT, token=token, password=PASSWORD)
    memberships = (await SignedIn(api, result["accessToken"]).viewer())["memberships"]
    assert [(each["tenant"]["slug"], each["role"]) for each in memberships] == [
        ("acme", "EDITOR"),
        ("globex", "VIEWER"),
    ]


# ---- several tenants ------------------------------------------------------------------------


async def test_a_person_switches_between_tenants_and_sees_one_at_a_time(
    api: Api, owner: SignedIn, other_owner: SignedIn
) -> None:
    email = an_email()
    at_acme = await new_member(owner, "ADMIN", email)
    token = await invited(other_owner, email, "VIEWER")
    await at_acme.run(ACCEPT, token=token)
    tenants = {
        each["tenant"]["slug"]: each["tenant"]["id"]
        for each in (await at_acme.viewer())["memberships"]
    }
    switched = await at_acme.run(SWITCH, id=tenants["globex"])
    at_globex = SignedIn(api, switched["accessToken"])
    assert set(await members(at_globex)) == {email, "owner@globex.example"}
    assert "owner@globex.example" not in await members(at_acme)
    assert len((await at_globex.viewer())["scopes"]) < len((await at_acme.viewer())["scopes"])
    # A member of one tenant is no member of another one, whatever the id.
    assert await at_acme.code(REMOVE, id=await member_id(other_owner)) == "NOT_FOUND"
    stranger = await new_member(owner, "VIEWER")
    assert await stranger.code(SWITCH, id=tenants["globex"]) == "NOT_FOUND"
    assert await stranger.code(SWITCH, id=(await stranger.viewer())["person"]["id"]) == "NOT_FOUND"
    # Signing in leads to the tenant used last, unless another one is named.
    assert (await (await signed_in_at(api, email)).viewer())["tenant"]["slug"] == "globex"
    named = await signed_in_at(api, email, tenant="acme")
    assert (await named.viewer())["tenant"]["slug"] == "acme"
    assert (await (await signed_in_at(api, email)).viewer())["tenant"]["slug"] == "acme"
    # Leaving one tenant keeps the account for the other.
    left = await at_globex.run(REMOVE, id=await member_id(at_globex))
    assert left["member"] == {"email": email}
    await until_ended(at_globex)
    assert await at_acme.status() == 200
    assert email not in await members(other_owner)


async def test_an_api_key_is_no_person(api: Api, owner: SignedIn) -> None:
    key = SignedIn(api, api.key)
    viewer = await key.viewer()
    assert (viewer["person"], viewer["email"], viewer["memberships"]) == (None, None, [])
    tenant = viewer["tenant"]["id"]
    assert await key.code(SWITCH, id=tenant) == "FORBIDDEN"


# ---- roles ----------------------------------------------------------------------------------


async def test_no_member_gives_or_changes_a_role_with_scopes_they_lack(owner: SignedIn) -> None:
    admin = await new_member(owner, "ADMIN")
    editor = await new_member(owner, "EDITOR")
    editor_id, owner_id = await member_id(editor), await member_id(owner)
    assert await editor.code(INVITE, email=an_email(), role="VIEWER") == "FORBIDDEN"
    assert await editor.code(CHANGE, id=editor_id, role="OWNER") == "FORBIDDEN"
    assert await admin.code(INVITE, email=an_email(), role="OWNER") == "FORBIDDEN"
    assert await admin.code(CHANGE, id=editor_id, role="OWNER") == "FORBIDDEN"
    for mutation in (SUSPEND, REMOVE, RESET_LINK):
        assert await admin.code(mutation, id=owner_id) == "FORBIDDEN"
    assert await admin.code(CHANGE, id=owner_id, role="VIEWER") == "FORBIDDEN"
    assert await admin.code(CHANGE, id=editor_id, role="WIZARD") == "INVALID_INPUT"
    assert sorted(each["role"] for each in (await members(owner)).values()) == [
        *("ADMIN", "EDITOR", "OWNER")
    ]
    changed = await admin.run(CHANGE, id=editor_id, role="OPERATOR")
    assert changed["member"] == {"role": "OPERATOR"}


async def test_members_can_have_roles_of_the_tenants_own(api: Api, owner: SignedIn) -> None:
    support, email = await new_role(owner, "support", "CALLS_WRITE"), an_email()
    token = await invited(owner, email, "support")
    used = await owner.run(DELETE_ROLE, id=support)
    assert (used["code"], used["usedBy"]) == ("IN_USE", [email])
    accepted = await visitor_at(api).run(ACCEPT, token=token, password=PASSWORD)
    ada = SignedIn(api, accepted["accessToken"])
    viewer = await ada.viewer()
    assert viewer["scopes"] == ["CALLS_JOIN", "CALLS_READ", "CALLS_WRITE"]
    assert viewer["memberships"][0]["role"] == (await members(owner))[email]["role"] == "support"
    assert (await owner.run(DELETE_ROLE, id=support))["usedBy"] == [email]
    async with ada.with_token.socket() as socket:
        await socket.subscribe("1", FOLLOW)
        await socket.receive()
        await owner.run(UPDATE_ROLE, id=support, expectedRevision=1, scopes=["AGENTS_READ"])
        assert await socket.wait_closed() == (4403, "Permissions changed")
    assert (await ada.viewer())["scopes"] == ["AGENTS_READ"]
    await owner.run(CHANGE, id=viewer["memberId"], role="VIEWER")
    assert (await owner.run(DELETE_ROLE, id=support))["__typename"] == "DeleteRoleSuccess"
    assert await owner.code(CHANGE, id=viewer["memberId"], role="support") == "INVALID_INPUT"


async def test_a_role_of_the_tenants_own_lends_no_more_than_its_giver_has(owner: SignedIn) -> None:
    await new_role(owner, "deputy", "OWNERS_WRITE", "MEMBERS_WRITE")
    admin, ada = await new_member(owner, "ADMIN"), await new_member(owner, "VIEWER")
    id = await member_id(ada)
    assert await admin.code(INVITE, email=an_email(), role="deputy") == "FORBIDDEN"
    assert await admin.code(CHANGE, id=id, role="deputy") == "FORBIDDEN"
    await owner.run(CHANGE, id=id, role="deputy")
    for mutation in (SUSPEND, REMOVE, RESET_LINK):
        assert await admin.code(mutation, id=id) == "FORBIDDEN"
    # A deputy has neither all scopes of an owner nor all of a viewer.
    assert await ada.code(INVITE, email=an_email(), role="OWNER") == "FORBIDDEN"
    assert await ada.code(INVITE, email=an_email(), role="VIEWER") == "FORBIDDEN"
    assert await ada.code(INVITE, email=an_email(), role="deputy") == "None"


async def test_the_last_owner_cannot_be_removed(owner: SignedIn, settings: Settings) -> None:
    mine = await member_id(owner)
    second = await new_member(owner, "OWNER")
    theirs = await member_id(second)
    assert (await owner.run(SUSPEND, id=theirs))["__typename"] == "SuspendMemberSuccess"
    for mutation, more in ((SUSPEND, {}), (REMOVE, {}), (CHANGE, {"role": "ADMIN"})):
        assert await owner.code(mutation, id=mine, **more) == "LAST_OWNER"
    assert (await owner.viewer())["memberships"][0]["role"] == "OWNER"
    assert (await owner.run(RESUME, id=theirs))["__typename"] == "ResumeMemberSuccess"
    assert (await owner.run(CHANGE, id=mine, role="ADMIN"))["member"] == {"role": "ADMIN"}


async def test_two_owners_who_change_each_other_at_once_leave_one(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    tenant = await services.accounts.tenant(viewer.tenant_id)
    second, mine = PersonId(UUID(int=7)), PersonId(UUID(int=1))
    other = replace(viewer, subject=f"user:{second}")

    async def demote(by: Viewer, id: PersonId) -> object:
        return await change_member_role(services, by, id, "VIEWER")

    async def remove(by: Viewer, id: PersonId) -> object:
        return await remove_member(services, by, id)

    for change in (demote, remove):
        await add_member(settings, tenant.id, mine, "first@acme.example", Role.OWNER)
        await add_member(settings, tenant.id, second, "second@acme.example", Role.OWNER)
        await execute(settings, "update membership set role = 'OWNER'")
        results = await asyncio.gather(
            change(viewer, second), change(other, mine), return_exceptions=True
        )
        assert [type(result) for result in results].count(LastOwner) == 1, results
        owners = "select person_id from membership where role = 'OWNER'"
        assert len(await execute(settings, owners)) == 1


# ---- what takes effect at once --------------------------------------------------------------


async def test_a_suspended_member_is_out_until_resumed(api: Api, owner: SignedIn) -> None:
    email = an_email()
    ada = await new_member(owner, "VIEWER", email)
    id = await member_id(ada)
    async with ada.with_token.socket() as socket:
        await socket.subscribe("1", FOLLOW)
        await socket.receive()
        await owner.run(SUSPEND, id=id)
        assert await socket.wait_closed() == (4401, "Unauthorized")
    await until_ended(ada)
    refused = await visitor_at(api).code(
        "mutation ($input: SessionInput!) { refreshSession(input: $input) { ... on Error { code } } }",
        refreshToken=ada.refresh_token,
    )
    assert refused == "UNAUTHENTICATED"
    login = "mutation ($input: LoginInput!) { login(input: $input) { ... on Error { code } } }"
    credentials = {"email": email, "password": PASSWORD}
    assert await visitor_at(api).code(login, **credentials) == "UNAUTHENTICATED"
    assert (await members(owner))[email]["suspendedAt"] is not None
    await owner.run(RESUME, id=id)
    assert await (await signed_in_at(api, email)).status() == 200
    assert await ada.status() == 401  # the ended session stays ended


async def test_a_removed_person_without_another_tenant_is_deleted(
    api: Api, owner: SignedIn, settings: Settings
) -> None:
    email = an_email()
    ada = await new_member(owner, "VIEWER", email)
    await owner.run(REMOVE, id=await member_id(ada))
    await until_ended(ada)
    assert await execute(settings, "select * from person where email = $1", email) == []
    # The address can be invited again, as a new person.
    assert await (await new_member(owner, "VIEWER", email)).status() == 200


async def test_a_change_of_role_takes_effect_on_open_sockets(owner: SignedIn) -> None:
    ada = await new_member(owner, "OPERATOR")
    id = await member_id(ada)
    async with ada.with_token.socket() as idle, ada.with_token.socket() as busy:
        await busy.subscribe("1", FOLLOW)
        await busy.receive()
        await owner.run(CHANGE, id=id, role="EDITOR")

        async def has_new_role() -> bool:
            return Scope.AGENTS_WRITE.name in (await ada.viewer())["scopes"]

        await until(has_new_role)
        # Both connections continue, unless what runs on one needs a scope that is gone.
        await new_role(owner, "builder", "AGENTS_WRITE")
        await owner.run(CHANGE, id=id, role="builder")
        assert await busy.wait_closed() == (4403, "Permissions changed")
        await idle.subscribe("2", "{ viewer { scopes } }")
        answer = await idle.receive()
        assert answer["payload"]["data"]["viewer"]["scopes"] == ["AGENTS_READ", "AGENTS_WRITE"]


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_lists_members_and_only_admins_see_their_sessions(
    owner: SignedIn, role: Role
) -> None:
    ada = await new_member(owner, role)
    assert len(await members(ada)) == 2
    listed = await ada.execute("{ members { edges { node { email sessions { id } } } } }")
    assert ("errors" in listed) == (role not in (Role.OWNER, Role.ADMIN))


async def test_a_member_is_a_node(owner: SignedIn, other_owner: SignedIn) -> None:
    query = "query ($id: ID!) { node(id: $id) { __typename ... on Member { email } } }"
    id = await member_id(owner)
    tenant = decode_global_id((await owner.viewer())["tenant"]["id"])
    assert tenant is not None
    assert decode_member(id) == (tenant[1], UUID(int=1))
    assert (await owner.execute(query, id=global_id("Member", UUID(int=1))))["data"]["node"] is None
    assert (await owner.execute(query, id=id))["data"]["node"] == {
        "__typename": "Member",
        "email": "00000000-0000-0000-0000-000000000001@example.org",
    }
    assert (await other_owner.execute(query, id=id))["data"]["node"] is None
    there = decode_global_id((await other_owner.viewer())["tenant"]["id"])
    assert there is not None
    forged = member_id_in(there[1], UUID(int=1))
    assert (await other_owner.execute(query, id=forged))["data"]["node"] is None


# ---- the API of another process -------------------------------------------------------------


async def test_a_revocation_reaches_every_process_without_redis(
    services: Services, settings: Settings, viewer: Viewer, owner: SignedIn
) -> None:
    """They read changes from PostgreSQL; notifications only make that sooner."""
    ada = await new_member(owner, "VIEWER")
    without_redis = replace(settings, redis_url="redis://127.0.0.1:9")
    async with api_services(without_redis) as others:
        viewer_of_ada = await others.accounts.authenticate_credential(ada.token)
        assert viewer_of_ada.scopes == ROLE_SCOPES[Role.VIEWER]
        await owner.run(REMOVE, id=await member_id(ada))
        assert "session is over" in (await until_refused(others, ada.token)).message
