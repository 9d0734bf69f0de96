"""Recordings of voice calls: what there is of one, and how its sound is named where it is kept.

While a call is on, its sound is kept in pieces of a few seconds; when it is over, they are joined
into one file. The name of a piece says whose it is, who made it and where in the call it belongs,
so that nobody has to be asked."""

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
"""How long a link to a recording is good."""
LEASE_SECONDS = 30.0
"""How long a keeper has for a recording until another one may take it, unless it says more."""
PENDING_SECONDS = 15.0
"""How long a recording is waited for after it was said that some of it is still to come."""
DELETED_BY_RETENTION = "retention"
"""Who deletes what is older than it may be."""
RECORDING_FILENAME = "whole.ogg"


class RecordingState(StrEnum):
    """Where a recording is. What is DELETED is gone for good."""

    RECORDING = "RECORDING"
    PROCESSING = "PROCESSING"
    READY = "READY"
    FAILED = "FAILED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What is known of the recording of a call. Its time begins at `started_at`."""

    call_id: CallId
    tenant_id: TenantId
    state: RecordingState
    started_at: datetime
    duration_ms: int | None = None
    missing_ms: int | None = None
    """Silence in the file where nothing had been kept."""
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
    """None: it is not a key of ours."""
    parts = key.split("/")
    try:
        return UUID(parts[1]) if len(parts) == 3 and UUID(parts[0]) else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, order=True)
class SegmentKey:
    """Where a piece belongs: who held the call, and how far into the recording it begins."""

    epoch: int
    at_ms: int

    @property
    def filename(self) -> str:
        return f"{self.epoch:06}-{self.at_ms:010}.ogg"

    @classmethod
    def from_key(cls, key: str) -> SegmentKey | None:
        """None: it is not the key of a piece."""
        epoch, dash, at = key.rpartition("/")[2].removesuffix(".ogg").partition("-")
        return cls(int(epoch), int(at)) if dash and epoch.isdigit() and at.isdigit() else None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Something in the store."""

    key: str
    size: int
    modified_at: datetime


class AudioStore(Protocol):
    """Where recordings are kept: a folder, or an S3-compatible store. `Unavailable` when it does
    not answer."""

    async def put(self, key: str, audio: bytes | Path) -> None:
        """Whole or not at all; what was there is replaced."""
        ...

    async def size(self, key: str) -> int | None:
        """None: there is no such thing."""
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """From byte `start` up to `end`; `NotFound` when there is no such thing."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """What is not there counts as deleted."""
        ...

    def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        """Everything under a folder, which ends with `/`; all there is for an empty one."""
        ...

    async def link(self, key: str, expires_in: timedelta) -> str | None:
        """For whoever holds it, for a while; None: the store itself cannot be reached so."""
        ...


class LinkSigner(Protocol):
    """Links to recordings in a store that makes none itself."""

    def sign(self, tenant: UUID, call: UUID, until: datetime) -> str: ...

    def verify(self, token: str, now: datetime) -> str:
        """The key it leads to; `Forbidden` when it is not ours or is too old."""
        ...


class Recordings(Protocol):
    """Of one tenant."""

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[Recording]:
        """By the ids of their calls."""
        ...

    async def delete(self, id: CallId, by: str) -> None:
        """Say that it is deleted; the keeper removes the sound. Once, and only if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class RecordingJob:
    """Something a keeper is to do with a recording, while it has it under a lease."""

    recording: Recording
    attempts: int
    ended_at: datetime | None
    uploads_finished: bool
    """Its call ended, and it was deleted, so long ago that nobody can still be putting sound."""

    @property
    def call_id(self) -> CallId:
        return self.recording.call_id

    @property
    def prefix(self) -> str:
        return recording_prefix(self.recording.tenant_id, self.call_id)


class RecordingStore(Protocol):
    """What is known of recordings, for those who make and tend them. Workers are fenced by epoch,
    keepers by the lease that a job comes with."""

    async def start(self, call: Call, epoch: int, at: datetime) -> Recording:
        """Of a call that was recorded before, the recording that goes on."""
        ...

    async def accepts_audio(self, call: UUID) -> bool:
        """False: it was deleted, or is done without what is still to come."""
        ...

    async def mark_uploaded(self, call: UUID, epoch: int) -> None:
        """Whatever this holder of the call has recorded is in the store."""
        ...

    async def mark_pending(self, calls: Sequence[UUID]) -> None:
        """Some of these that have ended is still to come: it is waited for, as long as this is
        said again in time, up to an hour after the end. A keeper that has begun begins anew."""
        ...

    async def lease_next(self) -> RecordingJob | None:
        """What is due next, for the time of a lease."""
        ...

    async def renew_lease(self, job: RecordingJob) -> None: ...

    async def mark_ready(
        self, job: RecordingJob, duration_ms: int, missing_ms: int, size: int
    ) -> bool:
        """False: it was deleted meanwhile, or somebody else is at it."""
        ...

    async def mark_audio_deleted(self, job: RecordingJob, retry_in: float | None = None) -> None:
        """Nothing is in the store that should not be; or look again in so many seconds."""
        ...

    async def mark_failed(self, job: RecordingJob, reason: str, retry_in: float | None) -> None:
        """Try again in so many seconds; None: it is given up."""
        ...

    async def delete_expired(self, recording_days: int, retention_days: int) -> int:
        """Delete the recordings that are older than they may be, or whose calls are."""
        ...

    async def count_orphans(self) -> int:
        """How many are deleted, but their sound may still be there; nor can their calls go."""
        ...

    async def states(self, calls: Sequence[UUID]) -> Mapping[UUID, RecordingState]: ...
