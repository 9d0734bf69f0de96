"""The nodes of a workflow, and the connections between them."""

from __future__ import annotations

import strawberry

from domain.tools.transfers import TransferMode, TransferTarget
from domain.workflows import model as domain
from domain.workflows.model import ContextPolicy, EntryAction
from graph.schema.scalars import Duration
from graph.schema.types.durations import duration_field
from graph.schema.types.inputs import InputReader


@strawberry.type(description="Where an editor draws a node, in pixels.")
class Position:
    x: float = strawberry.field(description="Distance from the left edge, in pixels.")
    y: float = strawberry.field(description="Distance from the top edge, in pixels.")


@strawberry.type(description="Where a node transfers callers to.")
class NodeTransfer:
    number: str = strawberry.field(description="Phone number in E.164; a template.")
    mode: TransferMode = strawberry.field(description="How the caller is transferred.")
    trunk: str | None = strawberry.field(
        description=(
            "Name of the outbound trunk whose rules apply; null for that of the call, or for the only "
            "one that is enabled."
        ),
    )
    extension: str | None = strawberry.field(
        description=(
            "Keys to press once a warm transfer was answered: 0 to 9, *, # and w for half a second of "
            "pause; a template."
        ),
    )
    brief: str | None = strawberry.field(
        description=(
            "What the colleague hears before they decide about a warm transfer; a template. Null for a "
            "summary of the call."
        ),
    )
    ringing_timeout: Duration | None = duration_field(
        "ringing_seconds", "How long the phone may ring; null for 30 seconds.", nullable=True
    )
    announcement: str | None = strawberry.field(
        description="What the caller hears before the transfer; a template. Null for nothing.",
    )


@strawberry.type(
    description=("A node of the workflow: one stage of the conversation, handled by one agent.")
)
class WorkflowNode:
    id: str = strawberry.field(
        description="Name of the node, unique in the workflow; several workflows may have the same.",
        deprecation_reason=(
            "Use `key`. It is no id for a cache; those of `Workflow.graph.nodes` are."
        ),
    )

    @strawberry.field(description="Name of the node, unique in the workflow.")
    def key(self) -> str:
        return self.id

    agent: str = strawberry.field(description="Name of the agent that handles the node.")
    is_entry: bool = strawberry.field(description="Whether calls start at this node.")
    is_exit: bool = strawberry.field(description="Whether the agent may end the call at this node.")
    skip_condition: str | None = strawberry.field(
        description="Expression; the node is skipped while it is true. Null: never skipped."
    )
    on_entry: EntryAction = strawberry.field(
        description="What happens when a conversation enters the node."
    )
    transfer: NodeTransfer | None = strawberry.field(
        description="Where TRANSFER_CALL transfers callers to; null for other nodes."
    )
    position: Position | None = strawberry.field(
        description="Where an editor draws the node; null when it has not been placed."
    )


@strawberry.type(
    description=(
        "A directed connection between two nodes, along which a conversation can be handed off."
    )
)
class WorkflowLink:
    source: str = strawberry.field(description="Key of the node where the connection starts.")
    target: str = strawberry.field(description="Key of the node where the connection ends.")
    description: str = strawberry.field(
        description="Instruction that says to the model when to hand off along this connection."
    )
    condition: str | None = strawberry.field(
        description=(
            "Expression; the hand-off happens as soon as it is true, without asking "
            "the model. Null: the model decides."
        )
    )
    priority: int = strawberry.field(
        description=(
            "Priority among conditions that are true; the highest wins, and of equal "
            "ones the first."
        )
    )
    is_default: bool = strawberry.field(
        description=(
            "Whether a conversation that skips the source node, or is routed by it at once, "
            "continues here when no other connection is taken."
        )
    )
    may_repeat: int = strawberry.field(
        description="How many times one call may use the connection."
    )
    context_policy: ContextPolicy = strawberry.field(
        description="How much of the conversation history the next agent receives."
    )
    last_n: int = strawberry.field(
        description=(
            "Number of turns passed on under LAST_N, or under SUMMARY when there is no summary."
        )
    )
    context_passed: list[str] = strawberry.field(
        description="Keys of the shared context that are passed to the next agent."
    )


@strawberry.input(description="Where an editor draws a node, in pixels.")
class PositionInput:
    x: float = strawberry.field(description="Distance from the left edge, in pixels.")
    y: float = strawberry.field(description="Distance from the top edge, in pixels.")


