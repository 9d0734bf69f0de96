"""Durations that the domain keeps as numbers of seconds or milliseconds."""

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from typing import Any

import strawberry

from graph.schema.scalars import Duration


def duration_field(
    attribute: str, description: str, *, unit: str = "seconds", nullable: bool = False
) -> Any:
    """A field of type `Duration`, read from an attribute that is a number of this unit. The attribute may
    be one of an attribute, such as `spec.timeout`."""
    number = attrgetter(attribute)

    def read(root: Any) -> Duration | None:
        value = number(root)
        return None if value is None else Duration(timedelta(**{unit: value}))

    return strawberry.field(
        resolver=read,
        graphql_type=Duration | None if nullable else Duration,
        description=description,
    )
