"""What people do with their own account: sessions, profile and password."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiosmtpd.smtp import SMTP

from domain.common.access import PersonId, Role, Verified
from domain.common.errors import InvalidSetting, Unauthenticated
from domain.common.settings import Settings
from domain.common.tasks import background_task
from domain.ports import Services, TokenPair
from domain.tenants.mail import MailServer, MailText
from domain.tenants.members import UNKNOWN_DEVICE
from domain.use_cases.accounts import switch_tenant
from graph.app import build_schema_with_loaders
from persistence.wiring import api_services
from persistence.worker_wiring import worker_services
from tests.api.test_accounts import execute, until_waiting
from tests.api.test_members import CHANGE, REMOVE, RESET_LINK, SUSPEND, SWITCH, member_id
from tests.conftest import new_tenant
from tests.support.api_server import Api, add_member, running_api
from tests.support.people import (
    ACCEPT,
    INVITE,
    LOGIN,
    PASSWORD,
    SignedIn,
    an_email,
    invited,
    new_member,
    owner_at,
    signed_in_at,
    until,
    until_ended,
    visitor_at,
)
from tests.support.sessions import until_refused
from worker.keeper.mail_sender import MailSender, compose

pytestmark = pytest.mark.anyio

NEW_PASSWORD = "nine purple boats at noon"
SESSIONS = """{ viewer { sessions {
  id userAgent address isCurrent lastUsedAt endsAt tenant { slug } } } }"""
END = """mutation ($input: EndSessionInput!) { endSession(input: $input) {
  __typename ... on Error { code path } } }"""
END_ALL = "mutation ($input: EndSessionsInput!) { endSessions(input: $input) { ended } }"
END_OF_MEMBER = """mutation ($input: EndSessionsOfMemberInput!) { endSessionsOfMember(input: $input) {
  ... on EndSessionsOfMemberSuccess { ended } ... on Error { code path } } }"""
RENAME = """mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) {
  ... on UpdateProfileSuccess { person { name } } ... on Error { code path } } }"""
CHANGE_PASSWORD = """mutation ($input: ChangePasswordInput!) { changePassword(input: $input) {
  __typename ... on Error { code message path } } }"""
ASK = """mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) {
  __typename ... on Error { code message path } } }"""
RESET = """mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) {
  __typename ... on Error { code message path } } }"""


@pytest.fixture
async def owner(api: Api) -> SignedIn:
    return owner_at(api)


async def sessions_of(person: SignedIn) -> list[dict[str, Any]]:
    return list((await person.execute(SESSIONS))["data"]["viewer"]["sessions"])


async def problems_of(person: SignedIn, mutation: str, **input: Any) -> set[str]:
    """The names of the values that the mutation finds something wrong with."""
    document = f"""mutation ($input: {mutation[0].upper()}{mutation[1:]}Input!) {{
      {mutation}(input: $input) {{ ... on ValidationError {{ problems {{ path }} }} }} }}"""
    return {problem["path"][-1] for problem in (await person.run(document, **input))["problems"]}


async def test_all_problems_of_what_people_enter_are_reported_at_once(
    api: Api, owner: SignedIn
) -> None:
    long, visitor = "x" * 2_000, visitor_at(api)
    entered = {"email": "", "password": long, "code": long, "tenant": long}
    assert await problems_of(visitor, "login", **entered) == set(entered)
    token = await invited(owner, email := an_email(), "VIEWER")
    chosen = {"password": "too short", "name": long}
    assert await problems_of(visitor, "acceptInvitation", token=token, **chosen) == set(chosen)
    ada = await new_member(owner, "VIEWER", email)
    changed = {"currentPassword": long, "newPassword": "too short"}
    assert await problems_of(ada, "changePassword", **changed) == set(changed)
    removed = {"currentPassword": "", "code": ""}
    assert await problems_of(ada, "removeTotp", **removed) == set(removed)
    assert await ada.status() == 200


# ---- sessions -------------------------------------------------------------------------------


async def test_people_see_their_sessions_with_device_and_address_and_end_them(
    api: Api, owner: SignedIn
) -> None:
    email = an_email()
    first = await new_member(owner, "VIEWER", email)
    answer = await api.post(
        LOGIN,
        auth=False,
        variables={"input": {"email": email, "password": PASSWORD}},
        headers={"user-agent": "Phone/1.0"},
    )
    phone = SignedIn(api, answer.json()["data"]["login"]["accessToken"])
    shown = {session["userAgent"]: session for session in await sessions_of(first)}
    assert len(shown) == 2
    assert shown["Phone/1.0"]["address"] == "127.0.0.1"
    assert shown["Phone/1.0"]["tenant"] == {"slug": "acme"}
    assert [each["isCurrent"] for each in shown.values()].count(True) == 1
    assert not shown["Phone/1.0"]["isCurrent"]
    stranger = await new_member(owner, "ADMIN")
    assert await stranger.code(END, id=shown["Phone/1.0"]["id"]) == "NOT_FOUND"
    assert await phone.status() == 200
    assert (await first.run(END, id=shown["Phone/1.0"]["id"]))["__typename"] == "EndSessionSuccess"
    await until_ended(phone)
    assert len(await sessions_of(first)) == 1
    others = [await signed_in_at(api, email) for _ in range(3)]
    assert await first.run(END_ALL) == {"ended": 3}
    for each in others:
        await until_ended(each)
    assert await first.run(END_ALL, keepCurrent=False) == {"ended": 1}
    await until_ended(first)


async def test_admins_end_the_sessions_of_a_member_on_open_sockets(owner: SignedIn) -> None:
    ada = await new_member(owner, "EDITOR")
    id = await member_id(ada)
    async with ada.with_token.socket() as socket:
        assert await owner.run(END_OF_MEMBER, id=id) == {"ended": 1}
        assert await socket.wait_closed() == (4401, "Unauthorized")
    editor = await new_member(owner, "EDITOR")
    assert await editor.code(END_OF_MEMBER, id=id) == "FORBIDDEN"


async def test_admins_end_and_suspend_what_a_member_has_in_their_tenant_alone(
    api: Api, owner: SignedIn, services: Services, settings: Settings
) -> None:
    ada = await new_member(owner, "VIEWER")
    viewer = await services.accounts.authenticate_credential(ada.token)
    assert viewer.person_id is not None
    tenant = await new_tenant(settings, "globex")
    await add_member(settings, tenant.id, viewer.person_id, "", Role.OWNER)
    elsewhere = SignedIn(api, (await services.accounts.sign_in(viewer.person_id, tenant.id)).access)
    id = await member_id(ada)
    assert await owner.run(END_OF_MEMBER, id=id) == {"ended": 1}
    await until_ended(ada)
    again = SignedIn(
        api, (await services.accounts.sign_in(viewer.person_id, viewer.tenant_id)).access
    )
    assert (await owner.run(SUSPEND, id=id))["__typename"] == "SuspendMemberSuccess"
    await until_ended(again)
    assert (await elsewhere.viewer())["tenant"]["slug"] == "globex"


async def test_a_session_that_ends_in_a_long_transaction_ends_everywhere(
    services: Services, settings: Settings, owner: SignedIn
) -> None:
    """It is committed after changes that began later."""
    slow, quick = await new_member(owner, "VIEWER"), await new_member(owner, "VIEWER")
    db = await asyncpg.connect(settings.database_url)
    delete = "delete from session where id = $1"
    ids = [
        (await services.accounts.authenticate_credential(each.token)).session_id
        for each in (slow, quick)
    ]
    async with db.transaction():
        await db.execute(delete, ids[0])
        await execute(settings, delete, ids[1])
        await until_refused(services, quick.token)
        await services.accounts.authenticate_credential(slow.token)
    await db.close()
    assert "session is over" in (await until_refused(services, slow.token)).message


async def test_no_session_starts_from_one_that_ends_at_the_same_time(
    services: Services, settings: Settings, owner: SignedIn
) -> None:
    """A stolen session could otherwise outlive the end of all sessions by switching tenants."""
    ada = await new_member(owner, "VIEWER")
    for _ in range(5):
        viewer = await services.accounts.authenticate_credential(ada.token)
        person, switch = viewer.person_id, partial(switch_tenant, services, viewer)
        assert person is not None
        results = await asyncio.gather(
            *(switch(viewer.tenant_id, UNKNOWN_DEVICE) for _ in range(3)),
            services.accounts.end_sessions(person),
            *(switch(viewer.tenant_id, UNKNOWN_DEVICE) for _ in range(3)),
            return_exceptions=True,
        )
        assert {type(each) for each in results} <= {TokenPair, int, Unauthenticated}
        assert await services.accounts.sessions(person) == []
        ada = SignedIn(ada.api, (await services.accounts.sign_in(person)).access)


async def test_no_session_starts_with_a_password_that_was_changed_meanwhile(
    services: Services, owner: SignedIn
) -> None:
    email = an_email()
    ada = await new_member(owner, "VIEWER", email)
    person = await services.accounts.authenticate_password(email, PASSWORD)
    assert person is not None
    await ada.run(CHANGE_PASSWORD, currentPassword=PASSWORD, newPassword=NEW_PASSWORD)
    with pytest.raises(Unauthenticated, match="password was changed"):
        await services.accounts.sign_in(person.id, verified=Verified(password_of=person))


async def test_an_ended_session_stays_ended_after_a_restart(
    services: Services, settings: Settings, owner: SignedIn
) -> None:
    ada = await new_member(owner, "VIEWER")
    assert await ada.run(END_ALL, keepCurrent=False) == {"ended": 1}
    async with api_services(settings) as restarted:
        with pytest.raises(Unauthenticated, match="session is over"):
            await restarted.accounts.authenticate_credential(ada.token)


async def test_a_person_has_a_bounded_number_of_sessions(
    services: Services, settings: Settings, owner: SignedIn
) -> None:
    viewer = await services.accounts.authenticate_credential(owner.token)
    assert viewer.person_id is not None
    await execute(
        settings,
        "insert into session (id, tenant_id, person_id, last_used_at) select gen_random_uuid(), $1,"
        " $2, now() - interval '1 day' from generate_series(1, 150)",
        viewer.tenant_id,
        viewer.person_id,
    )
    await services.accounts.sign_in(viewer.person_id)
    assert len(await execute(settings, "select * from session")) == 100
    assert await owner.status() == 200


# ---- the profile and the password -----------------------------------------------------------


async def test_people_choose_their_name(owner: SignedIn) -> None:
    assert await owner.run(RENAME, name=" Grace \n Hopper ") == {"person": {"name": "Grace Hopper"}}
    refused = await owner.run(RENAME, name="x" * 101)
    assert refused == {"code": "INVALID_INPUT", "path": ["input", "name"]}
    assert (await owner.viewer())["person"]["name"] == "Grace Hopper"
    assert await owner.run(RENAME, name=None) == {"person": {"name": None}}


async def test_a_new_password_ends_the_other_sessions(api: Api, owner: SignedIn) -> None:
    email = an_email()
    ada = await new_member(owner, "VIEWER", email)
    other = await signed_in_at(api, email)
    for current, new, code, path in (
        ("wrong", NEW_PASSWORD, "UNAUTHENTICATED", "currentPassword"),
        (PASSWORD, "too short", "INVALID_INPUT", "newPassword"),
        (PASSWORD, "correcthorsebatterystaple", "INVALID_INPUT", "newPassword"),
    ):
        refused = await ada.run(CHANGE_PASSWORD, currentPassword=current, newPassword=new)
        assert (refused["code"], refused["path"]) == (code, ["input", path])
    assert await other.status() == 200
    await ada.run(CHANGE_PASSWORD, currentPassword=PASSWORD, newPassword=NEW_PASSWORD)
    await until_ended(other)
    assert await ada.status() == 200
    visitor = visitor_at(api)
    assert await visitor.code(LOGIN, email=email, password=PASSWORD) == "UNAUTHENTICATED"
    assert await (await signed_in_at(api, email, NEW_PASSWORD)).status() == 200


async def test_a_stolen_token_is_not_enough_to_guess_the_password(owner: SignedIn) -> None:
    guess = {"currentPassword": "wrong", "newPassword": NEW_PASSWORD}
    answers = [await owner.execute(CHANGE_PASSWORD, input=guess) for _ in range(15)]
    assert answers[0]["data"]["changePassword"]["code"] == "UNAUTHENTICATED"
    refused = [each["errors"][0]["extensions"] for each in answers if "errors" in each]
    assert {each["code"] for each in refused} == {"RATE_LIMITED"}
    assert {tuple(each["path"]) for each in refused} == {("input", "currentPassword")}


async def test_an_admin_gives_a_member_a_link_to_set_a_new_password(
    api: Api, owner: SignedIn
) -> None:
    email = an_email()
    ada = await new_member(owner, "VIEWER", email)
    id = await member_id(ada)
    links = [(await owner.run(RESET_LINK, id=id))["link"] for _ in range(2)]
    replaced, token = (link.rpartition("#reset=")[2] for link in links)
    visitor = visitor_at(api)
    for wrong in (replaced, "unknown"):
        assert await visitor.code(RESET, token=wrong, newPassword=NEW_PASSWORD) == "INVALID_TOKEN"
    weak = await visitor.run(RESET, token=token, newPassword=email)
    assert (weak["code"], weak["path"]) == ("INVALID_INPUT", ["input", "newPassword"])
    assert await ada.status() == 200
    done = await visitor.run(RESET, token=token, newPassword=NEW_PASSWORD)
    assert done["__typename"] == "ResetPasswordSuccess"
    await until_ended(ada)
    assert await visitor.code(RESET, token=token, newPassword=PASSWORD) == "INVALID_TOKEN"
    assert await (await signed_in_at(api, email, NEW_PASSWORD)).status() == 200


async def test_no_admin_takes_over_a_person_who_belongs_to_another_tenant(
    api: Api, owner: SignedIn, settings: Settings
) -> None:
    ada = await new_member(owner, "VIEWER")
    await execute(
        settings,
        "with other as (insert into tenant (id, slug, name) values (gen_random_uuid(), 'o', 'O')"
        " returning id) insert into membership (tenant_id, person_id, role)"
        " select other.id, p.id, 'OWNER' from other, person p where p.email like 'p%'",
    )
    assert await owner.code(RESET_LINK, id=await member_id(ada)) == "FORBIDDEN"
    assert await execute(settings, "select * from password_reset") == []


async def test_a_link_to_set_a_password_leads_to_no_tenant_that_is_joined_later(
    api: Api, owner: SignedIn, services: Services, settings: Settings
) -> None:
    ada = await new_member(owner, "VIEWER")
    link = (await owner.run(RESET_LINK, id=await member_id(ada)))["link"]
    tenant = await new_tenant(settings, "globex")
    id = PersonId(UUID(int=2))
    await add_member(settings, tenant.id, id, "owner@globex.example", Role.OWNER)
    other = SignedIn(api, (await services.accounts.sign_in(id)).access)
    token = await invited(other, str((await ada.viewer())["email"]), "VIEWER")
    await ada.run(ACCEPT, token=token)
    refused = await visitor_at(api).code(
        RESET, token=link.rpartition("#reset=")[2], newPassword=NEW_PASSWORD
    )
    assert refused == "INVALID_TOKEN"


async def test_no_link_to_set_a_password_leads_to_a_member_who_is_promoted_meanwhile(
    api: Api, owner: SignedIn, services: Services, settings: Settings
) -> None:
    admin, ada = await new_member(owner, "ADMIN"), await new_member(owner, "EDITOR")
    id = await member_id(ada)
    person = (await services.accounts.authenticate_credential(ada.token)).person_id
    db = await asyncpg.connect(settings.database_url)
    async with db.transaction():
        await db.execute("select from person where id = $1 for update", person)
        creating = asyncio.create_task(admin.code(RESET_LINK, id=id))
        await until_waiting(settings, 1, creating)
        promoted = await owner.run(CHANGE, id=id, role="OWNER")
        assert promoted["member"] == {"role": "OWNER"}
    await db.close()
    assert await creating == "FORBIDDEN"


async def test_a_session_that_only_its_tenant_vouches_for_stays_in_the_tenant(
    api: Api, owner: SignedIn, services: Services, settings: Settings
) -> None:
    """The owner of a tenant who chooses its sign-in provider could otherwise act as anyone."""
    ada = await new_member(owner, "VIEWER")
    viewer = await services.accounts.authenticate_credential(ada.token)
    assert viewer.person_id is not None
    tenant = await new_tenant(settings, "globex")
    await add_member(settings, tenant.id, viewer.person_id, "", Role.OWNER)
    pair = await services.accounts.sign_in(viewer.person_id, tenant.id, confined=True)
    confined = SignedIn(api, pair.access)
    shown = await confined.viewer()
    assert [each["tenant"]["slug"] for each in shown["memberships"]] == ["globex"]
    assert [each["tenant"]["slug"] for each in await sessions_of(confined)] == ["globex"]
    acme = (await ada.viewer())["tenant"]["id"]
    assert await confined.code(SWITCH, id=acme) == "FORBIDDEN"
    passwords = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert await confined.code(CHANGE_PASSWORD, **passwords) == "FORBIDDEN"
    assert await confined.code(RENAME, name="Eve") == "FORBIDDEN"
    [elsewhere] = [each for each in await sessions_of(ada) if each["tenant"]["slug"] == "acme"]
    assert await confined.code(END, id=elsewhere["id"]) == "NOT_FOUND"
    email = str((await ada.viewer())["email"])
    await owner.run(REMOVE, id=await member_id(ada))
    invitation = await invited(owner, email, "ADMIN")
    assert await confined.code(ACCEPT, token=invitation) == "UNAUTHENTICATED"
    assert await confined.run(END_ALL, keepCurrent=False) == {"ended": 1}


async def test_without_a_mail_server_people_learn_what_to_do(api: Api, owner: SignedIn) -> None:
    answer = await visitor_at(api).run(ASK, email=an_email())
    assert (answer["code"], answer["path"]) == ("INVALID_INPUT", ["input"])
    assert "An admin of your tenant can give you a link" in answer["message"]


# ---- e-mail ---------------------------------------------------------------------------------


class Inbox:
    """What a mail server received. It refuses addresses that begin with `refused`."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.startswith("refused"):
            return "550 there is no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"

    async def link(self) -> str:
        async def arrived() -> bool:
            return bool(self.messages)

        await until(arrived)
        text = self.messages.pop().get_content()
        return next(str(line) for line in text.splitlines() if line.startswith("http"))


@asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[Inbox, str]]:
    inbox = Inbox()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(inbox, hostname="localhost"), "127.0.0.1", 0
    )
    async with server:
        yield inbox, f"smtp+plain://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def inbox(settings: Settings) -> AsyncIterator[tuple[Inbox, Settings]]:
    """A mail server, and settings with which processes use it."""
    async with mail_server() as (inbox, url):
        yield (
            inbox,
            replace(
                settings,
                smtp_url=url,
                mail_from="Studio <studio@acme.example>",
                public_url="https://studio.acme.example/",
            ),
        )


@asynccontextmanager
async def installation_with_mail(settings: Settings, owner_api: Api) -> AsyncIterator[Api]:
    """An API and the part of a keeper that sends e-mail."""
    server = MailServer.from_settings(settings)
    assert server is not None
    async with (
        api_services(settings) as services,
        worker_services(settings) as of_keeper,
        background_task(MailSender(of_keeper.mail_queue, server).run()),
    ):
        viewer = await services.accounts.authenticate_credential(owner_api.token)
        async with running_api(services, settings, viewer, build_schema_with_loaders) as api:
            yield api


async def test_invitations_and_new_passwords_are_sent_by_email(
    api: Api, inbox: tuple[Inbox, Settings]
) -> None:
    received, settings = inbox
    async with installation_with_mail(settings, api) as mailing:
        owner, email = owner_at(mailing), an_email()
        result = await owner.run(INVITE, email=email, role="VIEWER")
        assert result["link"] is None
        link = await received.link()
        assert link.startswith("https://studio.acme.example/studio/account/#invitation=")
        accepted = await visitor_at(mailing).run(
            "mutation ($input: AcceptInvitationInput!) { acceptInvitation(input: $input) {"
            " ... on LoginSuccess { accessToken } } }",
            token=link.rpartition("=")[2],
            password=PASSWORD,
        )
        ada = SignedIn(mailing, accepted["accessToken"])
        # The answer is the same for an address without an account, to which nothing is sent.
        for address in (an_email(), email.upper()):
            answer = await visitor_at(mailing).run(ASK, email=address)
            assert answer == {"__typename": "RequestPasswordResetSuccess"}
        link = await received.link()
        assert link.startswith("https://studio.acme.example/studio/account/#reset=")
        assert received.messages == []
        done = await visitor_at(mailing).run(
            RESET, token=link.rpartition("=")[2], newPassword=NEW_PASSWORD
        )
        assert done["__typename"] == "ResetPasswordSuccess"
        await until_ended(ada)
        assert await execute(settings, "select * from mail") == []


