"""Simulation suites."""

from __future__ import annotations

from typing import Any

import strawberry
import yaml

from graph.schema.scalars import Json
from resolvers.context import Ctx


@strawberry.type(description="A simulation suite, which `./studio simulate` runs.")
class Simulation:
    suite: Json = strawberry.field(description="The suite as JSON.")

    @strawberry.field(description="The same suite as YAML, for a file.")
    async def yaml(self, info: Ctx) -> str:
        services, tenant = info.context.services, info.context.require().tenant_id
        return await services.compute.run(tenant, _dump_yaml, self.suite)


def _dump_yaml(suite: Any) -> str:
    return str(yaml.safe_dump(suite, sort_keys=False, allow_unicode=True))
