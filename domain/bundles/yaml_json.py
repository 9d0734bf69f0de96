"""Parses YAML and JSON text that is untrusted input.

Only the part of YAML that JSON can express is supported: no aliases, no tags, no duplicate keys,
and `no` or `12:30` are text. So a small file cannot expand, and no value changes its type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import yaml

from domain.bundles.yaml_writer import FLOAT
from domain.common.errors import InvalidInput, Path

MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64
MAX_VALUES = 1_000_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,300})")
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class DocumentError(InvalidInput):
    """The text is invalid or exceeds a limit. `line` counts from 1 and is None if unknown."""

    def __init__(self, message: str, line: int | None = None, path: Path = ()) -> None:
        super().__init__(message if line is None else f"{message} (line {line})", path)
        self.line = line


@dataclass(frozen=True)
class ParsedDocument:
    """The value of a text, and the lines of its parts."""

    value: Any
    text: str

    def line_of(self, path: Path) -> int | None:
        """The line of the value at `path`, or of its nearest ancestor that is in the text."""
        return next((self._lines[p] for p in _path_and_ancestors(path) if p in self._lines), None)

    @cached_property
    def _lines(self) -> dict[Path, int]:
        try:
            return _Builder().build(self.text).lines
        except (InvalidInput, yaml.YAMLError):
            return {}


def parse_document(data: bytes | str) -> ParsedDocument:
    """Parse a text that must contain exactly one document; raises `DocumentError`."""
    if len(data) > MAX_FILE_BYTES:
        raise DocumentError(f"The file is larger than {MAX_FILE_BYTES // 2**20} MiB.")
    text = _decoded(data)
    if not text.strip():
        raise DocumentError("The file is empty.")
    if text.lstrip()[0] not in "{[":
        return ParsedDocument(_Builder().build(text).value, text)
    try:
        return ParsedDocument(_from_json(text), text)
    except RecursionError:
        raise DocumentError(f"The document is nested more than {MAX_DEPTH} levels deep.") from None
    except json.JSONDecodeError as error:
        return ParsedDocument(_parse_flow_yaml(text, error), text)


def _decoded(data: bytes | str) -> str:
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError("The file is not text in UTF-8.") from None


def _path_and_ancestors(path: Path) -> Iterator[Path]:
    return (path[:length] for length in range(len(path), -1, -1))


# ---- JSON ----------------------------------------------------------------------------------


def _from_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_reject_constant)
    except json.JSONDecodeError:
        raise
    except ValueError:
        raise DocumentError("A number is too long.") from None


def _parse_flow_yaml(text: str, error: json.JSONDecodeError) -> Any:
    """Parse text that starts with a brace or bracket but is not JSON, as YAML flow style."""
    try:
        return _Builder().build(text).value
    except DocumentError:
        raise DocumentError(f"This is not JSON: {error.msg}", error.lineno) from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise DocumentError(f"The key {name[:60]!r} occurs twice in one object.")
        result[name] = value
    return result


def _reject_constant(name: str) -> Any:
    raise DocumentError(f"{name} is not a valid JSON number.")


# ---- YAML ----------------------------------------------------------------------------------


class _Builder:
    """Builds values from parser events and records the line of each value."""

    def __init__(self) -> None:
        self.value: Any = None
        self.lines: dict[Path, int] = {}
        self._open: list[tuple[Any, Path]] = []
        self._key: str | None = None
        self._count = 0
        self._documents = 0

    def build(self, text: str) -> _Builder:
        try:
            for event in cast(Any, yaml.parse(text, Loader=_LOADER)):
                self._take(event, event.start_mark.line + 1)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            message = f"This is not YAML: {error.problem or error.context}"
            raise DocumentError(message, None if mark is None else mark.line + 1) from None
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            if isinstance(error, InvalidInput):
                raise
            raise DocumentError(
                "This is not YAML: it contains a character that is not allowed."
            ) from None
        return self

    def _take(self, event: Any, line: int) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise DocumentError(
                        "A file must contain only one document; a second one starts here.", line
                    )
            case yaml.AliasEvent():
                raise DocumentError("Aliases (*name) are not supported; write the value out.", line)
            case yaml.ScalarEvent():
                self._scalar(event, line)
            case yaml.MappingStartEvent():
                self._begin({}, event, line)
            case yaml.SequenceStartEvent():
                self._begin([], event, line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._open.pop()

    def _scalar(self, event: Any, line: int) -> None:
        self._reject_tag(event, line)
        parent = self._open[-1][0] if self._open else None
        if isinstance(parent, dict) and self._key is None:
            if event.value in parent:
                raise DocumentError(
                    f"The key {event.value[:60]!r} occurs twice in one object.", line
                )
            self._key = event.value
            parent[self._key] = None
            return
        self._put(event.value if event.style else _scalar(event.value), line)

    def _begin(self, value: Any, event: Any, line: int) -> None:
        self._reject_tag(event, line)
        if self._open and isinstance(self._open[-1][0], dict) and self._key is None:
            raise DocumentError("A key must be text, not a list or an object.", line)
        path = self._put(value, line)
        self._open.append((value, path))
        if len(self._open) > MAX_DEPTH:
            raise DocumentError(f"The document is nested more than {MAX_DEPTH} levels deep.", line)

    def _put(self, value: Any, line: int) -> Path:
        self._count += 1
        if self._count > MAX_VALUES:
            raise DocumentError(f"The document has more than {MAX_VALUES} values.", line)
        path: Path = ()
        if not self._open:
            self.value = value
        elif isinstance(self._open[-1][0], dict):
            parent, parent_path = self._open[-1]
            assert self._key is not None
            path = (*parent_path, self._key)
            parent[self._key], self._key = value, None
        else:
            parent, parent_path = self._open[-1]
            path = (*parent_path, str(len(parent)))
            parent.append(value)
        self.lines[path] = line
        return path

    def _reject_tag(self, event: Any, line: int) -> None:
        if event.tag is not None and event.tag != "!":
            raise DocumentError("Tags (!name) are not supported.", line)


def _scalar(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if FLOAT.fullmatch(text) else text
