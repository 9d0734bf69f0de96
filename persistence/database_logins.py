"""PostgreSQL logins, one for each kind of process, so that no process has the rights of the owner.

A login assumes its role when it connects, even if a connection pooler drops startup parameters. It
cannot gain rights by giving up the role, because the login itself may read nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import Any

import asyncpg

from domain.common.errors import InvalidSetting
from persistence.database import DbRole, session_settings, without_driver
from persistence.migrate import Migration

BACKUP_ROLE = "studio_backup"
SCRAM_ITERATIONS = 4096


async def create_logins(url: str, passwords: Mapping[str, str]) -> list[str]:
    """Create a login with a password for each role; for an existing login, change the password."""
    for role, password in passwords.items():
        if not (password.isascii() and password.isprintable() and len(password) >= 16):
            raise InvalidSetting(
                f"The password of {role} must be 16 or more printable ASCII characters."
            )
    await Migration(url).create_roles()
    connection = await asyncpg.connect(without_driver(url))
    try:
        async with connection.transaction():
            return [
                await _create_login(connection, role, secret) for role, secret in passwords.items()
            ]
    finally:
        await connection.close(timeout=5)


async def _create_login(connection: Any, role: str, password: str) -> str:
    login = f"{role}_login"
    if not await connection.fetchval("select true from pg_roles where rolname = $1", login):
        await connection.execute(f"create role {login} noinherit")
    await connection.execute(
        f"alter role {login} login noinherit password '{scram_verifier(password)}'"
    )
    await connection.execute(f"grant {role} to {login}")
    settings = {} if role == BACKUP_ROLE else session_settings(DbRole(role))
    for name, value in {"role": role, **settings}.items():
        await connection.execute(f"alter role {login} set {name} = '{value}'")
    return login


def scram_verifier(password: str) -> str:
    """The verifier that PostgreSQL stores for a password (RFC 5803). The statement sends it instead
    of the password, which would end up in the server's log."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(SCRAM_ITERATIONS, *parts)
