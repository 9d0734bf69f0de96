"""`./studio demo`: a second workflow, and the HTTP API that its tool calls.

Imports `local/demos/courier.yaml` and serves parcels on this machine until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from domain.bundles.model import write_bundle
from domain.common.command_line import CommandLine
from local.bundle_files import read_files
from local.client import ApiError, StudioClient
from local.state_dir import PROGRAM, REPOSITORY

HOST, PORT = "127.0.0.1", 8765
FILE = REPOSITORY / "local" / "demos" / "courier.yaml"
PARCELS = {
    "1001": {"number": "1001", "status": "out for delivery", "days_late": 0},
    "2002": {"number": "2002", "status": "delayed in Pune", "days_late": 3},
}
IMPORT = """
mutation ($input: ImportBundleInput!) { importBundle(input: $input) {
  ... on Error { message code } ... on ImportBundleSuccess { report { kind } } } }
"""
INSTRUCTIONS = f"""
Serving parcels at http://{HOST}:{PORT} until Ctrl-C. In another terminal:

  {PROGRAM} talk courier --say "where is my parcel?" --say "Asha" --say "2002" --say "yes"
"""


async def parcel(request: Request) -> JSONResponse:
    body = PARCELS.get(request.path_params["number"])
    return JSONResponse(body or {"problem": "unknown"}, status_code=200 if body else 404)


app = Starlette(routes=[Route("/parcels/{number}", parcel)])


async def serve(studio: StudioClient) -> None:
    bundle = write_bundle(read_files([str(FILE)]).bundle)
    await studio.mutate(IMPORT, {"input": {"bundle": bundle, "publish": True}})
    print(INSTRUCTIONS, flush=True)
    config = uvicorn.Config(app, host=HOST, port=PORT, log_level="warning", lifespan="off")
    await uvicorn.Server(config).serve()


def main() -> int:
    CommandLine(
        prog=f"{PROGRAM} demo",
        description="import the workflow courier, and serve the HTTP API that its tool calls",
    ).parse()
    studio = StudioClient(os.environ["STUDIO_URL"], os.environ["STUDIO_TOKEN"])
    try:
        asyncio.run(serve(studio))
    except (ApiError, TimeoutError, OSError) as problem:
        print(problem or "the API did not answer", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
