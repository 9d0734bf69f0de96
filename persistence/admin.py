"""`python -m persistence.admin`: what must exist before anybody can sign in, and the logins of
processes in PostgreSQL."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Table, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.access import SCOPES, Role
from domain.errors import DomainError, InvalidSetting
from domain.settings import Settings
from persistence.accounts import hash_password
from persistence.database import DbRole, create_engine
from persistence.keys import KeyRing, new_api_key
from persistence.logins import BACKUP_ROLE, make_logins
from persistence.tables import ApiKeyRow, TenantRow, UserRow

_tenant: Table = TenantRow.__table__  # type: ignore[assignment]
_user: Table = UserRow.__table__  # type: ignore[assignment]
_key: Table = ApiKeyRow.__table__  # type: ignore[assignment]


async def bootstrap(
    settings: Settings, tenant: str, email: str, password: str, key_file: Path | None
) -> None:
    """The tenant, its owner and, unless `key_file` exists, a key. Doing it again changes nothing
    but the owner's password."""
    engine = create_engine(settings.owner_database_url, DbRole.SERVICE, 1)
    async with engine.begin() as db:
        id = await _tenant_id(db, tenant)
        await _owner(db, id, email.strip().lower(), password)
        if key_file is not None and not await _is_good(db, settings, _read(key_file)):
            _write_private(key_file, await create_key(db, settings, id, f"{tenant} bootstrap"))
    await engine.dispose()


async def create_key(
    db: AsyncConnection, settings: Settings, tenant: UUID, name: str, role: Role = Role.OWNER
) -> str:
    key = new_api_key()
    await db.execute(
        insert(_key).values(
            id=uuid4(),
            tenant_id=tenant,
            name=name,
            prefix=key[:12],
            hash=KeyRing.of(settings.secret_key).digests(key)[0],
            scopes=sorted(SCOPES[role]),
        )
    )
    return key


async def _tenant_id(db: AsyncConnection, slug: str) -> UUID:
    await db.execute(
        upsert(_tenant).values(id=uuid4(), slug=slug, name=slug.title()).on_conflict_do_nothing()
    )
    id: UUID = (await db.execute(select(_tenant.c.id).where(_tenant.c.slug == slug))).scalar_one()
    return id


async def _owner(db: AsyncConnection, tenant: UUID, email: str, password: str) -> None:
    hashed = await asyncio.to_thread(hash_password, password)
    written = await db.execute(
        upsert(_user)
        .values(id=uuid4(), tenant_id=tenant, email=email, role=Role.OWNER, password_hash=hashed)
        .on_conflict_do_update(
            index_elements=["email"],
            set_={"password_hash": hashed},
            where=_user.c.tenant_id == tenant,
        )
    )
    if not written.rowcount:
        raise InvalidSetting(f"{email} is a member of another tenant; choose another address.")


async def _is_good(db: AsyncConnection, settings: Settings, key: str) -> bool:
    """A key from before the database or SECRET_KEY was replaced is of no use."""
    digests = KeyRing.of(settings.secret_key).digests(key)
    found = await db.scalar(
        text("select count(*) from api_key where hash = any(:d) and revoked_at is null"),
        {"d": digests},
    )
    return bool(found)


def _read(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _write_private(file: Path, secret: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(secret)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m persistence.admin")
    commands = parser.add_subparsers(required=True)
    make = commands.add_parser("bootstrap", help="make a tenant with its owner and a key")
    make.add_argument("--tenant", required=True, help="its slug")
    make.add_argument("--email", required=True, help="of its owner")
    make.add_argument("--password-file", type=Path, required=True)
    make.add_argument("--key-file", type=Path, help="an owner's API key is written here")
    make.set_defaults(run=_bootstrap)
    roles = commands.add_parser(
        "roles", help="make logins of PostgreSQL, or change their passwords"
    )
    for role in (*DbRole, BACKUP_ROLE):
        name = role.removeprefix("studio_")
        roles.add_argument(f"--{name}-password-file", type=Path, help=f"makes {role}_login")
    roles.set_defaults(run=_roles)
    args = parser.parse_args()
    try:
        asyncio.run(args.run(Settings.from_env(os.environ), args))
    except DomainError as error:
        sys.exit(error.message)
    except (OSError, asyncpg.PostgresError) as error:
        sys.exit(str(error))


async def _bootstrap(settings: Settings, args: argparse.Namespace) -> None:
    password = args.password_file.read_text().strip()
    await bootstrap(settings, args.tenant, args.email, password, args.key_file)


async def _roles(settings: Settings, args: argparse.Namespace) -> None:
    files = {
        str(role): getattr(args, f"{role.removeprefix('studio_')}_password_file")
        for role in (*DbRole, BACKUP_ROLE)
    }
    passwords = {role: file.read_text().strip() for role, file in files.items() if file}
    if not passwords:
        raise InvalidSetting("Name a file with a password, such as --api-password-file FILE.")
    for login in await make_logins(settings.owner_database_url, passwords):
        sys.stdout.write(f"{login} may sign in.\n")


if __name__ == "__main__":
    main()
