"""The names of the Redis channels, and the notifications that are sent on them.

A notification only says that there is something to read; the data is in PostgreSQL. The names
contain the tenant, so that no tenant can listen to the channel of another."""

from __future__ import annotations

from uuid import UUID

Notification = tuple[str, str]
"""A channel and a message."""

QUEUE_CHANNEL = "studio:queue"
"""The channel that announces calls waiting for a worker."""
ROOMS_CHANNEL = "studio:rooms"
"""The channel that announces changes in the rooms of inbound calls."""

ACCESS_CHANNEL = "studio:access"
"""The channel that announces changes of who may do what."""


def call_channel(tenant: UUID, call: UUID) -> str:
    return f"studio:call:{tenant}:{call}"


def calls_channel(tenant: UUID) -> str:
    return f"studio:calls:{tenant}"


def drafts_channel(tenant: UUID, kind: str) -> str:
    """`kind` is `agent`, `tool` or `workflow`."""
    return f"studio:drafts:{tenant}:{kind}"


def worker_channel(worker: UUID) -> str:
    return f"studio:worker:{worker}"


def call_waiting() -> Notification:
    return QUEUE_CHANNEL, ""


def rooms_changed() -> Notification:
    return ROOMS_CHANNEL, ""


def access_changed() -> Notification:
    return ACCESS_CHANNEL, ""


def call_changed(tenant: UUID, call: UUID) -> Notification:
    return calls_channel(tenant), str(call)


def drafts_changed(tenant: UUID, kind: str) -> Notification:
    return drafts_channel(tenant, kind), ""


def command_added(worker: UUID) -> Notification:
    return worker_channel(worker), ""
