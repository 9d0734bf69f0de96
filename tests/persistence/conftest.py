"""A database without migrations, for tests of migrations."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest

from tests.support.database_schema import connected


@pytest.fixture
async def fresh(servers: tuple[str, str]) -> AsyncIterator[str]:
    """The URL of an empty database."""
    name = f"fresh_{secrets.token_hex(4)}"
    async with connected(servers[0]) as server:
        await server.execute(f"create database {name}")
        yield f"{servers[0].rsplit('/', 1)[0]}/{name}"
        await server.execute(f"drop database {name} with (force)")
