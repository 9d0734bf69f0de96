"""The client of identity providers: OpenID Connect Discovery, the authorization code flow with PKCE, and
the keys of the providers.

Every request goes through the HTTP client of tools, which reaches public addresses only, follows no
redirects and limits the size of a response. Metadata and keys are cached per provider and process."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit
from uuid import UUID

from domain.common.errors import DeniedByProvider, InvalidInput, SignInFailed, Unavailable
from domain.sign_in.identity_providers import PRINTABLE, ProviderClient, claim_at
from domain.sign_in.oidc import (
    AuthorizationResponse,
    LogoutRequest,
    ProvenClaims,
    SignInAttempt,
    challenge_of,
)
from domain.tools.http import EgressBlocked, HttpClient, HttpFailed, HttpRequest, HttpResponse
from persistence.oidc_tokens import (
    MAX_KEYS,
    Jwk,
    UnknownKey,
    find_key,
    read_header,
    verify_id_token,
    verify_logout_token,
)

TIMEOUT_SECONDS = 5.0
MAX_DOCUMENT_BYTES = 262_144
METADATA_SECONDS = 3_600.0
KEYS_SECONDS = 3_600.0
COOLDOWN_SECONDS = 5.0
"""How long the keys are not fetched again for a token whose key is unknown, because a forger invents keys
as fast as requests arrive; and how long a provider that failed is not asked again."""
MAX_CACHED_PROVIDERS = 200
MAX_ERROR_LENGTH = 64
WELL_KNOWN = "/.well-known/openid-configuration"
FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
JSON = {"accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Metadata:
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    promises_issuer: bool
    """Whether every authorization response names the issuer (RFC 9207)."""
    token_auth_methods: tuple[str, ...]


@dataclass(slots=True)
class CachedProvider:
    """What is known of one provider. The lock lets one request at a time fetch something."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    metadata: Metadata | None = None
    metadata_at: float = float("-inf")
    keys: Sequence[Jwk] = ()
    keys_at: float = float("-inf")
    failed_at: float = float("-inf")


