"""What a workflow does when something other than a person answers an outbound phone call."""

from __future__ import annotations

from enum import StrEnum


class AnsweringParty(StrEnum):
    """Who or what answered an outbound phone call."""

    PERSON = "PERSON"
    MAILBOX = "MAILBOX"
    SCREENER = "SCREENER"
    IVR = "IVR"
    NO_MESSAGE = "NO_MESSAGE"
    UNREACHABLE = "UNREACHABLE"
    FAX = "FAX"
    UNSURE = "UNSURE"
