"""Waits for the first of several events."""

from __future__ import annotations

import asyncio

from domain.common.tasks import cancel_and_wait


async def first_event(
    *events: asyncio.Event, timeout_seconds: float | None = None
) -> asyncio.Event | None:
    """The first event that is set, in the order of the arguments; None after the timeout."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_and_wait(*waits)
    return next((event for event in events if event.is_set()), None)
