"""How errors are reported to clients.

Every error has a code. A bug is logged once, and the client receives only a reference to that line of
the log."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Sequence
from typing import Any

from graphql import FieldNode, GraphQLError, Node
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.relay import GlobalIDValueError

from domain.common.errors import DomainError, InvalidInputs, RateLimited, Unavailable
from graph.requests.docs_links import request_error_docs

log = logging.getLogger(__name__)

BAD_REQUEST = "BAD_REQUEST"
BAD_USER_INPUT = "BAD_USER_INPUT"
QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"

RETRY_AFTER_SECONDS = 1.0
MAX_ERRORS = 20
MAX_MESSAGE_LENGTH = 500

_CLIENT_ERRORS = (StrawberryInputCoercionError, GlobalIDValueError)


def graphql_error(message: str, code: str, **more: Any) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code, **more})


def from_domain_error(error: DomainError) -> GraphQLError:
    """A domain error as a GraphQL error."""
    return graphql_error(error.message, **_extensions(error))


def with_code(error: GraphQLError, code: str) -> GraphQLError:
    """Set the code of an error that has none, and return the error."""
    error.extensions = {"code": code, **(error.extensions or {})}
    return error


def format_errors(errors: Sequence[GraphQLError]) -> list[dict[str, Any]]:
    return [_with_docs(_format_error(error)) for error in errors[:MAX_ERRORS]]


def _with_docs(payload: dict[str, Any]) -> dict[str, Any]:
    extensions = payload["extensions"]
    docs = request_error_docs(extensions["code"])
    return payload | {"extensions": {**extensions, "docs": docs}}


def _format_error(error: GraphQLError) -> dict[str, Any]:
    payload: dict[str, Any] = {"message": error.message[:MAX_MESSAGE_LENGTH]}
    if error.locations:
        payload["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        payload["path"] = error.path
    if error.extensions and "code" in error.extensions:
        return payload | {"extensions": error.extensions}
    cause = error.original_error
    if isinstance(cause, DomainError):
        return payload | {"message": cause.message, "extensions": _extensions(cause)}
    if _is_client_error(error):
        return payload | {"extensions": {"code": BAD_USER_INPUT}}
    ref = _log_once(cause or error, error)
    return payload | {
        "message": "Something went wrong on our side.",
        "extensions": {"code": "INTERNAL", "ref": ref},
    }


def _extensions(error: DomainError) -> dict[str, Any]:
    facts: dict[str, Any] = {"code": error.code}
    if error.path:
        facts["path"] = list(error.path)
    if isinstance(error, InvalidInputs):
        facts["problems"] = [
            {"message": each.message, "path": list(each.path or ()), "code": each.code}
            for each in error.problems
        ]
    if isinstance(error, RateLimited):
        facts["retryAfter"] = error.retry_after
    if isinstance(error, Unavailable):
        facts["retryAfter"] = RETRY_AFTER_SECONDS
    return facts


def _field_name(node: Node) -> str:
    return node.name.value if isinstance(node, FieldNode) else ""


def _is_client_error(error: GraphQLError) -> bool:
    cause = error.original_error
    if isinstance(cause, _CLIENT_ERRORS):
        return True
    if error.path is None:
        # Nothing was executed. The request is at fault if the error points into the document.
        return bool(error.nodes) or cause is None or isinstance(cause, GraphQLError)
    # The error of an invalid argument points into the document; that of an invalid result does not.
    return isinstance(cause, GraphQLError) and bool(cause.nodes)


def _log_once(error: BaseException, located_error: GraphQLError) -> str:
    """Log without the message of the exception and without aliases, which may hold personal data."""
    ref: str | None = getattr(error, "_ref", None)
    if ref is None:
        ref = secrets.token_hex(6)
        error._ref = ref  # type: ignore[attr-defined]
        frames = traceback.extract_tb(error.__traceback__)
        log.error(
            "field failed",
            extra={
                "ref": ref,
                "error": f"{type(error).__module__}.{type(error).__qualname__}",
                "field": next((_field_name(node) for node in located_error.nodes or ()), ""),
                "frames": [f"{f.filename}:{f.lineno} {f.name}" for f in frames[-8:]],
            },
        )
    return ref
