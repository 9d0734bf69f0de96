"""What an operation may cost, before it runs: objects count one, lists as often as they are long.

A selection costs `fixed + each * length`, where the length of its lists is decided by whoever
selects it: `agents(first: 50)` decides it for `edges`. So a fragment is priced once."""

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
"""Taken for the length of a list that nobody can choose."""
PAGE_SIZE_ARGUMENTS = ("first", "last")
LOG_READ_COST = 10
"""More for an object of which a field is asked for that a whole log has to be read for."""
LOG_READ_FIELDS = {
    "Call": frozenset({"transcript", "context", "nodesVisited", "usage", "cost", "latency"}),
    "Query": frozenset({"simulationFromCall"}),
}
IDS_ARGUMENT = "ids"
"""As many are answered as are listed here."""
INTROSPECTION_COSTS = {"__schema": 1_000, "__type": 50}
EXTRA_COSTS: Mapping[tuple[str, str], int] = {
    ("Workflow", "findings"): 20,
    ("Workflow", "draftDiff"): 20,
    ("WorkflowVersion", "diff"): 20,
    ("Query", "verifyWorkflow"): 20,
    ("Query", "exportBundle"): 20,
    ("Mutation", "createWorkflow"): 0,
    ("Mutation", "updateWorkflow"): 0,
    ("Mutation", "publishWorkflow"): 500,
    ("Mutation", "restoreWorkflow"): 500,
    ("Mutation", "importBundle"): 20,
    ("Mutation", "startCall"): 0,
}
"""More than for the object that is answered: for the work behind it. Each object within an argument,
such as a node or a connection, is one more."""
DRAFT_CALL_COST = 20
"""More for a call that runs a draft, because the draft is verified."""
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
    """Of one operation with its variables."""

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
        folded = (
            LOG_READ_FIELDS.get(parent.name, frozenset()) if parent is not None else frozenset()
        )
        fold = LinearCost()
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                total = total.plus(self._field(node, parent))
                if node.name.value in folded:
                    fold = LinearCost(fixed=LOG_READ_COST)
                continue
            name, price = self._fragment(node, parent)
            if parent is None or name == parent.name:
                total = total.plus(price)
            else:
                branches[name] = branches.get(name, LinearCost()).plus(price)
        # An object is of one type: of the branches for several, one is taken.
        dearest = LinearCost(
            max((p.fixed for p in branches.values()), default=0),
            max((p.per_item for p in branches.values()), default=0),
        )
        return total.plus(dearest).plus(fold)

    def _fragment(self, node: Any, parent: GraphQLNamedType | None) -> tuple[str, LinearCost]:
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            fragment = self._fragments[name]
            condition = fragment.type_condition.name.value
            if name not in self._fragment_costs:
                self._fragment_costs[name] = self._selection(
                    fragment.selection_set, self._schema.get_type(condition)
                )
            return condition, self._fragment_costs[name]
        assert isinstance(node, InlineFragmentNode)
        on = node.type_condition
        of = self._schema.get_type(on.name.value) if on else parent
        return of.name if of else "", self._selection(node.selection_set, of)

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
            inner_price = inner.at_length(ASSUMED_LIST_LENGTH if length is None else length)
            return LinearCost(fixed=1 + inner_price + self._extra_cost(node, parent))
        item = 1 + inner.at_length(ASSUMED_LIST_LENGTH)
        return LinearCost(per_item=item) if length is None else LinearCost(fixed=length * item)

    def _extra_cost(self, node: FieldNode, parent: GraphQLNamedType | None) -> int:
        work = EXTRA_COSTS.get((parent.name if parent else "", node.name.value))
        if work is None:
            return 0
        given = {a.name.value: self._untyped_value(a.value) for a in node.arguments or ()}
        if node.name.value == "exportBundle":
            named = given.get("workflows")
            return (
                work + COST_PER_EXPORTED_WORKFLOW * len(named)
                if isinstance(named, list)
                else FULL_EXPORT_COST
            )
        if node.name.value == "startCall":
            return DRAFT_CALL_COST if _is_draft(given.get("input")) else 0
        return work + min(MAX_INPUT_OBJECTS, sum(map(_count_input_objects, given.values())))

    def _length(self, node: FieldNode, field: GraphQLField) -> int | None:
        """Of the list, where a client may choose it. What is not understood is taken for long."""
        given = {a.name.value: self._literal_value(a.value) for a in node.arguments or ()}
        if IDS_ARGUMENT in field.args:
            listed = given.get(IDS_ARGUMENT)
            return len(listed) if isinstance(listed, list) else MAX_PAGE_SIZE
        sizes = [given[name] for name in PAGE_SIZE_ARGUMENTS if name in given]
        if not sizes and any(name in field.args for name in PAGE_SIZE_ARGUMENTS):
            return DEFAULT_PAGE_SIZE
        return max(map(_page_size, sizes)) if sizes else None

    def _untyped_value(self, node: ValueNode) -> Any:
        """What an argument comes to."""
        return value_from_ast_untyped(node, dict(self._variables))

    def _literal_value(self, node: ValueNode) -> Any:
        match node:
            case VariableNode():
                return self._variables.get(node.name.value)
            case ListValueNode():
                return list(node.values)
            case _:
                return getattr(node, "value", None)


def _count_input_objects(given: Any) -> int:
    """The objects within an argument, wherever they stand in it; no more than matter are counted."""
    count, left = 0, [given] if isinstance(given, dict | list) else []
    while left and count <= MAX_INPUT_OBJECTS:
        each = left.pop()
        inside = each.values() if isinstance(each, dict) else each
        nested = [value for value in inside if isinstance(value, dict | list)]
        count += sum(isinstance(value, dict) for value in nested)
        left += nested
    return count


def _is_draft(given: Any) -> bool:
    return isinstance(given, dict) and bool(given.get("draft"))


def _page_size(given: object) -> int:
    if given is None:
        return DEFAULT_PAGE_SIZE
    try:
        return max(0, min(int(cast(Any, given)), MAX_PAGE_SIZE))
    except (ValueError, TypeError, OverflowError):
        return MAX_PAGE_SIZE


def with_defaults(
    operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """The variables as they will be: what is not given has its default."""
    defaults = {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }
    return {**defaults, **variables}
