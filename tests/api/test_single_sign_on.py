"""Signing in with a certified OpenID Provider, which runs as a process of its own: from the page to the
provider and back, what attackers try in between, and how sessions end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

import httpx
import pytest

from domain.common.access import PersonId, Role, Viewer
from domain.common.settings import Settings
from tests.api.test_accounts import execute
from tests.api.test_members import CHANGE, MEMBERS, RESET_LINK, SUSPEND, SWITCH
from tests.api.test_own_account import END_ALL, RENAME, SESSIONS
from tests.conftest import new_tenant
from tests.support.api_server import add_member
from tests.support.browsers import script_runner
from tests.support.forging_provider import running_forger
from tests.support.oidc_provider import (
    Browser,
    Provider,
    fragment,
    install_provider,
    query,
    running_provider,
)
from tests.support.people import (
    ACCEPT,
    LOGIN,
    PASSWORD,
    SignedIn,
    invited,
    new_member,
    signed_in_at,
    until,
    until_ended,
    visitor_at,
)
from tests.support.single_sign_on import (
    DASHBOARD,
    DELETE,
    FINISH,
    PAGE,
    Installation,
    running_installation,
)

pytestmark = pytest.mark.anyio

ADA: dict[str, Any] = {"email": "ada@acme.example", "email_verified": True}
EVE: dict[str, Any] = {"email": "eve@acme.example", "email_verified": True}
TRUSTED: dict[str, Any] = {"trustedDomains": ["acme.example"]}
GROUPS: dict[str, Any] = {
    "oauthScopes": ["openid", "email", "groups"],
    "groupsClaim": "groups",
    "roleRules": [
        {"group": "staff", "role": "VIEWER"},
        {"group": "builders", "role": "EDITOR"},
        {"group": "chiefs", "role": "OWNER"},
    ],
}
CREATES: dict[str, Any] = {**TRUSTED, **GROUPS, "createsUsers": True}
OPTIONS = "query ($tenant: String!) { signInOptions(tenant: $tenant) { label startUrl } }"


@pytest.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    async with running_provider(install_provider(tmp_path_factory.mktemp("oidc"))) as running:
        yield running


@pytest.fixture
async def studio(
    settings: Settings, viewer: Viewer, provider: Provider
) -> AsyncIterator[Installation]:
    await provider.control(account="ada", users={"ada": ADA, "eve": EVE}, denies=False)
    async with running_installation(settings, viewer, provider.issuer) as running:
        yield running


async def members(person: SignedIn) -> dict[str, Any]:
    answer = await person.execute(MEMBERS)
    return {edge["node"]["email"]: edge["node"] for edge in answer["data"]["members"]["edges"]}


async def lacks(person: SignedIn, scope: str) -> bool:
    return scope not in (await person.viewer())["scopes"]


async def people(studio: Installation) -> list[Any]:
    """Everything that a sign-in may write about people."""
    tables = ("person", "membership", "federated_identity", "session", "sign_in_handoff")
    return [await execute(studio.settings, f"select * from {table}") for table in tables]


async def test_a_member_signs_in_with_their_account_at_the_provider(
    studio: Installation, provider: Provider
) -> None:
    by_password = await new_member(studio.owner, "EDITOR", ADA["email"])
    connected = await studio.connect(provider, **TRUSTED, sessionDuration="PT1H")
    async with Browser(DASHBOARD) as browser:
        verifier, url = await studio.come_back(connected, browser)
        # No cookie is left, so nothing that a browser sends by itself has any authority.
        assert [each.name for each in browser.http.cookies.jar if "studio" in each.name] == []
    assert urlunsplit((*urlsplit(url)[:4], "")) == PAGE
    assert list(fragment(url)) == ["handoff"]
    result = await studio.finish(url, verifier)
    ada = studio.session_of(result)
    assert (await ada.viewer())["subject"] == (await by_password.viewer())["subject"]
    assert (await members(ada))[ADA["email"]]["role"] == "EDITOR"
    assert query(result["endSessionUrl"])["id_token_hint"]
    # The handoff works once, whatever is sent with it.
    for guess in (verifier, verifier):
        assert (await studio.finish(url, guess))["code"] == "UNAUTHENTICATED"
    shown = (await ada.execute(SESSIONS))["data"]["viewer"]["sessions"]
    assert [each["endsAt"] is not None for each in shown if each["isCurrent"]] == [True]
    # The account is recognised by its subject, even after its address has changed.
    await provider.control(users={"ada": {"email": "ada@elsewhere.example"}})
    again = await studio.signed_in(connected)
    assert (await again.viewer())["subject"] == (await ada.viewer())["subject"]


async def test_groups_decide_the_role_at_every_sign_in(
    studio: Installation, provider: Provider
) -> None:
    connected = await studio.connect(provider, **CREATES)
    await provider.control(users={"ada": {**ADA, "groups": ["staff", "builders", "x"]}})
    ada = await studio.signed_in(connected)
    shown = (await members(ada))[ADA["email"]]
    assert (shown["role"], shown["managedBy"]) == ("EDITOR", "acme")
    # People do not change a role that the provider sets.
    assert await studio.owner.code(CHANGE, id=shown["id"], role="ADMIN") == "INVALID_INPUT"
    await provider.control(users={"ada": {**ADA, "groups": ["staff"]}})
    await studio.signed_in(connected)
    assert (await members(studio.owner))[ADA["email"]]["role"] == "VIEWER"
    # The first session has the new role, too.
    await until(lambda: lacks(ada, "AGENTS_WRITE"))
    before = await people(studio)
    await provider.control(users={"ada": {**ADA, "groups": ["strangers"]}})
    async with Browser(DASHBOARD) as browser:
        _, url = await studio.come_back(connected, browser)
    assert fragment(url) == {"sign_in_error": "NO_ROLE"}
    assert await people(studio) == before
    # Without rules, people set the roles again.
    await studio.update(connected, roleRules=[], createsUsers=False)
    changed = await studio.owner.run(CHANGE, id=shown["id"], role="ADMIN")
    assert changed["member"] == {"role": "ADMIN"}


async def test_the_last_owner_stays_an_owner_whatever_their_groups_are(
    studio: Installation, provider: Provider
) -> None:
    connected = await studio.connect(provider, **CREATES)
    await provider.control(users={"ada": {**ADA, "groups": ["chiefs"]}})
    ada = await studio.signed_in(connected)
    await execute(studio.settings, "delete from membership where person_id = $1", UUID(int=1))
    await provider.control(users={"ada": {**ADA, "groups": ["staff"]}})
    await studio.signed_in(connected)
    assert (await members(ada))[ADA["email"]]["role"] == "OWNER"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"email": "ada@acme.example", "email_verified": False}, "EMAIL_NOT_VERIFIED"),
        ({"email": "ada@acme.example"}, "EMAIL_NOT_VERIFIED"),
        ({"email": "ada@acme.example", "email_verified": "true"}, "EMAIL_NOT_VERIFIED"),
        ({"email": "ada@evil.example", "email_verified": True}, "NOT_A_MEMBER"),
        ({"email": "ada@sub.acme.example", "email_verified": True}, "NOT_A_MEMBER"),
        ({"email_verified": True}, "NOT_A_MEMBER"),
    ],
)
async def test_only_a_verified_address_of_a_trusted_domain_identifies_a_member(
    studio: Installation, provider: Provider, claims: dict[str, Any], reason: str
) -> None:
    await new_member(studio.owner, "ADMIN", ADA["email"])
    connected = await studio.connect(provider, **TRUSTED, createsUsers=True, defaultRole="VIEWER")
    await provider.control(users={"ada": claims})
    before = await people(studio)
    assert (await studio.result(connected))["reason"] == reason
    assert await people(studio) == before


async def test_an_invitation_links_an_account_whose_address_is_not_verified(
    studio: Installation, provider: Provider
) -> None:
    """Entra ID, for instance, verifies no addresses."""
    connected = await studio.connect(provider)
    await provider.control(users={"ada": {"email": "whatever@evil.example"}})
    assert (await studio.result(connected))["reason"] == "NOT_A_MEMBER"
    invitation = await invited(studio.owner, "ada@acme.example", "EDITOR")
    ada = await studio.signed_in(connected, invitation=invitation)
    assert (await members(ada))["ada@acme.example"]["role"] == "EDITOR"
    assert (await (await studio.signed_in(connected)).viewer())["email"] == "ada@acme.example"
    # Replayed, by the same or by another account, and with an account that is linked already.
    await provider.control(account="eve")
    replayed = await studio.result(connected, invitation=invitation)
    assert (replayed["code"], replayed["path"]) == ("INVALID_TOKEN", ["input", "invitation"])
    oversized = await studio.result(connected, invitation="x" * 201)
    assert (oversized["code"], oversized["path"]) == ("INVALID_INPUT", ["input", "invitation"])
    another = await invited(studio.owner, "bob@acme.example", "OWNER")
    await provider.control(account="ada")
    before = await people(studio)
    assert (await studio.result(connected, invitation=another))["code"] == "ALREADY_MEMBER"
    assert await people(studio) == before


async def test_an_invitation_of_another_tenant_admits_no_user(
    studio: Installation, provider: Provider
) -> None:
    other = await another_owner(studio)
    connected = await studio.connect(provider, other)
    invitation = await invited(studio.owner, "ada@acme.example", "OWNER")
    refused = await studio.result(connected, invitation=invitation)
    assert (refused["code"], refused["path"]) == ("INVALID_TOKEN", ["input", "invitation"])
    assert refused["message"].startswith("The invitation is for another tenant")


async def another_owner(studio: Installation) -> SignedIn:
    """The owner of the tenant globex."""
    tenant = await new_tenant(studio.settings, "globex")
    id = PersonId(UUID(int=2))
    await add_member(studio.settings, tenant.id, id, "owner@globex.example", Role.OWNER)
    return SignedIn(studio.api, (await studio.services.accounts.sign_in(id)).access)


async def test_what_a_provider_says_counts_in_its_tenant_alone(
    studio: Installation, provider: Provider
) -> None:
    """The owner of a tenant chooses its providers, and could assert anything of anyone with them."""
    victim = await new_member(studio.owner, "OWNER", ADA["email"])
    other = await another_owner(studio)
    connected = await studio.connect(
        provider, other, **TRUSTED, createsUsers=True, defaultRole="OWNER"
    )
    forged = await studio.signed_in(connected)
    viewer = await forged.viewer()
    assert viewer["subject"] == (await victim.viewer())["subject"]
    assert viewer["tenant"]["slug"] == "globex"
    assert [each["tenant"]["slug"] for each in viewer["memberships"]] == ["globex"]
    acme = (await victim.viewer())["tenant"]["id"]
    assert await forged.code(SWITCH, id=acme) == "FORBIDDEN"
    assert await forged.code(RENAME, name="Eve") == "FORBIDDEN"
    shown = (await forged.execute(SESSIONS))["data"]["viewer"]["sessions"]
    assert {each["tenant"]["slug"] for each in shown} == {"globex"}
    assert await forged.run(END_ALL, keepCurrent=False) == {"ended": 1}
    await until_ended(forged)
    assert await victim.status() == 200


async def test_a_password_that_someone_else_may_have_set_leads_to_no_member_of_a_provider(
    studio: Installation, provider: Provider
) -> None:
    """An inviter who sees the link can accept it, and wait until the owner of the address signs in."""
    other = await another_owner(studio)
    intruder = await new_member(other, "VIEWER", ADA["email"])
    acme = (await studio.owner.viewer())["tenant"]
    connected = await studio.connect(provider, **TRUSTED, createsUsers=True, defaultRole="ADMIN")
    ada = await studio.signed_in(connected)
    assert (await ada.viewer())["tenant"] == acme
    password = {"email": ADA["email"], "password": PASSWORD}
    visitor = visitor_at(studio.api)
    assert await intruder.code(SWITCH, id=acme["id"]) == "UNAUTHENTICATED"
    assert await visitor.code(LOGIN, **password, tenant="acme") == "UNAUTHENTICATED"
    # Without a tenant, the password leads where it always did, and shows nothing of the other tenant.
    viewer = await (await signed_in_at(studio.api, ADA["email"])).viewer()
    assert [each["tenant"]["slug"] for each in viewer["memberships"]] == ["globex"]
    # The person agrees with an invitation, and keeps the role.
    invitation = await invited(studio.owner, ADA["email"], "VIEWER")
    accepted = await visitor.run(ACCEPT, token=invitation, password=PASSWORD)
    assert accepted["__typename"] == "LoginSuccess"
    await signed_in_at(studio.api, ADA["email"], tenant="acme")
    assert (await members(studio.owner))[ADA["email"]]["role"] == "ADMIN"


async def test_what_groups_give_is_out_of_reach_for_a_password(
    studio: Installation, provider: Provider
) -> None:
    intruder = await new_member(studio.owner, "VIEWER", ADA["email"])
    connected = await studio.connect(provider, **CREATES)
    await provider.control(users={"ada": {**ADA, "groups": ["chiefs"]}})
    ada = await studio.signed_in(connected)
    await until_ended(intruder)
    password = {"email": ADA["email"], "password": PASSWORD}
    assert await visitor_at(studio.api).code(LOGIN, **password) == "UNAUTHENTICATED"
    id = (await members(ada))[ADA["email"]]["id"]
    assert await studio.owner.code(RESET_LINK, id=id) == "FORBIDDEN"


# ---- attacks on the way ------------------------------------------------------------------------


class Callback:
    """An answer of the provider that no browser has delivered yet, with the cookies for it."""

    def __init__(self, url: str, verifier: str, browser: Browser) -> None:
        self.url, self.verifier = url, verifier
        self.cookies = {
            each.name: str(each.value)
            for each in browser.http.cookies.jar
            if "studio-oidc" in each.name
        }

    def changed(self, **parameters: str | None) -> str:
        parts = urlsplit(self.url)
        changed = {n: v for n, v in {**query(self.url), **parameters}.items() if v is not None}
        return urlunsplit((*parts[:3], urlencode(changed), ""))


async def undelivered(studio: Installation, connected: dict[str, Any]) -> Callback:
    async with Browser(DASHBOARD) as browser:
        attempt = studio.attempt(connected)
        url = await browser.open(attempt.url, until=["/callback?"])
        return Callback(url, attempt.verifier, browser)


async def deliver(url: str, cookies: dict[str, str] | None = None) -> httpx.Response:
    async with httpx.AsyncClient(timeout=60, cookies=cookies) as http:
        return await http.get(url)


async def test_an_answer_is_accepted_once_in_the_browser_that_asked_for_it(
    studio: Installation, provider: Provider
) -> None:
    await new_member(studio.owner, "EDITOR", ADA["email"])
    connected = await studio.connect(provider, **TRUSTED)
    honest = await undelivered(studio, connected)
    await provider.control(account="eve")
    attackers = await undelivered(studio, connected)
    [name] = honest.cookies
    tampered = honest.cookies[name][:-2] + ("AA" if honest.cookies[name][-2:] != "AA" else "BB")
    before = await people(studio)
    refused = {
        # In another browser, in that of a victim with a flow of its own, and with a changed cookie.
        "no cookie": (honest.url, {}),
        "cookie of another flow": (honest.url, attackers.cookies),
        "attacker's answer": (attackers.url, honest.cookies),
        "tampered cookie": (honest.url, {name: tampered}),
        "cookie of another flow by its name": (
            honest.url,
            {name: next(iter(attackers.cookies.values()))},
        ),
        "changed state": (honest.changed(state="x" * 43), honest.cookies),
        "no state": (honest.changed(state=None), honest.cookies),
        "state twice": (f"{honest.url}&state={query(honest.url)['state']}", honest.cookies),
        "issuer of another": (honest.changed(iss="https://evil.example"), honest.cookies),
        "no issuer": (honest.changed(iss=None), honest.cookies),
        "code of another": (
            honest.changed(code=query(attackers.url)["code"]),
            honest.cookies,
        ),
        "no code": (honest.changed(code=None), honest.cookies),
    }
    for attack, (url, cookies) in refused.items():
        response = await deliver(url, cookies)
        location = response.headers.get("location", "")
        assert response.status_code in (400, 303), attack
        assert location == "" or fragment(location) == {"sign_in_error": "SIGN_IN_FAILED"}, attack
        if location:
            assert location.startswith(PAGE), attack
    assert await people(studio) == before
    # The honest answer is still good, once.
    accepted = await deliver(honest.url, honest.cookies)
    assert accepted.headers["cache-control"] == "no-store"
    assert accepted.headers["referrer-policy"] == "no-referrer"
    replayed = await deliver(honest.url, honest.cookies)
    assert fragment(replayed.headers["location"]) == {"sign_in_error": "SIGN_IN_FAILED"}
    assert (await deliver(honest.url)).status_code == 400
    result = await studio.finish(accepted.headers["location"], honest.verifier)
    assert (await studio.session_of(result).viewer())["email"] == ADA["email"]


async def test_a_handoff_belongs_to_the_page_that_began(
    studio: Installation, provider: Provider
) -> None:
    """A victim who is sent to a page with the handoff of an attacker is not signed in as the attacker."""
    await new_member(studio.owner, "EDITOR", ADA["email"])
    connected = await studio.connect(provider, **TRUSTED)
    async with Browser(DASHBOARD) as browser:
        own, url = await studio.come_back(connected, browser)
    victims = studio.attempt(connected).verifier
    assert (await studio.finish(url, victims))["code"] == "UNAUTHENTICATED"
    # The wrong guess has used the handoff up.
    assert (await studio.finish(url, own))["code"] == "UNAUTHENTICATED"
    guessed = await visitor_at(studio.api).run(FINISH, handoff="x" * 43, verifier=own)
    assert guessed["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("page", "challenge"),
    [
        ("https://evil.example/", None),
        (f"{DASHBOARD}@evil.example/", None),
        (f"{DASHBOARD}\\@evil.example/", None),
        ("//evil.example", None),
        (PAGE, "too-short"),
    ],
)
async def test_a_sign_in_starts_for_pages_of_ours_alone(
    studio: Installation, provider: Provider, page: str, challenge: str | None
) -> None:
    connected = await studio.connect(provider)
    url = studio.attempt(connected, page).url
    if challenge is not None:
        url = f"{connected['startUrl']}?" + urlencode({"challenge": challenge, "return_to": page})
    response = await deliver(url)
    assert response.status_code == 400
    assert "location" not in response.headers
    assert "set-cookie" not in response.headers


async def test_a_dishonest_provider_gets_no_code_of_an_honest_one(
    settings: Settings, viewer: Viewer, provider: Provider
) -> None:
    """The mix-up attack: the user chooses the dishonest provider, which sends the browser on to the honest
    one, where the user has an account."""
    await provider.control(account="ada", users={"ada": ADA}, denies=False)
    async with (
        running_forger() as forger,
        running_installation(settings, viewer, provider.issuer, forger.issuer) as studio,
    ):
        honest = await studio.connect(provider, **TRUSTED)
        dishonest = await studio.create(forger.issuer, name="evil")
        async with Browser(DASHBOARD) as browser:
            asked = await browser.open(
                studio.attempt(dishonest).url, until=[f"{forger.issuer}/auth"]
            )
            parameters = {**query(asked), "client_id": honest["clientId"]}
            # With its own redirect URI, which the honest provider does not know.
            response = await browser.http.get(f"{provider.issuer}/auth?{urlencode(parameters)}")
            assert response.status_code == 400
            # With that of the honest provider, whose path belongs to no attempt with this state.
            parameters["redirect_uri"] = honest["redirectUri"]
            url = await browser.open(
                f"{provider.issuer}/auth?{urlencode(parameters)}", until=["/callback?"]
            )
            response = await browser.http.get(url)
        assert response.status_code == 400
        assert "location" not in response.headers
        assert forger.count("/token") == 0


async def test_a_redirect_to_a_provider_takes_no_fragment_along(
    studio: Installation, provider: Provider
) -> None:
    """A browser would keep the handoff of another sign-in, and show it to the pages of the provider."""
    connected = await studio.connect(provider)
    response = await deliver(studio.attempt(connected).url)
    assert response.status_code == 302
    assert urlsplit(response.headers["location"]).fragment == "_"


async def test_a_user_who_is_denied_comes_back_with_the_reason(
    studio: Installation, provider: Provider
) -> None:
    connected = await studio.connect(provider)
    await provider.control(denies=True)
    async with Browser(DASHBOARD) as browser:
        _, url = await studio.come_back(connected, browser)
    assert fragment(url) == {"sign_in_error": "DENIED_BY_PROVIDER"}


# ---- ends --------------------------------------------------------------------------------------


async def test_a_logout_at_the_provider_ends_the_session_and_its_sockets(
    studio: Installation, provider: Provider
) -> None:
    await new_member(studio.owner, "EDITOR", ADA["email"])
    connected = await studio.connect(provider, **TRUSTED)
    elsewhere = await studio.signed_in(connected)
    async with Browser(DASHBOARD) as browser:
        verifier, url = await studio.come_back(connected, browser)
        result = await studio.finish(url, verifier)
        ada = studio.session_of(result)
        async with ada.with_token.socket() as socket:
            await browser.submit_logout(result["endSessionUrl"])
            assert await socket.wait_closed() == (4401, "Unauthorized")
    await until_ended(ada)
    # The session of another browser at the provider continues.
    assert await elsewhere.status() == 200


async def test_deleting_a_provider_ends_the_sessions_that_it_vouched_for(
    studio: Installation, provider: Provider
) -> None:
    by_password = await new_member(studio.owner, "EDITOR", ADA["email"])
    connected = await studio.connect(provider, **TRUSTED)
    ada = await studio.signed_in(connected)
    async with Browser(DASHBOARD) as browser:
        verifier, url = await studio.come_back(connected, browser)
    result = await studio.owner.run(DELETE, id=connected["id"])
    assert result["__typename"] == "DeleteIdentityProviderSuccess"
    await until_ended(ada)
    assert await by_password.status() == 200
    # The handoff of a sign-in that was under way is gone as well.
    assert (await studio.finish(url, verifier))["code"] == "UNAUTHENTICATED"
    assert (await deliver(studio.attempt(connected).url)).status_code == 404


async def test_a_suspended_member_and_a_disabled_provider_admit_no_user(
    studio: Installation, provider: Provider
) -> None:
    await new_member(studio.owner, "EDITOR", ADA["email"])
    connected = await studio.connect(provider, **TRUSTED)
    ada = await studio.signed_in(connected)
    shown = (await members(ada))[ADA["email"]]
    await studio.owner.run(SUSPEND, id=shown["id"])
    await until_ended(ada)
    assert (await studio.result(connected))["reason"] == "SUSPENDED"
    async with Browser(DASHBOARD) as browser:
        verifier, url = await studio.come_back(connected, browser)
    await studio.update(connected, isEnabled=False)
    assert (await studio.finish(url, verifier))["reason"] == "PROVIDER_DISABLED"
    assert (await deliver(studio.attempt(connected).url)).status_code == 403


async def test_a_page_finds_the_buttons_of_a_tenant(
    studio: Installation, provider: Provider
) -> None:
    connected = await studio.connect(provider)
    visitor = visitor_at(studio.api)
    answer = await visitor.execute(OPTIONS, tenant="acme")
    expected = {"label": "Sign in with Acme", "startUrl": connected["startUrl"]}
    assert answer["data"]["signInOptions"] == [expected]
    for tenant in ("unknown", "", "x" * 100):
        assert (await visitor.execute(OPTIONS, tenant=tenant))["data"]["signInOptions"] == []
    await studio.update(connected, isEnabled=False)
    assert (await visitor.execute(OPTIONS, tenant="acme"))["data"]["signInOptions"] == []


async def test_a_browser_signs_in_on_the_page_for_accounts(
    studio: Installation, provider: Provider, tmp_path: Path
) -> None:
    await new_member(studio.owner, "EDITOR", ADA["email"])
    connected = await studio.connect(provider, **TRUSTED)
    page = f"{studio.settings.public_url}/account?tenant=acme"
    visit = script_runner(tmp_path)
    host = urlsplit(provider.issuer).netloc
    seen = await asyncio.to_thread(visit, "account.mjs", page, connected["label"], host)
    assert (await SignedIn(studio.api, seen.pop("token")).viewer())["email"] == ADA["email"]
    assert seen == {
        "url": page,
        "names": ["agent-studio:token"],
        "cookies": [],
        "found": [],
        "errors": [],
        "outside": [],
    }


async def test_attempts_of_a_network_are_limited(studio: Installation, provider: Provider) -> None:
    connected = await studio.connect(provider)
    async with httpx.AsyncClient(timeout=60) as http:
        statuses = [302]
        # The allowance refills, so a slow machine may allow a few more attempts.
        while statuses[-1] == 302 and len(statuses) < 1_000:
            statuses.append((await http.get(studio.attempt(connected).url)).status_code)
        # A browser keeps few of the cookies of attempts that it has not finished.
        kept = [each for each in http.cookies.jar if "studio-oidc" in each.name]
    assert len(statuses) > 60
    assert statuses[-1] == 429
    assert 0 < len(kept) <= 5
