"""The API process around the small schema: `python -m tests.support.toy_app`."""

from __future__ import annotations

import os

from domain.common.json_logging import log_to_stderr
from domain.common.settings import Settings
from graph.asgi import create_app
from graph.http.lame_duck import LameDuck
from graph.server import create_server, listen
from persistence.wiring import api_services
from tests.support.toy_schema import toy_schema

if __name__ == "__main__":
    settings = Settings.from_env(os.environ)
    log_to_stderr(settings.log_level)
    lame_duck = LameDuck(settings.lame_duck_seconds)
    app = create_app(settings, api_services(settings), toy_schema, lame_duck=lame_duck)
    listening = listen(settings.api_host, settings.api_port)
    create_server(app, settings.trusted_proxies, lame_duck).run(sockets=[listening])
