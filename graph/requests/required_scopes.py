"""The scopes that an operation needs, found from its document before anything of it runs.

The schema declares them with `@requires`: an operation needs the scopes of each field that it selects, and
those of each type that such a field returns. Of an interface or a union, it needs those of the types that
its fragments name."""

from __future__ import annotations

from collections.abc import Iterable

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
)

from domain.common.access import Scope, missing_scopes
from graph.requests.complexity import Fragments
from graph.requests.errors import from_domain_error

EXTENSION = "requires"
"""Where the fields and the object types of the schema hold the scopes that they need."""


def required_scopes(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments
) -> frozenset[Scope]:
    """The scopes that a valid operation needs. Fields count even if `@skip` may leave them out."""
    collector = _ScopeCollector(schema, fragments)
    collector.visit(operation.selection_set, schema.get_root_type(operation.operation))
    return frozenset(collector.scopes)


def scopes_missing(missing: Iterable[Scope]) -> GraphQLError:
    scopes = sorted(missing)
    error = from_domain_error(missing_scopes(scopes))
    assert error.extensions is not None
    error.extensions["missing"] = [scope.name for scope in scopes]
    return error


class _ScopeCollector:
    """Visits each fragment once, however often it is spread: its needs are the same everywhere."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments) -> None:
        self.scopes: set[Scope] = set()
        self._schema = schema
        self._fragments = fragments
        self._visited: set[str] = set()

    def visit(self, selection: SelectionSetNode | None, type_: GraphQLNamedType | None) -> None:
        if type_ is not None:
            self.scopes.update(type_.extensions.get(EXTENSION, ()))
        for node in selection.selections if selection else ():
            match node:
                case FieldNode():
                    self._visit_field(node, type_)
                case FragmentSpreadNode():
                    self._visit_spread(node.name.value)
                case InlineFragmentNode():
                    condition = node.type_condition
                    named = self._schema.get_type(condition.name.value) if condition else type_
                    self.visit(node.selection_set, named)

    def _visit_field(self, node: FieldNode, parent: GraphQLNamedType | None) -> None:
        field: GraphQLField | None = getattr(parent, "fields", {}).get(node.name.value)
        if field is None:  # introspection
            return
        self.scopes.update(field.extensions.get(EXTENSION, ()))
        type_ = get_named_type(field.type)
        if is_composite_type(type_):
            self.visit(node.selection_set, type_)

    def _visit_spread(self, name: str) -> None:
        if name not in self._visited:
            self._visited.add(name)
            fragment = self._fragments[name]
            type_ = self._schema.get_type(fragment.type_condition.name.value)
            self.visit(fragment.selection_set, type_)