@strawberry.input(description="Where a node transfers callers to.")
class NodeTransferInput:
    number: str = strawberry.field(description="Phone number in E.164; a template.")
    mode: TransferMode = strawberry.field(
        default=TransferMode.COLD, description="How the caller is transferred."
    )
    trunk: str | None = strawberry.field(
        default=None,
        description=(
            "Name of the outbound trunk whose rules apply; omit for that of the call, or for the only "
            "one that is enabled."
        ),
    )
    extension: str | None = strawberry.field(
        default=None,
        description=(
            "Keys to press once a warm transfer was answered: 0 to 9, *, # and w for half a second of "
            "pause; a template."
        ),
    )
    brief: str | None = strawberry.field(
        default=None,
        description=(
            "What the colleague hears before they decide about a warm transfer; a template. Omit for a "
            "summary of the call."
        ),
    )
    ringing_timeout: Duration | None = strawberry.field(
        default=None,
        description="How long the phone may ring, `PT5S` to `PT1M15S`; omit for 30 seconds.",
    )
    announcement: str | None = strawberry.field(
        default=None,
        description="What the caller hears before the transfer; a template. Omit for nothing.",
    )

    def target(self, reader: InputReader) -> TransferTarget:
        return TransferTarget(
            number=self.number,
            mode=self.mode,
            trunk=self.trunk,
            extension=self.extension,
            brief=self.brief,
            ringing_seconds=reader.ringing_seconds(self),
            announcement=self.announcement,
        )


@strawberry.input(
    description=("A node of the workflow: one stage of the conversation, handled by one agent.")
)
class NodeInput:
    id: str = strawberry.field(
        description=(
            "Id of the node, unique in the workflow: lower-case letters, digits and underscores."
        )
    )
    agent: str = strawberry.field(description="Name of the agent that handles the node.")
    is_entry: bool = strawberry.field(
        default=False, description="Whether calls start at this node."
    )
    is_exit: bool = strawberry.field(
        default=False, description="Whether the agent may end the call at this node."
    )
    skip_condition: str | None = strawberry.field(
        default=None,
        description="Expression; the node is skipped while it is true. Null: never skipped.",
    )
    on_entry: EntryAction = strawberry.field(
        default=EntryAction.CONVERSE,
        description="What happens when a conversation enters the node.",
    )
    transfer: NodeTransferInput | None = strawberry.field(
        default=None,
        description="Where TRANSFER_CALL transfers callers to; omit for other nodes.",
    )
    position: PositionInput | None = strawberry.field(
        default=None,
        description="Where an editor draws the node; null when it has not been placed.",
    )

    def node(self, reader: InputReader) -> domain.Node:
        position = self.position
        return domain.Node(
            id=self.id,
            agent=self.agent,
            is_entry=self.is_entry,
            is_exit=self.is_exit,
            skip_condition=self.skip_condition,
            on_entry=self.on_entry,
            transfer=self.transfer.target(reader.at("transfer")) if self.transfer else None,
            position=domain.Position(x=position.x, y=position.y) if position else None,
        )


@strawberry.input(
    description=(
        "A directed connection between two nodes, along which a conversation can be handed off."
    )
)
class ConnectionInput:
    source: str = strawberry.field(description="Id of the node where the connection starts.")
    target: str = strawberry.field(description="Id of the node where the connection ends.")
    description: str = strawberry.field(
        default="",
        description="Instruction that says to the model when to hand off along this connection.",
    )
    condition: str | None = strawberry.field(
        default=None,
        description=(
            "Expression; the hand-off happens as soon as it is true, without asking "
            "the model. Null: the model decides."
        ),
    )
    priority: int = strawberry.field(
        default=0,
        description=(
            "Priority among conditions that are true; the highest wins, and of equal "
            "ones the first."
        ),
    )
    is_default: bool = strawberry.field(
        default=False,
        description=(
            "Whether a conversation that skips the source node, or is routed by it at once, "
            "continues here when no other connection is taken."
        ),
    )
    may_repeat: int = strawberry.field(
        default=1, description="How many times one call may use the connection."
    )
    context_policy: ContextPolicy = strawberry.field(
        default=ContextPolicy.FULL,
        description="How much of the conversation history the next agent receives.",
    )
    last_n: int = strawberry.field(
        default=10,
        description=(
            "Number of turns passed on under LAST_N, or under SUMMARY when there is no summary."
        ),
    )
    context_passed: list[str] = strawberry.field(
        default_factory=list,
        description="Keys of the shared context that are passed to the next agent.",
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


def nodes(inputs: list[NodeInput], reader: InputReader) -> tuple[domain.Node, ...]:
    return tuple(each.node(reader.at(str(index))) for index, each in enumerate(inputs))


def connections(
    inputs: list[ConnectionInput], _reader: InputReader
) -> tuple[domain.Connection, ...]:
    return tuple(connection.connection() for connection in inputs)
