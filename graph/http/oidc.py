"""The redirects of a sign-in with an identity provider: `/auth/{provider}/start`, `…/callback` and the
back-channel logout `…/backchannel`.

The only cookie carries an encrypted attempt, which is worth nothing without the answer of the provider. No
cookie carries authority, so no other site can make a browser act for its user."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from domain.audit.origin import Origin, acting_as
from domain.common.errors import (
    DecryptionKeyMissing,
    DeniedByProvider,
    DomainError,
    InvalidInput,
    NotFound,
    RateLimited,
    SignInFailed,
    SignInRefused,
    Unavailable,
)
from domain.ports import Services
from domain.sign_in.identity_providers import IdentityProviderId
from domain.sign_in.oidc import (
    ATTEMPT_LIFETIME,
    AuthorizationResponse,
    SignInAttempt,
)
from domain.use_cases import sign_in
from graph.requests.auth import origin_of
from graph.requests.operations import GraphQLService

log = logging.getLogger(__name__)

COOKIE_PREFIX = "studio-oidc-"
MAX_COOKIES = 5
"""Attempts that a browser may have open with one provider."""
MAX_LOGOUT_BYTES = 65_536
MAX_PARAMETER_LENGTH = 8_192
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
NO_FRAGMENT = "_"
"""A browser takes its fragment along to a redirect without one. The fragment may be the handoff of another
sign-in, which the identity provider must not see."""
NO_ATTEMPT = (
    "This sign-in was not begun in this browser, or it has taken too long. Go back to the page and sign in "
    "again."
)
STATUSES: Mapping[type[DomainError], int] = {
    InvalidInput: 400,
    NotFound: 404,
    SignInRefused: 403,
    SignInFailed: 400,
    RateLimited: 429,
    Unavailable: 503,
    DecryptionKeyMissing: 503,
}
# What the page finds as `sign_in_error` behind the `#`; a refusal has its reason there instead.
ERROR_CODES: Mapping[type[DomainError], str] = {
    DeniedByProvider: "DENIED_BY_PROVIDER",
    SignInFailed: "SIGN_IN_FAILED",
    NotFound: "SIGN_IN_FAILED",
    RateLimited: "RATE_LIMITED",
    Unavailable: "PROVIDER_UNAVAILABLE",
    DecryptionKeyMissing: "PROVIDER_UNAVAILABLE",
}


def oidc_routes() -> list[BaseRoute]:
    return [
        Route("/auth/{provider:uuid}/start", start),
        Route("/auth/{provider:uuid}/callback", callback),
        Route("/auth/{provider:uuid}/backchannel", backchannel, methods=["POST"]),
    ]


async def start(request: Request) -> Response:
    services, id = _services(request), _provider_id(request)
    query = request.query_params
    try:
        started = await sign_in.start_sign_in(
            services,
            id,
            query.get("challenge", ""),
            query.get("return_to", ""),
            _client_address(request),
        )
    except DomainError as error:
        return _refusal(error)
    response = RedirectResponse(f"{started.url}#{NO_FRAGMENT}", 302, HEADERS)
    ours = [name for name in request.cookies if COOKIE_PREFIX in name]
    if len(ours) >= MAX_COOKIES:
        for name in ours:
            _delete_cookie(response, services, id, name)
    response.set_cookie(
        _cookie_name(services, started.attempt.state),
        started.cookie,
        max_age=int(ATTEMPT_LIFETIME.total_seconds()),
        path=_cookie_path(services, id),
        secure=_is_secure(services),
        httponly=True,
        samesite="lax",
    )
    return response


async def callback(request: Request) -> Response:
    services, id = _services(request), _provider_id(request)
    received = _authorization_response(request)
    name = _cookie_name(services, received.state or "")
    try:
        attempt = services.single_sign_on.attempts.decrypt(request.cookies.get(name, ""))
    except SignInFailed:
        return PlainTextResponse(f"{NO_ATTEMPT}\n", 400, HEADERS)
    with acting_as(_origin(request)):
        response = await _finish(services, id, attempt, received, _client_address(request))
    _delete_cookie(response, services, id, name)
    return response


async def _finish(
    services: Services,
    id: IdentityProviderId,
    attempt: SignInAttempt,
    received: AuthorizationResponse,
    address: str,
) -> Response:
    try:
        secret = await sign_in.receive_response(services, id, attempt, received, address)
    except DomainError as error:
        if (code := _error_code(error)) is None:
            raise
        _log_refusal(id, error)
        return _return(attempt, {"sign_in_error": code})
    return _return(attempt, {"handoff": secret})


async def backchannel(request: Request) -> Response:
    services, id = _services(request), _provider_id(request)
    token = await _logout_token(request)
    try:
        if token is None:
            raise SignInFailed("The body must be a form with one logout_token.", ())
        with acting_as(_origin(request)):
            await sign_in.log_out_by_provider(services, id, token, _client_address(request))
    except (SignInFailed, NotFound) as error:
        _log_refusal(id, error)
        body = {"error": "invalid_request", "error_description": error.message}
        return JSONResponse(body, 400, HEADERS)
    except (RateLimited, Unavailable, DecryptionKeyMissing) as error:
        return _refusal(error)
    return Response(status_code=200, headers=HEADERS)


def _return(attempt: SignInAttempt, fragment: Mapping[str, str]) -> Response:
    """Back to the page. What follows the `#` reaches no server and no log."""
    return RedirectResponse(f"{attempt.return_to}#{urlencode(fragment)}", 303, HEADERS)


def _authorization_response(request: Request) -> AuthorizationResponse:
    """A parameter that is repeated or too long counts as absent."""

    def one(name: str) -> str | None:
        values = request.query_params.getlist(name)
        return values[0] if len(values) == 1 and len(values[0]) <= MAX_PARAMETER_LENGTH else None

    return AuthorizationResponse(
        state=one("state"), code=one("code"), issuer=one("iss"), error=one("error")
    )


async def _logout_token(request: Request) -> str | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_LOGOUT_BYTES:
            return None
    try:
        form = parse_qs(body.decode("ascii"), max_num_fields=20)
    except ValueError:
        return None
    tokens = form.get("logout_token", [])
    return tokens[0] if len(tokens) == 1 else None


def _refusal(error: DomainError) -> Response:
    status = next((each for kind, each in STATUSES.items() if isinstance(error, kind)), None)
    if status is None:
        raise error
    headers = dict(HEADERS)
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return PlainTextResponse(f"{error.message}\n", status, headers)


def _error_code(error: DomainError) -> str | None:
    """None for an error that is not expected here."""
    if isinstance(error, SignInRefused):
        return error.reason
    return next((code for kind, code in ERROR_CODES.items() if isinstance(error, kind)), None)


def _log_refusal(id: IdentityProviderId, error: DomainError) -> None:
    """For the administrator who sets a provider up. The messages name no user."""
    log.warning("sign-in failed", extra={"provider_id": str(id), "reason": error.message})


def _cookie_name(services: Services, state: str) -> str:
    """One cookie per attempt, so that two tabs do not disturb each other."""
    digest = hashlib.sha256(state.encode(errors="surrogatepass")).hexdigest()[:8]
    prefix = "__Secure-" if _is_secure(services) else ""
    return f"{prefix}{COOKIE_PREFIX}{digest}"


def _delete_cookie(
    response: Response, services: Services, id: IdentityProviderId, name: str
) -> None:
    response.delete_cookie(
        name,
        path=_cookie_path(services, id),
        secure=_is_secure(services),
        httponly=True,
        samesite="lax",
    )


def _cookie_path(services: Services, id: IdentityProviderId) -> str:
    return urlsplit(services.single_sign_on.redirect_uri(id)).path.rpartition("/")[0] + "/"


def _is_secure(services: Services) -> bool:
    return services.single_sign_on.public_url.startswith("https://")


def _services(request: Request) -> Services:
    api: GraphQLService = request.state.api
    return api.services


def _provider_id(request: Request) -> IdentityProviderId:
    return IdentityProviderId(request.path_params["provider"])


def _origin(request: Request) -> Origin:
    request_id = request.scope.get("facts", {}).get("request_id")
    return origin_of(None, _client_address(request), request_id)


def _client_address(request: Request) -> str:
    return request.client.host if request.client else ""
