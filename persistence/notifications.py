"""The names of Redis channels, and what is said on them.

A hint tells where to look; the truth is in PostgreSQL. Channels carry the tenant, so that
what one tenant listens to can never be another's."""

from __future__ import annotations

from uuid import UUID

Notification = tuple[str, str]
"""Channel and message."""

QUEUE_CHANNEL = "studio:queue"
"""A call is waiting for a worker."""


def call_channel(tenant: UUID, call: UUID) -> str:
    return f"studio:call:{tenant}:{call}"


def calls_channel(tenant: UUID) -> str:
    return f"studio:calls:{tenant}"


def worker_channel(worker: UUID) -> str:
    return f"studio:worker:{worker}"


def call_waiting() -> Notification:
    return QUEUE_CHANNEL, ""


def call_changed(tenant: UUID, call: UUID) -> Notification:
    return calls_channel(tenant), str(call)


def command_added(worker: UUID) -> Notification:
    return worker_channel(worker), ""
