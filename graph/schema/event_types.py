"""GraphQL types made from the event classes of the domain, so that an event is written once.

Durable events are shown from `Recorded` (an event with its place in the log), ephemeral ones from
`Passing`; the class's docstring is its description."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any, get_type_hints

import strawberry

from domain.calls.events import EphemeralEvent, StoredEvent
from graph.schema.scalars import Json
from graph.schema.types.usage import Usage

FIELD_DESCRIPTIONS: dict[str, str] = {
    "before": "The state before; null at the start.",
    "state": "The state from now on.",
    "ending_for": "Why the call is about to end; only when the state is ENDING.",
    "turn_id": "Unique in the call.",
    "text": "The words.",
    "message_id": "The message it came as, in a text call.",
    "language": "The language it was spoken in.",
    "confidence": "How sure the speech recognition is, 0 to 1.",
    "node": "The agent's place in the workflow.",
    "agent": "The agent's name.",
    "heard_text": "What the caller can have heard.",
    "interrupted": "Whether it was cut off.",
    "more": "Whether a tool or a hand-off of the same answer comes next.",
    "first_visit": "Whether the agent speaks for the first time in this call.",
    "from_node": "The node that had the conversation.",
    "to_node": "The node that has it now, or was to have it.",
    "via": "What asked for it.",
    "skipped": "Nodes that were passed by on the way, as their skip conditions held.",
    "context_policy": "How much of the conversation the next agent is shown.",
    "last_n": "The turns that LAST_N shows; else 0.",
    "summary": "What SUMMARY shows; null when the model did not manage one.",
    "context_passed": "Keys of the shared context that the next agent is told.",
    "reason": "Why.",
    "tool_call_id": "Joins start and finish of one use.",
    "tool": "The tool's name.",
    "arguments": "What the model gave it.",
    "outcome": "How it went.",
    "result": "What the model was told.",
    "duration_ms": "How long it took, in milliseconds.",
    "path": "Where in the context.",
    "value": "The new value.",
    "removed": "Whether it was removed.",
    "command_id": "The command's id.",
    "command": "What was asked for.",
    "total_ms": "From the end of the caller's turn to the end of the answer, in milliseconds.",
    "stt_ms": "From the end of speech to its last word being recognised, in milliseconds.",
    "end_of_turn_ms": "From the end of speech until it was taken for the end, in milliseconds.",
    "tts_first_byte_ms": "Until the voice's first sound, in milliseconds.",
    "playback_ms": "Until that sound was on its way, in milliseconds.",
    "first_audio_ms": "From the end of speech to the answer's first sound, in milliseconds.",
    "at_ear_ms": "The same at the caller's ear, estimated, in milliseconds.",
    "announced": "Whether the caller is told so, in the agent's next words.",
    "present": "Whether they are there now.",
    "seconds": "For how long, in seconds.",
    "llm_first_token_ms": "Until the model's first word, in milliseconds.",
    "input_tokens": "Tokens the model read.",
    "output_tokens": "Tokens the model wrote.",
    "usage": "What was used of each model since it was last told of.",
    "provider_kind": "What it does in a call.",
    "provider": "Its name in the catalogue.",
    "model": "Its model.",
    "available": "False when it failed, true when it is back.",
    "source": "What failed.",
    "message": "What is to be said about it.",
    "recoverable": "Whether the call goes on.",
    "epoch": "The new holder's fencing number.",
    "blame": "Whose doing it was.",
    "rev": "Grows; each replaces the one before.",
    "speaker": "Who is talking.",
}


def event_type(source: type, bases: tuple[type, ...] = ()) -> Any:
    """The GraphQL type that shows events of this class."""
    hints = get_type_hints(source)
    body: dict[str, Any] = {"__annotations__": {}, "is_type_of": _event_check(source)}
    for field in dataclasses.fields(source):
        if field.name == "kind":
            continue
        hint = _graphql_type(field.name, hints[field.name])
        body["__annotations__"][field.name] = hint
        body[field.name] = strawberry.field(
            resolver=_event_attribute(field.name),
            graphql_type=hint,
            description=FIELD_DESCRIPTIONS[field.name],
        )
    made = type(source.__name__, bases, body)
    return strawberry.type(made, description=_plain_text(source.__doc__ or ""))


def _event_check(source: type) -> Callable[[Any, Any], bool]:
    def is_type_of(value: Any, _info: Any) -> bool:
        return isinstance(value, StoredEvent | EphemeralEvent) and type(value.event) is source

    return is_type_of


def _event_attribute(name: str) -> Callable[[Any], Any]:
    def read(root: Any) -> Any:
        return getattr(root.event, name)

    return read


def _graphql_type(name: str, hint: Any) -> Any:
    if name.endswith("_id"):
        return strawberry.ID | None if "None" in str(hint) else strawberry.ID
    if hint is Any:
        return Json | None
    if "Mapping" in str(hint):
        return Json
    if name == "usage":
        return list[Usage]
    if "tuple" in str(hint):
        return list[str]
    return hint


def _plain_text(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("`", "")).strip()
