"""Signing in with an identity provider, and second factors."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.sign_in.ports import TotpState
from graph.schema.types.accounts import LoginSuccess
from graph.schema.types.errors import (
    AlreadyMember,
    InvalidCredentials,
    InvalidToken,
    NotFoundError,
    SecondFactorActive,
    SecondFactorNotPending,
    SignInRefused,
    ValidationError,
)
from graph.schema.types.second_factor import SecondFactor


@strawberry.input(
    description="What a page has after its user comes back from an identity provider."
)
class FinishSignInInput:
    handoff: str = strawberry.field(
        description=(
            "The secret behind `#handoff=` in the URL of your page. It is valid once, for a minute; "
            "remove it from the URL."
        )
    )
    verifier: str = strawberry.field(
        description=(
            "The verifier whose S256 challenge your page sent to the start URL: 43 to 128 characters, as "
            "RFC 7636 says."
        )
    )
    invitation: str | None = strawberry.field(
        default=None,
        description=(
            "The token in the link of an invitation to the tenant of the identity provider, which links "
            "the account there to the invited user; omit for a user who is linked already."
        ),
    )


@strawberry.type(description="A signed-in session that an identity provider vouches for.")
class FinishSignInSuccess:
    session: LoginSuccess = strawberry.field(description="The tokens of the session.")
    end_session_url: str | None = strawberry.field(
        description=(
            "Where the user can sign out of the identity provider as well; keep it until then. Null when "
            "the provider offers nothing."
        )
    )


@strawberry.input(description="Your password, before a second factor is set up.")
class EnrolTotpInput:
    current_password: str = strawberry.field(description="Your current password.")


@strawberry.type(
    description=(
        "The secret for an authenticator app, which is shown once. It becomes active with `confirmTotp`, "
        "within a quarter of an hour."
    )
)
class EnrolTotpSuccess:
    secret: str = strawberry.field(
        description="The secret in Base32, to type into the authenticator app."
    )
    uri: str = strawberry.field(description="The `otpauth://` URI, to show as a QR code.")


@strawberry.input(
    description="A code of the authenticator app, which shows that it has the secret."
)
class ConfirmTotpInput:
    code: str = strawberry.field(description="The code that the authenticator app shows.")


@strawberry.input(description="A code, in exchange for new recovery codes.")
class ReplaceRecoveryCodesInput:
    code: str = strawberry.field(
        description="The code that the authenticator app shows, or a recovery code."
    )


@strawberry.type(description="Recovery codes, each of which replaces a code of the app once.")
class RecoveryCodesSuccess:
    recovery_codes: list[str] = strawberry.field(
        description="The recovery codes, which are shown once; all earlier ones are void."
    )


@strawberry.input(description="Proof that it is you who removes the second factor.")
class RemoveTotpInput:
    current_password: str = strawberry.field(description="Your current password.")
    code: str = strawberry.field(
        description="The code that the authenticator app shows, or a recovery code."
    )


@strawberry.type(description="The second factor was removed.")
class RemoveTotpSuccess:
    second_factor: TotpState = strawberry.field(
        graphql_type=SecondFactor, description="The state after the removal."
    )


FinishSignInResult = Annotated[
    FinishSignInSuccess
    | InvalidCredentials
    | SignInRefused
    | NotFoundError
    | InvalidToken
    | AlreadyMember
    | ValidationError,
    strawberry.union(
        "FinishSignInResult",
        description="Result of `finishSignIn`: the success type or one of the errors.",
    ),
]
EnrolTotpResult = Annotated[
    EnrolTotpSuccess | InvalidCredentials | ValidationError | SecondFactorActive,
    strawberry.union(
        "EnrolTotpResult",
        description="Result of `enrolTotp`: the success type or one of the errors.",
    ),
]
ConfirmTotpResult = Annotated[
    RecoveryCodesSuccess | InvalidCredentials | ValidationError | SecondFactorNotPending,
    strawberry.union(
        "ConfirmTotpResult",
        description="Result of `confirmTotp`: the success type or one of the errors.",
    ),
]
ReplaceRecoveryCodesResult = Annotated[
    RecoveryCodesSuccess | InvalidCredentials | ValidationError,
    strawberry.union(
        "ReplaceRecoveryCodesResult",
        description="Result of `replaceRecoveryCodes`: the success type or one of the errors.",
    ),
]
RemoveTotpResult = Annotated[
    RemoveTotpSuccess | InvalidCredentials | ValidationError,
    strawberry.union(
        "RemoveTotpResult",
        description="Result of `removeTotp`: the success type or one of the errors.",
    ),
]
