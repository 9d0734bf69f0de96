"""What every benchmark needs: its own servers, a tenant, and a report of figures."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import uvloop

from domain.common.access import ROLE_SCOPES, Role, TenantId, Viewer
from domain.common.settings import Settings
from local import postgres, valkey
from persistence.migrate import upgrade


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value, and the goal that it is compared with."""

    name: str
    value: float
    goal: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def report(title: str, figures: Sequence[Figure]) -> None:
    """Print a table and, with `--json`, one JSON object as the last line."""
    print(title)
    for figure in figures:
        goal = f"   goal {figure.goal}" if figure.goal else ""
        print(f"  {figure.name:<28} {figure.value:>12,.2f}{goal}")
    if "--json" in sys.argv:
        print(json.dumps({figure.name: round(figure.value, 3) for figure in figures}))


def run_benchmark(do: Callable[[], Awaitable[None]]) -> None:
    uvloop.run(do())  # type: ignore[arg-type]


@asynccontextmanager
async def installation() -> AsyncGenerator[Settings]:
    """A migrated database and a Valkey, as durable as in production, deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
        async with (
            postgres.running(Path(folder), durable=True) as database_url,
            valkey.running(Path(folder)) as redis_url,
        ):
            await asyncio.to_thread(upgrade, database_url)
            yield Settings(database_url=database_url, redis_url=redis_url, secret_key="bench" * 8)


async def new_owner(settings: Settings, slug: str = "bench") -> Viewer:
    db = await asyncpg.connect(settings.database_url)
    id = await db.fetchval(
        "insert into tenant (id, slug, name) values ($1, $2, $2) returning id", uuid4(), slug
    )
    await db.close()
    return Viewer(tenant_id=TenantId(id), subject="user:bench", scopes=ROLE_SCOPES[Role.OWNER])


async def add_calls(settings: Settings, tenant: UUID, count: int) -> list[UUID]:
    """Insert active calls that a writer with epoch 1 may write to."""
    ids = [uuid4() for _ in range(count)]
    version, workflow = uuid4(), uuid4()
    db = await asyncpg.connect(settings.database_url)
    await db.execute(
        "insert into workflow_version (id, tenant_id, workflow_id, number, checksum, "
        "published_at, published_by, snapshot) values ($1, $2, $3, 1, '', now(), '', '{}')",
        version,
        tenant,
        workflow,
    )
    await db.execute(
        "insert into call (id, tenant_id, kind, direction, workflow_id, version_id, user_context, "
        "metadata, max_seconds, created_at) select unnest($1::uuid[]), $2, 'TEXT', 'INBOUND', $3, "
        "$4, '{}', '{}', 3600, now()",
        ids,
        tenant,
        workflow,
        version,
    )
    await db.execute(
        "insert into call_log (call_id, tenant_id, epoch, state, created_at) "
        "select unnest($1::uuid[]), $2, 1, 'ACTIVE', now()",
        ids,
        tenant,
    )
    await db.execute("analyze")  # as autovacuum would have done by now
    await db.close()
    return ids
