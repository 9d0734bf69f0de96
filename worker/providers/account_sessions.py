"""HTTP sessions of accounts that reach a speech provider in a way of their own."""

from __future__ import annotations

from contextlib import AsyncExitStack

import aiohttp

from domain.tenants.provider_keys import ProviderAccount
from worker.providers.guarded_connections import guarded_connector
from worker.providers.http import create_http_session


def create_session_for(account: ProviderAccount) -> aiohttp.ClientSession:
    """A session with the headers and the guard of the account. The caller of this function closes
    it."""
    connector = None if account.egress is None else guarded_connector(account.egress)
    return create_http_session(connector, account.headers or None)


class AccountSessions:
    """The sessions of one call, one for each account that cannot share the common one."""

    def __init__(self) -> None:
        self._sessions: list[tuple[ProviderAccount, aiohttp.ClientSession]] = []

    def get(self, account: ProviderAccount) -> aiohttp.ClientSession:
        for known, session in self._sessions:
            if known == account:
                return session
        session = create_session_for(account)
        self._sessions.append((account, session))
        return session

    async def aclose(self) -> None:
        async with AsyncExitStack() as stack:
            for _, session in self._sessions:
                stack.push_async_callback(session.close)
