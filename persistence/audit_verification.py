"""Verifies audit logs, in the database or in an export of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from domain.audit.chain import (
    COPIED_COLUMNS,
    START,
    ChainedEntry,
    ChainProblem,
    ChainVerifier,
)
from domain.audit.export import header_from_line, item_from_line
from domain.audit.model import ChainHead, SignedHead
from domain.common.access import TenantId
from domain.common.command_line import InvalidArguments
from persistence.audit_signatures import CUT, HEAD, AuditSignatures

BATCH_SIZE = 2_000
MAX_PROBLEMS = 20
"""How many problems of a log are listed; the others are counted."""
QUERY_TIMEOUT_SECONDS = 600.0
UNLINKED_GRACE = "1 minute"

# Nothing is left to verify of a log that is being deleted with its tenant.
SELECT_TENANTS = """
    select id, slug from tenant t
     where ($1::text is null or slug = $1)
       and not exists (select from deleted_tenant d where d.id = t.id)
     order by slug
"""
SELECT_HEADS = "select * from audit_head where tenant_id = $1 order by seq, signed_at"
SELECT_CUT = "select *, cut_at as signed_at from audit_cut where tenant_id = $1"
SELECT_LINKS = f"""
    select l.seq, l.leaf, l.hash, e.body, e.at, e.erased_at is not null as is_erased,
           {", ".join(f"e.{name}" for name in COPIED_COLUMNS)}
      from audit_link l left join audit_entry e on e.id = l.entry_id
     where l.tenant_id = $1 and l.seq > $2 order by l.seq limit $3
