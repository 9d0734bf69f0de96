"""`./studio talk --voice`: the same conversation through a room, by microphone or from files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from local.client import Refused, Studio
from local.microphone import Microphone
from local.screen import Screen
from local.sound import Samples, Tape, read_wav
from local.talk import ERROR, Json, Talk
from local.telephone import Telephone, resampled

JOIN = (
    "mutation ($input: JoinCallInput!) { joinCall(input: $input) "
    f"{{ __typename {ERROR} ... on JoinCallSuccess {{ join {{ url token }} }} }} }}"
)
ANSWER_SECONDS = 30.0
LAST_WORDS_SECONDS = 0.5


def recordings(paths: list[Path]) -> Mapping[str, Samples]:
    """The files as the caller's turns. `BadSound` names the first that cannot be played."""
    return {str(path): resampled(*read_wav(path)) for path in paths}


class VoiceTalk(Talk):
    """The lines are names of recordings; without any, a microphone speaks until the call ends."""

    KIND = "VOIP"

    def __init__(
        self,
        studio: Studio,
        screen: Screen,
        recorded: Mapping[str, Samples],
        microphone: Microphone | None,
        tape: Tape | None,
    ) -> None:
        super().__init__(studio, screen)
        self._recorded = recorded
        self._microphone = microphone
        self._tape = tape
        self._telephone: Telephone | None = None

    @asynccontextmanager
    async def _line(self, started: Json) -> AsyncGenerator[None]:
        if not started["join"]:
            raise Refused("this studio has no LiveKit for voice calls; ./studio status says why")
        telephone = self._telephone = Telephone(
            self._new_ticket, lambda: self._screen.note("the line is lost; dialling again")
        )
        async with AsyncExitStack() as stack:
            if self._tape is not None:
                telephone.said.append(self._tape.caller)
                telephone.heard.append(self._tape.agent)
                stack.callback(self._tape_ends, self._tape, telephone)
            if self._microphone is not None:
                stack.enter_context(self._microphone.at(telephone))
            holding = asyncio.create_task(telephone.hold(started["join"]))
            try:
                yield
                # What was said last is still on its way to the ear.
                await asyncio.sleep(LAST_WORDS_SECONDS)
            finally:
                holding.cancel()
                with suppress(asyncio.CancelledError, Refused, TimeoutError):
                    await holding

    @staticmethod
    def _tape_ends(tape: Tape, telephone: Telephone) -> None:
        tape.close(telephone.now)

    async def _new_ticket(self) -> Json:
        joined = await self._studio.mutate(JOIN, {"input": {"callId": self._call}})
        return dict(joined["join"])

    async def _speak(self, lines: AsyncIterator[str]) -> None:
        if self._microphone is not None:
            await asyncio.Event().wait()
        await super()._speak(lines)

    async def _say(self, line: str) -> None:
        assert self._telephone is not None
        await self._telephone.quiet()
        await self._telephone.say(self._recorded[line])

    async def _until_answered(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await super()._until_answered()
        except TimeoutError:
            self._screen.note(f"nobody answered within {ANSWER_SECONDS:g} s; going on")
