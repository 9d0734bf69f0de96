"""Start-up time of the API, and the memory of the API and the keeper after they have started."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

from bench.harness.api import running_api, running_keeper
from bench.harness.benchmark import Figure, installation, new_owner, report, run_benchmark

TIMED_IMPORT = (
    "import time; t = time.perf_counter(); import graph.app; print(time.perf_counter() - t)"
)
ROUNDS = 3
SETTLE_SECONDS = 3.0


def timed_import() -> float:
    command = [sys.executable, "-c", TIMED_IMPORT]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


async def main() -> None:
    imports = [await asyncio.to_thread(timed_import) for _ in range(ROUNDS)]
    boots, sizes = [], []
    async with installation() as settings:
        viewer = await new_owner(settings)
        for _ in range(ROUNDS):
            started_at = time.perf_counter()
            async with running_api(settings, viewer.tenant_id) as api:
                boots.append(time.perf_counter() - started_at)
                await asyncio.sleep(0.5)
                sizes.append(api.process.memory_info().rss / 1e6)
        async with running_keeper(settings) as keeper:
            await asyncio.sleep(SETTLE_SECONDS)
            keeper_mb = keeper.memory_info().rss / 1e6
    report(
        "boot: the API process, best of three, and the keeper",
        [
            Figure("import_s", min(imports)),
            Figure("boot_s", min(boots), "<= 3"),
            Figure("rss_mb", max(sizes), "<= 120"),
            Figure("keeper_rss_mb", keeper_mb, "<= 100"),
        ],
    )


if __name__ == "__main__":
    run_benchmark(main)
