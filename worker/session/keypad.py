"""The keys that the caller presses on a phone.

Keys that no tool asked for are a turn of the caller: those that follow each other within two seconds,
up to and including a `#`. A tool may ask for keys; masked ones reach nothing but that tool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.events import UserInputTranscribedEvent

from domain.calls.events import DtmfReceived
from domain.calls.rooms import caller_of
from domain.tool_execution.digit_stubs import collected_digits
from domain.tool_execution.environment import CollectedDigits
from domain.tools.actions import DTMF_KEYS, MAX_COLLECTED_DIGITS, CollectDigits
from domain.tools.dtmf import DigitEntry
from worker.audio.mask import AudioMask, MaskedInput
from worker.session.announcements import Announcements
from worker.session.call_clock import IMMEDIATELY
from worker.session.conversation import CallLost, Conversation
from worker.session.dtmf_sender import DtmfSender
from worker.session.silence_monitor import SilenceMonitor

INPUT_PAUSE_SECONDS = 2.0
"""Keys that are further apart belong to different turns."""
INPUT_TERMINATOR = "#"
MAX_INPUT_KEYS = MAX_COLLECTED_DIGITS
LATE_KEY_SECONDS = 2.0
"""Keys this soon after digits were collected belong to them and are ignored, such as a `#`."""
MASK_TAIL_SECONDS = 2.0
"""How much audio is masked after the last masked key."""
RESUMED_MASK_SECONDS = 8.0
"""How long the caller may continue to press masked keys when the worker that asked for them was lost."""
PROMPT_TIMEOUT_SECONDS = 90.0
TURN_TEXT = "[The caller pressed {keys} on the keypad of the phone.]"
SPOKE_INSTEAD = "The caller spoke instead of pressing keys."


class PhoneKeypad:
    def __init__(
        self,
        conversation: Conversation,
        session: AgentSession[None],
        room: rtc.Room,
        announcements: Announcements,
        silence: SilenceMonitor,
    ) -> None:
        self._conversation = conversation
        self._session = session
        self._announcements = announcements
        self._silence = silence
        self._clock = conversation.clock
        self._identity = caller_of(conversation.claim.call)
        self._sender = DtmfSender(conversation, room)
        self._mask = AudioMask()
        self._is_tapped = False
        self._input = ""
        """The keys of the present turn."""
        self._pressed_at = self._clock.now()
        """When the last key was pressed."""
        self._ignores_until = self._clock.now()
        """Until when keys are ignored, because they belong to digits that a tool asked for."""
        self._ignores_masked = False
        """Whether the ignored keys are masked."""
        self._entry: DigitEntry | None = None
        """What was pressed in the present attempt; None while no tool asks."""
        self._prompt: SpeechHandle | None = None
        self._asked_at: datetime | None = None
        """When the prompt was over; None while it is said."""
        self._has_spoken = False
        self._is_closed = False
        room.on("sip_dtmf_received", self._on_key)
        session.on("user_input_transcribed", self._on_transcribed)
        self._resume()

    def _resume(self) -> None:
        """The caller may still press the masked keys that a lost worker asked for."""
        requested = self._conversation.projection.digits_requested
        if requested is not None and requested.masked:
            self._mask.extend(RESUMED_MASK_SECONDS)
            self._ignores_until = self._after(RESUMED_MASK_SECONDS)
            self._ignores_masked = True
            # Nothing may be heard before the mask is in place.
            self._session.input.set_audio_enabled(False)

    def tap(self, session: AgentSession[Any]) -> None:
        """Mask the audio for all who receive it, so this must be the first tap; repeats are ignored."""
        if not self._is_tapped and session.input.audio is not None:
            self._is_tapped = True
            session.input.audio = MaskedInput(session.input.audio, self._mask)
            session.input.set_audio_enabled(True)

    def close(self) -> None:
        """The call is over or released: tools wait for keys no longer."""
        self._is_closed = True
        self._sender.close()
        self._clock.changed()

    async def send(self, keys: str) -> str | None:
        return await self._sender.send(keys)

    async def run(self) -> None:
        """Take the keys that no tool asked for as turns of the caller."""
        try:
            while True:
                await self._clock.wait_until(self._input_due)
                self._begin_turn(self._take_input())
        finally:
            self._take_input()

    def _after(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)

    # ---- keys ------------------------------------------------------------------------------

    def _on_key(self, dtmf: rtc.SipDTMF) -> None:
        # LiveKit sends keys to all participants, so those of other phones in the room arrive, too.
        is_caller = dtmf.participant is not None and dtmf.participant.identity == self._identity
        is_key = len(dtmf.digit) == 1 and dtmf.digit in DTMF_KEYS
        if self._is_closed or not is_caller or not is_key or self._conversation.is_without_agent:
            return
        if self._entry is not None and self._accepts_key(self._entry):
            self._take_key(self._entry, dtmf.digit)
        elif self._clock.now() < self._ignores_until:
            self._ignore_key()
        else:
            self._add_input(dtmf.digit)
        self._pressed_at = self._clock.now()
        self._clock.changed()

    def _accepts_key(self, entry: DigitEntry) -> bool:
        """Whether a key belongs to the present attempt, and not to masked digits before it."""
        is_late = self._ignores_masked and self._clock.now() < self._ignores_until
        return entry.rules.masked or not is_late

    def _take_key(self, entry: DigitEntry, key: str) -> None:
        self._entry = entry.press(key)
        self._asked_at = self._asked_at or self._clock.now()
        self._stop_prompt()

    def _ignore_key(self) -> None:
        if self._ignores_masked:
            self._ignores_until = max(self._ignores_until, self._after(LATE_KEY_SECONDS))
            self._mask.extend(MASK_TAIL_SECONDS)

    def _add_input(self, key: str) -> None:
        if not self._input:
            self._interrupt_agent()
        self._input += key
        self._silence.key_pressed()
        if key == INPUT_TERMINATOR or len(self._input) >= MAX_INPUT_KEYS:
            self._begin_turn(self._take_input())

    def _interrupt_agent(self) -> None:
        """The caller presses keys instead of listening. Neither a running tool nor what must be heard
        is interrupted."""
        conversation = self._conversation
        is_held = conversation.opening is not None and conversation.opening.is_held
        is_leaving = conversation.handoffs.target_in_progress is not None
        if is_held or is_leaving or conversation.turn.has_pending_tool_call:
            return
        if not conversation.projection.running_tools:
            with suppress(RuntimeError):
                self._session.interrupt()

    # ---- a turn of the caller ----------------------------------------------------------------

    def _input_due(self) -> datetime | None:
        if not self._input:
            return None
        return self._pressed_at + timedelta(seconds=INPUT_PAUSE_SECONDS)

    def _take_input(self) -> str:
        """Record the keys pressed so far, and return them."""
        keys, self._input = self._input, ""
        if keys:
            self._conversation.record(DtmfReceived(digits=keys))
        return keys

    def _begin_turn(self, keys: str) -> None:
        """Let an agent reply, as it does to words that were said while it could not be interrupted."""
        conversation = self._conversation
        is_machine = conversation.opening is not None and conversation.opening.is_held
        if not keys or is_machine or conversation.projection.ending is not None:
            return
        conversation.publish_caller_partial(TURN_TEXT.format(keys=keys), True)
        conversation.turn.defer_caller_turn()
        self._clock.changed()

    # ---- digits that a tool asks for ---------------------------------------------------------

    async def collect(self, action: CollectDigits) -> CollectedDigits:
        """Ask the caller for digits, as often as the action says. One tool may ask at a time. Raises
        `CallLost` when the call is over or released."""
        typed, self._input = self._input, ""
        with self._masking(action):
            entry, attempts = DigitEntry(rules=action), 0
            self._has_spoken = False
            while attempts < action.attempts and not (entry.is_complete or self._has_spoken):
                # What was typed before may be heard already, so it does not count as masked digits.
                early_keys = "" if attempts or action.masked else typed
                prompt = action.retry_prompt if attempts else action.prompt
                entry = await self._run_attempt(action, prompt, early_keys)
                attempts += 1
        if self._has_spoken and not entry.is_complete:
            return CollectedDigits(pressed=entry.digits, attempts=attempts, problem=SPOKE_INSTEAD)
        return collected_digits(entry, attempts)

    @contextmanager
    def _masking(self, action: CollectDigits) -> Iterator[None]:
        if action.masked:
            self._mask.hold()
        try:
            yield
        finally:
            is_complete = self._entry is not None and self._entry.is_complete
            self._entry = None
            if action.masked or is_complete:
                self._ignores_until = self._after(LATE_KEY_SECONDS)
                self._ignores_masked = action.masked
            # The caller may still press keys when the call is released to another worker.
            if action.masked and not self._is_closed:
                self._mask.release(MASK_TAIL_SECONDS)

    async def _run_attempt(self, action: CollectDigits, prompt: str, early_keys: str) -> DigitEntry:
        self._entry = DigitEntry(rules=action).press_all(early_keys)
        self._asked_at = self._clock.now() if early_keys else None
        if self._entry.is_open and not early_keys:
            self._say(prompt, can_be_interrupted=not action.masked)
        prompt_deadline = self._after(PROMPT_TIMEOUT_SECONDS)
        await self._clock.wait_until(lambda: self._attempt_due(action, prompt_deadline))
        if self._is_closed:
            raise CallLost
        self._stop_prompt()
        entry = self._entry.time_out()
        self._entry = entry
        return entry

    def _attempt_due(self, action: CollectDigits, prompt_deadline: datetime) -> datetime:
        entry = self._entry
        if entry is None or not entry.is_open or self._has_spoken or self._is_closed:
            return IMMEDIATELY
        if entry.digits:
            return self._pressed_at + timedelta(seconds=action.between_seconds)
        if self._asked_at is None:
            return prompt_deadline
        return self._asked_at + timedelta(seconds=action.first_seconds)

    def _say(self, prompt: str, *, can_be_interrupted: bool) -> None:
        if not prompt.strip():
            self._prompt_is_over()
            return
        try:
            self._prompt = self._announcements.start_prompt(
                prompt, can_be_interrupted=can_be_interrupted
            )
        except RuntimeError:  # no agent accepts speech
            self._prompt_is_over()
            return
        self._prompt.add_done_callback(self._on_prompt_done)

    def _on_prompt_done(self, prompt: SpeechHandle) -> None:
        if prompt is self._prompt:  # and not one that was stopped before
            self._prompt_is_over()

    def _prompt_is_over(self) -> None:
        self._prompt = None
        self._asked_at = self._asked_at or self._clock.now()
        self._clock.changed()

    def _stop_prompt(self) -> None:
        prompt, self._prompt = self._prompt, None
        if prompt is not None:
            prompt.interrupt(force=True)

    def _on_transcribed(self, event: UserInputTranscribedEvent) -> None:
        """The caller answers the question of a tool with words."""
        entry = self._entry
        if entry is None or entry.rules.masked or entry.digits:
            return
        if event.is_final and event.transcript.strip():
            self._has_spoken = True
            self._clock.changed()
