"""A small schema of the same shape as the product's, for tests of the transports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.extensions import SchemaExtension

from domain.calls.events import AgentTurn, EphemeralEvent, StoredEvent
from domain.calls.model import CallId
from domain.common.errors import InvalidInput, RateLimited
from resolvers.context import Ctx


@strawberry.enum
class Colour(Enum):
    RED = "red"


@strawberry.type
class Item:
    name: str = "item"

    @strawberry.field
    def items(self, first: int = 20) -> list[Item]:
        return [Item()] * min(first, 3)


@strawberry.type
class Edge:
    node: Item = strawberry.field(default_factory=Item)


@strawberry.type
class Page:
    edges: list[Edge]


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "you") -> str:
        return f"hello {name}"

    @strawberry.field
    def who(self, info: Ctx) -> str:
        return info.context.require().subject.split(":")[0]

    @strawberry.field
    def boom(self) -> str | None:
        raise KeyError("a phone number")

    @strawberry.field
    def wrong(self) -> Colour | None:
        return "blue"  # type: ignore[return-value]

    @strawberry.field
    def picky(self) -> str | None:
        raise InvalidInput("That is too long.", ("input", "name"))

    @strawberry.field
    def busy(self) -> str | None:
        raise RateLimited("Later.", retry_after=2.5)

    @strawberry.field
    def items(self, first: int | None = 20) -> Page:
        return Page(edges=[Edge()] * min(first or 20, 3))

    @strawberry.field
    def json(self) -> strawberry.scalars.JSON:
        return {"big": 2**80, "nothing": None}  # type: ignore[return-value]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def login(self, email: str) -> str:
        return email

    @strawberry.mutation
    def change(self) -> str:
        return "changed"


executed: list[str] = []
"""The texts for which `counted` was resolved."""

may_end = asyncio.Event()

Root = strawberry.Parent[Any]


@strawberry.interface
class CallEvent:
    """Fields of `StoredEvent`."""

    @strawberry.field
    def seq(root: Root) -> int:
        return root.seq  # type: ignore[no-any-return]

    @strawberry.field
    def cursor(root: Root) -> str:
        return root.cursor  # type: ignore[no-any-return]

    @strawberry.field
    def at(root: Root) -> datetime:
        return root.at  # type: ignore[no-any-return]

    @strawberry.field
    async def call(root: Root, info: Ctx) -> str:
        await asyncio.sleep(0)
        return info.context.require().subject


@strawberry.type
class Said(CallEvent):
    @classmethod
    def is_type_of(cls, obj: object, info: object) -> bool:
        return isinstance(obj, StoredEvent) and isinstance(obj.event, AgentTurn)

    @strawberry.field
    def text(root: Root) -> str:
        return root.event.text  # type: ignore[no-any-return]

    @strawberry.field
    def counted(root: Root) -> str:
        executed.append(root.event.text)
        return root.event.text  # type: ignore[no-any-return]

    @strawberry.field
    def shout(root: Root, mark: str = "!") -> str:
        return f"{root.event.text.upper()}{mark}"

    @strawberry.field
    def watcher(root: Root, info: Ctx) -> str:
        return info.context.require().subject

    @strawberry.field
    def broken(root: Root) -> str | None:
        raise ValueError(root.event.text)


@strawberry.type
class Other(CallEvent):
    @classmethod
    def is_type_of(cls, obj: object, info: object) -> bool:
        return isinstance(obj, StoredEvent) and not isinstance(obj.event, AgentTurn)

    @strawberry.field
    def kind(root: Root) -> str:
        return root.event.kind  # type: ignore[no-any-return]


@strawberry.type
class Partial:
    @classmethod
    def is_type_of(cls, obj: object, info: object) -> bool:
        return isinstance(obj, EphemeralEvent)

    @strawberry.field
    def words(root: Root) -> str:
        return root.event.text  # type: ignore[no-any-return]


Update = Annotated[Said | Other | Partial, strawberry.union("Update")]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def call_events(
        self, info: Ctx, call_id: strawberry.ID, after: str | None = None
    ) -> AsyncIterator[Update]:
        viewer = info.context.require()
        async for update in info.context.services.streams.follow(
            viewer.tenant_id, CallId(UUID(call_id)), after
        ):
            yield update  # type: ignore[misc]

    @strawberry.subscription
    async def alone(
        self, info: Ctx, call_id: strawberry.ID, after: str | None = None
    ) -> AsyncIterator[Update]:
        """The same events, executed for each subscriber."""
        viewer = info.context.require()
        async for update in info.context.services.streams.follow(
            viewer.tenant_id, CallId(UUID(call_id)), after
        ):
            yield update  # type: ignore[misc]

    @strawberry.subscription
    async def ticks(self, most: int = 3, every: float = 0.0) -> AsyncIterator[int]:
        for n in range(most):
            yield n
            await asyncio.sleep(every)

    @strawberry.subscription
    async def flood(self) -> AsyncIterator[str]:
        while True:
            yield "x" * 65_536

    @strawberry.subscription
    async def breaks_on_leaving(self) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            raise KeyError("secret")

    @strawberry.subscription
    async def lingers(self) -> AsyncIterator[int]:
        """Ignores cancellation until `may_end` is set."""
        yield 1
        while not may_end.is_set():
            with suppress(asyncio.CancelledError):
                await may_end.wait()

    @strawberry.subscription
    async def breaks(self) -> AsyncIterator[int]:
        yield 1
        raise KeyError("secret")


def toy_schema(extensions: Sequence[Callable[[], SchemaExtension]]) -> Any:
    return strawberry.Schema(Query, Mutation, Subscription, extensions=list(extensions))
