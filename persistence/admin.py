"""`python -m persistence.admin`: creates the first tenant with its owner and an API key, manages
tenants and operators, lists API keys, creates links to set a new password and the PostgreSQL logins
of processes, and verifies audit logs."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import COMMAND_LINE, Role
from domain.common.command_line import (
    EXIT_INVALID_ARGUMENTS,
    CommandLine,
    InvalidArguments,
    messages,
)
from domain.common.errors import DomainError, InvalidSetting
from domain.common.problems import problems_of
from domain.common.settings import Settings
from domain.common.text_validation import check_email, check_name, normalized_email
from domain.tenants.mail import account_links
from domain.tenants.members import PASSWORD_RESET_LIFETIME
from domain.tenants.passwords import password_problems
from persistence import tables
from persistence.api_key_list import list_keys, list_old_keys
from persistence.api_keys import create_key, owner_key_issuer
from persistence.audit_admin import add_audit_parser, run_audit_command
from persistence.common_passwords import COMMON_PASSWORD, CommonPasswords
from persistence.database import DbRole
from persistence.database_logins import BACKUP_ROLE, create_logins
from persistence.key_ring import KeyRing
from persistence.password_resets import create_password_reset
from persistence.passwords import hash_password, verify_password
from persistence.sqlalchemy_engine import create_engine
from persistence.tenant_commands import (
    TENANT_COMMANDS,
    add_tenant_commands,
    run_tenant_command,
)

_tenant = tables.tenant
_person = tables.person
_totp = tables.totp
_member = tables.membership


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner that `bootstrap` creates, and the slug of the tenant."""

    tenant: str
    email: str
    password: str = field(repr=False)
    chosen_at: datetime | None
    """When the password was chosen; None for now. A person who has set one since then keeps it."""

    def keeps_password(self, password_set_at: datetime | None) -> bool:
        return (
            self.chosen_at is not None
            and password_set_at is not None
            and self.chosen_at < password_set_at
        )


async def bootstrap(
    settings: Settings,
    tenant: str,
    email: str,
    password: str,
    key_file: Path | None,
    *,
    chosen_at: datetime | None = None,
) -> None:
    """Create the tenant, its owner and, unless `key_file` contains a valid one, an API key. A
    second run only changes the owner's password, unless the owner has changed it since `chosen_at`.
    `InvalidArguments` is raised before any change."""
    owner = Owner(tenant, normalized_email(email), password, chosen_at)
    # Not in the transaction, so that its locks are short.
    hashed = await asyncio.to_thread(hash_password, password)
    engine = create_engine(settings.owner_database_url, DbRole.SERVICE, 1)
    try:
        async with engine.begin() as db:
            # A command that fails needs a person, so a slow machine gets more time than requests do.
            await db.execute(text("set local idle_in_transaction_session_timeout = '30s'"))
            await _check(db, settings, owner, key_file)
            id = await _tenant_id(db, tenant)
            await _save_owner(db, id, owner, hashed)
            if key_file is not None and not await _is_valid_key(db, settings, _read_key(key_file)):
                _write_private(key_file, await create_key(db, settings, id, f"{tenant} bootstrap"))
    finally:
        await engine.dispose()


async def _check(
    db: AsyncConnection, settings: Settings, owner: Owner, key_file: Path | None
) -> None:
    """Check the arguments. Names and passwords that exist already need not satisfy the rules."""
    tenant = await db.scalar(select(_tenant.c.id).where(_tenant.c.slug == owner.tenant))
    person = (await db.execute(select(_person).where(_person.c.email == owner.email))).one_or_none()
    problems = [] if key_file is None else _key_file_problems(settings, key_file)
    if tenant is None:
        problems += messages(problems_of(check_name, owner.tenant, ("--tenant",)))
    if person is None:
        problems += messages(problems_of(check_email, owner.email, ("--email",)))
    elif not await _is_member(db, tenant, person.id):
        problems.append(_of_another_tenant(owner))
    if person is None or not (
        owner.keeps_password(person.password_set_at)
        or await asyncio.to_thread(verify_password, person.password_hash or "", owner.password)
    ):
        problems += password_problems(owner.password, (owner.tenant, owner.email))
        if owner.password in CommonPasswords():
            problems.append(COMMON_PASSWORD)
    if problems:
        raise InvalidArguments(problems)


