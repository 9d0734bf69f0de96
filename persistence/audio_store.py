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

from domain.calls.recordings import CONTENT_TYPE, StoredObject
from domain.common.errors import InvalidSetting, NotFound, Unavailable
from domain.common.settings import Settings

CONNECT_TIMEOUT_SECONDS = 5
CHUNK_BYTES = 256 * 1024
MAX_THREADS = 8

T = TypeVar("T")


class ObjectStore:
    """It is asked in threads of ours: its own asynchronous calls can abort a process that ends."""

    def __init__(self, store: LocalStore | S3Store, public_store: S3Store | None = None) -> None:
        self._store = store
        self._public_store = public_store
        """The same as its listeners reach it."""
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="sounds")

    async def _run_in_thread(self, do: Callable[..., T], *args: Any, **more: Any) -> T:
        with _translate_errors():
            work = partial(do, *args, **more)
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @classmethod
    def from_settings(cls, settings: Settings) -> ObjectStore | None:
        """None: no place for recordings is set."""
        where = urlsplit(settings.recordings_url)
        match where.scheme:
            case "":
                if settings.recordings_url:
                    raise _invalid_url(settings.recordings_url)
                return None
            case "file" if where.path.startswith("/") and not where.netloc:
                return cls(_local_store(Path(unquote(where.path))))
            case "s3" if where.netloc:
                place = (where.netloc, where.path.strip("/"))
                shown = settings.s3_public_endpoint or settings.s3_endpoint
                return cls(
                    _s3_store(settings, settings.s3_endpoint, *place),
                    _s3_store(settings, shown, *place),
                )
        raise _invalid_url(settings.recordings_url)

    async def put(self, key: str, audio: bytes | Path) -> None:
        # A folder cannot keep what kind of thing it is.
        kind = {"Content-Type": CONTENT_TYPE} if isinstance(self._store, S3Store) else None
        await self._run_in_thread(obstore.put, self._store, key, audio, attributes=kind)

    async def size(self, key: str) -> int | None:
        try:
            return (await self._run_in_thread(obstore.head, self._store, key))["size"]
        except NotFound:
            return None

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        options: Any = None
        if end is not None:
            options = {"range": (start, end)}
        elif start:
            options = {"range": {"offset": start}}
        found = await self._run_in_thread(obstore.get, self._store, key, options=options)
        chunks = iter(found.stream(min_chunk_size=CHUNK_BYTES))
        while (chunk := await self._run_in_thread(next, chunks, None)) is not None:
            yield bytes(chunk)

    async def delete(self, keys: Sequence[str]) -> None:
        if isinstance(self._store, S3Store):
            if keys:
                await self._run_in_thread(obstore.delete, self._store, list(keys))
            return
        for key in keys:
            with suppress(NotFound):
                await self._run_in_thread(obstore.delete, self._store, key)

    async def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        batches = iter(obstore.list(self._store, prefix or None))
        with suppress(NotFound):
            while (batch := await self._run_in_thread(next, batches, None)) is not None:
                for item in batch:
                    yield StoredObject(item["path"], item["size"], item["last_modified"])

    async def link(self, key: str, expires_in: timedelta) -> str | None:
        if self._public_store is None:
            return None
        return await self._run_in_thread(obstore.sign, self._public_store, "GET", key, expires_in)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _local_store(place: Path) -> LocalStore:
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSetting(
            f"RECORDINGS_URL names the folder {place}, which cannot be made: {error.strerror}."
        ) from None
    return LocalStore(place, automatic_cleanup=True)


def _s3_store(settings: Settings, endpoint: str, bucket: str, prefix: str) -> S3Store:
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
            "timeout": timedelta(seconds=10 * CONNECT_TIMEOUT_SECONDS),
            "connect_timeout": timedelta(seconds=CONNECT_TIMEOUT_SECONDS),
            "allow_http": endpoint.startswith("http://"),
        },
        retry_config={
            "max_retries": 2,
            "retry_timeout": timedelta(seconds=CONNECT_TIMEOUT_SECONDS),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=1),
                "base": 2,
            },
        },
        **given,
    )


@contextmanager
def _translate_errors() -> Iterator[None]:
    """The library's errors in the domain's words. They may quote addresses and keys: told only by
    their kind."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("There is no such recording.") from None
    except (BaseError, OSError, ValueError) as error:
        kind = type(error).__name__ if type(error) is not GenericError else "no answer"
        raise Unavailable(f"The store of recordings failed ({kind}).") from error


def _invalid_url(url: str) -> InvalidSetting:
    scheme = url.partition(":")[0][:16]
    return InvalidSetting(
        f"RECORDINGS_URL must be file:///an/absolute/folder or s3://bucket/prefix, not {scheme!r}…"
    )
