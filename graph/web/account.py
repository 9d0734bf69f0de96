"""The page on which people sign in, accept invitations and set new passwords."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from graph.web.static_assets import COMMON_HEADERS, STATIC_FOLDER, Assets

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def account_routes() -> list[BaseRoute]:
    async def page(_: Request) -> Response:
        headers = {
            **COMMON_HEADERS,
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Cache-Control": "no-cache",
        }
        return FileResponse(STATIC_FOLDER / "account" / "index.html", headers=headers)

    async def without_slash(_: Request) -> Response:
        return RedirectResponse("/account")

    return [
        Route("/account", page),
        Route("/account/", without_slash),
        Mount("/account/assets", Assets(directory=STATIC_FOLDER / "account")),
    ]
