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
Last = Annotated[
    int | None,
    strawberry.argument(
        description=(
            "Page size from the end of the list, instead of `first`: the last items, or those right "
            "before the cursor `before`; 1 to 100, and larger values count as 100."
        )
    ),
]
Before = Annotated[
    Cursor | None,
    strawberry.argument(description="Cursor to stop before; omit to stop at the last item."),
]
Id = Annotated[strawberry.ID, strawberry.argument(description="Global id of the object.")]
