"""Recordings in a folder, or in an S3-compatible store: one adapter on the object_store library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, GenericError
from obstore.store import LocalStore, S3Store

from domain.calls.recordings import TYPE, Kept
from domain.common.errors import InvalidSetting, NotFound, Unavailable
from domain.common.settings import Settings

ANSWER_SECONDS = 5
CHUNK = 256 * 1024
THREADS = 8

T = TypeVar("T")


class ObjectStore:
    """It is asked in threads of ours: its own asynchronous calls can abort a process that ends."""

    def __init__(self, store: LocalStore | S3Store, shown: S3Store | None = None) -> None:
        self._store = store
        self._shown = shown
        """The same as its listeners reach it."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sounds")

    async def _do(self, do: Callable[..., T], *args: Any, **more: Any) -> T:
        with _told():
            work = partial(do, *args, **more)
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @classmethod
    def of(cls, settings: Settings) -> ObjectStore | None:
        """None: no place for recordings is set."""
        where = urlsplit(settings.recordings_url)
        match where.scheme:
            case "":
                if settings.recordings_url:
                    raise _unknown(settings.recordings_url)
                return None
            case "file" if where.path.startswith("/") and not where.netloc:
                return cls(_folder(Path(unquote(where.path))))
            case "s3" if where.netloc:
                place = (where.netloc, where.path.strip("/"))
                shown = settings.s3_public_endpoint or settings.s3_endpoint
                return cls(
                    _bucket(settings, settings.s3_endpoint, *place),
                    _bucket(settings, shown, *place),
                )
        raise _unknown(settings.recordings_url)

    async def put(self, key: str, sound: bytes | Path) -> None:
        # A folder cannot keep what kind of thing it is.
        kind = {"Content-Type": TYPE} if isinstance(self._store, S3Store) else None
        await self._do(obstore.put, self._store, key, sound, attributes=kind)

    async def size(self, key: str) -> int | None:
        try:
            return (await self._do(obstore.head, self._store, key))["size"]
        except NotFound:
            return None

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        options: Any = None
        if end is not None:
            options = {"range": (start, end)}
        elif start:
            options = {"range": {"offset": start}}
        found = await self._do(obstore.get, self._store, key, options=options)
        chunks = iter(found.stream(min_chunk_size=CHUNK))
        while (chunk := await self._do(next, chunks, None)) is not None:
            yield bytes(chunk)

    async def delete(self, keys: Sequence[str]) -> None:
        if isinstance(self._store, S3Store):
            if keys:
                await self._do(obstore.delete, self._store, list(keys))
            return
        for key in keys:
            with suppress(NotFound):
                await self._do(obstore.delete, self._store, key)

    async def list(self, prefix: str) -> AsyncIterator[Kept]:
        batches = iter(obstore.list(self._store, prefix or None))
        with suppress(NotFound):
            while (batch := await self._do(next, batches, None)) is not None:
                for item in batch:
                    yield Kept(item["path"], item["size"], item["last_modified"])

    async def link(self, key: str, expires_in: timedelta) -> str | None:
        if self._shown is None:
            return None
        return await self._do(obstore.sign, self._shown, "GET", key, expires_in)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _folder(place: Path) -> LocalStore:
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSetting(
            f"RECORDINGS_URL names the folder {place}, which cannot be made: {error.strerror}."
        ) from None
    return LocalStore(place, automatic_cleanup=True)


def _bucket(settings: Settings, endpoint: str, bucket: str, prefix: str) -> S3Store:
    given: dict[str, Any] = {}
    if endpoint:
        given["endpoint"] = endpoint
    if settings.s3_access_key:
        given["access_key_id"] = settings.s3_access_key
        given["secret_access_key"] = settings.s3_secret_key
    return S3Store(
        bucket,
        prefix=prefix or None,
        region=settings.s3_region,
        client_options={
            "timeout": timedelta(seconds=10 * ANSWER_SECONDS),
            "connect_timeout": timedelta(seconds=ANSWER_SECONDS),
            "allow_http": endpoint.startswith("http://"),
        },
        retry_config={
            "max_retries": 2,
            "retry_timeout": timedelta(seconds=ANSWER_SECONDS),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=1),
                "base": 2,
            },
        },
        **given,
    )


@contextmanager
def _told() -> Iterator[None]:
    """The library's errors in the domain's words. They may quote addresses and keys: told only by
    their kind."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("There is no such recording.") from None
    except (BaseError, OSError, ValueError) as error:
        kind = type(error).__name__ if type(error) is not GenericError else "no answer"
        raise Unavailable(f"The store of recordings failed ({kind}).") from error


def _unknown(url: str) -> InvalidSetting:
    scheme = url.partition(":")[0][:16]
    return InvalidSetting(
        f"RECORDINGS_URL must be file:///an/absolute/folder or s3://bucket/prefix, not {scheme!r}…"
    )
