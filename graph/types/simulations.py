"""Suites of simulations."""

from __future__ import annotations

import strawberry
import yaml

from graph.scalars import Json


@strawberry.type(description="A suite that `./studio simulate` plays.")
class Simulation:
    suite: Json = strawberry.field(description="The suite as JSON.")

    @strawberry.field(description="The same as YAML, to be kept in a file.")
    def yaml(self) -> str:
        text: str = yaml.safe_dump(self.suite, sort_keys=False, allow_unicode=True)
        return text
