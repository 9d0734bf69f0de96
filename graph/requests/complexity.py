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

from graph.requests.errors import TOO_COMPLEX, refusal

MOST_TOKENS = 1_000
MOST_DEPTH = 10
MOST_ALIASES = 15
MOST_ROOT_FIELDS = 10
MOST_DIRECTIVES = 50
MOST_FRAGMENTS = 50
MOST_FIELDS = 2_000
MOST_PAIRS = 2_000
"""Validation compares each two fields that answer under one name."""

INTROSPECTION = frozenset({"__schema", "__type"})

Fragments = dict[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class Size:
    """Of a selection with its fragments written out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    here: int = 0
    """Fields of the outermost level."""


ENDLESS = Size(10**9, 10**9, 10**9, 10**9)


def check(document: DocumentNode) -> None:
    """Raise for a document that would cost more to validate and run than anybody needs."""
    fragments = fragments_of(document)
    if len(fragments) > MOST_FRAGMENTS:
        raise _too("fragments", len(fragments), MOST_FRAGMENTS)
    measure = Measure(fragments)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            _check_size(measure.operation(definition))
        elif isinstance(definition, FragmentDefinitionNode):
            _check_size(measure.fragment(definition.name.value), whole=False)
    if measure.directives > MOST_DIRECTIVES:
        raise _too("directives", measure.directives, MOST_DIRECTIVES)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            _check_pairs(definition.selection_set, fragments)


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


class Measure:
    """Sizes with fragments written out, and the directives as they are written."""

    def __init__(self, fragments: Fragments) -> None:
        self.directives = 0
        self._fragments = fragments
        self._measured: dict[str, Size] = {}

    def operation(self, node: OperationDefinitionNode) -> Size:
        self._count(node)
        for variable in node.variable_definitions or ():
            self._count(variable)
        return self._selection(node.selection_set)

    def fragment(self, name: str) -> Size:
        if name not in self._fragments:
            # Validation will refuse it; until then it counts, so that spreads of it add up.
            return Size(fields=1, here=1)
        if name not in self._measured:
            self._measured[name] = ENDLESS  # what it is if it is met again inside itself
            fragment = self._fragments[name]
            self._count(fragment)
            self._measured[name] = self._selection(fragment.selection_set)
        return self._measured[name]

    def _selection(self, selection: SelectionSetNode | None) -> Size:
        depth = fields = aliases = here = 0
        for node in selection.selections if selection else ():
            self._count(node)
            if isinstance(node, FieldNode):
                inner = self._selection(node.selection_set)
                # Introspection nests deeper than data does; a validation rule bounds it.
                deep = 1 if node.name.value in INTROSPECTION else inner.depth + 1
                size = Size(deep, inner.fields + 1, inner.aliases + (node.alias is not None), 1)
            elif isinstance(node, InlineFragmentNode):
                size = self._selection(node.selection_set)
            else:
                assert isinstance(node, FragmentSpreadNode)
                size = self.fragment(node.name.value)
            depth, here = max(depth, size.depth), here + size.here
            fields, aliases = fields + size.fields, aliases + size.aliases
        return Size(depth, fields, aliases, here)

    def _count(self, node: Node) -> None:
        self.directives += len(getattr(node, "directives", None) or ())


def _check_size(size: Size, *, whole: bool = True) -> None:
    """Of a `whole` operation, or of a fragment, which may be meant for introspection."""
    if size.depth >= ENDLESS.depth:
        raise refusal("A fragment spreads itself.", TOO_COMPLEX)
    for name, is_, most in (
        ("levels", size.depth if whole else 0, MOST_DEPTH),
        ("aliases", size.aliases, MOST_ALIASES),
        ("root fields", size.here if whole else 0, MOST_ROOT_FIELDS),
        ("fields", size.fields, MOST_FIELDS),
    ):
        if is_ > most:
            raise _too(name, is_, most)


def _check_pairs(selection: SelectionSetNode, fragments: Fragments) -> None:
    pairs, levels = 0, [[selection]]
    while levels:
        same: dict[str, list[FieldNode]] = {}
        for part in levels.pop():
            for node in fields_of(part, fragments):
                same.setdefault((node.alias or node.name).value, []).append(node)
        for nodes in same.values():
            pairs += len(nodes) * (len(nodes) - 1) // 2
            if pairs > MOST_PAIRS:
                raise refusal("The same field is selected too often.", TOO_COMPLEX)
            levels.append([node.selection_set for node in nodes if node.selection_set])


def _too(what: str, is_: int, most: int) -> GraphQLError:
    return refusal(f"Too many {what}: {is_}, at most {most} are allowed.", TOO_COMPLEX)
