"""Digits that a tool collects and presses: what is a complete entry, who may read it, and what redacts it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from domain.calls.context import CallContext
from domain.common.findings import FindingCode
from domain.tool_execution.digit_stubs import DigitStubs
from domain.tool_execution.dry_run import StubResponse, dry_run
from domain.tool_execution.environment import CollectedDigits
from domain.tool_execution.executor import Ending
from domain.tools.actions import (
    ApiCall,
    CollectDigits,
    Conditional,
    ContextSet,
    FlagSet,
    Method,
    Respond,
    SendDtmf,
    ToolAction,
)
from domain.tools.dtmf import DigitEntry, EntryState
from domain.tools.model import ToolSpec
from domain.verification import verify_tools
from tests.domain.test_tool_execution import FakeEnvironment, run

pytestmark = pytest.mark.anyio

ACCOUNT = CollectDigits(name="account", min=4, max=6, prompt="Your number, {{user.name}}?")
PIN = CollectDigits(name="pin", count=4, masked=True, prompt="Your PIN?")
PAY = ApiCall(
    url="https://bank.example.org/pay",
    method=Method.POST,
    headers={"X-Pin": "{{masked.pin}}"},
    body={"pin": "{{masked.pin}}", "account": "{{digits.account}}"},
)
SECRET = "8402"


@pytest.mark.parametrize(
    ("rules", "keys", "digits", "state"),
    [
        (ACCOUNT, "", "", EntryState.NO_KEY),
        (ACCOUNT, "#", "", EntryState.NO_KEY),
        (ACCOUNT, "123", "123", EntryState.TOO_FEW_KEYS),
        (ACCOUNT, "123#", "123", EntryState.TOO_FEW_KEYS),
        (ACCOUNT, "1234", "1234", EntryState.COMPLETE),
        (ACCOUNT, "1234#9", "1234", EntryState.COMPLETE),
        (ACCOUNT, "1234567", "123456", EntryState.COMPLETE),
        (ACCOUNT, "12*4", "12*4", EntryState.COMPLETE),
        (replace(ACCOUNT, terminator="*"), "12#4*", "12#4", EntryState.COMPLETE),
        (replace(ACCOUNT, terminator=""), "12#4", "12#4", EntryState.COMPLETE),
        (CollectDigits(name="choice", count=1, allowed="12"), "3", "", EntryState.WRONG_KEY),
        (CollectDigits(name="choice", count=1, allowed="12"), "2", "2", EntryState.COMPLETE),
    ],
)
def test_an_entry_is_complete_or_says_what_is_missing(
    rules: CollectDigits, keys: str, digits: str, state: EntryState
) -> None:
    entry = DigitEntry(rules=rules).press_all(keys).time_out()
    assert (entry.digits, entry.state) == (digits, state)
    assert "digits=" not in repr(entry)


async def test_later_actions_read_the_digits_and_the_model_receives_them() -> None:
    saved = replace(ACCOUNT, save="workflow.account")
    environment = FakeEnvironment(keypad=DigitStubs(["12", "4711"]))
    used, _ = await run(
        saved, ContextSet(path="workflow.copy", value="{{digits.account}}"), environment=environment
    )
    assert (used.ending, used.result) == (Ending.SUCCEEDED, "The caller pressed 4711.")
    assert environment.context.workflow == {"account": "4711", "copy": "4711"}
    assert environment.prompts == [("Your number, Ada?", "Your number, Ada?")]
    assert used.steps[0].effect == {"attempts": 2, "masked": False, "digits": "4711"}


async def test_a_caller_who_does_not_press_them_fails_the_tool() -> None:
    environment = FakeEnvironment(keypad=DigitStubs(["1", "12", "123"]))
    used, _ = await run(ACCOUNT, FlagSet(flag="known"), environment=environment)
    assert (used.ending, used.result) == (Ending.FAILED, "The caller pressed too few keys.")
    assert environment.context.flags == {}


async def test_masked_digits_are_in_the_request_and_nowhere_else() -> None:
    environment = FakeEnvironment(
        keypad=DigitStubs(["4711", SECRET]),
        answers=[(200, {"said": f"PIN {SECRET} is right", "id": "p-1", "pin": int(SECRET)})],
    )
    pay = replace(PAY, save={"workflow.receipt": "body.said"})
    used, _ = await run(ACCOUNT, PIN, pay, environment=environment)
    [request] = environment.sent
    assert request.body is not None
    assert json.loads(request.body) == {"pin": SECRET, "account": "4711"}
    assert request.headers["X-Pin"] == SECRET
    assert used.ending is Ending.SUCCEEDED
    everything = repr((used, environment.context, environment.prompts, request))
    assert SECRET not in everything
    assert used.steps[1].effect == {"attempts": 1, "masked": True, "count": 4}


async def test_the_model_receives_only_the_number_of_masked_keys() -> None:
    used, _ = await run(PIN, environment=FakeEnvironment(keypad=DigitStubs([SECRET])))
    assert used.result == "The caller pressed 4 keys."


async def test_short_masked_digits_are_redacted_where_they_are_a_number() -> None:
    code = replace(PIN, name="code", count=3)
    pay = replace(PAY, headers={}, body={"code": "{{masked.code}}"})
    answer = {"echo": "code 921", "order": "19210", "note": "921-A"}
    environment = FakeEnvironment(keypad=DigitStubs(["921"]), answers=[(200, answer)])
    used, _ = await run(code, pay, environment=environment)
    expected = {"echo": "code [secret]", "order": "19210", "note": "[secret]-A"}
    assert json.loads(used.result) == expected


async def test_a_request_without_its_masked_digits_is_not_sent() -> None:
    skipped = Conditional(condition="user.n > 5", then=(PIN,))
    environment = FakeEnvironment(keypad=DigitStubs([]))
    used, _ = await run(skipped, PAY, environment=environment)
    assert used.result == "The caller has not pressed the digits 'pin'."
    assert environment.sent == []


async def test_the_time_of_the_caller_is_not_that_of_the_tool() -> None:
    class SlowCaller(FakeEnvironment):
        async def collect_digits(self, action: CollectDigits) -> CollectedDigits:
            await asyncio.sleep(0.3)
            return CollectedDigits(pressed="4711", attempts=1)

    used, _ = await run(ACCOUNT, environment=SlowCaller(), timeout=0.2)
    assert used.ending is Ending.SUCCEEDED


async def test_keys_are_pressed_when_they_are_valid() -> None:
    environment = FakeEnvironment(keypad=DigitStubs([]))
    used, _ = await run(
        SendDtmf(digits="{{params.keys}}w#"), environment=environment, arguments={"keys": 42}
    )
    assert (used.result, environment.pressed) == ("The keys 42w# were pressed.", "42w#")
    used, _ = await run(
        SendDtmf(digits="{{params.keys}}"), environment=environment, arguments={"keys": "+1"}
    )
    assert (used.ending, environment.pressed) == (Ending.FAILED, "42w#")


async def test_a_dry_run_presses_the_given_digits() -> None:
    tool = ToolSpec(name="pay", description="Pays.", actions=(ACCOUNT, PIN, PAY))
    stub = StubResponse(body={"paid": True})
    tried = await dry_run(tool, {}, CallContext(), stubs=[stub], digits=["1", "4711", SECRET])
    assert tried.tool_result.ending is Ending.SUCCEEDED
    assert [step.effect.get("attempts") for step in tried.tool_result.steps] == [2, 1, None]
    assert SECRET not in repr(tried)
    without = await dry_run(tool, {}, CallContext(), stubs=[stub])
    assert without.tool_result.result == "The caller pressed no key."


@pytest.mark.parametrize(
    ("actions", "code", "path"),
    [
        ((ACCOUNT, PIN, PAY), None, ()),
        ((Respond(message="{{digits.account}}"), ACCOUNT), FindingCode.UNKNOWN_DIGITS, ("0", "respond", "message")),
        ((replace(ACCOUNT, prompt="{{digits.account}}"),), FindingCode.UNKNOWN_DIGITS, ("0", "collectDigits", "prompt")),
        ((PIN, Respond(message="{{digits.pin}}")), FindingCode.MASKED_DIGITS, ("1", "respond", "message")),
        ((replace(PIN, masked=False), ACCOUNT, PAY), FindingCode.MASKED_DIGITS, ("2", "apiCall", "headers", "X-Pin")),
        (
            (Conditional(condition="user.n > 1", then=(ACCOUNT,)), Respond(message="{{digits.account}}")),
            None,
            (),
        ),
    ],
)  # fmt: skip
def test_digits_that_are_read_in_the_wrong_way_are_reported(
    actions: tuple[ToolAction, ...], code: FindingCode | None, path: tuple[str, ...]
) -> None:
    tool = ToolSpec(name="pay", description="Pays.", actions=actions)
    found = [
        (finding.code, finding.path)
        for finding in verify_tools({"pay": tool}, None)
        if "DIGITS" in finding.code
    ]
    assert found[:1] == ([] if code is None else [(code, ("tools", "pay", "actions", *path))])
