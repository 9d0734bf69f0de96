"""The context of a call: values that tools write and templates read, folded from the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from domain.calls.events import ContextChanged
from domain.calls.model import Call
from domain.templating.templates import look_up_path

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """`user`, `call` and `tenant` are set at the start and never change. `agents` holds the
    namespace `agent` of each node."""

    user: Values = field(default_factory=dict)
    call: Values = field(default_factory=dict)
    tenant: Values = field(default_factory=dict)
    workflow: Values = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)
    agents: Mapping[str, Values] = field(default_factory=dict)

    def visible_to(self, node: str, params: Values | None = None) -> dict[str, Any]:
        """The namespaces that a template of this node can read."""
        return {
            "user": self.user,
            "call": self.call,
            "tenant": self.tenant,
            "workflow": self.workflow,
            "flags": self.flags,
            "agent": self.agents.get(node, {}),
            "params": params or {},
        }

    def set_event(self, path: str, value: Any, node: str) -> ContextChanged:
        """The event that sets `path`; `agent.…` belongs to this node, and `…[+]` appends."""
        absolute_path = _absolute(path.removesuffix("[+]"), node)
        if path.endswith("[+]"):
            before = self.read(absolute_path)
            value = [*(before if isinstance(before, list) else []), value]
        return ContextChanged(path=absolute_path, value=value)

    def remove_event(self, path: str, node: str) -> ContextChanged:
        return ContextChanged(path=_absolute(path, node), value=None, removed=True)

    def read(self, path: str) -> Any:
        values = {"workflow": self.workflow, "flags": self.flags, "agents": self.agents}
        return look_up_path(path, values)

    def apply(self, change: ContextChanged) -> CallContext:
        namespace, *segments = change.path.split(".")
        values = _with_change(getattr(self, namespace), segments, change)
        return replace(self, **{namespace: values})


def initial_context(call: Call, tenant: Values | None = None) -> CallContext:
    """The context that a call starts with. `tenant` is the template namespace of the settings."""
    call_values = {
        "id": str(call.id),
        "kind": call.kind.value,
        "direction": call.direction.value,
        "phone_number": call.phone_number,
        "from_number": call.from_number,
        "to_number": call.to_number,
        "attestation": call.attestation.value if call.attestation else None,
        "started_at": call.created_at.isoformat(),
    }
    return CallContext(user=call.user_context, call=call_values, tenant=tenant or {})


def write_problem(values: Mapping[str, Any], path: str, value: Any) -> str | None:
    """Why the value cannot be written to the path of a context with these values; None if it can."""
    namespace, *segments = path.split(".")
    if namespace == "flags" and not isinstance(value, bool):
        return f"{path} is a flag, which is true or false."
    for length, segment in enumerate(segments, start=1):
        inside = look_up_path(".".join((namespace, *segments[: length - 1])), values)
        if isinstance(inside, list) and _index(inside, segment) is None:
            parent = ".".join((namespace, *segments[: length - 1]))
            return f"{parent} is a list of {len(inside)} items; there is no item {segment}."
    return None


def _absolute(path: str, node: str) -> str:
    namespace, _, rest = path.partition(".")
    return f"agents.{node}.{rest}" if namespace == "agent" else path


def _with_change(values: Values, segments: list[str], change: ContextChanged) -> Values:
    segment, *rest = segments
    if rest:
        return {**values, segment: _inside(values.get(segment), rest, change)}
    if change.removed:
        return {key: value for key, value in values.items() if key != segment}
    return {**values, segment: change.value}


def _inside(value: Any, segments: list[str], change: ContextChanged) -> Any:
    if isinstance(value, list):
        return _list_with_change(value, segments, change)
    return _with_change(value if isinstance(value, Mapping) else {}, segments, change)


def _list_with_change(items: list[Any], segments: list[str], change: ContextChanged) -> list[Any]:
    segment, *rest = segments
    index = _index(items, segment)
    if index is None:
        return items
    if rest:
        new = [_inside(items[index], rest, change)]
    else:
        new = [] if change.removed else [change.value]
    return [*items[:index], *new, *items[index + 1 :]]


def _index(items: list[Any], segment: str) -> int | None:
    """The index of an item of the list; None if the segment is not one."""
    is_index = segment.isdecimal() and segment.isascii() and int(segment) < len(items)
    return int(segment) if is_index else None
