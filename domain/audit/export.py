"""The format of an export: one JSON document per line. The first one says where the export begins, the last
one is the signed hash of its last entry. So it can be verified without the database."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.audit.chain import START, ChainedEntry
from domain.audit.heads import head_from_json, head_to_json
from domain.audit.model import ChainHead, ExportRange, SignedHead
from domain.audit.ports import HeadSigner
from domain.common.access import TenantId
from domain.common.errors import InvalidInput, NotFound

FORMAT = 1
PAGE_SIZE = 200


class ExportSource(Protocol):
    """What an export reads of an audit log."""

    async def chained(self, after: int, last: int, limit: int) -> Sequence[ChainedEntry]: ...

    async def link_hash(self, seq: int) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class ExportHeader:
    tenant_id: TenantId
    previous: ChainHead


async def export_lines(
    open_source: Callable[[], AbstractAsyncContextManager[ExportSource]],
    signer: HeadSigner,
    tenant: TenantId,
    range: ExportRange,
    at: datetime,
) -> AsyncIterator[str]:
    """Each page is read in a transaction of its own, because the client may read slowly."""
    after = range.first - 1
    async with open_source() as source:
        hash = await source.link_hash(after) if after else START.hash
    if hash is None:
        raise NotFound("These entries were deleted after their retention; request a new export.")
    head = ChainHead(after, hash)
    yield _line(
        type="header",
        format=FORMAT,
        tenant_id=str(tenant),
        previous={"seq": head.seq, "hash": head.hash.hex()},
        exported_at=at.isoformat(),
        public_key=signer.public_key.hex(),
    )
    while head.seq < range.last:
        async with open_source() as source:
            entries = await source.chained(head.seq, range.last, PAGE_SIZE)
        if not entries:
            break
        for entry in entries:
            yield _entry_line(entry)
        head = ChainHead(entries[-1].seq, entries[-1].hash)
    yield _line(type="head", **head_to_json(signer.sign_head(tenant, head.seq, head.hash, at)))


def header_from_line(line: str) -> ExportHeader:
    facts = _parse(line)
    try:
        previous = facts["previous"]
        return ExportHeader(
            TenantId(UUID(facts["tenant_id"])),
            ChainHead(int(previous["seq"]), bytes.fromhex(previous["hash"])),
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise _not_an_export() from None


def item_from_line(line: str) -> ChainedEntry | SignedHead:
    """The entry of a line, or the signed hash of the last line."""
    facts = _parse(line)
    if facts.get("type") == "head":
        return head_from_json(facts)
    try:
        return ChainedEntry(
            seq=int(facts["seq"]),
            leaf=bytes.fromhex(facts["leaf"]),
            hash=bytes.fromhex(facts["hash"]),
            body=facts["body"],
            is_erased=bool(facts["erased"]),
        )
    except (KeyError, ValueError, TypeError):
        raise _not_an_export() from None


def _entry_line(entry: ChainedEntry) -> str:
    return _line(
        type="entry",
        seq=entry.seq,
        leaf=entry.leaf.hex(),
        hash=entry.hash.hex(),
        erased=entry.is_erased,
        body=entry.body,
    )


def _line(**facts: Any) -> str:
    return json.dumps(facts, separators=(",", ":")) + "\n"


def _parse(line: str) -> Mapping[str, Any]:
    try:
        facts = json.loads(line)
    except ValueError:
        raise _not_an_export() from None
    if not isinstance(facts, dict):
        raise _not_an_export()
    return facts


def _not_an_export() -> InvalidInput:
    return InvalidInput("This is not an export of an audit log.", ("--file",))
