"""Limits on responses and on values that tools store."""

from __future__ import annotations

from typing import Any

import pytest

from domain.calls.context import CallContext
from domain.tool_execution.executor import Ending
from domain.tools.actions import ApiCall, ContextSet, Method, Operation, Respond, Transform
from domain.tools.http import HttpRequest, HttpResponse
from tests.domain.test_tool_execution import FakeEnvironment, run

pytestmark = pytest.mark.anyio


class FixedResponse(FakeEnvironment):
    """Responds to every request with these bytes."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        return HttpResponse(200, {}, self.body, 1.0)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b"[" * 40 + b"]" * 40, "[" * 40 + "]" * 40),
        (b"[" * 30_000, "[" * 30_000),
        (b"[NaN]", "[NaN]"),
        (b"[1e999]", "[1e999]"),
        (b'"\\ud800"', '"\\ud800"'),
        (b'"\\u0000"', '"\\u0000"'),
        (b'"\\\\u0000"', "\\u0000"),
        (b"a\x00b", "a\ufffdb"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"9" * 5_000, "9" * 5_000),
    ],
)
async def test_a_response_is_saved_as_json_or_as_text(body: bytes, kept: Any) -> None:
    environment = FixedResponse(body)
    call = ApiCall(url="https://a.example/", save={"workflow.x": "body"})
    used, _ = await run(call, environment=environment)
    assert (used.ending, environment.context.workflow) == (Ending.SUCCEEDED, {"x": kept})


async def test_no_value_grows_without_bound() -> None:
    environment = FakeEnvironment(context=CallContext(workflow={"x": ["y" * 60_000], "deep": 1}))
    used, _ = await run(
        ContextSet(path="workflow.x[+]", value="z" * 6_000), environment=environment
    )
    assert used.result == "The value for workflow.x is longer than 65536 characters."
    assert environment.context.workflow["x"] == ["y" * 60_000]
    deeper = ContextSet(path="workflow.deep", value=["{{workflow.deep}}"])
    endings = [(await run(deeper, environment=environment))[0].ending for _ in range(33)]
    assert endings == [Ending.SUCCEEDED] * 31 + [Ending.FAILED] * 2


@pytest.mark.parametrize(
    "call",
    [
        ApiCall(url="https://a.example/{{user.long}}"),
        ApiCall(url="https://a.example/", query={"q": "{{user.long}}"}),
        ApiCall(url="https://a.example/", method=Method.POST, body=["{{user.long}}"] * 99),
    ],
)
async def test_a_request_that_renders_too_large_is_not_sent(call: ApiCall) -> None:
    environment = FakeEnvironment(
        context=CallContext(user={"long": "x" * 60_000}), answers=[(200, {})]
    )
    used, _ = await run(call, environment=environment)
    assert used.result == "The request is too large to be sent."
    assert environment.sent == []


async def test_huge_numbers_are_sorted_like_others() -> None:
    environment = FakeEnvironment(
        context=CallContext(workflow={"x": [10**400, "a", 1.5, -(10**400)]})
    )
    sort = Transform(path="workflow.y", operation=Operation.SORT, value="{{workflow.x}}")
    await run(sort, environment=environment)
    assert environment.context.workflow["y"] == [-(10**400), 1.5, 10**400, "a"]


async def test_arguments_that_cannot_be_stored_are_refused() -> None:
    for argument in ("\ud800", "a\x00", float("nan")):
        used, _ = await run(Respond(message="{{params.x}}"), arguments={"x": argument})
        assert (used.ending, used.steps) == (Ending.REFUSED, ())
