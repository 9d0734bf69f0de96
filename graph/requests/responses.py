"""Results as they go out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLError

from graph.requests.errors import format_errors


def to_response(
    data: Mapping[str, Any] | None,
    errors: Sequence[GraphQLError] | None,
    *,
    not_executed: bool = False,
) -> dict[str, Any]:
    """`data` is left out when the operation was refused `before` anything was executed."""
    if not errors:
        return {"data": data}
    if data is None and (not_executed or all(error.path is None for error in errors)):
        return {"errors": format_errors(errors)}
    return {"data": data, "errors": format_errors(errors)}


@dataclass(frozen=True, slots=True)
class EncodedResponse:
    """To a whole operation, encoded."""

    text: bytes
    executed: bool
    """False: the operation was refused before anything was executed."""

    @staticmethod
    def from_payload(payload: dict[str, Any]) -> EncodedResponse:
        return EncodedResponse(encode(payload), "data" in payload)


def encode(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a number beyond 64 bits, in somebody's JSON
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
