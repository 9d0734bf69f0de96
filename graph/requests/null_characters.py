"""Text with the null character (U+0000) is refused at the door: PostgreSQL holds every other one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, StringValueNode, Visitor, visit

from graph.requests.errors import BAD_USER_INPUT, graphql_error

NULL_CHARACTER = "\x00"
MAX_PATH_DEPTH = 8
MESSAGE = "Text must not contain the null character (U+0000)."


def check_variables(variables: Mapping[str, Any] | None) -> None:
    left: list[Any] = [variables]
    while left:
        match left.pop():
            case str() as text if NULL_CHARACTER in text:
                raise _null_character_error(_path_to(variables, text))
            case dict() as given:
                left.extend(given)
                left.extend(given.values())
            case list() as items:
                left.extend(items)


def _path_to(variables: Any, text: str) -> tuple[str, ...]:
    """Where it stands, if that is not too deep to be told."""
    level: list[tuple[tuple[str, ...], Any]] = [((), variables)]
    for _ in range(MAX_PATH_DEPTH):
        below: list[tuple[tuple[str, ...], Any]] = []
        for path, value in level:
            if value is text:
                return path
            if isinstance(value, dict):
                below += [((*path, key), inner) for key, inner in value.items()]
            elif isinstance(value, list):
                below += [((*path, str(n)), inner) for n, inner in enumerate(value)]
        level = below
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
