"""The dashboard at /studio: how its files are served, and what a person does with it in a browser."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from graph.app import build_schema_with_loaders
from graph.web.dashboard import FOLDER, dashboard_routes
from tests.api.test_second_factors import enrolled
from tests.support.api_server import create_api_key, running_api
from tests.support.browsers import script_runner
from tests.support.demo_workflow import publish_clinic
from tests.support.paths import ROOT
from tests.support.people import PASSWORD, new_member, owner_at
from tests.worker.test_text_calls import running_worker

SOURCES = ["client/typescript/lib", "dashboard", "schema.graphql"]
"""What the build reads: dashboard/build.mjs has the same list."""
NOT_READ = {"node_modules", ".next", "out", "next-env.d.ts"}
MAX_BYTES, MAX_COMPRESSED_BYTES = 4_000_000, 1_300_000
NONCE = re.compile(r"'nonce-([\w-]+)'")
CHUNK = re.compile(r'src="/studio/(_next/static/chunks/[^"]+\.js)"')


def client(**headers: str) -> TestClient:
    app = Starlette(routes=dashboard_routes(Settings()))
    return TestClient(app, base_url="http://studio.example:8443", headers=headers)


# ---- how it is served -----------------------------------------------------------------------


def test_the_root_leads_to_the_dashboard_also_behind_a_prefix() -> None:
    answers = [
        client().get(path, follow_redirects=False)
        for path in ("/", "/studio", "/studio/calls?live=true", "/studio/https:host")
    ]

    assert [(answer.status_code, answer.headers["Location"]) for answer in answers] == [
        (307, "studio/"),
        (308, "studio/"),
        (308, "./calls/?live=true"),
        (308, "./https:host/"),
    ]


def test_a_page_runs_only_its_own_scripts_and_may_connect_only_to_its_host() -> None:
    first, second = client().get("/studio/calls/"), client().get("/studio/calls/")
    policy = first.headers["Content-Security-Policy"]
    [nonce], [other] = (
        NONCE.findall(page.headers["Content-Security-Policy"]) for page in (first, second)
    )

    scripts = "script-src 'self'" + "".join(re.findall(r" 'sha256-[^']+'", policy))
    assert policy == (
        f"default-src 'none'; {scripts}; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data:; font-src 'self'; media-src 'self'; "
        "connect-src 'self' ws://studio.example:8443 wss://studio.example:8443; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    inline = re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", first.text)
    assert policy.count("'sha256-") == len(inline)
    assert nonce != other
    assert f'<head><meta name="csp-nonce" nonce="{nonce}">' in first.text
    assert " style=" not in first.text
    assert (first.headers["Cache-Control"], first.headers["Referrer-Policy"]) == (
        "no-store",
        "no-referrer",
    )


def test_pages_may_play_recordings_from_their_store_and_join_rooms() -> None:
    settings = Settings(
        recordings_url="s3://calls",
        s3_endpoint="https://store.example:9000",
        livekit_url="ws://livekit:7880",
        livekit_public_url="wss://rooms.example",
    )
    app = Starlette(routes=dashboard_routes(settings))
    page = TestClient(app, base_url="http://studio.example:8443").get("/studio/calls/")

    policy = page.headers["Content-Security-Policy"]
    assert "; media-src 'self' https://store.example:9000; " in policy
    assert (
        "; connect-src 'self' ws://studio.example:8443 wss://studio.example:8443 "
        "https://store.example:9000 wss://rooms.example https://rooms.example; "
    ) in policy


def test_files_with_a_hash_in_their_name_are_cached_for_a_year() -> None:
    chunk = CHUNK.findall(client().get("/studio/calls/").text)[0]
    whole = client(**{"Accept-Encoding": "identity"}).get(f"/studio/{chunk}")
    small = client(**{"Accept-Encoding": "gzip"}).get(f"/studio/{chunk}")
    again = client(**{"If-None-Match": small.headers["ETag"]}).get(f"/studio/{chunk}")

    assert whole.content == small.content == (FOLDER / chunk).read_bytes()
    assert (whole.headers.get("Content-Encoding"), small.headers["Content-Encoding"]) == (
        None,
        "gzip",
    )
    assert whole.headers["ETag"] != small.headers["ETag"]
    assert whole.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert whole.headers["Vary"] == "Accept-Encoding"
    assert whole.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert (again.status_code, again.content) == (304, b"")


def test_other_files_are_checked_each_time() -> None:
    for path in ("/studio/icon.svg", "/favicon.ico"):
        assert client().get(path).headers["Cache-Control"] == "no-cache"


def test_what_does_not_exist_is_not_found() -> None:
    names = ["nothing/", "nothing.js", "_next/", "../talk/app.js", "%2e%2e/talk/app.js", "%00"]
    answers = [client().get(f"/studio/{name}") for name in names]

    assert [answer.status_code for answer in answers] == [404] * len(names)
    assert "There is no such page" in answers[0].text


# ---- what is committed ----------------------------------------------------------------------


def test_the_committed_files_were_built_of_these_sources() -> None:
    """A build takes a minute of processor, so only digests are compared here. `npm run build:check` in
    `dashboard/` builds again and compares every byte."""
    about = json.loads((FOLDER / "build.json").read_text())

    digests = {name: value for source in SOURCES for name, value in digests_of(ROOT / source, ROOT)}
    assert about["sources"] == combined(digests), "run `npm ci && npm run build` in dashboard/"
    files = dict(digests_of(FOLDER, FOLDER))
    del files["build.json"]
    assert about["files"] == combined(files), "run `npm ci && npm run build` in dashboard/"


def test_the_dashboard_stays_small() -> None:
    bodies = [path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()]

    assert sum(map(len, bodies)) <= MAX_BYTES
    assert sum(len(gzip.compress(body)) for body in bodies) <= MAX_COMPRESSED_BYTES


def digests_of(path: Path, root: Path) -> list[tuple[str, str]]:
    if path.name in NOT_READ or path.suffix == ".tsbuildinfo":
        return []
    if path.is_dir():
        return [digest for entry in path.iterdir() for digest in digests_of(entry, root)]
    return [(path.relative_to(root).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())]


def combined(digests: dict[str, str]) -> str:
    lines = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


# ---- in a browser ---------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.timeout(600)
async def test_a_person_signs_in_and_watches_a_call(
    services: Services, settings: Settings, viewer: Viewer, tmp_path: Path
) -> None:
    visit = script_runner(tmp_path)
    await publish_clinic(services, viewer)
    key = await create_api_key(settings, viewer)
    routes = dashboard_routes(replace(settings, local_token=key))
    async with (
        running_api(
            services, settings, viewer, build_schema_with_loaders, extra_routes=routes
        ) as api,
        running_worker(settings),
    ):
        person = await new_member(owner_at(api), "OPERATOR", "ada@acme.example")
        _, recovery_codes = await enrolled(person)
        seen = await asyncio.to_thread(
            visit, "dashboard.mjs", api.url, key, "ada@acme.example", PASSWORD, recovery_codes[0]
        )

    assert seen["refused"] == "The e-mail address or the password is wrong."
    assert seen["barriers"] == []
    assert seen["keyboard"] == {"skipped": "main", "palette": "/studio/calls/", "themed": "dark"}
    assert seen["live"] == {"row": True, "sorted": ["descending", "ascending"]}
    assert seen["turns"] == [
        ["reception", "Sunrise Clinic, hello."],
        ["Caller", "I need an appointment"],
        ["reception", "One moment."],
        ["booking", "Booking here. When suits you?"],
    ]
    assert seen["ended"] == "Ended by an operator"
    assert seen["csv"] == ["id,state,workflow,caller,kind,created,duration,cost,reason", 1]
    assert seen["local"] == "Local installation"
    assert (seen["errors"], seen["outside"]) == ([], [])
