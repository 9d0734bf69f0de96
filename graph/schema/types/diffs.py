"""What differs between two versions."""

from __future__ import annotations

from typing import Any

import strawberry

from domain.bundles import diff as domain
from domain.bundles.diff import ChangeKind
from graph.schema.scalars import Json
from graph.schema.types.common import instance_check


@strawberry.type(description="One difference.")
class Change:
    is_type_of = instance_check(domain.Change)

    path: list[str] = strawberry.field(
        description=(
            "Leads to it: workflow, nodes, booking, isExit. Nodes are named by id, connections "
            "by source->target, agents and tools by name."
        )
    )
    kind: ChangeKind = strawberry.field(description="What happened to it.")
    before: Json | None = strawberry.field(description="Its value before.")
    after: Json | None = strawberry.field(description="Its value now.")
    text: str = strawberry.field(
        description="For people: one line, or a unified diff of a long text."
    )


@strawberry.type(description="What differs between two versions, or a version and the draft.")
class WorkflowDiff:
    changes: list[Change] = strawberry.field(description="Every change; none when they are equal.")

    @strawberry.field(description="For people: one line per change.")
    def summary(self) -> str:
        changes: Any = self.changes
        return "\n".join(map(domain.summary_line, changes))
