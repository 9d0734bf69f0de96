"""The hash chain of an audit log, and its verification.

Each link has the hash of its entry (the leaf) and the hash of the previous link's hash and that leaf. So
an entry cannot be changed, removed or inserted without changing all later links, and the last hash vouches
for all entries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.audit.model import AuditKind, ChainHead

START = ChainHead(0, bytes(32))
"""Where a chain begins from which nothing was deleted."""
COPIED_COLUMNS = (
    *("id", "tenant_id", "kind", "actor", "session", "address", "request", "action"),
    *("target_kind", "target", "target_name"),
)
"""The columns that repeat a field of the body, in addition to `at`."""


def leaf_of(body: str) -> bytes:
    return hashlib.sha256(body.encode(errors="surrogatepass")).digest()


def hash_of(previous: bytes, leaf: bytes) -> bytes:
    return hashlib.sha256(previous + leaf).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainedEntry:
    """A link with its entry. `body` is None if there is no such entry, and empty if its content was
    erased; `columns` is None where only the body is known."""

    seq: int
    leaf: bytes
    hash: bytes
    body: str | None
    columns: Mapping[str, Any] | None = None
    is_erased: bool = False


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """Something that is wrong with a link, or with its entry."""

    seq: int
    message: str

    def __str__(self) -> str:
        return f"entry {self.seq}: {self.message}"


class ChainVerifier:
    """Verifies the links of one tenant in their order.

    A change is reported where it was made, and not again for all that follows: verification continues from
    what a link says as well as from what it should say."""

    def __init__(self, start: ChainHead = START, signed: Mapping[int, bytes] | None = None) -> None:
        """`signed` has the hashes of links that were signed."""
        self.head = start
        self.verified = 0
        self._previous: frozenset[bytes] | None = frozenset({start.hash})
        """The hashes that the next link may follow from; None if the previous link is missing."""
        self._signed = {seq: hash for seq, hash in (signed or {}).items() if seq > start.seq}
        self._erased: set[int] = set()
        self._announced: set[int] = set()

    def add(self, entry: ChainedEntry) -> list[ChainProblem]:
        """Verify the next link, and return what is wrong with it."""
        problems = [
            *self._gap_problems(entry),
            *self._entry_problems(entry),
            *self._hash_problems(entry),
        ]
        self.head = ChainHead(entry.seq, entry.hash)
        self.verified += 1
        return _first_of_each_link(problems)

    def finish(self, *, is_whole: bool = True) -> list[ChainProblem]:
        """Return what only the end of the chain shows. A part of a chain need not have the entries that
        report erasures."""
        missing = [
            ChainProblem(seq, f"it was signed and is missing; the chain ends at {self.head.seq}")
            for seq in sorted(self._signed)
        ]
        unreported = sorted(self._erased - self._announced) if is_whole else []
        return missing + [
            ChainProblem(seq, "its content was erased, and no entry says so") for seq in unreported
        ]

    def _gap_problems(self, entry: ChainedEntry) -> list[ChainProblem]:
        wanted = self.head.seq + 1
        if entry.seq == wanted:
            return []
        self._previous = None
        missing = f"{wanted}" if entry.seq == wanted + 1 else f"{wanted} to {entry.seq - 1}"
        return [ChainProblem(wanted, f"missing: there is no link {missing}")]

    def _entry_problems(self, entry: ChainedEntry) -> list[ChainProblem]:
        if entry.body is None:
            return [ChainProblem(entry.seq, "it was deleted")]
        if entry.is_erased:
            if entry.body:
                return [ChainProblem(entry.seq, "it is marked as erased and has content")]
            self._erased.add(entry.seq)
            return []
        if leaf_of(entry.body) != entry.leaf:
            return [ChainProblem(entry.seq, "its content or its leaf was changed")]
        try:
            changed = self._read(json.loads(entry.body), entry.columns)
        except (ValueError, LookupError, TypeError, AttributeError):
            return [ChainProblem(entry.seq, "its content is not that of an entry")]
        if changed:
            return [ChainProblem(entry.seq, f"columns were changed: {', '.join(changed)}")]
        return []

    def _read(self, fields: Mapping[str, Any], columns: Mapping[str, Any] | None) -> list[str]:
        """Note what the entry says about erasures, and return which columns differ from it."""
        if fields["kind"] == AuditKind.ERASED:
            self._announced.update(map(int, fields["details"]["seqs"]))
        return [] if columns is None else _changed_columns(fields, columns)

    def _hash_problems(self, entry: ChainedEntry) -> list[ChainProblem]:
        problems = []
        candidates = {entry.hash}
        if self._previous is not None:
            expected = {hash_of(previous, entry.leaf) for previous in self._previous}
            if entry.hash not in expected:
                candidates |= expected
                problems.append(
                    ChainProblem(entry.seq, "its hash does not follow from the previous link")
                )
        signed = self._signed.pop(entry.seq, entry.hash)
        if signed != entry.hash:
            candidates.add(signed)
            problems.append(ChainProblem(entry.seq, "its hash is not the one that was signed"))
        self._previous = frozenset(candidates)
        return problems


def _changed_columns(fields: Mapping[str, Any], columns: Mapping[str, Any]) -> list[str]:
    changed = [
        name
        for name in COPIED_COLUMNS
        if fields.get(name) != (None if columns[name] is None else str(columns[name]))
    ]
    if datetime.fromisoformat(fields["at"]) != columns["at"]:
        changed.append("at")
    return changed


def _first_of_each_link(problems: list[ChainProblem]) -> list[ChainProblem]:
    return list({problem.seq: problem for problem in reversed(problems)}.values())[::-1]
