"""A SIP dialog (RFC 3261, section 12): what the requests within one call have in common."""

from __future__ import annotations

from dataclasses import dataclass

from local.phone.sip_message import (
    Headers,
    SipRequest,
    SipResponse,
    address_of,
    tag_of,
    uri_of,
)
from local.phone.transactions import Address

MAX_FORWARDS = ("Max-Forwards", "70")


@dataclass(slots=True)
class Dialog:
    """`local` and `remote` are the values of From and To in the requests that we send."""

    call_id: str
    local: str
    remote: str
    target: str
    """The URI of the other side, to which requests go."""
    peer: Address
    contact: str
    route: tuple[str, ...] = ()
    sequence: int = 0

    @property
    def local_tag(self) -> str:
        return tag_of(self.local)

    def request(self, method: str, headers: Headers = (), body: str = "") -> SipRequest:
        """The next request."""
        self.sequence += 1
        return self._request(method, self.sequence, headers, body)

    def ack(self, invite: SipRequest) -> SipRequest:
        """The ACK of an answer, which has the sequence number of its INVITE."""
        return self._request("ACK", invite.sequence[0], (), "")

    def establish(self, answer: SipResponse) -> None:
        """Take over what the answer to our INVITE says about the other side."""
        self.remote = answer.header("to")
        self.route = tuple(reversed(answer.all_headers("record-route")))
        if contact := answer.header("contact"):
            self.update_target(contact)

    def update_target(self, contact: str) -> None:
        self.target = uri_of(contact)
        if not self.route and (address := address_of(self.target)):
            self.peer = address

    def _request(self, method: str, number: int, headers: Headers, body: str) -> SipRequest:
        fixed = (
            *(("Route", route) for route in self.route),
            MAX_FORWARDS,
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{number} {method}"),
            ("Contact", self.contact),
        )
        return SipRequest(method=method, uri=self.target, headers=(*fixed, *headers), body=body)
