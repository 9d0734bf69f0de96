"""What people wait for in the dashboard, in Chromium: first loads, scrolling, live calls and long ones."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx

from bench.harness.api import MeasuredApi, running_api, writer_process
from bench.harness.benchmark import (
    Figure,
    add_calls,
    installation,
    new_owner,
    report,
    run_benchmark,
)
from bench.scale import fill_tenant
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.workflows.model import Position, WorkflowSpec
from graph.web.dashboard import FOLDER
from persistence.wiring import api_services
from resolvers.global_ids import global_id
from tests.support.browsers import script_runner
from tests.support.demo_workflow import CLINIC, publish_clinic
from tests.support.long_logs import append_events

CALLS, LIVE, EVENTS, USUAL_EVENTS = 10_000, 20, 20_000, 100
PER_SECOND, SECONDS, STARTUP_SECONDS = 50.0, 8.0, 20.0
LAST_WORDS = f"This is question number {EVENTS - 1}"
SCRIPT = Path(__file__).parent / "harness" / "dashboard.mjs"
IDS = """{
  agents(first: 1) { edges { node { id } } }
  tools(first: 1) { edges { node { id } } }
  workflows(first: 1) { edges { node { id } } }
}"""

Measure = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Example:
    """The calls whose pages are opened."""

    long: UUID
    live: UUID


def path_of(id: UUID) -> str:
    return f"/call/?id={quote(global_id('Call', id))}"


def arranged(workflow: WorkflowSpec) -> WorkflowSpec:
    """As the builder saves it: it loads the layout of graphs only for workflows without positions."""
    nodes = enumerate(workflow.nodes)
    return replace(
        workflow,
        nodes=tuple(replace(node, position=Position(x=400.0 * n, y=0.0)) for n, node in nodes),
    )


async def fill(settings: Settings, viewer: Viewer) -> Example:
    async with api_services(settings) as services:
        version = await publish_clinic(services, viewer, workflow=arranged(CLINIC))
    db = await asyncpg.connect(settings.database_url)
    await db.execute("set session_replication_role = replica")
    await fill_tenant(db, viewer.tenant_id, CALLS, LIVE)
    long, live = await add_calls(settings, viewer.tenant_id, 2)
    await db.execute(
        "update call set workflow_id = $1, version_id = $2 where id = any($3)",
        *(version.workflow_id, version.id, [long, live]),
    )
    await db.close()
    await append_events(settings, long, EVENTS)
    await append_events(settings, live, USUAL_EVENTS)
    return Example(long, live)


async def paths_of_pages(api: MeasuredApi, example: Example) -> list[str]:
    """Every page; that of one thing is opened with the thing."""
    async with httpx.AsyncClient(base_url=api.url, headers={"X-Api-Key": api.token}) as http:
        found = (await http.post("/graphql", json={"query": IDS})).json()["data"]
    things = {kind[:-1]: page["edges"][0]["node"]["id"] for kind, page in found.items()}
    things["call"] = global_id("Call", example.live)
    pages = sorted(
        file.parent.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("index.html")
    )
    return ["/"] + [
        f"/{page}/" + (f"?id={quote(things[page])}" if page in things else "")
        for page in pages
        if page[0].isalpha()
    ]


async def measure_live_call(visit: Measure, settings: Settings, viewer: Viewer, id: UUID) -> Any:
    """The page of a call to which a process writes as a worker does."""
    events = (settings, viewer.tenant_id, [id], PER_SECOND, SECONDS + STARTUP_SECONDS)
    async with writer_process(*events) as writer:
        measured = await visit("live", path_of(id), SECONDS)
        writer.terminate()
    return measured


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        run = script_runner(Path(folder))
        shutil.copy(SCRIPT, folder)
        async with installation() as settings:
            viewer = await new_owner(settings)
            example = await fill(settings, viewer)
            async with running_api(settings, viewer.tenant_id) as api:

                async def visit(part: str, *arguments: object) -> Any:
                    return await asyncio.to_thread(
                        run, SCRIPT.name, part, api.url, api.token, *map(str, arguments)
                    )

                loads = await visit("load", json.dumps(await paths_of_pages(api, example)))
                scrolls = await visit("scroll", path_of(example.long), EVENTS)
                live = await measure_live_call(visit, settings, viewer, example.live)
                long = await visit("long", path_of(example.long), LAST_WORDS)
    report_figures(loads, scrolls, live, long)


def report_figures(
    loads: list[dict[str, Any]],
    scrolls: dict[str, float],
    live: dict[str, float],
    long: dict[str, float],
) -> None:
    largest = max(loads, key=itemgetter("kilobytes"))
    slowest = max(loads, key=itemgetter("seconds"))
    report(
        f"dashboard: {len(loads)} pages; the largest is {name_of(largest)}, the slowest {name_of(slowest)}",
        [
            Figure("first_load_kb", largest["kilobytes"], "<= 300"),
            Figure("interactive_s", slowest["seconds"], "<= 2.5"),
            Figure("list_fps", scrolls["list"], ">= 55"),
            Figure("log_fps", scrolls["log"], ">= 55"),
            Figure("live_cpu_percent", live["mainThread"] * 100, "<= 30"),
            Figure("live_renderer_percent", live["renderers"] * 100),
            Figure("live_events_per_s", live["eventsPerSecond"], f"{PER_SECOND:.0f}"),
            Figure("long_call_s", long["first"], "<= 0.5"),
            Figure("long_call_all_s", long["all"], "<= 3"),
            Figure("long_call_again_s", long["again"]),
        ],
    )
    if "--pages" in sys.argv:
        for page in loads:
            print(f"  {name_of(page):<28} {page['kilobytes']:>9.1f} kB {page['seconds']:>7.2f} s")


def name_of(page: dict[str, Any]) -> str:
    return str(page["path"]).split("?")[0]


if __name__ == "__main__":
    run_benchmark(main)
