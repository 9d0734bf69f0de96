"""GraphQL over HTTP: requests, rejections, rate limits and errors as clients see them."""

from __future__ import annotations

import asyncio
import logging
import math
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import httpx
import pytest

from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from graph.requests.operations import GraphQLRequest
from persistence.key_ring import new_api_key
from tests.support.api_server import Api, running_api

pytestmark = pytest.mark.anyio

GRAPHQL = "application/graphql-response+json"
LOGIN = 'mutation{login(email:"a")}'


@pytest.fixture
async def api(services: Services, settings: Settings, viewer: Viewer) -> AsyncIterator[Api]:
    allowed = replace(settings, allowed_origins="https://dash.example")
    async with running_api(services, allowed, viewer) as running:
        yield running


def code_of(body: Any) -> str:
    [error] = body["errors"]
    return str(error["extensions"]["code"])


async def test_a_response_reports_its_cost(api: Api) -> None:
    answer = await api.post(
        "query ($n: Int) { hello items(first: $n) { edges { node { name } } } }", variables={"n": 2}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {
        "data": {"hello": "hello you", "items": {"edges": [{"node": {"name": "item"}}] * 2}},
        "extensions": {
            "cost": {"requested": 5},
            "rateLimit": {"limit": 600, "remaining": 599, "resetSeconds": 1, "scope": "user"},
        },
    }
    assert len(answer.headers["x-request-id"]) == 16
    named = await api.post("{hello}", headers={"x-request-id": "mine-1"})
    assert named.headers["x-request-id"] == "mine-1"


async def test_both_kinds_of_credential_work_in_both_headers(api: Api) -> None:
    for headers, who in (
        ({"authorization": f"Bearer {api.token}"}, "user"),
        ({"authorization": f"bearer {api.key}"}, "key"),
        ({"x-api-key": api.key}, "key"),
    ):
        answer = await api.execute("{who}", auth=False, headers=headers)
        assert answer["data"] == {"who": who}


async def test_a_bad_credential_is_refused_before_the_body_is_read(api: Api) -> None:
    for headers in (
        {"authorization": "Bearer as_live_nonsense"},
        {"authorization": f"Bearer {api.token[:-4]}AAAA"},
        {"authorization": "Basic dTpw"},
        {"x-api-key": "nonsense"},
    ):
        answer = await api.http.post("/graphql", content=b"{not json", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert code_of(answer.json()) == "UNAUTHENTICATED"


async def test_an_unauthenticated_client_may_only_sign_in(api: Api) -> None:
    login = await api.post('mutation { login(email: "a") __typename }', auth=False)
    assert login.json()["data"] == {"login": "a", "__typename": "Mutation"}
    for document in (
        "{hello}",
        "{__schema{queryType{name}}}",
        "mutation{change}",
        "mutation{...on Mutation{...A}} fragment A on Mutation{change}",
        'mutation A{login(email:"a")} query B{hello}',
        "{nope}",
    ):
        answer = await api.post(document, auth=False)
        assert (answer.status_code, code_of(answer.json())) == (401, "UNAUTHENTICATED"), document
    typo = 'mutation { login(emial: "a") }'
    assert "Did you mean" in str(await api.execute(typo))
    assert "Did you mean" not in str(await api.execute(typo, auth=False))


async def test_a_malformed_request_is_reported(api: Api) -> None:
    auth = {"x-api-key": api.key, "content-type": "application/json"}
    big = await api.http.post("/graphql", content=b" " * 65_537, headers=auth)
    assert (big.status_code, code_of(big.json())) == (413, "PAYLOAD_TOO_LARGE")
    assert "65536" in big.text
    for body in (
        b"{",
        b"[]",
        b'[{"query":"{hello}"}]',
        b"{}",
        b'{"query":"{hello}","variables":[]}',
    ):
        answer = await api.http.post("/graphql", content=body, headers=auth)
        assert (answer.status_code, code_of(answer.json())) == (400, "BAD_REQUEST"), body
    form = await api.http.post(
        "/graphql", data={"query": "{hello}"}, headers={"x-api-key": api.key}
    )
    assert form.status_code == 415
    put = await api.http.put("/graphql", json={"query": "{hello}"}, headers=auth)
    assert (put.status_code, put.headers["allow"]) == (405, "GET, POST")


async def test_mutations_and_subscriptions_require_their_transport(api: Api) -> None:
    auth = {"x-api-key": api.key}
    get = await api.http.get("/graphql", params={"query": "{hello}"}, headers=auth)
    assert get.json()["data"] == {"hello": "hello you"}
    change = await api.http.get("/graphql", params={"query": "mutation{change}"}, headers=auth)
    assert (change.status_code, change.headers["allow"]) == (405, "POST")
    ticks = await api.post("subscription{ticks}")
    assert (ticks.status_code, code_of(ticks.json())) == (400, "BAD_REQUEST")


async def test_every_error_has_a_code(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    for document, code in (
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{nope}", "GRAPHQL_VALIDATION_FAILED"),
        ("query($a:Int!){items(first:$a){__typename}}", "BAD_USER_INPUT"),
        ("query A{hello} query B{hello}", "BAD_REQUEST"),
        ("{hello " + "x " * 1000 + "}", "QUERY_TOO_COMPLEX"),
        ("{picky}", "INVALID_INPUT"),
        ("{busy}", "RATE_LIMITED"),
        ("{boom}", "INTERNAL"),
        ("{wrong}", "INTERNAL"),
    ):
        assert code_of(await api.execute(document)) == code, document
    picky = (await api.execute("{picky}"))["errors"][0]
    assert picky["message"] == "That is too long."
    assert picky["extensions"] == {
        "code": "INVALID_INPUT",
        "path": ["input", "name"],
        "docs": "/docs/api#invalid_input",
    }
    assert (await api.execute("{busy}"))["errors"][0]["extensions"]["retryAfter"] == 2.5


async def test_a_bug_is_logged_once_and_masked_with_a_reference(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        [error] = (await api.execute("{hello boom}"))["errors"]
    assert error["message"] == "Something went wrong on our side."
    [line] = [record for record in caplog.records if record.name == "graph.requests.errors"]
    assert vars(line)["ref"] == error["extensions"]["ref"]
    assert vars(line)["error"] == "builtins.KeyError"
    assert "phone number" not in str(vars(line))
    [access] = [record for record in caplog.records if record.name == "graph.access"]
    facts = vars(access)
    assert (facts["status"], facts["cost"], facts["subject"]) == (200, 0, vars(access)["subject"])
    assert facts["ms"] > 0


async def test_integers_beyond_64_bits_survive(api: Api) -> None:
    assert (await api.execute("{json}"))["data"] == {"json": {"big": 2**80, "nothing": None}}


async def test_a_rate_limited_client_receives_retry_after(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = replace(settings, requests_per_minute=10, anonymous_requests_per_minute=3)
    async with running_api(services, few, viewer) as api:
        answers = [await api.post('mutation{login(email:"a")}', auth=False) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 20
        assert code_of(answers[-1].json()) == "RATE_LIMITED"
        assert [(await api.post("{hello}")).status_code for _ in range(11)] == [200] * 10 + [429]


@pytest.mark.parametrize(("trusted", "status"), [("", 429), ("127.0.0.0/8", 200)])
async def test_only_a_trusted_proxy_sets_the_client_address(
    services: Services,
    settings: Settings,
    viewer: Viewer,
    trusted: str,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    few = replace(settings, anonymous_requests_per_minute=1, trusted_proxies=trusted)
    elsewhere = {"x-forwarded-for": "198.51.100.7"}
    async with running_api(services, few, viewer) as api:
        assert (await api.post(LOGIN, auth=False)).status_code == 200
        assert (await api.post(LOGIN, auth=False)).status_code == 429
        other = await api.post(LOGIN, auth=False, headers=elsewhere)
        assert other.status_code == status
    warned = [line for line in caplog.messages if "TRUSTED_PROXIES" in line]
    assert len(warned) == (0 if trusted else 1)


async def test_every_response_has_the_rate_limit_headers(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = replace(settings, requests_per_minute=30, anonymous_requests_per_minute=2)
    async with running_api(services, few, viewer) as api:
        assert rates(await api.post("{hello}")) == (30, 29, 2)
        assert (
            rates(await api.post("{items(first:100){edges{node{items(first:2){name}}}}}"))[0] == 30
        )
        assert rates(await api.post(LOGIN, auth=False)) == (2, 1, 30)
        unknown = await api.post("{hello}", auth=False, headers={"x-api-key": "as_live_nonsense"})
        assert (unknown.status_code, rates(unknown)) == (401, (2, 0, 60))
        refused = await api.post(LOGIN, auth=False)
        assert (refused.status_code, rates(refused)) == (429, (2, 0, 60))
        assert 1 <= int(refused.headers["retry-after"]) <= 30
        exact = refused.json()["errors"][0]["extensions"]["retryAfter"]
        assert int(refused.headers["retry-after"]) == math.ceil(exact)
        assert refused.json()["extensions"] == {
            "cost": {"requested": 0},
            "rateLimit": {"limit": 2, "remaining": 0, "resetSeconds": 60, "scope": "address"},
        }
        assert refused.headers["ratelimit"] == '"address";r=0;t=60'
        assert refused.headers["ratelimit-policy"] == '"address";q=2;w=60'


def rates(answer: httpx.Response) -> tuple[int, ...]:
    names = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
    return tuple(int(answer.headers[name]) for name in names)


@dataclass(frozen=True, slots=True)
class CountingAccounts:
    """Counts what is looked up."""

    accounts: Any
    looked_up: list[str]

    async def authenticate_credential(self, credential: str) -> Viewer:
        self.looked_up.append(credential)
        found: Viewer = await self.accounts.authenticate_credential(credential)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.accounts, name)


async def test_invalid_keys_of_a_limited_address_are_not_looked_up(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = replace(settings, anonymous_requests_per_minute=1)
    looked_up: list[str] = []
    counting = replace(services, accounts=CountingAccounts(services.accounts, looked_up))
    async with running_api(counting, few, viewer) as api:

        async def status(key: str) -> int:
            headers = {"x-api-key": key}
            return (await api.post("{hello}", auth=False, headers=headers)).status_code

        assert await status(api.key) == 200
        assert await status(new_api_key()) == 401
        bad = [status(new_api_key()) for _ in range(100)]
        assert await asyncio.gather(*bad) == [429] * 100
        looked_up.clear()
        assert [await status(new_api_key()) for _ in range(20)] == [429] * 20
        # The limit itself is checked again once a second.
        assert len(looked_up) < 15
        looked_up.clear()
        assert [await status(f"as_live_{'x' * 30}.{n}") for n in range(20)] == [429] * 20
        assert len(looked_up) < 15
        assert await status(api.key) == 200, "a key that was valid before still works"


async def test_the_rejection_of_an_invalid_key_is_cached(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    looked_up: list[str] = []
    counting = replace(services, accounts=CountingAccounts(services.accounts, looked_up))
    async with running_api(counting, settings, viewer) as api:
        headers = {"x-api-key": new_api_key()}
        answers = [api.post("{hello}", auth=False, headers=headers) for _ in range(20)]
        codes = [answer.status_code for answer in await asyncio.gather(*answers)]
        assert codes == [401] * 20
        assert len(looked_up) < 5


async def test_the_rejection_of_an_ended_session_is_cached(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    looked_up: list[str] = []
    counting = replace(services, accounts=CountingAccounts(services.accounts, looked_up))
    async with running_api(counting, settings, viewer) as api:
        db = await asyncpg.connect(settings.database_url)
        await db.execute("delete from refresh_token")
        await db.close()
        answers = [await api.post("{hello}") for _ in range(20)]
        assert [answer.status_code for answer in answers] == [401] * 20
        assert len(looked_up) < 5


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ('Application/JSON; charset="UTF-8"', 200),
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=latin1", 415),
        ("text/plain", 415),
        ("", 415),
    ],
)
async def test_requests_are_json_in_utf8(api: Api, kind: str, status: int) -> None:
    headers = {"x-api-key": api.key, "content-type": kind}
    answer = await api.http.post("/graphql", content=b'{"query":"{hello}"}', headers=headers)
    assert answer.status_code == status


async def test_a_trailing_slash_does_not_redirect(api: Api) -> None:
    headers = {"x-api-key": api.key, "host": "evil.example"}
    answer = await api.http.post("/graphql/", json={"query": "{hello}"}, headers=headers)
    assert answer.json()["data"] == {"hello": "hello you"}
    elsewhere = await api.http.get("/health/live/", headers=headers)
    assert (elsewhere.status_code, elsewhere.headers.get("location")) == (404, None)


async def test_client_supplied_names_are_not_logged(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await api.http.get("/CANARY")
        await api.http.get("/recordings/CANARY")
        await api.post("query CANARY {hello CANARY: items {edges {__typename}}}")
        await api.post("{CANARY: boom}")
    ours = [vars(record) for record in caplog.records if record.name.startswith("graph.")]
    assert "CANARY" not in str(ours)
    lines = [line for line in ours if line["name"] == "graph.access"]
    assert [line["path"] for line in lines[:3]] == ["unknown", "/recordings/{token}", "/graphql"]
    assert lines[2]["operation"] == "hello,items"
    [bug] = [line for line in ours if line["name"] == "graph.requests.errors"]
    assert bug["field"] == "boom"


async def test_a_request_with_many_login_attempts_is_charged_for_each(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = replace(settings, anonymous_requests_per_minute=12)
    guesses = " ".join(f'a{n}: login(email: "{n}")' for n in range(10))
    async with running_api(services, few, viewer) as api:
        document = f"mutation {{ {guesses} }}"
        answers = [await api.post(document, auth=False) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]


async def test_malformed_requests_are_charged_too(
    services: Services, settings: Settings, viewer: Viewer
) -> None:
    few = replace(settings, anonymous_requests_per_minute=3)
    async with running_api(services, few, viewer) as api:
        bodies = ['{"query": 1}', "{", '{"query": "{a}", "operationName": 1}', "[]"]
        codes = [
            (
                await api.http.post(
                    "/graphql", content=body, headers={"content-type": "application/json"}
                )
            ).status_code
            for body in bodies
        ]
        assert codes == [400, 400, 400, 429]


def test_a_deep_body_costs_no_more_than_a_flat_one() -> None:
    value: Any = [0] * 31_000
    for _ in range(900):
        value = [value]
    tracemalloc.start()
    GraphQLRequest.parse({"query": "{hello}", "variables": {"a": value}})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


async def test_allowed_origins_get_cors_headers(api: Api) -> None:
    ask = {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
    good = await api.http.options("/graphql", headers={"origin": "https://dash.example", **ask})
    assert good.headers["access-control-allow-origin"] == "https://dash.example"
    bad = await api.http.options("/graphql", headers={"origin": "https://evil.example", **ask})
    assert "access-control-allow-origin" not in bad.headers


async def test_health_endpoints_report_liveness_and_readiness(api: Api) -> None:
    assert (await api.http.get("/health/live")).json() == {"live": True}
    ready = await api.http.get("/health/ready")
    assert (ready.status_code, ready.json()["ready"], ready.json()["database"]) == (200, True, True)
