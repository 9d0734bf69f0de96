"""Limits, caches and shared subscriptions with the real schema."""

from __future__ import annotations

import gc
import json
import sys
from datetime import UTC, datetime
from typing import Any, get_type_hints
from uuid import UUID, uuid4

import pytest
from graphql import (
    GraphQLObjectType,
    GraphQLUnionType,
    get_introspection_query,
    get_named_type,
    is_leaf_type,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calls.events import (
    DURABLE,
    CallUpdate,
    EphemeralEvent,
    PartialTranscript,
    StateChanged,
    StoredEvent,
)
from domain.calls.model import CallId, CallState
from domain.common.access import TenantId
from domain.common.compute import Compute
from graph.requests.document_cache import DocumentCache
from graph.requests.execution import MAX_COERCION_ERRORS
from graph.requests.introspection import MAX_CACHED_RESPONSES, IntrospectionCache
from graph.requests.subscription_cache import Fanout, SharedSubscription
from graph.schema.build import build_schema

CALL = CallId(UUID(int=7))
TENANT = TenantId(UUID(int=1))
SCHEMA = build_schema()


def everything() -> str:
    """Selects every field of every event, except `call`."""
    union = SCHEMA._schema.get_type("CallUpdate")
    assert isinstance(union, GraphQLUnionType)
    parts = [f"...on {type.name}{{{_leaves(type)}}}" for type in union.types]
    document = "subscription($c:ID!,$a:Cursor){callEvents(callId:$c,after:$a){__typename "
    return document + " ".join(parts) + "}}"


def _leaves(type: GraphQLObjectType) -> str:
    return " ".join(
        name for name, field in type.fields.items() if is_leaf_type(get_named_type(field.type))
    )


def test_a_query_for_every_field_of_a_call_is_within_the_limits() -> None:
    document = DocumentCache().get_or_parse(everything())
    assert document.validate(SCHEMA._schema, suggestions=True) == []
    assert document.cost(SCHEMA._schema, document.operation(None), {}) == 1


def test_graphiql_may_introspect() -> None:
    document = DocumentCache().get_or_parse(get_introspection_query(input_value_deprecation=True))
    assert document.validate(SCHEMA._schema, suggestions=True) == []
    assert document.cost(SCHEMA._schema, document.operation(None), {}) == 1000


@pytest.mark.anyio
async def test_introspection_results_are_cached_without_their_documents() -> None:
    """Otherwise many large documents with small results would fill the memory."""
    compute = Compute()
    introspection = IntrospectionCache(SCHEMA._schema, compute)
    for n in range(MAX_CACHED_RESPONSES + 10):
        document = DocumentCache().get_or_parse(f"{{__schema{{__typename}}}} # {n} {'x' * 20_000}")
        await introspection.execute(TENANT, document, document.operation(None), None)
    compute.close()
    assert len(introspection._responses) == MAX_CACHED_RESPONSES
    assert sum(map(sys.getsizeof, introspection._responses)) < 100 * MAX_CACHED_RESPONSES


def test_errors_in_variables_of_a_subscription_are_limited_in_number() -> None:
    document = DocumentCache().get_or_parse(
        "subscription($n:[Int!]){callEvents(callId:1){__typename}}"
    )
    errors = Fanout(SCHEMA).subscribe(document, None, {"n": ["x"] * 50}, None)
    assert isinstance(errors, list)
    assert len(errors) == MAX_COERCION_ERRORS + 1, "the last says that there are more"


def test_fields_with_ids_are_priced_by_the_number_of_ids() -> None:
    inner = "{...on Call{events(first:10){edges{cursor}}}}"
    for text, variables in (
        (f'{{nodes(ids:["a","b","c"]){inner}}}', {}),
        (f"query($i:[ID!]!){{nodes(ids:$i){inner}}}", {"i": ["a", "b", "c"]}),
    ):
        document = DocumentCache().get_or_parse(text)
        cost = document.cost(SCHEMA._schema, document.operation(None), variables)
        assert cost == 3 * (1 + 1 + 10)


def test_shared_subscriptions_end_with_their_last_subscriber() -> None:
    fanout = Fanout(SCHEMA)
    event = StoredEvent(
        CALL, 1, datetime.now(UTC), StateChanged(before=None, state=CallState.PENDING), "c"
    )
    for n in range(20):
        text = f"subscription{{callEvents(callId:1){{__typename}}}} # {n}"
        watching = fanout.subscribe(DocumentCache().get_or_parse(text), None, None, None)
        assert isinstance(watching, SharedSubscription)
        assert watching.shared_text(event)
        assert len(fanout._call_executions) == 1
        del watching
    gc.collect()
    assert len(fanout._call_executions) == 0


LOOSE = {"arguments": st.just({"slot": "monday"}), "result": st.just(2**40), "value": st.just([1])}
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(0, 10**6),
    float: st.floats(0, 10**6),
    float | None: st.none() | st.floats(0, 10**6),
}


def events_of(kind: type) -> st.SearchStrategy[Any]:
    given = {name: PLAIN.get(hint) for name, hint in get_type_hints(kind).items()}
    given |= {name: LOOSE[name] for name in given if name in LOOSE}
    return st.builds(kind, **{name: value for name, value in given.items() if value is not None})


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from([*DURABLE, PartialTranscript]).flatmap(events_of))
def test_every_field_of_every_event_is_the_same_for_all_subscribers(event: Any) -> None:
    watching = Fanout(SCHEMA).subscribe(
        DocumentCache().get_or_parse(everything()), None, {"c": "1"}, None
    )
    assert isinstance(watching, SharedSubscription)
    if isinstance(event, PartialTranscript):
        update: CallUpdate = EphemeralEvent(CALL, event)
    else:
        update = StoredEvent(CALL, 1, datetime.now(UTC), event, "cursor")
    text = watching.shared_text(update)
    assert text is not None
    answer = json.loads(text)
    assert list(answer) == ["data"]
    assert answer["data"]["callEvents"]["__typename"] == type(event).__name__


def test_rendering_an_event_leaves_nothing_behind() -> None:
    """Subscriptions to a long call, or to a list, last for days."""
    watching = Fanout(SCHEMA).subscribe(
        DocumentCache().get_or_parse(everything()), None, {"c": "1"}, None
    )
    assert isinstance(watching, SharedSubscription)

    def objects_after(events: int) -> int:
        for n in range(events):
            state = StateChanged(before=None, state=CallState.PENDING)
            # A different call each time, so that no cached response is used.
            assert watching.shared_text(
                StoredEvent(CallId(uuid4()), n, datetime.now(UTC), state, "c")
            )
        gc.collect()
        return len(gc.get_objects())

    before = objects_after(50)
    assert objects_after(500) - before < 500 * 3
