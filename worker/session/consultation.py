"""Asks a colleague, in private, whether they take the call of a caller who waits.

First the worker listens: a mailbox or another machine is no colleague. Then it says what the call is
about, and asks. A key decides at any time; words decide once the question was asked, because "yes?"
is also how some answer the phone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from livekit import rtc
from livekit.agents import stt, vad

from domain.calls.dial_outcomes import outcome_of_hang_up
from domain.calls.transfers import TransferFailure
from domain.telephony.acceptance import Decision, decision_by_key, decision_by_words
from domain.telephony.answering.detection import Action, AnswerDetection
from domain.telephony.answering.hearing import Tone
from domain.workflows.answering import AnsweringParty, AnsweringSettings
from worker.common.side_tasks import side_task
from worker.session.call_clock import IMMEDIATELY, CallClock
from worker.session.phone_legs import leave_reason
from worker.session.phone_line import RETURN_SECONDS
from worker.session.private_line import PrivateVoice, listen

SETTINGS = AnsweringSettings(ask_model=False)
MAX_LISTENING_SECONDS = 12.0
"""A party that has spoken for this long without a pause is a machine."""
DECISION_SECONDS = 15.0
"""How long a colleague may take to decide after the question."""
MAX_QUESTIONS = 2
TRACK_INTERVAL_SECONDS = 0.1
MACHINES = frozenset(AnsweringParty) - {AnsweringParty.PERSON, AnsweringParty.UNSURE}
SPEAKS_TO = frozenset({Action.GREET, Action.LEAVE_MESSAGE, Action.INTRODUCE, Action.NAVIGATE})
"""Decisions of the detection to say something now."""


class Consultation:
    def __init__(
        self,
        room: rtc.Room,
        colleague: str,
        voice: PrivateVoice,
        clock: CallClock,
        recognizer: stt.STT[Any],
        detector: vad.VAD,
    ) -> None:
        self._room = room
        self._colleague = colleague
        self._voice = voice
        self._clock = clock
        self._recognizer, self._detector = recognizer, detector
        self._origin = clock.now()
        self._detection = AnswerDetection.start(SETTINGS, 0.0)
        self._decision: Decision | None = None
        self._has_left = colleague not in room.remote_participants
        self._absent_since: datetime | None = None
        """Since when the leg is gone for a reason for which it may come back."""
        self._asked_at: datetime | None = None
        """When the last question was over; None while words do not decide."""
        self._unclear_words = False
        self._has_news = True
        room.on("sip_dtmf_received", self._on_digit)
        room.on("participant_connected", self._on_joined)
        room.on("participant_disconnected", self._on_left)
        room.on("reconnected", self._on_reconnected)

    def close(self) -> None:
        self._room.off("sip_dtmf_received", self._on_digit)
        self._room.off("participant_connected", self._on_joined)
        self._room.off("participant_disconnected", self._on_left)
        self._room.off("reconnected", self._on_reconnected)

    async def run(
        self, brief: str, question: str, admit: Callable[[], Awaitable[None]]
    ) -> TransferFailure | None:
        """Return None once the colleague takes the call, or why they do not. `admit` lets them hear
        what is said."""
        async with side_task(self._listen()), side_task(self._watch_absence()):
            failure = await self._wait_for_person()
            if failure is None:
                await admit()
                failure = await self._ask(brief, question)
        return failure

    # ---- what is heard -----------------------------------------------------------------------

    async def _listen(self) -> None:
        track: rtc.Track | None = None
        while True:
            track = await self._next_track(track)
            await listen(track, self._recognizer, self._detector, self)

    async def _next_track(self, before: rtc.Track | None) -> rtc.Track:
        """The colleague's track, once there is another one than before: after a restart of LiveKit's
        server their leg has a new one."""
        while True:
            participant = self._room.remote_participants.get(self._colleague)
            tracks = participant.track_publications.values() if participant else ()
            for publication in tracks:
                track = publication.track
                if track is not None and track is not before:
                    return track
            await self._pause(TRACK_INTERVAL_SECONDS)

    def _now(self) -> float:
        return (self._clock.now() - self._origin).total_seconds()

    def heard_words(self, text: str, is_final: bool) -> None:
        self._take(self._detection.words(self._now(), text, is_final))
        if self._asked_at is not None and self._decision is None:
            self._decision = decision_by_words(text)
            self._unclear_words = self._unclear_words or (is_final and self._decision is None)

    def heard_speech(self, is_speaking: bool, silence_seconds: float) -> None:
        self._take(self._detection.speech(self._now() - silence_seconds, is_speaking))

    def heard_tone(self, tone: Tone, seconds: float) -> None:
        passed = self._now() - seconds
        heard = replace(tone, started_at=tone.started_at + passed, ended_at=tone.ended_at + passed)
        self._take(self._detection.tone(heard))

    def _take(self, detection: AnswerDetection) -> None:
        self._detection = detection
        self._notice()

    def _on_digit(self, dtmf: rtc.SipDTMF) -> None:
        if dtmf.participant is not None and dtmf.participant.identity == self._colleague:
            self._decision = self._decision or decision_by_key(dtmf.digit)
            self._notice()

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._colleague:
            may_return = outcome_of_hang_up(leave_reason(participant)) is None
            self._has_left = not may_return
            self._absent_since = self._clock.now() if may_return else None
            self._notice()

    def _on_joined(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._colleague:
            self._absent_since = None
            if self._asked_at is not None:  # their time begins once more
                self._asked_at = self._clock.now()
            self._notice()

    def _on_reconnected(self) -> None:
        if self._absent_since is not None:
            self._absent_since = self._clock.now()
        self._notice()

    async def _watch_absence(self) -> None:
        """A restart of LiveKit's server removes the leg for some seconds, which is no hang-up."""
        while True:
            await self._clock.wait_until(self._return_due)
            self._has_left, self._absent_since = True, None
            self._notice()

    def _return_due(self) -> datetime | None:
        """When the leg counts as gone. While this worker itself is disconnected, it sees no leg."""
        is_connected = self._room.connection_state == rtc.ConnectionState.CONN_CONNECTED
        if self._absent_since is None or not is_connected:
            return None
        return self._absent_since + timedelta(seconds=RETURN_SECONDS)

    def _notice(self) -> None:
        self._has_news = True
        self._clock.changed()

    # ---- deciding ----------------------------------------------------------------------------

    async def _wait_for_person(self) -> TransferFailure | None:
        """Return None when it is time to speak, or why the colleague is not there."""
        limit = self._origin + timedelta(seconds=MAX_LISTENING_SECONDS)
        while True:
            self._has_news = False
            action = self._step()
            if self._has_left:
                return TransferFailure.HUNG_UP
            if self._is_machine() or action is Action.HANG_UP or self._clock.now() >= limit:
                return TransferFailure.VOICEMAIL
            if action in SPEAKS_TO:
                return None
            await self._wait(self._next_check(limit))

    def _step(self) -> Action | None:
        self._detection, action = self._detection.step(self._now())
        return action

    def _next_check(self, limit: datetime) -> datetime:
        at = self._detection.next_check(self._now())
        # A microsecond later, because the clock has no shorter times and might round down.
        due = limit if at is None else self._origin + timedelta(seconds=at, microseconds=1)
        return min(due, limit)

    def _is_machine(self) -> bool:
        verdict = self._detection.verdict
        return verdict is not None and verdict.party in MACHINES

    async def _ask(self, brief: str, question: str) -> TransferFailure | None:
        words = f"{brief} {question}"
        for _ in range(MAX_QUESTIONS):
            failure = await self._say(words)
            if failure is not None:
                return failure
            decision = await self._wait_for_decision()
            if self._has_left:
                return TransferFailure.HUNG_UP
            if decision is not None:
                return None if decision is Decision.ACCEPTED else TransferFailure.DECLINED
            if self._is_proved_machine():
                return TransferFailure.VOICEMAIL
            if not self._unclear_words:
                break
            words = question
        return TransferFailure.NOT_ACCEPTED

    async def _say(self, words: str) -> TransferFailure | None:
        """Say the words unless the colleague decides meanwhile. Returns why the transfer fails."""
        self._asked_at, self._unclear_words = None, False
        failed = False

        async def speak() -> None:
            nonlocal failed
            try:
                failed = not await self._voice.say(words)
            except Exception:
                failed = True
                raise
            finally:
                self._asked_at = self._clock.now()
                self._notice()

        async with side_task(speak()):
            while self._asked_at is None and not self._is_decided:
                self._has_news = False
                self._step()
                await self._wait(None)
        return TransferFailure.UNAVAILABLE if failed else None

    @property
    def _is_decided(self) -> bool:
        return self._decision is not None or self._has_left or self._is_proved_machine()

    def _is_proved_machine(self) -> bool:
        """A person may say what a mailbox says; it takes a tone as well once they were spoken to."""
        verdict = self._detection.verdict
        return verdict is not None and verdict.party in MACHINES and verdict.is_proved

    async def _wait_for_decision(self) -> Decision | None:
        """The decision; None if there is none in time, or the answer was not understood."""
        while not self._is_decided and self._clock.now() < self._decision_due:
            if self._unclear_words and not self._detection.heard.is_speaking:
                return None
            self._has_news = False
            self._step()
            await self._wait(self._decision_due)
        return self._decision

    @property
    def _decision_due(self) -> datetime:
        asked_at = self._asked_at or self._clock.now()
        return asked_at + timedelta(seconds=DECISION_SECONDS)

    async def _pause(self, seconds: float) -> None:
        due = self._clock.now() + timedelta(seconds=seconds)
        await self._clock.wait_until(lambda: due)

    async def _wait(self, due: datetime | None) -> None:
        await self._clock.wait_until(lambda: IMMEDIATELY if self._has_news else due)
