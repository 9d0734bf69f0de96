"""How attacks on the API affect a client of another tenant; `gate NAME…` runs some of them."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import httpx

from bench.harness.api import MeasuredApi, create_api_key, running_api
from bench.harness.attacks import ATTACKS
from bench.harness.benchmark import (
    Figure,
    installation,
    new_owner,
    percentile,
    report,
    run_benchmark,
)
from domain.common.settings import Settings
from persistence.key_ring import new_api_key

BYSTANDER_KEYS = 6
"""Keys of the bystander: fifty requests per second exceed the rate limit of one key."""
BASELINE_SECONDS, ATTACK_SECONDS, MAX_WAIT_SECONDS = 1.5, 4.0, 8.0
AGENTS, PROMPT = 100, "You are a friendly voice at the front desk. " * 680
CREATE_AGENT = "mutation ($i: CreateAgentInput!) { createAgent(input: $i) { __typename } }"
CREATE_WORKFLOW = """mutation ($i: CreateWorkflowInput!) { createWorkflow(input: $i) {
  ... on CreateWorkflowSuccess { workflow { id revision } } } }"""
PUBLISH = "mutation ($i: PublishWorkflowInput!) { publishWorkflow(input: $i) { __typename } }"
SCRIPTED = {"provider": "scripted", "model": "rules", "options": {"rules": [{"says": "Hi."}]}}


@dataclass(frozen=True, slots=True)
class Scenario:
    settings: Settings
    attacker: UUID
    bystander_keys: Sequence[str]

    @asynccontextmanager
    async def api(self) -> AsyncGenerator[MeasuredApi]:
        """An API process with the rate limit of an installation."""
        async with running_api(self.settings, self.attacker, REQUESTS_PER_MINUTE="600") as api:
            yield api


@dataclass(frozen=True, slots=True)
class BystanderLatencies:
    """The latencies of the bystander before and during one attack."""

    name: str
    baseline: Sequence[float]
    under_attack: Sequence[float]
    cpu_percent: float
    """The share of a core that the API used during the attack."""


async def measure_attack(scenario: Scenario, name: str) -> BystanderLatencies:
    print(name, file=sys.stderr)
    async with scenario.api() as api:
        baseline = await _bystander_latencies(api, scenario, BASELINE_SECONDS)
        async with _attacking(api, name):
            started_at, cpu_before = time.monotonic(), api.cpu_seconds()
            under_attack = await _bystander_latencies(api, scenario, ATTACK_SECONDS)
            cpu = 100 * (api.cpu_seconds() - cpu_before) / (time.monotonic() - started_at)
        # Killed, because an attack may leave work for minutes.
        api.process.kill()
    return BystanderLatencies(name, baseline, under_attack, cpu)


async def _bystander_latencies(api: MeasuredApi, scenario: Scenario, seconds: float) -> list[float]:
    """Latencies in milliseconds; the timeout if the bystander received no response in time."""
    argv = (sys.executable, "-m", "bench.harness.bystander", api.url, str(seconds))
    process = await asyncio.create_subprocess_exec(
        *argv, *scenario.bystander_keys, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(seconds + MAX_WAIT_SECONDS):
            output, _ = await process.communicate()
        return list(map(float, json.loads(output)))
    except TimeoutError:
        return [(seconds + MAX_WAIT_SECONDS) * 1000]
    finally:
        await _end(process)


@asynccontextmanager
async def _attacking(api: MeasuredApi, name: str) -> AsyncGenerator[None]:
    _, count = ATTACKS[name]
    unknown = "\n".join(new_api_key() for _ in range(20_000 if name == "bad_keys" else 0))
    argv = (sys.executable, "-m", "bench.harness.attacks", name, api.url, api.token)
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe) for _ in range(count)
    ]
    try:
        for process in processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(unknown.encode())
            process.stdin.close()
            assert await process.stdout.readline() == b"attacking\n"
        yield
    finally:
        for process in processes:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def _create_attacker_data(url: str, key: str) -> None:
    """Fill the tenant of the attacker: many long prompts, and a published workflow."""
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": key}) as http:

        async def do(document: str, **fields: object) -> dict[str, object]:
            response = await http.post(
                "/graphql", json={"query": document, "variables": {"i": fields}}
            )
            [result] = response.json()["data"].values()
            return dict(result)

        for n in range(AGENTS):
            prompt = {"system": f"{n} {PROMPT}"}
            await do(CREATE_AGENT, name=f"agent-{n}", prompt=prompt, llm=SCRIPTED)
        node = {"id": "desk", "agent": "agent-0", "isEntry": True, "isExit": True}
        created = await do(CREATE_WORKFLOW, slug="gate", nodes=[node])
        workflow = created["workflow"]
        assert isinstance(workflow, dict)
        revision = workflow["revision"]
        published = await do(PUBLISH, id=workflow["id"], expectedRevision=revision)
        assert published == {"__typename": "PublishWorkflowSuccess"}


def report_figures(results: Sequence[BystanderLatencies]) -> None:
    baseline = percentile([wait for each in results for wait in each.baseline], 0.95)
    figures, ratios = [Figure("quiet_p95_ms", baseline)], []
    for each in results:
        p95 = percentile(each.under_attack, 0.95)
        ratios.append(p95 / baseline)
        figures += [
            Figure(f"{each.name}_p95_ms", p95),
            Figure(f"{each.name}_ratio", p95 / baseline),
            Figure(f"{each.name}_answers", len(each.under_attack)),
            Figure(f"{each.name}_api_cpu", each.cpu_percent),
        ]
    report(
        f"gate: {len(results)} attacks of {ATTACK_SECONDS:.0f} s each, a client of another "
        "tenant sends a request every 20 ms, one API process",
        [*figures, Figure("worst_ratio", max(ratios), "<= 5")],
    )


async def main() -> None:
    names = [name for name in sys.argv[1:] if not name.startswith("--")] or list(ATTACKS)
    if unknown := [name for name in names if name not in ATTACKS]:
        sys.exit(f"Unknown attack {unknown[0]}. Known attacks: {', '.join(ATTACKS)}")
    async with installation() as settings:
        attacker = await new_owner(settings, "attacker")
        bystander = await new_owner(settings, "bystander")
        keys = [await create_api_key(settings, bystander.tenant_id) for _ in range(BYSTANDER_KEYS)]
        scenario = Scenario(settings, attacker.tenant_id, keys)
        async with running_api(settings, attacker.tenant_id) as api:
            await _create_attacker_data(api.url, api.token)
        report_figures([await measure_attack(scenario, name) for name in names])


if __name__ == "__main__":
    run_benchmark(main)
