"""Stores recordings in a folder or an S3-compatible store, with the object_store library."""

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
    """Calls the library in threads: its own asynchronous calls can abort a process on exit."""

    def __init__(self, store: LocalStore | S3Store, public_store: S3Store | None = None) -> None:
        self._store = store
        self._public_store = public_store
        """The same store at the endpoint of clients, for signing links; None for a folder."""
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="audio-store")

    async def _run_in_thread(self, do: Callable[..., T], *args: Any, **more: Any) -> T:
        with _translate_errors():
            call = partial(do, *args, **more)
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    @classmethod
    def from_settings(cls, settings: Settings) -> ObjectStore | None:
        """None if RECORDINGS_URL is not set."""
        url = urlsplit(settings.recordings_url)
        match url.scheme:
            case "":
                if settings.recordings_url:
                    raise _invalid_url(settings.recordings_url)
                return None
            case "file" if url.path.startswith("/") and not url.netloc:
                return cls(_local_store(Path(unquote(url.path))))
            case "s3" if url.netloc:
                location = (url.netloc, url.path.strip("/"))
                public_endpoint = settings.s3_public_endpoint or settings.s3_endpoint
                return cls(
                    _s3_store(settings, settings.s3_endpoint, *location),
                    _s3_store(settings, public_endpoint, *location),
                )
        raise _invalid_url(settings.recordings_url)

    async def put(self, key: str, audio: bytes | Path) -> None:
        # A folder cannot store a content type.
        attributes = {"Content-Type": CONTENT_TYPE} if isinstance(self._store, S3Store) else None
        await self._run_in_thread(obstore.put, self._store, key, audio, attributes=attributes)

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
        result = await self._run_in_thread(obstore.get, self._store, key, options=options)
        chunks = iter(result.stream(min_chunk_size=CHUNK_BYTES))
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


def _local_store(folder: Path) -> LocalStore:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSetting(
            f"RECORDINGS_URL names the folder {folder}, which cannot be created: {error.strerror}."
        ) from None
    return LocalStore(folder, automatic_cleanup=True)


def _s3_store(settings: Settings, endpoint: str, bucket: str, prefix: str) -> S3Store:
    options: dict[str, Any] = {}
    if endpoint:
        options["endpoint"] = endpoint
    if settings.s3_access_key:
        options["access_key_id"] = settings.s3_access_key
        options["secret_access_key"] = settings.s3_secret_key
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
        **options,
    )


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translate the library's errors into domain errors. Their text may contain addresses and keys,
    so only their type is reported."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("There is no such recording.") from None
    except (BaseError, OSError, ValueError) as error:
        kind = type(error).__name__ if type(error) is not GenericError else "no response"
        raise Unavailable(f"The store of recordings failed ({kind}).") from error


def _invalid_url(url: str) -> InvalidSetting:
    scheme = url.partition(":")[0][:16]
    return InvalidSetting(
        f"RECORDINGS_URL must be file:///an/absolute/folder or s3://bucket/prefix, not {scheme!r}…"
    )
