"""Changes to data, in which whatever is left out stays as it is, at any depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, cast

from domain.common.casing import camel
from domain.common.errors import InvalidInput, Path, Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch(Generic[T]):
    """Changes to one object, by the names of its fields; those of an object inside are a patch, too."""

    new: Callable[..., T]
    """Makes the object where there is none yet."""
    path: Path
    changes: Mapping[str, Any]
    required: Mapping[str, Any] = field(default_factory=dict)
    """Fields that a new object must have, each with what stands in for it while the rest is checked."""
    resets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fields whose new value takes away what others mean: those return to their defaults."""

    def apply(self, current: T | None, problems: list[Problem]) -> T:
        """The changed object. Adds what a new object lacks to the problems."""
        values = {
            name: change.apply(getattr(current, name, None), problems)
            if isinstance(change, Patch)
            else change
            for name, change in self.changes.items()
        }
        if current is None:
            return self.new(**self._missing(values, problems), **values)
        return cast(T, replace(cast(Any, current), **self._reset(current, values), **values))

    def _missing(self, values: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
        missing = {name: neutral for name, neutral in self.required.items() if name not in values}
        problems.extend(
            InvalidInput(f"{camel(name)} is missing.", (*self.path, camel(name)))
            for name in missing
        )
        return missing

    def _reset(self, current: T, values: Mapping[str, Any]) -> dict[str, Any]:
        changed = [
            name
            for name in self.resets
            if name in values and values[name] != getattr(current, name)
        ]
        if not changed:
            return {}
        fresh = self.new(**{name: values[name] for name in changed})
        others = {other for name in changed for other in self.resets[name]} - set(values)
        return {name: getattr(fresh, name) for name in others}


def patched(current: T, changes: Mapping[str, Any], problems: list[Problem]) -> T:
    """The object with these changes, of which some may be patches. Adds to the problems what these
    report."""
    return Patch(new=type(current), path=(), changes=changes).apply(current, problems)
