"""GraphiQL: what is served and to whom, that anyone can build it, and that it works in a browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest
from graphql import build_schema, parse, validate
from starlette.applications import Starlette
from starlette.testclient import TestClient

from graph.ide import STATIC, ide_routes
from tests.graphiql_toy import SAID, SCHEMA, TOKEN, serving, toy

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "graph" / "graphiql"
BROWSER = ROOT / "tests" / "browser"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PAGE = "/graphiql"
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")


def client(
    token: str = TOKEN, host: str = "localhost:8000", address: str = "127.0.0.1"
) -> TestClient:
    app = Starlette(routes=ide_routes(token))
    return TestClient(app, base_url=f"http://{host}", client=(address, 50000))


def missing(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def install(folder: Path) -> None:
    if not (npm := shutil.which("npm")):
        missing("npm is not installed")
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode and any(reason in done.stderr for reason in UNREACHABLE):
        missing("npm cannot reach its registry")
    assert done.returncode == 0, done.stderr


# ---- what is served -----------------------------------------------------------------------


def test_the_page_may_only_talk_to_its_own_host() -> None:
    page = client(host="studio.example:8443").get(PAGE)

    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"] == (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; connect-src 'self' "
        "ws://studio.example:8443 wss://studio.example:8443"
    )
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Vary"] == "Accept"


def test_a_strange_host_adds_nothing_to_the_policy() -> None:
    page = client().get(PAGE, headers={"Host": "x; script-src *"})

    assert page.headers["Content-Security-Policy"].endswith("connect-src 'self'")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("app.css", "text/css; charset=utf-8"),
        ("LICENSES.txt", "text/plain; charset=utf-8"),
    ],
)
def test_files_are_sent_once_until_they_change(name: str, kind: str) -> None:
    url = f"/graphiql/assets/{name}"
    first = client().get(url)
    again = client().get(url, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, again.status_code) == (200, 304)
    assert first.content == (STATIC / name).read_bytes()
    assert first.headers["Content-Type"] == kind
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["Cache-Control"] == "no-cache"


def test_only_built_files_are_served() -> None:
    urls = ["../package.json", "%2e%2e/package.json", "nothing.js", ""]

    assert [client().get(f"/graphiql/assets/{url}").status_code for url in urls] == [404] * 4


# ---- the local token ----------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_page_on_this_machine_gets_the_local_token(host: str, address: str) -> None:
    browser = client(address=address)
    headers = {"Host": host, "Origin": f"http://{host}"}

    assert browser.get("/graphiql/config.json", headers=headers).json() == {"localToken": True}
    given = browser.post("/graphiql/local-token", headers=headers)
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
    ],
)
def test_nobody_else_gets_or_sees_it(address: str, headers: dict[str, str]) -> None:
    browser = client(address=address)

    assert browser.get("/graphiql/config.json", headers=headers).json() == {"localToken": False}
    refused = browser.post("/graphiql/local-token", headers=headers)
    assert (refused.status_code, TOKEN in refused.text) == (404, False)


def test_without_a_local_token_there_is_none_to_offer() -> None:
    browser = client(token="")

    assert browser.get("/graphiql/config.json").json() == {"localToken": False}
    assert browser.post("/graphiql/local-token").status_code == 404


def test_a_link_cannot_fetch_the_token() -> None:
    assert client().get("/graphiql/local-token").status_code == 405


# ---- what is committed --------------------------------------------------------------------


@pytest.mark.parametrize("folder", [SOURCE, BROWSER], ids=lambda folder: folder.name)
def test_the_lock_names_versions_and_no_registry(folder: Path) -> None:
    lock = json.loads((folder / "package-lock.json").read_text())
    packages = [about for path, about in lock["packages"].items() if path]

    assert [about for about in packages if "resolved" in about] == []
    assert [about for about in packages if not about["integrity"].startswith("sha512-")] == []


def test_the_committed_files_are_what_the_source_builds(tmp_path: Path) -> None:
    copy = tmp_path / "graphiql"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("static", "node_modules"))
    install(copy)
    subprocess.run(["npm", "run", "build"], cwd=copy, check=True, capture_output=True)

    built, committed = contents(copy / "static"), contents(STATIC)
    assert sorted(built) == sorted(committed)
    assert [name for name in built if built[name] != committed[name]] == []


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("tab", ["overview", "watch-call"])
def test_the_first_tabs_fit_the_schema(tab: str) -> None:
    committed = ROOT / "schema.graphql"
    sdl = committed.read_text() if committed.exists() else SCHEMA.as_str()
    document = parse((SOURCE / "src" / f"{tab}.graphql").read_text())

    assert validate(build_schema(sdl), document) == []


# ---- in a browser -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not Path(CHROMIUM).exists():
        missing(f"{CHROMIUM} is not there; CHROMIUM names another place")
    folder = tmp_path_factory.mktemp("browser")
    for name in (".npmrc", "package.json", "package-lock.json", "graphiql.mjs"):
        shutil.copy(BROWSER / name, folder)
    install(folder)
    return folder / "graphiql.mjs"


def test_signing_in_asking_and_watching_in_a_browser(script: Path) -> None:
    with serving(toy()) as url:
        seen = visit(script, f"{url}/graphql")

    assert seen["signedOut"] == {
        "errors": [{"message": "Sign in.", "extensions": {"code": "UNAUTHENTICATED"}}]
    }
    assert seen["token"] == {"masked": True, "inSession": TOKEN, "elsewhere": False}
    assert seen["query"] == {
        "data": {
            "viewer": {"tenant": {"name": "Acme"}},
            "calls": {"edges": [{"node": {"id": "call-1", "kind": "VOIP", "state": "LIVE"}}]},
            "workflows": {"edges": [{"node": {"id": "workflow-1", "name": "clinic"}}]},
        }
    }
    assert seen["offered"][:3] == ["viewer", "calls", "workflows"]
    # The socket broke after the second event: nothing is lost and nothing comes twice.
    assert said(seen["subscription"]) == SAID
    # Begun without a token; it waited for one.
    assert said(seen["waited"]) == SAID
    unauthorized = (
        "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
    )
    assert (seen["errorsSignedOut"], seen["errorsRefused"]) == ([unauthorized], [unauthorized])
    assert (seen["errors"], seen["outside"]) == ([], [])


def visit(script: Path, page: str) -> dict[str, Any]:
    command = ["node", str(script), page]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def said(answer: dict[str, Any]) -> list[str]:
    events = [result["data"]["callEvents"] for result in reversed(answer["newestFirst"])]
    assert [event["seq"] for event in events] == list(range(1, answer["received"] + 1))
    return [event["text"] for event in events]
