"""Outcomes of operations that are not a success."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TypedError:
    """The member of a mutation's result union that says why nothing was changed."""

    type: str
    code: str
    message: str
    fields: Mapping[str, Any]
    """All selected fields, such as `path` and `problems`."""


class RequestFailed(Exception):
    """An error in `errors` of a response, or one of the transport.

    `code` is that of the API, or `UNREACHABLE` (no response), `TIMEOUT` (the deadline passed),
    `BAD_RESPONSE` (not a response of GraphQL), `SIGNED_OUT` (the session has ended) or `DISCONNECTED`
    (a subscription could not connect again within its limit). After the first three a mutation may have
    been executed.
    """

    def __init__(self, code: str, message: str, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.errors = errors

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait after `RATE_LIMITED`."""
        extensions = self.errors[0].get("extensions", {}) if self.errors else {}
        seconds = extensions.get("retryAfter")
        return None if seconds is None else float(seconds)


def failed(errors: Sequence[Mapping[str, Any]]) -> RequestFailed:
    """What the errors of a response say, by the first one."""
    if not errors:
        return RequestFailed("BAD_RESPONSE", "The response has neither data nor errors.")
    code = errors[0].get("extensions", {}).get("code", "BAD_RESPONSE")
    return RequestFailed(str(code), str(errors[0].get("message", "")), errors)


@dataclass(frozen=True, slots=True)
class Response:
    data: dict[str, Any]
    errors: Sequence[Mapping[str, Any]]
    """Errors of nullable fields; usually none."""


def read_response(body: Any) -> Response:
    """Data next to errors counts, unless all of its fields are null."""
    if not isinstance(body, dict):
        raise failed(())
    data, errors = body.get("data"), body.get("errors") or ()
    if not isinstance(data, dict) or (errors and all(value is None for value in data.values())):
        raise failed(errors)
    return Response(data, errors)
