"""The identity providers of a tenant: where its users sign in with OpenID Connect, who is admitted,
and which role they get."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from urllib.parse import urlsplit
from uuid import UUID

from domain.common.access import Role, TenantId
from domain.common.errors import InvalidInput, Path, Problem, SignInRefused
from domain.common.problems import Problems, problems_of, raise_per_value
from domain.common.text_validation import DNS_LABEL, check_name, check_text
from domain.tenants.roles import unknown_role

IdentityProviderId = NewType("IdentityProviderId", UUID)

MAX_PROVIDERS = 10
MAX_ROLE_RULES = 100
MAX_DOMAINS = 50
MAX_REQUIRED_CLAIMS = 10
MAX_OAUTH_SCOPES = 20
MAX_CLAIM_LENGTH = 256
DEFAULT_SESSION_HOURS, MAX_SESSION_HOURS = 12, 720
DEFAULT_OAUTH_SCOPES = ("openid", "email", "profile")
MAX_URL_LENGTH = 512

PRINTABLE = re.compile(r"[!-~]+")
"""Visible ASCII, of which URLs, client ids and client secrets consist."""
OAUTH_SCOPE = re.compile(r"[!#-\[\]-~]{1,128}")
DOMAIN = re.compile(rf"{DNS_LABEL}(?:\.{DNS_LABEL})+")
ROLE_ORDER = tuple(map(str, Role))
"""The built-in roles, the most powerful one first."""


class RefusalReason(StrEnum):
    """Why a user who proved their identity is not admitted."""

    NOT_A_MEMBER = "NOT_A_MEMBER"
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    NO_ROLE = "NO_ROLE"
    TOO_MANY_GROUPS = "TOO_MANY_GROUPS"
    CLAIM_MISMATCH = "CLAIM_MISMATCH"
    PROVIDER_DISABLED = "PROVIDER_DISABLED"
    SUSPENDED = "SUSPENDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRule:
    """Members of `group` get `role`. Names of groups are compared exactly."""

    group: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredClaim:
    """A claim that the ID token must have with exactly this value, such as `hd` of Google."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProviderSpec:
    """How to reach an identity provider, and which of its users are admitted.

    With role rules, the role of a user is set at every sign-in: the most powerful role of their groups,
    otherwise `default_role`. Without rules, roles are assigned by people, and `default_role` is that of
    new users."""

    name: str
    label: str
    """What the button to sign in says."""
    issuer: str
    client_id: str
    oauth_scopes: tuple[str, ...] = DEFAULT_OAUTH_SCOPES
    groups_claim: str | None = None
    """The claim that lists the groups of a user; dots lead into nested objects."""
    role_rules: tuple[RoleRule, ...] = ()
    default_role: str | None = None
    trusted_domains: tuple[str, ...] = ()
    """Domains whose verified e-mail addresses identify users at their first sign-in."""
    creates_users: bool = False
    """Whether users with such addresses are created at their first sign-in."""
    required_claims: tuple[RequiredClaim, ...] = ()
    session_hours: int = DEFAULT_SESSION_HOURS
    """How long a session lasts, however often it is refreshed."""
    is_enabled: bool = True

    @property
    def manages_roles(self) -> bool:
        """Whether the roles of its users are set at each sign-in, so that people do not change them."""
        return self.is_enabled and bool(self.role_rules)

    @property
    def given_roles(self) -> Iterator[tuple[str, Path]]:
        """The roles that it gives to users, each with the place where it is named."""
        for index, rule in enumerate(self.role_rules):
            yield rule.role, ("roleRules", str(index), "role")
        if self.default_role is not None:
            yield self.default_role, ("defaultRole",)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """A stored identity provider, without its client secret."""

    id: IdentityProviderId
    tenant_id: TenantId
    revision: int
    created_at: datetime
    updated_at: datetime
    spec: IdentityProviderSpec
    has_client_secret: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderClient:
    """What is needed to talk to an identity provider: its configuration with the client secret."""

    id: IdentityProviderId
    tenant_id: TenantId
    spec: IdentityProviderSpec
    client_secret: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInOption:
    """A button that signs a user of a tenant in."""

    id: IdentityProviderId
    label: str


