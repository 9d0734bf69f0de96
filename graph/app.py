"""The API process: `python -m graph.app`. The only place that knows which adapters are used."""

from __future__ import annotations

import gc

if __name__ == "__main__":
    # Nearly all that the imports and the schema create stays. Looking for garbage in it as often as usual
    # takes a tenth of the start.
    gc.set_threshold(50_000, 1_000)

import asyncio
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial

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
from graph.web.account import account_routes
from graph.web.dashboard import dashboard_routes
from graph.web.docs.routes import docs_routes
from graph.web.graphiql import graphiql_page, graphiql_routes
from graph.web.talk import talk_routes
from graph.web.widget import widget_routes
from persistence.wiring import api_services, check_database, voice_notice

THREAD_SWITCH_INTERVAL_SECONDS = 0.001
"""How long the event loop waits for a computing thread to release the GIL."""


def main() -> None:
    try:
        settings = Settings.from_env(os.environ)
        configure_logs(settings.log_level)
        # Checked here because an error in the lifespan would print a long traceback.
        asyncio.run(check_database(settings))
        opened = api_services(settings)
        routes = [
            *graphiql_routes(settings.local_token),
            *talk_routes(settings, partial(voice_notice, settings)),
            *account_routes(),
            *dashboard_routes(settings),
            *widget_routes(),
            *docs_routes(),
        ]
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
    ignore_unstarted_fields()
    sys.setswitchinterval(THREAD_SWITCH_INTERVAL_SECONDS)
    server = create_server(app, settings.trusted_proxies, lame_duck)
    server.run(sockets=[listening])
    if not server.started:  # the reason has been logged
        sys.exit(1)


def tune_gc() -> None:
    """Adapt the garbage collector to a permanent schema and short-lived requests.

    The schema lives as long as the process, so it is frozen. A request allocates thousands of objects
    and frees most of them when it ends, so generation 0 is collected rarely. Objects in use during
    a collection move to generation 1 and stay there until that generation is collected, even when they
    are unreachable. It is small, so it is collected at every 10th collection of generation 0; at every
    50th, unreachable objects took 4 MB. Generation 2 is large and is collected at every 500th
    collection of generation 1."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 500)


def ignore_unstarted_fields() -> None:
    """Do not log the fields that had not started when their operation was cancelled.

    graphql-core creates the coroutines of nested fields before it awaits them. If a client leaves in
    between, they are discarded, and Python warns that they were never awaited."""
    unstarted = r"coroutine '(Executor|GraphQLCoreConverter)\."
    warnings.filterwarnings("ignore", unstarted, RuntimeWarning)


def build_schema_with_loaders(extensions: Sequence[Callable[[], SchemaExtension]]) -> Schema:
    return build_schema([*extensions, LoaderScope])


def configure_logs(level: str) -> None:
    log_to_stderr(level)
    # These loggers repeat what is logged here, or log personal data: field errors and addresses.
    logging.getLogger("strawberry").setLevel(logging.CRITICAL + 1)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


if __name__ == "__main__":
    main()
