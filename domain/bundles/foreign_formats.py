"""Recognizes configurations of other products by their structure, so that they are refused by name
and not converted as if they were legacy configurations.

A signature is a combination of keys that only one product uses, according to its documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.common.errors import Path, UnsupportedFormat

Object = Mapping[str, Any]

WRAPPERS = (
    *("assistant", "agent", "workflow", "tool", "conversation_flow", "flow", "data", "squad"),
    *("workflow_definition", "workflow_json", "template_json", "pathway_data", "tool_config"),
)
"""Keys under which exports and API responses hold the configuration itself."""
LISTS = ("agents", "assistants", "tools", "workflows", "items", "results", "data")
MAX_EXAMINED = 50
"""Objects of a list that are examined; a list of one product's objects is recognized by the first."""


@dataclass(frozen=True, slots=True)
class Signature:
    product: str
    what: str
    matches: Callable[[Object], bool]


def check_format(value: Any, path: Path = ()) -> None:
    """Raise `UnsupportedFormat` for a configuration of another product."""
    for candidate, here in _candidates(value, path):
        is_alone = len(here) - len(path) < 2
        for signature in (*SIGNATURES, *(SIGNATURES_ALONE if is_alone else ())):
            if signature.matches(candidate):
                raise UnsupportedFormat(
                    f"This looks like {signature.what} of {signature.product}, which cannot be "
                    "imported. Rewrite it as a bundle of agents, tools and workflows; "
                    "docs/bundles.md shows the format.",
                    here,
                    format=signature.product,
                )


def _candidates(value: Any, path: Path) -> Iterator[tuple[Object, Path]]:
    if isinstance(value, list):
        for index, each in enumerate(value[:MAX_EXAMINED]):
            yield from _objects(each, (*path, str(index)))
        return
    yield from _objects(value, path)
    if isinstance(value, Mapping):
        for key in LISTS:
            listed = value.get(key)
            for index, each in enumerate(listed[:MAX_EXAMINED] if isinstance(listed, list) else ()):
                yield from _objects(each, (*path, key, str(index)))


def _objects(value: Any, path: Path) -> Iterator[tuple[Object, Path]]:
    """The object, and those that it wraps."""
    if isinstance(value, Mapping):
        yield value, path
        for key in WRAPPERS:
            if isinstance(inside := value.get(key), Mapping):
                yield inside, (*path, key)


# ---- signatures ---------------------------------------------------------------------------


def _has(value: Object, *keys: str, at_least: int = 1) -> bool:
    return sum(key in value for key in keys) >= at_least


def _object(value: Object, key: str) -> Object:
    inside = value.get(key)
    return inside if isinstance(inside, Mapping) else {}


def _objects_in(value: Object, key: str) -> Sequence[Object]:
    """The objects in the list, or of the object, under the key."""
    inside = value.get(key)
    if isinstance(inside, Mapping):
        inside = list(inside.values())
    return (
        [each for each in inside if isinstance(each, Mapping)] if isinstance(inside, list) else []
    )


def _nodes_have(value: Object, *keys: str) -> bool:
    return any(_has(node, *keys) for node in _objects_in(value, "nodes"))


def _node_types(value: Object) -> set[str]:
    """The types of nodes that keep their content under `data`."""
    nodes = _objects_in(value, "nodes")
    return {str(node.get("type")) for node in nodes if isinstance(node.get("data"), Mapping)}


def _vapi_assistant(value: Object) -> bool:
    keys = ("firstMessage", "firstMessageMode", "transcriber", "voice", "endCallMessage")
    more = ("serverMessages", "clientMessages", "silenceTimeoutSeconds", "backgroundSound", "orgId")
    if "provider" in _object(value, "model") and _has(value, *keys, *more):
        return True
    return _has(value, "firstMessage", "firstMessageMode") and _has(value, *keys, *more, at_least=2)


def _vapi_tool(value: Object) -> bool:
    server = "url" in _object(value, "server") or "serverUrl" in value
    is_function = "parameters" in value or bool(_object(value, "function"))
    if server and (is_function or "type" in value):
        return True
    return value.get("type") in ("apiRequest", "transferCall", "endCall", "dtmf") and _has(
        value, "function", "destinations", "orgId", "url", "body", "messages"
    )


def _vapi_workflow(value: Object) -> bool:
    if _nodes_have(value, "agent_name", "agent"):
        return False
    edges = any(_has(edge, "from", "to", at_least=2) for edge in _objects_in(value, "edges"))
    kinds = {str(node.get("type")) for node in _objects_in(value, "nodes")}
    known = {"conversation", "apiRequest", "transfer", "hangup", "endCall", "tool", "say", "gather"}
    return bool(kinds & known) and (edges or "globalPrompt" in value)


def _vapi_squad(value: Object) -> bool:
    return any(
        _has(member, "assistantId", "assistant", "assistantDestinations")
        for member in _objects_in(value, "members")
    )


