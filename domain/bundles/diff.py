"""Compares two snapshots and identifies list items by name instead of by index.

The comparison iterates over the fields of the specs, so new fields are compared without changes
here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from difflib import unified_diff
from enum import Enum, StrEnum
from itertools import takewhile, zip_longest
from typing import Any, TypeAlias

from domain.bundles.field_names import api_name
from domain.tenants.settings import TenantSettings
from domain.workflows.model import Snapshot, WorkflowSpec

JSON: TypeAlias = "None | bool | int | float | str | list[JSON] | dict[str, JSON]"
Path = tuple[str, ...]

IDENTITIES = (("id",), ("source", "target"), ("name",), ("text", "language"))
"""Fields that identify a list item; items are matched by the first set that they all have."""
MAX_INLINE_TEXT = 120
MAX_VALUE_LENGTH = 100
MAX_COMPARISONS = 4_000_000
"""Line comparisons that all unified diffs of one result may take; beyond it, lines are counted."""


class ChangeKind(StrEnum):
    """What happened to a value."""

    ADDED = "ADDED"
    REMOVED = "REMOVED"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference; an object that was added or removed as a whole is one change."""

    path: Path
    kind: ChangeKind
    before: JSON = None
    after: JSON = None
    text: str = ""
    """A readable description: one line, or a unified diff of a long text."""


def diff(before: Snapshot | None, after: Snapshot) -> tuple[Change, ...]:
    """All changes from `before` to `after` in a stable order; empty if and only if they are equal.

    Without `before`, everything in `after` counts as added."""
    changes = tuple(_walk((), before or _empty_snapshot(after), after))
    max_comparisons = MAX_COMPARISONS // max(1, sum(map(_is_long, changes)))
    return tuple(c if c.text else replace(c, text=_describe(c, max_comparisons)) for c in changes)


def diff_settings(before: TenantSettings, after: TenantSettings) -> tuple[Change, ...]:
    """All changes from `before` to `after`, without the values of headers, which may be secret."""
    return tuple(_without_secrets(change) for change in _walk((), before, after))


def describe_values(change: Change) -> str:
    """The values before and after a change, shortened to one line."""
    match change.kind:
        case ChangeKind.ADDED:
            return f"Added: {_short(change.after)}."
        case ChangeKind.REMOVED:
            return f"Removed: {_short(change.before)}."
    return f"Changed from {_short(change.before)} to {_short(change.after)}."


def summary_line(change: Change) -> str:
    """The change in one line."""
    head, *rest = change.text.split("\n")
    if not rest:
        return head
    removed = sum(each.startswith("-") for each in rest[1:])
    added = sum(each.startswith("+") for each in rest[1:])
    return f"{_format_path(change.path)}: text changed ({removed} lines removed, {added} added)"


def _empty_snapshot(like: Snapshot) -> Snapshot:
    return Snapshot(workflow=WorkflowSpec(name=like.workflow.name), agents={}, tools={})


# ---- changes ------------------------------------------------------------------------------


def _walk(path: Path, before: Any, after: Any) -> Iterator[Change]:
    if is_dataclass(before) and type(before) is type(after):
        yield from _by_key(path, _fields(before), _fields(after))
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _by_key(path, dict(sorted(before.items())), dict(sorted(after.items())))
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        yield from _lists(path, before, after)
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield _changed(path, before, after)


