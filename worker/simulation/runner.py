"""Runs the cases of suites on the same agents as calls, without storing anything."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID, uuid5

from livekit.agents import AgentSession, llm

from domain.calls.context import CallContext, initial_context
from domain.calls.events import CallEvent, DtmfSent, EphemeralPayload, UserTurn
from domain.calls.lease import Claim
from domain.calls.model import Call, CallId, CallKind, CallState, Direction
from domain.calls.state import CallProjection
from domain.common.access import TenantId
from domain.providers.usage import Usage
from domain.simulations.model import Case, Step, StepObservation, StubHttpClient, check_expectations
from domain.tenants.provider_keys import MissingApiKey, ProviderKeys, ProviderMisconfigured
from domain.tenants.settings import NO_SETTINGS, TenantSettings
from domain.tool_execution.digit_stubs import DigitStubs
from domain.tool_execution.environment import CollectedDigits
from domain.tool_execution.mcp_stubs import StubMcpServers
from domain.tools.actions import CollectDigits
from domain.tools.dtmf import PAUSE
from domain.tools.http import HttpClient
from domain.tools.secrets import Secret
from domain.workflows.agents import ProviderChoice
from domain.workflows.model import Snapshot, Version, VersionId, WorkflowId
from worker.session.conversation import Conversation
from worker.session.text_session import TextSession, text_session

CASE_TIMEOUT_SECONDS = 120.0
HOW_TO_USE_KEYS = "Pass --live to use the keys in the environment, or --model for another model."
NIL_UUID = UUID(int=0)
SIMULATED_START = datetime(2026, 1, 1, 9, tzinfo=UTC)
"""When every simulated call starts, so that runs are reproducible."""
NONDETERMINISTIC_FIELDS = frozenset({"duration_ms", "total_ms", "llm_first_token_ms"})
"""Event fields that differ from run to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An expectation that did not hold, and the step that it belongs to (from 1; 0: the start)."""

    step: int
    say: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRun:
    """The outcome of a case. `events` are JSON data, which is equal for equal runs."""

    case: Case
    problems: tuple[Problem, ...]
    events: tuple[Mapping[str, Any], ...]
    history: llm.ChatContext

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSetup:
    """What cases run on: a valid workflow, the tenant's settings, and the keys of models."""

    snapshot: Snapshot
    settings: TenantSettings = NO_SETTINGS
    keys: ProviderKeys = field(default_factory=ProviderKeys)
    model: ProviderChoice | None = None
    """Replaces the models of all agents; None keeps them."""
    http_client: HttpClient | None = None
    """Sends real requests; None means that the stubs of the case respond."""

    @property
    def snapshot_to_run(self) -> Snapshot:
        if self.model is None:
            return self.snapshot
        agents = {name: replace(a, llm=self.model) for name, a in self.snapshot.agents.items()}
        return replace(self.snapshot, agents=agents)


async def run_case(case: Case, setup: SimulationSetup) -> CaseRun:
    writer = InMemoryEventWriter()
    conversation = _create_conversation(case, setup, writer)
    problems: list[Problem] = []
    history = llm.ChatContext.empty()
    try:
        async with asyncio.timeout(CASE_TIMEOUT_SECONDS), text_session(conversation) as session:
            await session.start()
            problems.extend(await _run_steps(case, conversation, session, writer))
            history = session.history
    except MissingApiKey as error:
        hint = "" if setup.keys != ProviderKeys() else f" {HOW_TO_USE_KEYS}"
        problems.append(Problem(step=0, say=None, message=f"{error}{hint}"))
    except ProviderMisconfigured as error:
        problems.append(Problem(step=0, say=None, message=str(error)))
    except TimeoutError:
        message = f"did not finish within {CASE_TIMEOUT_SECONDS:.0f} seconds"
        problems.append(Problem(step=len(case.steps), say=None, message=message))
    events = tuple(_normalize_events(writer.events))
    return CaseRun(case=case, problems=tuple(problems), events=events, history=history)


