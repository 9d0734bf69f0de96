"""The scopes that the schema declares, and what happens to an operation that lacks one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
    parse,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from domain.common.access import ROLE_SCOPES, Role, Scope, Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.tenants.api_keys import ApiKeySpec
from domain.use_cases.api_keys import create_api_key
from graph.export_schema import SCOPES_FILE, scopes_text
from graph.requests.auth import PUBLIC_FIELDS
from graph.requests.document_cache import GraphQLDocument
from graph.requests.required_scopes import EXTENSION
from graph.schema.build import build_schema
from graph.schema.required_scopes import FIELDS, OBJECTS, ROOT_FIELDS
from tests.api.test_accounts import execute
from tests.support.api_server import Api

pytestmark = pytest.mark.anyio

SCHEMA = build_schema()._schema
ROOTS = [r for r in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type) if r]
VALUES = {"PageInfo", "ItemCount", "ProviderChoice", "Fallback", "SpokenTextTemplate"}
"""Values without data of their own, or that several objects hold, each its own."""


OF_PERSONS = {
    f"Mutation.{name}"
    for name in (
        *("switchTenant", "endSession", "endSessions", "updateProfile", "changePassword"),
        *("enrolTotp", "confirmTotp", "replaceRecoveryCodes", "removeTotp"),
    )
}
"""What persons do about themselves, and no API key can do, whatever its scopes."""


def root_fields() -> Iterator[tuple[str, GraphQLField]]:
    for root in ROOTS:
        for name, field in root.fields.items():
            yield f"{root.name}.{name}", field


def test_every_operation_declares_its_scopes_or_is_public() -> None:
    declared = {path for path, field in root_fields() if EXTENSION in field.extensions}
    public = {path for path, _ in root_fields() if path.split(".")[1] in PUBLIC_FIELDS}
    undeclared = {path for path, _ in root_fields()} - declared - public
    assert undeclared == set(), "add them to graph/schema/required_scopes.py"
    assert ROOT_FIELDS.keys() == declared


def test_every_row_of_the_tables_names_a_part_of_the_schema() -> None:
    fields = {
        f"{name}.{field}"
        for name, type_ in SCHEMA.type_map.items()
        if is_object_type(type_)
        for field in type_.fields
    }
    assert FIELDS.keys() - fields == set()
    assert {name for name in OBJECTS if not is_object_type(SCHEMA.type_map.get(name))} == set()


def test_a_part_of_several_objects_is_an_object_with_scopes_of_its_own() -> None:
    """Otherwise a new way to an object could show it to credentials that lack the scope for it."""
    owners: dict[str, set[frozenset[Scope]]] = {}

    def visit(type_: GraphQLObjectType, scopes: frozenset[Scope]) -> None:
        own = type_.extensions.get(EXTENSION, scopes)
        if own in owners.setdefault(type_.name, set()):
            return
        owners[type_.name].add(own)
        for field in type_.fields.values():
            visit_result(field, field.extensions.get(EXTENSION, own))

    def visit_result(field: GraphQLField, scopes: frozenset[Scope]) -> None:
        named: Any = get_named_type(field.type)
        if is_leaf_type(named):
            return
        for each in [named] if is_object_type(named) else SCHEMA.get_possible_types(named):
            visit(each, scopes)

    for _, field in root_fields():
        visit_result(field, frozenset(s for s in field.extensions.get(EXTENSION, ()) if is_read(s)))
    error: Any = SCHEMA.type_map["Error"]
    errors = {each.name for each in SCHEMA.get_possible_types(error)}
    ambiguous = {name for name, by in owners.items() if len({own for own in by if own}) > 1}
    assert ambiguous - errors - VALUES == set()


def is_read(scope: Scope) -> bool:
    return scope.endswith(":read")


def test_the_page_of_scopes_is_that_of_the_schema() -> None:
    remedy = "run `python -m graph.export_schema` and commit docs/scopes.md"
    assert SCOPES_FILE.read_text() == scopes_text(), remedy


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        ("{ viewer { scopes } __schema { types { name } } }", ""),
        ("{ viewer { limits { used } } }", "calls:read"),
        ("{ calls { edges { node { workflow { slug } } } } }", "calls:read workflows:read"),
        ("{ node(id: 1) { id } }", ""),
        (
            "{ node(id: 1) { ... on Agent { name } ...F } } fragment F on Call { id }",
            "agents calls",
        ),
        ("{ agents @skip(if: true) { edges { node { usedBy } } } }", "agents:read workflows:read"),
        (
            (
                "mutation { createAgent(input: {name: 1}) { ... on CreateAgentSuccess "
                "{ agent { tools { name } } } } }"
            ),
            "agents:read agents:write tools:read",
        ),
        ("mutation { startCall(input: {}) { ... on StartCallSuccess { callId } } }", "calls:join"),
    ],
)
def test_an_operation_needs_the_scopes_of_what_it_selects(text: str, scopes: str) -> None:
    ast = parse(text)
    document = GraphQLDocument(text, ast)
    needed = document.scopes(SCHEMA, document.operations[0])
    names = {name if ":" in name else f"{name}:read" for name in scopes.split()}
    assert {scope.value for scope in needed} == names


# ---- over HTTP --------------------------------------------------------------------------------


async def key_with(services: Services, viewer: Viewer, *scopes: Scope) -> str:
    spec = ApiKeySpec(name="some", scopes=frozenset(scopes))
    return (await create_api_key(services, viewer, spec)).value


async def key_of_operator(settings: Settings, services: Services, viewer: Viewer) -> str:
    key = await key_with(services, viewer, Scope.CALLS_JOIN)
    await execute(
        settings,
        "insert into installation_operator (subject) select 'key:' || id from api_key where prefix = $1",
        key[:12],
    )
    return key


async def powerless_key(settings: Settings, services: Services, viewer: Viewer) -> str:
    key = await key_with(services, viewer, Scope.CALLS_READ)
    await execute(settings, "update api_key set scopes = '{}' where prefix = $1", key[:12])
    return key


async def test_a_mutation_that_lacks_a_scope_changes_nothing(
    api: Api, services: Services, viewer: Viewer
) -> None:
    headers = {"x-api-key": await key_with(services, viewer, Scope.AGENTS_WRITE)}
    create = """mutation { createAgent(input: {name: "desk", prompt: {system: "Help."}}) {
      __typename ... on CreateAgentSuccess { agent { name %s } } } }"""
    refused = await api.execute(create % "tools { name } usedBy", auth=False, headers=headers)
    [error] = refused.pop("errors")
    assert refused.keys() == {"extensions"}
    assert error["extensions"] == {
        "code": "FORBIDDEN",
        "missing": ["TOOLS_READ", "WORKFLOWS_READ"],
        "docs": "/docs/api#forbidden",
    }
    listed = "{ agents { edges { node { name } } } }"
    assert (await api.execute(listed))["data"]["agents"]["edges"] == []
    created = await api.execute(create % "", auth=False, headers=headers)
    assert created["data"]["createAgent"]["agent"] == {"name": "desk"}


def minimal_document(path: str, field: GraphQLField) -> tuple[str, dict[str, Any]]:
    """A valid document for one operation, and values for its required arguments."""
    root, name = path.split(".")
    required = {n: a.type for n, a in field.args.items() if is_required_argument(a)}
    variables = ", ".join(f"${n}: {type_}" for n, type_ in required.items())
    arguments = ", ".join(f"{n}: ${n}" for n in required)
    head = f"{root.lower()} ({variables})" if required else root.lower()
    call = f"{name}({arguments})" if required else name
    selection = "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"
    values = {n: value_for(type_) for n, type_ in required.items()}
    return f"{head} {{ {call} {selection} }}", values


def value_for(type_: Any) -> Any:
    """A value that is valid for the type, and neither the id nor the name of an object."""
    if is_list_type(get_nullable_type(type_)):
        return []
    named: Any = get_named_type(type_)
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    if isinstance(named, GraphQLInputObjectType):
        return _input_for(named)
    return {"Int": 1, "Float": 1.0, "Boolean": False, "Duration": "PT1S"}.get(named.name, "x")


def _input_for(type_: GraphQLInputObjectType) -> dict[str, Any]:
    definition = type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    if definition.is_one_of:
        name, field = next(iter(type_.fields.items()))
        return {name: value_for(field.type)}
    return {n: value_for(f.type) for n, f in type_.fields.items() if is_required_input_field(f)}


async def test_each_operation_needs_what_it_declares_and_no_more(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    """The use cases check scopes, too; they must agree with the schema."""
    nothing = await powerless_key(settings, services, viewer)
    for path, field in root_fields():
        declared = field.extensions.get(EXTENSION)
        if declared is None or path.startswith("Subscription."):
            continue
        document, variables = minimal_document(path, field)
        if declared:
            refused = await api.execute(document, auth=False, headers={"x-api-key": nothing})
            [error] = refused["errors"]
            assert error["extensions"]["code"] == "FORBIDDEN", path
            assert set(error["extensions"]["missing"]) >= {s.name for s in declared}, path
        if path == "Mutation.startCall":  # other kinds of calls need more
            variables["input"]["kind"] = "VOIP"
        if path in OF_PERSONS:
            continue
        needed = {*declared, *needed_by_result(field)}
        if path == "Mutation.createIdentityProvider":  # its roles may be those of owners
            needed |= ROLE_SCOPES[Role.OWNER]
        enough = nothing
        if Scope.INSTALLATION_MANAGE in needed:
            enough = await key_of_operator(settings, services, viewer)
        elif needed:
            enough = await key_with(services, viewer, *needed)
        answer = await api.execute(
            document, auth=False, headers={"x-api-key": enough}, variables=variables
        )
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert "FORBIDDEN" not in codes, (path, answer)


def needed_by_result(field: GraphQLField) -> set[Scope]:
    named: Any = get_named_type(field.type)
    return set(named.extensions.get(EXTENSION, ()))


async def test_a_subscription_ends_when_its_credential_loses_a_scope(
    api: Api, services: Services, settings: Settings, viewer: Viewer
) -> None:
    key = await key_with(services, viewer, Scope.CALLS_READ, Scope.AGENTS_READ)
    async with api.socket({}) as socket, api.socket({}) as idle:
        for each in (socket, idle):
            await each.send(type="connection_init", payload={"apiKey": key})
            assert await each.receive() == {"type": "connection_ack"}
        await socket.subscribe("1", "subscription { calls { __typename } }")
        assert (await socket.receive())["type"] == "next"
        await execute(settings, "update api_key set scopes = '{agents:read}' where role is null")
        assert await socket.wait_closed() == (4403, "Permissions changed")
        await idle.subscribe("1", "{ agents { edges { node { id } } } }")
        assert (await idle.receive())["payload"]["data"] == {"agents": {"edges": []}}
        assert (await idle.receive())["type"] == "complete"
        await idle.subscribe("2", "{ calls { edges { node { id } } } }")
        [error] = (await idle.receive())["payload"]
        assert error["extensions"]["missing"] == ["CALLS_READ"]
