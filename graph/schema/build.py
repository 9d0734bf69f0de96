"""Builds the schema, once per process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext as Execution

from graph.requests.execution import ExecutionContext, add_readers
from graph.schema.description import DESCRIPTION
from graph.schema.input_plans import add_input_builders
from graph.schema.mutations import Mutation
from graph.schema.queries import Query
from graph.schema.required_scopes import Requires, declare_required_scopes
from graph.schema.scalars import SCALARS
from graph.schema.subscriptions import Subscription
from graph.schema.types import enums
from graph.schema.types.actions import ACTIONS
from graph.schema.types.errors import HANDLERS
from graph.schema.types.events import EVENTS
from graph.schema.types.workflows import VersionType

assert enums


class Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: Execution | None = None
    ) -> None:
        """Log nothing: the code that answers the request logs its errors."""

    def as_str(self) -> str:
        """The schema in SDL. Strawberry does not print the description of a schema."""
        roots = ("query", "mutation", "subscription")
        fields = "\n".join(f"  {root}: {root.title()}" for root in roots)
        return f'"""\n{DESCRIPTION}\n"""\nschema {{\n{fields}\n}}\n\n{super().as_str()}'


def build_schema(extensions: Sequence[Callable[[], SchemaExtension]] = ()) -> strawberry.Schema:
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[VersionType, *EVENTS, *ACTIONS, Requires],
        extensions=list(extensions),
        exception_handlers=HANDLERS,
        config=StrawberryConfig(scalar_map=SCALARS),
        execution_context_class=ExecutionContext,
    )
    declare_required_scopes(schema)
    add_readers(schema._schema)
    add_input_builders(schema._schema)
    schema._schema.description = DESCRIPTION
    return schema
