"""When audio packets last arrived from a participant, by the statistics of WebRTC."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from livekit import rtc

STATISTICS_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When packets last arrived, as `time.time`: the caller's, and any from LiveKit's server."""

    caller: float
    server: float


def microphones(caller: rtc.RemoteParticipant) -> Iterable[rtc.Track]:
    for publication in caller.track_publications.values():
        if publication.track is not None and not publication.muted:
            yield publication.track


async def packet_arrivals(tracks: Iterable[rtc.Track]) -> Arrivals | None:
    """The arrivals on the first of the tracks that has statistics; None if none has."""
    for track in tracks:
        with suppress(Exception):  # of a track that is being removed
            async with asyncio.timeout(STATISTICS_TIMEOUT_SECONDS):
                return _arrivals_from(await track.get_stats())
    return None


def _arrivals_from(statistics: Iterable[Any]) -> Arrivals | None:
    caller = server = 0.0
    for each in statistics:
        if each.HasField("inbound_rtp"):
            caller = max(caller, each.inbound_rtp.inbound.last_packet_received_timestamp)
        elif each.HasField("candidate_pair"):
            pair = each.candidate_pair.candidate_pair
            server = max(server, pair.last_packet_received_timestamp)
    return Arrivals(caller / 1000, server / 1000) if caller else None
