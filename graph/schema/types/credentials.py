"""Keys of providers and secrets of tools, identified by their last characters only."""

from __future__ import annotations

from datetime import datetime
from types import EllipsisType
from typing import Annotated

import strawberry

from domain.tenants import credentials as domain
from domain.tenants.credentials import Verdict
from graph.schema.scalars import Json
from graph.schema.types.errors import NotFoundError, ValidationError
from graph.schema.types.inputs import InputReader, text_values


@strawberry.type(
    description=(
        "Your own key of a provider, or a secret of your tools. The value is never returned."
    )
)
class Credential:
    name: str = strawberry.field(
        description=(
            "Name of the secret or of the provider, which is followed by `/` and the label of the "
            "credential if it has one."
        )
    )
    provider: str | None = strawberry.field(
        description="Name of the provider in the catalog; null for a secret."
    )
    label: str | None = strawberry.field(
        description=(
            "Label by which agents choose this credential; null for a secret, and for the credential "
            "that agents use unless they choose another."
        )
    )
    base_url: str | None = strawberry.field(
        description="URL of the server that gets the requests; null for that of the installation."
    )
    region: str | None = strawberry.field(
        description="Region of the provider that gets the requests; null for none."
    )
    header_names: list[str] = strawberry.field(
        description="Names of the additional HTTP headers, whose values are never returned."
    )
    last_four: str = strawberry.field(
        description=(
            "Last four characters of the value; empty when the value is too short to reveal them."
        )
    )
    hosts: list[str] | None = strawberry.field(
        description="Hosts that a secret may be sent to; null for any, and for keys of providers."
    )
    updated_at: datetime = strawberry.field(description="When the value was last set (UTC).")
    updated_by: str = strawberry.field(description="Who set the value: `user:…` or `key:…`.")


LABEL = "Label of the credential; omit for the one that agents use unless they choose another."
BASE_URL = (
    "URL of a compatible server, such as `https://llm.example.com/v1`; omit for the server that the "
    "installation uses. It must be public, unless the operator lists it in OUTBOUND_ALLOW."
)
REGION = "One of the provider's regions, instead of `baseUrl`; the catalog lists them."
HEADERS = "HTTP headers to send with every request, as an object of names and values."


@strawberry.input(
    description="Your own key of a provider, and where it is sent. It replaces the stored one."
)
class SetCredentialInput:
    provider: str = strawberry.field(description="Name of the provider in the catalog.")
    key: str = strawberry.field(
        description="The key of the provider, which is stored encrypted and never returned."
    )
    label: str | None = strawberry.field(default=None, description=LABEL)
    base_url: str | None = strawberry.field(default=None, description=BASE_URL)
    region: str | None = strawberry.field(default=None, description=REGION)
    headers: Json | None = strawberry.field(default=None, description=HEADERS)

    def endpoint(self, reader: InputReader) -> domain.ProviderEndpoint:
        return _endpoint(self, reader)


@strawberry.input(description="The provider whose key is to be deleted.")
class DeleteCredentialInput:
    provider: str = strawberry.field(description="Name of the provider in the catalog.")
    label: str | None = strawberry.field(default=None, description=LABEL)


@strawberry.input(description="The key of a provider to test.")
class TestCredentialInput:
    provider: str = strawberry.field(description="Name of the provider in the catalog.")
    key: str | None = strawberry.field(
        default=None,
        description="The key to test; omit to test the stored one at its own server.",
    )
    label: str | None = strawberry.field(default=None, description=LABEL)
    base_url: str | None = strawberry.field(default=None, description=BASE_URL)
    region: str | None = strawberry.field(default=None, description=REGION)
    headers: Json | None = strawberry.field(default=None, description=HEADERS)

    def endpoint(self, reader: InputReader) -> domain.ProviderEndpoint:
        return _endpoint(self, reader)


def _endpoint(
    input: SetCredentialInput | TestCredentialInput, reader: InputReader
) -> domain.ProviderEndpoint:
    headers = text_values(input.headers, reader.at("headers"))
    return domain.ProviderEndpoint(base_url=input.base_url, region=input.region, headers=headers)


@strawberry.input(description="A secret of your tools.")
class SetSecretInput:
    name: str = strawberry.field(
        description="Name of the secret; headers of tools refer to it as `{{secret.name}}`."
    )
    value: str = strawberry.field(
        description="The value, which is stored encrypted and never returned."
    )
    hosts: strawberry.Maybe[list[str] | None] = strawberry.field(
        description=(
            "The only hosts that the secret may be sent to, such as `api.example.com`, "
            "`api.example.com:8443` or `*.example.com`. Null allows any host. Omit to leave the hosts as "
            "they are; a new secret may then be sent to any."
        )
    )

    def allowed_hosts(self) -> tuple[str, ...] | None | EllipsisType:
        if self.hosts is None:
            return ...
        return None if self.hosts.value is None else tuple(self.hosts.value)


@strawberry.input(description="The secret to delete.")
class DeleteSecretInput:
    name: str = strawberry.field(description="Name of the secret to delete.")


@strawberry.type(description="The key of the provider was stored; the next call uses it.")
class SetCredentialSuccess:
    credential: domain.Credential = strawberry.field(
        graphql_type=Credential, description="The stored credential, without its value."
    )


@strawberry.type(description="The key of the provider was deleted.")
class DeleteCredentialSuccess:
    credential: domain.Credential = strawberry.field(
        graphql_type=Credential, description="The deleted credential, without its value."
    )


@strawberry.type(description="The secret was stored; the next call uses it.")
class SetSecretSuccess:
    secret: domain.Credential = strawberry.field(
        graphql_type=Credential, description="The stored secret, without its value."
    )


@strawberry.type(description="The secret was deleted.")
class DeleteSecretSuccess:
    secret: domain.Credential = strawberry.field(
        graphql_type=Credential, description="The deleted secret, without its value."
    )


@strawberry.type(description="The key was tested with the provider.")
class TestCredentialSuccess:
    verdict: Verdict = strawberry.field(description="Whether the provider accepts the key.")
    detail: str = strawberry.field(description="Human-readable explanation of the verdict.")


SetCredentialResult = Annotated[
    SetCredentialSuccess | ValidationError,
    strawberry.union(
        "SetCredentialResult",
        description="Result of `setCredential`: the success type or one of the errors.",
    ),
]
DeleteCredentialResult = Annotated[
    DeleteCredentialSuccess | NotFoundError,
    strawberry.union(
        "DeleteCredentialResult",
        description="Result of `deleteCredential`: the success type or one of the errors.",
    ),
]
SetSecretResult = Annotated[
    SetSecretSuccess | ValidationError,
    strawberry.union(
        "SetSecretResult",
        description="Result of `setSecret`: the success type or one of the errors.",
    ),
]
DeleteSecretResult = Annotated[
    DeleteSecretSuccess | NotFoundError,
    strawberry.union(
        "DeleteSecretResult",
        description="Result of `deleteSecret`: the success type or one of the errors.",
    ),
]
TestCredentialResult = Annotated[
    TestCredentialSuccess | ValidationError | NotFoundError,
    strawberry.union(
        "TestCredentialResult",
        description="Result of `testCredential`: the success type or one of the errors.",
    ),
]
