"""The pieces of a recording, joined into one file. Where there is nothing, there is silence, so that
what is heard at a moment of the file happened at that moment of the call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from domain.calls.recordings import Place
from worker.audio.ogg_opus import FRAME_MS, Ogg, packets_in, silence


class Joiner:
    """Takes pieces in order. Where an earlier holder of the call went on beside a later one, the
    later one is heard."""

    def __init__(self, to: Path, places: Sequence[Place]) -> None:
        self._file = Ogg(to)
        firsts: dict[int, int] = {}
        for place in sorted(places):
            firsts.setdefault(place.epoch, place.at_ms)
        self._ends = {a: firsts[b] for a, b in pairwise(sorted(firsts))}
        self.missing_ms = 0

    @property
    def duration_ms(self) -> int:
        return self._file.packets * FRAME_MS

    def add(self, place: Place, sound: bytes) -> None:
        gap = place.at_ms - self.duration_ms
        end = self._ends.get(place.epoch)
        if end is not None and place.at_ms >= end:
            return
        for packet in silence(max(0, gap) // FRAME_MS):
            self._file.add(packet)
        self.missing_ms += max(0, gap)
        for packet in packets_in(sound)[max(0, -gap) // FRAME_MS :]:
            if end is not None and self.duration_ms >= end:
                break
            self._file.add(packet)

    def close(self) -> None:
        self._file.close()
