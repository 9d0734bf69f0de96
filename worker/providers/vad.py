"""Speech told from silence, on this machine."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from livekit.agents import inference, vad

from domain.workflows.agents import ProviderChoice


class _InlineExecutor(Executor):
    """Does what it is given there and then: to ask the model takes 20 µs, and to wake a thread for
    that, thirty times a second in every call, several times as much."""

    def submit(self, do: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(do(*given, **named))
        except Exception as error:  # noqa: BLE001 it is told to whoever asked
            future.set_exception(error)
        return future


class _SharedVAD(inference.VAD):
    """All calls of a process listen to it: each would count what it measures of all the others."""

    def emit(self, event: Any, *_: Any) -> None:
        pass


def silero_vad(choice: ProviderChoice) -> vad.VAD:
    return _SharedVAD(executor=_InlineExecutor(), **choice.options)
