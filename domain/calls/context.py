"""What a call knows: values that tools write and templates read. A fold of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from domain.calls.events import ContextChanged
from domain.calls.model import Call

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """`user`, `call` and `tenant` are given at the start and never written; `agent` is kept per node."""

    user: Values = field(default_factory=dict)
    call: Values = field(default_factory=dict)
    tenant: Values = field(default_factory=dict)
    workflow: Values = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)
    agents: Mapping[str, Values] = field(default_factory=dict)

    def visible_to(self, node: str, params: Values | None = None) -> dict[str, Any]:
        """The namespaces a template of this node can read."""
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
        """The event that sets `path` (`agent.…` is this node's own; `…[+]` appends)."""
        where = _absolute(path.removesuffix("[+]"), node)
        if path.endswith("[+]"):
            before = self.read(where)
            value = [*(before if isinstance(before, list) else []), value]
        return ContextChanged(path=where, value=value)

    def remove_event(self, path: str, node: str) -> ContextChanged:
        return ContextChanged(path=_absolute(path, node), value=None, removed=True)

    def read(self, path: str) -> Any:
        value: Any = {"workflow": self.workflow, "flags": self.flags, "agents": self.agents}
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def apply(self, change: ContextChanged) -> CallContext:
        space, *steps = change.path.split(".")
        values = _with_change(getattr(self, space), steps, change)
        return replace(self, **{space: values})


def initial_context(call: Call, tenant: Values | None = None) -> CallContext:
    """The context a call begins with; `tenant` is what the settings show."""
    about = {
        "id": str(call.id),
        "kind": call.kind.value,
        "direction": call.direction.value,
        "phone_number": call.phone_number,
        "started_at": call.created_at.isoformat(),
    }
    return CallContext(user=call.user_context, call=about, tenant=tenant or {})


def _absolute(path: str, node: str) -> str:
    space, _, rest = path.partition(".")
    return f"agents.{node}.{rest}" if space == "agent" else path


def _with_change(values: Values, steps: list[str], change: ContextChanged) -> Values:
    step, *rest = steps
    if rest:
        inner = values.get(step)
        return {
            **values,
            step: _with_change(inner if isinstance(inner, Mapping) else {}, rest, change),
        }
    if change.removed:
        return {key: value for key, value in values.items() if key != step}
    return {**values, step: change.value}
