"""GraphQL types generated from the event classes of the domain, so that an event is defined once.

The docstring of the class is the description of the type; each field is described by its `Doc`. A
durable event is read from a `StoredEvent` (the event with its position in the log), an ephemeral
one from an `EphemeralEvent`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import strawberry

from domain.calls import events
from domain.calls.events import EphemeralEvent, StoredEvent
from domain.common.casing import camel
from domain.common.doc import Doc
from domain.providers import usage as domain
from domain.workflows.answering import AnswerEvidence
from graph.schema.scalars import Duration, Json
from graph.schema.types.durations import duration_field
from graph.schema.types.usage import Usage

LIST_TYPES: dict[type, Any] = {
    str: list[str],
    domain.Usage: list[Usage],
    AnswerEvidence: list[AnswerEvidence],
}
"""GraphQL types of tuples, by the type of their items."""
UNITS = {"_ms": "milliseconds", "_seconds": "seconds"}
"""The units of durations, by the endings of the fields' names."""
IN_UNIT = re.compile(", in (milli)?seconds")
DURATION_NAMES = {"seconds": "duration"}
"""Names of durations whose field is named after the unit alone."""
DEPRECATED_NUMBERS: Mapping[type, frozenset[str]] = {
    events.CallEnded: frozenset({"duration_ms"}),
    events.CallerSilent: frozenset({"seconds"}),
    events.ToolFinished: frozenset({"duration_ms"}),
    events.TurnMeasured: frozenset(
        {
            "total_ms",
            "stt_ms",
            "end_of_turn_ms",
            "llm_first_token_ms",
            "tts_first_byte_ms",
            "playback_ms",
            "first_audio_ms",
            "at_ear_ms",
        }
    ),
}
"""The durations that earlier releases had as numbers. They remain as deprecated fields."""


def event_type(source: type, bases: tuple[type, ...] = ()) -> Any:
    """The GraphQL type for events of this class."""
    types = get_type_hints(source)
    annotated = get_type_hints(source, include_extras=True)
    body: dict[str, Any] = {"__annotations__": {}, "is_type_of": _event_check(source)}
    for field in dataclasses.fields(source):
        if field.name == "kind":
            continue
        hint, description = types[field.name], _description(annotated[field.name])
        duration = duration_name(field.name)
        if duration is None or field.name in DEPRECATED_NUMBERS.get(source, ()):
            body["__annotations__"][field.name] = _graphql_type(field.name, hint)
            body[field.name] = strawberry.field(
                resolver=_event_attribute(field.name),
                graphql_type=_graphql_type(field.name, hint),
                description=description,
                deprecation_reason=f"Use `{camel(duration)}`." if duration else None,
            )
        if duration:
            nullable = NoneType in get_args(hint)
            body["__annotations__"][duration] = Duration | None if nullable else Duration
            body[duration] = _duration_field(field.name, description or "", nullable)
    event = type(source.__name__, bases, body)
    return strawberry.type(event, description=_plain_text(source.__doc__ or ""))


def _event_check(source: type) -> Callable[[Any, Any], bool]:
    def is_type_of(value: Any, _info: Any) -> bool:
        return isinstance(value, StoredEvent | EphemeralEvent) and type(value.event) is source

    return is_type_of


def _event_attribute(name: str) -> Callable[[Any], Any]:
    def read(root: Any) -> Any:
        return getattr(root.event, name)

    return read


def duration_name(name: str) -> str | None:
    """The name of the field of type `Duration`; None unless the field is a number of seconds or
    milliseconds."""
    ending = next((ending for ending in UNITS if name.endswith(ending)), None)
    return DURATION_NAMES.get(name) if ending is None else name.removesuffix(ending)


def _duration_field(name: str, description: str, nullable: bool) -> Any:
    unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "seconds")
    in_unit = IN_UNIT.sub("", description)
    return duration_field(f"event.{name}", in_unit, unit=unit, nullable=nullable)


def _graphql_type(name: str, hint: Any) -> Any:
    if name.endswith("_id"):
        return strawberry.ID | None if NoneType in get_args(hint) else strawberry.ID
    if hint is Any:
        return Json | None
    if get_origin(hint) is Mapping:
        return Json
    if get_origin(hint) is tuple:
        item, _ellipsis = get_args(hint)
        return LIST_TYPES[item]
    return hint


def _description(annotated: Any) -> str | None:
    """The text of the field's `Doc`; None when it has none."""
    return next((each.text for each in get_args(annotated) if isinstance(each, Doc)), None)


def _plain_text(docstring: str) -> str:
    return re.sub(r"\s+", " ", docstring).strip()