def _retell_agent(value: Object) -> bool:
    if "type" in _object(value, "response_engine"):
        return True
    if _object(value, "retellLlmData") or _object(value, "conversationFlow"):
        return True
    return _has(
        value,
        *("agent_name", "voice_id", "voice_model", "voice_temperature", "voice_speed"),
        *("interruption_sensitivity", "responsiveness", "enable_backchannel", "ambient_sound"),
        *("backchannel_frequency", "reminder_trigger_ms", "reminder_max_count", "is_published"),
        *("end_call_after_silence_ms", "max_call_duration_ms", "boosted_keywords"),
        *("post_call_analysis_data", "opt_out_sensitive_data_storage", "normalize_for_speech"),
        at_least=3,
    )


def _retell_llm(value: Object) -> bool:
    return "general_prompt" in value and _has(
        value, "general_tools", "states", "begin_message", "llm_id", "model", "starting_state"
    )


def _retell_flow(value: Object) -> bool:
    if "conversation_flow_id" in value and "nodes" in value:
        return True
    return _has(value, "start_node_id", "start_speaker", "global_prompt", "model_choice") and (
        any("type" in _object(node, "instruction") for node in _objects_in(value, "nodes"))
    )


def _retell_tool(value: Object) -> bool:
    return _has(value, "speak_during_execution", "speak_after_execution", at_least=2)


def _elevenlabs_agent(value: Object) -> bool:
    config = _object(value, "conversation_config")
    if _has(config, "agent", "tts", "asr", "turn", "conversation"):
        return True
    return "first_message" in value and "prompt" in _object(value, "prompt")


def _elevenlabs_tool(value: Object) -> bool:
    return value.get("type") in ("webhook", "client", "system") and _has(
        value, "api_schema", "expects_response", "response_timeout_secs", "dynamic_variables"
    )


def _bland_pathway(value: Object) -> bool:
    types = {
        *("Default", "End Call", "Transfer Call", "Transfer Node", "Knowledge Base", "Webhook"),
        *("Wait for Response", "Press Button", "Base Node", "Custom Tool", "Route"),
    }
    return bool(_node_types(value) & types) or (
        "pathway_id" in value and _has(value, "nodes", "edges")
    )


def _bland_agent(value: Object) -> bool:
    return _has(
        value,
        *("pathway_id", "first_sentence", "wait_for_greeting", "interruption_threshold"),
        *("analysis_schema", "voicemail_message", "voicemail_action", "task", "phone_number"),
        *("request_data", "transfer_phone_number", "dynamic_data", "block_interruptions"),
        at_least=2,
    )


def _bland_tool(value: Object) -> bool:
    return bool(_object(value, "input_schema")) and _has(value, "speech", "url", "response")


def _dograh_workflow(value: Object) -> bool:
    return bool(_node_types(value) & {"startCall", "agentNode", "endCall", "globalNode"})


def _pipecat_flow(value: Object) -> bool:
    data = [_object(node, "data") for node in _objects_in(value, "nodes")]
    keys = ("task_messages", "role_messages", "role_message")
    if "flows.pipecat.ai" in str(value.get("$id", "")) or any(_has(each, *keys) for each in data):
        return True
    return _nodes_have(value, *keys) or _has(value, "task_messages", "functions", at_least=2)


def _openai_function(value: Object) -> bool:
    return value.get("type") == "function" and (
        "name" in _object(value, "function") or _has(value, "name", "parameters", at_least=2)
    )


def _plain_function(value: Object) -> bool:
    keys = {"name", "description", "parameters", "strict"}
    return {"name", "parameters"} <= value.keys() <= keys and "type" in _object(value, "parameters")


SIGNATURES = (
    Signature("Vapi", "an assistant", _vapi_assistant),
    Signature("Vapi", "a workflow", _vapi_workflow),
    Signature("Vapi", "a squad", _vapi_squad),
    Signature("Vapi", "a tool", _vapi_tool),
    Signature("Retell", "an agent", _retell_agent),
    Signature("Retell", "a Retell LLM", _retell_llm),
    Signature("Retell", "a conversation flow", _retell_flow),
    Signature("Retell", "a tool", _retell_tool),
    Signature("ElevenLabs", "an agent", _elevenlabs_agent),
    Signature("ElevenLabs", "a tool", _elevenlabs_tool),
    Signature("Dograh", "a workflow", _dograh_workflow),
    Signature("Pipecat Flows", "a flow", _pipecat_flow),
    Signature("Bland", "a pathway", _bland_pathway),
    Signature("Bland", "an agent", _bland_agent),
    Signature("Bland", "a tool", _bland_tool),
    Signature("OpenAI", "a function definition", _openai_function),
)
SIGNATURES_ALONE = (Signature("OpenAI", "a function definition", _plain_function),)
"""Signatures of objects that could be tools of a bundle with errors if they were in one."""
