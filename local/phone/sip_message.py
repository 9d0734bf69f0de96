"""SIP messages: parsing and encoding (RFC 3261, section 7).

This is our own code because a phone for tests has to misbehave on purpose: it ignores requests, repeats
them, answers too late and dies. The SIP packages on PyPI are either unmaintained or young frameworks
with transports of their own that rule such behaviour out, and what we need of the grammar is small."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

VERSION = "SIP/2.0"
DEFAULT_PORT, MAX_PORT = 5060, 65_535
COMPACT_NAMES = {
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "v": "via",
}
LISTS = frozenset({"via", "route", "record-route", "contact"})
"""Headers whose values may be joined by commas."""
REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
}
FOLDED_LINE = re.compile(r"\r?\n[ \t]+")
LINE_END = re.compile(r"\r?\n")
HEADER = re.compile(r"([!-9;-~]+)[ \t]*:[ \t]*(.*)")
REQUEST_LINE = re.compile(r"([A-Z]+) (\S+) SIP/2\.0")
STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: (.*))?")
ELEMENT = re.compile(r'(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,"<])+')

Headers = tuple[tuple[str, str], ...]


class MalformedMessage(Exception):
    """A datagram that is not a SIP message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SipMessage:
    headers: Headers = ()
    body: str = ""

    def header(self, name: str) -> str:
        """The first value of a header; empty if there is none."""
        return next(self._values(name), "")

    def all_headers(self, name: str) -> tuple[str, ...]:
        return tuple(self._values(name))

    def header_map(self) -> Mapping[str, str]:
        """Every header by its name as it was written; the last of several values."""
        return dict(self.headers)

    @property
    def call_id(self) -> str:
        return self.header("call-id")

    @property
    def sequence(self) -> tuple[int, str]:
        """The number and the method of the CSeq header."""
        number, _, method = self.header("cseq").partition(" ")
        return int(number), method.strip()

    @property
    def branch(self) -> str:
        """Identifies the transaction: the branch parameter of the topmost Via header."""
        return parameters_of(self.header("via")).get("branch", "")

    def _values(self, name: str) -> Iterator[str]:
        for key, value in self.headers:
            if canonical_name(key) != name:
                continue
            if name in LISTS:
                yield from (match[0].strip() for match in ELEMENT.finditer(value))
            else:
                yield value

    def _encode(self, start_line: str) -> bytes:
        body = self.body.encode()
        lines = [start_line]
        lines += [
            f"{name}: {value}"
            for name, value in self.headers
            if canonical_name(name) != "content-length"
        ]
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True, kw_only=True)
class SipRequest(SipMessage):
    method: str
    uri: str

    def encode(self) -> bytes:
        return self._encode(f"{self.method} {self.uri} {VERSION}")

    @property
    def summary(self) -> str:
        return self.method


@dataclass(frozen=True, slots=True, kw_only=True)
class SipResponse(SipMessage):
    status: int
    reason: str = ""

    def encode(self) -> bytes:
        return self._encode(f"{VERSION} {self.status} {self.reason}")

    @property
    def summary(self) -> str:
        return str(self.status)

    @property
    def is_final(self) -> bool:
        return self.status >= 200

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def parse(datagram: bytes) -> SipRequest | SipResponse:
    """Raises `MalformedMessage` if the datagram is not a SIP message with the headers that every
    message has."""
    head, _, body = datagram.decode(errors="replace").partition("\r\n\r\n")
    start_line, *lines = LINE_END.split(FOLDED_LINE.sub(" ", head))
    headers = tuple((match[1], match[2].strip()) for match in map(_match_header, lines))
    message: SipRequest | SipResponse
    if request := REQUEST_LINE.fullmatch(start_line):
        message = SipRequest(method=request[1], uri=request[2], headers=headers, body=body)
    elif status := STATUS_LINE.fullmatch(start_line):
        message = SipResponse(
            status=int(status[1]), reason=status[2] or "", headers=headers, body=body
        )
    else:
        raise MalformedMessage("the first line is neither a request nor a status")
    _check_mandatory_headers(message)
    return message


def _match_header(line: str) -> re.Match[str]:
    match = HEADER.fullmatch(line)
    if match is None:
        raise MalformedMessage("a line is not a header")
    return match


def _check_mandatory_headers(message: SipMessage) -> None:
    for name in ("via", "from", "to", "call-id"):
        if not message.header(name):
            raise MalformedMessage(f"the header {name} is missing")
    if not re.fullmatch(r"\d{1,10}\s+[A-Z]+", message.header("cseq")):
        raise MalformedMessage("the header cseq is not a number and a method")


def response_to(
    request: SipRequest,
    status: int,
    reason: str = "",
    *,
    to_tag: str = "",
    headers: Headers = (),
    body: str = "",
) -> SipResponse:
    """A response with the headers that it copies from the request."""
    to = request.header("to")
    if to_tag and not tag_of(to):
        to += f";tag={to_tag}"
    copied = (
        *(("Via", value) for value in request.all_headers("via")),
        *(("Record-Route", value) for value in request.all_headers("record-route")),
        ("From", request.header("from")),
        ("To", to),
        ("Call-ID", request.call_id),
        ("CSeq", request.header("cseq")),
    )
    reason = reason or REASONS.get(status, "Unknown")
    return SipResponse(status=status, reason=reason, headers=(*copied, *headers), body=body)


def canonical_name(name: str) -> str:
    lower = name.lower()
    return COMPACT_NAMES.get(lower, lower)


def uri_of(value: str) -> str:
    """The URI in a header such as From or Contact."""
    if match := re.search(r"<([^>]*)>", value):
        return match[1]
    return value.partition(";")[0].strip()


def parameters_of(value: str) -> Mapping[str, str]:
    """The parameters of a header such as From or Via, without those inside its URI."""
    outside = re.sub(r'<[^>]*>|"[^"]*"', "", value)
    pairs = (part.strip().partition("=") for part in outside.split(";")[1:])
    return {name.lower(): text for name, _, text in pairs}


def tag_of(value: str) -> str:
    return parameters_of(value).get("tag", "")


def user_of(uri: str) -> str:
    """The part of a SIP URI before the @; of a tel URI, its number."""
    match = re.match(r"sips?:([^@;?]*)@|tel:([^;?]*)", uri, re.IGNORECASE)
    return (match[1] or match[2] or "").partition(":")[0] if match else ""


def address_of(uri: str) -> tuple[str, int] | None:
    """The IPv4 address and port of a SIP URI, by default port 5060; None if it has a host name."""
    match = re.match(r"sips?:(?:[^@]*@)?([^:;?>]+)(?::(\d{1,5}))?", uri, re.IGNORECASE)
    if match is None or not is_ipv4(match[1]) or int(match[2] or 0) > MAX_PORT:
        return None
    return match[1], int(match[2] or DEFAULT_PORT)


def is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True
