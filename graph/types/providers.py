"""Providers and the choice of one."""

from __future__ import annotations

from typing import Any

import strawberry

from domain.agents import ProviderChoice
from domain.providers import ProviderKind
from graph.scalars import Json


@strawberry.type(description="A provider that agents can choose.")
class Provider:
    kind: ProviderKind = strawberry.field(description="What it does in a call.")
    name: str = strawberry.field(description="What agents name it by.")
    display_name: str = strawberry.field(description="For people.")
    models: list[str] = strawberry.field(description="Known models; newer ones work too.")
    needs_key: bool = strawberry.field(description="Whether it needs a key of yours.")


@strawberry.type(name="ProviderChoice", description="A provider, its model, and options for it.")
class ProviderChoiceType:
    provider: str = strawberry.field(description="Its name in the catalogue.")
    model: str = strawberry.field(description="One of its models.")
    options: Json = strawberry.field(description="Options of the provider.")


@strawberry.input(description="A provider, its model, and options for it.")
class ProviderChoiceInput:
    provider: str = strawberry.field(description="Its name in the catalogue.")
    model: str = strawberry.field(description="One of its models.")
    options: Json | None = strawberry.field(default=None, description="Options of the provider.")

    def choice(self) -> ProviderChoice:
        options: Any = self.options or {}
        return ProviderChoice(provider=self.provider, model=self.model, options=options)
