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

from domain.calls.recordings import Ledger, Place, SoundStore, call_of
from domain.common.errors import InvalidSetting, Unavailable
from domain.common.settings import Settings
from domain.common.tasks import beside

log = logging.getLogger(__name__)

PUT_SECONDS = 4.0
PAUSE_SECONDS = 5.0
"""A store that did not answer is left alone for so long."""
OWE_SECONDS = 2.0
MEGABYTE = 1_000_000


class Spool:
    def __init__(self, place: Path, most: int, sounds: SoundStore, ledger: Ledger) -> None:
        self._place = place
        self._most = most
        self._sounds = sounds
        self._ledger = ledger
        self._away_until = 0.0

    @classmethod
    def of(cls, settings: Settings, sounds: SoundStore, ledger: Ledger) -> Spool:
        place = Path(settings.spool_folder or _usual(settings))
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if place.stat().st_uid != os.getuid():
            raise InvalidSetting(f"{place} belongs to somebody else; set SPOOL_FOLDER to another.")
        return cls(place, settings.spool_megabytes * MEGABYTE, sounds, ledger)

    @property
    def is_away(self) -> bool:
        """The store did not answer a moment ago."""
        return time.monotonic() < self._away_until

    async def keep(self, key: str, sound: bytes) -> bool:
        """Put it into the store, or on disk for later; False: there is no room, and it is lost."""
        if not self.is_away and await self._put(key, sound):
            return True
        return await asyncio.to_thread(self._write, key, sound)

    async def _put(self, key: str, sound: bytes) -> bool:
        try:
            async with asyncio.timeout(PUT_SECONDS):
                await self._sounds.put(key, sound)
            return True
        except (Unavailable, TimeoutError):
            log.warning("the store of recordings is away")
            self._away_until = time.monotonic() + PAUSE_SECONDS
            return False

    def _write(self, key: str, sound: bytes) -> bool:
        if sum(_size(self._place / each) for each in self._keys()) + len(sound) > self._most:
            return False
        try:
            try:
                _lay(self._place / key, sound)
            except FileNotFoundError:  # another process has just removed the empty folder
                _lay(self._place / key, sound)
        except OSError as error:
            log.error("the spool cannot be written", extra={"why": error.strerror})
            return False
        return True

    def _keys(self) -> list[str]:
        # `Path.glob` raises when a folder goes away meanwhile. Other names are not ours.
        found = sorted(glob("*/*/*.ogg", root_dir=self._place))
        return [key for key in found if call_of(key) and Place.of(key)]

    def waiting(self, folder: str) -> bool:
        return bool(glob("*.ogg", root_dir=self._place / folder))

    async def tend_for_ever(self) -> None:
        async with beside(_for_ever(self.owe, OWE_SECONDS)):
            await _for_ever(self.empty, PAUSE_SECONDS)

    async def empty(self) -> None:
        """Put what waits, as far as the store takes it."""
        for key in await asyncio.to_thread(self._keys):
            file, call = self._place / key, call_of(key)
            assert call is not None
            with suppress(FileNotFoundError):  # another process was quicker
                if await self._ledger.is_wanted(call):
                    if not await self._put(key, await asyncio.to_thread(file.read_bytes)):
                        return
                    await self.withdraw_unwanted(call, key)
                await asyncio.to_thread(_remove, file)

    async def owe(self) -> None:
        """Keep keepers from joining calls without what waits here, whoever recorded it."""
        calls = {call for key in await asyncio.to_thread(self._keys) if (call := call_of(key))}
        if calls:
            await self._ledger.owed(list(calls))

    async def withdraw_unwanted(self, call: UUID, key: str) -> bool:
        """Asked after a piece was put: it may have been deleted in between. True: it was."""
        if await self._ledger.is_wanted(call):
            return False
        await self._sounds.delete([key])
        return True


async def _for_ever(do: Callable[[], Awaitable[None]], pause: float) -> None:
    while True:
        try:
            await do()
        except Unavailable:
            log.warning("store is away")
        except Exception:
            # Something odd lies there; calls must not end for it.
            log.exception("the spool could not be tended")
        await asyncio.sleep(pause)


def _size(file: Path) -> int:
    with suppress(FileNotFoundError):  # put meanwhile, by another process
        return file.stat().st_size
    return 0


def _lay(file: Path, sound: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}")
    part.write_bytes(sound)
    part.rename(file)


def _remove(file: Path) -> None:
    file.unlink()
    for folder in (file.parent, file.parent.parent):
        with suppress(OSError):  # something else waits there
            folder.rmdir()


def _usual(settings: Settings) -> Path:
    """One for each installation and user of the machine, the same for all its processes."""
    which = f"{settings.database_url} {settings.recordings_url} {os.getuid()}"
    name = hashlib.sha256(which.encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"agent-studio-spool-{name}"
