"""Recordings through the API: states, links, deletion, and the isolation of tenants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from domain.calls.model import Call
from domain.calls.recordings import LINK_LIFETIME, RecordingState
from domain.common.access import Scope, Viewer
from domain.common.errors import Forbidden, NotFound
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, end_call, start_call
from domain.use_cases.recordings import delete_recording
from graph.app import build_schema_with_loaders
from graph.http.recordings import parse_range
from persistence.key_ring import KeyRing
from persistence.signed_links import SignedLinks
from persistence.wiring import api_services
from resolvers.global_ids import global_id
from tests.conftest import SECRET, new_tenant
from tests.support.api_server import Api, running_api
from tests.support.demo_workflow import publish_clinic
from tests.support.recordings import recording_of, running_archive, tone_segment, with_recordings
from tests.support.viewers import owner_of

pytestmark = pytest.mark.anyio

ASK = (
    "query ($id: ID!) { call(id: $id) { recording { state url expiresAt durationMs missingMs size "
    "error startedAt readyAt deletedAt deletedBy } } }"
)
DELETE = (
    "mutation ($id: ID!) { deleteRecording(input: {callId: $id}) { __typename "
    "... on DeleteRecordingSuccess { call { recording { state url deletedBy } } } "
    "... on Error { code message path } } }"
)


@dataclass(frozen=True, slots=True)
class LinkRig:
    settings: Settings
    services: Services
    viewer: Viewer
    api: Api
    call: Call

    @property
    def id(self) -> str:
        return global_id("Call", self.call.id)

    async def recording(self) -> Any:
        return (await self.api.execute(ASK, variables={"id": self.id}))["data"]["call"]["recording"]

    async def sound(self) -> bytes:
        assert self.services.audio_store is not None
        key = (await recording_of(self.services, self.call)).key
        return b"".join([chunk async for chunk in self.services.audio_store.read(key)])


async def recorded(
    services: Services,
    viewer: Viewer,
    settings: Settings,
    talk: Callable[[Call], Awaitable[None]] | None = None,
) -> Call:
    """A call that has ended, with a recording of three seconds. `talk` adds to its log before the end."""
    call = await start_call(services, viewer, CallRequest(workflow_name="clinic"))
    async with running_archive(settings) as keeper:
        assert services.audio_store is not None
        begun = await keeper.recording_store.start(call, 1, datetime.now(UTC))
        folder = begun.key.removesuffix("whole.ogg")
        for segment, sound in (tone_segment(1, 0), tone_segment(1, 1_000), tone_segment(1, 2_000)):
            await services.audio_store.put(folder + segment.filename, sound)
        if talk is not None:
            await talk(call)
        await end_call(services, viewer, call.id)
        await keeper.recording_store.mark_uploaded(call.id, 1)
        assert await keeper.process_next()
    return call


@pytest.fixture
async def rig(settings: Settings, viewer: Viewer, tmp_path: Path) -> AsyncIterator[LinkRig]:
    settings = with_recordings(settings, tmp_path)
    async with (
        api_services(settings) as services,
        running_api(services, settings, viewer, build_schema_with_loaders) as api,
    ):
        await publish_clinic(services, viewer)
        call = await recorded(services, viewer, settings)
        yield LinkRig(settings, services, viewer, api, call)


async def test_a_link_supports_seeking(rig: LinkRig) -> None:
    before = datetime.now(UTC)
    reported, sound = await rig.recording(), await rig.sound()
    assert reported["state"] == "READY"
    assert (reported["durationMs"], reported["size"], reported["error"]) == (
        3_000,
        len(sound),
        None,
    )
    until = datetime.fromisoformat(reported["expiresAt"])
    # The expiry of a link is in whole seconds.
    assert before - timedelta(seconds=1) < until - LINK_LIFETIME < datetime.now(UTC)
    http, url = rig.api.http, reported["url"]
    whole = await http.get(url)
    assert (whole.status_code, whole.content) == (200, sound)
    expected = {
        "content-type": "audio/ogg",
        "content-length": str(len(sound)),
        "accept-ranges": "bytes",
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
    }
    assert {name: whole.headers.get(name) for name in expected} == expected
    part = await http.get(url, headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, sound[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(sound)}"
    tail = await http.get(url, headers={"range": "bytes=-50"})
    assert (tail.status_code, tail.content) == (206, sound[-50:])
    beyond = await http.get(url, headers={"range": f"bytes={len(sound)}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(sound)}"
    head = await http.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(sound))


async def test_a_link_is_valid_until_its_expires_at(rig: LinkRig) -> None:
    """The link is created once per operation, however slowly its fields are resolved."""
    minutes = count()
    began = datetime.now(UTC)

    def clock() -> datetime:
        return began + timedelta(minutes=next(minutes))

    services = replace(rig.services, clock=clock)
    async with running_api(services, rig.settings, rig.viewer, build_schema_with_loaders) as api:
        asked = await api.execute(ASK, variables={"id": rig.id})
    reported = asked["data"]["call"]["recording"]
    token, until = reported["url"].rpartition("/")[2], datetime.fromisoformat(reported["expiresAt"])
    rig.services.signed_links.verify(token, until - timedelta(seconds=2))
    with pytest.raises(Forbidden, match="expired"):
        rig.services.signed_links.verify(token, until)


async def test_a_forged_link_is_refused(rig: LinkRig) -> None:
    url = (await rig.recording())["url"]
    http = rig.api.http
    for number in range(len("/recordings/"), len(url) - 1, 5):
        other = "A" if url[number] != "A" else "B"
        bent = url[:number] + other + url[number + 1 :]
        assert (await http.get(bent)).status_code == 403, number
    for path in ("", "x", "..%2F..%2Fetc%2Fpasswd", "%00", "A" * 5_000, "é"):
        assert (await http.get(f"/recordings/{path}")).status_code in (403, 404), path
    for path in ("/recordings", "/recordings/"):
        assert (await http.get(path)).status_code == 404
    foreign = SignedLinks(KeyRing.from_secret_key("another-installation" + "0" * 32))
    tenant, call = rig.viewer.tenant_id, rig.call.id
    until = datetime.now(UTC) + LINK_LIFETIME
    assert (await http.get(f"/recordings/{foreign.sign(tenant, call, until)}")).status_code == 403
    nothing = rig.services.signed_links.sign(tenant, uuid4(), until)
    assert (await http.get(f"/recordings/{nothing}")).status_code == 404


def test_a_link_is_valid_until_it_expires_and_across_key_rotation() -> None:
    now = datetime.now(UTC)
    tenant, call = uuid4(), uuid4()
    old, new = (
        SignedLinks(KeyRing.from_secret_key(SECRET)),
        SignedLinks(KeyRing.from_secret_key(f"{'n' * 32},{SECRET}")),
    )
    token = old.sign(tenant, call, now + timedelta(seconds=60))
    key = f"{tenant}/{call}/whole.ogg"
    assert new.verify(token, now + timedelta(seconds=58)) == key
    with pytest.raises(Forbidden, match="expired"):
        new.verify(token, now + timedelta(seconds=60))
    with pytest.raises(Forbidden, match="not a link"):
        old.verify(new.sign(tenant, call, now + timedelta(seconds=60)), now)


@pytest.mark.parametrize(
    ("header", "range_"),
    [
        (None, None),
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-900", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=0-1,5-6", None),
        ("bytes=20-10", None),
        ("bytes=-", None),
        ("lines=1-2", None),
        ("bytes=x-y", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_range_headers_of_players_are_understood(
    header: str | None, range_: tuple[int, int] | None
) -> None:
    assert parse_range(header, 100) == range_


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", "bytes=100-200"])
def test_an_unsatisfiable_range_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="bytes"):
        parse_range(header, 100)


async def test_a_deleted_recording_is_gone_immediately_and_permanently(rig: LinkRig) -> None:
    url = (await rig.recording())["url"]
    first = (await rig.api.execute(DELETE, variables={"id": rig.id}))["data"]["deleteRecording"]
    assert first["__typename"] == "DeleteRecordingSuccess"
    shown = first["call"]["recording"]
    assert (shown["state"], shown["url"]) == ("DELETED", None)
    assert shown["deletedBy"].startswith("user:")
    reported = await rig.recording()
    again = (await rig.api.execute(DELETE, variables={"id": rig.id}))["data"]["deleteRecording"]
    assert again == first
    assert await rig.recording() == reported
    async with running_archive(rig.settings) as keeper:
        assert await keeper.process_next()
    assert (await rig.api.http.get(url)).status_code == 404
    assert rig.services.audio_store is not None
    assert [kept async for kept in rig.services.audio_store.list("")] == []


async def test_a_call_without_recording_has_nothing_to_play_or_delete(rig: LinkRig) -> None:
    request = CallRequest(workflow_name="clinic")
    call = await start_call(rig.services, rig.viewer, request)
    id = global_id("Call", call.id)
    asked = await rig.api.execute(ASK, variables={"id": id})
    assert asked["data"]["call"] == {"recording": None}
    deleted = (await rig.api.execute(DELETE, variables={"id": id}))["data"]["deleteRecording"]
    assert deleted == {"__typename": "DeleteRecordingSuccess", "call": {"recording": None}}


async def test_other_tenants_cannot_see_or_delete_a_recording(rig: LinkRig) -> None:
    stranger = owner_of(await new_tenant(rig.settings, "other"))
    stranger = replace(stranger, subject="user:00000000-0000-0000-0000-000000000002")
    reader = replace(rig.viewer, scopes=frozenset({Scope.CALLS_READ}))
    with pytest.raises(NotFound):
        await delete_recording(rig.services, stranger, rig.call.id)
    with pytest.raises(Forbidden):
        await delete_recording(rig.services, reader, rig.call.id)
    async with rig.services.store.transaction(stranger.tenant_id) as work:
        assert await work.recordings.by_ids([rig.call.id]) == []
        await work.recordings.delete(rig.call.id, "user:stranger")
    assert (await recording_of(rig.services, rig.call)).state is RecordingState.READY
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(
            running_api(rig.services, rig.settings, stranger, build_schema_with_loaders)
        )
        asked = await other.execute(ASK, variables={"id": rig.id})
        assert asked["data"] == {"call": None}


async def test_recordings_of_many_calls_are_returned_at_once(rig: LinkRig) -> None:
    for _ in range(3):
        await recorded(rig.services, rig.viewer, rig.settings)
    document = "{ calls { edges { node { recording { state } } } } }"
    edges = (await rig.api.execute(document))["data"]["calls"]["edges"]
    states = [each["node"]["recording"]["state"] for each in edges]
    assert states == ["READY"] * 4
