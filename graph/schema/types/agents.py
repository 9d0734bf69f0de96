"""Agents and their mutations' inputs and results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain.common.access import Scope
from domain.tools.model import Tool
from domain.workflows import agents as domain
from graph.schema.types.common import Connection, Node, instance_check, spec_field
from graph.schema.types.errors import (
    InUse,
    NameTaken,
    NotFoundError,
    QuotaExceeded,
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
from graph.schema.types.spoken_texts import (
    SpokenTextTemplate,
    SpokenTextTemplateInput,
    spoken_texts,
)
from graph.schema.types.tools import ToolType
from resolvers import versions
from resolvers.context import Ctx
from resolvers.loaders import loaders


async def _tools(root: Any, info: Ctx) -> Sequence[Tool]:
    viewer = info.context.require(Scope.TOOLS_READ)
    loader = loaders().tools_by_name(info.context.services, viewer.tenant_id)
    return [tool for tool in await loader.load_many(list(root.spec.tools)) if tool is not None]


async def _used_by(root: Any, info: Ctx) -> list[str]:
    return await versions.workflows_using_agent(info, root.spec.name)


@strawberry.type(
    name="Agent", description="An agent: its prompt, its models, its voices and its tools."
)
class AgentType(Node):
    is_type_of = instance_check(domain.Agent)

    name: str = spec_field("name", "Unique name; workflows refer to the agent by it.", str)
    display_name: str | None = spec_field(
        "display_name", "Display name of the agent; null for none.", str | None
    )
    description: str | None = spec_field(
        "description", "What the agent is for; null when not described.", str | None
    )
    prompt: Prompt = spec_field("prompt", "Instructions and greeting of the agent.", Prompt)
    llm: ProviderChoiceType | None = spec_field(
        "llm", "Language model; null for the tenant's default.", ProviderChoiceType | None
    )
    stt: ProviderChoiceType | None = spec_field(
        "stt", "Speech-to-text provider; null for the tenant's default.", ProviderChoiceType | None
    )
    tts: ProviderChoiceType | None = spec_field(
        "tts", "Text-to-speech provider; null for the tenant's default.", ProviderChoiceType | None
    )
    vad: ProviderChoiceType | None = spec_field(
        "vad",
        "Voice activity detection; null for the tenant's default.",
        ProviderChoiceType | None,
    )
    voices: list[Voice] = spec_field("voices", "TTS voice for each language.", list[Voice])
    languages: list[str] = spec_field(
        "languages", "Languages that the agent speaks, as BCP 47 tags.", list[str]
    )
    default_language: str | None = spec_field(
        "default_language",
        (
            "Language that the agent speaks until the caller's language is known, as "
            "a BCP 47 tag. Null: the first of its languages, else the tenant's "
            "default."
        ),
        str | None,
    )
    keyterms: list[str] = spec_field(
        "keyterms", "Words and names that speech recognition should expect.", list[str]
    )
    session: SessionSettings = spec_field(
        "session", "Turn detection, silence handling and duration limit.", SessionSettings
    )
    spoken_texts: list[SpokenTextTemplate] = spec_field(
        "spoken_texts",
        "The agent's own wording of texts that it says without its model; those of the tenant, "
        "else the built-in ones apply to the rest.",
        list[SpokenTextTemplate],
    )
    tools: Sequence[Tool] = strawberry.field(
        resolver=_tools, graphql_type=list[ToolType], description="Tools that the agent may call."
    )
    used_by: list[str] = strawberry.field(
        resolver=_used_by, description="Slugs of the workflows whose drafts use the agent."
    )
    revision: int = strawberry.field(description="Revision number; increases with every edit.")
    created_at: datetime = strawberry.field(description="When the agent was created (UTC).")
    updated_at: datetime = strawberry.field(description="When the agent was last edited (UTC).")


NULLABLE_FIELDS = frozenset(
    {"display_name", "description", "llm", "stt", "tts", "vad", "default_language"}
)
AgentConnection = Connection[AgentType]


@strawberry.input(one_of=True, description="Identifies one agent.")
class AgentBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="Select the agent by its id."
    )
    name: strawberry.Maybe[str] = strawberry.field(description="Select the agent by its name.")


@strawberry.input(description="Configuration of a new agent.")
class CreateAgentInput:
    name: str = strawberry.field(description="Unique name: lower-case letters, digits and hyphens.")
    display_name: str | None = strawberry.field(
        default=None, description="Display name of the agent; null for none."
    )
    description: str | None = strawberry.field(
        default=None, description="What the agent is for; null when not described."
    )
    prompt: PromptInput = strawberry.field(description="Instructions and greeting of the agent.")
    llm: ProviderChoiceInput | None = strawberry.field(
        default=None, description="Language model; null for the tenant's default."
    )
    stt: ProviderChoiceInput | None = strawberry.field(
        default=None, description="Speech-to-text provider; null for the tenant's default."
    )
    tts: ProviderChoiceInput | None = strawberry.field(
        default=None, description="Text-to-speech provider; null for the tenant's default."
    )
    vad: ProviderChoiceInput | None = strawberry.field(
        default=None, description="Voice activity detection; null for the tenant's default."
    )
    voices: list[VoiceInput] = strawberry.field(
        default_factory=list, description="TTS voice for each language."
    )
    languages: list[str] = strawberry.field(
        default_factory=list, description="Languages that the agent speaks, as BCP 47 tags."
    )
    default_language: str | None = strawberry.field(
        default=None,
        description=(
            "Language that the agent speaks first, one of `languages`; omit to use "
            "the first of them."
        ),
    )
    keyterms: list[str] = strawberry.field(
        default_factory=list, description="Words and names that speech recognition should expect."
    )
    session: SessionSettingsInput | None = strawberry.field(
        default=None, description="Turn detection, silence handling and duration limit."
    )
    spoken_texts: list[SpokenTextTemplateInput] = strawberry.field(
        default_factory=list,
        description="The agent's own wording of texts that it says without its model; at most 100.",
    )
    tools: list[str] = strawberry.field(
        default_factory=list, description="Names of the tools that the agent may call."
    )

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
            spoken_texts=spoken_texts(self.spoken_texts),
            tools=tuple(self.tools),
        )


def _provider_choice(input: ProviderChoiceInput | None) -> domain.ProviderChoice | None:
    return input.choice() if input else None


@strawberry.input(
    description=(
        "Changes to an agent. Omitted fields stay as they are; lists are replaced as a whole."
    )
)
class UpdateAgentInput:
    id: strawberry.ID = strawberry.field(description="Id of the agent to change.")
    expected_revision: int = strawberry.field(
        description=(
            "Revision that you read; the update fails with RevisionConflict when it "
            "is no longer current."
        )
    )
    name: strawberry.Maybe[str | None] = strawberry.field(description="New name of the agent.")
    display_name: strawberry.Maybe[str | None] = strawberry.field(
        description="New display name; null to remove it."
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        description="New description; null to remove it."
    )
    prompt: strawberry.Maybe[PromptInput | None] = strawberry.field(
        description="New prompt, which replaces the whole prompt."
    )
    llm: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(
        description="New language model; null to use the tenant's default."
    )
    stt: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(
        description="New speech-to-text provider; null to use the tenant's default."
    )
    tts: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(
        description="New text-to-speech provider; null to use the tenant's default."
    )
    vad: strawberry.Maybe[ProviderChoiceInput | None] = strawberry.field(
        description="New voice activity detection; null to use the tenant's default."
    )
    voices: strawberry.Maybe[list[VoiceInput] | None] = strawberry.field(
        description="All voices of the agent, replacing the current ones."
    )
    languages: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All languages of the agent, replacing the current ones."
    )
    default_language: strawberry.Maybe[str | None] = strawberry.field(
        description="New default language, one of `languages`; null to remove it."
    )
    keyterms: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="All key terms, replacing the current ones."
    )
    session: strawberry.Maybe[SessionSettingsInput | None] = strawberry.field(
        description="New session settings, which replace all current ones."
    )
    spoken_texts: strawberry.Maybe[list[SpokenTextTemplateInput] | None] = strawberry.field(
        description="All own wordings of spoken texts, replacing the current ones; at most 100."
    )
    tools: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="Names of all tools of the agent, replacing the current ones."
    )

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
            "spoken_texts": ("spoken_texts", spoken_texts),
            "tools": ("tools", tuple),
        }
        return changed_fields(self, fields, nullable=NULLABLE_FIELDS)


@strawberry.input(description="The agent to delete.")
class DeleteAgentInput:
    id: strawberry.ID = strawberry.field(description="Id of the agent to delete.")


@strawberry.type(description="The agent was created.")
class CreateAgentSuccess:
    agent: domain.Agent = strawberry.field(graphql_type=AgentType, description="The created agent.")


@strawberry.type(description="The agent was updated.")
class UpdateAgentSuccess:
    agent: domain.Agent = strawberry.field(graphql_type=AgentType, description="The updated agent.")


@strawberry.type(description="The agent was deleted.")
class DeleteAgentSuccess:
    agent: domain.Agent = strawberry.field(graphql_type=AgentType, description="The deleted agent.")


CreateAgentResult = Annotated[
    CreateAgentSuccess | ValidationError | NameTaken | QuotaExceeded,
    strawberry.union(
        "CreateAgentResult",
        description="Result of `createAgent`: the success type or one of the errors.",
    ),
]
UpdateAgentResult = Annotated[
    UpdateAgentSuccess | ValidationError | NotFoundError | NameTaken | RevisionConflict | InUse,
    strawberry.union(
        "UpdateAgentResult",
        description="Result of `updateAgent`: the success type or one of the errors.",
    ),
]
DeleteAgentResult = Annotated[
    DeleteAgentSuccess | NotFoundError | InUse,
    strawberry.union(
        "DeleteAgentResult",
        description="Result of `deleteAgent`: the success type or one of the errors.",
    ),
]
