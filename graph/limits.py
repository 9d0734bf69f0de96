"""How large and how deep a document may be, found in time linear to its length.

Fragments are measured once, wherever they are spread: the work never grows with what the document
would expand to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    visit,
)

from graph.masking import TOO_COMPLEX, refusal

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

    def beside(self, other: Size) -> Size:
        return Size(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.here + other.here,
        )


ENDLESS = Size(10**9, 10**9, 10**9, 10**9)


def check(document: DocumentNode) -> None:
    """Raise for a document that would cost more to validate and run than anybody needs."""
    fragments = fragments_of(document)
    if len(fragments) > MOST_FRAGMENTS:
        raise _too("fragments", len(fragments), MOST_FRAGMENTS)
    _check_directives(document)
    measured: dict[str, Size] = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            size = _measure(definition.selection_set, fragments, measured)
            _check_size(size, root=isinstance(definition, OperationDefinitionNode))
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


def _measure(
    selection: SelectionSetNode | None, fragments: Fragments, measured: dict[str, Size]
) -> Size:
    total = Size()
    for node in selection.selections if selection else ():
        if isinstance(node, FieldNode):
            inner = _measure(node.selection_set, fragments, measured)
            # Introspection nests deeper than data does; a validation rule bounds it.
            depth = 1 if node.name.value in INTROSPECTION else inner.depth + 1
            size = Size(depth, inner.fields + 1, inner.aliases + (node.alias is not None), 1)
        elif isinstance(node, InlineFragmentNode):
            size = _measure(node.selection_set, fragments, measured)
        else:
            assert isinstance(node, FragmentSpreadNode)
            size = _measure_fragment(node.name.value, fragments, measured)
        total = total.beside(size)
    return total


def _measure_fragment(name: str, fragments: Fragments, measured: dict[str, Size]) -> Size:
    if name not in measured:
        measured[name] = ENDLESS  # what it is if it is met again inside itself
        fragment = fragments.get(name)
        measured[name] = _measure(fragment.selection_set if fragment else None, fragments, measured)
    return measured[name]


def _check_size(size: Size, *, root: bool) -> None:
    if size.depth >= ENDLESS.depth:
        raise refusal("A fragment spreads itself.", TOO_COMPLEX)
    for name, is_, most in (
        ("levels", size.depth, MOST_DEPTH),
        ("aliases", size.aliases, MOST_ALIASES),
        ("root fields", size.here if root else 0, MOST_ROOT_FIELDS),
        ("fields", size.fields, MOST_FIELDS),
    ):
        if is_ > most:
            raise _too(name, is_, most)


def _check_directives(document: DocumentNode) -> None:
    class Count(Visitor):
        found = 0

        def enter_directive(self, _: DirectiveNode, *__: object) -> None:
            self.found += 1

    count = Count()
    visit(document, count)
    if count.found > MOST_DIRECTIVES:
        raise _too("directives", count.found, MOST_DIRECTIVES)


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
