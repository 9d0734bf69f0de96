"""Rejects text that contains the null character (U+0000), the only one that PostgreSQL cannot store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, StringValueNode, Visitor, visit

from graph.requests.errors import BAD_USER_INPUT, graphql_error

NULL_CHARACTER = "\x00"
MAX_PATH_DEPTH = 8
MESSAGE = "Text must not contain the null character (U+0000)."


def check_variables(variables: Mapping[str, Any] | None) -> None:
    remaining: list[Any] = [variables]
    while remaining:
        match remaining.pop():
            case str() as text if NULL_CHARACTER in text:
                raise _null_character_error(_path_to(variables, text))
            case dict() as entries:
                remaining.extend(entries)
                remaining.extend(entries.values())
            case list() as items:
                remaining.extend(items)


def _path_to(variables: Any, text: str) -> tuple[str, ...]:
    """The path of the text within the variables; empty when it is nested too deeply."""
    level: list[tuple[tuple[str, ...], Any]] = [((), variables)]
    for _ in range(MAX_PATH_DEPTH):
        next_level: list[tuple[tuple[str, ...], Any]] = []
        for path, value in level:
            if value is text:
                return path
            if isinstance(value, dict):
                next_level += [((*path, key), inner) for key, inner in value.items()]
            elif isinstance(value, list):
                next_level += [((*path, str(n)), inner) for n, inner in enumerate(value)]
        level = next_level
    return ()


def check_document(text: str, document: DocumentNode) -> None:
    if "\\u" in text:
        visit(document, _Literals())


class _Literals(Visitor):
    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if NULL_CHARACTER in node.value:
            raise _null_character_error(())


def _null_character_error(path: tuple[str, ...]) -> Exception:
    return graphql_error(MESSAGE, BAD_USER_INPUT, **({"path": list(path)} if path else {}))