async def _run_steps(
    case: Case, conversation: Conversation, session: TextSession, writer: InMemoryEventWriter
) -> list[Problem]:
    problems: list[Problem] = []
    first_event = 0
    for number, step in enumerate(case.steps, start=1):
        if step.say is not None:
            if conversation.projection.ending is not None:
                message = "the call had ended before this was said"
                problems.append(Problem(step=number, say=step.say, message=message))
                break
            if number == 1:
                first_event = len(writer.events)
            await session.answer(UserTurn(turn_id=f"t{number}", text=step.say))
        projection = conversation.projection
        observation = StepObservation(
            writer.events[first_event:], projection.context, projection.node
        )
        first_event = len(writer.events)
        problems.extend(_problems(number, step, observation))
    return problems


def _problems(number: int, step: Step, observation: StepObservation) -> Iterator[Problem]:
    for message in check_expectations(step, observation):
        yield Problem(step=number, say=step.say, message=message)


def _create_conversation(
    case: Case, setup: SimulationSetup, writer: InMemoryEventWriter
) -> Conversation:
    call = Call(
        id=CallId(uuid5(NIL_UUID, case.name)),
        tenant_id=TenantId(NIL_UUID),
        kind=CallKind.TEXT,
        direction=Direction.INBOUND,
        state=CallState.ACTIVE,
        workflow_id=WorkflowId(NIL_UUID),
        version_id=VersionId(NIL_UUID),
        user_context=case.given.user,
        max_seconds=3_600,
        created_at=SIMULATED_START,
    )
    version = Version(
        id=VersionId(NIL_UUID),
        tenant_id=TenantId(NIL_UUID),
        workflow_id=WorkflowId(NIL_UUID),
        number=0,
        checksum="",
        note=None,
        published_at=SIMULATED_START,
        published_by="simulation",
        snapshot=setup.snapshot_to_run,
    )
    claim = Claim(call=call, version=version, epoch=1, is_takeover=False, settings=setup.settings)
    context: CallContext = replace(
        initial_context(call, setup.settings.template_namespace),
        workflow=case.given.workflow,
        flags=case.given.flags,
    )
    conversation = Conversation(
        claim,
        CallProjection(state=CallState.ACTIVE, context=context),
        writer,
        setup.keys,
        setup.http_client or StubHttpClient(case.http, StubMcpServers(case.mcp, setup.settings)),
        secrets=PlaceholderSecrets() if setup.http_client is None else {},
    )
    conversation.keypad = SimulatedKeypad(conversation, case.digits)
    return conversation


class SimulatedKeypad:
    """The keypad of a simulated caller, who presses the digits of the case."""

    def __init__(self, conversation: Conversation, digits: Sequence[str]) -> None:
        self._conversation = conversation
        self._digits = DigitStubs(digits)

    def tap(self, session: AgentSession[Any]) -> None:
        pass

    async def send(self, keys: str) -> str | None:
        self._conversation.record(DtmfSent(digits=keys.replace(PAUSE, "")))
        return None

    async def collect(self, action: CollectDigits) -> CollectedDigits:
        return self._digits.collect(action)


class InMemoryEventWriter:
    """Keeps the events of one simulated call in memory."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []

    def open(self, claim: Claim) -> None:
        pass

    def emit(self, claim: Claim, event: CallEvent) -> None:
        self.events.append(event)

    def publish_partial(self, claim: Claim, event: EphemeralPayload) -> None:
        pass

    async def wait_until_stored(self, claim: Claim) -> None:
        pass

    def is_fenced(self, claim: Claim) -> bool:
        return False

    async def holds_lease(self, claim: Claim) -> bool:
        return True

    async def wait_until_fenced(self, claim: Claim) -> None:
        await asyncio.Future()

    def close(self, claim: Claim) -> None:
        pass


class PlaceholderSecrets(dict[str, Secret]):
    """Secrets of a simulation: a placeholder for every name, since stubs ignore the values."""

    def get(self, name: str, default: Any = None) -> Any:
        return Secret(f"<{name}>")


def _normalize_events(events: Sequence[CallEvent]) -> Iterator[Mapping[str, Any]]:
    """The events as JSON data, without durations and with tool call ids numbered in order."""
    names: dict[str, str] = {}
    for event in events:
        data = {"kind": event.kind}
        for each in dataclasses.fields(event):
            value = getattr(event, each.name)
            if each.name == "tool_call_id":
                value = names.setdefault(value, f"use{len(names) + 1}")
            if each.name not in NONDETERMINISTIC_FIELDS:
                data[each.name] = value
        yield json.loads(json.dumps(data, default=_to_json))


def _to_json(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case Usage():
            return dataclasses.asdict(value)
    return dict(value)
