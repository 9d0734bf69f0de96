"""What a draft of an agent and the agents of a version have in common."""

from __future__ import annotations

import strawberry

from graph.schema.types.common import spec_field
from graph.schema.types.prompts import Prompt, SessionSettings, Voice
from graph.schema.types.providers import ProviderChoiceType
from graph.schema.types.spoken_texts import SpokenTextTemplate


@strawberry.interface(
    description="What an agent says, hears and knows: that of a draft, or of a published version."
)
class AgentConfiguration:
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
