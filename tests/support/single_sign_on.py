"""An API whose users sign in with identity providers, and the page that they come from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.sign_in.oidc import challenge_of, new_secret
from graph.app import build_schema_with_loaders
from graph.web.account import account_routes
from graph.web.graphiql import graphiql_routes
from graph.web.talk import talk_routes
from local.private_files import free_port
from persistence.wiring import api_services
from tests.support.api_server import Api, running_api
from tests.support.forging_provider import CLIENT_ID
from tests.support.oidc_provider import Browser, Provider, fragment
from tests.support.people import SignedIn, owner_at, visitor_at

DASHBOARD = "https://dash.example"
PAGE = f"{DASHBOARD}/calls?tab=live"

FIELDS = """id name label issuer clientId hasClientSecret oauthScopes groupsClaim
  roleRules { group role } defaultRole trustedDomains createsUsers requiredClaims { name value }
  sessionDuration isEnabled startUrl redirectUri logoutUri revision"""
CREATE = f"""mutation ($input: CreateIdentityProviderInput!) {{ createIdentityProvider(input: $input) {{
  __typename ... on CreateIdentityProviderSuccess {{ identityProvider {{ {FIELDS} }} }}
  ... on Error {{ code message path }} ... on ValidationError {{ problems {{ path }} }} }} }}"""
UPDATE = f"""mutation ($input: UpdateIdentityProviderInput!) {{ updateIdentityProvider(input: $input) {{
  __typename ... on UpdateIdentityProviderSuccess {{ identityProvider {{ {FIELDS} }} }}
  ... on Error {{ code message path }} }} }}"""
DELETE = f"""mutation ($input: DeleteIdentityProviderInput!) {{ deleteIdentityProvider(input: $input) {{
  __typename ... on DeleteIdentityProviderSuccess {{ identityProvider {{ {FIELDS} }} }}
  ... on Error {{ code message path }} }} }}"""
FINISH = """mutation ($input: FinishSignInInput!) { finishSignIn(input: $input) { __typename
  ... on FinishSignInSuccess { endSessionUrl session { accessToken refreshToken expiresAt } }
  ... on SignInRefused { reason } ... on Error { code message path } } }"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the page keeps, and where it sends the browser."""

    verifier: str
    url: str


@dataclass(frozen=True, slots=True)
class Installation:
    api: Api
    services: Services
    settings: Settings

    @property
    def owner(self) -> SignedIn:
        return owner_at(self.api)

    async def create(self, issuer: str, by: SignedIn | None = None, **spec: Any) -> dict[str, Any]:
        """Create an identity provider, whose client is not registered yet."""
        defaults = {"name": "acme", "label": "Sign in with Acme", "clientId": CLIENT_ID}
        made = await (by or self.owner).run(CREATE, **{**defaults, "issuer": issuer, **spec})
        assert made["__typename"] == "CreateIdentityProviderSuccess", made
        created: dict[str, Any] = made["identityProvider"]
        return created

    async def connect(
        self, provider: Provider, by: SignedIn | None = None, **spec: Any
    ) -> dict[str, Any]:
        """Create an identity provider, and register its client there."""
        created = await self.create(provider.issuer, by, **spec)
        client = await provider.register(
            created["redirectUri"],
            backchannel_logout_uri=created["logoutUri"],
            backchannel_logout_session_required=True,
        )
        changes = {"clientId": client["client_id"], "clientSecret": client["client_secret"]}
        return await self.update(created, by, **changes)

    async def update(
        self, created: dict[str, Any], by: SignedIn | None = None, **changes: Any
    ) -> dict[str, Any]:
        identity = {"id": created["id"], "expectedRevision": created["revision"]}
        made = await (by or self.owner).run(UPDATE, **identity, **changes)
        assert made["__typename"] == "UpdateIdentityProviderSuccess", made
        updated: dict[str, Any] = made["identityProvider"]
        return updated

    def attempt(self, provider: dict[str, Any], page: str = PAGE) -> Attempt:
        verifier = new_secret()
        query = urlencode({"challenge": challenge_of(verifier), "return_to": page})
        return Attempt(verifier, f"{provider['startUrl']}?{query}")

    async def come_back(self, provider: dict[str, Any], browser: Browser) -> tuple[str, str]:
        """The verifier of the page, and the URL at which the browser comes back to it."""
        attempt = self.attempt(provider)
        return attempt.verifier, await browser.open(attempt.url)

    async def finish(self, url: str, verifier: str, **more: Any) -> Any:
        """What the page gets for the handoff in the URL."""
        handoff = fragment(url)["handoff"]
        return await visitor_at(self.api).run(FINISH, handoff=handoff, verifier=verifier, **more)

    async def result(self, provider: dict[str, Any], **more: Any) -> Any:
        """What a browser without cookies gets for the present user of the provider."""
        async with Browser(DASHBOARD) as browser:
            verifier, url = await self.come_back(provider, browser)
        return await self.finish(url, verifier, **more)

    async def signed_in(self, provider: dict[str, Any], **more: Any) -> SignedIn:
        return self.session_of(await self.result(provider, **more))

    def session_of(self, result: Any) -> SignedIn:
        assert result["__typename"] == "FinishSignInSuccess", result
        session = result["session"]
        return SignedIn(self.api, session["accessToken"], session["refreshToken"])


@asynccontextmanager
async def running_installation(
    settings: Settings, viewer: Viewer, *issuers: str
) -> AsyncIterator[Installation]:
    """An API that knows its own address, and may reach these providers on loopback."""
    port = free_port()
    configured = replace(
        settings,
        api_port=port,
        public_url=f"http://127.0.0.1:{port}",
        allowed_origins=DASHBOARD,
        outbound_allow=",".join(urlsplit(issuer).netloc for issuer in issuers),
    )
    async with (
        api_services(configured) as services,
        running_api(
            services,
            configured,
            viewer,
            build_schema_with_loaders,
            extra_routes=[*account_routes(), *graphiql_routes(""), *talk_routes(configured)],
            port=port,
        ) as api,
    ):
        yield Installation(api, services, configured)
