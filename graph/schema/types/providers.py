"""Providers and the choice of one."""

from __future__ import annotations

import strawberry

from domain.providers.model import OptionType, ProviderKind
from domain.workflows.agents import ProviderChoice
from graph.schema.scalars import Json
from graph.schema.types.inputs import json_object


@strawberry.type(description="A setting of a provider.")
class ProviderOption:
    name: str = strawberry.field(description="Its key in options.")
    type: OptionType = strawberry.field(description="What it takes.")
    help: str = strawberry.field(description="What it does.")
    default: Json | None = strawberry.field(
        description="What holds when it is left out; null: the provider decides."
    )
    minimum: float | None = strawberry.field(description="The least it may be.")
    maximum: float | None = strawberry.field(description="The most it may be.")
    choices: list[str] = strawberry.field(description="All that it may be; empty: anything.")


@strawberry.type(description="A value that you bring to use a provider.")
class CredentialField:
    name: str = strawberry.field(description="Its name.")
    label: str = strawberry.field(description="What a form calls it.")
    help: str = strawberry.field(description="Where to get it.")
    secret: bool = strawberry.field(description="Whether it must not be shown.")


@strawberry.type(description="A provider that agents can choose.")
class Provider:
    kind: ProviderKind = strawberry.field(description="What it does in a call.")
    name: str = strawberry.field(description="What agents name it by.")
    display_name: str = strawberry.field(description="For people.")
    models: list[str] = strawberry.field(description="Known models; newer ones work too.")
    options: list[ProviderOption] = strawberry.field(description="What can be set.")
    languages: list[str] = strawberry.field(
        description="What it hears or speaks, as BCP 47 tags; empty where that is no question."
    )
    voices: list[str] = strawberry.field(description="Known voices; others work too.")
    needs_key: bool = strawberry.field(description="Whether it needs a key of yours.")
    credentials: list[CredentialField] = strawberry.field(description="What you bring for it.")


@strawberry.type(name="Fallback", description="Who is asked when a provider fails.")
class FallbackType:
    provider: str = strawberry.field(description="Its name in the catalogue.")
    model: str = strawberry.field(description="One of its models.")
    options: Json = strawberry.field(description="Options of the provider.")


@strawberry.type(name="ProviderChoice", description="A provider, its model, and options for it.")
class ProviderChoiceType:
    provider: str = strawberry.field(description="Its name in the catalogue.")
    model: str = strawberry.field(description="One of its models.")
    options: Json = strawberry.field(description="Options of the provider.")
    fallbacks: list[FallbackType] = strawberry.field(
        description="Who is asked, in order, when it fails."
    )


@strawberry.input(description="Who is asked when a provider fails.")
class FallbackInput:
    provider: str = strawberry.field(description="Its name in the catalogue.")
    model: str = strawberry.field(default="", description="One of its models.")
    options: Json | None = strawberry.field(default=None, description="Options of the provider.")

    def choice(self) -> ProviderChoice:
        return ProviderChoice(
            provider=self.provider, model=self.model, options=json_object(self.options, "options")
        )


@strawberry.input(description="A provider, its model, and options for it.")
class ProviderChoiceInput:
    provider: str = strawberry.field(description="Its name in the catalogue.")
    model: str = strawberry.field(default="", description="One of its models.")
    options: Json | None = strawberry.field(default=None, description="Options of the provider.")
    fallbacks: list[FallbackInput] = strawberry.field(
        default_factory=list, description="Who is asked, in order, when it fails."
    )

    def choice(self) -> ProviderChoice:
        return ProviderChoice(
            provider=self.provider,
            model=self.model,
            options=json_object(self.options, "options"),
            fallbacks=tuple(fallback.choice() for fallback in self.fallbacks),
        )
