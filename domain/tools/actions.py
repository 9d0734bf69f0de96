"""The actions of tools: sixteen kinds, each declaring one operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from domain.tools.transfers import TransferTarget

DTMF_KEYS = "0123456789*#"
MAX_COLLECTED_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextSet:
    """Set a value in the call's context; `path[+]` appends to a list."""

    path: str
    value: Any
    type: Literal["context.set"] = "context.set"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextGet:
    """Return the context's value at a path to the model."""

    path: str
    type: Literal["context.get"] = "context.get"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDelete:
    """Remove a value from the call's context."""

    path: str
    type: Literal["context.delete"] = "context.delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagSet:
    """Turn a flag on."""

    flag: str
    type: Literal["flag.set"] = "flag.set"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagClear:
    """Turn a flag off."""

    flag: str
    type: Literal["flag.clear"] = "flag.clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """Return a message, which is a template, to the model as the tool's result."""

    message: str
    type: Literal["respond"] = "respond"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """Hand the conversation off to another node along a connection of the workflow."""

    node: str
    type: Literal["handoff"] = "handoff"


class Method(StrEnum):
    """The HTTP method of a tool's request."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"

    @property
    def is_idempotent(self) -> bool:
        """Repeating the request has the same effect as sending it once (RFC 9110, 9.2.2)."""
        return self in (Method.GET, Method.PUT, Method.DELETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """Send an HTTP request. Later actions read the response at `response.status` and
    `response.body`; `save` copies parts of it into the context: {context path: response path}.

    With `endpoint`, the name of a server in the tenant's settings, `url` is only the path or query
    that is appended to the endpoint's URL. The host of `url` is never a template. `headers` may
    contain `{{secret.name}}`, which is filled in last and never shown. All attempts of one tool
    call send the same `Idempotency-Key`."""

    url: str = ""
    endpoint: str = ""
    method: Method = Method.GET
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    timeout: float = 10.0
    """The timeout of one attempt, in seconds."""
    retries: int = 2
    """Further attempts after a network failure or a 429 or 5xx. Requests whose method is not
    idempotent are retried only with `retry_unsafe`."""
    retry_unsafe: bool = False
    """The server honours the idempotency key, so that retrying a POST or PATCH is safe."""
    save: Mapping[str, str] = field(default_factory=dict)
    type: Literal["api_call"] = "api_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class McpCall:
    """Call a tool of an MCP server from the tenant's settings. Without `arguments`, the arguments
    from the model are passed on. Later actions read the result at `response.content` and, if the
    server returns one, `response.structured`; `save` copies parts of it into the context."""

    server: str
    tool: str
    arguments: Mapping[str, Any] | None = None
    timeout: float = 30.0
    save: Mapping[str, str] = field(default_factory=dict)
    type: Literal["mcp_call"] = "mcp_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """Run the actions of `then` if the condition is true, else those of `otherwise`."""

    condition: str
    then: tuple[ToolAction, ...] = ()
    otherwise: tuple[ToolAction, ...] = ()
    type: Literal["conditional"] = "conditional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition that must be true, and the message that the model receives if it is not."""

    condition: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validate:
    """Fail with the message of the first rule that is not met; continue if all are."""

    rules: tuple[Rule, ...]
    type: Literal["validate"] = "validate"


class Operation(StrEnum):
    """The operation of a transform action. Each is defined for every value and never fails."""

    APPEND = "APPEND"
    REMOVE = "REMOVE"
    MERGE = "MERGE"
    INCREMENT = "INCREMENT"
    COUNT = "COUNT"
    FIRST = "FIRST"
    LAST = "LAST"
    SUM = "SUM"
    SORT = "SORT"
    UNIQUE = "UNIQUE"
    JOIN = "JOIN"
    SPLIT = "SPLIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """Write the result of an operation to `path`. APPEND, REMOVE, MERGE and INCREMENT combine the
    current value at `path` with `value`; the others transform `value` itself."""

    path: str
    operation: Operation
    value: Any = None
    separator: str = ", "
    """The separator that JOIN and SPLIT use."""
    type: Literal["transform"] = "transform"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCall:
    """End the call once the agent has finished speaking."""

    type: Literal["end_call"] = "end_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCall(TransferTarget):
    """Transfer the caller to another number; only in voice calls."""

    type: Literal["transfer_call"] = "transfer_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDtmf:
    """Send DTMF tones on the telephone line; only in telephone calls."""

    digits: str
    type: Literal["send_dtmf"] = "send_dtmf"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectDigits:
    """Ask the caller to press keys, and wait for them; only in telephone calls. Later actions of the
    tool read the digits at `digits.<name>`. Masked digits are stored nowhere: only the headers and
    the body of an `apiCall` read them, at `masked.<name>`."""

    name: str
    prompt: str = ""
    retry_prompt: str = ""
    """What is said before each further attempt; empty repeats the prompt."""
    count: int | None = None
    """How many digits are asked for; None allows `min` to `max`."""
    min: int | None = None
    max: int | None = None
    terminator: str = "#"
    """The key that completes the digits; empty for none."""
    allowed: str = DTMF_KEYS
    first_seconds: float = 8.0
    """How long to wait for the first key after the prompt."""
    between_seconds: float = 3.0
    """How long to wait for each further key."""
    attempts: int = 3
    masked: bool = False
    save: str = ""
    """The context path that the digits are also written to; empty for none."""
    type: Literal["collect_digits"] = "collect_digits"

    @property
    def min_digits(self) -> int:
        return self.count or self.min or 1

    @property
    def max_digits(self) -> int:
        return self.count or self.max or MAX_COLLECTED_DIGITS


ToolAction = (
    ContextSet
    | ContextGet
    | ContextDelete
    | FlagSet
    | FlagClear
    | Respond
    | Handoff
    | ApiCall
    | McpCall
    | Conditional
    | Validate
    | Transform
    | EndCall
    | TransferCall
    | SendDtmf
    | CollectDigits
)

ActionPath = tuple[str, ...]


def walk_actions(
    actions: tuple[ToolAction, ...], path: ActionPath
) -> Iterator[tuple[ActionPath, ToolAction]]:
    """Yield every action, those nested in conditionals too, with its path."""
    for index, action in enumerate(actions):
        here = (*path, str(index))
        yield here, action
        if isinstance(action, Conditional):
            inside = (*here, "conditional")
            yield from walk_actions(action.then, (*inside, "then"))
            yield from walk_actions(action.otherwise, (*inside, "otherwise"))
