"""Who can hear what during a warm transfer, in the one room of the call.

Until the colleague has accepted, the caller hears the hold tone and what the agent says to them, the
colleague hears only what is said to them in private, and neither hears the other. LiveKit subscribes
every newcomer to every track. So three locks hold each other up: the tracks of the worker name who may
receive them, the colleague's leg receives nothing while its phone rings, and both legs are
unsubscribed from each other, again and again, because a leg may subscribe itself late. After a
restart of LiveKit's server the legs come back with new tracks and subscribe themselves to everything;
the worker notices and separates them again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import chain, repeat

from livekit import rtc

from domain.common.errors import Unavailable
from worker.common.retry import retry_while_unavailable
from worker.common.room_permissions import RoomPermissions
from worker.session.call_clock import IMMEDIATELY, CallClock
from worker.session.room_tracks import PRIVATE_TRACK

log = logging.getLogger(__name__)

INTERVALS_SECONDS = (0.1, 0.2, 0.3, 0.5)
"""The first pauses between two separations. The last pause repeats."""
LAST_INTERVAL_SECONDS = 1.0
RETRY_SECONDS = 0.2
SUBSCRIPTION_TIMEOUT_SECONDS = 5.0
BRIDGE_TIMEOUT_SECONDS = 15.0
"""How long to wait until LiveKit lists both. After a restart, its legs come back after five seconds."""


class Isolation:
    def __init__(
        self,
        room: rtc.Room,
        permissions: RoomPermissions,
        caller: str,
        colleague: str,
        clock: CallClock,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_lost` is called when both may have heard each other for a moment."""
        self._room = room
        self._permissions = permissions
        self._caller, self._colleague = caller, colleague
        self._clock = clock
        self._on_lost = on_lost
        self._requests = asyncio.Lock()
        self._is_apart = True
        self._is_admitted = False
        self._is_gated = False
        """Whether the colleague's leg may receive nothing."""
        self._has_news = True
        self._intervals = _intervals()
        self._seen = {caller} & set(room.remote_participants)
        """Those who are in the room, or have been."""
        room.on("participant_connected", self._on_joined)
        room.on("track_published", self._on_published)
        room.on("local_track_published", self._on_own_track)
        room.on("local_track_republished", self._on_own_track)
        room.on("reconnected", self._on_reconnected)

    def close(self) -> None:
        room = self._room
        room.off("participant_connected", self._on_joined)
        room.off("track_published", self._on_published)
        room.off("local_track_published", self._on_own_track)
        room.off("local_track_republished", self._on_own_track)
        room.off("reconnected", self._on_reconnected)

    # ---- what the agent's tracks allow -----------------------------------------------------

    def restrict_own_tracks(self) -> None:
        """Let each listener receive only what is meant for them."""
        tracks = self._room.local_participant.track_publications.values()
        private = [track.sid for track in tracks if track.name == PRIVATE_TRACK]
        others = [track.sid for track in tracks if track.name != PRIVATE_TRACK]
        permission = rtc.ParticipantTrackPermission
        if not self._is_apart:
            allowed: list[rtc.ParticipantTrackPermission] = []
        else:
            allowed = [permission(participant_identity=self._caller, allowed_track_sids=others)]
            if self._is_admitted:
                allowed.append(
                    permission(participant_identity=self._colleague, allowed_track_sids=private)
                )
        self._allow(allowed)

    def return_to_caller(self) -> None:
        """Let only the caller receive what the agent says from now on."""
        self._is_apart = False
        let_only_caller_listen(self._room, self._caller)

    def _allow(self, allowed: list[rtc.ParticipantTrackPermission]) -> None:
        self._room.local_participant.set_track_subscription_permissions(
            allow_all_participants=False, participant_permissions=allowed
        )

    # ---- caller and colleague ----------------------------------------------------------------

    async def keep(self) -> None:
        """Keep both apart until `admit` and `bridge` change that; run in the background."""
        while self._is_apart:
            self._has_news = False
            try:
                await self._separate()
                await self._pause(next(self._intervals))
            except Unavailable:
                log.warning("cannot separate the legs of a transfer; trying again")
                await self._pause(RETRY_SECONDS)

    async def _pause(self, seconds: float) -> None:
        due = self._clock.now() + timedelta(seconds=seconds)
        await self._clock.wait_until(lambda: IMMEDIATELY if self._has_news else due)

    async def _separate(self) -> None:
        async with self._requests:
            if not self._is_apart:
                return
            if self._is_present(self._colleague) and not (self._is_gated or self._is_admitted):
                await self._permissions.set_may_listen(self._colleague, allowed=False)
                self._is_gated = True
            await self._separate_tracks()

    async def _separate_tracks(self) -> None:
        await self._set_connected(await self._permissions.tracks(), False)

    async def _set_connected(self, tracks: Mapping[str, Sequence[str]], connected: bool) -> None:
        """Let both receive each other's tracks, or not."""
        for listener, speaker in (
            (self._caller, self._colleague),
            (self._colleague, self._caller),
        ):
            sids = tracks.get(speaker)
            if sids and listener in tracks:
                await self._permissions.set_subscribed(listener, sids, connected)

    def _is_present(self, identity: str) -> bool:
        return identity in self._room.remote_participants

    async def admit(self) -> None:
        """Let the colleague hear what is said to them in private. Raises `Unavailable`."""
        await self._separate()
        async with self._requests:
            self._is_admitted = True
            self.restrict_own_tracks()
            await self._permissions.set_may_listen(self._colleague, allowed=True)
            await self._separate_tracks()
            private = [
                track
                for track in self._room.local_participant.track_publications.values()
                if track.name == PRIVATE_TRACK
            ]
            sids = [track.sid for track in private]
            if sids:
                await self._permissions.set_subscribed(self._colleague, sids, True)
        with suppress(TimeoutError):
            async with asyncio.timeout(SUBSCRIPTION_TIMEOUT_SECONDS):
                for track in private:
                    await track.wait_for_subscription()

    async def bridge(self) -> None:
        """Connect both with each other, and let neither receive the agent. Raises `Unavailable`, also
        when LiveKit does not list both: it forgets participants when its Redis is emptied."""
        async with self._requests:
            tracks = await self._permissions.tracks()
            if not (self._caller in tracks and self._colleague in tracks):
                raise Unavailable("LiveKit does not list the caller and the colleague.")
            self._is_apart = False
            await self._permissions.set_may_listen(self._colleague, allowed=True)
            await self._set_connected(tracks, True)
            self.restrict_own_tracks()
        self._clock.changed()

    # ---- the room --------------------------------------------------------------------------

    def _on_joined(self, participant: rtc.RemoteParticipant) -> None:
        identity = participant.identity
        if identity not in (self._caller, self._colleague):
            return
        if identity == self._colleague:
            self._is_gated = False
        other = self._caller if identity == self._colleague else self._colleague
        # A leg that comes back subscribes itself to everything, also to the other one.
        if self._is_apart and identity in self._seen and self._is_present(other):
            self._on_lost()
        self._seen.add(identity)
        self._notice()

    def _on_published(
        self, _publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if participant.identity in (self._caller, self._colleague):
            self._notice()

    def _on_own_track(self, *_: object) -> None:
        self.restrict_own_tracks()

    def _on_reconnected(self) -> None:
        self.restrict_own_tracks()
        self._notice()

    def answered(self) -> None:
        """The colleague's phone was answered: its leg subscribes itself to tracks now."""
        self._notice()

    def _notice(self) -> None:
        self._has_news = True
        self._intervals = _intervals()
        self._clock.changed()


async def bridge_in_time(isolation: Isolation) -> bool:
    """Connect both with each other; False if LiveKit did not do it in time."""
    try:
        async with asyncio.timeout(BRIDGE_TIMEOUT_SECONDS):
            await retry_while_unavailable(isolation.bridge)
    except TimeoutError:
        return False
    return True


def _intervals() -> Iterator[float]:
    return chain(INTERVALS_SECONDS, repeat(LAST_INTERVAL_SECONDS))


def let_only_caller_listen(room: rtc.Room, caller: str) -> None:
    """Let the caller, and no other participant, receive the tracks of this worker."""
    room.local_participant.set_track_subscription_permissions(
        allow_all_participants=False,
        participant_permissions=[
            rtc.ParticipantTrackPermission(participant_identity=caller, allow_all=True)
        ],
    )