def _key_file_problems(settings: Settings, file: Path) -> list[str]:
    problems = []
    try:
        KeyRing.from_secret_key(settings.secret_key)
    except InvalidSetting as error:
        problems.append(error.message)
    if not os.access(file if file.exists() else file.parent, os.R_OK | os.W_OK) or file.is_dir():
        problems.append(f"--key-file {file} cannot be written.")
    return problems


async def _tenant_id(db: AsyncConnection, slug: str) -> UUID:
    await db.execute(
        upsert(_tenant).values(id=uuid4(), slug=slug, name=slug.title()).on_conflict_do_nothing()
    )
    id: UUID = (await db.execute(select(_tenant.c.id).where(_tenant.c.slug == slug))).scalar_one()
    return id


async def _save_owner(db: AsyncConnection, tenant: UUID, owner: Owner, hashed: str) -> None:
    password = {"password_hash": hashed, "password_set_at": func.now()}
    found = select(_person.c.id, _person.c.password_set_at).where(_person.c.email == owner.email)
    existing = (await db.execute(found.with_for_update())).one_or_none()
    if existing is not None and owner.keeps_password(existing.password_set_at):
        person = existing.id
    else:
        save = upsert(_person).values(id=uuid4(), email=owner.email, **password)
        saved = save.on_conflict_do_update(index_elements=["email"], set_=password)
        person = (await db.execute(saved.returning(_person.c.id))).scalar_one()
    join = upsert(_member).values(tenant_id=tenant, person_id=person, role=Role.OWNER)
    may_use_password = {"is_confined": False}
    await db.execute(
        join.on_conflict_do_update(index_elements=["tenant_id", "person_id"], set_=may_use_password)
    )


async def _is_member(db: AsyncConnection, tenant: UUID | None, person: UUID) -> bool:
    of_tenant = (_member.c.tenant_id == tenant) & (_member.c.person_id == person)
    return await db.scalar(select(_member.c.role).where(of_tenant)) is not None


def _of_another_tenant(owner: Owner) -> str:
    return f"{owner.email} is a member of another tenant; choose another --email."


async def _is_valid_key(db: AsyncConnection, settings: Settings, key: str) -> bool:
    """Return False for a key that predates the current database or SECRET_KEY."""
    digests = KeyRing.from_secret_key(settings.secret_key).digests(key)
    count = await db.scalar(
        text("select count(*) from api_key where hash = any(:d) and revoked_at is null"),
        {"d": digests},
    )
    return bool(count)


