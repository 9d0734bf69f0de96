"""Keys of providers and secrets of tools: shown by their last letters, never whole."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from domain.tenants.credentials import Verdict
from graph.schema.types.errors import NotFoundError, ValidationError


@strawberry.type(description="Your own key for a provider, or a secret of your tools.")
class Credential:
    name: str = strawberry.field(description="The provider, or the secret's name.")
    last_four: str = strawberry.field(
        description="The end of the value; empty when it is too short to show any of it."
    )
    updated_at: datetime = strawberry.field(description="When it was last set.")
    updated_by: str = strawberry.field(description="By whom: user:… or key:….")


@strawberry.input(description="Your own key for a provider.")
class SetCredentialInput:
    provider: str = strawberry.field(description="Its name in the catalogue.")
    key: str = strawberry.field(description="The key; nobody is shown it again.")


@strawberry.input(description="The provider whose key is to go.")
class DeleteCredentialInput:
    provider: str = strawberry.field(description="Its name in the catalogue.")


@strawberry.input(description="A key to be tried.")
class TestCredentialInput:
    provider: str = strawberry.field(description="Its name in the catalogue.")
    key: str | None = strawberry.field(default=None, description="Else the one that is kept.")


@strawberry.input(description="A secret of your tools.")
class SetSecretInput:
    name: str = strawberry.field(description="Headers of tools read it at secret.<name>.")
    value: str = strawberry.field(description="The value; nobody is shown it again.")


@strawberry.input(description="The secret that is to go.")
class DeleteSecretInput:
    name: str = strawberry.field(description="Its name.")


@strawberry.type(description="It was set: the next call uses it.")
class SetCredentialSuccess:
    credential: Credential = strawberry.field(description="As it is shown from now on.")


@strawberry.type(description="It is gone.")
class DeleteCredentialSuccess:
    credential: Credential = strawberry.field(description="As it was shown.")


@strawberry.type(description="It was set: the next call uses it.")
class SetSecretSuccess:
    secret: Credential = strawberry.field(description="As it is shown from now on.")


@strawberry.type(description="It is gone.")
class DeleteSecretSuccess:
    secret: Credential = strawberry.field(description="As it was shown.")


@strawberry.type(description="The provider was asked.")
class TestCredentialSuccess:
    verdict: Verdict = strawberry.field(description="What it says.")
    detail: str = strawberry.field(description="The same for people.")


SetCredentialResult = Annotated[
    SetCredentialSuccess | ValidationError,
    strawberry.union("SetCredentialResult", description="What became of setting it."),
]
DeleteCredentialResult = Annotated[
    DeleteCredentialSuccess | NotFoundError,
    strawberry.union("DeleteCredentialResult", description="What became of deleting it."),
]
SetSecretResult = Annotated[
    SetSecretSuccess | ValidationError,
    strawberry.union("SetSecretResult", description="What became of setting it."),
]
DeleteSecretResult = Annotated[
    DeleteSecretSuccess | NotFoundError,
    strawberry.union("DeleteSecretResult", description="What became of deleting it."),
]
TestCredentialResult = Annotated[
    TestCredentialSuccess | ValidationError | NotFoundError,
    strawberry.union("TestCredentialResult", description="What became of testCredential."),
]