class HttpOidcClient:
    def __init__(
        self, http: HttpClient, *, timeout: float = TIMEOUT_SECONDS, pause: float = COOLDOWN_SECONDS
    ) -> None:
        self._http = http
        self._timeout = timeout
        self._pause = pause
        self._cache: OrderedDict[tuple[UUID, str], CachedProvider] = OrderedDict()

    async def check_metadata(self, provider: ProviderClient) -> None:
        try:
            await self._fetch_metadata(provider.spec.issuer)
        except Unavailable as error:
            raise InvalidInput(error.message, ("issuer",)) from None

    async def authorization_url(
        self, provider: ProviderClient, attempt: SignInAttempt, redirect_uri: str
    ) -> str:
        metadata = await self._metadata(provider)
        query = {
            "response_type": "code",
            # The response must be a navigation, because a cross-site POST brings no Lax cookie.
            "response_mode": "query",
            "client_id": provider.spec.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(provider.spec.oauth_scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge_of(attempt.code_verifier),
            "code_challenge_method": "S256",
        }
        return _with_query(metadata.authorization_endpoint, query)

    async def redeem(
        self,
        provider: ProviderClient,
        attempt: SignInAttempt,
        response: AuthorizationResponse,
        redirect_uri: str,
    ) -> ProvenClaims:
        metadata = await self._metadata(provider)
        _check_issuer(provider, metadata, response.issuer)
        if response.error is not None:
            raise DeniedByProvider(_shown_error(response.error))
        if not response.code:
            raise SignInFailed("The identity provider returned no code.", ())
        tokens = await self._redeem_code(provider, metadata, attempt, response.code, redirect_uri)
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise SignInFailed("The identity provider returned no ID token.", ())
        key = await self._key(provider, id_token)
        claims = verify_id_token(provider, id_token, key, attempt.nonce)
        more = await self._userinfo(provider, metadata, claims, tokens.get("access_token"))
        return ProvenClaims(
            claims=merged_claims(claims, more),
            end_session_url=_end_session_url(provider, metadata, id_token),
        )

    async def read_logout_token(self, provider: ProviderClient, token: str) -> LogoutRequest:
        return verify_logout_token(provider, token, await self._key(provider, token))

    # ---- tokens ----------------------------------------------------------------------------

    async def _redeem_code(
        self,
        provider: ProviderClient,
        metadata: Metadata,
        attempt: SignInAttempt,
        code: str,
        redirect_uri: str,
    ) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.code_verifier,
        }
        headers, more = _client_authentication(provider, metadata)
        body = urlencode({**form, **more}).encode()
        response = await self._send(
            HttpRequest("POST", metadata.token_endpoint, {**FORM, **headers}, body, self._timeout)
        )
        answer = _json_object(response)
        if response.status == 200:
            return answer
        error = _shown_error(str(answer.get("error", "")))
        if response.status >= 500:
            raise Unavailable("The identity provider failed to redeem the code.")
        raise SignInFailed(f"The identity provider refused the code: {error}.", ())

    async def _userinfo(
        self,
        provider: ProviderClient,
        metadata: Metadata,
        claims: Mapping[str, Any],
        access_token: Any,
    ) -> Mapping[str, Any]:
        """Further claims of the user, if the ID token lacks some that matter."""
        is_complete = all(claim_at(claims, name) is not None for name in _wanted_claims(provider))
        if is_complete or metadata.userinfo_endpoint is None or not isinstance(access_token, str):
            return {}
        if not PRINTABLE.fullmatch(access_token):
            raise SignInFailed("The identity provider returned an invalid access token.", ())
        headers = {**JSON, "authorization": f"Bearer {access_token}"}
        response = await self._send(
            HttpRequest("GET", metadata.userinfo_endpoint, headers, timeout=self._timeout)
        )
        if response.status != 200:
            raise Unavailable(f"The userinfo endpoint answered with HTTP {response.status}.")
        more = _json_object(response)
        if more.get("sub") != claims["sub"]:
            raise SignInFailed("The userinfo endpoint describes another user.", ())
        return more

    # ---- metadata and keys -----------------------------------------------------------------

    async def _metadata(self, provider: ProviderClient) -> Metadata:
        cached = self._cached(provider)
        async with cached.lock:
            if cached.metadata is None or _age(cached.metadata_at) > METADATA_SECONDS:
                with self._shared_failures(cached):
                    cached.metadata = await self._fetch_metadata(provider.spec.issuer)
                cached.metadata_at = time.monotonic()
            return cached.metadata

    async def _key(self, provider: ProviderClient, token: str) -> Any:
        header = read_header(token)
        metadata = await self._metadata(provider)
        cached = self._cached(provider)
        async with cached.lock:
            if _age(cached.keys_at) > KEYS_SECONDS:
                await self._fetch_keys(cached, metadata)
            try:
                return find_key(cached.keys, header)
            except UnknownKey:
                if _age(cached.keys_at) < self._pause:
                    raise
            await self._fetch_keys(cached, metadata)
            return find_key(cached.keys, header)

    def _cached(self, provider: ProviderClient) -> CachedProvider:
        """The entry of the provider. One with another issuer is another entry."""
        key = (provider.id, provider.spec.issuer)
        cached = self._cache.setdefault(key, CachedProvider())
        self._cache.move_to_end(key)
        if len(self._cache) > MAX_CACHED_PROVIDERS:
            self._cache.popitem(last=False)
        return cached

    async def _fetch_metadata(self, issuer: str) -> Metadata:
        document = await self._get_json(issuer.rstrip("/") + WELL_KNOWN)
        if document.get("issuer") != issuer:
            raise Unavailable(
                f"The metadata of {issuer} names another issuer, "
                f"{str(document.get('issuer'))[:200]!r}; set the issuer to exactly that. A template "
                "such as {tenantid} means that the issuer is not that of one directory."
            )
        return _metadata_from(document, issuer)

    async def _fetch_keys(self, cached: CachedProvider, metadata: Metadata) -> None:
        with self._shared_failures(cached):
            keys = (await self._get_json(metadata.jwks_uri)).get("keys")
        usable = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
        cached.keys, cached.keys_at = usable[:MAX_KEYS], time.monotonic()

    @contextmanager
    def _shared_failures(self, cached: CachedProvider) -> Iterator[None]:
        """Those who wait for the lock share a failure, so that none waits longer than one timeout."""
        if _age(cached.failed_at) < self._pause:
            raise Unavailable(
                "The identity provider did not answer just now; try again in a moment."
            )
        try:
            yield
        except Unavailable:
            cached.failed_at = time.monotonic()
            raise

    async def _get_json(self, url: str) -> Mapping[str, Any]:
        response = await self._send(HttpRequest("GET", url, JSON, timeout=self._timeout))
        if response.status != 200:
            raise Unavailable(
                f"The identity provider answered with HTTP {response.status} at {_host(url)}."
            )
        return _json_object(response)

    async def _send(self, request: HttpRequest) -> HttpResponse:
        try:
            response = await self._http.send(request)
        except EgressBlocked:
            raise Unavailable(
                f"{_host(request.url)} must not be reached: identity providers need https:// and a "
                "public address; the operator may list others in OUTBOUND_ALLOW."
            ) from None
        except HttpFailed as error:
            raise Unavailable(
                f"The identity provider at {_host(request.url)} did not answer ({error.kind})."
            ) from None
        if len(response.body) > MAX_DOCUMENT_BYTES:
            raise Unavailable(f"The answer of {_host(request.url)} is too large.")
        return response


