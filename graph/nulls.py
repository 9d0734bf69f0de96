"""Text with the null character (U+0000) is refused at the door: PostgreSQL holds every other one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, StringValueNode, Visitor, visit

from graph.masking import BAD_USER_INPUT, refusal

NULL = "\x00"
TOLD = "Text must not contain the null character (U+0000)."


def refuse_in_variables(variables: Mapping[str, Any] | None) -> None:
    left: list[tuple[tuple[str, ...], Any]] = [((), variables)]
    while left:
        path, value = left.pop()
        match value:
            case str():
                if NULL in value:
                    raise _refusal(path)
            case dict():
                for key, inner in value.items():
                    if NULL in key:
                        raise _refusal(path)
                    left.append(((*path, key), inner))
            case list():
                left += [((*path, str(n)), inner) for n, inner in enumerate(value)]


def refuse_in_document(text: str, document: DocumentNode) -> None:
    if "\\u" in text:
        visit(document, _Literals())


class _Literals(Visitor):
    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if NULL in node.value:
            raise _refusal(())


def _refusal(path: tuple[str, ...]) -> Exception:
    return refusal(TOLD, BAD_USER_INPUT, **({"path": list(path)} if path else {}))
