"""A conversation of the softphone: WAV files or a microphone, a recording, and typed digits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress

import numpy as np

from domain.common.tasks import cancel_and_wait
from local.microphone import Microphone
from local.phone.dtmf import is_dialable
from local.phone.g711 import FRAME_SAMPLES, RATE, Samples
from local.phone.phone_call import PhoneCall
from local.phone_audio import PhoneAudio
from local.wav import StereoRecorder

SILENCE_SECONDS = 0.8
SPEECH_THRESHOLD = 600
FIRST_WORD_SECONDS = 10.0
"""How long to wait for the other side to speak first."""
LAST_WORD_SECONDS = 4.0
"""How long to listen after the last file before hanging up."""


class PhoneConversation:
    """Speaks into an answered call until it ends. With `wav_files` it says one after the other, each
    when the other side has finished speaking, and then hangs up."""

    def __init__(
        self,
        call: PhoneCall,
        wav_files: Sequence[Samples],
        microphone: Microphone | None,
        recorder: StereoRecorder | None,
        show: Callable[[str], None],
    ) -> None:
        self._call = call
        self._wav_files = wav_files
        self._microphone = microphone
        self._recorder = recorder
        self._show = show
        self._began = time.monotonic()
        self._spoke = asyncio.Event()
        self._spoke_at = self._began
        self._sent = 0

    async def run(self) -> None:
        media = self._call.media
        media.audio_listeners.append(self._on_heard)
        media.digit_listeners.append(lambda digit: self._show(f"the other side pressed {digit}"))
        async with AsyncExitStack() as stack:
            if self._recorder is not None:
                media.sent_listeners.append(self._on_sent)
                stack.callback(self._close_recorder, self._recorder)
            if self._microphone is not None:
                stack.enter_context(self._microphone.attached_to(PhoneAudio(media)))
            speaking = asyncio.create_task(self._speak_files())
            try:
                await self._call.ended.wait()
            finally:
                await cancel_and_wait(speaking)

    def press(self, keys: str) -> None:
        """Send the digits that were typed."""
        if keys and is_dialable(keys):
            self._call.media.send_digits(keys)
        elif keys:
            self._show("type digits (0-9, *, #) to press keys, or /quit to hang up")

    async def _speak_files(self) -> None:
        if not self._wav_files:
            return
        media = self._call.media
        await self._until_silent(FIRST_WORD_SECONDS)
        for samples in self._wav_files:
            media.queue(samples)
            await media.until_played()
            self._spoke.clear()
            await self._until_silent(LAST_WORD_SECONDS)
        await self._call.hang_up()

    async def _until_silent(self, first_word_seconds: float) -> None:
        """Wait until the other side has spoken and is silent again, or does not speak at all."""
        with suppress(TimeoutError):
            async with asyncio.timeout(first_word_seconds):
                await self._spoke.wait()
        while (remaining := self._spoke_at + SILENCE_SECONDS - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(remaining)

    def _on_heard(self, samples: Samples) -> None:
        if np.abs(samples).max(initial=0) > SPEECH_THRESHOLD:
            self._spoke_at = time.monotonic()
            self._spoke.set()
        if self._recorder is not None:
            at = time.monotonic() - self._began - len(samples) / RATE
            self._recorder.add_agent(max(0.0, at), samples)

    def _on_sent(self, samples: Samples) -> None:
        if self._recorder is not None:
            self._recorder.add_caller(self._sent / RATE, samples)
        self._sent += FRAME_SAMPLES

    def _close_recorder(self, recorder: StereoRecorder) -> None:
        recorder.close(time.monotonic() - self._began)