def _read_key(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


def _write_private(file: Path, secret: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(secret)


def _parser() -> argparse.ArgumentParser:
    parser = CommandLine(prog=os.environ.get("STUDIO_PROGRAM", "python -m persistence.admin"))
    commands = parser.add_subparsers(required=True, dest="command")
    bootstrap_parser = commands.add_parser(
        "bootstrap", help="create a tenant with its owner and an API key"
    )
    bootstrap_parser.add_argument("--tenant", required=True, help="slug of the tenant")
    bootstrap_parser.add_argument("--email", required=True, help="e-mail address of the owner")
    bootstrap_parser.add_argument(
        "--password-file", type=Path, required=True, help="file with the owner's password"
    )
    bootstrap_parser.add_argument(
        "--key-file", type=Path, help="file to which an API key of the owner is written"
    )
    keys = commands.add_parser(
        "keys", help="list the API keys, and the entry of SECRET_KEY that each was created under"
    )
    keys.add_argument(
        "--old",
        action="store_true",
        help="list only what is not under the first entry of SECRET_KEY yet",
    )
    add_audit_parser(commands)
    link = commands.add_parser(
        "password-link", help="create a link with which a person sets a new password"
    )
    link.add_argument("--email", required=True, help="e-mail address of the person")
    factor = commands.add_parser(
        "remove-totp", help="remove the second factor of a person who has lost it"
    )
    factor.add_argument("--email", required=True, help="e-mail address of the person")
    add_tenant_commands(commands)
    roles = commands.add_parser(
        "roles", help="create logins in PostgreSQL, or change their passwords"
    )
    for role in (*DbRole, BACKUP_ROLE):
        name = role.removeprefix("studio_")
        roles.add_argument(
            f"--{name}-password-file", type=Path, help=f"file with the password of {role}_login"
        )
    return parser


async def _run(args: argparse.Namespace) -> None:
    settings = Settings.from_env(os.environ)
    if args.command == "keys":
        listed = await list_old_keys(settings) if args.old else await list_keys(settings)
        sys.stdout.write(listed + "\n")
    elif args.command == "audit":
        await run_audit_command(settings, args)
    elif args.command == "password-link":
        link = await _password_link(settings, normalized_email(args.email))
        minutes = PASSWORD_RESET_LIFETIME // timedelta(minutes=1)
        sys.stdout.write(f"Valid once, for {minutes} minutes: {link}\n")
    elif args.command == "remove-totp":
        await _remove_totp(settings, normalized_email(args.email))
        sys.stdout.write("The person signs in with the password alone now.\n")
    elif args.command == "roles":
        await _create_logins(settings, args)
    elif args.command in TENANT_COMMANDS:
        issue_key = owner_key_issuer(settings)
        sys.stdout.write(await run_tenant_command(settings, args, issue_key) + "\n")
    else:
        password = _read_password("--password-file", args.password_file)
        chosen_at = datetime.fromtimestamp(args.password_file.stat().st_mtime, UTC)
        await bootstrap(
            settings, args.tenant, args.email, password, args.key_file, chosen_at=chosen_at
        )


async def _password_link(settings: Settings, email: str) -> str:
    """A link with which the person who has the address may set a new password."""
    engine = create_engine(settings.owner_database_url, DbRole.SERVICE, 1)
    try:
        async with engine.begin() as db:
            person = await db.scalar(select(_person.c.id).where(_person.c.email == email))
            if person is None:
                raise InvalidArguments([f"No person has the address {email}."])
            token = await create_password_reset(db, person, COMMAND_LINE)
    finally:
        await engine.dispose()
    return account_links(settings).password_reset(token)


async def _remove_totp(settings: Settings, email: str) -> None:
    """Remove the second factor of a person who has lost the device and the recovery codes."""
    owner = select(_person.c.id).where(_person.c.email == email)
    engine = create_engine(settings.owner_database_url, DbRole.SERVICE, 1)
    try:
        async with engine.begin() as db:
            removed = await db.execute(delete(_totp).where(_totp.c.person_id.in_(owner)))
    finally:
        await engine.dispose()
    if not removed.rowcount:
        raise InvalidArguments([f"No person with the address {email} has a second factor."])


async def _create_logins(settings: Settings, args: argparse.Namespace) -> None:
    passwords = {}
    for role in map(str, (*DbRole, BACKUP_ROLE)):
        option = f"--{role.removeprefix('studio_')}-password-file"
        if file := getattr(args, option.removeprefix("--").replace("-", "_")):
            passwords[role] = _read_password(option, file)
    if not passwords:
        raise InvalidSetting("Pass a password file, such as --api-password-file FILE.")
    for login in await create_logins(settings.owner_database_url, passwords):
        sys.stdout.write(f"The login {login} is ready.\n")


def _read_password(option: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidArguments([f"{option} {file} cannot be read: {error.strerror}."]) from None
    except UnicodeDecodeError:
        raise InvalidArguments([f"{option} {file} must contain UTF-8 text."]) from None


def main() -> None:
    args = _parser().parse_args()
    try:
        asyncio.run(_run(args))
    except InvalidArguments as error:
        sys.stderr.write(error.message + "\n")
        sys.exit(EXIT_INVALID_ARGUMENTS)
    except DomainError as error:
        sys.exit(error.message)
    except (OSError, asyncpg.PostgresError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
