"""Simulation suites: reading, running, expectations and reproducible results."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from domain.calls.events import (
    CallEnded,
    CallEvent,
    ContextChanged,
    DtmfCollected,
    StoredEvent,
    ToolFinished,
    ToolOutcome,
    ToolStarted,
    TurnMeasured,
    UserTurn,
)
from domain.common.access import Viewer
from domain.common.errors import InvalidInput
from domain.common.settings import Settings
from domain.ports import Services
from domain.simulations.model import EXPECTATION_CHECKS, Suite
from domain.simulations.recorded_stubs import recorded_digits, recorded_stubs
from domain.simulations.suites import EXPECTATION_VALIDATORS, JUDGES, read_suite, suite_from_call
from domain.tenants.provider_keys import ProviderKeys
from domain.tenants.settings import McpServer, TenantSettings
from domain.tools.actions import (
    ApiCall,
    CollectDigits,
    McpCall,
    Method,
    Respond,
    SendDtmf,
    ToolAction,
)
from domain.tools.model import ToolSpec
from domain.use_cases.calls import CallRequest, end_call, send_message, start_call
from domain.workflows.agents import ProviderChoice
from domain.workflows.model import Snapshot
from local.emulators.llm import KEY, FailedReply, ScriptedReply, run_llm_emulator
from tests.support.conversations import voice_conversation
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION, publish_clinic
from tests.support.fake_time import FakeTime
from tests.worker.test_text_calls import running_worker, watch
from worker.simulation import judges
from worker.simulation.judges import run_judges
from worker.simulation.runner import CaseRun, InMemoryEventWriter, SimulationSetup, run_case

pytestmark = pytest.mark.anyio

SNAPSHOT = Snapshot(
    workflow=CLINIC,
    agents={"booking": BOOKING, "reception": RECEPTION},
    tools={"book_appointment": BOOK},
)
BOOKED = {"name": "book_appointment", "arguments": {"slot": "tomorrow"}, "outcome": "SUCCEEDED"}
BOOKS: dict[str, Any] = {
    "name": "books",
    "steps": [
        {"expect": {"says": {"equals": "Sunrise Clinic, hello."}, "node": "reception"}},
        {
            "say": "an appointment",
            "expect": {"handoff": {"to": "booking", "via": "MODEL"}, "noTool": True},
        },
        {
            "say": "tomorrow",
            "expect": [
                {"tool": BOOKED, "noHandoff": True, "end": False},
                {"says": ["booked", "tomorrow"], "context": {"flags.booked": True}},
            ],
        },
    ],
}


def suite(*cases: Mapping[str, Any], **more: Any) -> Suite:
    return read_suite({"workflow": "clinic", "cases": list(cases), **more}, "clinic")


async def run_suite(
    case: Mapping[str, Any], stage: SimulationSetup | None = None, **more: Any
) -> CaseRun:
    return await run_case(suite(case, **more).cases[0], stage or SimulationSetup(snapshot=SNAPSHOT))


async def test_met_expectations_pass() -> None:
    result = await run_suite(BOOKS)
    assert result.ok, result.problems
    kinds = [event["kind"] for event in result.events]
    assert kinds.count("user_turn") == 2
    assert kinds.count("handed_off") == 1


@pytest.mark.parametrize(
    ("say", "expect", "found"),
    [
        ("hello", {"says": "goodbye"}, "said 'How can I help?', which does not contain 'goodbye'"),
        ("hello", {"says": {"lacks": "help"}}, "said 'How can I help?', which contains 'help'"),
        ("hello", {"says": {"equals": "Hi"}}, "said 'How can I help?', not 'Hi'"),
        ("hello", {"node": "booking"}, "is at node 'reception', not 'booking'"),
        (
            "hello",
            {"tool": "book_appointment"},
            "did not call the tool 'book_appointment' (called: none)",
        ),
        ("hello", {"handoff": "booking"}, 'handed off nowhere, not {"to": "booking"}'),
        ("appointment", {"noHandoff": True}, "handed off to booking"),
        ("hello", {"handoffRefused": "billing"}, "no hand-off to 'billing' was refused"),
        ("hello", {"context": {"workflow.slot": "ten"}}, 'workflow.slot is null, not "ten"'),
        ("hello", {"end": True}, "did not end"),
        ("hello", {"end": "WORKFLOW_FINISHED"}, "did not end"),
        ("hello", {"error": True}, "raised no error"),
    ],
)
async def test_unmet_expectations_are_reported(
    say: str, expect: dict[str, Any], found: str
) -> None:
    result = await run_suite({"name": "c", "steps": [{"say": say, "expect": expect}]})
    [problem] = result.problems
    assert (problem.step, problem.say, problem.message) == (1, say, found)


async def test_wrong_arguments_and_outcomes_are_reported() -> None:
    def last(expect: Any) -> dict[str, Any]:
        return {**BOOKS, "steps": [*BOOKS["steps"][:2], {"say": "tomorrow", "expect": expect}]}

    async def reported(expect: Any) -> str:
        [problem] = (await run_suite(last(expect))).problems
        return problem.message

    tool = {"name": "book_appointment"}
    assert await reported({"tool": {**tool, "arguments": {"slot": "monday"}}}) == (
        'called book_appointment with slot="tomorrow", not "monday"'
    )
    assert await reported({"tool": {**tool, "outcome": "FAILED"}}) == (
        "book_appointment SUCCEEDED (Booked for tomorrow.), not FAILED"
    )
    assert await reported({"tool": {**tool, "result": "declined"}}) == (
        "book_appointment returned 'Booked for tomorrow.', which does not contain 'declined'"
    )
    assert await reported({"noTool": "book_appointment"}) == "called book_appointment"


async def test_a_hundred_runs_are_identical() -> None:
    [case] = suite(BOOKS).cases
    stage = SimulationSetup(snapshot=SNAPSHOT)
    runs = await asyncio.gather(*(run_case(case, stage) for _ in range(100)))
    assert len({json.dumps(run.events, sort_keys=True) for run in runs}) == 1
    assert all(run.ok for run in runs)


ORDER = ToolSpec(
    name="book_appointment",
    description="Books.",
    parameters=BOOK.parameters,
    actions=(
        ApiCall(
            url="https://api.example.org/slots",
            method=Method.POST,
            body={"slot": "{{params.slot}}"},
            headers={"Authorization": "Bearer {{secret.token}}"},
            save={"workflow.slot": "body.slot"},
        ),
        Respond(message="Booked."),
    ),
    on_failure=(Respond(message="The calendar is unavailable."),),
)
OUTSIDE = replace(SNAPSHOT, tools={"book_appointment": ORDER})


@pytest.mark.parametrize(
    ("stubs", "outcome", "slot"),
    [
        ([{"request": "POST https://api.example.org/*", "body": {"slot": "10:00"}}], "S", "10:00"),
        ([{"request": "POST https://api.example.org/*", "status": 404}], "F", None),
        ([{"request": "GET https://api.example.org/*", "body": {}}], "F", None),
        ([], "F", None),
    ],
)
async def test_stubbed_servers_receive_no_request(
    stubs: list[Any], outcome: str, slot: str | None
) -> None:
    full = {"S": "SUCCEEDED", "F": "FAILED"}[outcome]
    expect = {"tool": {"name": "book_appointment", "outcome": full}}
    steps = [
        {"say": "an appointment"},
        {"say": "tomorrow", "expect": {**expect, "context": {"workflow.slot": slot}}},
    ]
    case = {"name": "c", "http": stubs, "steps": steps}
    result = await run_suite(case, SimulationSetup(snapshot=OUTSIDE))
    assert result.ok, result.problems


async def test_preconditions_are_in_the_context() -> None:
    says = {"rules": [{"says": "{{user.name}} {{workflow.day}} {{call.kind}}"}]}
    greeter = replace(
        RECEPTION, llm=ProviderChoice(provider="scripted", model="rules", options=says)
    )
    stage = SimulationSetup(
        snapshot=replace(SNAPSHOT, agents={**SNAPSHOT.agents, "reception": greeter})
    )
    case: dict[str, Any] = {"name": "c", "given": {"user": {"name": "Ada"}}}
    case["steps"] = [{"say": "hi", "expect": {"says": {"equals": "Ada monday TEXT"}}}]
    result = await run_suite(
        case, stage, given={"workflow": {"day": "monday"}, "user": {"name": "B"}}
    )
    assert result.ok, result.problems


async def test_errors_fail_a_case_unless_expected() -> None:
    openai = ProviderChoice(provider="openai", model="gpt-4.1-mini")
    async with run_llm_emulator() as emulator:
        emulator.script = [FailedReply(400)]
        keys = ProviderKeys(openai=KEY, openai_base_url=f"{emulator.url}/openai")
        stage = SimulationSetup(snapshot=SNAPSHOT, keys=keys, model=openai)
        silent = await run_suite({"name": "c", "steps": [{"say": "hello"}]}, stage)
        reported = await run_suite(
            {"name": "c", "steps": [{"say": "hello", "expect": {"error": "llm"}}]}, stage
        )
    assert [p.message.split(":")[0] for p in silent.problems] == ["failed"]
    assert reported.ok, reported.problems


async def test_without_a_key_a_case_fails_with_the_reason() -> None:
    stage = SimulationSetup(
        snapshot=SNAPSHOT, model=ProviderChoice(provider="openai", model="gpt-4.1")
    )
    [problem] = (await run_suite(BOOKS, stage)).problems
    assert "openai needs a key" in problem.message


async def test_a_step_after_the_end_of_the_call_fails() -> None:
    ends = {"rules": [{"after": "end_call", "says": "Bye."}, {"calls": {"tool": "end_call"}}]}
    booking = replace(BOOKING, llm=ProviderChoice(provider="scripted", options=ends))
    stage = SimulationSetup(
        snapshot=replace(SNAPSHOT, agents={**SNAPSHOT.agents, "booking": booking})
    )
    steps: list[Any] = [
        {"say": "an appointment"},
        {"say": "bye", "expect": {"end": "WORKFLOW_FINISHED"}},
    ]
    assert (await run_suite({"name": "c", "steps": steps}, stage)).ok
    [problem] = (
        await run_suite({"name": "c", "steps": [*steps, {"say": "still?"}]}, stage)
    ).problems
    assert (problem.step, problem.message) == (3, "the call had ended before this was said")


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"cases": []}, ("cases",), "1 to 1000"),
        ({"cases": [BOOKS, BOOKS]}, ("cases", "1", "name"), "Another case"),
        ({"workflow": None}, ("cases", "0", "workflow"), "Set workflow"),
        ({"case": []}, ("case",), "did you mean 'cases'?"),
        ({"judges": ["harsh"]}, ("judges", "0"), "is not one of task_completion"),
        ({"model": {"provider": 3}}, ("model", "provider"), "Expected text"),
        ({"http": [{"request": "/orders"}]}, ("http", "0", "request"), "a method and a URL"),
        (
            {"http": [{"request": "GET /", "status": 99}]},
            ("http", "0", "status"),
            "between 100 and 599",
        ),
        ({"given": {"flags": {"vip": 1}}}, ("given", "flags", "vip"), "Expected true or false"),
        ({"given": {"agent": {}}}, ("given", "agent"), "the known keys are user, workflow, flags."),
    ],
)
def test_invalid_suites_are_refused_with_their_place(
    change: dict[str, Any], path: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        suite(**{"cases": [BOOKS], **change} if "cases" in change else {**change, "cases": [BOOKS]})
    assert (refused.value.path, words in refused.value.message) == (path, True)


@pytest.mark.parametrize(
    ("expect", "path"),
    [
        ({"say": "x"}, ("say",)),
        ({"says": 4}, ("says",)),
        ({"says": {"has": "x"}}, ("says", "has")),
        ({"tool": {"arguments": {}}}, ("tool", "name")),
        ({"tool": {"name": "t", "outcome": "OK"}}, ("tool", "outcome")),
        ({"handoff": {"too": "x"}}, ("handoff", "too")),
        ({"context": {"a b": 1}}, ("context", "a b")),
        ({"end": "SOON"}, ("end",)),
        ({"node": None}, ("node",)),
        ("says", ()),
    ],
)
def test_invalid_expectations_are_refused_with_their_place(
    expect: Any, path: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        suite({"name": "c", "steps": [{"say": "x", "expect": expect}]})
    assert refused.value.path == ("cases", "0", "steps", "0", "expect", *path)


def test_every_expectation_has_a_check_and_a_validator() -> None:
    assert EXPECTATION_CHECKS.keys() == EXPECTATION_VALIDATORS.keys()
    assert set(JUDGES) == judges.JUDGES.keys()


async def test_a_suite_from_a_call_passes_on_its_workflow(
    settings: Settings, services: Services, viewer: Viewer
) -> None:
    version = await publish_clinic(services, viewer)
    async with running_worker(settings):
        request = CallRequest(workflow_name="clinic", user_context={"name": "Ada"})
        call = await start_call(services, viewer, request)
        for n, words in enumerate(("hello", "an appointment", "tomorrow"), start=1):
            await send_message(services, viewer, call.id, words, None)
            await watch(services, viewer, call.id, TurnMeasured, n)
        await end_call(services, viewer, call.id)
        await watch(services, viewer, call.id, CallEnded)
    async with services.store.transaction(viewer.tenant_id) as work:
        log = await work.calls.events(call.id, 0, 500)
    plain = suite_from_call(call, "clinic", log)
    [case] = read_suite(plain, "x").cases
    assert [step.say for step in case.steps] == [None, "hello", "an appointment", "tomorrow"]
    result = await run_case(case, SimulationSetup(snapshot=version.snapshot))
    assert result.ok, result.problems
    expected = {each.kind for step in case.steps for each in step.expect}
    assert expected == {"handoff", "tool", "context"}


ACCOUNT = CollectDigits(name="account", min=4, prompt="Your number?", save="workflow.account")
ASK_PIN = CollectDigits(name="pin", count=4, prompt="Your PIN?", masked=True)
PAYS = replace(
    ORDER,
    actions=(
        ACCOUNT,
        ASK_PIN,
        SendDtmf(digits="1w2"),
        Respond(message="Paid from {{digits.account}}."),
    ),
)
DIALS = replace(SNAPSHOT, tools={"book_appointment": PAYS})


async def test_the_caller_of_a_simulation_presses_the_digits_of_the_case() -> None:
    steps = [
        {"say": "an appointment"},
        {
            "say": "tomorrow",
            "expect": {
                "tool": {"name": "book_appointment", "result": "Paid from 4711."},
                "context": {"workflow.account": "4711"},
            },
        },
    ]
    case = {"name": "pays", "digits": ["12", "4711", "8402"], "steps": steps}
    result = await run_suite(case, SimulationSetup(snapshot=DIALS))
    assert result.ok, result.problems
    assert "8402" not in json.dumps(result.events)
    kinds = [event["kind"] for event in result.events]
    assert (kinds.count("dtmf_collected"), kinds.count("dtmf_sent")) == (2, 1)
    again = await run_suite({**case, "digits": []}, SimulationSetup(snapshot=DIALS))
    assert not again.ok


def test_digits_of_a_call_become_those_of_its_suite() -> None:
    collected = DtmfCollected(
        tool_call_id="t", name="a", masked=False, pressed="47", count=2, attempts=2, complete=True
    )
    masked = replace(collected, masked=True, pressed=None, count=4, attempts=1)
    assert recorded_digits([collected, masked]) == ["", "47", "0000"]
    with pytest.raises(InvalidInput) as refused:
        suite({"name": "x", "digits": ["12", "1a"], "steps": [{"say": "hello"}]})
    assert refused.value.path == ("cases", "0", "digits", "1")


async def test_judges_run_by_name() -> None:
    result = await run_suite(BOOKS)
    verdict = ("submit_verdict", {"verdict": "pass", "reasoning": "All was done."})
    async with run_llm_emulator() as emulator:
        emulator.script = [ScriptedReply("", (verdict,)), FailedReply(400)]
        keys = ProviderKeys(openai=KEY, openai_base_url=f"{emulator.url}/openai")
        choice = ProviderChoice(provider="openai", model="gpt-4.1-mini")
        first = await run_judges(["task_completion"], result.history, choice, keys)
        second = await run_judges(["safety"], result.history, choice, keys)
    assert [(j.judge, j.verdict, j.reasoning) for j in first] == [
        ("task_completion", "pass", "All was done.")
    ]
    assert [(j.judge, j.verdict) for j in second] == [("safety", "error")]
    assert "an appointment" in str(emulator.requests[0])
    assert "You book appointments." in str(emulator.requests[0])


async def test_a_judge_without_a_verdict_says_what_it_needs() -> None:
    result = await run_suite(BOOKS)
    async with run_llm_emulator() as emulator:
        emulator.script = [ScriptedReply("I think it went well.")]
        keys = ProviderKeys(openai=KEY, openai_base_url=f"{emulator.url}/openai")
        choice = ProviderChoice(provider="openai", model="gpt-4.1-mini")
        [judgment] = await run_judges(["safety"], result.history, choice, keys)
    assert (judgment.verdict, judgment.reasoning) == ("error", judges.NO_VERDICT)


async def test_judges_can_be_tried_with_the_emulator() -> None:
    result = await run_suite(BOOKS)
    async with run_llm_emulator() as emulator:
        emulator.script, emulator.obeys_tool_choice = [ScriptedReply("Unused.")], True
        keys = ProviderKeys(openai=KEY, openai_base_url=f"{emulator.url}/openai")
        choice = ProviderChoice(provider="openai", model="gpt-4.1-mini")
        [judgment] = await run_judges(["safety"], result.history, choice, keys)
    assert (judgment.verdict, judgment.reasoning) == ("pass", "made up")


# ---- tools with servers ---------------------------------------------------------------------------

SHOP = TenantSettings(
    mcp_servers=(McpServer(name="shop", url="https://shop.example.com/mcp", allow=("stock",)),)
)
SAVES = {"workflow.free": "structured.free", "workflow.words": "content"}


def with_tool(*actions: ToolAction) -> SimulationSetup:
    """A clinic that books with a server."""
    tool = replace(BOOK, actions=actions)
    return SimulationSetup(
        snapshot=replace(SNAPSHOT, tools={"book_appointment": tool}), settings=SHOP
    )


def books(*expect: Any, **more: Any) -> dict[str, Any]:
    steps = [*BOOKS["steps"][:2], {"say": "tomorrow", "expect": list(expect)}]
    return {**BOOKS, "steps": steps, **more}


async def test_mcp_tools_return_what_the_suite_says() -> None:
    stage = with_tool(McpCall(server="shop", tool="stock", save=SAVES))
    stub = {"server": "shop", "tool": "stock", "result": {"free": ["10:00"]}}
    expected = books(
        {"tool": {"name": "book_appointment", "outcome": "SUCCEEDED", "result": "10:00"}},
        {"context": {"workflow.free": ["10:00"], "workflow.words": '{"free": ["10:00"]}'}},
    )
    for case, suite_wide in (({**expected, "mcp": [stub]}, []), (expected, [stub])):
        result = await run_suite(case, stage, mcp=suite_wide)
        assert result.ok, result.problems


async def test_mcp_tools_without_a_stub_fail() -> None:
    stage = with_tool(McpCall(server="shop", tool="stock"))
    stub = {"server": "shop", "tool": "sell", "result": "Sold."}
    refused = "The server refused: There is no stub for the tool 'stock'."
    failed = {"tool": {"name": "book_appointment", "outcome": "FAILED", "result": refused}}
    result = await run_suite(books(failed, mcp=[stub]), stage)
    assert result.ok, result.problems


def test_a_suite_from_a_call_has_stubs_for_its_servers() -> None:
    actions = (
        ApiCall(
            url="https://a.example.com/slots/{{params.slot}}",
            method=Method.POST,
            save={"workflow.slot": "body.slot", "workflow.status": "status"},
        ),
        McpCall(server="shop", tool="stock", save=SAVES),
        Respond(message="Booked."),
    )
    tool = replace(BOOK, actions=actions)
    arguments = {"slot": "ten"}

    def started() -> ToolStarted:
        return ToolStarted(tool_call_id="c", node="booking", tool=tool.name, arguments=arguments)

    def finished(outcome: ToolOutcome, result: str) -> ToolFinished:
        return ToolFinished(
            tool_call_id="c",
            node="booking",
            tool=tool.name,
            arguments=arguments,
            outcome=outcome,
            result=result,
            duration_ms=1.0,
        )

    log: list[CallEvent] = [
        started(),
        ContextChanged(path="workflow.slot", value="ten"),
        ContextChanged(path="workflow.status", value=200),
        ContextChanged(path="workflow.free", value=[1, 2]),
        finished(ToolOutcome.SUCCEEDED, "Booked."),
        started(),
        finished(ToolOutcome.FAILED, "The server responded with status 409."),
    ]
    request = "POST https://a.example.com/slots/*"
    assert recorded_stubs(log, {tool.name: tool}) == {
        "http": [
            {"request": request, "body": {"slot": "ten"}},
            {"request": request, "status": 409},
        ],
        "mcp": [
            {"server": "shop", "tool": "stock", "result": {"free": [1, 2]}},
            {
                "server": "shop",
                "tool": "stock",
                "result": "The server responded with status 409.",
                "error": True,
            },
        ],
    }


def test_a_suite_from_a_call_names_its_bundle_and_how_to_run_it() -> None:
    call = voice_conversation(FakeTime(), InMemoryEventWriter()).claim.call
    log = [StoredEvent(call.id, 1, call.created_at, UserTurn(turn_id="t", text="hello"), "")]
    plain = suite_from_call(call, "clinic", log)
    assert plain["bundle"] == "clinic.yaml"
    assert read_suite(plain, "x").bundles == ("clinic.yaml",)
