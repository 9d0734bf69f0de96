"""Contracts of the code base: imports, migrations, dependencies."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from functools import partial
from importlib.metadata import packages_distributions

import pytest
from alembic import command

from domain.common.settings import Settings
from domain.providers.catalog import CATALOG, provider_names
from domain.providers.model import ProviderKind
from persistence.migrate import run_alembic
from tests.support.paths import ROOT
from worker.providers.registry import LLM_FACTORIES

OURS = ["graph", "resolvers", "domain", "worker", "persistence", "migrations", "local"]


@pytest.mark.parametrize(
    ("module", "spared"),
    [
        ("graph.app", "livekit"),
        # The keeper closes rooms through the client of LiveKit's server, without its media.
        ("worker.keeper.main", "livekit.agents"),
        ("worker.keeper.main", "livekit.rtc"),
        ("worker.keeper.main", "livekit.plugins"),
    ],
)
def test_processes_that_run_no_calls_do_not_import_the_call_runtime(
    module: str, spared: str
) -> None:
    check = f"import sys, {module}; sys.exit({spared!r} in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=ROOT)


@pytest.mark.parametrize("name", OURS)
def test_no_dependency_uses_our_import_names(name: str) -> None:
    assert name not in packages_distributions()


def test_every_provider_of_the_catalog_can_be_built() -> None:
    assert set(provider_names(ProviderKind.LLM)) == set(LLM_FACTORIES)
    assert len({(p.kind, p.name) for p in CATALOG}) == len(CATALOG)


@pytest.mark.anyio
async def test_migrations_and_tables_agree_and_can_be_undone(settings: Settings) -> None:
    url = settings.database_url
    for do in (
        command.check,
        partial(command.downgrade, revision="base"),
        partial(command.upgrade, revision="head"),
        command.check,
    ):
        await asyncio.to_thread(run_alembic, url, do)


def test_lock_files_name_no_host() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text()
