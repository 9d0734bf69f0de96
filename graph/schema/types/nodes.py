"""The nodes of a workflow, and the connections between them."""

from __future__ import annotations

import strawberry

from domain.workflows import model as domain
from domain.workflows.model import ContextPolicy


@strawberry.type(description="Where an editor draws a node.")
class Position:
    x: float = strawberry.field(description="Pixels from the left.")
    y: float = strawberry.field(description="Pixels from the top.")


@strawberry.type(description="A place in the workflow, held by an agent.")
class WorkflowNode:
    id: str = strawberry.field(description="Its name in this workflow.")
    agent: str = strawberry.field(description="The name of its agent.")
    is_entry: bool = strawberry.field(description="Whether calls begin here.")
    is_exit: bool = strawberry.field(description="Whether the agent here may end the call.")
    skip_condition: str | None = strawberry.field(
        description="An expression: when it holds, the node is passed by."
    )
    position: Position | None = strawberry.field(description="Where an editor draws it.")


@strawberry.type(description="A way from one node to another.")
class WorkflowLink:
    source: str = strawberry.field(description="From this node.")
    target: str = strawberry.field(description="To this node.")
    description: str = strawberry.field(description="Tells the model when to take it.")
    condition: str | None = strawberry.field(
        description="An expression: when it holds, the way is taken whatever the model thinks."
    )
    priority: int = strawberry.field(description="Of the conditions that hold the highest wins.")
    is_default: bool = strawberry.field(
        description="Whether it is the way on from a skipped node when no condition holds."
    )
    may_repeat: int = strawberry.field(description="How often a call may take it.")
    context_policy: ContextPolicy = strawberry.field(
        description="How much of the conversation the next agent is shown."
    )
    last_n: int = strawberry.field(description="The turns that LAST_N shows.")
    context_passed: list[str] = strawberry.field(
        description="Keys of the shared context that the next agent is told."
    )


@strawberry.input(description="Where an editor draws a node.")
class PositionInput:
    x: float = strawberry.field(description="Pixels from the left.")
    y: float = strawberry.field(description="Pixels from the top.")


@strawberry.input(description="A place in the workflow.")
class NodeInput:
    id: str = strawberry.field(description="Lower-case letters, digits and underscores.")
    agent: str = strawberry.field(description="The name of its agent.")
    is_entry: bool = strawberry.field(default=False, description="Whether calls begin here.")
    is_exit: bool = strawberry.field(default=False, description="Whether calls may end here.")
    skip_condition: str | None = strawberry.field(
        default=None, description="An expression: when it holds, the node is passed by."
    )
    position: PositionInput | None = strawberry.field(default=None, description="For editors.")

    def node(self) -> domain.Node:
        at = self.position
        return domain.Node(
            id=self.id,
            agent=self.agent,
            is_entry=self.is_entry,
            is_exit=self.is_exit,
            skip_condition=self.skip_condition,
            position=domain.Position(x=at.x, y=at.y) if at else None,
        )


@strawberry.input(description="A way from one node to another.")
class ConnectionInput:
    source: str = strawberry.field(description="From this node.")
    target: str = strawberry.field(description="To this node.")
    description: str = strawberry.field(default="", description="When the model takes it.")
    condition: str | None = strawberry.field(
        default=None, description="An expression: taken when it holds, whatever the model thinks."
    )
    priority: int = strawberry.field(
        default=0, description="Of the conditions that hold the highest wins."
    )
    is_default: bool = strawberry.field(
        default=False,
        description="Whether it is the way on from a skipped node when no condition holds.",
    )
    may_repeat: int = strawberry.field(default=1, description="How often a call may take it.")
    context_policy: ContextPolicy = strawberry.field(
        default=ContextPolicy.FULL,
        description="How much of the conversation the next agent is shown.",
    )
    last_n: int = strawberry.field(default=10, description="The turns that LAST_N shows.")
    context_passed: list[str] = strawberry.field(
        default_factory=list, description="Keys of the shared context that the next agent is told."
    )

    def connection(self) -> domain.Connection:
        return domain.Connection(
            source=self.source,
            target=self.target,
            description=self.description,
            condition=self.condition,
            priority=self.priority,
            is_default=self.is_default,
            may_repeat=self.may_repeat,
            context_policy=self.context_policy,
            last_n=self.last_n,
            context_passed=tuple(self.context_passed),
        )


def nodes(given: list[NodeInput]) -> tuple[domain.Node, ...]:
    return tuple(node.node() for node in given)


def connections(given: list[ConnectionInput]) -> tuple[domain.Connection, ...]:
    return tuple(connection.connection() for connection in given)
