"""A text turn (agents, log, stream) compared with one of livekit-agents alone, with the same model."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from livekit.agents import Agent, AgentSession, RunContext, function_tool

from bench.harness.benchmark import (
    Figure,
    add_calls,
    installation,
    new_owner,
    percentile,
    report,
    run_benchmark,
)
from bench.harness.writers import fake_claim
from domain.calls.context import CallContext
from domain.calls.events import UserTurn
from domain.calls.model import CallState
from domain.calls.state import CallProjection
from domain.tenants.provider_keys import ProviderKeys
from domain.tools.actions import ContextSet, Respond
from domain.tools.model import ToolSpec
from domain.workflows.agents import AgentSpec, Prompt, ProviderChoice
from domain.workflows.model import Node, Snapshot, WorkflowSpec
from persistence.worker_wiring import worker_services
from worker.providers.scripted import ScriptedLLM
from worker.session.conversation import Conversation
from worker.session.text_session import text_session

TURNS, ROUNDS, WARM_UP_TURNS = 40, 6, 10
WORD_MS = 2
PARAMETERS = {"type": "object", "properties": {"slot": {"type": "string"}}, "required": ["slot"]}
RULES: Mapping[str, object] = {
    "rules": [
        {"after": "book", "says": "You are booked. Anything else I can do for you today?"},
        {"hears": ["book"], "calls": {"tool": "book", "arguments": {"slot": "{{heard}}"}}},
        {"says": "Sure, I can tell you all about our opening hours and our doctors."},
    ]
}
USER_MESSAGES = ["tell me about your hours", "book tomorrow", "who are the doctors", "thank you"]


class BaselineAgent(Agent):
    def __init__(self, llm: ScriptedLLM) -> None:
        async def book(raw_arguments: dict[str, str], context: RunContext[None]) -> str:
            return f"Booked for {raw_arguments['slot']}."

        schema = {"name": "book", "description": "Books.", "parameters": PARAMETERS}
        super().__init__(
            instructions="You help.", llm=llm, tools=[function_tool(book, raw_schema=schema)]
        )


async def timed(turn: Callable[[int, str], Awaitable[object]], start: int) -> list[float]:
    times = []
    for n in range(start, start + TURNS):
        started_at = time.perf_counter()
        await turn(n, USER_MESSAGES[n % len(USER_MESSAGES)])
        times.append((time.perf_counter() - started_at) * 1000)
    return times


async def compare(options: Mapping[str, object]) -> tuple[list[float], list[float]]:
    agent = AgentSpec(
        name="agent",
        prompt=Prompt(system="You help."),
        llm=ProviderChoice(provider="scripted", model="rules", options=options),
        tools=("book",),
    )
    tool = ToolSpec(
        name="book",
        description="Books.",
        parameters=PARAMETERS,
        actions=(
            ContextSet(path="workflow.slot", value="{{params.slot}}"),
            Respond(message="Booked for {{params.slot}}."),
        ),
    )
    flow = WorkflowSpec(name="bench", nodes=(Node(id="only", agent="agent", is_entry=True),))
    snapshot = Snapshot(workflow=flow, agents={"agent": agent}, tools={"book": tool})
    studio: list[float] = []
    baseline: list[float] = []
    async with installation() as settings, worker_services(settings) as services:
        viewer = await new_owner(settings)
        [id] = await add_calls(settings, viewer.tenant_id, 1)
        claim = fake_claim(viewer.tenant_id, id)
        claim = replace(claim, version=replace(claim.version, snapshot=snapshot))
        services.event_writer.open(claim)
        conversation = Conversation(
            claim,
            CallProjection(state=CallState.ACTIVE, context=CallContext()),
            services.event_writer,
            ProviderKeys(),
            services.http_client,
        )
        plain: AgentSession[None] = AgentSession(
            vad=None, turn_handling={"turn_detection": None}, user_away_timeout=None
        )
        await plain.start(BaselineAgent(ScriptedLLM(options, dict)), record=False)
        async with text_session(conversation) as session:
            await session.start()

            async def studio_turn(n: int, text: str) -> None:
                await session.answer(UserTurn(turn_id=str(n), text=text))

            async def baseline_turn(_: int, text: str) -> None:
                await plain.run(user_input=text)

            for number in range(ROUNDS):
                studio += await timed(studio_turn, number * TURNS)
                baseline += await timed(baseline_turn, number * TURNS)
            await services.event_writer.wait_until_stored(claim)
        await plain.aclose()
    return studio[WARM_UP_TURNS:], baseline[WARM_UP_TURNS:]


async def main() -> None:
    studio, baseline = await compare({**RULES, "word_ms": WORD_MS})
    studio_immediate, baseline_immediate = await compare(RULES)
    report(
        f"text_turn: p50 of both, alternating; a model with {WORD_MS} ms per word, which is "
        "faster than hosted models, and one that answers immediately",
        [
            Figure("ratio", percentile(studio, 0.5) / percentile(baseline, 0.5), "<= 1.2"),
            Figure("ours_ms", percentile(studio, 0.5)),
            Figure("bare_ms", percentile(baseline, 0.5)),
            Figure(
                "ratio_at_once",
                percentile(studio_immediate, 0.5) / percentile(baseline_immediate, 0.5),
            ),
            Figure("ours_at_once_ms", percentile(studio_immediate, 0.5)),
            Figure("bare_at_once_ms", percentile(baseline_immediate, 0.5)),
        ],
    )


if __name__ == "__main__":
    run_benchmark(main)
