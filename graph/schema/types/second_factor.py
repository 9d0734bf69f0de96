"""Whether a user signs in with a second factor."""

from __future__ import annotations

import strawberry


@strawberry.type(description="Whether you sign in with a second factor.")
class SecondFactor:
    is_active: bool = strawberry.field(
        description="Whether a code of an authenticator app is asked for when you sign in."
    )
    recovery_codes_left: int = strawberry.field(
        description="Number of recovery codes that were not used yet."
    )
