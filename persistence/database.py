"""Connections to PostgreSQL: one engine for repositories, one plain pool for the event log.

Each process works under a role of its own: `studio_api` sees one tenant at a time through
row-level security, `studio_service` (worker, keeper) sees all."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

STATEMENT_SECONDS = 10


class DbRole(StrEnum):
    API = "studio_api"
    SERVICE = "studio_service"


def create_engine(url: str, role: DbRole, size: int = 16) -> AsyncEngine:
    return create_async_engine(
        with_driver(url),
        pool_size=size,
        # Opening a connection costs more than waiting for one, so there is no overflow.
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        pool_pre_ping=False,
        # What people said and their keys do not belong into an error's text.
        hide_parameters=True,
        connect_args={
            "server_settings": _server_settings(role),
            "command_timeout": STATEMENT_SECONDS,
            "timeout": 5,
        },
    )


async def create_pool(url: str, role: DbRole, size: int = 10) -> asyncpg.Pool[asyncpg.Record]:
    return await asyncpg.create_pool(
        without_driver(url),
        min_size=1,
        max_size=size,
        command_timeout=STATEMENT_SECONDS,
        timeout=5,
        server_settings=_server_settings(role),
        reset=_leave_as_is,
    )


async def _leave_as_is(connection: Any) -> None:
    """Nothing is ever set beyond a transaction, so there is nothing to reset: a round trip less."""


def with_driver(url: str) -> str:
    return _with_scheme(url, "postgresql+asyncpg")


def without_driver(url: str) -> str:
    return _with_scheme(url, "postgresql")


def _with_scheme(url: str, scheme: str) -> str:
    return urlunsplit(urlsplit(url)._replace(scheme=scheme))


def _server_settings(role: DbRole) -> dict[str, Any]:
    return {
        "role": role.value,
        "application_name": role.value,
        "statement_timeout": str(STATEMENT_SECONDS * 1000),
        "idle_in_transaction_session_timeout": "30000",
        "timezone": "UTC",
        "jit": "off",
    }
