"""Where the paths of domain errors become paths of the API."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver

from domain.audit.origin import performing
from domain.common.errors import DomainError


class ErrorPaths(FieldExtension):
    """Makes the path of each domain error start with the argument that contains the value at fault,
    because the domain does not know the arguments of the API. Names the mutation for the audit log."""

    def __init__(self, argument: str) -> None:
        self.argument = argument

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        try:
            with performing(info.field_name):
                return await next_(source, info, **kwargs)
        except DomainError as error:
            raise error.within(self.argument) from None


def mutation(description: str) -> Any:
    """Declares a mutation. All of its values are in its argument `input`."""
    return strawberry.mutation(description=description, extensions=[ErrorPaths("input")])
