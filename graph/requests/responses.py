"""Responses: their shape and their encoding."""

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
    """A GraphQL response. It has no `data` when nothing was executed."""
    if not errors:
        return {"data": data}
    if data is None and (not_executed or all(error.path is None for error in errors)):
        return {"errors": format_errors(errors)}
    return {"data": data, "errors": format_errors(errors)}


@dataclass(frozen=True, slots=True)
class EncodedResponse:
    """The encoded response to an operation."""

    text: bytes
    executed: bool
    """False if the operation was rejected before anything was executed."""

    @staticmethod
    def from_payload(payload: dict[str, Any]) -> EncodedResponse:
        return EncodedResponse(encode(payload), "data" in payload)


def encode(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a JSON value of a user holds a number of more than 64 bits
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
