"""What agents say without their model, in the language and the wording of the call."""

from __future__ import annotations

from domain.templating.templates import render
from domain.workflows.spoken_text_templates import find_spoken_text
from domain.workflows.spoken_texts import SpokenText
from worker.session.conversation import Conversation


def spoken_text(conversation: Conversation, text: SpokenText) -> str:
    """The text in the language that the active agent speaks now, in the wording of the agent, else
    of the tenant, else of the product."""
    node = conversation.node
    agent, speech = conversation.snapshot.agent_at(node), conversation.speech
    language = agent.first_language if speech is None else speech.spoken_language(agent)
    template = find_spoken_text(
        text, language, agent.spoken_texts, conversation.claim.settings.spoken_texts
    )
    spoken = render(template, conversation.visible_context(node), agent.prompt.defaults)
    # A template of values that this call does not have must not leave the caller in silence.
    return spoken if spoken.strip() else find_spoken_text(text, language)
