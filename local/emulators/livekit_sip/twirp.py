"""Twirp, the protocol of the LiveKit API: its errors and its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from google.protobuf.message import Message

STATUSES: Mapping[str, int] = {
    "canceled": 408,
    "invalid_argument": 400,
    "malformed": 400,
    "deadline_exceeded": 408,
    "not_found": 404,
    "permission_denied": 403,
    "unauthenticated": 401,
    "resource_exhausted": 429,
    "failed_precondition": 412,
    "aborted": 409,
    "internal": 500,
    "unimplemented": 501,
    "unavailable": 503,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """The code and the message that a client receives."""

    code: str
    message: str
    meta: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        body: dict[str, object] = {"code": self.code, "msg": self.message}
        if self.meta:
            body["meta"] = dict(self.meta)
        return web.json_response(body, status=STATUSES[self.code])


class TwirpError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def rpc_failure(code: str, message: str, meta: Mapping[str, str] | None = None) -> Failure:
    """A failure that livekit-sip reports through livekit-server, which marks such messages."""
    return Failure(code, f"twirp error unknown: {message}", meta or {})


def message_response(message: Message) -> web.Response:
    return web.Response(body=message.SerializeToString(), content_type="application/protobuf")
