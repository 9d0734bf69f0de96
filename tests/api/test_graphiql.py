"""GraphiQL: its page, its initial tabs, and its work in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate
from starlette.applications import Starlette
from starlette.testclient import TestClient

from graph.web.graphiql import graphiql_routes
from tests.support.browsers import script_runner
from tests.support.graphiql_toy import SAID, TOKEN, running_server, toy_app
from tests.support.paths import ROOT

SOURCE = ROOT / "graph" / "web" / "pages" / "src" / "graphiql"


def client(host: str = "localhost:8000") -> TestClient:
    app = Starlette(routes=graphiql_routes(TOKEN))
    return TestClient(app, base_url=f"http://{host}")


def test_the_page_may_only_connect_to_its_own_host() -> None:
    page = client(host="studio.example:8443").get("/graphiql")

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


def test_an_invalid_host_header_adds_nothing_to_the_policy() -> None:
    page = client().get("/graphiql", headers={"Host": "x; script-src *"})

    assert page.headers["Content-Security-Policy"].endswith("connect-src 'self'")


@pytest.mark.parametrize("tab", ["overview", "watch-call"])
def test_the_initial_tabs_match_the_schema(tab: str) -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    document = parse((SOURCE / f"{tab}.graphql").read_text())

    assert validate(schema, document) == []


def test_a_browser_signs_in_queries_and_subscribes(tmp_path: Path) -> None:
    visit = script_runner(tmp_path)
    with running_server(toy_app()) as url:
        seen = visit("graphiql.mjs", f"{url}/graphql")

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
    # The socket was closed after the second event: nothing is lost or repeated.
    assert said(seen["subscription"]) == SAID
    # It was started without a token and waited for one.
    assert said(seen["waited"]) == SAID
    unauthorized = (
        "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
    )
    assert (seen["errorsSignedOut"], seen["errorsRefused"]) == ([unauthorized], [unauthorized])
    assert (seen["errors"], seen["outside"]) == ([], [])


def said(answer: dict[str, Any]) -> list[str]:
    events = [result["data"]["callEvents"] for result in reversed(answer["newestFirst"])]
    assert [event["seq"] for event in events] == list(range(1, answer["received"] + 1))
    return [event["text"] for event in events]
