"""Tool execution: every kind of action, its effect, and its failures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calls.context import CallContext
from domain.calls.events import ContextChanged
from domain.common.errors import InvalidInput
from domain.tenants.settings import Endpoint, McpServer, TenantSettings
from domain.tool_execution.digit_stubs import DigitStubs
from domain.tool_execution.environment import NO_KEYPAD, NO_PHONE_LINE, CollectedDigits
from domain.tool_execution.executor import Ending, ToolResult, execute
from domain.tools.actions import (
    ApiCall,
    CollectDigits,
    Conditional,
    ContextDelete,
    ContextGet,
    ContextSet,
    EndCall,
    FlagClear,
    FlagSet,
    Handoff,
    McpCall,
    Method,
    Operation,
    Respond,
    Rule,
    SendDtmf,
    ToolAction,
    TransferCall,
    Transform,
    Validate,
)
from domain.tools.http import EgressBlocked, HttpFailed, HttpRequest, HttpResponse
from domain.tools.model import ToolSpec, check_tool
from domain.tools.secrets import HostLimit, Secret

pytestmark = pytest.mark.anyio
SETTINGS = TenantSettings(
    endpoints=(
        Endpoint(
            name="crm", url="https://crm.example.com/v1/", headers={"X-Env": "test", "X-Kind": "a"}
        ),
    ),
    mcp_servers=(McpServer(name="calendar", url="https://mcp.example.com/", allow=("book",)),),
)
ANY = {"type": "object"}


@dataclass(slots=True)
class FakeEnvironment:
    """An environment in memory; its fields show what the actions did."""

    context: CallContext = field(default_factory=lambda: CallContext(user={"name": "Ada", "n": 3}))
    answers: list[Any] = field(default_factory=list)
    sent: list[HttpRequest] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)
    ended: bool = False
    settings: TenantSettings = SETTINGS
    keypad: DigitStubs | None = None
    """What the caller presses; None without a phone line."""
    pressed: str = ""
    prompts: list[tuple[str, str]] = field(default_factory=list)

    def visible_context(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.context.visible_to("desk", params)

    def set_value(self, path: str, value: Any) -> ContextChanged:
        return self._apply(self.context.set_event(path, value, "desk"))

    def remove_value(self, path: str) -> ContextChanged:
        return self._apply(self.context.remove_event(path, "desk"))

    def _apply(self, change: ContextChanged) -> ContextChanged:
        self.context = self.context.apply(change)
        return change

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return HttpResponse(status, {}, json.dumps(body).encode(), 1.0)

    def secret(self, name: str) -> Secret | None:
        return {"token": Secret("t0p", ("api.example.org",))}.get(name)

    def hand_off(self, node: str) -> str | None:
        self.handed.append(node)
        return None if node == "booking" else f"No connection leads to {node}."

    def end_call(self) -> None:
        self.ended = True

    async def send_dtmf(self, keys: str) -> str | None:
        if self.keypad is None:
            return NO_PHONE_LINE
        self.pressed += keys
        return None

    async def collect_digits(self, action: CollectDigits) -> CollectedDigits:
        self.prompts.append((action.prompt, action.retry_prompt))
        return (
            CollectedDigits(problem=NO_KEYPAD)
            if self.keypad is None
            else self.keypad.collect(action)
        )

    async def transfer(self, action: TransferCall, values: Mapping[str, Any]) -> str | None:
        return "This call is not on a phone line."


async def run(
    *actions: ToolAction,
    environment: FakeEnvironment | None = None,
    arguments: Any = None,
    **more: Any,
) -> tuple[ToolResult, FakeEnvironment]:
    environment = environment or FakeEnvironment()
    spec = ToolSpec(name="t", description="T.", parameters=ANY, actions=actions, **more)
    used = await execute(check_tool(spec), arguments or {}, environment, "call.use")
    return used, environment


async def test_actions_write_read_and_remove() -> None:
    used, environment = await run(
        ContextSet(path="workflow.meals[+]", value={"what": "{{params.meal}}"}),
        ContextSet(path="workflow.n", value="{{ user.n }}"),
        FlagSet(flag="fed"),
        FlagClear(flag="hungry"),
        ContextDelete(path="workflow.gone"),
        ContextGet(path="workflow.meals"),
        Respond(message="{{ user.name | upper }} ate."),
        arguments={"meal": "rice"},
    )
    assert used.ending is Ending.SUCCEEDED
    assert used.result == '[{"what": "rice"}]\nADA ate.'
    assert environment.context.workflow == {"meals": [{"what": "rice"}], "n": 3}
    assert environment.context.flags == {"fed": True, "hungry": False}
    assert [s.type for s in used.steps][:2] == ["context.set", "context.set"]
    assert used.steps[0].effect["path"] == "workflow.meals"


async def test_a_conditional_runs_one_branch_and_reports_the_path_of_each_action() -> None:
    branch = Conditional(
        condition="user.n > 2 and params.yes",
        then=(Respond(message="yes"), EndCall()),
        otherwise=(Respond(message="no"),),
    )
    used, environment = await run(branch, arguments={"yes": True})
    assert (used.result, environment.ended) == ("yes", True)
    assert used.steps[1].place == ("actions", "0", "conditional", "then", "0")
    used, environment = await run(branch)
    assert (used.result, environment.ended) == ("no", False)


async def test_the_first_failure_stops_the_chain_and_on_failure_runs() -> None:
    rules = (
        Rule(condition="params.n is not empty", message="How many?"),
        Rule(condition="params.n < 5", message="{{params.n}} is too many."),
    )
    chain = (Validate(rules=rules), FlagSet(flag="done"))
    used, environment = await run(*chain, arguments={"n": 7})
    assert (used.ending, used.result) == (Ending.FAILED, "7 is too many.")
    assert environment.context.flags == {}
    assert used.steps[-1].problem == "7 is too many."
    used, environment = await run(
        *chain,
        arguments={"n": 7},
        on_failure=(FlagSet(flag="failed"), Respond(message="Say it again.")),
        on_success=(FlagSet(flag="never"),),
    )
    assert (used.ending, used.result) == (Ending.FAILED, "Say it again.")
    assert environment.context.flags == {"failed": True}
    used, environment = await run(*chain, arguments={"n": 1}, on_success=(FlagSet(flag="proud"),))
    assert (used.ending, used.result) == (Ending.SUCCEEDED, "Done.")
    assert environment.context.flags == {"done": True, "proud": True}


async def test_actions_that_are_unavailable_here_fail() -> None:
    for action, problem in (
        (Handoff(node="nowhere"), "No connection leads to nowhere."),
        (TransferCall(number="+4930123456"), "This call is not on a phone line."),
        (SendDtmf(digits="1w2"), "This call is not on a phone line."),
        (CollectDigits(name="account"), NO_KEYPAD),
    ):
        used, _ = await run(action)
        assert (used.ending, used.result) == (Ending.FAILED, problem)
    used, environment = await run(Handoff(node="booking"))
    assert (used.ending, environment.handed) == (Ending.SUCCEEDED, ["booking"])


async def test_arguments_are_validated_before_any_action_runs() -> None:
    environment = FakeEnvironment()
    spec = ToolSpec(
        name="t",
        description="T.",
        parameters={"type": "object", "required": ["slot"]},
        actions=(FlagSet(flag="done"),),
    )
    used = await execute(spec, {}, environment, "k")
    assert used.ending is Ending.REFUSED
    assert "slot" in used.result
    assert (used.steps, environment.context.flags) == ((), {})


CALL = ApiCall(
    url="https://api.example.org/users/{{user.name}}/orders",
    method=Method.POST,
    headers={"Authorization": "Bearer {{secret.token}}"},
    query={"n": "{{user.n}}", "q": "a&b"},
    body={"slot": "{{params.slot}}", "n": "{{user.n}}"},
    save={"workflow.order": "body.id", "workflow.status": "status"},
)


async def test_a_request_is_sent_and_its_response_saved() -> None:
    environment = FakeEnvironment(answers=[(201, {"id": "o-1"})])
    reported = Respond(message="Order {{response.body.id}} ({{response.status}}).")
    used, _ = await run(CALL, reported, environment=environment, arguments={"slot": "ten"})
    assert (used.ending, used.result) == (Ending.SUCCEEDED, "Order o-1 (201).")
    assert environment.context.workflow == {"order": "o-1", "status": 201}
    [request] = environment.sent
    assert request.url == "https://api.example.org/users/Ada/orders?n=3&q=a%26b"
    assert request.headers["Authorization"] == "Bearer t0p"
    assert request.host_limits == (HostLimit("token", ("api.example.org",)),)
    assert request.headers["Idempotency-Key"] == "call.use.actions.0"
    assert json.loads(request.body or b"") == {"slot": "ten", "n": 3}
    assert "t0p" not in repr(used), "a secret must not be shown"


async def test_a_value_cannot_escape_its_url_segment() -> None:
    environment = FakeEnvironment(
        context=CallContext(user={"name": "../../admin?x=1#"}), answers=[(200, {})]
    )
    await run(CALL, environment=environment)
    assert environment.sent[0].url.startswith(
        "https://api.example.org/users/..%2F..%2Fadmin%3Fx%3D1%23/orders"
    )


@pytest.mark.parametrize(
    ("method", "unsafe", "answers", "sent", "ending"),
    [
        (Method.GET, False, [(503, {}), (200, {})], 2, Ending.SUCCEEDED),
        (Method.GET, False, [HttpFailed("timeout"), (200, {})], 2, Ending.SUCCEEDED),
        (Method.GET, False, [(429, {}), (500, {}), (502, {})], 3, Ending.FAILED),
        (Method.GET, False, [(404, {})], 1, Ending.FAILED),
        (Method.GET, False, [(302, {})], 1, Ending.FAILED),
        (Method.GET, False, [EgressBlocked()], 1, Ending.FAILED),
        (Method.POST, False, [(503, {})], 1, Ending.FAILED),
        (Method.POST, True, [(503, {}), (200, {})], 2, Ending.SUCCEEDED),
        (Method.GET, False, [HttpFailed("timeout")] * 3, 3, Ending.FAILED),
        (Method.PUT, False, [HttpFailed("broken"), (404, {})], 2, Ending.FAILED),
        (Method.POST, False, [HttpFailed("connect")], 1, Ending.FAILED),
        (Method.POST, False, [HttpFailed("broken")], 1, Ending.UNKNOWN),
        (Method.POST, False, [HttpFailed("timeout")], 1, Ending.UNKNOWN),
        (
            Method.POST,
            True,
            [HttpFailed("broken"), *[HttpFailed("connect")] * 2],
            3,
            Ending.UNKNOWN,
        ),
    ],
)
async def test_only_safe_requests_are_retried(
    method: Method, unsafe: bool, answers: list[Any], sent: int, ending: Ending
) -> None:
    environment = FakeEnvironment(answers=answers)
    call = ApiCall(url="https://api.example.org/x", method=method, retry_unsafe=unsafe)
    used, _ = await run(call, environment=environment)
    assert (used.ending, len(environment.sent)) == (ending, sent)
    assert len({request.headers["Idempotency-Key"] for request in environment.sent}) == 1


@pytest.mark.parametrize(("sent", "ending"), [(0, Ending.FAILED), (2, Ending.UNKNOWN)])
async def test_a_silent_mcp_server_yields_an_unknown_outcome(sent: int, ending: Ending) -> None:
    hello = (200, {"id": 1, "result": {}})
    environment = FakeEnvironment(answers=[hello, (202, {})][:sent] + [HttpFailed("broken")])
    used, _ = await run(McpCall(server="calendar", tool="book"), environment=environment)
    assert used.ending is ending
    assert ("It is not known whether the action was carried out." in used.result) is (
        ending is Ending.UNKNOWN
    )


async def test_a_missing_secret_is_named() -> None:
    call = ApiCall(url="https://a.example/", headers={"X": "{{secret.other}}"})
    used, environment = await run(call)
    assert (used.ending, used.result) == (Ending.FAILED, "There is no secret 'other'.")
    assert environment.sent == []


@pytest.mark.parametrize(
    ("operation", "before", "value", "after"),
    [
        (Operation.APPEND, None, 1, [1]),
        (Operation.APPEND, [1], [2], [1, [2]]),
        (Operation.REMOVE, [1, True, 1.0], 1, [True]),
        (Operation.MERGE, {"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        (Operation.MERGE, "x", None, {}),
        (Operation.INCREMENT, 2, None, 3),
        (Operation.INCREMENT, "2.5", 0.5, 3),
        (Operation.INCREMENT, None, "many", 0),
        (Operation.COUNT, None, ["a", "b"], 2),
        (Operation.COUNT, None, None, 0),
        (Operation.FIRST, None, [], None),
        (Operation.LAST, None, [1, 2], 2),
        (Operation.SUM, None, [1, "2", "x"], 3),
        (Operation.SORT, None, ["b", 10, 9, "a"], [9, 10, "a", "b"]),
        (Operation.UNIQUE, None, [1, "1", 1], [1, "1"]),
        (Operation.JOIN, None, ["a", 1], "a, 1"),
        (Operation.SPLIT, None, "a, b,c", ["a", "b,c"]),
    ],
)
async def test_values_are_transformed(
    operation: Operation, before: Any, value: Any, after: Any
) -> None:
    environment = FakeEnvironment(context=CallContext(workflow={"x": before}))
    await run(
        Transform(path="workflow.x", operation=operation, value=value), environment=environment
    )
    assert environment.context.workflow["x"] == after
    assert type(environment.context.workflow["x"]) is type(after)


TEXT = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=5)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(Operation)), JSON, JSON)
async def test_no_transform_raises(operation: Operation, before: Any, value: Any) -> None:
    environment = FakeEnvironment(context=CallContext(workflow={"x": before}, user={"v": value}))
    step = Transform(path="workflow.x", operation=operation, value="{{user.v}}")
    used, _ = await run(step, environment=environment)
    assert used.ending is Ending.SUCCEEDED


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "https://{{user.host}}/x",
        "https://{{user.host}}.example/x",
        "https://a.example{{user.path}}",
        "https://a.example:{{user.port}}/",
        "https://name:password@a.example/",
        "https:///x",
        "/x",
        "https://[::1/",
        "{{user.url}}",
    ],
)
def test_only_the_author_determines_the_host_of_a_request(url: str) -> None:
    spec = ToolSpec(name="t", description="T.", actions=(ApiCall(url=url),))
    with pytest.raises(InvalidInput) as refused:
        check_tool(spec)
    assert refused.value.path == ("actions", "0", "apiCall", "url")


# ---- what the model receives without a respond action --------------------------------------------


GET = ApiCall(url="https://a.example.com/")


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ({"a": 1}, '{"a": 1}'),
        ("ten o'clock", "ten o'clock"),
        (None, "Done."),
        ("", "Done."),
        ("x" * 9_000, f"{'x' * 8_192}… (cut off after 8192 characters)"),
    ],
)
async def test_a_tool_that_only_asks_a_server_returns_its_response(body: Any, result: str) -> None:
    used, _ = await run(GET, environment=FakeEnvironment(answers=[(200, body)]))
    assert (used.ending, used.result) == (Ending.SUCCEEDED, result)


async def test_the_last_response_is_returned_unless_an_action_sets_the_result() -> None:
    environment = FakeEnvironment(answers=[(200, {"a": 1}), (200, {"b": 2})])
    used, _ = await run(GET, GET, on_success=(FlagSet(flag="asked"),), environment=environment)
    assert used.result == '{"b": 2}'
    environment = FakeEnvironment(answers=[(200, {"a": 1})])
    used, _ = await run(GET, on_success=(Respond(message="All is well."),), environment=environment)
    assert used.result == "All is well."


async def test_the_response_of_a_tool_that_failed_later_is_not_its_result() -> None:
    rule = Rule(condition="response.body.a == 2", message="It is not 2.")
    used, _ = await run(
        GET, Validate(rules=(rule,)), environment=FakeEnvironment(answers=[(200, {"a": 1})])
    )
    assert (used.ending, used.result) == (Ending.FAILED, "It is not 2.")


# ---- items of lists, and flags --------------------------------------------------------------------


def listed(*items: Any) -> FakeEnvironment:
    return FakeEnvironment(context=CallContext(workflow={"l": list(items)}))


async def test_an_item_of_a_list_is_written_read_and_removed() -> None:
    used, environment = await run(
        ContextSet(path="workflow.l.0", value=9),
        ContextSet(path="workflow.l.1.name", value="b"),
        ContextSet(path="workflow.l.1.tags[+]", value="c"),
        ContextGet(path="workflow.l.0"),
        environment=listed(1, {"name": "a"}, 3),
    )
    assert (used.result, environment.context.workflow) == (
        "9",
        {"l": [9, {"name": "b", "tags": ["c"]}, 3]},
    )
    _, environment = await run(ContextDelete(path="workflow.l.1"), environment=environment)
    assert environment.context.workflow == {"l": [9, 3]}


@pytest.mark.parametrize("segment", ["2", "x", "0_0"])
async def test_a_list_has_no_other_items(segment: str) -> None:
    used, environment = await run(
        ContextSet(path=f"workflow.l.{segment}", value=9), environment=listed(1, 2)
    )
    problem = f"workflow.l is a list of 2 items; there is no item {segment}."
    assert (used.ending, used.result) == (Ending.FAILED, problem)
    assert environment.context.workflow == {"l": [1, 2]}
    await run(ContextDelete(path=f"workflow.l.{segment}"), environment=environment)
    assert environment.context.workflow == {"l": [1, 2]}


async def test_a_flag_is_true_or_false() -> None:
    used, environment = await run(ContextSet(path="flags.x", value="not bool"))
    assert (used.ending, used.result) == (
        Ending.FAILED,
        "flags.x is a flag, which is true or false.",
    )
    assert environment.context.flags == {}
    _, environment = await run(
        ContextSet(path="flags.x", value="{{params.yes}}"), arguments={"yes": True}
    )
    assert environment.context.flags == {"x": True}


# ---- results of MCP tools ---------------------------------------------------------------------------


def mcp_answers(result: Any) -> list[Any]:
    return [
        (200, {"jsonrpc": "2.0", "id": 1, "result": {}}),
        (202, None),
        (200, {"jsonrpc": "2.0", "id": 2, "result": result}),
    ]


async def test_what_a_model_cannot_be_shown_is_mentioned() -> None:
    content = [
        {"type": "text", "text": "Here it is:"},
        {"type": "image", "mimeType": "image/png", "data": "AAAA"},
        {"type": "resource", "resource": {"uri": "file:///a", "text": "the file"}},
        {"type": "resource_link", "uri": "file:///b", "name": "b"},
    ]
    environment = FakeEnvironment(answers=mcp_answers({"content": content}))
    used, _ = await run(McpCall(server="calendar", tool="book"), environment=environment)
    assert used.result.split("\n") == [
        "Here it is:",
        "[image, not shown]",
        "the file",
        "[resource_link file:///b, not shown]",
    ]
