"""The caller's consent to a tool call, without which a tool with `confirm` does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.calls.events import ToolFinished, ToolOutcome, UserTurn
from domain.calls.state import HistoryItem
from domain.tools.model import ToolSpec

CONSENT_REQUIRED = (
    "This needs the caller's consent. Tell them what you are about to do and ask; once they have "
    "agreed, use the tool again with the same arguments."
)


def has_consent(items: Sequence[HistoryItem], tool: ToolSpec, arguments: Mapping[str, Any]) -> bool:
    """Whether the caller has spoken since a tool call that says the same was refused for lack of
    consent, and the tool has not run since."""
    has_replied = False
    for event in reversed(items):
        if isinstance(event, UserTurn):
            has_replied = True
        elif isinstance(event, ToolFinished) and event.tool == tool.name:
            if event.outcome is not ToolOutcome.REFUSED:
                return False
            was_asked = has_replied and event.result == CONSENT_REQUIRED
            if was_asked and _says_the_same(tool.parameters, event.arguments, arguments):
                return True
    return False


def _says_the_same(
    schema: Mapping[str, Any], agreed: Mapping[str, Any], arguments: Mapping[str, Any]
) -> bool:
    """Whether the arguments ask for nothing that the caller was not asked about. Models word a
    remark differently each time, or leave it out."""
    remarks = _optional_texts(schema)
    return all(
        arguments.get(name) == agreed.get(name)
        or (name in remarks and (name in agreed or name not in arguments))
        for name in {*agreed, *arguments}
    )


def _optional_texts(schema: Mapping[str, Any]) -> set[str]:
    """The properties with free text that are optional, in a schema that says what is required."""
    required = schema.get("required") or ()
    if not required:
        return set()
    return {
        name
        for name, inside in schema.get("properties", {}).items()
        if name not in required
        and isinstance(inside, Mapping)
        and set(inside) <= FREE_TEXT
        and inside.get("type") == "string"
    }


FREE_TEXT = {"type", "description", "title", "default", "examples", "maxLength", "minLength"}
"""The keywords that leave the wording of a text open."""
