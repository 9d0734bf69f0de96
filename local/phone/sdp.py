"""Session descriptions (SDP) for one audio stream in PCMU with telephone events."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local.phone.sip_message import MAX_PORT, is_ipv4

PCMU = 0
TELEPHONE_EVENT = 101
"""The payload type that we offer for DTMF; an answer uses that of the offer."""
CONTENT_TYPE = ("Content-Type", "application/sdp")


class UnsupportedSession(Exception):
    """A description without audio that we can send and receive; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class AudioSession:
    """Where to send audio, and the payload type of DTMF there; None without DTMF."""

    host: str
    port: int
    dtmf_payload: int | None = TELEPHONE_EVENT

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port


def describe(session: AudioSession, version: int = 1) -> str:
    """An offer or an answer for a stream that is received at this address."""
    payloads = [PCMU] if session.dtmf_payload is None else [PCMU, session.dtmf_payload]
    lines = [
        "v=0",
        f"o=- 1 {version} IN IP4 {session.host}",
        "s=-",
        f"c=IN IP4 {session.host}",
        "t=0 0",
        f"m=audio {session.port} RTP/AVP {' '.join(map(str, payloads))}",
        f"a=rtpmap:{PCMU} PCMU/8000",
    ]
    if session.dtmf_payload is not None:
        lines.append(f"a=rtpmap:{session.dtmf_payload} telephone-event/8000")
        lines.append(f"a=fmtp:{session.dtmf_payload} 0-16")
    return "\r\n".join([*lines, "a=ptime:20", "a=sendrecv", ""])


def parse(body: str) -> AudioSession:
    """Raises `UnsupportedSession` if there is no audio stream in PCMU."""
    media = re.search(r"^m=audio (\d{1,5}) \S+((?: \d{1,3})+)\s*$", body, re.MULTILINE)
    if media is None or not 0 < int(media[1]) <= MAX_PORT:
        raise UnsupportedSession("there is no audio stream")
    if str(PCMU) not in media[2].split():
        raise UnsupportedSession("the audio codec PCMU is missing")
    # The address of the stream wins over that of the session, which comes first.
    after, before = body[media.start() :], body[: media.start()]
    connection = re.search(r"^c=IN IP4 (\S+)", after, re.MULTILINE) or re.search(
        r"^c=IN IP4 (\S+)", before, re.MULTILINE
    )
    if connection is None or not is_ipv4(connection[1]):
        raise UnsupportedSession("there is no IPv4 address")
    event = re.search(r"^a=rtpmap:(\d{1,3}) telephone-event/8000", after, re.MULTILINE)
    return AudioSession(connection[1], int(media[1]), int(event[1]) if event else None)
