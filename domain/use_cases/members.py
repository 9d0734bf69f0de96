"""Inviting people to a tenant, and changing and removing its members."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from domain.common.access import (
    Person,
    PersonId,
    Scope,
    Verified,
    Viewer,
)
from domain.common.errors import (
    AlreadyMember,
    Forbidden,
    InvalidInput,
    NotFound,
    Path,
    Problem,
    Unauthenticated,
)
from domain.common.lists import Count, ListPage, Window
from domain.common.problems import problems_of, raise_per_value
from domain.common.text_validation import check_email, check_text, normalized_email
from domain.ports import Services, TokenPair, UnitOfWork
from domain.tenants.mail import invitation_mail
from domain.tenants.members import (
    INVITATION_LIFETIME,
    MAX_OPEN_INVITATIONS,
    Device,
    Invitation,
    InvitationId,
    Member,
    OpenInvitation,
    Session,
    invalid_invitation,
    tenant_words,
)
from domain.use_cases.accounts import (
    LoginLimits,
    authenticate,
    check_person_name,
    new_password_problems,
)
from domain.use_cases.rate_limits import charge
from domain.use_cases.roles import scopes_to_grant

INVITATIONS_PER_MINUTE = 20
MAX_TOKEN_LENGTH = 200

# ---- invitations -------------------------------------------------------------------------------


async def invite_member(
    services: Services, viewer: Viewer, email: str, role: str
) -> tuple[Invitation, str | None]:
    """Invite an e-mail address, which withdraws an earlier invitation of it. Returns the link if it is
    not sent by e-mail. A member who signs in with an identity provider only may be invited to sign in with
    a password as well; their role stays."""
    viewer.require(Scope.MEMBERS_WRITE)
    email = normalized_email(email)
    problems = list(problems_of(check_email, email, ("email",)))
    if not problems:
        key = f"invitations:{viewer.tenant_id}"
        await charge(services.limiter, key, INVITATIONS_PER_MINUTE, "invitations")
    tenant = await services.accounts.tenant(viewer.tenant_id)
    links = services.account_links
    async with services.store.transaction(viewer.tenant_id) as work:
        await _check_may_give_role(work, viewer, role, problems)
        if (member := await work.members.find_email(email)) is not None:
            if not member.is_confined:
                raise AlreadyMember(f"{email} is a member already.", ("email",))
            viewer.require_all(member.scopes, ("email",))
        if await work.invitations.count() >= MAX_OPEN_INVITATIONS:
            raise InvalidInput(
                f"A tenant may have at most {MAX_OPEN_INVITATIONS} open invitations; withdraw some.",
                ("email",),
            )
        invitation, token = await work.invitations.add(email, role, viewer.subject)
        link = links.invitation(token)
        if links.is_mailed:
            message = invitation_mail(tenant, role, link)
            await work.mail.queue(email, message, INVITATION_LIFETIME)
    return invitation, None if links.is_mailed else link


async def list_invitations(
    services: Services, viewer: Viewer, window: Window
) -> ListPage[Invitation]:
    viewer.require(Scope.MEMBERS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.invitations.page(window)


async def count_invitations(services: Services, viewer: Viewer) -> Count:
    viewer.require(Scope.MEMBERS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        return Count(await work.invitations.count())


async def withdraw_invitation(services: Services, viewer: Viewer, id: InvitationId) -> Invitation:
    viewer.require(Scope.MEMBERS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        invitation = await work.invitations.get(id)
        if invitation is None:
            raise NotFound("There is no such open invitation.", ("id",))
        viewer.require_all(await work.roles.scopes_of(invitation.role, ("id",)), ("id",))
        await work.invitations.withdraw(id)
        return invitation


def check_invitation_token(token: str, path: Path) -> None:
    check_text(token, path, max_length=MAX_TOKEN_LENGTH)


async def read_invitation(services: Services, token: str) -> OpenInvitation | None:
    """What the holder of the token may know about the invitation; None if it is not open."""
    check_invitation_token(token, ("token",))
    return await services.accounts.find_invitation(token)


async def accept_invitation(
    services: Services,
    viewer: Viewer | None,
    token: str,
    password: str | None,
    name: str | None,
    device: Device,
    attempts: LoginLimits = LoginLimits(),  # noqa: B008 - frozen
    code: str | None = None,
) -> TokenPair:
    """Become a member and sign in. A person without an account chooses a password; everyone else is
    signed in with the invited address, or sends its password."""
    found = await read_invitation(services, token)
    if found is None:
        raise invalid_invitation()
    hashed: str | None = None
    verified: Verified | None = None
    if found.person_id is None:
        person, hashed = await _new_person(services, found, password or "", name)
    else:
        person, verified = await _invited_person(
            services, viewer, found, password, device, attempts, code
        )
    async with services.store.transaction(found.tenant.id) as work:
        is_new = found.person_id is None
        await work.invitations.accept(found.invitation.id, person, hashed, is_new=is_new)
    return await services.accounts.sign_in(person.id, found.tenant.id, device, verified=verified)


async def _new_person(
    services: Services, found: OpenInvitation, password: str, name: str | None
) -> tuple[Person, str]:
    email, problems = found.invitation.email, list(problems_of(check_person_name, name, ("name",)))
    known = [email, *tenant_words(found.tenant), "" if problems else name or ""]
    problems += await new_password_problems(services, password, known, ("password",))
    raise_per_value(problems)
    person = Person(id=PersonId(uuid4()), email=email, name=check_person_name(name, ("name",)))
    return person, await services.accounts.hash_password(password)


async def _invited_person(
    services: Services,
    viewer: Viewer | None,
    found: OpenInvitation,
    password: str | None,
    device: Device,
    attempts: LoginLimits,
    code: str | None,
) -> tuple[Person, Verified]:
    email = found.invitation.email
    if password is not None:
        person = await authenticate(services, email, password, device, attempts, code, ())
        return person, Verified(password_of=person)
    if viewer is None or viewer.person_id is None or viewer.is_confined:
        raise Unauthenticated(
            f"{email} has an account already: send its password, sign in with it first, or ask for a "
            "new password.",
            ("password",),
        )
    if viewer.person_id != found.person_id:
        raise Unauthenticated(
            f"The invitation is for {email}; sign in with that address to accept it.", ("token",)
        )
    return Person(id=viewer.person_id, email=email), Verified(session_id=viewer.session_id)


# ---- members -----------------------------------------------------------------------------------


async def list_members(services: Services, viewer: Viewer, window: Window) -> ListPage[Member]:
    viewer.require(Scope.MEMBERS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.members.page(window)


async def count_members(services: Services, viewer: Viewer) -> Count:
    viewer.require(Scope.MEMBERS_READ)
    async with services.store.transaction(viewer.tenant_id) as work:
        return Count(await work.members.count())


async def change_member_role(services: Services, viewer: Viewer, id: PersonId, role: str) -> Member:
    async with _changing(services, viewer, id) as (work, member):
        await _check_may_give_role(work, viewer, role)
        if member.managed_by is not None:
            raise InvalidInput(
                f"The identity provider {member.managed_by} sets the role of this member at each "
                "sign-in; change their groups there.",
                ("id",),
            )
        return await work.members.set_role(id, role)


async def suspend_member(services: Services, viewer: Viewer, id: PersonId) -> Member:
    async with _changing(services, viewer, id) as (work, _):
        return await work.members.suspend(id)


async def resume_member(services: Services, viewer: Viewer, id: PersonId) -> Member:
    async with _changing(services, viewer, id) as (work, _):
        return await work.members.resume(id)


async def remove_member(services: Services, viewer: Viewer, id: PersonId) -> Member:
    """Members may also leave the tenant by themselves."""
    async with _changing(services, viewer, id, may_be_own=True) as (work, member):
        await work.members.remove(id)
        return member


async def list_sessions_of_member(
    services: Services, viewer: Viewer, id: PersonId
) -> Sequence[Session]:
    viewer.require(Scope.MEMBERS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        return await work.members.sessions(id)


async def end_sessions_of_member(services: Services, viewer: Viewer, id: PersonId) -> int:
    async with _changing(services, viewer, id) as (work, _):
        return await work.members.end_sessions(id)


async def create_password_reset_link(services: Services, viewer: Viewer, id: PersonId) -> str:
    """A link with which the member may set a new password. It is refused for a member of several
    tenants, because it leads into all of them, for one who does not sign in with a password here, and for
    an operator of the installation."""
    await _check_may_change(services, viewer, id)
    create = services.accounts.create_password_reset
    token = await create(id, viewer.tenant_id, viewer.subject)
    if token is None:
        raise Forbidden(
            "This member belongs to other tenants, too, signs in with an identity provider, or is an "
            "operator of the installation: only an operator can create a link, with "
            "`./studio admin password-link`.",
            ("id",),
        )
    # A change of role deletes the links that are there. The role may have changed before this one was.
    await _check_may_change(services, viewer, id)
    return services.account_links.password_reset(token)


async def _check_may_change(services: Services, viewer: Viewer, id: PersonId) -> None:
    async with _changing(services, viewer, id):
        pass


@asynccontextmanager
async def _changing(
    services: Services, viewer: Viewer, id: PersonId, *, may_be_own: bool = False
) -> AsyncGenerator[tuple[UnitOfWork, Member]]:
    """A transaction in which the member is locked, and in which the viewer may change them."""
    if not (may_be_own and viewer.person_id == id):
        viewer.require(Scope.MEMBERS_WRITE)
    async with services.store.transaction(viewer.tenant_id) as work:
        member = await work.members.lock(id)
        if member is None:
            raise NotFound("There is no such member.", ("id",))
        if viewer.person_id != id:
            viewer.require_all(member.scopes, ("id",))
        yield work, member


async def _check_may_give_role(
    work: UnitOfWork, viewer: Viewer, role: str, problems: Sequence[Problem] = ()
) -> None:
    viewer.require_all(await scopes_to_grant(work, role, ("role",), problems), ("role",))
