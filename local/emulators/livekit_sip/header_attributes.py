"""Which headers of the other side become attributes of a leg."""

from __future__ import annotations

from collections.abc import Mapping

from livekit.protocol.sip import SIPHeaderOptions

from local.phone.sip_message import Headers

KNOWN_HEADERS: Mapping[str, str] = {
    "x-twilio-accountsid": "sip.twilio.accountSid",
    "x-twilio-callsid": "sip.twilio.callSid",
    "x-call_leg_id": "sip.telnyx.callLegID",
    "x-call_session_id": "sip.telnyx.callSessionID",
}
"""Headers of carriers that become attributes without being asked for."""


def header_attributes(
    headers: Headers, mapping: Mapping[str, str], options: SIPHeaderOptions
) -> Mapping[str, str]:
    """`mapping` names the attributes of headers; `options` includes headers by their own names."""
    values = {name.lower(): value for name, value in headers}
    named = {name.lower(): attribute for name, attribute in mapping.items()}
    wanted = {**KNOWN_HEADERS, **named}
    included = (name for name in values if _is_included(name, options))
    return {
        **{f"sip.h.{name}": values[name] for name in included},
        **{attribute: values[name] for name, attribute in wanted.items() if name in values},
    }


def _is_included(name: str, options: SIPHeaderOptions) -> bool:
    if options == SIPHeaderOptions.SIP_X_HEADERS:
        return name.startswith("x-")
    return bool(options == SIPHeaderOptions.SIP_ALL_HEADERS)
