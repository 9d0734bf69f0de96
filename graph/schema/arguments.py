"""The arguments that many fields have."""

from __future__ import annotations

from typing import Annotated, TypeVar

import strawberry

from graph.schema.scalars import Cursor

T = TypeVar("T")

Input = Annotated[T, strawberry.argument(description="Input of the mutation.")]
First = Annotated[
    int | None,
    strawberry.argument(
        description=(
            "Page size, 1 to 100; the default is 20. Larger values count as 100, and smaller ones are "
            "refused."
        )
    ),
]
After = Annotated[
    Cursor | None,
    strawberry.argument(
        description="Cursor to continue behind; omit to start with the first item."
    ),
]
Id = Annotated[strawberry.ID, strawberry.argument(description="Global id of the object.")]
