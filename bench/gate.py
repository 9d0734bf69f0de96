"""What somebody of another tenant notices of attacks on the API; `gate NAME…` for some of them."""

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
from bench.harness.lab import Figure, installation, new_owner, percentile, report, run_benchmark
from domain.common.settings import Settings
from persistence.key_ring import new_api_key

BYSTANDER_KEYS = 6
"""Of the bystander: fifty questions a second are more than one key may ask."""
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
        """With the limits that an installation has."""
        async with running_api(self.settings, self.attacker, REQUESTS_PER_MINUTE="600") as api:
            yield api


@dataclass(frozen=True, slots=True)
class BystanderLatencies:
    """What the bystander noticed of one attack."""

    name: str
    baseline: Sequence[float]
    under_attack: Sequence[float]
    cpu_percent: float
    """Of a core, that the API used during the attack."""


async def measure_attack(scene: Scenario, name: str) -> BystanderLatencies:
    print(name, file=sys.stderr)
    async with scene.api() as api:
        quiet = await _bystander_latencies(api, scene, BASELINE_SECONDS)
        async with _attacking(api, name):
            began, used = time.monotonic(), api.cpu_seconds()
            attacked = await _bystander_latencies(api, scene, ATTACK_SECONDS)
            cpu = 100 * (api.cpu_seconds() - used) / (time.monotonic() - began)
        # An attack may have left it work for minutes.
        api.process.kill()
    return BystanderLatencies(name, quiet, attacked, cpu)


async def _bystander_latencies(api: MeasuredApi, scene: Scenario, seconds: float) -> list[float]:
    """In milliseconds; of a bystander who is not answered in the end, how long that took."""
    argv = (sys.executable, "-m", "bench.harness.bystander", api.url, str(seconds))
    process = await asyncio.create_subprocess_exec(
        *argv, *scene.bystander_keys, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(seconds + MAX_WAIT_SECONDS):
            said, _ = await process.communicate()
        return list(map(float, json.loads(said)))
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
    """The attacker's tenant: many long prompts, and a workflow that can be called."""
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": key}) as http:

        async def do(document: str, **given: object) -> dict[str, object]:
            answer = await http.post(
                "/graphql", json={"query": document, "variables": {"i": given}}
            )
            [result] = answer.json()["data"].values()
            return dict(result)

        for n in range(AGENTS):
            prompt = {"system": f"{n} {PROMPT}"}
            await do(CREATE_AGENT, name=f"agent-{n}", prompt=prompt, llm=SCRIPTED)
        node = {"id": "desk", "agent": "agent-0", "isEntry": True, "isExit": True}
        made = await do(CREATE_WORKFLOW, slug="gate", nodes=[node])
        workflow = made["workflow"]
        assert isinstance(workflow, dict)
        revision = workflow["revision"]
        published = await do(PUBLISH, id=workflow["id"], expectedRevision=revision)
        assert published == {"__typename": "PublishWorkflowSuccess"}


def report_figures(all_noticed: Sequence[BystanderLatencies]) -> None:
    quiet = percentile([wait for each in all_noticed for wait in each.baseline], 0.95)
    figures, ratios = [Figure("quiet_p95_ms", quiet)], []
    for each in all_noticed:
        p95 = percentile(each.under_attack, 0.95)
        ratios.append(p95 / quiet)
        figures += [
            Figure(f"{each.name}_p95_ms", p95),
            Figure(f"{each.name}_ratio", p95 / quiet),
            Figure(f"{each.name}_answers", len(each.under_attack)),
            Figure(f"{each.name}_api_cpu", each.cpu_percent),
        ]
    report(
        f"gate: {len(all_noticed)} attacks of {ATTACK_SECONDS:.0f} s each, somebody of another "
        "tenant asks every 20 ms, one API process",
        [*figures, Figure("worst_ratio", max(ratios), "<= 5")],
    )


async def main() -> None:
    wanted = [name for name in sys.argv[1:] if not name.startswith("--")] or list(ATTACKS)
    if unknown := [name for name in wanted if name not in ATTACKS]:
        sys.exit(f"There is no attack named {unknown[0]}; there are: {', '.join(ATTACKS)}")
    async with installation() as settings:
        attacker = await new_owner(settings, "attacker")
        bystander = await new_owner(settings, "bystander")
        keys = [await create_api_key(settings, bystander.tenant_id) for _ in range(BYSTANDER_KEYS)]
        scene = Scenario(settings, attacker.tenant_id, keys)
        async with running_api(settings, attacker.tenant_id) as api:
            await _create_attacker_data(api.url, api.token)
        report_figures([await measure_attack(scene, name) for name in wanted])


if __name__ == "__main__":
    run_benchmark(main)
