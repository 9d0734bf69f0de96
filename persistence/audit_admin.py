"""`python -m persistence.admin audit`: verifies, exports and erases entries of audit logs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

import asyncpg
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.audit.export import export_lines
from domain.audit.heads import head_from_json
from domain.audit.model import SignedHead
from domain.common.access import TenantId
from domain.common.command_line import InvalidArguments
from domain.common.errors import DomainError, InvalidInput
from domain.common.settings import Settings
from persistence import tables
from persistence.audit import SqlAuditLog
from persistence.audit_signatures import AuditSignatures
from persistence.audit_verification import LogReport, verify_export, verify_logs
from persistence.database import ConnectionFactory, DbRole
from persistence.key_ring import KeyRing
from persistence.sqlalchemy_engine import create_engine

MIN_ERASED_TEXT = 4
"""A shorter text would erase most entries."""
ERASE_BATCH_SIZE = 500
SELECT_TENANT = "select id from tenant where slug = $1"
ERASE = "select erase_audit_entries($1, $2, $3)"


class VerificationFailed(DomainError):
    """What is wrong with audit logs; it has been printed."""

    code = "AUDIT_LOG_DAMAGED"


def add_audit_parser(commands: Any) -> None:
    parser = commands.add_parser("audit", help="verify, export or erase entries of audit logs")
    actions = parser.add_subparsers(required=True, dest="audit_command")
    verify = actions.add_parser(
        "verify", help="verify the hash chains; the exit code is 1 if something is wrong"
    )
    verify.add_argument("--tenant", help="slug of the only tenant to verify")
    verify.add_argument(
        "--from",
        dest="heads",
        type=Path,
        help="file with signed heads that were stored elsewhere, such as the log of a keeper",
    )
    verify.add_argument("--file", type=Path, help="an export to verify instead of the database")
    export = actions.add_parser("export", help="write the audit log of a tenant as JSON lines")
    export.add_argument("--tenant", required=True, help="slug of the tenant")
    export.add_argument(
        "--since", type=_parse_time, help="first time to export, as 2026-01-31T00:00Z"
    )
    export.add_argument("--until", type=_parse_time, help="time before which to end")
    export.add_argument("--out", type=Path, help="file to write; standard output if omitted")
    erase = actions.add_parser(
        "erase", help="erase the content of entries that contain a text; this cannot be undone"
    )
    erase.add_argument("--tenant", required=True, help="slug of the tenant")
    erase.add_argument("--containing", required=True, help="text, such as an e-mail address")


def _parse_time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time in ISO 8601") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def run_audit_command(settings: Settings, args: argparse.Namespace) -> None:
    signatures = AuditSignatures(KeyRing.from_secret_key(settings.secret_key))
    match args.audit_command:
        case "verify" if args.file is not None:
            with _opened(args.file) as lines:
                _report([verify_export(lines, signatures)])
        case "verify":
            trusted = [] if args.heads is None else _read_heads(args.heads)
            _report(await verify_database(settings, args.tenant, trusted))
        case "export":
            await _export(settings, args, signatures)
        case "erase":
            erased = await erase_entries(settings, args.tenant, args.containing)
            sys.stdout.write(f"Erased the content of {erased:,} entries.\n")


async def verify_database(
    settings: Settings, slug: str | None = None, trusted: Sequence[SignedHead] = ()
) -> list[LogReport]:
    signatures = AuditSignatures(KeyRing.from_secret_key(settings.secret_key))
    async with _connected(settings) as connection:
        return await verify_logs(connection, signatures, slug, trusted)


async def erase_entries(settings: Settings, slug: str, text: str) -> int:
    """Erase the content of the chained entries of a tenant that contain a text; return how many."""
    if len(text) < MIN_ERASED_TEXT:
        raise InvalidArguments([f"--containing must have {MIN_ERASED_TEXT} or more characters."])
    erased = 0
    async with _connected(settings) as connection:
        tenant = _known(await connection.fetchval(SELECT_TENANT, slug), slug)
        # An entry has the text as JSON.
        needle = json.dumps(text, ensure_ascii=False)[1:-1]
        while count := await connection.fetchval(ERASE, tenant, needle, ERASE_BATCH_SIZE):
            erased += count
    return erased


async def _export(
    settings: Settings, args: argparse.Namespace, signatures: AuditSignatures
) -> None:
    engine = create_engine(settings.owner_database_url, DbRole.SERVICE, 1)
    try:
        tenant = await _tenant_of(engine, args.tenant)
        open_log = partial(_opened_log, engine, tenant)
        async with open_log() as log:
            range = await log.export_range(args.since, args.until)
        lines = export_lines(open_log, signatures, tenant, range, datetime.now(UTC))
        with _output(args.out) as out:
            async for line in lines:
                out.write(line)
    finally:
        await engine.dispose()


@asynccontextmanager
async def _opened_log(engine: AsyncEngine, tenant: TenantId) -> AsyncGenerator[SqlAuditLog]:
    async with engine.connect() as db:
        yield SqlAuditLog(db, tenant)


async def _tenant_of(engine: AsyncEngine, slug: str) -> TenantId:
    async with engine.connect() as db:
        query = select(tables.tenant.c.id).where(tables.tenant.c.slug == slug)
        return _known(await db.scalar(query), slug)


def _known(id: UUID | None, slug: str) -> TenantId:
    if id is None:
        raise InvalidArguments([f"There is no tenant {slug[:63]!r}."])
    return TenantId(id)


def _read_heads(file: Path) -> list[SignedHead]:
    """The heads of a file. Other lines are skipped, because a keeper logs more than heads."""
    with _opened(file) as lines:
        heads = [*_heads_of(lines)]
    if not heads:
        raise InvalidArguments([f"{file} contains no signed head."])
    return heads


def _heads_of(lines: Iterable[str]) -> Iterator[SignedHead]:
    for line in lines:
        try:
            facts = json.loads(line)
            yield head_from_json(facts)
        except (ValueError, InvalidInput):
            continue


def _report(reports: Sequence[LogReport]) -> None:
    for report in reports:
        for line in report.lines():
            sys.stdout.write(f"{line}\n")
    damaged = sum(bool(report.problems) for report in reports)
    if damaged:
        raise VerificationFailed(f"{damaged} of {len(reports)} audit logs have problems.")
    sys.stdout.write("No problems were found.\n")


def _output(file: Path | None) -> AbstractContextManager[TextIO]:
    return nullcontext(sys.stdout) if file is None else _private_file(file)


def _private_file(file: Path) -> TextIO:
    """A new file that only its owner can read."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidArguments([f"--out {file} cannot be written: {error.strerror}."]) from None
    return os.fdopen(descriptor, "w", encoding="utf-8")


def _opened(file: Path) -> TextIO:
    try:
        return file.open(encoding="utf-8")
    except OSError as error:
        raise InvalidArguments([f"{file} cannot be read: {error.strerror}."]) from None


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncGenerator[asyncpg.Connection[asyncpg.Record]]:
    factory = ConnectionFactory(settings.owner_database_url, DbRole.SERVICE)
    connection = await factory.connect()
    try:
        # A verification reads every entry, and there may be many.
        await connection.execute("set statement_timeout = 0")
        await connection.execute("set idle_in_transaction_session_timeout = 0")
        yield connection
    finally:
        await connection.close(timeout=5)
