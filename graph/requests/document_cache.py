"""A cache of GraphQL documents, which are parsed and validated once however often they are sent."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    validate,
)
from graphql.validation import recommended_rules, specified_rules
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from domain.common.access import Scope
from graph.requests.complexity import MAX_TOKENS, Fragments, check_complexity, fragments_of
from graph.requests.cost import MAX_COST, CostEstimator, with_defaults
from graph.requests.errors import (
    BAD_REQUEST,
    PARSE_FAILED,
    QUERY_TOO_COMPLEX,
    VALIDATION_FAILED,
    graphql_error,
    with_code,
)
from graph.requests.null_characters import check_document
from graph.requests.required_scopes import required_scopes

RULES: Final = (
    *specified_rules,
    *(rule for rule in recommended_rules if rule not in specified_rules),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
MAX_VALIDATION_ERRORS = 5
MAX_DOCUMENT_LENGTH = 32_768
LIMIT_MESSAGES = (f"more than {MAX_TOKENS} tokens", "nested too deeply")
MAX_CACHED_CHARACTERS = 262_144
"""The limit for all cached documents together. Their syntax trees take about 100 bytes per character."""


class GraphQLDocument:
    """A parsed document that is within the limits. `validate` checks it against the schema."""

    def __init__(self, text: str, ast: DocumentNode) -> None:
        self.text = text
        self.ast = ast
        self.fragments: Fragments = fragments_of(ast)
        self.valid = False
        self.operations = [d for d in ast.definitions if isinstance(d, OperationDefinitionNode)]
        self._scopes: dict[int, frozenset[Scope]] = {}

    def operation(self, name: str | None) -> OperationDefinitionNode:
        matches = [
            op for op in self.operations if name is None or (op.name and op.name.value == name)
        ]
        if len(matches) == 1:
            return matches[0]
        if name is not None:
            raise graphql_error(f"The document has no operation {name[:100]!r}.", BAD_REQUEST)
        if not matches:
            raise graphql_error("The document has no operation.", BAD_REQUEST)
        raise graphql_error(
            "Set operationName: the document has more than one operation to run.", BAD_REQUEST
        )

    def validate(self, schema: GraphQLSchema, *, suggestions: bool) -> list[GraphQLError]:
        """Validation errors; `suggestions` adds names of the schema that may have been intended."""
        if self.valid:
            return []
        errors = validate(
            schema, self.ast, RULES, MAX_VALIDATION_ERRORS, hide_suggestions=not suggestions
        )
        self.valid = not errors
        return [with_code(error, VALIDATION_FAILED) for error in errors]

    def scopes(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> frozenset[Scope]:
        """The scopes that a valid operation of the document needs."""
        key = id(operation)  # the nodes of a document live as long as it does
        if key not in self._scopes:
            self._scopes[key] = required_scopes(schema, operation, self.fragments)
        return self._scopes[key]

    def cost(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
    ) -> int:
        cost = CostEstimator(
            schema, self.fragments, with_defaults(operation, variables or {})
        ).estimate(operation)
        if cost > MAX_COST:
            raise graphql_error(
                f"The operation may cost {cost}; the maximum is {MAX_COST}. "
                "Request smaller pages or fewer fields of each item.",
                QUERY_TOO_COMPLEX,
                cost={"requested": cost, "most": MAX_COST},
            )
        return cost


class DocumentCache:
    """A cache of documents; the least recently used ones are evicted first."""

    def __init__(self, max_characters: int = MAX_CACHED_CHARACTERS) -> None:
        self._documents: OrderedDict[str, GraphQLDocument] = OrderedDict()
        self._characters = 0
        self._max_characters = max_characters

    def get_or_parse(self, text: str) -> GraphQLDocument:
        """Raises `GraphQLError` for a document that has a syntax error or exceeds a limit."""
        document = self._documents.get(text)
        if document is not None:
            self._documents.move_to_end(text)
            return document
        return GraphQLDocument(text, _parse(text))

    def add(self, document: GraphQLDocument) -> None:
        if document.text in self._documents:
            return
        self._documents[document.text] = document
        self._characters += len(document.text)
        while self._characters > self._max_characters:
            evicted, _ = self._documents.popitem(last=False)
            self._characters -= len(evicted)


class PreparsedDocument(SchemaExtension):
    """Gives Strawberry the document that has already been parsed and validated."""

    def __init__(self, documents: DocumentCache) -> None:
        self._documents = documents

    def on_parse(self) -> Iterator[None]:
        execution = self.execution_context
        execution.graphql_document = self._documents.get_or_parse(execution.query or "").ast
        yield

    def on_validate(self) -> Iterator[None]:
        self.execution_context.pre_execution_errors = []
        yield


def _parse(text: str) -> DocumentNode:
    if len(text) > MAX_DOCUMENT_LENGTH:
        raise graphql_error(
            f"The document is longer than {MAX_DOCUMENT_LENGTH} characters.", QUERY_TOO_COMPLEX
        )
    try:
        ast = parse(text, max_tokens=MAX_TOKENS)
    except GraphQLSyntaxError as error:
        over_limit = any(message in error.message for message in LIMIT_MESSAGES)
        raise with_code(error, QUERY_TOO_COMPLEX if over_limit else PARSE_FAILED) from None
    except GraphQLError as error:
        raise with_code(error, QUERY_TOO_COMPLEX) from None
    check_complexity(ast)
    check_document(text, ast)
    return ast
