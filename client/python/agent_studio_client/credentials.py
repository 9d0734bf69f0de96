"""Who sends a request: a program with an API key, or a person with a session."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

import httpx

from agent_studio_client.errors import RequestFailed, Response, TypedError, read_response

EXPIRY_MARGIN = timedelta(seconds=5)
ATTEMPT_SECONDS = 5.0
PAUSES = (0.25, 1.0, 3.0, None)
"""Seconds between attempts. The API accepts a refresh token again for 30 s if its response was lost,
so all attempts fit into that."""
TRANSIENT = frozenset({"UNREACHABLE", "TIMEOUT", "BAD_RESPONSE", "UNAVAILABLE"})
"""Codes of errors that pass."""
LOGIN = """mutation ($input: LoginInput!) { login(input: $input) {
  __typename ... on LoginSuccess { accessToken refreshToken expiresAt }
  ... on Error { code message path } } }"""
REFRESH = """mutation ($input: SessionInput!) { refreshSession(input: $input) {
  __typename ... on LoginSuccess { accessToken refreshToken expiresAt }
  ... on Error { code message path } } }"""
LOGOUT = "mutation ($input: SessionInput!) { logout(input: $input) { done } }"

Send = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class Credential(Protocol):
    async def headers(self, rejected: str | None = None) -> dict[str, str]:
        """Headers of a request, which are also the payload of `connection_init`. `rejected` is the
        `authorization` that the API refused."""

    @property
    def is_renewable(self) -> bool:
        """Whether another attempt may have other headers."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    value: str = field(repr=False)

    async def headers(self, rejected: str | None = None) -> dict[str, str]:
        return {"x-api-key": self.value}

    @property
    def is_renewable(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Tokens:
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime


class Session:
    """The session of a person. Access tokens are refreshed, one at a time."""

    def __init__(
        self,
        url: str,
        tokens: Tokens | None = None,
        on_change: Callable[[Tokens | None], None] = lambda tokens: None,
        timeout_seconds: float = 30,
    ) -> None:
        self._endpoint = f"{url.rstrip('/')}/graphql"
        self._tokens = tokens
        self._on_change = on_change
        self._timeout = timeout_seconds
        self._refreshing: asyncio.Task[None] | None = None

    @property
    def tokens(self) -> Tokens | None:
        return self._tokens

    @property
    def is_renewable(self) -> bool:
        return True

    async def sign_in(
        self, email: str, password: str, tenant: str | None = None, code: str | None = None
    ) -> TypedError | None:
        """None on success. The error has the code `SECOND_FACTOR_REQUIRED` if `code` is missing."""
        given = {"email": email, "password": password, "tenant": tenant, "code": code}
        data = await self._post(LOGIN, {"input": given})
        return self._enter(data["login"])

    async def sign_out(self) -> None:
        """End the session. The tokens are forgotten in every case."""
        tokens, self._tokens = self._tokens, None
        self._on_change(None)
        if tokens:
            await self._post(LOGOUT, {"input": {"refreshToken": tokens.refresh_token}})

    async def headers(self, rejected: str | None = None) -> dict[str, str]:
        tokens = self._tokens
        if tokens is not None and not self._is_usable(tokens, rejected):
            if self._refreshing is None:
                self._refreshing = asyncio.create_task(self._refresh(tokens))
                self._refreshing.add_done_callback(self._refreshed)
            # A caller who gives up does not cancel it: the API may have used the token already.
            await asyncio.shield(self._refreshing)
        if self._tokens is None:
            raise RequestFailed("SIGNED_OUT", "There is no session, or it has ended.")
        return {"authorization": f"Bearer {self._tokens.access_token}"}

    def _refreshed(self, task: asyncio.Task[None]) -> None:
        self._refreshing = None
        if not task.cancelled():
            task.exception()  # its waiters raise it, if there still are any

    def _is_usable(self, tokens: Tokens, rejected: str | None) -> bool:
        if rejected == f"Bearer {tokens.access_token}":
            return False
        return tokens.expires_at > datetime.now(UTC) + EXPIRY_MARGIN

    async def _refresh(self, tokens: Tokens) -> None:
        input = {"refreshToken": tokens.refresh_token}
        for pause in PAUSES:
            try:
                sent = await post(self._endpoint, REFRESH, {"input": input}, {}, ATTEMPT_SECONDS)
                break
            except RequestFailed as error:
                if pause is None or error.code not in TRANSIENT:
                    raise
                await asyncio.sleep(pause)
        # Someone may have signed out, or in again, in the meantime.
        if self._tokens is tokens and self._enter(sent.data["refreshSession"]):
            self._tokens = None
            self._on_change(None)

    def _enter(self, member: dict[str, Any]) -> TypedError | None:
        if "code" in member:
            return TypedError(member["__typename"], member["code"], member["message"], member)
        expires_at = datetime.fromisoformat(member["expiresAt"])
        self._tokens = Tokens(member["accessToken"], member["refreshToken"], expires_at)
        self._on_change(self._tokens)
        return None

    async def _post(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        return (await post(self._endpoint, query, variables, {}, self._timeout)).data


@cache
def _tls_context() -> ssl.SSLContext:
    """The certificate authorities, which httpx would otherwise read again for each request (35 ms)."""
    return httpx.create_ssl_context()


async def post(
    endpoint: str,
    query: str,
    variables: dict[str, Any],
    headers: dict[str, str],
    timeout_seconds: float,
) -> Response:
    """The response to one query or mutation."""
    body = {"query": query, "variables": variables}
    try:
        async with (
            asyncio.timeout(timeout_seconds),
            httpx.AsyncClient(timeout=None, verify=_tls_context()) as http,
        ):
            response = await http.post(endpoint, json=body, headers=headers)
    except TimeoutError:
        message = f"There was no response within {timeout_seconds:g} s."
        raise RequestFailed("TIMEOUT", message) from None
    except httpx.TransportError as error:
        raise RequestFailed("UNREACHABLE", "The API is unreachable.") from error
    try:
        return read_response(response.json())
    except ValueError:
        message = f"The API responded with {response.status_code}, and not in JSON."
        raise RequestFailed("BAD_RESPONSE", message) from None
