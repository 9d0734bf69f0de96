"""Custom scalars."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from domain.common import money
from domain.common.durations import format_duration, parse_duration
from domain.common.json_values import MAX_DOCUMENT_DEPTH, is_too_deep

Cursor = NewType("Cursor", str)
Duration = NewType("Duration", timedelta)
Json = NewType("Json", object)
Money = NewType("Money", int)


def parse_money(value: Any) -> int:
    if not isinstance(value, str):
        raise TypeError('An amount must be a string, such as "1.25", because floats are not exact.')
    return money.parse_usd(value)


def parse_json(value: Any) -> Any:
    if is_too_deep(value, MAX_DOCUMENT_DEPTH):
        raise ValueError(f"JSON must be nested at most {MAX_DOCUMENT_DEPTH} levels deep.")
    return value


def _parse_cursor(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("A cursor must be a string that this API returned.")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    Cursor: strawberry.scalar(
        name="Cursor",
        description=(
            "Opaque position in a list or in the event log of a call; send back the "
            "value that you received."
        ),
        serialize=str,
        parse_value=_parse_cursor,
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description="A duration in ISO 8601, for instance `PT1H30M` or `PT2.5S`.",
        specified_by_url="https://www.iso.org/iso-8601-date-and-time-format.html",
        serialize=format_duration,
        parse_value=parse_duration,
    ),
    Money: strawberry.scalar(
        name="Money",
        description=(
            "An exact amount in US dollars, as a string with at most nine decimal "
            'places: `"0.0045"`.'
        ),
        specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
        serialize=money.format_usd,
        parse_value=parse_money,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value (RFC 8259), nested at most 64 levels deep.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=lambda value: value,
        parse_value=parse_json,
    ),
}
