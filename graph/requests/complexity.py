"""How large and how deep a document may be, found in time linear to its length.

Fragments are measured once, wherever they are spread: the work never grows with what the document
would expand to."""

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
MAX_FIELD_PAIRS = 2_000
"""Validation compares each two fields that answer under one name."""

INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})

Fragments = dict[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class SelectionSize:
    """Of a selection with its fragments written out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    top_level_fields: int = 0
    """Fields of the outermost level."""


UNBOUNDED = SelectionSize(10**9, 10**9, 10**9, 10**9)


def check_complexity(document: DocumentNode) -> None:
    """Raise for a document that would cost more to validate and run than anybody needs."""
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
    """The fields of one level, through fragments. Only for documents that were checked."""
    for node in selection.selections if selection else ():
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from fields_of(node.selection_set, fragments)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
            yield from fields_of(fragments[node.name.value].selection_set, fragments)


class SizeCalculator:
    """Sizes with fragments written out, and the directives as they are written."""

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
            # Validation will refuse it; until then it counts, so that spreads of it add up.
            return SelectionSize(fields=1, top_level_fields=1)
        if name not in self._fragment_sizes:
            self._fragment_sizes[name] = UNBOUNDED  # what it is if it is met again inside itself
            fragment = self._fragments[name]
            self._count_directives(fragment)
            self._fragment_sizes[name] = self._selection(fragment.selection_set)
        return self._fragment_sizes[name]

    def _selection(self, selection: SelectionSetNode | None) -> SelectionSize:
        depth = fields = aliases = here = 0
        for node in selection.selections if selection else ():
            self._count_directives(node)
            if isinstance(node, FieldNode):
                inner = self._selection(node.selection_set)
                # Introspection nests deeper than data does; a validation rule bounds it.
                deep = 1 if node.name.value in INTROSPECTION_FIELDS else inner.depth + 1
                size = SelectionSize(
                    deep, inner.fields + 1, inner.aliases + (node.alias is not None), 1
                )
            elif isinstance(node, InlineFragmentNode):
                size = self._selection(node.selection_set)
            else:
                assert isinstance(node, FragmentSpreadNode)
                size = self.fragment(node.name.value)
            depth, here = max(depth, size.depth), here + size.top_level_fields
            fields, aliases = fields + size.fields, aliases + size.aliases
        return SelectionSize(depth, fields, aliases, here)

    def _count_directives(self, node: Node) -> None:
        self.directives += len(getattr(node, "directives", None) or ())


def _check_size(size: SelectionSize, *, is_operation: bool = True) -> None:
    """Of a `whole` operation, or of a fragment, which may be meant for introspection."""
    if size.depth >= UNBOUNDED.depth:
        raise graphql_error("A fragment spreads itself.", QUERY_TOO_COMPLEX)
    for name, is_, most in (
        ("levels", size.depth if is_operation else 0, MAX_DEPTH),
        ("aliases", size.aliases, MAX_ALIASES),
        ("root fields", size.top_level_fields if is_operation else 0, MAX_ROOT_FIELDS),
        ("fields", size.fields, MAX_FIELDS),
    ):
        if is_ > most:
            raise _limit_exceeded(name, is_, most)


def _check_overlapping_fields(selection: SelectionSetNode, fragments: Fragments) -> None:
    pairs, levels = 0, [[selection]]
    while levels:
        same: dict[str, list[FieldNode]] = {}
        for part in levels.pop():
            for node in fields_of(part, fragments):
                same.setdefault((node.alias or node.name).value, []).append(node)
        for nodes in same.values():
            pairs += len(nodes) * (len(nodes) - 1) // 2
            if pairs > MAX_FIELD_PAIRS:
                raise graphql_error("The same field is selected too often.", QUERY_TOO_COMPLEX)
            levels.append([node.selection_set for node in nodes if node.selection_set])


def _limit_exceeded(what: str, is_: int, most: int) -> GraphQLError:
    return graphql_error(f"Too many {what}: {is_}, at most {most} are allowed.", QUERY_TOO_COMPLEX)
