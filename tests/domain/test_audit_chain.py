"""The hash chain of an audit log names what was changed in it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

import pytest

from domain.audit.chain import (
    COPIED_COLUMNS,
    START,
    ChainedEntry,
    ChainVerifier,
    hash_of,
    leaf_of,
)

ENTRIES = 1_000
TENANT = UUID(int=1)
FIRST_AT = datetime(2026, 1, 1, tzinfo=UTC)
TEXT_COLUMNS = tuple(name for name in COPIED_COLUMNS if name not in ("id", "tenant_id"))


def body_of(seq: int, **more: object) -> dict[str, object]:
    return {
        **{name: f"{name} {seq}" for name in TEXT_COLUMNS},
        "id": str(UUID(int=seq)),
        "tenant_id": str(TENANT),
        "at": (FIRST_AT + timedelta(seconds=seq)).isoformat(),
        **more,
    }


def chain(bodies: Sequence[dict[str, object]]) -> list[ChainedEntry]:
    previous, entries = START.hash, []
    for seq, fields in enumerate(bodies, start=1):
        body = json.dumps(fields)
        leaf = leaf_of(body)
        previous = hash_of(previous, leaf)
        columns = {name: fields[name] for name in COPIED_COLUMNS}
        columns["at"] = datetime.fromisoformat(str(fields["at"]))
        entries.append(ChainedEntry(seq=seq, leaf=leaf, hash=previous, body=body, columns=columns))
    return entries


@cache
def thousand() -> tuple[ChainedEntry, ...]:
    return tuple(chain([body_of(seq) for seq in range(1, ENTRIES + 1)]))


def problems(entries: Sequence[ChainedEntry], signed: dict[int, bytes] | None = None) -> list[int]:
    verifier = ChainVerifier(signed=signed)
    found = [problem.seq for entry in entries for problem in verifier.add(entry)]
    return found + [problem.seq for problem in verifier.finish()]


def flip_bytes(value: bytes, chance: random.Random) -> bytes:
    position = chance.randrange(len(value) * 8)
    flipped = bytearray(value)
    flipped[position // 8] ^= 1 << position % 8
    return bytes(flipped)


def flip_text(value: str, chance: random.Random) -> str:
    return flip_bytes(value.encode(), chance).decode("latin-1")


def flip_body(entry: ChainedEntry, chance: random.Random) -> ChainedEntry:
    return replace(entry, body=flip_text(entry.body or "", chance))


def flip_leaf(entry: ChainedEntry, chance: random.Random) -> ChainedEntry:
    return replace(entry, leaf=flip_bytes(entry.leaf, chance))


def flip_hash(entry: ChainedEntry, chance: random.Random) -> ChainedEntry:
    return replace(entry, hash=flip_bytes(entry.hash, chance))


def flip_column(entry: ChainedEntry, chance: random.Random) -> ChainedEntry:
    columns = dict(entry.columns or {})
    name = chance.choice(TEXT_COLUMNS)
    return replace(entry, columns={**columns, name: flip_text(columns[name], chance)})


def flip_time(entry: ChainedEntry, chance: random.Random) -> ChainedEntry:
    columns = dict(entry.columns or {})
    shift = timedelta(microseconds=1 << chance.randrange(20))
    return replace(entry, columns={**columns, "at": columns["at"] + shift})


def mark_as_erased(entry: ChainedEntry, chance: random.Random) -> ChainedEntry:
    return replace(entry, is_erased=True)


@pytest.mark.parametrize(
    "flip", [flip_body, flip_leaf, flip_hash, flip_column, flip_time, mark_as_erased]
)
def test_one_flipped_bit_among_a_thousand_entries_is_named(
    flip: Callable[[ChainedEntry, random.Random], ChainedEntry],
) -> None:
    assert problems(thousand()) == []
    chance = random.Random(flip.__name__)
    for seq in (1, ENTRIES, *chance.sample(range(2, ENTRIES), 10)):
        entries = list(thousand())
        entries[seq - 1] = flip(entries[seq - 1], chance)
        assert problems(entries) == [seq]


def test_what_is_deleted_inserted_or_moved_is_named() -> None:
    entries = list(thousand())
    assert problems([*entries[:499], *entries[500:]]) == [500]
    assert problems([*entries[:499], *entries[509:]]) == [500]
    assert problems([replace(entries[0], body=None), *entries[1:]]) == [1]
    first, second = entries[:2]
    swapped = [replace(second, seq=1), replace(first, seq=2), *entries[2:]]
    assert problems(swapped)[0] == 1


def test_a_chain_that_was_rewritten_or_ends_early_differs_from_what_was_signed() -> None:
    signed = {900: thousand()[899].hash}
    assert problems(thousand(), signed) == []
    assert problems(thousand()[:899], signed) == [900]
    forged = [body_of(seq) for seq in range(1, ENTRIES + 1)]
    forged[400] |= {"actor": "user:other"}
    assert problems(chain(forged)) == []
    assert problems(chain(forged), signed) == [900]


def test_erased_content_is_reported_unless_an_entry_says_so() -> None:
    bodies = [body_of(seq) for seq in range(1, 10)]
    erasure = body_of(10, kind="ERASED", details={"seqs": [4]})
    entries = chain([*bodies, erasure])
    entries[3] = replace(entries[3], body="", is_erased=True)
    assert problems(entries) == []
    entries[5] = replace(entries[5], body="", is_erased=True)
    assert problems(entries) == [6]