def merged_claims(claims: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    """Both sets of claims. An address and whether it is verified come from the same source."""
    pair = ("email", "email_verified")
    complete = (each for each in (claims, more) if all(name in each for name in pair))
    source = next(complete, claims if "email" in claims else more)
    merged = {**more, **claims}
    for name in pair:
        merged.pop(name, None)
        if name in source:
            merged[name] = source[name]
    return merged


def _check_issuer(provider: ProviderClient, metadata: Metadata, issuer: str | None) -> None:
    """An issuer is compared whenever there is one: Google names it without promising to (RFC 9207)."""
    if issuer is None and metadata.promises_issuer:
        raise SignInFailed("The response does not name its issuer, as the provider promises.", ())
    if issuer is not None and issuer != provider.spec.issuer:
        raise SignInFailed("The response comes from another identity provider.", ())


def _wanted_claims(provider: ProviderClient) -> Iterator[str]:
    """The claims that decide something."""
    yield "email"
    if provider.spec.trusted_domains:
        yield "email_verified"
    if provider.spec.groups_claim is not None:
        yield provider.spec.groups_claim


def _client_authentication(
    provider: ProviderClient, metadata: Metadata
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The headers and the form fields that authenticate us to the token endpoint."""
    id, secret = provider.spec.client_id, provider.client_secret
    if secret is None:
        return {}, {"client_id": id}
    if "client_secret_basic" in metadata.token_auth_methods:
        pair = f"{quote_plus(id)}:{quote_plus(secret)}".encode()
        return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}, {}
    return {}, {"client_id": id, "client_secret": secret}


def _metadata_from(document: Mapping[str, Any], issuer: str) -> Metadata:
    def endpoint(name: str) -> str | None:
        url = document.get(name)
        if url is not None and not _is_endpoint(url, issuer):
            raise Unavailable(f"The metadata of {issuer} has no valid {name}.")
        return url

    def required(name: str) -> str:
        if (url := endpoint(name)) is None:
            raise Unavailable(f"The metadata of {issuer} has no {name}.")
        return url

    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        authorization_endpoint=required("authorization_endpoint"),
        token_endpoint=required("token_endpoint"),
        jwks_uri=required("jwks_uri"),
        userinfo_endpoint=endpoint("userinfo_endpoint"),
        end_session_endpoint=endpoint("end_session_endpoint"),
        promises_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        token_auth_methods=tuple(methods)
        if isinstance(methods, list)
        else ("client_secret_basic",),
    )


def _is_endpoint(url: Any, issuer: str) -> bool:
    """Endpoints use HTTPS, unless the issuer itself is on a network that the operator allows."""
    if not isinstance(url, str) or not PRINTABLE.fullmatch(url) or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    allowed = ("https", "http") if urlsplit(issuer).scheme == "http" else ("https",)
    is_complete = bool(parts.hostname) and not parts.fragment and "@" not in parts.netloc
    return parts.scheme in allowed and is_complete


def _end_session_url(provider: ProviderClient, metadata: Metadata, id_token: str) -> str | None:
    """OpenID Connect RP-Initiated Logout 1.0."""
    if metadata.end_session_endpoint is None:
        return None
    query = {"id_token_hint": id_token, "client_id": provider.spec.client_id}
    return _with_query(metadata.end_session_endpoint, query)


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _json_object(response: HttpResponse) -> Mapping[str, Any]:
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Unavailable(
            f"The identity provider answered with HTTP {response.status} and no JSON object."
        )
    return value


def _shown_error(text: str) -> str:
    """The error code of a provider, which may be anything, in a form that can be shown."""
    shown = text[:MAX_ERROR_LENGTH]
    return shown if PRINTABLE.fullmatch(shown) else "unknown error"


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return "the address"


def _age(at: float) -> float:
    return time.monotonic() - at
