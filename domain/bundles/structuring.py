"""Converts JSON to the frozen dataclasses of the domain and back, with the field names of the API.

The conversion iterates over the fields of a class, so new fields are converted without changes
here. A union of classes is an object with one key that names the class: `{"flagSet": {…}}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import time
from difflib import get_close_matches
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Generic, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from domain.bundles.field_names import api_name
from domain.common.calling_hours import parse_time_of_day
from domain.common.casing import camel
from domain.common.errors import InvalidInput, InvalidInputs, Path
from domain.common.json_values import MAX_DOCUMENT_DEPTH
from domain.common.problems import MAX_PROBLEMS, raise_all

T = TypeVar("T")

MAX_DEPTH = MAX_DOCUMENT_DEPTH
MAX_VALUES = 1_000_000
MAX_NUMBER = 2**63


def structure(kind: type[T], value: Any, path: Path = ()) -> T:
    """Convert JSON; `InvalidInput` contains the paths of all problems and what is expected there."""
    read = structure_leniently(kind, value, path)
    raise_all(read.problems)
    return read.item


@dataclass(frozen=True, slots=True)
class LenientResult(Generic[T]):
    """An item of which invalid values are replaced by neutral ones, so that the rest can be checked
    as well."""

    item: T
    problems: list[InvalidInput]
    replaced: list[Path]


def structure_leniently(kind: type[T], value: Any, path: Path = ()) -> LenientResult[T]:
    """Convert JSON, and return its problems too."""
    reader = _Reader()
    try:
        item = reader.read(kind, check_size(value, path), path)
    except _TooManyProblems:
        raise InvalidInputs(reader.problems[:MAX_PROBLEMS]) from None
    return LenientResult(cast(T, item), reader.problems, reader.replaced)


def unstructure(item: Any) -> Any:
    """The item as JSON without default values. Fields keep the order of the class; the keys of free
    objects are sorted, because the database does not preserve their order."""
    if is_dataclass(item):
        kind = cast(Any, type(item))
        changed = [f for f in _fields(kind) if not _is_default(f, getattr(item, f.name))]
        return {api_name(kind, f.name): _unstructure_field(kind, f, item) for f in changed}
    if isinstance(item, Mapping):
        return {key: unstructure(item[key]) for key in sorted(item)}
    if isinstance(item, list | tuple):
        return [unstructure(value) for value in item]
    if isinstance(item, time):
        return f"{item:%H:%M}"
    return item.value if isinstance(item, Enum) else item


def unknown_key(key: str, known: list[str], path: Path) -> InvalidInput:
    near = _similar_key(key, known)
    fix = f"did you mean {near!r}?" if near else f"the known keys are {', '.join(known)}."
    return InvalidInput(f"{key[:60]!r} is not a known key; {fix}", path)


def _similar_key(key: str, known: list[str]) -> str | None:
    shown = key[:60]
    near = get_close_matches(camel(shown), known, n=1) or get_close_matches(shown, known, n=1)
    return near[0] if near else None


# ---- structuring ---------------------------------------------------------------------------


class _Reader:
    """Converts JSON and collects the problems."""

    def __init__(self) -> None:
        self.problems: list[InvalidInput] = []
        self.replaced: list[Path] = []

    def read(self, hint: Any, value: Any, path: Path) -> Any:
        try:
            return self._read(hint, value, path)
        except InvalidInput as problem:
            self._add(problem)
            return self._replace(hint, path)

    def _replace(self, hint: Any, path: Path) -> Any:
        self.replaced.append(path)
        return _neutral_value(hint)

    def _add(self, problem: InvalidInput) -> None:
        self.problems.append(problem)
        if len(self.problems) > MAX_PROBLEMS:
            raise _TooManyProblems

    def _read(self, hint: Any, value: Any, path: Path) -> Any:
        origin = get_origin(hint)
        if hint is Any:
            return normalize_json(value, path)
        if origin in (Union, UnionType):
            return self._read_union(get_args(hint), value, path)
        if origin is tuple:
            items = _expect_type(value, list, path)
            inside = get_args(hint)[0]
            return tuple(self.read(inside, v, (*path, str(n))) for n, v in enumerate(items))
        if origin is not None and issubclass(origin, Mapping):
            entries = _expect_type(value, dict, path)
            inside = get_args(hint)[1]
            return {_text(k, path): self.read(inside, v, (*path, k)) for k, v in entries.items()}
        if issubclass(hint, Enum):
            return _structure_enum(hint, value, path)
        if is_dataclass(hint):
            return self._read_fields(hint, _expect_type(value, dict, path), path)
        return SCALARS[hint](value, path)

    def _read_union(self, hints: tuple[Any, ...], value: Any, path: Path) -> Any:
        if NoneType in hints:
            [hint] = [each for each in hints if each is not NoneType]
            return None if value is None else self._read(hint, value, path)
        known = {_tag(kind): kind for kind in hints}
        entries = _expect_type(value, dict, path)
        if len(entries) != 1:
            keys = f"has {', '.join(sorted(map(repr, entries))[:5])}" if entries else "is empty"
            raise InvalidInput(
                f"Expected an object with exactly one of the keys {', '.join(known)}; this one "
                f"{keys}.",
                path,
            )
        [(tag, inside)] = entries.items()
        if tag not in known:
            raise unknown_key(tag, list(known), path)
        kind, here = known[tag], (*path, tag)
        if _fields(kind):
            return self._read_fields(kind, _expect_type(inside, dict, here), here)
        if inside is not True:
            raise InvalidInput(f"{tag} must be true.", here)
        return kind()

    def _read_fields(self, kind: Any, entries: Mapping[str, Any], path: Path) -> Any:
        known = _fields_by_api_name(kind)
        unknown = [key for key in entries if key not in known]
        for key in unknown:
            self._add(unknown_key(key, list(known), (*path, key)))
        misspelt = {_similar_key(key, list(known)) for key in unknown}
        values = {}
        for name, field in known.items():
            hint = _hints(kind)[field.name]
            if name in entries:
                values[field.name] = self.read(hint, entries[name], (*path, name))
            elif _is_required(field):
                if name not in misspelt:
                    self._add(InvalidInput(f"{name} is missing.", (*path, name)))
                values[field.name] = self._replace(hint, (*path, name))
        return kind(**values)


class _TooManyProblems(Exception):
    """The rest of the value is not read, so that the work of reporting problems is bounded."""


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _neutral_value(hint: Any) -> Any:
    """A value that stands in for one that cannot be read."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        kinds = get_args(hint)
        if NoneType in kinds:
            return None
        return _neutral_value(next((kind for kind in kinds if not _fields(kind)), kinds[0]))
    if hint is Any:
        return None
    if origin is not None:
        return () if origin is tuple else {}
    if issubclass(hint, Enum):
        return next(iter(hint))
    if is_dataclass(hint):
        kind = cast(Any, hint)
        required = [f.name for f in _fields(kind) if _is_required(f)]
        return kind(**{name: _neutral_value(_hints(kind)[name]) for name in required})
    return hint()


