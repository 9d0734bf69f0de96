"""Plays the cases of suites through, on the same agents as calls, with nothing stored."""

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

from livekit.agents import llm

from domain.calls.context import Context, given_to
from domain.calls.events import CallEvent, Ephemeral, UserTurn
from domain.calls.lease import Claim
from domain.calls.model import Call, CallId, CallKind, CallState, Direction
from domain.calls.state import Story
from domain.common.access import TenantId
from domain.providers.usage import Usage
from domain.simulations.model import Case, Scene, Step, StubbedServers, failures
from domain.tenants.settings import NO_SETTINGS, TenantSettings
from domain.tools.http import Outbound
from domain.workflows.agents import ProviderChoice
from domain.workflows.model import Snapshot, Version, VersionId, WorkflowId
from worker.providers.api_keys import ProviderKeys, Unusable
from worker.session.conversation import Conversation
from worker.session.text_session import TextSession, text_session

CASE_SECONDS = 120.0
NOBODY = UUID(int=0)
NEW_YEAR = datetime(2026, 1, 1, 9, tzinfo=UTC)
"""When simulated calls begin, so that they are alike whenever they are run."""
UNTOLD = frozenset({"duration_ms", "total_ms", "llm_first_token_ms"})
"""Of events: what differs from run to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An expectation that did not hold, and the step that it belongs to."""

    step: int
    say: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What became of a case. `events` are plain data, the same in every run that went the same."""

    case: Case
    problems: tuple[Problem, ...]
    events: tuple[Mapping[str, Any], ...]
    history: llm.ChatContext

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What cases are played on: a sound workflow, the tenant's settings, keys of real models."""

    snapshot: Snapshot
    settings: TenantSettings = NO_SETTINGS
    keys: ProviderKeys = field(default_factory=ProviderKeys)
    model: ProviderChoice | None = None
    """Plays all agents, in place of their own."""
    outbound: Outbound | None = None
    """Really asks servers; else the stubs of the case answer."""

    @property
    def cast(self) -> Snapshot:
        if self.model is None:
            return self.snapshot
        agents = {name: replace(a, llm=self.model) for name, a in self.snapshot.agents.items()}
        return replace(self.snapshot, agents=agents)


async def play(case: Case, stage: Stage) -> Played:
    notebook = Notebook()
    conversation = _opened(case, stage, notebook)
    problems: list[Problem] = []
    history = llm.ChatContext.empty()
    try:
        async with asyncio.timeout(CASE_SECONDS), text_session(conversation) as session:
            await session.begin()
            problems.extend(await _steps(case, conversation, session, notebook))
            history = session.history
    except Unusable as missing:
        problems.append(Problem(step=0, say=None, message=str(missing)))
    except TimeoutError:
        words = f"did not finish within {CASE_SECONDS:.0f} seconds"
        problems.append(Problem(step=len(case.steps), say=None, message=words))
    events = tuple(_plain(notebook.events))
    return Played(case=case, problems=tuple(problems), events=events, history=history)


async def _steps(
    case: Case, conversation: Conversation, session: TextSession, notebook: Notebook
) -> list[Problem]:
    found: list[Problem] = []
    seen = 0
    for number, step in enumerate(case.steps, start=1):
        if step.say is not None:
            if conversation.story.ending is not None:
                words = "the call had ended before this was said"
                found.append(Problem(step=number, say=step.say, message=words))
                break
            if number == 1:
                seen = len(notebook.events)
            await session.answer(UserTurn(turn_id=f"t{number}", text=step.say))
        story = conversation.story
        scene = Scene(notebook.events[seen:], story.context, story.node)
        seen = len(notebook.events)
        found.extend(_problems(number, step, scene))
    return found


def _problems(number: int, step: Step, scene: Scene) -> Iterator[Problem]:
    for message in failures(step, scene):
        yield Problem(step=number, say=step.say, message=message)


def _opened(case: Case, stage: Stage, notebook: Notebook) -> Conversation:
    call = Call(
        id=CallId(uuid5(NOBODY, case.name)),
        tenant_id=TenantId(NOBODY),
        kind=CallKind.TEXT,
        direction=Direction.INBOUND,
        state=CallState.ACTIVE,
        workflow_id=WorkflowId(NOBODY),
        version_id=VersionId(NOBODY),
        user_context=case.given.user,
        max_seconds=3_600,
        created_at=NEW_YEAR,
    )
    version = Version(
        id=VersionId(NOBODY),
        tenant_id=TenantId(NOBODY),
        workflow_id=WorkflowId(NOBODY),
        number=0,
        checksum="",
        note=None,
        published_at=NEW_YEAR,
        published_by="simulation",
        snapshot=stage.cast,
    )
    claim = Claim(call=call, version=version, epoch=1, replaced=False, settings=stage.settings)
    begun: Context = replace(
        given_to(call, stage.settings.shown),
        workflow=case.given.workflow,
        flags=case.given.flags,
    )
    return Conversation(
        claim,
        Story(state=CallState.ACTIVE, context=begun),
        notebook,
        stage.keys,
        stage.outbound or StubbedServers(case.http),
        secrets=Pretended() if stage.outbound is None else {},
    )


class Notebook:
    """Keeps the events of one simulated call, and nothing longer than that."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []

    def open(self, claim: Claim) -> None:
        pass

    def emit(self, claim: Claim, event: CallEvent) -> None:
        self.events.append(event)

    def show(self, claim: Claim, event: Ephemeral) -> None:
        pass

    async def settled(self, claim: Claim) -> None:
        pass

    def fenced(self, claim: Claim) -> bool:
        return False

    async def held(self, claim: Claim) -> bool:
        return True

    async def lost(self, claim: Claim) -> None:
        await asyncio.Future()

    def forget(self, claim: Claim) -> None:
        pass


class Pretended(dict[str, str]):
    """Secrets of a simulation: stubs do not mind what they are."""

    def get(self, name: str, default: Any = None) -> Any:
        return f"<{name}>"


def _plain(events: Sequence[CallEvent]) -> Iterator[Mapping[str, Any]]:
    """Without times, and with ids in the order in which they came."""
    names: dict[str, str] = {}
    for event in events:
        shown = {"kind": event.kind}
        for each in dataclasses.fields(event):
            value = getattr(event, each.name)
            if each.name == "tool_call_id":
                value = names.setdefault(value, f"use{len(names) + 1}")
            if each.name not in UNTOLD:
                shown[each.name] = value
        yield json.loads(json.dumps(shown, default=_written))


def _written(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case Usage():
            return dataclasses.asdict(value)
    return dict(value)