async def test_queued_email_is_encrypted_and_refused_email_is_dropped(
    api: Api, inbox: tuple[Inbox, Settings]
) -> None:
    _, settings = inbox
    async with api_services(settings) as services:
        viewer = await services.accounts.authenticate_credential(api.token)
        async with services.store.transaction(viewer.tenant_id) as work:
            message = MailText("Hello", "https://studio.acme.example/account#invitation=secret")
            for recipient in ("refused@acme.example", "ada@acme.example"):
                await work.mail.queue(recipient, message, timedelta(hours=1))
    rows = await execute(settings, "select * from mail")
    assert len(rows) == 2
    assert all(b"secret" not in row["sealed"] for row in rows)
    server = MailServer.from_settings(settings)
    assert server is not None
    async with worker_services(settings) as of_keeper:
        # A server that is unavailable leaves the messages in the queue, for a later attempt.
        await MailSender(of_keeper.mail_queue, replace(server, port=9)).send_due()
        rows = await execute(settings, "select attempts, next_attempt_at > now() from mail")
        assert [tuple(row) for row in rows] == [(1, True), (1, True)]
        await execute(settings, "update mail set next_attempt_at = now()")
        await MailSender(of_keeper.mail_queue, server).send_due()
    assert await execute(settings, "select * from mail") == []
    assert [message["To"] for message in inbox[0].messages] == ["ada@acme.example"]


def test_no_header_of_an_email_can_be_injected() -> None:
    text = MailText("Invitation to Acme", "Hello.")
    assert compose("a@acme.example", "b@acme.example", text)["Subject"] == "Invitation to Acme"
    with pytest.raises(ValueError, match="linefeed|newline|line"):
        compose("a@acme.example", "b@acme.example\nBcc: c@acme.example", text)


@pytest.mark.parametrize(
    ("url", "sender", "problem"),
    [
        ("smtps://mail.acme.example", "", "MAIL_FROM must be"),
        ("https://mail.acme.example", "s@acme.example", "SMTP_URL must be"),
        ("smtp://", "s@acme.example", "SMTP_URL must be"),
        ("smtp://host:port", "s@acme.example", "SMTP_URL must be"),
    ],
)
def test_a_mail_server_that_is_not_valid_stops_the_process(
    url: str, sender: str, problem: str
) -> None:
    with pytest.raises(InvalidSetting, match=problem):
        MailServer.from_settings(Settings(smtp_url=url, mail_from=sender))
