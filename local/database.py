"""Where commands find the database and its key: in the environment, or in a running studio."""

from __future__ import annotations

from collections.abc import Mapping

from local import postgres
from local.process_spec import StartupError
from local.state_dir import StateDir
from local.status import NOT_RUNNING


def with_database(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with DATABASE_URL and SECRET_KEY. In a container and with servers of the user
    both are set; otherwise they are those of the studio that runs on this machine."""
    if environ.get("DATABASE_URL"):
        return environ
    state = StateDir.from_env(environ)
    if state.running_record() is None:
        raise StartupError(f"{NOT_RUNNING}, or set DATABASE_URL and SECRET_KEY")
    found = {"DATABASE_URL": postgres.load_url(state.root), "MIGRATE_DATABASE_URL": ""}
    if not environ.get("SECRET_KEY"):
        found["SECRET_KEY"] = state.secret_key.read_text().strip()
    return {**environ, **found}
