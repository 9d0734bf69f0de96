"""Cold transfers: the REFER request and the reports about the new call."""

from __future__ import annotations

import asyncio
import re

from domain.common.tasks import first_event
from local.emulators.livekit_sip import outcomes
from local.emulators.livekit_sip.twirp import TwirpError, rpc_failure
from local.phone.sip_call import SipCall
from local.phone.sip_message import Headers
from local.phone.transactions import ServerTransaction, TransactionTimeout

DEFAULT_TIMEOUT_SECONDS = 30.0
TARGET = re.compile(r"(?:sips?|tel):\S+", re.IGNORECASE)
REPORT = re.compile(r"SIP/2\.0 (\d{3}) ?([^\r\n]*)")


class TransferReports:
    """The final report about the current transfer."""

    def __init__(self) -> None:
        self.received = asyncio.Event()
        self.status, self.reason = 0, ""

    def reset(self) -> None:
        self.received.clear()
        self.status = 0

    def receive(self, transaction: ServerTransaction) -> None:
        """Handle a NOTIFY within the call."""
        request = transaction.request
        report = REPORT.match(request.body)
        if not request.header("event").lower().startswith("refer") or report is None:
            transaction.reply(489 if report is None else 400)
            return
        transaction.reply(200)
        if int(report[1]) >= 200:
            self.status, self.reason = int(report[1]), report[2]
            self.received.set()


def check_target(target: str) -> None:
    if not TARGET.fullmatch(target):
        message = "transfer_to must begin with sip:, sips: or tel:"
        raise TwirpError(rpc_failure("invalid_argument", message))


async def refer(
    call: SipCall,
    reports: TransferReports,
    target: str,
    headers: Headers,
    timeout_seconds: float,
) -> None:
    """Returns when the new call is established, or when the other side has left."""
    reports.reset()
    is_tel = target.lower().startswith("tel:")
    refer_to = ("Refer-To", target if is_tel else f"<{target}>")
    transaction = call.send("REFER", (refer_to, *headers))
    try:
        async with asyncio.timeout(timeout_seconds):
            response = await asyncio.shield(transaction.response)
    except (TimeoutError, TransactionTimeout):
        raise TwirpError(outcomes.NO_NOTIFICATION) from None
    if response.status >= 300:
        raise TwirpError(outcomes.refused_transfer(response.status, response.reason))
    event = await first_event(reports.received, call.ended, timeout_seconds=timeout_seconds)
    if event is None:
        raise TwirpError(outcomes.NO_NOTIFICATION)
    if event is reports.received and reports.status >= 300:
        raise TwirpError(outcomes.refused_transfer(reports.status, reports.reason))
