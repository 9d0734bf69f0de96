"""What agents say without their model, in the language and the wording of the call."""

from __future__ import annotations

from domain.templating.templates import render
from domain.workflows.spoken_text_templates import find_spoken_text
from domain.workflows.spoken_texts import SpokenText
from worker.session.conversation import Conversation

MAX_RENDERED_LENGTH = 1_000
"""A longer text, which only the values in its template can produce, is not said."""


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
    if spoken.strip() and len(spoken) <= MAX_RENDERED_LENGTH:
        return spoken
    # The caller is left neither in silence nor with a monologue, whatever the values are.
    return find_spoken_text(text, language)