"""
SELECT_UNLINKED = f"""
    select count(*) as entries, min(e.at) as since from audit_entry e
     where e.tenant_id = $1 and e.at < now() - interval '{UNLINKED_GRACE}'
       and not exists (select from audit_link l where l.entry_id = e.id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What the verification of one log has found."""

    name: str
    entries: int
    head: ChainHead
    notices: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        yield (
            f"{self.name}: {self.entries:,} entries, the last one is {self.head.seq} with the hash "
            f"{self.head.hash.hex()}."
        )
        yield from (f"  {notice}" for notice in self.notices)
        yield from (f"  PROBLEM: {problem}" for problem in self.problems[:MAX_PROBLEMS])
        if len(self.problems) > MAX_PROBLEMS:
            yield f"  and {len(self.problems) - MAX_PROBLEMS:,} more problems."


async def verify_logs(
    connection: asyncpg.Connection[asyncpg.Record],
    signatures: AuditSignatures,
    slug: str | None = None,
    trusted: Sequence[SignedHead] = (),
) -> list[LogReport]:
    """Verify the logs of all tenants, or of one. `trusted` are heads that were stored elsewhere. All is
    read from one snapshot, so that it belongs together."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        tenants = await connection.fetch(SELECT_TENANTS, slug)
        if slug is not None and not tenants:
            raise InvalidArguments([f"There is no tenant {slug[:63]!r}."])
        return [
            await _verify_log(connection, signatures, row["id"], row["slug"], trusted)
            for row in tenants
        ]


async def _verify_log(
    connection: asyncpg.Connection[asyncpg.Record],
    signatures: AuditSignatures,
    tenant: UUID,
    name: str,
    trusted: Sequence[SignedHead],
) -> LogReport:
    heads = [_head(row) for row in await connection.fetch(SELECT_HEADS, tenant)]
    cut = await connection.fetchrow(SELECT_CUT, tenant)
    checks = HeadChecks(signatures, None if cut is None else _head(cut))
    checks.add_stored(heads)
    checks.add_trusted([head for head in trusted if head.tenant_id == tenant])
    checks.check_cut()
    verifier = ChainVerifier(checks.start, checks.signed)
    problems: list[ChainProblem] = []
    async for entry in _links(connection, tenant, checks.start.seq):
        problems += verifier.add(entry)
    problems += verifier.finish()
    unlinked = await connection.fetchrow(SELECT_UNLINKED, tenant, timeout=QUERY_TIMEOUT_SECONDS)
    return LogReport(
        name=name,
        entries=verifier.verified,
        head=verifier.head,
        notices=tuple(checks.notices),
        problems=(*checks.problems, *map(str, problems), *_unlinked_problems(unlinked)),
    )


async def _links(
    connection: asyncpg.Connection[asyncpg.Record], tenant: UUID, after: int
) -> AsyncIterator[ChainedEntry]:
    while rows := await connection.fetch(
        SELECT_LINKS, tenant, after, BATCH_SIZE, timeout=QUERY_TIMEOUT_SECONDS
    ):
        for row in rows:
            yield ChainedEntry(
                seq=row["seq"],
                leaf=row["leaf"],
                hash=row["hash"],
                body=row["body"],
                columns=dict(row),
                is_erased=bool(row["is_erased"]) and row["body"] is not None,
            )
        after = rows[-1]["seq"]


class HeadChecks:
    """Decides which hashes of a log are known because they were signed, and where the log begins."""

    def __init__(self, signatures: AuditSignatures, cut: SignedHead | None) -> None:
        self.problems: list[str] = []
        self.notices: list[str] = []
        self.signed: dict[int, bytes] = {}
        self.start = START if cut is None else ChainHead(cut.seq, cut.hash)
        self._signatures = signatures
        self._cut = cut
        if cut is not None:
            self.notices.append(f"The entries up to {cut.seq} were deleted after their retention.")

    def add_stored(self, heads: Sequence[SignedHead]) -> None:
        for head in heads:
            if head.seq < self.start.seq or not self._signatures.knows_key(head):
                continue
            if self._check_signature(head, HEAD, f"entry {head.seq}"):
                self._add(head)
        unknown = [head for head in heads if not self._signatures.knows_key(head)]
        if unknown:
            self.notices.append(
                f"{len(unknown)} of {len(heads)} signatures were made under entries of SECRET_KEY "
                "that are not configured, and were not verified."
            )
            if heads[-1] in unknown:
                self.problems.append(
                    f"the newest signature, of entry {heads[-1].seq}, is under an entry of "
                    "SECRET_KEY that is not configured"
                )

    def add_trusted(self, heads: Sequence[SignedHead]) -> None:
        """Add heads that were stored outside of the database. Their place vouches for them, also when
        the key that signed them is gone."""
        for head in heads:
            if head.seq < self.start.seq:
                self.notices.append(f"The given head {head.seq} is older than what is left.")
            elif not self._signatures.knows_key(head) or self._check_signature(
                head, HEAD, f"the given head {head.seq}"
            ):
                self._add(head)

    def check_cut(self) -> None:
        """A signature of a later entry vouches for a cut as well, whose own key may be gone."""
        if self._cut is None or (self.signed and not self._signatures.knows_key(self._cut)):
            return
        self._check_signature(self._cut, CUT, f"the deletion of the entries up to {self._cut.seq}")

    def _add(self, head: SignedHead) -> None:
        known = self.start.hash if head.seq == self.start.seq else self.signed.get(head.seq)
        if known is not None and known != head.hash:
            self.problems.append(f"entry {head.seq}: two signatures are of different hashes")
        self.signed[head.seq] = head.hash

    def _check_signature(self, head: SignedHead, purpose: str, what: str) -> bool:
        if self._signatures.is_genuine(head, purpose):
            return True
        self.problems.append(f"the signature of {what} is not genuine")
        return False


def _head(row: asyncpg.Record) -> SignedHead:
    return SignedHead(
        tenant_id=TenantId(row["tenant_id"]),
        seq=row["seq"],
        hash=row["hash"],
        signed_at=row["signed_at"],
        key_id=row["key_id"],
        signature=row["signature"],
    )


def _unlinked_problems(row: asyncpg.Record | None) -> list[str]:
    if row is None or not row["entries"]:
        return []
    since = f"{row['since']:%Y-%m-%d %H:%M}"
    return [f"{row['entries']:,} entries since {since} are in no chain; is a keeper running?"]


def verify_export(lines: Iterable[str], signatures: AuditSignatures) -> LogReport:
    """Verify an export, line by line, without the database."""
    reader = iter(lines)
    header = header_from_line(next(reader, ""))
    verifier = ChainVerifier(header.previous)
    problems: list[str] = []
    head: SignedHead | None = None
    for line in reader:
        item = item_from_line(line)
        if isinstance(item, SignedHead):
            head = item
            break
        problems += map(str, verifier.add(item))
    problems += _export_head_problems(head, verifier.head, signatures)
    problems += map(str, verifier.finish(is_whole=False))
    return LogReport(
        name=str(header.tenant_id),
        entries=verifier.verified,
        head=verifier.head,
        problems=tuple(problems),
    )


def _export_head_problems(
    signed: SignedHead | None, head: ChainHead, signatures: AuditSignatures
) -> list[str]:
    if signed is None:
        return ["the export is incomplete: its last line, with the signature, is missing"]
    if not signatures.is_genuine(signed):
        return ["the signature of the export is not genuine"]
    if (signed.seq, signed.hash) != (head.seq, head.hash):
        return [f"the signature is of entry {signed.seq}, and not of the last one"]
    return []
