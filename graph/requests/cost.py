"""The maximum cost of an operation, computed before it runs: each object that it may return costs one.

A selection costs `fixed + per_item * length`, where the field that has the selection sets the length
of its lists: `agents(first: 50)` sets it for `edges`. Therefore each fragment is priced once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
    value_from_ast_untyped,
)

from graph.requests.complexity import Fragments

MAX_COST = 5_000
DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
ASSUMED_LIST_LENGTH = 10
"""The assumed length of a list whose length the client cannot choose."""
PAGE_SIZE_ARGUMENTS = ("first", "last")
LOG_READ_COST = 10
"""Extra cost of an object when a selected field needs the whole event log of a call."""
LOG_READ_FIELDS = {
    "Call": frozenset({"transcript", "context", "nodesVisited", "usage", "cost", "latency"}),
    "Query": frozenset({"simulationFromCall"}),
}
IDS_ARGUMENT = "ids"
"""The length of this argument is the length of the list."""
INTROSPECTION_COSTS = {"__schema": 1_000, "__type": 50}
COUNT_COST = 5
"""Extra cost of a `totalCount`, for which items are counted one by one."""
EXTRA_COSTS: Mapping[tuple[str, str], int] = {
    ("Workflow", "findings"): 20,
    ("Workflow", "draftDiff"): 20,
    ("WorkflowVersion", "diff"): 20,
    ("WorkflowVersion", "calls"): 5,
    ("CallConnection", "totalCount"): 50,
    ("CallStatistics", "firstAudio"): 50,
    ("Query", "callStatistics"): 50,
    ("Query", "workerPool"): 20,
    ("Query", "verifyWorkflow"): 20,
    ("Query", "exportBundle"): 20,
    ("Mutation", "createWorkflow"): 0,
    ("Mutation", "updateWorkflow"): 0,
    ("Mutation", "publishWorkflow"): 500,
    ("Mutation", "restoreWorkflow"): 500,
    ("Mutation", "importBundle"): 20,
    ("Mutation", "startCall"): 0,
}
"""Extra cost of a field for the work behind it, in addition to the returned object. Each object within
an argument, such as a node or a connection, costs one more."""
DRAFT_CALL_COST = 20
"""Extra cost of a call that runs a draft, because the draft is verified."""
FULL_EXPORT_COST = 2_000
COST_PER_EXPORTED_WORKFLOW = 20
MAX_INPUT_OBJECTS = 4_000


@dataclass(frozen=True, slots=True)
class LinearCost:
    fixed: int = 0
    per_item: int = 0

    def plus(self, other: LinearCost) -> LinearCost:
        return LinearCost(self.fixed + other.fixed, self.per_item + other.per_item)

    def at_length(self, length: int) -> int:
        return self.fixed + self.per_item * length


class CostEstimator:
    """Estimates the cost of an operation with its variables."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Fragments, variables: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._fragment_costs: dict[str, LinearCost] = {}

    def estimate(self, operation: OperationDefinitionNode) -> int:
        root = self._schema.get_root_type(operation.operation)
        return self._selection(operation.selection_set, root).at_length(ASSUMED_LIST_LENGTH)

    def _selection(
        self, selection: SelectionSetNode | None, parent: GraphQLNamedType | None
    ) -> LinearCost:
        total = LinearCost()
        branches: dict[str, LinearCost] = {}
        log_fields = (
            LOG_READ_FIELDS.get(parent.name, frozenset()) if parent is not None else frozenset()
        )
        log_read = LinearCost()
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                total = total.plus(self._field(node, parent))
                if node.name.value in log_fields:
                    log_read = LinearCost(fixed=LOG_READ_COST)
                continue
            type_name, cost = self._fragment(node, parent)
            if parent is None or type_name == parent.name:
                total = total.plus(cost)
            else:
                branches[type_name] = branches.get(type_name, LinearCost()).plus(cost)
        # An object has one type, so at most one of the branches for other types applies.
        costliest = LinearCost(
            max((p.fixed for p in branches.values()), default=0),
            max((p.per_item for p in branches.values()), default=0),
        )
        return total.plus(costliest).plus(log_read)

    def _fragment(self, node: Any, parent: GraphQLNamedType | None) -> tuple[str, LinearCost]:
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            fragment = self._fragments[name]
            type_name = fragment.type_condition.name.value
            if name not in self._fragment_costs:
                self._fragment_costs[name] = self._selection(
                    fragment.selection_set, self._schema.get_type(type_name)
                )
            return type_name, self._fragment_costs[name]
        assert isinstance(node, InlineFragmentNode)
        condition = node.type_condition
        type_ = self._schema.get_type(condition.name.value) if condition else parent
        return type_.name if type_ else "", self._selection(node.selection_set, type_)

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> LinearCost:
        name = node.name.value
        if name in INTROSPECTION_COSTS:
            return LinearCost(fixed=INTROSPECTION_COSTS[name])
        field: GraphQLField | None = getattr(parent, "fields", {}).get(name)
        if field is None or not is_composite_type(get_named_type(field.type)):
            return LinearCost()
        inner = self._selection(node.selection_set, get_named_type(field.type))
        length = self._length(node, field)
        if not is_list_type(get_nullable_type(field.type)):
            inner_cost = inner.at_length(ASSUMED_LIST_LENGTH if length is None else length)
            return LinearCost(fixed=1 + inner_cost + self._extra_cost(node, parent))
        item = 1 + inner.at_length(ASSUMED_LIST_LENGTH)
        return LinearCost(per_item=item) if length is None else LinearCost(fixed=length * item)

    def _extra_cost(self, node: FieldNode, parent: GraphQLNamedType | None) -> int:
        default = COUNT_COST if node.name.value == "totalCount" else None
        extra = EXTRA_COSTS.get((parent.name if parent else "", node.name.value), default)
        if extra is None:
            return 0
        arguments = {a.name.value: self._untyped_value(a.value) for a in node.arguments or ()}
        if node.name.value == "exportBundle":
            workflows = arguments.get("workflows")
            return (
                extra + COST_PER_EXPORTED_WORKFLOW * len(workflows)
                if isinstance(workflows, list)
                else FULL_EXPORT_COST
            )
        if node.name.value == "startCall":
            return DRAFT_CALL_COST if _is_draft(arguments.get("input")) else 0
        return extra + min(MAX_INPUT_OBJECTS, sum(map(_count_input_objects, arguments.values())))

    def _length(self, node: FieldNode, field: GraphQLField) -> int | None:
        """The length of the list that the client chose; None where it cannot choose.

        A value that cannot be interpreted counts as the maximum page size."""
        arguments = {a.name.value: self._literal_value(a.value) for a in node.arguments or ()}
        if IDS_ARGUMENT in field.args:
            ids = arguments.get(IDS_ARGUMENT)
            return len(ids) if isinstance(ids, list) else MAX_PAGE_SIZE
        sizes = [arguments[name] for name in PAGE_SIZE_ARGUMENTS if name in arguments]
        if not sizes and any(name in field.args for name in PAGE_SIZE_ARGUMENTS):
            return DEFAULT_PAGE_SIZE
        return max(map(_page_size, sizes)) if sizes else None

    def _untyped_value(self, node: ValueNode) -> Any:
        """The value of an argument, with its variables replaced."""
        return value_from_ast_untyped(node, dict(self._variables))

    def _literal_value(self, node: ValueNode) -> Any:
        match node:
            case VariableNode():
                return self._variables.get(node.name.value)
            case ListValueNode():
                return list(node.values)
            case _:
                return getattr(node, "value", None)


def _count_input_objects(value: Any) -> int:
    """The number of objects within an argument at any depth. Counting stops above the limit."""
    count, remaining = 0, [value] if isinstance(value, dict | list) else []
    while remaining and count <= MAX_INPUT_OBJECTS:
        item = remaining.pop()
        children = item.values() if isinstance(item, dict) else item
        nested = [value for value in children if isinstance(value, dict | list)]
        count += sum(isinstance(value, dict) for value in nested)
        remaining += nested
    return count


def _is_draft(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("draft"))


def _page_size(value: object) -> int:
    if value is None:
        return DEFAULT_PAGE_SIZE
    try:
        return max(0, min(int(cast(Any, value)), MAX_PAGE_SIZE))
    except (ValueError, TypeError, OverflowError):
        return MAX_PAGE_SIZE


def with_defaults(
    operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """The variables of a request, completed with the defaults of the operation."""
    defaults = {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }
    return {**defaults, **variables}
