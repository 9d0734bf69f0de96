"""What is observed of telephone legs in a room. Separate from the dialer, which loads the call runtime."""

from __future__ import annotations

from typing import Protocol

from livekit import rtc

from domain.calls.dial_outcomes import DialError, LeaveReason, LegStatus
from domain.calls.model import Call
from domain.telephony.trunks import DialTrunk
from worker.common.sip_legs import Leg

ANSWERED_STATUSES = (LegStatus.ACTIVE, LegStatus.AUTOMATION)


class LegFinder(Protocol):
    """Finds telephone legs on LiveKit's server. `SipLegs` has the details."""

    async def find(self, call: Call, identity: str | None = None) -> Leg | None: ...


class Legs(LegFinder, Protocol):
    """What LiveKit does with telephone legs. `SipLegs` has the details."""

    async def dial(self, call: Call, trunk: DialTrunk) -> DialError | None: ...


def leave_reason(participant: rtc.RemoteParticipant) -> LeaveReason:
    """Why the participant has left the room."""
    reason = participant.disconnect_reason
    try:
        return LeaveReason.UNKNOWN if reason is None else LeaveReason(_name_of(reason))
    except ValueError:
        return LeaveReason.UNKNOWN


def _name_of(reason: int) -> str:
    return str(rtc.DisconnectReason.Name(rtc.DisconnectReason.ValueType(reason)))
