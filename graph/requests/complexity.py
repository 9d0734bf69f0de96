"""Limits on the size and depth of a document, checked in time linear in its length.

Each fragment is measured once, however often it is spread, so the work does not grow with the size of
the expanded document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
)

from graph.requests.errors import QUERY_TOO_COMPLEX, graphql_error

MAX_TOKENS = 1_000
MAX_DEPTH = 10
MAX_ALIASES = 15
MAX_ROOT_FIELDS = 10
MAX_DIRECTIVES = 50
MAX_FRAGMENTS = 50
MAX_FIELDS = 2_000
MAX_FIELD_PAIRS = 3_000
"""Validation compares every pair of fields with the same response name."""

INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})

Fragments = dict[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class SelectionSize:
    """The size of a selection with its fragments expanded."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    top_level_fields: int = 0
    """Fields of the outermost level."""


UNBOUNDED = SelectionSize(10**9, 10**9, 10**9, 10**9)


def check_complexity(document: DocumentNode) -> None:
    """Raise `GraphQLError` for a document that exceeds a limit."""
    fragments = fragments_of(document)
    if len(fragments) > MAX_FRAGMENTS:
        raise _limit_exceeded("fragments", len(fragments), MAX_FRAGMENTS)
    measure = SizeCalculator(fragments)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            _check_size(measure.operation(definition))
        elif isinstance(definition, FragmentDefinitionNode):
            _check_size(measure.fragment(definition.name.value), is_operation=False)
    if measure.directives > MAX_DIRECTIVES:
        raise _limit_exceeded("directives", measure.directives, MAX_DIRECTIVES)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            _check_overlapping_fields(definition.selection_set, fragments)


def fragments_of(document: DocumentNode) -> Fragments:
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def fields_of(selection: SelectionSetNode | None, fragments: Fragments) -> Iterator[FieldNode]:
    """The fields of one level, including those in fragments. Only for checked documents."""
    for node in selection.selections if selection else ():
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from fields_of(node.selection_set, fragments)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
            yield from fields_of(fragments[node.name.value].selection_set, fragments)


class SizeCalculator:
    """Measures sizes with fragments expanded, and counts directives as they are written."""

    def __init__(self, fragments: Fragments) -> None:
        self.directives = 0
        self._fragments = fragments
        self._fragment_sizes: dict[str, SelectionSize] = {}

    def operation(self, node: OperationDefinitionNode) -> SelectionSize:
        self._count_directives(node)
        for variable in node.variable_definitions or ():
            self._count_directives(variable)
        return self._selection(node.selection_set)

    def fragment(self, name: str) -> SelectionSize:
        if name not in self._fragments:
            # Validation rejects it later. Until then it counts as one field, so that spreads add up.
            return SelectionSize(fields=1, top_level_fields=1)
        if name not in self._fragment_sizes:
            self._fragment_sizes[name] = UNBOUNDED  # the size found when it spreads itself
            fragment = self._fragments[name]
            self._count_directives(fragment)
            self._fragment_sizes[name] = self._selection(fragment.selection_set)
        return self._fragment_sizes[name]

    def _selection(self, selection: SelectionSetNode | None) -> SelectionSize:
        depth = fields = aliases = top_level = 0
        for node in selection.selections if selection else ():
            self._count_directives(node)
            if isinstance(node, FieldNode):
                inner = self._selection(node.selection_set)
                # Introspection nests deeper than data; a validation rule limits it.
                levels_below = 1 if node.name.value in INTROSPECTION_FIELDS else inner.depth + 1
                size = SelectionSize(
                    levels_below, inner.fields + 1, inner.aliases + (node.alias is not None), 1
                )
            elif isinstance(node, InlineFragmentNode):
                size = self._selection(node.selection_set)
            else:
                assert isinstance(node, FragmentSpreadNode)
                size = self.fragment(node.name.value)
            depth, top_level = max(depth, size.depth), top_level + size.top_level_fields
            fields, aliases = fields + size.fields, aliases + size.aliases
        return SelectionSize(depth, fields, aliases, top_level)

    def _count_directives(self, node: Node) -> None:
        self.directives += len(getattr(node, "directives", None) or ())


def _check_size(size: SelectionSize, *, is_operation: bool = True) -> None:
    """Check the size of an operation, or of a fragment, which may be part of an introspection."""
    if size.depth >= UNBOUNDED.depth:
        raise graphql_error("A fragment spreads itself.", QUERY_TOO_COMPLEX)
    for name, count, limit in (
        ("levels", size.depth if is_operation else 0, MAX_DEPTH),
        ("aliases", size.aliases, MAX_ALIASES),
        ("root fields", size.top_level_fields if is_operation else 0, MAX_ROOT_FIELDS),
        ("fields", size.fields, MAX_FIELDS),
    ):
        if count > limit:
            raise _limit_exceeded(name, count, limit)


def _check_overlapping_fields(selection: SelectionSetNode, fragments: Fragments) -> None:
    pairs, levels = 0, [[selection]]
    while levels:
        by_name: dict[str, list[FieldNode]] = {}
        for set_ in levels.pop():
            for node in fields_of(set_, fragments):
                by_name.setdefault((node.alias or node.name).value, []).append(node)
        for nodes in by_name.values():
            pairs += len(nodes) * (len(nodes) - 1) // 2
            if pairs > MAX_FIELD_PAIRS:
                raise graphql_error(
                    "Too many fields have the same response name.", QUERY_TOO_COMPLEX
                )
            levels.append([node.selection_set for node in nodes if node.selection_set])


def _limit_exceeded(what: str, count: int, limit: int) -> GraphQLError:
    return graphql_error(
        f"Too many {what}: {count}, at most {limit} are allowed.", QUERY_TOO_COMPLEX
    )
