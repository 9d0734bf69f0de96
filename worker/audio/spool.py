"""Pieces of recordings that wait on disk for a store that is away. They outlive their process: any
worker of the machine puts what it finds. There is room for so much; what is more is lost."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from glob import glob
from pathlib import Path
from uuid import UUID

from domain.calls.recordings import AudioStore, RecordingStore, SegmentKey, call_id_from_key
from domain.common.errors import InvalidSetting, Unavailable
from domain.common.settings import Settings
from domain.common.tasks import background_task

log = logging.getLogger(__name__)

UPLOAD_TIMEOUT_SECONDS = 4.0
RETRY_INTERVAL_SECONDS = 5.0
"""A store that did not answer is left alone for so long."""
RENEW_INTERVAL_SECONDS = 2.0
MEGABYTE = 1_000_000


class Spool:
    def __init__(
        self, folder: Path, max_bytes: int, audio_store: AudioStore, recording_store: RecordingStore
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._audio_store = audio_store
        self._recording_store = recording_store
        self._unavailable_until = 0.0

    @classmethod
    def from_settings(
        cls, settings: Settings, audio_store: AudioStore, recording_store: RecordingStore
    ) -> Spool:
        place = Path(settings.spool_folder or _default_folder(settings))
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if place.stat().st_uid != os.getuid():
            raise InvalidSetting(f"{place} belongs to somebody else; set SPOOL_FOLDER to another.")
        return cls(place, settings.spool_megabytes * MEGABYTE, audio_store, recording_store)

    @property
    def is_store_unavailable(self) -> bool:
        """The store did not answer a moment ago."""
        return time.monotonic() < self._unavailable_until

    async def save(self, key: str, audio: bytes) -> bool:
        """Put it into the store, or on disk for later; False: there is no room, and it is lost."""
        if not self.is_store_unavailable and await self._upload(key, audio):
            return True
        return await asyncio.to_thread(self._write, key, audio)

    async def _upload(self, key: str, audio: bytes) -> bool:
        try:
            async with asyncio.timeout(UPLOAD_TIMEOUT_SECONDS):
                await self._audio_store.put(key, audio)
            return True
        except (Unavailable, TimeoutError):
            log.warning("the store of recordings is away")
            self._unavailable_until = time.monotonic() + RETRY_INTERVAL_SECONDS
            return False

    def _write(self, key: str, sound: bytes) -> bool:
        if (
            sum(_size(self._folder / each) for each in self._pending_keys()) + len(sound)
            > self._max_bytes
        ):
            return False
        try:
            try:
                _write_atomically(self._folder / key, sound)
            except FileNotFoundError:  # another process has just removed the empty folder
                _write_atomically(self._folder / key, sound)
        except OSError as error:
            log.error("the spool cannot be written", extra={"why": error.strerror})
            return False
        return True

    def _pending_keys(self) -> list[str]:
        # `Path.glob` raises when a folder goes away meanwhile. Other names are not ours.
        found = sorted(glob("*/*/*.ogg", root_dir=self._folder))
        return [key for key in found if call_id_from_key(key) and SegmentKey.from_key(key)]

    def has_pending(self, folder: str) -> bool:
        return bool(glob("*.ogg", root_dir=self._folder / folder))

    async def run(self) -> None:
        async with background_task(_repeat(self.renew_pending, RENEW_INTERVAL_SECONDS)):
            await _repeat(self.flush, RETRY_INTERVAL_SECONDS)

    async def flush(self) -> None:
        """Put what waits, as far as the store takes it."""
        for key in await asyncio.to_thread(self._pending_keys):
            file, call = self._folder / key, call_id_from_key(key)
            assert call is not None
            with suppress(FileNotFoundError):  # another process was quicker
                if await self._recording_store.accepts_audio(call):
                    if not await self._upload(key, await asyncio.to_thread(file.read_bytes)):
                        return
                    await self.delete_if_unwanted(call, key)
                await asyncio.to_thread(_remove, file)

    async def renew_pending(self) -> None:
        """Keep keepers from joining calls without what waits here, whoever recorded it."""
        calls = {
            call
            for key in await asyncio.to_thread(self._pending_keys)
            if (call := call_id_from_key(key))
        }
        if calls:
            await self._recording_store.mark_pending(list(calls))

    async def delete_if_unwanted(self, call: UUID, key: str) -> bool:
        """Asked after a piece was put: it may have been deleted in between. True: it was."""
        if await self._recording_store.accepts_audio(call):
            return False
        await self._audio_store.delete([key])
        return True


async def _repeat(do: Callable[[], Awaitable[None]], interval: float) -> None:
    while True:
        try:
            await do()
        except Unavailable:
            log.warning("store is away")
        except Exception:
            # Something odd lies there; calls must not end for it.
            log.exception("the spool could not be tended")
        await asyncio.sleep(interval)


def _size(file: Path) -> int:
    with suppress(FileNotFoundError):  # put meanwhile, by another process
        return file.stat().st_size
    return 0


def _write_atomically(file: Path, audio: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}")
    part.write_bytes(audio)
    part.rename(file)


def _remove(file: Path) -> None:
    file.unlink()
    for folder in (file.parent, file.parent.parent):
        with suppress(OSError):  # something else waits there
            folder.rmdir()


def _default_folder(settings: Settings) -> Path:
    """One for each installation and user of the machine, the same for all its processes."""
    which = f"{settings.database_url} {settings.recordings_url} {os.getuid()}"
    name = hashlib.sha256(which.encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"agent-studio-spool-{name}"
