"""docs/scopes.md: which scopes each part of the schema needs, and which role has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphql import GraphQLEnumType, GraphQLField, GraphQLObjectType, GraphQLSchema, is_object_type

from domain.common.access import ROLE_SCOPES, Role, Scope, expand_scopes
from graph.requests.auth import PUBLIC_FIELDS
from graph.requests.required_scopes import EXTENSION

HEAD = """\
# Scopes

`python -m graph.export_schema` writes this page from the schema, where the directive `@requires` declares the
same. An operation needs the scopes of each field that it selects and of each object that such a field returns.
They are checked before anything of the operation runs: an operation that lacks one changes nothing, costs the
minimum, and fails with the code `FORBIDDEN`; `extensions.missing` lists all scopes that it lacks. Its values are
those of the enum `Scope`, in which `agents:read` is `AGENTS_READ`. [access.md](access.md) explains roles and keys.
"""
OPERATIONS = "An operation that is not listed needs no credential: {public}.\n"
PARTS = """\
Whatever the way that leads to it. Every other object type is part of one of these, or of the result of an
operation.
"""


def scope_page(schema: GraphQLSchema) -> str:
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    public = ", ".join(f"`{name}`" for name in sorted(PUBLIC_FIELDS - {"__typename"}))
    sections = (
        HEAD,
        "## Roles\n",
        _table(("scope", "allows to", "includes", *map(str.lower, Role)), _scope_rows(schema)),
        "## Operations\n",
        OPERATIONS.format(public=public),
        _table(("operation", "kind", "scopes"), _operation_rows(filter(None, roots))),
        "## Objects and fields\n",
        PARTS,
        _table(("object or field", "scopes"), _part_rows(schema, {r.name for r in roots if r})),
    )
    return "\n".join(sections)


def _scope_rows(schema: GraphQLSchema) -> Iterator[tuple[str, ...]]:
    enum = schema.get_type("Scope")
    assert isinstance(enum, GraphQLEnumType)
    for scope in Scope:
        text = (enum.values[scope.name].description or "").rstrip(".")
        included = _names(expand_scopes([scope]) - {scope})
        marks = ("✓" if scope in ROLE_SCOPES[role] else "" for role in Role)
        yield (f"`{scope.value}`", f"{text[:1].lower()}{text[1:]}", included, *marks)


def _operation_rows(roots: Iterable[GraphQLObjectType]) -> Iterator[tuple[str, ...]]:
    for root in roots:
        for name, field in sorted(root.fields.items()):
            if EXTENSION in field.extensions:
                yield f"`{name}`", root.name.lower(), _scopes(field) or "any credential"


def _part_rows(schema: GraphQLSchema, roots: set[str]) -> Iterator[tuple[str, ...]]:
    for name, type_ in sorted(schema.type_map.items()):
        if is_object_type(type_) and name not in roots:
            if EXTENSION in type_.extensions:
                yield f"`{name}`", _scopes(type_)
            for field_name, field in type_.fields.items():
                if EXTENSION in field.extensions:
                    yield f"`{name}.{field_name}`", f"{_scopes(field)}, in addition"


def _scopes(element: GraphQLField | GraphQLObjectType) -> str:
    return _names(element.extensions[EXTENSION])


def _names(scopes: Iterable[Scope]) -> str:
    return ", ".join(f"`{scope.value}`" for scope in sorted(scopes))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:], ""])
