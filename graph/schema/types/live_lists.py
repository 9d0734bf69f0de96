"""The types of the updates of live lists: a snapshot first, then what was added, changed and removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import strawberry

from domain.common.lists import EntryAdded, EntryChanged, EntryRemoved, ListSnapshot
from graph.schema.types.common import NODE_TYPE_NAMES
from resolvers.global_ids import global_id

Check = Callable[[Any, Any], bool]


def is_snapshot(kind: type) -> Check:
    """`is_type_of` of a snapshot of objects of this class."""
    return lambda value, _info: isinstance(value, ListSnapshot) and value.kind is kind


def is_entry(update: type[EntryAdded[Any] | EntryChanged[Any]], kind: type) -> Check:
    """`is_type_of` of an update that has an object of this class."""
    return lambda value, _info: isinstance(value, update) and isinstance(value.item, kind)


def is_removal(kind: type) -> Check:
    return lambda value, _info: isinstance(value, EntryRemoved) and value.kind is kind


def items_field(type: Any, description: str) -> Any:
    """The objects of a snapshot."""
    return strawberry.field(resolver=_items, graphql_type=list[type], description=description)


def item_field(type: Any, description: str) -> Any:
    """The object of an update."""
    return strawberry.field(resolver=_item, graphql_type=type, description=description)


def removed_id_field(description: str) -> Any:
    return strawberry.field(resolver=_removed_id, description=description)


def _items(root: Any) -> Any:
    return root.items


def _item(root: Any) -> Any:
    return root.item


def _removed_id(root: Any) -> strawberry.ID:
    return strawberry.ID(global_id(NODE_TYPE_NAMES[root.kind], root.id))
