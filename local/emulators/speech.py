"""The speech-to-text and text-to-speech emulators, all on one port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute

from local.emulators import cartesia, deepgram, deepgram_flux, sarvam
from local.emulators.audio import synthetic_speech, tone
from local.emulators.http_server import run_server
from local.emulators.speech_script import SpeechEmulator

__all__ = ["SpeechEmulator", "run_speech_emulator", "speech_routes", "synthetic_speech", "tone"]


def speech_routes(state: SpeechEmulator) -> list[BaseRoute]:
    async def accept_key(_: Request) -> JSONResponse:
        return JSONResponse({})

    return [
        # The endpoints that the key prober calls; every API key is accepted.
        Route("/v1/projects", accept_key),
        Route("/voices", accept_key),
        Route("/text-lid", accept_key, methods=["POST"]),
        Route("/tts/bytes", partial(cartesia.speak_once, state), methods=["POST"]),
        Route("/text-to-speech", partial(sarvam.speak_once, state), methods=["POST"]),
        WebSocketRoute("/v1/listen", partial(deepgram.listen, state)),
        WebSocketRoute("/v2/listen", partial(deepgram_flux.listen, state)),
        WebSocketRoute("/speech-to-text/ws", partial(sarvam.listen, state)),
        WebSocketRoute("/tts/websocket", partial(cartesia.speak, state)),
        WebSocketRoute("/text-to-speech/ws", partial(sarvam.speak, state)),
    ]


@asynccontextmanager
async def run_speech_emulator() -> AsyncIterator[SpeechEmulator]:
    state = SpeechEmulator()
    async with run_server(Starlette(routes=speech_routes(state))) as url:
        state.url = url
        yield state
