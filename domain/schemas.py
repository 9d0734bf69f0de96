"""JSON Schema (draft 2020-12) for the arguments of tools, made safe for schemas that others wrote.

A schema refers to nothing outside itself and not to itself, expands to a bounded size, and its
patterns are RE2's, which match in linear time. So checking arguments always ends soon."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

import re2
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import SchemaError
from jsonschema.validators import extend
from referencing import Registry

from domain.errors import InvalidInput, Path

MOST_PARTS = 2_000
DEEPEST = 20
LARGEST_ARGUMENTS = 65_536
TOO_LARGE = f"The arguments are larger than {LARGEST_ARGUMENTS} bytes."

REFUSED = ("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$id", "$anchor")


def check_schema(schema: Any, path: Path) -> Mapping[str, Any]:
    """The schema itself, or `InvalidInput` that names the place in it."""
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        raise InvalidInput('parameters must be a JSON Schema with "type": "object".', path)
    for way, part in _parts(schema, path):
        _check_part(part, way)
    _check_size(schema, path)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = "/".join(map(str, error.absolute_path)) or "parameters"
        raise InvalidInput(f"{where}: {error.message[:300]}", path) from None
    return schema


def objection(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str | None:
    """Why these arguments are not acceptable, for the model to mend."""
    if len(json.dumps(arguments, default=str)) > LARGEST_ARGUMENTS:
        return TOO_LARGE
    validator = _validator(json.dumps(schema, sort_keys=True, default=dict))
    try:
        errors = sorted(validator.iter_errors(arguments), key=lambda e: list(map(str, e.path)))
    except RecursionError:
        return "The arguments are nested too deep."
    if not errors:
        return None
    where = "/".join(map(str, errors[0].absolute_path)) or "arguments"
    return f"{where}: {errors[0].message[:500]}"


# ---- patterns ------------------------------------------------------------------------------


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return re2.compile(pattern, options=options)


_compiled_once = lru_cache(1_024)(_compiled)


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _compiled_once(pattern).search(instance):
        yield ValidationError(f"{instance[:80]!r} does not match {pattern!r}")


_Validator: Any = cast(Any, extend)(Draft202012Validator, {"pattern": _pattern})


@lru_cache(1_024)
def _validator(schema: str) -> Any:
    return _Validator(json.loads(schema), registry=Registry())


# ---- what a schema may hold ----------------------------------------------------------------


def _parts(schema: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every object of it, however deep, with the way there."""
    left: list[tuple[Path, Any]] = [(path, schema)]
    count = 0
    while left:
        way, value = left.pop()
        count += 1
        if count > MOST_PARTS or len(way) - len(path) > 2 * DEEPEST:
            raise InvalidInput("The schema is too large or nested too deep.", path)
        if isinstance(value, Mapping):
            yield way, value
            left += [((*way, str(key)), inner) for key, inner in value.items()]
        elif isinstance(value, list | tuple):
            left += [((*way, str(place)), inner) for place, inner in enumerate(value)]


def _check_part(part: Mapping[str, Any], way: Path) -> None:
    for word in REFUSED:
        if word in part and way[-1] != "properties":
            raise InvalidInput(f"{word} is not supported: write the schema out.", (*way, word))
    reference = part.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#/$defs/"):
        raise InvalidInput(
            f"$ref {reference[:80]!r} must lead to #/$defs/… of this schema.", (*way, "$ref")
        )
    if "patternProperties" in part and way[-1] != "properties":
        raise InvalidInput("patternProperties is not supported.", (*way, "patternProperties"))
    pattern = part.get("pattern")
    if isinstance(pattern, str):
        try:
            _compiled_once(pattern)
        except re2.error:
            raise InvalidInput(
                f"{pattern[:80]!r} is no RE2 pattern; look-around and back references are not "
                "supported.",
                (*way, "pattern"),
            ) from None


def _check_size(schema: Mapping[str, Any], path: Path) -> None:
    """Of the schema with its references written out."""
    definitions = schema.get("$defs", {})
    sizes: dict[str, int] = {}

    def size(value: Any, within: tuple[str, ...]) -> int:
        if isinstance(value, Mapping):
            reference = value.get("$ref")
            own = 1 + sum(size(v, within) for k, v in value.items() if k != "$defs")
            return own + (referred(reference, within) if isinstance(reference, str) else 0)
        if isinstance(value, list | tuple):
            return 1 + sum(size(item, within) for item in value)
        return 1

    def referred(reference: str, within: tuple[str, ...]) -> int:
        name = reference.removeprefix("#/$defs/")
        if name in within:
            raise InvalidInput(f"$defs/{name} refers to itself.", (*path, "$defs", name))
        if name not in definitions:
            raise InvalidInput(f"There is no $defs/{name}.", (*path, "$defs"))
        if name not in sizes:
            sizes[name] = size(definitions[name], (*within, name))
        return sizes[name]

    for name in definitions:
        referred(f"#/$defs/{name}", ())
    if size(schema, ()) > MOST_PARTS:
        raise InvalidInput(f"The schema, written out, has more than {MOST_PARTS} parts.", path)
