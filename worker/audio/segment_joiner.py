"""The pieces of a recording, joined into one file. Where there is nothing, there is silence, so that
what is heard at a moment of the file happened at that moment of the call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from domain.calls.recordings import SegmentKey
from worker.audio.ogg_opus import FRAME_MS, OggWriter, demux_ogg, silent_packets


class SegmentJoiner:
    """Takes pieces in order. Where an earlier holder of the call went on beside a later one, the
    later one is heard."""

    def __init__(self, destination: Path, segment_keys: Sequence[SegmentKey]) -> None:
        self._file = OggWriter(destination)
        firsts: dict[int, int] = {}
        for place in sorted(segment_keys):
            firsts.setdefault(place.epoch, place.at_ms)
        self._ends = {a: firsts[b] for a, b in pairwise(sorted(firsts))}
        self.missing_ms = 0

    @property
    def duration_ms(self) -> int:
        return self._file.packet_count * FRAME_MS

    def add(self, segment_key: SegmentKey, audio: bytes) -> None:
        gap = segment_key.at_ms - self.duration_ms
        end = self._ends.get(segment_key.epoch)
        if end is not None and segment_key.at_ms >= end:
            return
        for packet in silent_packets(max(0, gap) // FRAME_MS):
            self._file.add(packet)
        self.missing_ms += max(0, gap)
        for packet in demux_ogg(audio)[max(0, -gap) // FRAME_MS :]:
            if end is not None and self.duration_ms >= end:
                break
            self._file.add(packet)

    def close(self) -> None:
        self._file.close()
