"""Differences between two versions of a workflow."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from domain.bundles import diff as domain
from domain.bundles.diff import ChangeKind
from graph.schema.scalars import Json
from graph.schema.types.common import instance_check


@strawberry.type(description="One difference between two versions.")
class Change:
    is_type_of = instance_check(domain.Change)

    path: list[str] = strawberry.field(
        description=(
            'Path to the changed value, for instance `["workflow", "nodes", '
            '"booking", "isExit"]`. Nodes are identified by id, connections by '
            "`source->target`, agents and tools by name."
        )
    )
    kind: ChangeKind = strawberry.field(
        description="Whether the value was added, removed or changed."
    )
    before: Json | None = strawberry.field(
        description="Value before the change; null when it was added."
    )
    after: Json | None = strawberry.field(
        description="Value after the change; null when it was removed."
    )
    text: str = strawberry.field(
        description="Human-readable form: one line, or a unified diff of a long text."
    )


@strawberry.type(
    description="Differences between two versions, or between a version and the draft."
)
class WorkflowDiff:
    changes: Sequence[domain.Change] = strawberry.field(
        graphql_type=list[Change], description="All changes; empty when both sides are equal."
    )

    @strawberry.field(description="Human-readable summary with one line per change.")
    def summary(self) -> str:
        return "\n".join(map(domain.summary_line, self.changes))
