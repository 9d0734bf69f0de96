"""The files of the web widget, which pages of other hosts load.

They are built from `client/widget/` together with the pages of the API.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import Scope

from graph.web.static_assets import STATIC_FOLDER, Assets

CROSS_ORIGIN_HEADERS = {
    # Modules are loaded with CORS; the files are the same for everyone and hold no secret.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def widget_routes() -> list[BaseRoute]:
    return [Mount("/widget", WidgetAssets(directory=STATIC_FOLDER / "widget"))]


class WidgetAssets(Assets):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(CROSS_ORIGIN_HEADERS)
        return response
