"""Monitors whether what an agent says reaches the caller.

LiveKit reports a caller who leaves at once, but one whose network is gone only after some 20 seconds,
and nothing while its server is frozen. So while an agent speaks, this monitor watches the packets that
arrive from the caller: even a silent microphone sends one every 400 ms."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto

from livekit import rtc

from worker.session.packet_arrivals import Arrivals, microphones, packet_arrivals
from worker.session.playout import Playout

MIN_POLL_INTERVAL_SECONDS = 0.25
"""Reading the statistics takes about a millisecond."""
STALL_SECONDS = 1.25
"""After this time without packets from the caller nothing more is played: it would be lost."""
LOSS_SECONDS = 3.0
"""After this time the connection counts as lost, and what is being said is cut off."""
SERVER_SILENCE_SECONDS = 2.0
"""LiveKit's server itself sends a report every second; after this time it is frozen or cut off."""
MAX_LOSS_SECONDS = 30.0
"""By then LiveKit has removed a caller whose network is gone: a caller who is still in the room hears
the agent, and only their microphone sends nothing."""
PACKET_INTERVAL_SECONDS = 0.4
"""Time between the packets of a silent microphone."""
RETURN_DELAY_SECONDS = 0.8
"""Time until the audio of a caller who has just returned is connected."""


class Reachability(Enum):
    REACHABLE = auto()
    STALLED = auto()
    """No packets arrive from the caller; the playout is held, and continues if they arrive again."""
    LOST = auto()


class ConnectionMonitor:
    """`on_lost` receives until when the caller heard the agent, as `time.time`. `on_returned` is called
    when the caller is reachable again."""

    def __init__(
        self,
        room: rtc.Room,
        caller_identity: str,
        playout: Playout,
        on_lost: Callable[[float], None],
        on_returned: Callable[[], None],
        *,
        sends_always: bool = True,
    ) -> None:
        """`sends_always`: as long as the caller is connected, packets arrive. A telephone may send
        none while its owner is silent."""
        self._room = room
        self._caller_identity = caller_identity
        self._sends_always = sends_always
        self._playout = playout
        self._on_lost, self._on_returned = on_lost, on_returned
        self._state = Reachability.REACHABLE
        self._held_at = 0.0
        self._stalled_arrivals = Arrivals(0.0, 0.0)
        self._reachable_since: float | None = None
        """Since when a lost caller is reachable again."""
        self._dead_track: str | None = None
        """A microphone that sends nothing although its owner is there."""
        self._attention = asyncio.Event()
        """Set while there is something to monitor."""
        self._check_now = asyncio.Event()
        playout.add_started_listener(self._pay_attention)
        room.on("participant_disconnected", self._on_participant_disconnected)

    @property
    def is_reachable(self) -> bool:
        return self._state is not Reachability.LOST

    async def run(self) -> None:
        while True:
            await self._attention.wait()
            self._check_now.clear()
            silence = await self._check()
            is_reachable = self._state is Reachability.REACHABLE
            if is_reachable and not self._playout.is_playing:
                self._attention.clear()
            # Not before the last packet that is known could be too old.
            interval = STALL_SECONDS - silence if is_reachable else 0.0
            with suppress(TimeoutError):
                async with asyncio.timeout(max(MIN_POLL_INTERVAL_SECONDS, interval)):
                    await self._check_now.wait()

    def _pay_attention(self) -> None:
        self._attention.set()
        self._check_now.set()

    def _on_participant_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._caller_identity:
            is_stalled = self._state is Reachability.STALLED
            self._lose(_heard_until(self._stalled_arrivals) if is_stalled else time.time())

    async def _check(self) -> float:
        """Update the state. Returns the time since the last packet of the caller, in seconds."""
        caller = self._room.remote_participants.get(self._caller_identity)
        arrivals = None if caller is None else await self._arrivals(caller)
        now = time.time()
        silence = 0.0 if arrivals is None else now - arrivals.caller
        if self._state is Reachability.LOST:
            self._check_return(caller, silence, now)
        elif arrivals is not None and silence >= STALL_SECONDS:
            self._stall(arrivals, now)
        elif self._state is Reachability.STALLED:
            self._state = Reachability.REACHABLE
            self._playout.release(self)
        return silence

    def _heard_until(self, arrivals: Arrivals, now: float) -> float:
        if now - arrivals.server >= SERVER_SILENCE_SECONDS:
            # The server delivers what was sent before the playout was held as soon as it responds.
            return self._held_at
        return _heard_until(arrivals)

    def _stall(self, arrivals: Arrivals, now: float) -> None:
        self._stalled_arrivals = arrivals
        if self._state is Reachability.REACHABLE:
            self._state, self._held_at = Reachability.STALLED, now
            self._playout.hold(self)
        elif now - self._held_at >= LOSS_SECONDS - STALL_SECONDS:
            # Not by the last packet alone: a microphone that was muted has sent none for long.
            self._lose(self._heard_until(arrivals, now))

    def _lose(self, heard_until: float) -> None:
        if self._state is Reachability.LOST:
            return
        if self._state is Reachability.REACHABLE:
            self._held_at = time.time()
        self._state, self._reachable_since = Reachability.LOST, None
        self._playout.hold(self)
        self._pay_attention()
        self._on_lost(heard_until)

    def _check_return(
        self, caller: rtc.RemoteParticipant | None, silence: float, now: float
    ) -> None:
        if caller is not None and silence > MAX_LOSS_SECONDS:
            self._dead_track = next((t.sid for t in microphones(caller)), None)
        elif caller is None or silence >= STALL_SECONDS:
            self._reachable_since = None
            return
        self._reachable_since = self._reachable_since or now
        if now - self._reachable_since >= RETURN_DELAY_SECONDS:
            self._state = Reachability.REACHABLE
            self._playout.release(self)
            self._on_returned()

    async def _arrivals(self, caller: rtc.RemoteParticipant) -> Arrivals | None:
        """None if the caller sends nothing that arrives in any case."""
        if not self._sends_always:
            return None
        return await packet_arrivals(t for t in microphones(caller) if t.sid != self._dead_track)


def _heard_until(arrivals: Arrivals) -> float:
    """When the caller's connection failed, if LiveKit's server is alive."""
    return arrivals.caller + PACKET_INTERVAL_SECONDS / 2
