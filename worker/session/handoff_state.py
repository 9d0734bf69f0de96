"""The hand-off in progress: requested by a tool, begun, recorded, and over when its agent enters."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from livekit.agents import Agent

from domain.calls.events import HandoffVia
from domain.workflows.model import Connection
from domain.workflows.routing import ResolvedNode

START_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingHandoff:
    """A hand-off that was decided: its final node, the agent there, and the history that the agent
    receives."""

    connection: Connection
    via: HandoffVia
    resolved_node: ResolvedNode
    agent: Agent | None = None
    summary: str | None = None
    complete: bool = True
    """False while the summary is being generated."""


class HandoffState:
    def __init__(self) -> None:
        self._requested: Connection | None = None
        self._pending: PendingHandoff | None = None
        self._is_recorded = False
        self._agent_entered = asyncio.Event()
        self._session_started = asyncio.Event()

    @property
    def target_in_progress(self) -> str | None:
        """The node of the hand-off that is requested or in progress; None if there is none."""
        if self._pending is not None:
            return self._pending.resolved_node.node
        return None if self._requested is None else self._requested.target

    @property
    def in_progress(self) -> bool:
        """Whether an agent is expected that has not yet said what it says on entering."""
        return self.target_in_progress is not None or not self._agent_entered.is_set()

    @property
    def next_agent(self) -> Agent | None:
        """The agent of the hand-off in progress once it is complete; None if there is none."""
        is_complete = self._pending is not None and self._pending.complete
        return self._pending.agent if self._pending is not None and is_complete else None

    @property
    def to_record(self) -> PendingHandoff | None:
        """The hand-off in progress once it is complete; None if there is none, or it is recorded."""
        if self._pending is None or not self._pending.complete or self._is_recorded:
            return None
        return self._pending

    def request(self, connection: Connection) -> None:
        """Take the connection once the tool that requests it has finished."""
        self._requested = connection

    def take_request(self) -> Connection | None:
        """Return the connection that the tool requested, and reset it."""
        requested, self._requested = self._requested, None
        return requested

    def begin(self, handoff: PendingHandoff) -> None:
        self._pending, self._is_recorded = handoff, False
        self._agent_entered.clear()

    def complete(self, handoff: PendingHandoff, summary: str | None) -> None:
        """Complete the hand-off with its summary, which is None if there is none. Does nothing if it
        was abandoned."""
        if self._pending is handoff:
            self._pending = replace(handoff, summary=summary, complete=True)

    def abandon(self) -> None:
        """Wait no longer for the hand-off in progress, whose agent will not enter."""
        self._pending = None
        self._agent_entered.set()

    def recorded(self) -> None:
        """The hand-off in progress is in the log."""
        self._is_recorded = True

    def expect_first_agent(self) -> None:
        self._agent_entered.clear()

    def agent_entering(self) -> None:
        """The agent of the hand-off, or the first one, enters its node and may hand off itself."""
        self._pending = None

    def agent_entered(self) -> None:
        """The agent of the hand-off, or the first one, has said what it says on entering."""
        self._pending = None
        self._agent_entered.set()

    def session_started(self) -> None:
        self._session_started.set()

    async def wait_until_session_started(self) -> None:
        """Return once the session can change its agent."""
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            await self._session_started.wait()

    async def wait_until_entered(self) -> None:
        """Return once the expected agent has entered; at once if none is expected."""
        while not self._agent_entered.is_set():
            await self._agent_entered.wait()
