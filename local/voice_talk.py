"""`./studio talk --voice`: the same conversation through a room, by microphone or from files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from local.client import ApiError, StudioClient
from local.microphone import Microphone
from local.room_participant import RoomParticipant, resample
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
    """The files as the caller's turns. `BadSound` names the first that cannot be played."""
    return {str(path): resample(*read_wav(path)) for path in paths}


class VoiceTalkSession(TalkSession):
    """The lines are names of recordings; without any, a microphone speaks until the call ends."""

    KIND = "VOIP"

    def __init__(
        self,
        studio: StudioClient,
        screen: TalkOutput,
        recorded: Mapping[str, Samples],
        microphone: Microphone | None,
        tape: StereoRecorder | None,
    ) -> None:
        super().__init__(studio, screen)
        self._wav_files = recorded
        self._microphone = microphone
        self._recorder = tape
        self._participant: RoomParticipant | None = None

    @asynccontextmanager
    async def _transport(self, started: Json) -> AsyncGenerator[None]:
        if not started["join"]:
            raise ApiError("this studio has no LiveKit for voice calls; ./studio status says why")
        telephone = self._participant = RoomParticipant(
            self._rejoin, lambda: self._output.show_note("the line is lost; dialling again")
        )
        async with AsyncExitStack() as stack:
            if self._recorder is not None:
                telephone.caller_listeners.append(self._recorder.add_caller)
                telephone.agent_listeners.append(self._recorder.add_agent)
                stack.callback(self._close_recorder, self._recorder, telephone)
            if self._microphone is not None:
                stack.enter_context(self._microphone.attached_to(telephone))
            holding = asyncio.create_task(telephone.run(started["join"]))
            try:
                yield
                # What was said last is still on its way to the ear.
                await asyncio.sleep(PLAYOUT_SECONDS)
            finally:
                holding.cancel()
                with suppress(asyncio.CancelledError, ApiError, TimeoutError):
                    await holding

    @staticmethod
    def _close_recorder(tape: StereoRecorder, telephone: RoomParticipant) -> None:
        tape.close(telephone.elapsed)

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
            self._output.show_note(f"nobody answered within {REPLY_TIMEOUT_SECONDS:g} s; going on")
