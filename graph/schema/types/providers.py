"""Providers, and the choice of a provider with its fallbacks."""

from __future__ import annotations

import strawberry

from domain.common.patches import Patch
from domain.providers.model import OptionType, ProviderKind
from domain.providers.model import Provider as CatalogProvider
from domain.workflows.agents import ProviderChoice
from graph.schema.scalars import Json
from graph.schema.types.inputs import InputReader, json_object, same
from resolvers.context import Ctx


@strawberry.type(description="An option of a provider.")
class ProviderOption:
    name: str = strawberry.field(description="Key of the option in `options`.")
    type: OptionType = strawberry.field(description="Type of the value.")
    help: str = strawberry.field(description="Human-readable explanation of what the option does.")
    default: Json | None = strawberry.field(
        description="Value when the option is omitted; null when the provider decides."
    )
    minimum: float | None = strawberry.field(
        description="Minimum of a numeric value; null for none."
    )
    maximum: float | None = strawberry.field(
        description="Maximum of a numeric value; null for none."
    )
    choices: list[str] = strawberry.field(
        description="All allowed values; empty when any value is allowed."
    )


@strawberry.type(description="A value of a credential for a provider.")
class CredentialField:
    name: str = strawberry.field(description="Key of the value.")
    label: str = strawberry.field(description="Label of the value in a form.")
    help: str = strawberry.field(description="Where to get the value.")
    secret: bool = strawberry.field(description="Whether the value must be masked in a form.")
    required: bool = strawberry.field(description="Whether the value must be supplied.")
    choices: list[str] = strawberry.field(
        description="All allowed values; empty when any value is allowed."
    )


@strawberry.type(description="A provider that agents can use.")
class Provider:
    kind: ProviderKind = strawberry.field(description="Role of the provider in a call.")
    name: str = strawberry.field(
        description="Name of the provider; agents refer to it by this name."
    )
    display_name: str = strawberry.field(description="Display name of the provider.")
    models: list[str] = strawberry.field(description="Known models; newer ones work, too.")
    options: list[ProviderOption] = strawberry.field(description="Options that can be set.")
    languages: list[str] = strawberry.field(
        description=("Supported languages as BCP 47 tags; empty when the language does not matter.")
    )
    voices: list[str] = strawberry.field(
        description="Known voices of a TTS provider; others work, too."
    )
    needs_key: bool = strawberry.field(description="Whether the provider requires a key.")
    credentials: list[CredentialField] = strawberry.field(
        description="Values of a credential for the provider."
    )

    @strawberry.field(
        description=(
            "Whether the operator of the installation has a key of the provider, which calls use unless "
            "you set your own."
        )
    )
    def has_operator_key(self, provider: strawberry.Parent[CatalogProvider], info: Ctx) -> bool:
        return provider.name in info.context.services.provider_keys


@strawberry.type(
    name="Fallback", description="A provider to fall back to when the ones before it fail."
)
class FallbackType:
    provider: str = strawberry.field(description="Name of the provider in the catalog.")
    model: str = strawberry.field(description="Name of one of its models.")
    credential: str | None = strawberry.field(
        description=(
            "Label of your credential for the provider; null for the one without a label, or else the "
            "operator's."
        )
    )
    options: Json = strawberry.field(description="Options of the provider, as an object.")


@strawberry.type(
    name="ProviderChoice", description="A provider, one of its models, and options for it."
)
class ProviderChoiceType:
    provider: str = strawberry.field(description="Name of the provider in the catalog.")
    model: str = strawberry.field(description="Name of one of its models.")
    credential: str | None = strawberry.field(
        description=(
            "Label of your credential for the provider; null for the one without a label, or else the "
            "operator's."
        )
    )
    options: Json = strawberry.field(description="Options of the provider, as an object.")
    fallbacks: list[FallbackType] = strawberry.field(
        description="Providers to use, in order, when this one fails."
    )


@strawberry.input(description="A provider to fall back to when the ones before it fail.")
class FallbackInput:
    provider: str = strawberry.field(description="Name of the provider in the catalog.")
    model: str = strawberry.field(default="", description="Name of one of its models.")
    credential: str | None = strawberry.field(
        default=None,
        description=(
            "Label of your credential for the provider; omit for the one without a label, or else the "
            "operator's."
        ),
    )
    options: Json | None = strawberry.field(
        default=None, description="Options of the provider, as an object."
    )

    def choice(self, reader: InputReader) -> ProviderChoice:
        options = json_object(self.options, reader.at("options"))
        return ProviderChoice(
            provider=self.provider, model=self.model, credential=self.credential, options=options
        )


@strawberry.input(
    description=(
        "A provider, one of its models, and options for it. An update leaves omitted fields as they "
        "are; but with another provider, omitted ones are removed, except the fallbacks."
    )
)
class ProviderChoiceInput:
    provider: strawberry.Maybe[str | None] = strawberry.field(
        description="Name of the provider in the catalog; needed where none is chosen yet."
    )
    model: strawberry.Maybe[str | None] = strawberry.field(
        description="Name of one of its models; empty by default."
    )
    credential: strawberry.Maybe[str | None] = strawberry.field(
        description=(
            "Label of your credential for the provider; null, the default, for the one without a label, "
            "or else the operator's."
        )
    )
    options: strawberry.Maybe[Json | None] = strawberry.field(
        description="All options of the provider, as an object; null, the default, for none."
    )
    fallbacks: strawberry.Maybe[list[FallbackInput] | None] = strawberry.field(
        description="All providers to use, in order, when this one fails; none by default."
    )

    def patch(self, reader: InputReader) -> Patch[ProviderChoice]:
        fields = {
            **same("provider", "model", "credential"),
            "options": ("options", json_object),
            "fallbacks": ("fallbacks", _fallbacks),
        }
        return reader.patch(
            self,
            ProviderChoice,
            fields,
            nullable=frozenset({"credential"}),
            required={"provider": ""},
            resets={"provider": ("model", "credential", "options")},
        )


def _fallbacks(inputs: list[FallbackInput], reader: InputReader) -> tuple[ProviderChoice, ...]:
    return tuple(each.choice(reader.at(str(index))) for index, each in enumerate(inputs))
