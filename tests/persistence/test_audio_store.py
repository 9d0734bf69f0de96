"""A folder and an S3-compatible store behave alike as audio stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from domain.calls.recordings import CONTENT_TYPE
from domain.common.errors import InvalidSetting, NotFound, Unavailable
from domain.common.settings import Settings
from local.emulators import s3 as emulator
from local.emulators.s3 import S3Emulator, run_s3_emulator
from persistence.audio_store import ObjectStore

pytestmark = pytest.mark.anyio

SOUND = bytes(range(256)) * 4


def in_bucket(settings: Settings, there: S3Emulator) -> Settings:
    return replace(
        settings,
        recordings_url=f"s3://{emulator.BUCKET}/sound",
        s3_endpoint=there.url,
        s3_region=emulator.REGION,
        s3_access_key=emulator.KEY,
        s3_secret_key=emulator.SECRET,
    )


def opened(settings: Settings) -> ObjectStore:
    store = ObjectStore.from_settings(settings)
    assert store is not None
    return store


@pytest.fixture
async def bucket() -> AsyncIterator[S3Emulator]:
    async with run_s3_emulator() as there:
        yield there


@pytest.fixture(params=["folder", "bucket"])
async def store(
    request: pytest.FixtureRequest, bucket: S3Emulator, tmp_path: Path
) -> AsyncIterator[ObjectStore]:
    settings = Settings(recordings_url=f"file://{tmp_path / 'sound'}")
    if request.param == "bucket":
        settings = in_bucket(settings, bucket)
    opened_ = opened(settings)
    yield opened_
    opened_.close()


async def read(store: ObjectStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.read(key, start, end)])


async def keys(store: ObjectStore, prefix: str) -> list[str]:
    return sorted([kept.key async for kept in store.list(prefix)])


async def test_stored_objects_can_be_read_in_ranges_listed_and_deleted(
    store: ObjectStore, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(SOUND * 2)
    await store.put("t/a/1.ogg", b"before")
    await store.put("t/a/1.ogg", SOUND)
    await store.put("t/a/2.ogg", file)
    for number in range(4):
        await store.put(f"t/ab/{number}.ogg", b"x")
    assert await read(store, "t/a/1.ogg") == SOUND
    assert await read(store, "t/a/1.ogg", 10, 20) == SOUND[10:20]
    assert await read(store, "t/a/1.ogg", 1_000) == SOUND[1_000:]
    assert await store.size("t/a/1.ogg") == len(SOUND)
    assert await store.size("t/a/2.ogg") == 2 * len(SOUND)
    assert await keys(store, "t/a/") == ["t/a/1.ogg", "t/a/2.ogg"]
    assert len(await keys(store, "")) == 6
    await store.delete(["t/a/1.ogg", "t/a/2.ogg", "t/a/never.ogg"])
    assert await keys(store, "t/a/") == []
    assert len(await keys(store, "t/")) == 4
    assert await store.size("t/a/1.ogg") is None
    with pytest.raises(NotFound):
        await read(store, "t/a/1.ogg")


@pytest.mark.parametrize("key", ["../outside", "t/../../outside", "/etc/../../outside"])
async def test_no_key_leads_out_of_the_store(store: ObjectStore, tmp_path: Path, key: str) -> None:
    (tmp_path / "outside").write_bytes(b"ours")
    with pytest.raises(Unavailable):
        await read(store, key)
    with pytest.raises(Unavailable):
        await store.put(key, b"theirs")
    assert (tmp_path / "outside").read_bytes() == b"ours"


async def test_a_bucket_signs_links_that_expire_and_a_folder_has_none(
    bucket: S3Emulator, settings: Settings, tmp_path: Path
) -> None:
    store = opened(in_bucket(settings, bucket))
    await store.put("t/a/whole.ogg", SOUND)
    link = await store.link("t/a/whole.ogg", timedelta(minutes=5))
    assert link is not None
    async with httpx.AsyncClient(timeout=60) as http:
        heard = await http.get(link, headers={"range": "bytes=0-3"})
        assert (heard.status_code, heard.content) == (206, SOUND[:4])
        assert heard.headers["content-type"] == CONTENT_TYPE
        assert (await http.get(link.replace("whole", "other"))).status_code == 403
        assert (await http.put(link, content=b"theirs")).status_code == 403
        bucket.clock_offset = timedelta(minutes=6)
        assert (await http.get(link)).status_code == 403
    assert (
        await opened(Settings(recordings_url=f"file://{tmp_path}")).link(
            "t/a/whole.ogg", timedelta(minutes=5)
        )
        is None
    )


async def test_an_unreachable_store_is_unavailable(bucket: S3Emulator, settings: Settings) -> None:
    store = opened(in_bucket(settings, bucket))
    bucket.unavailable = True
    with pytest.raises(Unavailable):
        await store.put("t/a/1.ogg", SOUND)
    with pytest.raises(Unavailable):
        await store.size("t/a/1.ogg")
    with pytest.raises(Unavailable):
        await keys(store, "t/")
    bucket.unavailable = False
    await store.put("t/a/1.ogg", SOUND)
    assert await read(store, "t/a/1.ogg") == SOUND


async def test_a_wrong_key_is_unavailable_and_not_shown(
    bucket: S3Emulator, settings: Settings
) -> None:
    wrong = replace(in_bucket(settings, bucket), s3_access_key="not-the-key")
    with pytest.raises(Unavailable) as refused:
        await opened(wrong).put("t/a/1.ogg", SOUND)
    assert bucket.objects == {}
    assert "key" not in refused.value.message


@pytest.mark.parametrize("url", ["/folder", "folder", "file://folder", "https://host/", "s3://"])
def test_an_invalid_recordings_url_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(InvalidSetting, match="RECORDINGS_URL must be file:///"):
        ObjectStore.from_settings(Settings(recordings_url=url))


def test_without_a_recordings_url_there_is_no_store() -> None:
    assert ObjectStore.from_settings(Settings()) is None
