"""The steps that tools are made of: fourteen kinds, each a declaration of one thing to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextSet:
    """Write a value into the call's context; `path[+]` appends to a list."""

    path: str
    value: Any
    type: Literal["context.set"] = "context.set"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextGet:
    """Tell the model what the context holds at a path."""

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
    """Tell the model this as the tool's result; a template."""

    message: str
    type: Literal["respond"] = "respond"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """Hand the conversation to another node, along a connection of the workflow."""

    node: str
    type: Literal["handoff"] = "handoff"


class Method(StrEnum):
    """How a tool asks a server."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"

    @property
    def is_idempotent(self) -> bool:
        """Asking twice does no more than asking once (RFC 9110, 9.2.2)."""
        return self in (Method.GET, Method.PUT, Method.DELETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """Ask a server over HTTP. Later steps read the answer at `response.status` and
    `response.body`; `save` writes parts of it into the context: {context path: response path}.

    With `endpoint`, the name of a server in the tenant's settings, `url` is only what follows.
    The host of `url` is never a template. `headers` may hold `{{secret.name}}`, filled in last and
    shown to nobody. Each try of one use carries the same `Idempotency-Key`."""

    url: str = ""
    endpoint: str = ""
    method: Method = Method.GET
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    timeout: float = 10.0
    """Of one try, in seconds."""
    retries: int = 2
    """More tries after a failure of the network or a 429 or 5xx; of unsafe methods only when
    `retry_unsafe` says that the server minds the idempotency key."""
    retry_unsafe: bool = False
    save: Mapping[str, str] = field(default_factory=dict)
    type: Literal["api_call"] = "api_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class McpCall:
    """Use a tool of an MCP server that the tenant's settings name. Without `arguments` it is given
    what the model gave. Later steps read the answer at `response.content` and, where there is one,
    `response.structured`; `save` writes parts of it into the context."""

    server: str
    tool: str
    arguments: Mapping[str, Any] | None = None
    timeout: float = 30.0
    save: Mapping[str, str] = field(default_factory=dict)
    type: Literal["mcp_call"] = "mcp_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """Do one chain or the other."""

    condition: str
    then: tuple[ToolAction, ...] = ()
    otherwise: tuple[ToolAction, ...] = ()
    type: Literal["conditional"] = "conditional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What must hold, and what the model is told when it does not."""

    condition: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validate:
    """Go on only if every rule holds."""

    rules: tuple[Rule, ...]
    type: Literal["validate"] = "validate"


class Operation(StrEnum):
    """What `transform` does with its value. Each is defined for every value, and never fails."""

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
    """Write what an operation makes of a value. APPEND, REMOVE, MERGE and INCREMENT change what is
    at `path` by the value; the others turn the value itself into something else."""

    path: str
    operation: Operation
    value: Any = None
    separator: str = ", "
    """Of JOIN and SPLIT."""
    type: Literal["transform"] = "transform"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCall:
    """End the call once the agent has finished speaking."""

    type: Literal["end_call"] = "end_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCall:
    """Connect the caller to another number; only in calls over the phone."""

    number: str
    type: Literal["transfer_call"] = "transfer_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDtmf:
    """Press keys on the phone line; only in calls over the phone."""

    digits: str
    type: Literal["send_dtmf"] = "send_dtmf"


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
)

ActionPath = tuple[str, ...]


def walk_actions(
    actions: tuple[ToolAction, ...], path: ActionPath
) -> Iterator[tuple[ActionPath, ToolAction]]:
    """Every step of a chain, those inside of conditionals too, with the way to it."""
    for place, action in enumerate(actions):
        here = (*path, str(place))
        yield here, action
        if isinstance(action, Conditional):
            inside = (*here, "conditional")
            yield from walk_actions(action.then, (*inside, "then"))
            yield from walk_actions(action.otherwise, (*inside, "otherwise"))
