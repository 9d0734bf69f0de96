"""Documents, parsed and validated once however often they are sent."""

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

from graph.requests.complexity import MOST_TOKENS, Fragments, check, fragments_of
from graph.requests.cost import MOST_COST, Pricing, with_defaults
from graph.requests.errors import (
    BAD_REQUEST,
    PARSE_FAILED,
    TOO_COMPLEX,
    VALIDATION_FAILED,
    coded,
    refusal,
)
from graph.requests.null_characters import refuse_in_document

RULES: Final = (
    *specified_rules,
    *(rule for rule in recommended_rules if rule not in specified_rules),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
MOST_FINDINGS = 5
LONGEST = 32_768
TOO_MUCH = (f"more than {MOST_TOKENS} tokens", "nested too deeply")
MOST_LETTERS = 262_144
"""Of all kept documents together; as syntax trees they take some hundred times that in bytes."""


class Document:
    """A document within the limits. Whether it fits the schema is found out when asked for."""

    def __init__(self, text: str, ast: DocumentNode) -> None:
        self.text = text
        self.ast = ast
        self.fragments: Fragments = fragments_of(ast)
        self.valid = False
        self.operations = [d for d in ast.definitions if isinstance(d, OperationDefinitionNode)]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        found = [
            op for op in self.operations if name is None or (op.name and op.name.value == name)
        ]
        if len(found) == 1:
            return found[0]
        if name is not None:
            raise refusal(f"The document has no operation {name[:100]!r}.", BAD_REQUEST)
        if not found:
            raise refusal("The document has no operation.", BAD_REQUEST)
        raise refusal("Say by operationName which of the operations to run.", BAD_REQUEST)

    def findings(self, schema: GraphQLSchema, *, hints: bool) -> list[GraphQLError]:
        """What does not fit the schema; `hints` names what may have been meant."""
        if self.valid:
            return []
        errors = validate(schema, self.ast, RULES, MOST_FINDINGS, hide_suggestions=not hints)
        self.valid = not errors
        return [coded(error, VALIDATION_FAILED) for error in errors]

    def cost(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
    ) -> int:
        cost = Pricing(schema, self.fragments, with_defaults(operation, variables or {})).of(
            operation
        )
        if cost > MOST_COST:
            raise refusal(
                f"The operation may cost {cost}, at most {MOST_COST} is allowed. "
                "Ask for smaller pages, or for less of each item.",
                TOO_COMPLEX,
                cost={"requested": cost, "most": MOST_COST},
            )
        return cost


class Documents:
    """The documents of late; the least recently used ones are forgotten first."""

    def __init__(self, most_letters: int = MOST_LETTERS) -> None:
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._letters = 0
        self._most = most_letters

    def read(self, text: str) -> Document:
        """Raises `GraphQLError` for what cannot be read or is over a limit."""
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
            return document
        return Document(text, _parse(text))

    def keep(self, document: Document) -> None:
        if document.text in self._kept:
            return
        self._kept[document.text] = document
        self._letters += len(document.text)
        while self._letters > self._most:
            forgotten, _ = self._kept.popitem(last=False)
            self._letters -= len(forgotten)


class AsAdmitted(SchemaExtension):
    """Hands Strawberry the document that was parsed and validated before."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def on_parse(self) -> Iterator[None]:
        run = self.execution_context
        run.graphql_document = self._documents.read(run.query or "").ast
        yield

    def on_validate(self) -> Iterator[None]:
        self.execution_context.pre_execution_errors = []
        yield


def _parse(text: str) -> DocumentNode:
    if len(text) > LONGEST:
        raise refusal(f"The document is longer than {LONGEST} letters.", TOO_COMPLEX)
    try:
        ast = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLSyntaxError as error:
        too_much = any(words in error.message for words in TOO_MUCH)
        raise coded(error, TOO_COMPLEX if too_much else PARSE_FAILED) from None
    except GraphQLError as error:
        raise coded(error, TOO_COMPLEX) from None
    check(ast)
    refuse_in_document(text, ast)
    return ast
