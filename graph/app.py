"""The API process: `python -m graph.app`. The only place that knows which adapters are used."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence

from strawberry import Schema
from strawberry.extensions import SchemaExtension

from domain.common.errors import DomainError
from domain.common.json_logging import log_to_stderr
from domain.common.settings import Settings
from graph.asgi import create_app
from graph.http.lame_duck import LameDuck
from graph.schema.build import build_schema
from graph.schema.loader_extension import LoaderScope
from graph.server import create_server, listen, raise_open_file_limit
from graph.web.graphiql import graphiql_page, graphiql_routes
from graph.web.talk import talk_routes
from persistence.wiring import api_services, check_database

THREAD_SWITCH_INTERVAL_SECONDS = 0.001
"""How long the event loop waits for a thread that computes, each time it wants to go on."""


def main() -> None:
    try:
        settings = Settings.from_env(os.environ)
        configure_logs(settings.log_level)
        # In the lifespan of the application a refusal would come with a page of traceback.
        asyncio.run(check_database(settings))
        opened = api_services(settings)
        routes = [*graphiql_routes(settings.local_token), *talk_routes(settings)]
        lame_duck = LameDuck(settings.lame_duck_seconds)
        app = create_app(
            settings, opened, build_schema_with_loaders, graphiql_page, routes, lame_duck=lame_duck
        )
        raise_open_file_limit()
        listening = listen(settings.api_host, settings.api_port)
    except (DomainError, OSError) as error:
        sys.exit(str(error))
    logging.getLogger("graph").info(
        "listening", extra={"host": settings.api_host, "port": settings.api_port}
    )
    tune_gc()
    sys.setswitchinterval(THREAD_SWITCH_INTERVAL_SECONDS)
    server = create_server(app, settings.trusted_proxies, lame_duck)
    server.run(sockets=[listening])
    if not server.started:  # the log has said why
        sys.exit(1)


def tune_gc() -> None:
    """The schema stays for ever, and a request makes thousands of objects that die with it: the
    garbage collector need not look at the first, nor so often at the second.

    What is under way when it looks becomes middle-aged, and stays until those are looked at, also when
    it has died. So that happens every tenth time: they are few, and at every fiftieth the dead among
    them took 4 MB. The old, who are many, are looked at every 500 times ten."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 500)


def build_schema_with_loaders(extensions: Sequence[Callable[[], SchemaExtension]]) -> Schema:
    return build_schema([*extensions, LoaderScope])


def configure_logs(level: str) -> None:
    log_to_stderr(level)
    # What they would say is said here already, or names people: field errors and addresses.
    logging.getLogger("strawberry").setLevel(logging.CRITICAL + 1)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


if __name__ == "__main__":
    main()
