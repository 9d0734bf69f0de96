"""Agents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain.common.access import Scope
from domain.workflows import agents as domain
from graph.schema.types.common import Connection, Node, instance_check
from graph.schema.types.errors import (
    InUse,
    NameTaken,
    NotFoundError,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.inputs import Fields, changed_fields, identity
from graph.schema.types.prompts import (
    Prompt,
    PromptInput,
    SessionSettings,
    SessionSettingsInput,
    Voice,
    VoiceInput,
    voices,
)
from graph.schema.types.providers import ProviderChoiceInput, ProviderChoiceType
from graph.schema.types.tools import ToolType
from resolvers import versions
from resolvers.context import Ctx
from resolvers.loaders import loaders


def _spec_field(name: str, description: str, type: Any) -> Any:
    def read(root: Any) -> Any:
        return getattr(root.spec, name)

    return strawberry.field(resolver=read, graphql_type=type, description=description)


async def _tools(root: Any, info: Ctx) -> Any:
    viewer = info.context.require(Scope.TOOLS_READ)
    loader = loaders().tools_by_name(info.context.services, viewer.tenant_id)
    return [tool for tool in await loader.load_many(list(root.spec.tools)) if tool is not None]


async def _used_by(root: Any, info: Ctx) -> list[str]:
    return await versions.workflows_using_agent(info, root.spec.name)


@strawberry.type(name="Agent", description="A prompt, a model and tools: one voice of a workflow.")
class AgentType(Node):
    is_type_of = instance_check(domain.Agent)

    name: str = _spec_field("name", "What workflows name it by.", str)
    display_name: str | None = _spec_field("display_name", "For people.", str | None)
    description: str | None = _spec_field("description", "What it is for.", str | None)
    prompt: Prompt = _spec_field("prompt", "What it is told.", Prompt)
    llm: ProviderChoiceType | None = _spec_field(
        "llm", "The model; null: the tenant's default.", ProviderChoiceType | None
    )
    stt: ProviderChoiceType | None = _spec_field(
        "stt", "What it hears with; null: the tenant's default.", ProviderChoiceType | None
    )
    tts: ProviderChoiceType | None = _spec_field(
        "tts", "What it speaks with; null: the tenant's default.", ProviderChoiceType | None
    )
    vad: ProviderChoiceType | None = _spec_field(
        "vad",
        "What tells speech from noise; null: the tenant's default.",
        ProviderChoiceType | None,
    )
    voices: list[Voice] = _spec_field("voices", "Its voice in each language.", list[Voice])
    languages: list[str] = _spec_field("languages", "What it speaks, as BCP 47 tags.", list[str])
    default_language: str | None = _spec_field(
        "default_language", "What it speaks unless the caller's language is known.", str | None
    )
    keyterms: list[str] = _spec_field("keyterms", "Words that hearing should expect.", list[str])
    session: SessionSettings = _spec_field("session", "How it listens.", SessionSettings)
    tools: list[ToolType] = strawberry.field(
        resolver=_tools, graphql_type=list[ToolType], description="What it may use."
    )
    used_by: list[str] = strawberry.field(
        resolver=_used_by, description="The slugs of the workflows whose drafts have it."
    )
    revision: int = strawberry.field(description="Grows with every edit.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last edited.")


NULLABLE_FIELDS = frozenset(
    {"display_name", "description", "llm", "stt", "tts", "vad", "default_language"}
)
AgentConnection = Connection[AgentType]


@strawberry.input(one_of=True, description="Names one agent.")
class AgentBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="By its id.")
    name: strawberry.Maybe[str] = strawberry.field(description="By its name.")


@strawberry.input(description="A new agent.")
class CreateAgentInput:
    name: str = strawberry.field(description="Lower-case letters, digits and hyphens.")
    display_name: str | None = strawberry.field(default=None, description="For people.")
    description: str | None = strawberry.field(default=None, description="What it is for.")
    prompt: PromptInput = strawberry.field(description="What it is told.")
    llm: ProviderChoiceInput | None = strawberry.field(
        default=None, description="The model that speaks for it."
    )
    stt: ProviderChoiceInput | None = strawberry.field(
        default=None, description="What it hears with."
    )
    tts: ProviderChoiceInput | None = strawberry.field(
        default=None, description="What it speaks with."
    )
    vad: ProviderChoiceInput | None = strawberry.field(
        default=None, description="What tells speech from noise."
    )
    voices: list[VoiceInput] = strawberry.field(
        default_factory=list, description="Its voice in each language."
    )
    languages: list[str] = strawberry.field(
        default_factory=list, description="What it speaks, as BCP 47 tags."
    )
    default_language: str | None = strawberry.field(
        default=None, description="One of them; the first when it is left out."
    )
    keyterms: list[str] = strawberry.field(
        default_factory=list, description="Words that hearing should expect."
    )
    session: SessionSettingsInput | None = strawberry.field(
        default=None, description="How it listens."
    )
    tools: list[str] = strawberry.field(default_factory=list, description="Names of tools.")

    def spec(self) -> domain.AgentSpec:
        return domain.AgentSpec(
            name=self.name,
            display_name=self.display_name,
            description=self.description,
            prompt=self.prompt.prompt(),
            llm=_provider_choice(self.llm),
            stt=_provider_choice(self.stt),
            tts=_provider_choice(self.tts),
            vad=_provider_choice(self.vad),
            voices=voices(self.voices),
            languages=tuple(self.languages),
            default_language=self.default_language,
            keyterms=tuple(self.keyterms),
            session=self.session.session() if self.session else domain.Session(),
            tools=tuple(self.tools),
        )


def _provider_choice(given: ProviderChoiceInput | None) -> domain.ProviderChoice | None:
    return given.choice() if given else None


@strawberry.input(description="Changes to an agent: what is left out stays as it is.")
class UpdateAgentInput:
    id: strawberry.ID = strawberry.field(description="The agent.")
    expected_revision: int = strawberry.field(description="The revision you read.")
    name: strawberry.Maybe[str | None] = strawberry.field(description="A new name.")
    display_name: strawberry.Maybe[str | None] = strawberry.field(description="For people.")
    description: strawberry.Maybe[str | None] = strawberry.field(description="What it is for.")
    prompt: strawberry.Maybe[PromptInput | None] = strawberry.field(description="A new prompt.")
    llm: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(description="A new model.")
    stt: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(description="Hearing.")
    tts: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(description="Speech.")
    vad: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(
        description="What tells speech from noise."
    )
    voices: strawberry.Maybe[list[VoiceInput] | None] = strawberry.field(description="All voices.")
    languages: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All its languages."
    )
    default_language: strawberry.Maybe[str | None] = strawberry.field(description="One of them.")
    keyterms: strawberry.Maybe[list[str] | None] = strawberry.field(description="All keyterms.")
    session: strawberry.Maybe[SessionSettingsInput | None] = strawberry.field(
        description="How it listens."
    )
    tools: strawberry.Maybe[list[str] | None] = strawberry.field(description="All its tools.")

    def changes(self) -> dict[str, Any]:
        fields: Fields = {
            "name": ("name", identity),
            "display_name": ("display_name", identity),
            "description": ("description", identity),
            "prompt": ("prompt", PromptInput.prompt),
            "llm": ("llm", ProviderChoiceInput.choice),
            "stt": ("stt", ProviderChoiceInput.choice),
            "tts": ("tts", ProviderChoiceInput.choice),
            "vad": ("vad", ProviderChoiceInput.choice),
            "voices": ("voices", voices),
            "languages": ("languages", tuple),
            "default_language": ("default_language", identity),
            "keyterms": ("keyterms", tuple),
            "session": ("session", SessionSettingsInput.session),
            "tools": ("tools", tuple),
        }
        return changed_fields(self, fields, nullable=NULLABLE_FIELDS)


@strawberry.input(description="The agent to delete.")
class DeleteAgentInput:
    id: strawberry.ID = strawberry.field(description="The agent.")


@strawberry.type(description="The agent was made.")
class CreateAgentSuccess:
    agent: AgentType = strawberry.field(description="The new agent.")


@strawberry.type(description="The agent was changed.")
class UpdateAgentSuccess:
    agent: AgentType = strawberry.field(description="The agent as it is now.")


@strawberry.type(description="The agent was deleted.")
class DeleteAgentSuccess:
    agent: AgentType = strawberry.field(description="The agent as it was.")


CreateAgentResult = Annotated[
    CreateAgentSuccess | ValidationError | NameTaken,
    strawberry.union("CreateAgentResult", description="What became of createAgent."),
]
UpdateAgentResult = Annotated[
    UpdateAgentSuccess | ValidationError | NotFoundError | NameTaken | RevisionConflict | InUse,
    strawberry.union("UpdateAgentResult", description="What became of updateAgent."),
]
DeleteAgentResult = Annotated[
    DeleteAgentSuccess | NotFoundError | InUse,
    strawberry.union("DeleteAgentResult", description="What became of deleteAgent."),
]
