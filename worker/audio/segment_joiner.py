"""Joins the segments of a recording into one file. Gaps are filled with silence, so that positions
in the file correspond to positions in the call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from domain.calls.recordings import SegmentKey
from worker.audio.ogg_opus import FRAME_MS, OggWriter, demux_ogg, silent_packets


class SegmentJoiner:
    """Joins segments, which must be added in order. Where the segments of two epochs overlap,
    because a former worker kept recording for a while, the later epoch wins."""

    def __init__(self, destination: Path, segment_keys: Sequence[SegmentKey]) -> None:
        self._file = OggWriter(destination)
        starts: dict[int, int] = {}
        for key in sorted(segment_keys):
            starts.setdefault(key.epoch, key.at_ms)
        self._ends = {epoch: starts[following] for epoch, following in pairwise(sorted(starts))}
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
