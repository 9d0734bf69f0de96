"""Recordings of voice calls: their states, and the keys of their audio in the store.

During a call its audio is stored in segments of a few seconds; when the call is over, they are
joined into one file. The key of a segment names its tenant, its call, the epoch of the worker that
recorded it and its position, so that segments can be joined without a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from uuid import UUID

from domain.calls.model import Call, CallId
from domain.common.access import TenantId

CONTENT_TYPE = "audio/ogg"
LINK_LIFETIME = timedelta(minutes=10)
"""How long a link to a recording is valid."""
LEASE_SECONDS = 30.0
"""How long a keeper holds a recording before another may lease it, unless it renews the lease."""
PENDING_SECONDS = 15.0
"""How long joining a recording is postponed after a worker reports pending uploads."""
DELETED_BY_RETENTION = "retention"
"""The value of `deleted_by` for recordings that have expired."""
RECORDING_FILENAME = "whole.ogg"


class RecordingState(StrEnum):
    """The state of a recording. DELETED is final: the audio cannot be recovered."""

    RECORDING = "RECORDING"
    PROCESSING = "PROCESSING"
    READY = "READY"
    FAILED = "FAILED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The recording of a call. Positions in the audio count from `started_at`."""

    call_id: CallId
    tenant_id: TenantId
    state: RecordingState
    started_at: datetime
    duration_ms: int | None = None
    missing_ms: int | None = None
    """Milliseconds of silence in the file where audio was lost."""
    size: int | None = None
    error: str | None = None
    ready_at: datetime | None = None
    deleted_at: datetime | None = None
    deleted_by: str | None = None

    @property
    def id(self) -> UUID:
        return self.call_id

    @property
    def key(self) -> str:
        return recording_prefix(self.tenant_id, self.call_id) + RECORDING_FILENAME


def recording_prefix(tenant: UUID, call: UUID) -> str:
    return f"{tenant}/{call}/"


def call_id_from_key(key: str) -> UUID | None:
    """Returns None for a key that does not belong to a recording."""
    parts = key.split("/")
    try:
        return UUID(parts[1]) if len(parts) == 3 and UUID(parts[0]) else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, order=True)
class SegmentKey:
    """The position of a segment: the epoch of the worker that recorded it, and its offset from the
    start of the recording."""

    epoch: int
    at_ms: int

    @property
    def filename(self) -> str:
        return f"{self.epoch:06}-{self.at_ms:010}.ogg"

    @classmethod
    def from_key(cls, key: str) -> SegmentKey | None:
        """Returns None for a key that does not belong to a segment."""
        epoch, dash, at = key.rpartition("/")[2].removesuffix(".ogg").partition("-")
        return cls(int(epoch), int(at)) if dash and epoch.isdigit() and at.isdigit() else None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in the audio store; `size` is in bytes."""

    key: str
    size: int
    modified_at: datetime


class AudioStore(Protocol):
    """Where recordings are stored: a folder or an S3-compatible store. Methods raise `Unavailable`
    when the store does not respond."""

    async def put(self, key: str, audio: bytes | Path) -> None:
        """Store an object atomically, replacing the one with this key."""
        ...

    async def size(self, key: str) -> int | None:
        """Return the size in bytes; None when there is no such object."""
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to `end`. Raises `NotFound` when there is no such
        object."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete the objects; missing ones count as deleted."""
        ...

    def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        """Yield the objects under a prefix, which ends with `/`; all objects if it is empty."""
        ...

    async def link(self, key: str, expires_in: timedelta) -> str | None:
        """Return a URL that gives its holder access to the object; None when the store cannot
        issue links."""
        ...


class LinkSigner(Protocol):
    """Signs links to recordings in a store that cannot issue links itself."""

    def sign(self, tenant: UUID, call: UUID, until: datetime) -> str: ...

    def verify(self, token: str, now: datetime) -> str:
        """Return the key that the token names. Raises `Forbidden` when the signature is invalid or
        the token has expired."""
        ...


class Recordings(Protocol):
    """The recordings of one tenant."""

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[Recording]:
        """Return the recordings of the calls with these ids."""
        ...

    async def delete(self, id: CallId, by: str) -> None:
        """Mark a recording as deleted; the keeper removes its audio. Does nothing when there is no
        recording or it is deleted already."""
        ...


@dataclass(frozen=True, slots=True)
class RecordingJob:
    """A recording that a keeper has leased, either to join its segments or to delete audio."""

    recording: Recording
    attempts: int
    ended_at: datetime | None
    uploads_finished: bool
    """The call ended, and the recording was deleted, long enough ago that no worker can still be
    uploading audio."""

    @property
    def call_id(self) -> CallId:
        return self.recording.call_id

    @property
    def prefix(self) -> str:
        return recording_prefix(self.recording.tenant_id, self.call_id)


class RecordingStore(Protocol):
    """The recordings of all tenants, for workers and keepers. Workers are fenced by epoch, keepers
    by the lease of a job."""

    async def start(self, call: Call, epoch: int, at: datetime) -> Recording:
        """Start the recording of a call, or continue the one it has."""
        ...

    async def accepts_audio(self, call: UUID) -> bool:
        """False: the recording was deleted, or was completed without the pending audio."""
        ...

    async def mark_uploaded(self, call: UUID, epoch: int) -> None:
        """All audio that the holder of this epoch recorded is in the store."""
        ...

    async def mark_pending(self, calls: Sequence[UUID]) -> None:
        """Uploads are pending for these calls. For those that have ended, joining is postponed by
        `PENDING_SECONDS`, up to an hour after the end; a join in progress is repeated."""
        ...

    async def lease_next(self) -> RecordingJob | None:
        """Lease the next recording that is due; None when there is none."""
        ...

    async def renew_lease(self, job: RecordingJob) -> None: ...

    async def mark_ready(
        self, job: RecordingJob, duration_ms: int, missing_ms: int, size: int
    ) -> bool:
        """False: the recording was deleted, or another keeper has leased it."""
        ...

    async def mark_audio_deleted(self, job: RecordingJob, retry_in: float | None = None) -> None:
        """The store holds no audio that should be deleted; with `retry_in`, check again in so many
        seconds."""
        ...

    async def mark_failed(self, job: RecordingJob, reason: str, retry_in: float | None) -> None:
        """The job failed: retry it in `retry_in` seconds; None gives it up."""
        ...

    async def delete_expired(self, recording_days: int, retention_days: int) -> int:
        """Mark the recordings as deleted that are older than `recording_days`, or whose calls are
        older than `retention_days`; 0 is no limit. Returns how many were marked."""
        ...

    async def count_orphans(self) -> int:
        """Count the deleted recordings whose audio may still be in the store. Their calls cannot be
        deleted either."""
        ...

    async def states(self, calls: Sequence[UUID]) -> Mapping[UUID, RecordingState]: ...
