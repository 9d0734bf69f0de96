"""SIP messages, session descriptions and digest authentication."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.phone import digest, sdp
from local.phone.digest import Credentials, UnsupportedChallenge
from local.phone.sdp import AudioSession, UnsupportedSession
from local.phone.sip_message import (
    MalformedMessage,
    SipRequest,
    SipResponse,
    address_of,
    parameters_of,
    parse,
    response_to,
    tag_of,
    uri_of,
    user_of,
)

INVITE = (
    b"INVITE sip:+12025550110@127.0.0.1:5060 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK1;rport, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK0\r\n"
    b'f: "Ann, at \\"home\\"" <sip:+12025550120;cpc=x@127.0.0.1:5071;user=phone>;tag=from-1\r\n'
    b"t: <sip:+12025550110@127.0.0.1>\r\n"
    b"i: call-1@127.0.0.1\r\n"
    b"CSeq: 7 INVITE\r\n"
    b"Subject: a folded\r\n"
    b"   line\r\n"
    b"Content-Length: 3\r\n"
    b"\r\n"
    b"v=0"
)


def test_a_request_is_read_with_compact_folded_and_joined_headers() -> None:
    request = parse(INVITE)
    assert isinstance(request, SipRequest)
    assert (request.method, request.uri) == ("INVITE", "sip:+12025550110@127.0.0.1:5060")
    assert request.branch == "z9hG4bK1"
    assert len(request.all_headers("via")) == 2
    assert request.call_id == "call-1@127.0.0.1"
    assert request.sequence == (7, "INVITE")
    assert request.header("subject") == "a folded line"
    assert request.body == "v=0"
    sender = request.header("from")
    assert uri_of(sender) == "sip:+12025550120;cpc=x@127.0.0.1:5071;user=phone"
    assert tag_of(sender) == "from-1"


def test_a_message_survives_encoding_and_parsing() -> None:
    request = parse(INVITE)
    again = parse(request.encode())
    assert isinstance(request, SipRequest)
    assert isinstance(again, SipRequest)
    assert (again.method, again.uri, again.body) == (request.method, request.uri, request.body)
    assert again.header_map() == request.header_map()


def test_a_response_copies_what_identifies_its_request() -> None:
    request = parse(INVITE)
    assert isinstance(request, SipRequest)
    response = parse(response_to(request, 486, to_tag="to-1").encode())
    assert isinstance(response, SipResponse)
    assert (response.status, response.reason) == (486, "Busy Here")
    assert response.all_headers("via") == request.all_headers("via")
    assert tag_of(response.header("to")) == "to-1"
    assert (response.call_id, response.sequence) == (request.call_id, request.sequence)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\r\n\r\n",
        b"\x80\x00\x01",
        b"HELLO\r\n\r\n",
        b"INVITE sip:a@b SIP/2.0\r\n\r\n",
        b"SIP/2.0 999 Odd\r\n\r\n",
        INVITE.replace(b"CSeq: 7 INVITE", b"CSeq: seven"),
        INVITE.replace(b"Subject", b"Sub ject"),
    ],
)
def test_other_datagrams_are_malformed(datagram: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse(datagram)


@given(st.binary(max_size=300), st.integers(0, len(INVITE)))
def test_damaged_messages_are_read_or_rejected(noise: bytes, at: int) -> None:
    try:
        message = parse(INVITE[:at] + noise + INVITE[at + len(noise) :])
    except MalformedMessage:
        return
    assert message.sequence[0] >= 0
    assert message.branch == parameters_of(message.header("via")).get("branch", "")


def test_users_and_addresses_of_uris() -> None:
    assert user_of("sip:+12025550110@host:5060;transport=udp") == "+12025550110"
    assert user_of("sip:name:secret@host") == "name"
    assert user_of("tel:+12025550110;ext=5") == "+12025550110"
    assert user_of("sip:host") == ""
    assert address_of("sip:a@127.0.0.1:5070;transport=udp") == ("127.0.0.1", 5070)
    assert address_of("sip:127.0.0.1") == ("127.0.0.1", 5060)
    assert address_of("sip:a@carrier.example") is None
    assert address_of("sip:a@127.0.0.1:99999") is None


# ---- session descriptions ------------------------------------------------------------------


def test_a_session_description_is_read_again() -> None:
    session = AudioSession("127.0.0.1", 4000, 96)
    assert sdp.parse(sdp.describe(session)) == session
    without_dtmf = AudioSession("127.0.0.1", 4000, None)
    assert sdp.parse(sdp.describe(without_dtmf)) == without_dtmf


def test_the_address_of_the_stream_wins_over_that_of_the_session() -> None:
    body = (
        "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
        "m=audio 4000 RTP/AVP 9 0 101\r\nc=IN IP4 10.0.0.2\r\na=rtpmap:9 G722/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\n"
    )
    assert sdp.parse(body) == AudioSession("10.0.0.2", 4000, 101)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("m=video 4000 RTP/AVP 0", "there is no audio stream"),
        ("m=audio 0 RTP/AVP 0", "there is no audio stream"),
        ("m=audio 70000 RTP/AVP 0", "there is no audio stream"),
        ("m=audio 4000 RTP/AVP 9 8", "the audio codec PCMU is missing"),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 carrier.example", "there is no IPv4 address"),
    ],
)
def test_a_session_that_we_cannot_have(line: str, problem: str) -> None:
    with pytest.raises(UnsupportedSession, match=problem):
        sdp.parse(f"v=0\r\ns=-\r\nt=0 0\r\n{line}\r\n")


# ---- digest --------------------------------------------------------------------------------

USER = Credentials("Mufasa", "Circle of Life")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("qop", ["", ', qop="auth,auth-int"'])
def test_a_challenge_is_answered_by_who_knows_the_password(algorithm: str, qop: str) -> None:
    challenge = f'Digest realm="carrier", nonce="n1", algorithm={algorithm}, opaque="o"{qop}'
    header = digest.authorization(challenge, USER, "INVITE", "sip:a@b")
    assert digest.is_authorized(header, USER, "INVITE", "n1")
    assert not digest.is_authorized(header, USER, "BYE", "n1")
    assert not digest.is_authorized(header, USER, "INVITE", "n2")
    assert not digest.is_authorized(header, Credentials("Mufasa", "x"), "INVITE", "n1")
    assert not digest.is_authorized(header, Credentials("Scar", USER.password), "INVITE", "n1")
    assert not digest.is_authorized("", USER, "INVITE", "n1")


def test_the_response_is_that_of_the_specification() -> None:
    """The example of RFC 2617, section 3.5, without its qop."""
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    header = digest.authorization(
        challenge, Credentials("Mufasa", "CircleOfLife"), "GET", "/dir/index.html"
    )
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in header


@pytest.mark.parametrize(
    "challenge", ["", "Basic realm=x", 'Digest realm="r", nonce="n", algorithm=X']
)
def test_an_unknown_challenge_is_not_answered(challenge: str) -> None:
    with pytest.raises(UnsupportedChallenge):
        digest.authorization(challenge, USER, "INVITE", "sip:a@b")


def test_a_password_is_not_printed() -> None:
    assert "Circle" not in repr(USER)