def _by_key(path: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in dict.fromkeys((*before, *after)):
        here = (*path, key)
        if key not in after:
            yield _removed(here, before[key])
        elif key not in before:
            yield _added(here, after[key])
        else:
            yield from _walk(here, before[key], after[key])


def _lists(path: Path, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Change]:
    old, new = _items_by_name(before), _items_by_name(after)
    if old is None or new is None:
        yield from _by_index(path, before, after)
        return
    yield from _by_key(path, old, new)
    if [key for key in old if key in new] != [key for key in new if key in old]:
        text = f"{_format_path(path)}: order {_short(list(old))} -> {_short(list(new))}"
        yield replace(_changed(path, list(old), list(new)), text=text)


def _by_index(path: Path, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Change]:
    """Compare by index after the common prefix and suffix, so that an insertion is one change."""
    old, new = list(map(_canonical, before)), list(map(_canonical, after))
    start = _common_prefix_length(old, new)
    end = _common_prefix_length(old[start:][::-1], new[start:][::-1])
    pairs = zip_longest(range(start, len(old) - end), range(start, len(new) - end))
    for here, there in pairs:
        if there is None:
            yield _removed((*path, str(here)), before[here])
        elif here is None:
            yield _added((*path, str(there)), after[there])
        else:
            yield from _walk((*path, str(here)), before[here], after[there])


def _common_prefix_length(before: Sequence[str], after: Sequence[str]) -> int:
    pairs = zip(before, after, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _items_by_name(items: Sequence[Any]) -> dict[str, Any] | None:
    """The items by name; None if an item has no name, or two have the same name."""
    names = [_name(item) for item in items]
    distinct = {name for name in names if name is not None}
    if len(distinct) < len(items) or len({type(item) for item in items}) > 1:
        return None
    return {str(name): item for name, item in zip(names, items, strict=True)}


def _name(item: Any) -> str | None:
    if isinstance(item, str):
        return item
    if not is_dataclass(item):
        return None
    names = {field.name for field in fields(item)}
    for identity in IDENTITIES:
        if names.issuperset(identity):
            return "->".join(str(getattr(item, name)) for name in identity)
    return None


def _fields(item: Any) -> dict[str, Any]:
    compared = (field.name for field in fields(item) if field.compare)
    return {api_name(type(item), name): getattr(item, name) for name in compared}


def _added(path: Path, value: Any) -> Change:
    return Change(path=path, kind=ChangeKind.ADDED, after=to_json(value))


def _removed(path: Path, value: Any) -> Change:
    return Change(path=path, kind=ChangeKind.REMOVED, before=to_json(value))


def _changed(path: Path, before: Any, after: Any) -> Change:
    return Change(path=path, kind=ChangeKind.CHANGED, before=to_json(before), after=to_json(after))


def to_json(value: Any) -> JSON:
    """The value as JSON with the field names of the API."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if is_dataclass(value):
        return {name: to_json(inner) for name, inner in _fields(value).items()}
    if isinstance(value, Mapping):
        return {str(key): to_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(inner) for inner in value]
    return str(value.value if isinstance(value, Enum) else value)


def _canonical(value: Any) -> str:
    return json.dumps(to_json(value), sort_keys=True)


# ---- descriptions -------------------------------------------------------------------------


def _without_secrets(change: Change) -> Change:
    inside = "headers" in change.path
    return replace(
        change,
        before=_mask(change.before, inside),
        after=_mask(change.after, inside),
    )


def _mask(value: JSON, inside_headers: bool) -> JSON:
    match value:
        case dict():
            return {k: _mask(v, inside_headers or k == "headers") for k, v in value.items()}
        case list():
            return [_mask(each, inside_headers) for each in value]
        case str() if inside_headers:
            return "…"
    return value


def _describe(change: Change, max_comparisons: int) -> str:
    where = _format_path(change.path)
    match change.kind:
        case ChangeKind.ADDED:
            return f"{where}: added {_short(change.after)}"
        case ChangeKind.REMOVED:
            return f"{where}: removed {_short(change.before)}"
    if _is_long(change):
        return _unified(where, str(change.before), str(change.after), max_comparisons)
    return f"{where}: {_short(change.before)} -> {_short(change.after)}"


def _is_long(change: Change) -> bool:
    texts = (change.before, change.after)
    return all(isinstance(text, str) for text in texts) and any(
        isinstance(text, str) and ("\n" in text or len(text) > MAX_INLINE_TEXT) for text in texts
    )


def _unified(where: str, before: str, after: str, max_comparisons: int) -> str:
    # splitlines() would hide a difference in the last line break only.
    old, new = before.split("\n"), after.split("\n")
    if _comparison_count(old, new) > max_comparisons:
        return f"{where}: text changed ({len(old)} lines -> {len(new)} lines)"
    return "\n".join(unified_diff(old, new, where, where, lineterm=""))


def _comparison_count(old: Sequence[str], new: Sequence[str]) -> int:
    """An upper bound of the comparisons that difflib makes; repeated lines make it slow."""
    old_counts, new_counts = Counter(old), Counter(new)
    pairs = sum(count * new_counts[line] for line, count in old_counts.items())
    return (len(old) + len(new) + pairs) * min(len(old), len(new))


def _format_path(path: Path) -> str:
    return ".".join(part if part and part.isprintable() else json.dumps(part) for part in path)


def _short(value: JSON) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[:MAX_VALUE_LENGTH]}…"
