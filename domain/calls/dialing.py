"""Whether a call may be dialled now. Checked when the call is started and again before the dial, as
the call may have waited in between."""

from __future__ import annotations

from datetime import datetime

from domain.calls.model import Call
from domain.common.calling_hours import hours_problem
from domain.common.errors import DialRefused
from domain.telephony.dial_policy import check_dial
from domain.telephony.numbers import time_zones
from domain.telephony.trunks import DialTrunk


def dial_problem(call: Call, trunk: DialTrunk | None, at: datetime) -> str | None:
    """Why the call must not be dialled; None if it may be."""
    if trunk is None or call.to_number is None or call.from_number is None:
        return "The outbound trunk of the call was deleted."
    if trunk.problem is not None:
        return trunk.problem
    try:
        check_dial(trunk.spec, call.to_number, ("phoneNumber",))
    except DialRefused as error:
        return error.message
    return calling_hours_problem(call, at)


def calling_hours_problem(call: Call, at: datetime) -> str | None:
    """Why the callee must not be called at that time; None if they may be."""
    if call.calling_hours is None or call.to_number is None:
        return None
    return hours_problem(call.calling_hours, time_zones(call.to_number), at)
