"""Descriptions that stand on the fields that they describe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Doc:
    """Describes a field: `Annotated[int, Doc("…")]`. The GraphQL schema shows the text."""

    text: str
