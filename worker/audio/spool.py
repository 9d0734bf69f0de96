"""Spools segments of recordings to disk while the audio store is unavailable. They outlive their
process: every worker on the machine uploads what it finds. Space is limited; segments that do not
fit are lost."""

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
"""How often spooled segments are retried, and how long a store that failed is not called."""
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
        folder = Path(settings.spool_folder or _default_folder(settings))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise InvalidSetting(
                f"{folder} belongs to another user; set SPOOL_FOLDER to a different folder."
            )
        return cls(folder, settings.spool_megabytes * MEGABYTE, audio_store, recording_store)

    @property
    def is_store_unavailable(self) -> bool:
        """Whether an upload failed within the last RETRY_INTERVAL_SECONDS."""
        return time.monotonic() < self._unavailable_until

    async def save(self, key: str, audio: bytes) -> bool:
        """Upload the audio, or spool it to disk. False when there is no room and it is lost."""
        if not self.is_store_unavailable and await self._upload(key, audio):
            return True
        return await asyncio.to_thread(self._write, key, audio)

    async def _upload(self, key: str, audio: bytes) -> bool:
        try:
            async with asyncio.timeout(UPLOAD_TIMEOUT_SECONDS):
                await self._audio_store.put(key, audio)
            return True
        except (Unavailable, TimeoutError):
            log.warning("audio store unavailable")
            self._unavailable_until = time.monotonic() + RETRY_INTERVAL_SECONDS
            return False

    def _write(self, key: str, audio: bytes) -> bool:
        if (
            sum(_size(self._folder / each) for each in self._pending_keys()) + len(audio)
            > self._max_bytes
        ):
            return False
        try:
            try:
                _write_atomically(self._folder / key, audio)
            except FileNotFoundError:  # another process has just removed the empty folder
                _write_atomically(self._folder / key, audio)
        except OSError as error:
            log.error("failed to write to the spool", extra={"why": error.strerror})
            return False
        return True

    def _pending_keys(self) -> list[str]:
        # Not `Path.glob`, which raises when a folder is removed concurrently.
        names = sorted(glob("*/*/*.ogg", root_dir=self._folder))
        return [key for key in names if call_id_from_key(key) and SegmentKey.from_key(key)]

    def has_pending(self, folder: str) -> bool:
        return bool(glob("*.ogg", root_dir=self._folder / folder))

    async def run(self) -> None:
        async with background_task(_repeat(self.renew_pending, RENEW_INTERVAL_SECONDS)):
            await _repeat(self.flush, RETRY_INTERVAL_SECONDS)

    async def flush(self) -> None:
        """Upload spooled segments until the first upload fails."""
        for key in await asyncio.to_thread(self._pending_keys):
            file, call = self._folder / key, call_id_from_key(key)
            assert call is not None
            with suppress(FileNotFoundError):  # another process has just uploaded it
                if await self._recording_store.accepts_audio(call):
                    if not await self._upload(key, await asyncio.to_thread(file.read_bytes)):
                        return
                    await self.delete_if_unwanted(call, key)
                await asyncio.to_thread(_remove, file)

    async def renew_pending(self) -> None:
        """Keep keepers from joining the recordings of calls that still have segments spooled here,
        whichever process recorded them."""
        calls = {
            call
            for key in await asyncio.to_thread(self._pending_keys)
            if (call := call_id_from_key(key))
        }
        if calls:
            await self._recording_store.mark_pending(list(calls))

    async def delete_if_unwanted(self, call: UUID, key: str) -> bool:
        """Delete an uploaded segment again if the recording was deleted meanwhile. True if so."""
        if await self._recording_store.accepts_audio(call):
            return False
        await self._audio_store.delete([key])
        return True


async def _repeat(operation: Callable[[], Awaitable[None]], interval: float) -> None:
    while True:
        try:
            await operation()
        except Unavailable:
            log.warning("store unavailable")
        except Exception:
            # An unexpected file in the spool must not end the calls of this process.
            log.exception("failed to process the spool")
        await asyncio.sleep(interval)


def _size(file: Path) -> int:
    with suppress(FileNotFoundError):  # another process has uploaded it
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
        with suppress(OSError):  # the folder is not empty
            folder.rmdir()


def _default_folder(settings: Settings) -> Path:
    """One folder per installation and user of the machine, shared by all worker processes."""
    installation = f"{settings.database_url} {settings.recordings_url} {os.getuid()}"
    digest = hashlib.sha256(installation.encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"agent-studio-spool-{digest}"
