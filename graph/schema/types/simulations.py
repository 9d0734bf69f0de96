"""Simulation suites."""

from __future__ import annotations

from typing import Any

import strawberry
import yaml

from graph.schema.scalars import Json
from resolvers.context import Ctx


@strawberry.type(description="A simulation suite, which `./studio simulate` runs.")
class Simulation:
    suite: Json = strawberry.field(
        description="The suite as JSON. It names the bundle with the workflow, which it needs to run."
    )

    @strawberry.field(description="The same suite as YAML, for a file, and how to run it.")
    async def yaml(self, info: Ctx) -> str:
        services, tenant = info.context.services, info.context.require().tenant_id
        return await services.compute.run(tenant, _dump_yaml, self.suite)


HOW_TO_RUN = """\
# Run it with the bundle next to it:
#   ./studio export {workflow} > {workflow}.yaml
#   ./studio simulate THIS_FILE --live
# --live uses the models of the agents, --model openai/gpt-4.1-mini another one. The stubs contain
# what the tools kept of the responses; complete them if a tool reads more.
"""


def _dump_yaml(suite: Any) -> str:
    text = yaml.safe_dump(suite, sort_keys=False, allow_unicode=True)
    return HOW_TO_RUN.format(workflow=suite["workflow"]) + text