def _structure_enum(kind: type[Enum], value: Any, path: Path) -> Enum:
    values = [each.value for each in kind]
    if value not in values:
        near = get_close_matches(value[:60].upper(), values, n=1) if isinstance(value, str) else ()
        fix = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(values)}."
        raise InvalidInput(f"{_short(value)} is not a valid value; {fix}", path)
    return kind(value)


def check_size(value: Any, path: Path = ()) -> Any:
    """Return the value; raise `InvalidInput` if it is too deep or too large. The check is fast."""
    count, level = 0, [value]
    for _ in range(MAX_DEPTH + 1):
        inside = [each for each in level if isinstance(each, dict | list)]
        count += sum(map(len, inside))
        if count > MAX_VALUES:
            raise InvalidInput(f"JSON may have at most {MAX_VALUES} values.", path)
        if not inside:
            return value
        level = [v for each in inside for v in (each.values() if isinstance(each, dict) else each)]
    raise InvalidInput(f"JSON may be nested at most {MAX_DEPTH} levels deep.", path)


def normalize_json(value: Any, path: Path = ()) -> Any:
    """Check that a value of checked size is JSON that the product can store, and return it."""
    if isinstance(value, dict):
        return {_text(k, path): normalize_json(v, (*path, str(k))) for k, v in value.items()}
    if isinstance(value, list):
        return [normalize_json(each, (*path, str(n))) for n, each in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    return _text(value, path) if isinstance(value, str) else _number(value, path)


def _text(value: Any, path: Path) -> str:
    text = cast(str, _expect_type(value, str, path))
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidInput("Text must not contain NUL characters or unpaired surrogates.", path)
    return text


def _number(value: Any, path: Path) -> int | float:
    number = cast("int | float", _expect_type(value, float, path))
    # Written so that NaN is rejected too, and an integer beyond every float does not overflow.
    if not -MAX_NUMBER < number < MAX_NUMBER:
        raise InvalidInput("The number is too large.", path)
    return number


def _integer(value: Any, path: Path) -> int:
    number = _number(value, path)
    if number != int(number):
        raise InvalidInput(f"Expected a whole number, not {number}.", path)
    return int(number)


SCALARS: Mapping[Any, Callable[[Any, Path], Any]] = {
    str: _text,
    bool: lambda value, path: _expect_type(value, bool, path),
    int: _integer,
    float: lambda value, path: float(_number(value, path)),
    time: lambda value, path: parse_time_of_day(_text(value, path), path),
}
TYPE_DESCRIPTIONS: Mapping[type, str] = {
    str: "text",
    bool: "true or false",
    float: "a number",
    list: "a list",
    dict: "an object of keys and values",
}


def _expect_type(value: Any, kind: type, path: Path) -> Any:
    fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if fits and (kind is bool or not isinstance(value, bool)):
        return value
    hint = ' (in YAML, put it in "quotes")' if kind is str and _is_scalar(value) else ""
    if value is None:
        hint = "; omit the key to use its default"
    raise InvalidInput(f"Expected {TYPE_DESCRIPTIONS[kind]}, not {_short(value)}{hint}.", path)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _short(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return repr(value if len(value) <= 40 else f"{value[:40]}…")
        case list():
            return "a list"
        case dict():
            return "an object"
        case int() | float() if abs(value) < MAX_NUMBER:
            return str(value)
    return "this value"


# ---- classes -------------------------------------------------------------------------------


def _unstructure_field(kind: Any, field: Field[Any], item: Any) -> Any:
    value = getattr(item, field.name)
    if isinstance(value, float) and value.is_integer() and _hints(kind)[field.name] is not Any:
        return int(value)  # Written as 30, not 30.0; structuring converts it back.
    if not isinstance(value, tuple) or not _is_list_of_union(kind, field.name):
        return unstructure(value)
    return [_unstructure_union(each) for each in value]


def _unstructure_union(item: Any) -> dict[str, Any]:
    kind: Any = type(item)
    return {_tag(kind): unstructure(item) if _fields(kind) else True}


@lru_cache(maxsize=256)
def _is_list_of_union(kind: type, name: str) -> bool:
    inside = get_args(_hints(kind)[name])
    return bool(inside) and get_origin(inside[0]) in (Union, UnionType)


@lru_cache(maxsize=256)
def _fields(kind: Any) -> tuple[Field[Any], ...]:
    return tuple(f for f in fields(kind) if get_origin(_hints(kind)[f.name]) is not Literal)


@lru_cache(maxsize=256)
def _fields_by_api_name(kind: Any) -> Mapping[str, Field[Any]]:
    return {api_name(kind, f.name): f for f in _fields(kind)}


@lru_cache(maxsize=256)
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _tag(kind: type) -> str:
    return kind.__name__[0].lower() + kind.__name__[1:]


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default is not MISSING:
        return type(value) is type(field.default) and bool(value == field.default)
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return False
