"""`python -m persistence.migrate`: bring the database of DATABASE_URL up to date."""

from __future__ import annotations

import os
from pathlib import Path

from alembic import command
from alembic.config import Config

from domain.settings import Settings
from persistence.database import with_driver


def configuration(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    config.set_main_option("sqlalchemy.url", with_driver(url).replace("%", "%%"))
    return config


def upgrade(url: str) -> None:
    command.upgrade(configuration(url), "head")


if __name__ == "__main__":
    upgrade(Settings.from_env(os.environ).database_url)
