"""Agents and their mutations' inputs and results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry

from domain.common.access import Scope
from domain.common.lists import Count
from domain.tools.model import Tool
from domain.workflows import agents as domain
from domain.workflows.model import Workflow
from graph.schema.arguments import After, Before, First, Last
from graph.schema.types.agent_configuration import AgentConfiguration
from graph.schema.types.common import Connection, Node, instance_check
from graph.schema.types.errors import (
    InUse,
    NameTaken,
    NotFoundError,
    QuotaExceeded,
    RevisionConflict,
    ValidationError,
)
from graph.schema.types.inputs import Fields, InputReader, as_tuple, created, same
from graph.schema.types.lists import count_field
from graph.schema.types.prompts import (
    PromptInput,
    SessionSettingsInput,
    VoiceInput,
    voices,
)
from graph.schema.types.providers import ProviderChoiceInput
from graph.schema.types.spoken_texts import SpokenTextTemplateInput, spoken_texts
from graph.schema.types.tools import ToolType
from graph.schema.types.workflows import WorkflowConnection
from resolvers import used_by
from resolvers.context import Ctx
from resolvers.loaders import loaders
from resolvers.pagination import Page, PageArguments


async def _tools(root: Any, info: Ctx) -> Sequence[Tool]:
    viewer = info.context.require(Scope.TOOLS_READ)
    loader = loaders().by_name(info.context.services, viewer.tenant_id, "tools")
    return [tool for tool in await loader.load_many(list(root.spec.tools)) if tool is not None]


async def _used_by(root: Any, info: Ctx) -> list[str]:
    return await used_by.workflow_names(info, root)


@strawberry.type(
    name="Agent", description="An agent: its prompt, its models, its voices and its tools."
)
class AgentType(Node, AgentConfiguration):
    is_type_of = instance_check(domain.Agent)

    tools: Sequence[Tool] = strawberry.field(
        resolver=_tools, graphql_type=list[ToolType], description="Tools that the agent may call."
    )
    used_by: list[str] = strawberry.field(
        resolver=_used_by,
        description="Slugs of the workflows whose drafts use the agent.",
        deprecation_reason="Use `workflows`.",
    )

    @strawberry.field(
        description="Workflows whose drafts use the agent, in the order of their slugs.",
        graphql_type=WorkflowConnection,
    )
    async def workflows(
        self,
        agent: strawberry.Parent[domain.Agent],
        info: Ctx,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Page[Workflow]:
        page = PageArguments(first, after, last, before)
        return await used_by.workflows(info, agent, page)

    revision: int = strawberry.field(description="Revision number; increases with every edit.")
    created_at: datetime = strawberry.field(description="When the agent was created (UTC).")
    updated_at: datetime = strawberry.field(description="When the agent was last edited (UTC).")


NULLABLE_FIELDS = frozenset(
    {"display_name", "description", "llm", "stt", "tts", "vad", "default_language"}
)


@strawberry.type(description="One page of a list of agents.")
class AgentConnection(Connection[AgentType]):
    total_count: Count = count_field()


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

    def spec(self, reader: InputReader) -> domain.AgentSpec:
        prompt = self.prompt.patch(reader.at("prompt")).apply(None, reader.problems)
        return domain.AgentSpec(
            name=self.name,
            display_name=self.display_name,
            description=self.description,
            prompt=prompt,
            llm=_provider_choice(self.llm, reader.at("llm")),
            stt=_provider_choice(self.stt, reader.at("stt")),
            tts=_provider_choice(self.tts, reader.at("tts")),
            vad=_provider_choice(self.vad, reader.at("vad")),
            voices=voices(self.voices, reader.at("voices")),
            languages=tuple(self.languages),
            default_language=self.default_language,
            keyterms=tuple(self.keyterms),
            session=created(self.session, reader.at("session"), domain.Session()),
            spoken_texts=spoken_texts(self.spoken_texts, reader.at("spokenTexts")),
            tools=tuple(self.tools),
        )


def _provider_choice(
    input: ProviderChoiceInput | None, reader: InputReader
) -> domain.ProviderChoice | None:
    return None if input is None else input.patch(reader).apply(None, reader.problems)


@strawberry.input(
    description=(
        "Changes to an agent. Omitted fields stay as they are, also within objects such as `prompt`; "
        "lists are replaced as a whole."
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
        description="Changes to the prompt; its omitted fields stay as they are."
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
        description="Changes to the session settings; omitted ones stay as they are."
    )
    spoken_texts: strawberry.Maybe[list[SpokenTextTemplateInput] | None] = strawberry.field(
        description="All own wordings of spoken texts, replacing the current ones; at most 100."
    )
    tools: strawberry.Maybe[list[str] | None] = strawberry.field(
        description="Names of all tools of the agent, replacing the current ones."
    )

    def changes(self, reader: InputReader) -> dict[str, Any]:
        fields: Fields = {
            **same("name", "display_name", "description", "default_language"),
            "prompt": ("prompt", PromptInput.patch),
            "llm": ("llm", ProviderChoiceInput.patch),
            "stt": ("stt", ProviderChoiceInput.patch),
            "tts": ("tts", ProviderChoiceInput.patch),
            "vad": ("vad", ProviderChoiceInput.patch),
            "voices": ("voices", voices),
            "languages": ("languages", as_tuple),
            "keyterms": ("keyterms", as_tuple),
            "session": ("session", SessionSettingsInput.patch),
            "spoken_texts": ("spoken_texts", spoken_texts),
            "tools": ("tools", as_tuple),
        }
        return reader.changes(self, fields, nullable=NULLABLE_FIELDS)


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
