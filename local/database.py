"""Where commands find the database, its key and the URL of the API: in the environment, or in a running
studio."""

from __future__ import annotations

from collections.abc import Mapping

from local import postgres
from local.process_spec import StartupError
from local.state_dir import StateDir
from local.status import NOT_RUNNING


def with_database(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with DATABASE_URL and SECRET_KEY. In a container and with servers of the user
    both are set; otherwise they are those of the studio that runs on this machine, as is PUBLIC_URL, with
    which links to it begin."""
    if environ.get("DATABASE_URL"):
        return environ
    state = StateDir.from_env(environ)
    record = state.running_record()
    if record is None:
        raise StartupError(f"{NOT_RUNNING}, or set DATABASE_URL and SECRET_KEY")
    found = {"DATABASE_URL": postgres.load_url(state.root), "MIGRATE_DATABASE_URL": ""}
    if not environ.get("SECRET_KEY"):
        found["SECRET_KEY"] = state.secret_key.read_text().strip()
    if not environ.get("PUBLIC_URL"):
        found["PUBLIC_URL"] = record.url
    return {**environ, **found}
