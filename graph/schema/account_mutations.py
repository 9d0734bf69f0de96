"""The mutations of people: their sessions, passwords and invitations, and the members of a tenant."""

from __future__ import annotations

import strawberry

from domain.common.access import PersonId
from domain.tenants.members import InvitationId
from domain.use_cases import accounts as use_cases
from domain.use_cases import members as member_use_cases
from graph.schema.arguments import Input
from graph.schema.error_paths import mutation
from graph.schema.types import accounts as a
from graph.schema.types import members as m
from resolvers import accounts, members
from resolvers.context import Ctx
from resolvers.global_ids import require_id, require_member


@strawberry.type(
    description=(
        "Operations that change data. Failures that a client should handle are returned as data."
    )
)
class AccountMutation:
    @mutation("Sign in with an e-mail address and a password.")
    async def login(self, info: Ctx, input: Input[a.LoginInput]) -> a.LoginResult:
        pair = await accounts.login(info, input.email, input.password, input.tenant, input.code)
        return a.LoginSuccess.of(pair)

    @mutation("Exchange a refresh token for the next pair of tokens.")
    async def refresh_session(
        self, info: Ctx, input: Input[a.SessionInput]
    ) -> a.RefreshSessionResult:
        return a.LoginSuccess.of(await accounts.refresh_session(info, input.refresh_token))

    @mutation("End a session, which revokes its tokens.")
    async def logout(self, info: Ctx, input: Input[a.SessionInput]) -> a.LogoutSuccess:
        await accounts.logout(info, input.refresh_token)
        return a.LogoutSuccess(done=True)

    @mutation("Start another session, in another tenant of yours. The present session continues.")
    async def switch_tenant(
        self, info: Ctx, input: Input[a.SwitchTenantInput]
    ) -> a.SwitchTenantResult:
        return a.LoginSuccess.of(await accounts.switch_tenant(info, input.id))

    @mutation("End one of your sessions.")
    async def end_session(self, info: Ctx, input: Input[a.EndSessionInput]) -> a.EndSessionResult:
        await accounts.end_session(info, input.id)
        return a.EndSessionSuccess(done=True)

    @mutation("End your sessions in all tenants.")
    async def end_sessions(
        self, info: Ctx, input: Input[a.EndSessionsInput]
    ) -> a.EndSessionsSuccess:
        ended = await info.context.run(use_cases.end_sessions, keep_current=input.keep_current)
        return a.EndSessionsSuccess(ended=ended)

    @mutation("Change what others see of you.")
    async def update_profile(
        self, info: Ctx, input: Input[a.UpdateProfileInput]
    ) -> a.UpdateProfileResult:
        person = await info.context.run(use_cases.update_profile, input.name)
        return a.UpdateProfileSuccess(person=person)

    @mutation("Change your password, and end your other sessions.")
    async def change_password(
        self, info: Ctx, input: Input[a.ChangePasswordInput]
    ) -> a.ChangePasswordResult:
        await info.context.run(
            use_cases.change_password, input.current_password, input.new_password
        )
        return a.ChangePasswordSuccess(done=True)

    @mutation("Ask for a link to set a new password, which is sent by e-mail.")
    async def request_password_reset(
        self, info: Ctx, input: Input[a.RequestPasswordResetInput]
    ) -> a.RequestPasswordResetResult:
        context = info.context
        await use_cases.request_password_reset(context.services, input.email, context.device)
        return a.RequestPasswordResetSuccess(done=True)

    @mutation("Set a new password with the token of a link, and end all sessions of the user.")
    async def reset_password(
        self, info: Ctx, input: Input[a.ResetPasswordInput]
    ) -> a.ResetPasswordResult:
        await use_cases.reset_password(info.context.services, input.token, input.new_password)
        return a.ResetPasswordSuccess(done=True)

    @mutation("Accept an invitation, and sign in to its tenant.")
    async def accept_invitation(
        self, info: Ctx, input: Input[m.AcceptInvitationInput]
    ) -> m.AcceptInvitationResult:
        pair = await members.accept_invitation(
            info, input.token, input.password, input.name, input.code
        )
        return a.LoginSuccess.of(pair)

    @mutation("Invite a person to your tenant. The link is sent by e-mail, or else returned.")
    async def invite_member(
        self, info: Ctx, input: Input[m.InviteMemberInput]
    ) -> m.InviteMemberResult:
        invitation, link = await info.context.run(
            member_use_cases.invite_member, input.email, input.role
        )
        return m.InviteMemberSuccess(invitation=invitation, link=link)

    @mutation("Withdraw an invitation that has not been accepted.")
    async def withdraw_invitation(
        self, info: Ctx, input: Input[m.WithdrawInvitationInput]
    ) -> m.WithdrawInvitationResult:
        id = InvitationId(require_id("Invitation", input.id))
        invitation = await info.context.run(member_use_cases.withdraw_invitation, id)
        return m.WithdrawInvitationSuccess(invitation=invitation)

    @mutation("Change the role of a member.")
    async def change_member_role(
        self, info: Ctx, input: Input[m.ChangeMemberRoleInput]
    ) -> m.ChangeMemberRoleResult:
        id = _member_id(info, input.id)
        member = await info.context.run(member_use_cases.change_member_role, id, input.role)
        return m.ChangeMemberRoleSuccess(member=member)

    @mutation("Keep a member out of your tenant until they are admitted again.")
    async def suspend_member(
        self, info: Ctx, input: Input[m.SuspendMemberInput]
    ) -> m.SuspendMemberResult:
        member = await info.context.run(member_use_cases.suspend_member, _member_id(info, input.id))
        return m.SuspendMemberSuccess(member=member)

    @mutation("Admit a suspended member again.")
    async def resume_member(
        self, info: Ctx, input: Input[m.ResumeMemberInput]
    ) -> m.ResumeMemberResult:
        member = await info.context.run(member_use_cases.resume_member, _member_id(info, input.id))
        return m.ResumeMemberSuccess(member=member)

    @mutation(
        "Remove a member from your tenant, or leave it. A person who belongs to no other tenant is deleted."
    )
    async def remove_member(
        self, info: Ctx, input: Input[m.RemoveMemberInput]
    ) -> m.RemoveMemberResult:
        member = await info.context.run(member_use_cases.remove_member, _member_id(info, input.id))
        return m.RemoveMemberSuccess(member=member)

    @mutation("End all sessions of a member in your tenant.")
    async def end_sessions_of_member(
        self, info: Ctx, input: Input[m.EndSessionsOfMemberInput]
    ) -> m.EndSessionsOfMemberResult:
        ended = await info.context.run(
            member_use_cases.end_sessions_of_member, _member_id(info, input.id)
        )
        return m.EndSessionsOfMemberSuccess(ended=ended)

    @mutation("Create a link with which a member of only your tenant can set a new password.")
    async def create_password_reset_link(
        self, info: Ctx, input: Input[m.CreatePasswordResetLinkInput]
    ) -> m.CreatePasswordResetLinkResult:
        link = await info.context.run(
            member_use_cases.create_password_reset_link, _member_id(info, input.id)
        )
        return m.CreatePasswordResetLinkSuccess(link=link)


def _member_id(info: Ctx, id: strawberry.ID) -> PersonId:
    return PersonId(require_member(info.context.require().tenant_id, id))