def check_identity_provider(
    spec: IdentityProviderSpec, own_roles: Collection[str], found: Iterable[Problem] = ()
) -> None:
    """Raise every problem of the configuration at once, with those that were found before. `own_roles` are
    the names of the tenant's own roles."""
    known = {*ROLE_ORDER, *own_roles}
    raise_per_value(found, _problems(spec), _problems_of_roles(spec, known))


def check_client_secret(secret: str | None, path: Path) -> None:
    """Raise `InvalidInput`, without the secret in its message."""
    if secret is not None and not (len(secret) <= MAX_URL_LENGTH and PRINTABLE.fullmatch(secret)):
        raise InvalidInput(
            f"{path[-1]} must be 1 to {MAX_URL_LENGTH} visible ASCII characters, without spaces.",
            path,
        )


def _problems(spec: IdentityProviderSpec) -> Problems:
    yield from problems_of(check_name, spec.name, ("name",))
    yield from problems_of(check_text, spec.label, ("label",), max_length=80, min_length=1)
    yield from problems_of(_check_issuer, spec.issuer)
    yield from problems_of(_check_client_id, spec.client_id)
    yield from _problems_of_oauth_scopes(spec.oauth_scopes)
    yield from _problems_of_rules(spec)
    yield from _problems_of_domains(spec)
    yield from _problems_of_claims(spec.required_claims)
    if not 1 <= spec.session_hours <= MAX_SESSION_HOURS:
        yield InvalidInput(
            f"sessionDuration must be 1 to {MAX_SESSION_HOURS} whole hours.", ("sessionDuration",)
        )


def _check_issuer(issuer: str) -> None:
    try:
        parts = urlsplit(issuer)
        is_valid = (
            len(issuer) <= MAX_URL_LENGTH
            and PRINTABLE.fullmatch(issuer) is not None
            and parts.scheme in ("https", "http")
            and bool(parts.hostname)
            and not (parts.query or parts.fragment or "@" in parts.netloc or "\\" in issuer)
            and not issuer.endswith(("?", "#"))
        )
    except ValueError:
        is_valid = False
    if not is_valid:
        raise InvalidInput(
            "issuer must be the https:// URL that the provider states as its issuer, without a query "
            "and without a fragment, for instance https://accounts.google.com.",
            ("issuer",),
        )


def _check_client_id(client_id: str) -> None:
    if len(client_id) > MAX_CLAIM_LENGTH or not PRINTABLE.fullmatch(client_id):
        raise InvalidInput(
            f"clientId must be 1 to {MAX_CLAIM_LENGTH} visible ASCII characters, without spaces.",
            ("clientId",),
        )


def _problems_of_oauth_scopes(scopes: Collection[str]) -> Problems:
    if "openid" not in scopes:
        yield InvalidInput("oauthScopes must contain openid.", ("oauthScopes",))
    yield from _problem_of_count(scopes, MAX_OAUTH_SCOPES, "oauthScopes")
    for index, scope in enumerate(scopes):
        if not OAUTH_SCOPE.fullmatch(scope):
            yield InvalidInput(
                "A scope must be visible ASCII without spaces, quotes and backslashes.",
                ("oauthScopes", str(index)),
            )


def _problems_of_rules(spec: IdentityProviderSpec) -> Problems:
    if spec.groups_claim is not None:
        yield from problems_of(
            check_text,
            spec.groups_claim,
            ("groupsClaim",),
            max_length=MAX_CLAIM_LENGTH,
            min_length=1,
        )
    if spec.role_rules and spec.groups_claim is None:
        yield InvalidInput(
            "groupsClaim must name the claim that lists the groups of a user, because there are "
            "roleRules.",
            ("groupsClaim",),
        )
    yield from _problem_of_count(spec.role_rules, MAX_ROLE_RULES, "roleRules")
    seen: set[str] = set()
    for index, rule in enumerate(spec.role_rules):
        path = ("roleRules", str(index), "group")
        yield from problems_of(
            check_text, rule.group, path, max_length=MAX_CLAIM_LENGTH, min_length=1
        )
        if rule.group in seen:
            yield InvalidInput("Another rule has the same group.", path)
        seen.add(rule.group)


def _problems_of_roles(spec: IdentityProviderSpec, known: Collection[str]) -> Problems:
    for role, path in spec.given_roles:
        if role not in known:
            yield unknown_role(role, path)


