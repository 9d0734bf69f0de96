"""The schema: one per process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext as Execution

from graph.building import add_builders
from graph.execution import ExecutionContext, add_readers
from graph.mutations import Mutation
from graph.queries import Query
from graph.scalars import SCALARS
from graph.subscriptions import Subscription
from graph.types import enums
from graph.types.actions import ACTIONS
from graph.types.errors import HANDLERS
from graph.types.events import EVENTS
from graph.types.workflows import VersionType

assert enums


class Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: Execution | None = None
    ) -> None:
        """Whoever answers the request logs what is worth it."""


def build_schema(extensions: Sequence[Callable[[], SchemaExtension]] = ()) -> strawberry.Schema:
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[VersionType, *EVENTS, *ACTIONS],
        extensions=list(extensions),
        exception_handlers=HANDLERS,
        config=StrawberryConfig(scalar_map=SCALARS),
        execution_context_class=ExecutionContext,
    )
    add_readers(schema._schema)
    add_builders(schema._schema)
    return schema
