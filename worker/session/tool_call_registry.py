"""The tool calls of the model in one call: their ids, and what is wrong with invalid ones."""

from __future__ import annotations

from collections.abc import Iterable

from livekit.agents.utils import shortuuid


class ToolCallRegistry:
    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = set(ids)
        self._problems: dict[str, str] = {}

    def register(self, id: str) -> str:
        """Register a tool call and return its id, which is a new one if it has none or the model
        has used it before, as some models do."""
        if not id or id in self._ids:
            id = shortuuid("call_")
        self._ids.add(id)
        return id

    def mark_invalid(self, id: str, problem: str) -> None:
        self._problems[id] = problem

    def take_problem(self, id: str) -> str | None:
        """Return the problem of an invalid tool call and forget it; None if it is valid."""
        return self._problems.pop(id, None)
