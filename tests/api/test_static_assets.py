"""The static files of the API's pages, the local token, and the reproducible build."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from domain.common.settings import Settings
from graph.web.account import account_routes
from graph.web.dashboard import dashboard_routes
from graph.web.graphiql import graphiql_routes
from graph.web.static_assets import STATIC_FOLDER
from graph.web.talk import talk_routes
from tests.support.browsers import SCRIPTS
from tests.support.npm import install_packages
from tests.support.paths import ROOT

SOURCE = ROOT / "graph" / "web" / "pages"
MERCURIUS = ROOT / "bench" / "harness" / "mercurius"
DASHBOARD = ROOT / "dashboard"
OURS = ["node_modules/agent-studio-client"]
"""Packages that are a folder of the repository."""
PAGES = ["graphiql", "talk"]
TOKEN_PAGES = [*PAGES, "studio"]
TOKEN = "as_test_of_this_machine"


def client(
    token: str = TOKEN, host: str = "localhost:8000", address: str = "127.0.0.1"
) -> TestClient:
    settings = Settings(local_token=token)
    routes = [*graphiql_routes(token), *talk_routes(settings), *dashboard_routes(settings)]
    app = Starlette(routes=routes)
    return TestClient(app, base_url=f"http://{host}", client=(address, 50000))


# ---- what is served -----------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("app.css", "text/css; charset=utf-8"),
        ("LICENSES.txt", "text/plain; charset=utf-8"),
    ],
)
def test_files_are_cached_until_they_change(page: str, name: str, kind: str) -> None:
    url = f"/{page}/assets/{name}"
    first = client().get(url)
    again = client().get(url, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, again.status_code) == (200, 304)
    assert first.content == (STATIC_FOLDER / page / name).read_bytes()
    assert first.headers["Content-Type"] == kind
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("page", PAGES)
def test_only_built_files_are_served(page: str) -> None:
    urls = ["../package.json", "%2e%2e/package.json", "nothing.js", ""]

    assert [client().get(f"/{page}/assets/{url}").status_code for url in urls] == [404] * 4


@pytest.mark.parametrize("page", PAGES)
def test_a_trailing_slash_redirects_to_the_page_on_the_same_host(page: str) -> None:
    moved = client(host="localhost").get(f"/{page}/", follow_redirects=False)

    assert (moved.status_code, moved.headers["Location"]) == (307, f"/{page}")


def test_the_page_for_accounts_runs_only_its_own_script_and_gives_no_address_away() -> None:
    browser = TestClient(Starlette(routes=account_routes()))
    page = browser.get("/account/")
    assert page.status_code == 200
    assert page.content == (STATIC_FOLDER / "account" / "index.html").read_bytes()
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "script-src 'self'; " in page.headers["Content-Security-Policy"]
    assert browser.get("/account/assets/app.js").status_code == 200
    assert browser.get("/account/assets/../../talk.py").status_code == 404


# ---- the local token ----------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("page", TOKEN_PAGES)
def test_a_page_on_this_machine_gets_the_local_token(page: str, host: str, address: str) -> None:
    browser = client(address=address)
    headers = {"Host": host, "Origin": f"http://{host}"}

    assert browser.get(f"/{page}/config.json", headers=headers).json()["localToken"] is True
    given = browser.post(f"/{page}/local-token", headers=headers)
    assert given.json() == {"token": TOKEN}
    assert given.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("10.0.0.7", {}),
        ("testclient", {}),
        ("127.0.0.1", {"Host": "rebound.example:8000"}),
        ("127.0.0.1", {"Host": "localhost.rebound.example"}),
        ("127.0.0.1", {"Host": "127.0.0.1.rebound.example"}),
        ("127.0.0.1", {"Host": "localhost@rebound.example"}),
        ("127.0.0.1", {"Host": ""}),
        ("127.0.0.1", {"Origin": "https://other.example"}),
        ("127.0.0.1", {"Origin": "http://localhost:3000"}),
        ("127.0.0.1", {"Origin": "null"}),
        ("127.0.0.1", {"X-Forwarded-For": "10.0.0.7"}),
        ("127.0.0.1", {"Forwarded": "for=10.0.0.7"}),
        ("127.0.0.1", {"Via": "1.1 tunnel"}),
        ("127.0.0.1", {"Sec-Fetch-Site": "cross-site"}),
        ("127.0.0.1", {"Sec-Fetch-Site": "same-site"}),
    ],
)
@pytest.mark.parametrize("page", TOKEN_PAGES)
def test_no_remote_page_gets_the_local_token(
    page: str, address: str, headers: dict[str, str]
) -> None:
    browser = client(address=address)

    assert browser.get(f"/{page}/config.json", headers=headers).json()["localToken"] is False
    refused = browser.post(f"/{page}/local-token", headers=headers)
    assert (refused.status_code, TOKEN in refused.text) == (404, False)


@pytest.mark.parametrize("page", TOKEN_PAGES)
def test_without_a_local_token_none_is_offered(page: str) -> None:
    browser = client(token="")

    assert browser.get(f"/{page}/config.json").json()["localToken"] is False
    assert browser.post(f"/{page}/local-token").status_code == 404


@pytest.mark.parametrize("page", TOKEN_PAGES)
def test_a_link_cannot_fetch_the_token(page: str) -> None:
    answer = client().get(f"/{page}/local-token")

    assert (answer.status_code in (404, 405), TOKEN in answer.text) == (True, False)


# ---- what is committed --------------------------------------------------------------------


@pytest.mark.parametrize(
    "folder", [SOURCE, SCRIPTS, MERCURIUS, DASHBOARD], ids=lambda folder: folder.name
)
def test_the_lock_file_names_versions_and_no_registry(folder: Path) -> None:
    lock = json.loads((folder / "package-lock.json").read_text())
    packages = [about for path, about in lock["packages"].items() if path and path not in OURS]

    assert [about for about in packages if "resolved" in about] == []
    assert [about for about in packages if not about["integrity"].startswith("sha512-")] == []


def test_the_committed_files_equal_a_build_of_the_sources(tmp_path: Path) -> None:
    copy = tmp_path / SOURCE.relative_to(ROOT)
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("static", "node_modules"))
    for client in ("client/widget/src", "client/typescript/src"):
        shutil.copytree(ROOT / client, tmp_path / client)
    install_packages(copy)
    subprocess.run(["npm", "run", "build"], cwd=copy, check=True, capture_output=True)

    built, committed = contents(copy / "static"), contents(STATIC_FOLDER)
    committed = {name: body for name, body in committed.items() if name.parts[0] != "studio"}
    assert sorted(built) == sorted(committed)
    assert [name for name in built if built[name] != committed[name]] == []


def contents(folder: Path) -> dict[Path, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder): file.read_bytes() for file in files}
