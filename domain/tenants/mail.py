"""The texts of e-mail about accounts."""

from __future__ import annotations

from dataclasses import dataclass

from domain.common.access import Tenant
from domain.tenants.members import INVITATION_LIFETIME, PASSWORD_RESET_LIFETIME


@dataclass(frozen=True, slots=True)
class MailText:
    subject: str
    text: str


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
