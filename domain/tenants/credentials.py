"""The credentials of a tenant: API keys of providers, and secrets that its tools send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.common.errors import InvalidInput, Path
from domain.common.problems import Problems, problems_of
from domain.common.text_validation import AGENT_NAME, IDENTIFIER, check_name, check_text
from domain.providers.catalog import CATALOG, KEY_HEADERS, REGION_URLS
from domain.tools.egress import EgressRule
from domain.tools.http_validation import RESERVED, check_url, header_problems
from domain.tools.network_allow_list import AllowList
from domain.tools.secrets import Secret

MIN_KEY_LENGTH, MAX_KEY_LENGTH = 8, 512
MAX_SECRET_LENGTH = 4_096
MAX_BASE_URL_LENGTH = 500
VISIBLE_CHARACTERS = 4
MAX_SECRETS = 200
MAX_PROVIDER_CREDENTIALS = 100
LABEL_SEPARATOR = "/"
FIXED_HEADERS = RESERVED | {"accept", "accept-encoding", "content-type"}


class CredentialKind(StrEnum):
    """What a credential is used for."""

    PROVIDER = "PROVIDER"
    SECRET = "SECRET"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEndpoint:
    """Where and how a credential reaches its provider, if not at the address that the installation
    uses. `region` is one of the provider's own, and `base_url` any compatible server."""

    base_url: str | None = None
    region: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def url(self, provider: str) -> str | None:
        """The base URL that the tenant chose; None for that of the installation."""
        if self.region is not None:
            return REGION_URLS[provider][self.region]
        return self.base_url


NO_ENDPOINT = ProviderEndpoint()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A credential without its value and its header values, which cannot be read back.

    The name of a credential for a provider is that of the provider, followed by `/` and a label if
    it has one."""

    kind: CredentialKind
    name: str
    last_four: str
    hosts: tuple[str, ...] | None = None
    """The hosts that a secret may be sent to; None for any."""
    updated_at: datetime
    updated_by: str
    base_url: str | None = None
    region: str | None = None
    header_names: tuple[str, ...] = ()

    @property
    def provider(self) -> str | None:
        """None for a secret."""
        if self.kind is CredentialKind.SECRET:
            return None
        return self.name.partition(LABEL_SEPARATOR)[0]

    @property
    def label(self) -> str | None:
        """None for a secret, and for the credential that agents use unless they choose another."""
        return self.name.partition(LABEL_SEPARATOR)[2] or None


def credential_name(provider: str, label: str | None) -> str:
    return provider if label is None else f"{provider}{LABEL_SEPARATOR}{label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecryptedCredentials:
    """The values of a tenant's credentials by name, kept in memory only while they are needed.
    `endpoints` has those of the providers that are reached in a way of their own."""

    providers: Mapping[str, str] = field(default_factory=dict, repr=False)
    endpoints: Mapping[str, ProviderEndpoint] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    problem: str | None = None
    """Why stored credentials could not be decrypted; None when they could."""


class Verdict(StrEnum):
    """The result of testing a key with its provider."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    UNREACHABLE = "UNREACHABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTestResult:
    """The outcome of a key test. `message` is meant for people and never contains the key."""

    verdict: Verdict
    message: str


def providers_with_keys() -> frozenset[str]:
    """Names of the providers that need a key."""
    return frozenset(provider.name for provider in CATALOG if provider.needs_key)


def check_provider(name: str, path: Path) -> None:
    known = providers_with_keys()
    if name not in known:
        raise InvalidInput(
            f"{name[:64]!r} is not a provider that takes a key; choose one of "
            f"{', '.join(sorted(known))}.",
            path,
        )


def check_key(value: str, path: Path) -> None:
    """Raise `InvalidInput`, without the value in its message, unless this can be a key."""
    if not MIN_KEY_LENGTH <= len(value) <= MAX_KEY_LENGTH:
        raise InvalidInput(
            f"A key must have {MIN_KEY_LENGTH} to {MAX_KEY_LENGTH} characters.", path
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise InvalidInput("A key must be printable ASCII without spaces or line breaks.", path)


def endpoint_problems(
    provider: str, endpoint: ProviderEndpoint, allowed: AllowList, path: Path = ()
) -> Problems:
    """The problems of an endpoint; those of its region only if the provider is known. Where a host name
    leads is checked whenever a connection is opened."""
    if endpoint.base_url is not None:
        base_url = (*path, "baseUrl")
        found = list(problems_of(_check_base_url, endpoint.base_url, base_url))
        yield from found
        if not found and (problem := EgressRule.of_url(endpoint.base_url, allowed).problem):
            yield InvalidInput(problem, base_url)
    key_header = KEY_HEADERS.get(provider)
    if endpoint.region is not None and key_header is not None:
        yield from problems_of(_check_region, provider, endpoint, (*path, "region"))
    yield from header_problems(
        endpoint.headers,
        (*path, "headers"),
        frozenset(),
        owner="Credentials",
        reserved=FIXED_HEADERS | ({key_header} if key_header else set()),
    )


def _check_base_url(url: str, path: Path) -> None:
    check_text(url, path, max_length=MAX_BASE_URL_LENGTH, min_length=1)
    if "{{" in url or "?" in url or "#" in url:
        raise InvalidInput(
            "baseUrl must be a plain URL without placeholders, query and fragment.", path
        )
    check_url(url, path)


def _check_region(provider: str, endpoint: ProviderEndpoint, path: Path) -> None:
    known = REGION_URLS.get(provider, {})
    if not known:
        raise InvalidInput(f"{provider} has no regions; set baseUrl instead.", path)
    if endpoint.region not in known:
        raise InvalidInput(f"The regions of {provider} are {', '.join(sorted(known))}.", path)
    if endpoint.base_url is not None:
        raise InvalidInput("Set either region or baseUrl, because region is a URL as well.", path)


def check_label(label: str, path: Path) -> None:
    check_name(label, path, AGENT_NAME)


def secret_problems(name: str, value: str) -> Problems:
    yield from problems_of(check_name, name, ("name",), IDENTIFIER)
    if not 1 <= len(value) <= MAX_SECRET_LENGTH:
        yield InvalidInput(f"A secret must have 1 to {MAX_SECRET_LENGTH} characters.", ("value",))
    elif not value.isprintable():
        yield InvalidInput("A secret must be a single line of text.", ("value",))


def last_four(value: str) -> str:
    """The part of a value that is shown; empty for a value so short that it would reveal much."""
    return value[-VISIBLE_CHARACTERS:] if len(value) >= 3 * VISIBLE_CHARACTERS else ""
