"""Reading inputs: their conversion to domain data and to changes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from strawberry import Some

from domain.common.casing import camel
from domain.common.errors import DomainError, InvalidInput, NotFound, Path, Problem
from domain.common.patches import Patch
from resolvers.context import RequestContext
from resolvers.global_ids import require_id

T = TypeVar("T")
D = TypeVar("D")

NO_ID = UUID(int=0)


class InputReader:
    """Reads one input. A value that cannot be read is replaced by a neutral one, so that the rest can be
    checked too, and `problems` says what is wrong with it."""

    def __init__(self, path: Path = (), outer: InputReader | None = None) -> None:
        self.path = path
        self.problems: list[Problem] = outer.problems if outer else []
        self._given_names: dict[Path, str] = outer._given_names if outer else {}
        """How the request calls a value, where the domain has another name for it."""

    async def run(
        self,
        context: RequestContext,
        use_case: Callable[..., Awaitable[T]],
        *args: Any,
        **more: Any,
    ) -> T:
        """Run a use case with what was read. It raises the problems together with those it finds."""
        return await self.renaming(context.run(use_case, *args, found=self.problems, **more))

    async def renaming(self, result: Awaitable[T]) -> T:
        """Wait for a result, whose errors get the names by which the request gave the values."""
        try:
            return await result
        except DomainError as error:
            raise error.renamed(self._given_names) from None

    def at(self, *keys: str) -> InputReader:
        """The reader of a value inside this one."""
        return InputReader((*self.path, *keys), self)

    def reject(self, message: str) -> None:
        self.problems.append(InvalidInput(message, self.path))

    def read(self, otherwise: T, convert: Callable[..., T], *args: Any) -> T:
        """What a conversion of the domain returns, which takes the path as its last argument."""
        try:
            return convert(*args, self.path)
        except (InvalidInput, NotFound) as problem:
            self.problems += problem.problems
            return otherwise

    def id(self, kind: str, text: str) -> UUID:
        return self.read(NO_ID, require_id, kind, text)

    def either(self, input: Any, name: str, old_name: str) -> Any:
        """The value that an input has by its name or by its old name; None by neither."""
        value, old_value = getattr(input, name), getattr(input, old_name)
        if value is None:
            return old_value
        # Reported under the name that the domain knows, which becomes the name that was given.
        here = self._named(old_name, name)
        if old_value is not None:
            here.reject(f"Give {camel(name)} or {camel(old_name)}, not both.")
        return value

    def seconds(self, input: Any, name: str, old_name: str) -> float | None:
        """A duration in seconds, which an input has as a `Duration` or, by its old name, as a number."""
        value = self.either(input, name, old_name)
        if value is None:
            return None
        return value.total_seconds() if isinstance(value, timedelta) else float(value)

    def required_seconds(self, input: Any, name: str, old_name: str) -> float:
        seconds = self.seconds(input, name, old_name)
        if seconds is None:
            self._named(old_name, name).reject(f"{camel(name)} is missing.")
        return seconds or 0.0

    def _named(self, domain_name: str, name: str) -> InputReader:
        here = self.at(camel(domain_name))
        self._given_names[here.path] = camel(name)
        return here

    def renamed(self, input: Any, name: str, domain_name: str) -> Any:
        """A value that the domain has by another name."""
        self._named(domain_name, name)
        return getattr(input, name)

    def duration(self, input: Any, name: str, domain_name: str) -> float | None:
        """A duration in seconds, which the domain has by another name."""
        value: timedelta | None = self.renamed(input, name, domain_name)
        return None if value is None else value.total_seconds()

    def ringing_seconds(self, input: Any) -> int | None:
        seconds = self.duration(input, "ringing_timeout", "ringing_seconds")
        return None if seconds is None else int(seconds)

    def changes(
        self, patch: Any, fields: Fields, nullable: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """The fields that a patch sets, by their names in the domain."""
        changes: dict[str, Any] = {}
        names: dict[str, str] = {}
        for name, (target, read) in fields.items():
            given = getattr(patch, name)
            if not isinstance(given, Some):
                continue
            here = self.at(camel(name))
            is_null = given.value is None and read not in READ_NULL
            if is_null and name not in nullable:
                here.reject(f"{camel(name)} cannot be null; omit it instead.")
            elif target in names:
                here.reject(f"Give {names[target]} or {camel(name)}, not both.")
            else:
                names[target] = camel(name)
                changes[target] = None if is_null else read(given.value, here)
                self._named(target, name)
        return changes

    def patch(
        self,
        input: Any,
        new: Callable[..., T],
        fields: Fields,
        *,
        nullable: frozenset[str] = frozenset(),
        required: Mapping[str, Any] | None = None,
        resets: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Patch[T]:
        """The changes that a nested input makes."""
        return Patch(
            new=new,
            path=self.path,
            changes=self.changes(input, fields, nullable),
            required=required or {},
            resets=resets or {},
        )


Read = Callable[[Any, InputReader], Any]
Fields = Mapping[str, tuple[str, Read]]
"""The fields of an input by their names in Python, each with its name in the domain and how it is read.
Two fields may have the same name in the domain; a request gives one of them."""


class Nested(Protocol[T]):
    """An input that patches an object inside another one."""

    def patch(self, reader: InputReader) -> Patch[T]: ...


def created(input: Nested[T] | None, reader: InputReader, otherwise: D) -> T | D:
    """The new object that a nested input describes; `otherwise` without an input."""
    return otherwise if input is None else input.patch(reader).apply(None, reader.problems)


def same(*names: str) -> Fields:
    """Fields that have their own names in the domain, too, and are taken as they are."""
    return {name: (name, identity) for name in names}


def identity(value: Any, _reader: InputReader) -> Any:
    return value


def as_tuple(value: Any, _reader: InputReader) -> Any:
    return tuple(value)


def seconds(duration: timedelta, _reader: InputReader) -> float:
    return duration.total_seconds()


def whole_seconds(duration: timedelta, _reader: InputReader) -> int:
    return int(duration.total_seconds())


def json_object(value: Any, reader: InputReader) -> Mapping[str, Any]:
    """The value as a JSON object; empty when it is null."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    reader.reject(f"{reader.path[-1]} must be a JSON object.")
    return {}


def json_texts(value: Any, reader: InputReader) -> dict[str, str]:
    """The value as a JSON object of texts; empty when it is null."""
    return {name: str(text) for name, text in json_object(value, reader).items()}


def text_values(value: Any, reader: InputReader) -> Mapping[str, str]:
    """The value as a JSON object whose values are texts already; empty when it is null."""
    texts = json_object(value, reader)
    for name, text in texts.items():
        if not isinstance(text, str):
            reader.at(name).reject(f"The value of {name[:64]!r} must be a text.")
    return {name: text for name, text in texts.items() if isinstance(text, str)}


READ_NULL = frozenset[Read]({json_object, json_texts})
"""What reads null as a value of its own."""