def _problems_of_domains(spec: IdentityProviderSpec) -> Problems:
    yield from _problem_of_count(spec.trusted_domains, MAX_DOMAINS, "trustedDomains")
    for index, domain in enumerate(spec.trusted_domains):
        if len(domain) > 253 or not DOMAIN.fullmatch(domain):
            yield InvalidInput(
                "A trusted domain must be the part of an e-mail address behind the @, in lower case, "
                "for instance acme.example.",
                ("trustedDomains", str(index)),
            )
    if spec.creates_users and not spec.trusted_domains:
        yield InvalidInput(
            "createsUsers needs trustedDomains: only users with a verified e-mail address of such a "
            "domain are created.",
            ("trustedDomains",),
        )
    if spec.creates_users and spec.default_role is None and not spec.role_rules:
        yield InvalidInput(
            "createsUsers needs a defaultRole or roleRules, which decide what new users may do.",
            ("defaultRole",),
        )


def _problems_of_claims(claims: Collection[RequiredClaim]) -> Problems:
    yield from _problem_of_count(claims, MAX_REQUIRED_CLAIMS, "requiredClaims")
    for index, claim in enumerate(claims):
        for name in ("name", "value"):
            path = ("requiredClaims", str(index), name)
            yield from problems_of(
                check_text, getattr(claim, name), path, max_length=MAX_CLAIM_LENGTH, min_length=1
            )


def _problem_of_count(items: Collection[Any], limit: int, field: str) -> Problems:
    if len(items) > limit:
        yield InvalidInput(f"{field} may have at most {limit} entries.", (field,))


def check_claims(spec: IdentityProviderSpec, claims: Mapping[str, Any]) -> None:
    """Raise `SignInRefused` unless the ID token has the required claims."""
    for required in spec.required_claims:
        if claims.get(required.name) != required.value:
            raise SignInRefused(
                f"Your account at {spec.label} does not have the claim {required.name} that is "
                "required here; sign in with another account.",
                (),
                reason=RefusalReason.CLAIM_MISMATCH,
            )


def groups_of(spec: IdentityProviderSpec, claims: Mapping[str, Any]) -> frozenset[str]:
    """The groups in the claims. Raises `SignInRefused` when the provider lists them elsewhere."""
    if spec.groups_claim is None:
        return frozenset()
    if _is_too_long_for_token(spec.groups_claim, claims):
        raise SignInRefused(
            f"You are in so many groups that {spec.label} does not list them in the ID token. An "
            "administrator can assign application roles instead, and name the claim `roles`.",
            (),
            reason=RefusalReason.TOO_MANY_GROUPS,
        )
    value = claim_at(claims, spec.groups_claim)
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(filter(_is_text, value)) if isinstance(value, list) else frozenset()


def _is_too_long_for_token(groups_claim: str, claims: Mapping[str, Any]) -> bool:
    """Entra refers to its directory instead of listing more than 200 groups."""
    references = claims.get("_claim_names")
    refers = isinstance(references, Mapping) and groups_claim in references
    return groups_claim not in claims and (refers or claims.get("hasgroups") in (True, "true"))


def claim_at(claims: Mapping[str, Any], name: str) -> Any:
    """The claim with this name, or the nested one to which its dots lead; None if there is none."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def role_for(spec: IdentityProviderSpec, groups: Collection[str]) -> str | None:
    """The role that the rules give to a member of these groups; None if there are no rules. Raises
    `SignInRefused` when no rule gives a role."""
    if not spec.role_rules:
        return None
    matches = [rule.role for rule in spec.role_rules if rule.group in groups]
    # Of other roles, which come after the built-in ones, the first rule decides.
    role = min(matches, key=_rank) if matches else spec.default_role
    if role is None:
        raise SignInRefused(
            "None of your groups has a role here; ask an administrator for access.",
            (),
            reason=RefusalReason.NO_ROLE,
        )
    return role


def _rank(role: str) -> int:
    return ROLE_ORDER.index(role) if role in ROLE_ORDER else len(ROLE_ORDER)


def is_trusted_address(email: str, domains: Iterable[str]) -> bool:
    return email.rpartition("@")[2] in set(domains)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
