"""How a phone reacts to calls: a script for tests, and for `./studio phone answer`."""

from __future__ import annotations

from dataclasses import dataclass, field

from local.phone.digest import Credentials
from local.phone.sip_message import Headers


@dataclass(frozen=True, slots=True)
class ReferAnswer:
    """How a phone reacts to being transferred (REFER)."""

    status: int = 202
    notifications: tuple[int, ...] = (100, 200)
    """The statuses that it reports about the new call; empty reports none."""
    interval_seconds: float = 0.05
    """The time before each notification."""
    hangs_up: bool = False
    """Whether it ends the call right after its response."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a phone reacts to a call. By default it rings shortly and answers."""

    status: int | None = 200
    """The final response; None rings until the caller gives up, or until a test answers."""
    reason: str = ""
    provisional: tuple[int, ...] = (180,)
    """The responses at the beginning."""
    ring_seconds: float = 0.1
    """The time between the provisional responses and the final one."""
    headers: Headers = ()
    """Additional headers of the final response."""
    credentials: Credentials | None = field(default=None, repr=False)
    """What the caller must know; None accepts every caller."""
    challenge_status: int = 401
    responds: bool = True
    """False leaves everything unanswered, as a wrong address does."""
    answers_cancelled: bool = False
    """Whether it answers at the moment in which the caller gives up."""
    confirms_bye: bool = True
    """False leaves the end of a call unanswered, as a phone does that has lost its network."""
    sends_audio: bool = True
    refer: ReferAnswer = ReferAnswer()


ANSWERS = Answer()
RINGS_FOREVER = Answer(status=None)
NO_RESPONSE = Answer(responds=False)
BUSY = Answer(status=486)
DECLINES = Answer(status=603)
"""The reactions that most tests need."""


def refuses(status: int, reason: str = "") -> Answer:
    return Answer(status=status, reason=reason)
