"""The turns of a call in progress: their ids, their partial transcripts, and how far the reply is.

Only `TurnState` changes these; the session and the agents report to it what happens."""

from __future__ import annotations

from domain.calls.events import PartialTranscript, Speaker
from worker.session.speech_progress import SpeechKey, SpeechProgress


class TurnState:
    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        self._agent_turns = 0
        self._agent_rev = 0
        self._caller_turns = 0
        self._caller_rev = 0
        self._caller_text = ""
        self._is_caller_deferred = False
        self._speech = SpeechProgress()
        self._speech_key: SpeechKey | None = None
        self._has_pending_tool_call = False
        self._has_reply_failed = False
        self._preemptive_reply_failed = False

    # ---- the caller's turn -----------------------------------------------------------------

    @property
    def caller_turn_id(self) -> str:
        """The id of the caller's current or next turn."""
        return f"caller.{self._epoch}.{self._caller_turns}"

    @property
    def is_caller_mid_turn(self) -> bool:
        """Whether part of the caller's turn has been transcribed and the turn is not over."""
        return self._caller_rev > 0

    def caller_transcribed(self, text: str, is_final: bool) -> PartialTranscript:
        """Take a transcript of part of the caller's turn, and return the whole turn so far."""
        whole = f"{self._caller_text} {text}".strip()
        if is_final:
            self._caller_text = whole
        self._caller_rev += 1
        return PartialTranscript(
            turn_id=self.caller_turn_id, rev=self._caller_rev, speaker=Speaker.CALLER, text=whole
        )

    def defer_caller_turn(self) -> None:
        """The caller's current turn gets a reply only once an agent can be interrupted."""
        self._is_caller_deferred = True

    @property
    def deferred_text(self) -> str:
        """What was transcribed of the caller's turn, if it was deferred."""
        return self._caller_text if self._is_caller_deferred else ""

    def whole_caller_turn(self, text: str) -> str:
        """The text of a turn together with what was deferred before."""
        deferred = self.deferred_text
        return text if not deferred else deferred if text in deferred else f"{deferred} {text}"

    def caller_turn_ended(self) -> None:
        self._caller_turns += 1
        self._caller_rev, self._caller_text, self._is_caller_deferred = 0, "", False

    # ---- the agent's turn ------------------------------------------------------------------

    @property
    def agent_turn_id(self) -> str:
        """The id of the agent's current or next turn."""
        return f"{self._epoch}.{self._agent_turns}"

    @property
    def has_pending_tool_call(self) -> bool:
        """Whether the model's current response contains a tool call or a hand-off, so that the
        reply continues after this turn of the agent."""
        return self._has_pending_tool_call

    @property
    def has_reply_failed(self) -> bool:
        """Whether the model failed in the current response, of which a part may have been spoken."""
        return self._has_reply_failed

    def speech(self, key: SpeechKey | None) -> SpeechProgress:
        """The progress of this speech, whose text or audio begins: either may be the first."""
        if key is None or key != self._speech_key:
            self._speech_key, self._speech = key, SpeechProgress()
        return self._speech

    def reply_started(self) -> None:
        """An agent has entered its node, or its model starts to respond."""
        self._has_pending_tool_call = False
        self._has_reply_failed = False

    def tool_called(self) -> None:
        self._has_pending_tool_call = True

    def reply_failed(self) -> None:
        """The reply will not be completed: the agent's next words end it."""
        self._has_pending_tool_call = False
        self._has_reply_failed = True

    def agent_transcribed(self, turn_id: str, text: str) -> PartialTranscript:
        """The next partial transcript of that turn, with its text so far."""
        self._agent_rev += 1
        return PartialTranscript(
            turn_id=turn_id, rev=self._agent_rev, speaker=Speaker.AGENT, text=text
        )

    def agent_turn_ended(self) -> None:
        self._agent_turns += 1
        self._agent_rev = 0

    # ---- preemptive generation -------------------------------------------------------------

    def preemptive_reply_failed(self) -> None:
        """The reply that was generated while the caller still spoke has failed."""
        self._preemptive_reply_failed = True

    def take_preemptive_failure(self) -> bool:
        """Return whether the preemptive reply to the caller's turn failed, and reset it."""
        failed, self._preemptive_reply_failed = self._preemptive_reply_failed, False
        return failed
