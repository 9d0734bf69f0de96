"""E-mail about accounts: its texts, and the server that sends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from enum import StrEnum
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

from domain.common.access import Tenant
from domain.common.errors import InvalidSetting
from domain.common.settings import Settings
from domain.tenants.members import INVITATION_LIFETIME, PASSWORD_RESET_LIFETIME, AccountLinks


@dataclass(frozen=True, slots=True)
class MailText:
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMail:
    """A message to send, and how often that has been attempted, this attempt included."""

    id: UUID
    recipient: str
    message: MailText
    attempts: int


class MailQueue(Protocol):
    async def claim(self) -> Sequence[QueuedMail]:
        """Return messages that are due. Each is due again later, unless it is deleted."""
        ...

    async def delete(self, id: UUID) -> None: ...


def invitation_mail(tenant: Tenant, role: str, link: str) -> MailText:
    days = INVITATION_LIFETIME.days
    return MailText(
        f"Invitation to {_one_line(tenant.name)}",
        f"You are invited to {_one_line(tenant.name)} on Agent Studio, with the role {role}.\n\n"
        f"Accept the invitation within {days} days:\n{link}\n\n"
        "If you did not expect it, ignore this message; nothing happens then.\n",
    )


def password_reset_mail(link: str) -> MailText:
    minutes = PASSWORD_RESET_LIFETIME.seconds // 60
    return MailText(
        "Set a new password",
        "You or someone else asked for a new password for your account on Agent Studio.\n\n"
        f"Set one within {minutes} minutes:\n{link}\n\n"
        "If it was not you, ignore this message; your password stays as it is.\n",
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


class MailEncryption(StrEnum):
    """How the connection to a mail server is encrypted; the value is the scheme of its URL."""

    TLS = "smtps"
    STARTTLS = "smtp"
    NONE = "smtp+plain"


DEFAULT_PORTS = {MailEncryption.TLS: 465, MailEncryption.STARTTLS: 587, MailEncryption.NONE: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    encryption: MailEncryption
    host: str
    port: int
    user: str | None
    password: str = field(repr=False)
    sender: str
    """The address that e-mail is sent from, with or without a name."""

    @staticmethod
    def from_settings(settings: Settings) -> MailServer | None:
        """None if the installation sends no e-mail. Raises `InvalidSetting`."""
        if not settings.smtp_url:
            return None
        if "@" not in parseaddr(settings.mail_from)[1]:
            raise InvalidSetting(
                "MAIL_FROM must be the address that e-mail is sent from, for instance "
                "Studio <studio@acme.example>, because SMTP_URL is set."
            )
        try:
            url = urlsplit(settings.smtp_url)
            encryption, host = MailEncryption(url.scheme), url.hostname
            port = url.port or DEFAULT_PORTS[encryption]
        except ValueError:
            host = None
        if not host:
            raise InvalidSetting(
                "SMTP_URL must be smtps://user:password@host for TLS, smtp:// for STARTTLS or "
                "smtp+plain:// for neither. Percent-encode the special characters in its password."
            )
        return MailServer(
            encryption=encryption,
            host=host,
            port=port,
            user=unquote(url.username) if url.username else None,
            password=unquote(url.password or ""),
            sender=settings.mail_from,
        )


def account_links(settings: Settings) -> AccountLinks:
    host = "127.0.0.1" if settings.api_host in ("0.0.0.0", "::") else settings.api_host
    return AccountLinks(
        settings.public_url or f"http://{host}:{settings.api_port}",
        is_mailed=MailServer.from_settings(settings) is not None,
    )
