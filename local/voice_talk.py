"""`./studio talk --voice`: a conversation in a LiveKit room, with a microphone or WAV files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from local.client import ApiError, StudioClient
from local.microphone import Microphone
from local.room_participant import RoomParticipant, resample
from local.state_dir import PROGRAM
from local.talk import ERROR, Json, TalkSession
from local.terminal_output import TalkOutput
from local.wav import Samples, StereoRecorder, read_wav

JOIN = (
    "mutation ($input: JoinCallInput!) { joinCall(input: $input) "
    f"{{ __typename {ERROR} ... on JoinCallSuccess {{ join {{ url token }} }} }} }}"
)
REPLY_TIMEOUT_SECONDS = 30.0
PLAYOUT_SECONDS = 0.5


def load_wav_files(paths: list[Path]) -> Mapping[str, Samples]:
    """Load the files that are the caller's turns. Raises `WavError` for the first invalid one."""
    return {str(path): resample(*read_wav(path)) for path in paths}


class VoiceTalkSession(TalkSession):
    """A voice call. The lines are file names in `wav_files`; with a microphone there are no lines
    and the caller speaks until the call ends."""

    KIND = "VOIP"

    def __init__(
        self,
        studio: StudioClient,
        output: TalkOutput,
        wav_files: Mapping[str, Samples],
        microphone: Microphone | None,
        recorder: StereoRecorder | None,
    ) -> None:
        super().__init__(studio, output)
        self._wav_files = wav_files
        self._microphone = microphone
        self._recorder = recorder
        self._participant: RoomParticipant | None = None

    @asynccontextmanager
    async def _transport(self, started: Json) -> AsyncGenerator[None]:
        if not started["join"]:
            raise ApiError(f"voice calls are off in this studio; {PROGRAM} status shows the reason")
        participant = self._participant = RoomParticipant(
            self._rejoin, lambda: self._output.show_note("the connection was lost; rejoining")
        )
        async with AsyncExitStack() as stack:
            if self._recorder is not None:
                participant.caller_listeners.append(self._recorder.add_caller)
                participant.agent_listeners.append(self._recorder.add_agent)
                stack.callback(self._close_recorder, self._recorder, participant)
            if self._microphone is not None:
                stack.enter_context(self._microphone.attached_to(participant))
            running = asyncio.create_task(participant.run(started["join"]))
            try:
                yield
                # Let the end of the agent's last utterance play out.
                await asyncio.sleep(PLAYOUT_SECONDS)
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError, ApiError, TimeoutError):
                    await running

    @staticmethod
    def _close_recorder(recorder: StereoRecorder, participant: RoomParticipant) -> None:
        recorder.close(participant.elapsed)

    async def _rejoin(self) -> Json:
        joined = await self._studio.mutate(JOIN, {"input": {"callId": self._call}})
        return dict(joined["join"])

    async def _send_lines(self, lines: AsyncIterator[str]) -> None:
        if self._microphone is not None:
            await asyncio.Event().wait()
        await super()._send_lines(lines)

    async def _send_line(self, line: str) -> None:
        assert self._participant is not None
        await self._participant.wait_for_silence()
        await self._participant.play(self._wav_files[line])

    async def _wait_for_reply(self) -> None:
        try:
            async with asyncio.timeout(REPLY_TIMEOUT_SECONDS):
                await super()._wait_for_reply()
        except TimeoutError:
            self._output.show_note(f"no reply within {REPLY_TIMEOUT_SECONDS:g} s; continuing")
