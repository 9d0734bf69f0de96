"""Sends the queued e-mail over SMTP (RFC 5321)."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr

from domain.common.errors import Unavailable
from domain.tenants.mail import (
    MailEncryption,
    MailQueue,
    MailServer,
    MailText,
    QueuedMail,
)

log = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 1.0
TIMEOUT_SECONDS = 10.0
"""How long the mail server may take to respond to one command."""
PERMANENT_FAILURES = range(500, 600)
"""SMTP replies that a further attempt would get as well."""


class MailSender:
    def __init__(self, queue: MailQueue, server: MailServer) -> None:
        self._queue = queue
        self._server = server

    async def run(self) -> None:
        while True:
            with suppress(Unavailable):  # the rounds of the keeper report that
                await self.send_due()
            await asyncio.sleep(POLL_INTERVAL_SECONDS)

    async def send_due(self) -> None:
        for mail in await self._queue.claim():
            if await self._send(mail):
                await self._queue.delete(mail.id)

    async def _send(self, mail: QueuedMail) -> bool:
        """Whether the message is done with: sent, or refused for good."""
        facts = {"mail_id": str(mail.id), "attempts": mail.attempts}
        try:
            # smtplib blocks, and each of its waits has a timeout.
            await asyncio.to_thread(send, self._server, mail.recipient, mail.message)
        except (OSError, ValueError, smtplib.SMTPException) as error:
            reply = _reply_code(error)
            facts |= {"error": type(error).__name__, "reply": reply}
            log.warning("failed to send an e-mail", extra=facts)
            return reply in PERMANENT_FAILURES
        log.info("sent an e-mail", extra=facts)
        return True


def send(server: MailServer, recipient: str, message: MailText) -> None:
    with _connected(server) as smtp:
        smtp.send_message(
            compose(server.sender, recipient, message), parseaddr(server.sender)[1], [recipient]
        )


def compose(sender: str, recipient: str, message: MailText) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, recipient, message.subject
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain=_domain_of(sender))
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office reply
    mail.set_content(message.text)
    return mail


def _domain_of(address: str) -> str:
    return parseaddr(address)[1].rpartition("@")[2]


@contextmanager
def _connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    # By default smtplib asks the DNS for the name of this machine, which may take long.
    name = _domain_of(server.sender)
    if server.encryption is MailEncryption.TLS:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, name, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, name, timeout=TIMEOUT_SECONDS)
    with smtp:
        if server.encryption is MailEncryption.STARTTLS:
            smtp.starttls(context=context)
        if server.user is not None:
            smtp.login(server.user, server.password)
        yield smtp


def _reply_code(error: Exception) -> int | None:
    """The reply of the server to this message; None when the fault is not in the message."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return next((code for code, _ in error.recipients.values()), None)
        case smtplib.SMTPDataError():
            return error.smtp_code
        case _:
            return None
