"""The mutations of identity providers, of signing in with them, and of second factors."""

from __future__ import annotations

import strawberry

from domain.sign_in.identity_providers import IdentityProviderId
from domain.use_cases import identity_providers, second_factor
from graph.schema.arguments import Input
from graph.schema.error_paths import mutation
from graph.schema.types import identity_providers as p
from graph.schema.types import sign_in as s
from graph.schema.types.accounts import LoginSuccess
from graph.schema.types.inputs import InputReader
from resolvers import accounts
from resolvers.context import Ctx
from resolvers.global_ids import require_id


@strawberry.type(
    description=(
        "Operations that change data. Failures that a client should handle are returned as data."
    )
)
class SignInMutation:
    @mutation("Exchange a handoff, with which your user comes back from an identity provider.")
    async def finish_sign_in(
        self, info: Ctx, input: Input[s.FinishSignInInput]
    ) -> s.FinishSignInResult:
        finished = await accounts.finish_sign_in(
            info, input.handoff, input.verifier, input.invitation
        )
        return s.FinishSignInSuccess(
            session=LoginSuccess.of(finished.pair),
            end_session_url=finished.end_session_url,
        )

    @mutation("Create an identity provider with which users of your tenant sign in.")
    async def create_identity_provider(
        self, info: Ctx, input: Input[p.CreateIdentityProviderInput]
    ) -> p.CreateIdentityProviderResult:
        provider = await info.context.run(
            identity_providers.create_identity_provider, input.spec(), input.client_secret
        )
        return p.CreateIdentityProviderSuccess(identity_provider=provider)

    @mutation("Update an identity provider; omitted fields stay as they are.")
    async def update_identity_provider(
        self, info: Ctx, input: Input[p.UpdateIdentityProviderInput]
    ) -> p.UpdateIdentityProviderResult:
        id, reader = IdentityProviderId(require_id("IdentityProvider", input.id)), InputReader()
        changes = input.changes(reader)
        provider = await reader.run(
            info.context,
            identity_providers.update_identity_provider,
            id,
            input.expected_revision,
            changes,
        )
        return p.UpdateIdentityProviderSuccess(identity_provider=provider)

    @mutation("Delete an identity provider and end the sessions that it vouched for.")
    async def delete_identity_provider(
        self, info: Ctx, input: Input[p.DeleteIdentityProviderInput]
    ) -> p.DeleteIdentityProviderResult:
        id = IdentityProviderId(require_id("IdentityProvider", input.id))
        provider = await info.context.run(identity_providers.delete_identity_provider, id)
        return p.DeleteIdentityProviderSuccess(identity_provider=provider)

    @mutation("Begin to set up an authenticator app as your second factor.")
    async def enrol_totp(self, info: Ctx, input: Input[s.EnrolTotpInput]) -> s.EnrolTotpResult:
        enrolment = await info.context.run(second_factor.enrol_totp, input.current_password)
        return s.EnrolTotpSuccess(secret=enrolment.secret, uri=enrolment.uri)

    @mutation("Activate your second factor with the first code of the authenticator app.")
    async def confirm_totp(
        self, info: Ctx, input: Input[s.ConfirmTotpInput]
    ) -> s.ConfirmTotpResult:
        codes = await info.context.run(
            second_factor.confirm_totp, input.code, info.context.client_ip
        )
        return s.RecoveryCodesSuccess(recovery_codes=list(codes))

    @mutation("Get new recovery codes, which replace all earlier ones.")
    async def replace_recovery_codes(
        self, info: Ctx, input: Input[s.ReplaceRecoveryCodesInput]
    ) -> s.ReplaceRecoveryCodesResult:
        codes = await info.context.run(
            second_factor.replace_recovery_codes, input.code, info.context.client_ip
        )
        return s.RecoveryCodesSuccess(recovery_codes=list(codes))

    @mutation("Remove your second factor and its recovery codes.")
    async def remove_totp(self, info: Ctx, input: Input[s.RemoveTotpInput]) -> s.RemoveTotpResult:
        await info.context.run(
            second_factor.remove_totp, input.current_password, input.code, info.context.client_ip
        )
        state = await info.context.run(second_factor.second_factor)
        return s.RemoveTotpSuccess(second_factor=state)
