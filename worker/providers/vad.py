"""VAD on this machine: the model of LiveKit, or the one of Silero."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from importlib.util import find_spec
from typing import Any

from livekit.agents import inference, vad

from domain.tenants.provider_keys import ProviderMisconfigured
from domain.workflows.agents import ProviderChoice

NO_SILERO_PLUGIN = (
    "The VAD provider silero-onnx needs the package livekit-plugins-silero, which is not installed. "
    "Install it on the worker's machine (pip install livekit-plugins-silero), or choose the VAD "
    "provider silero."
)


class _InlineExecutor(Executor):
    """Runs inference in the calling thread: it takes 20 µs, and waking a thread for it, thirty
    times a second in every call, would take several times as long."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
            future.set_exception(error)
        return future


class _SharedVAD(inference.VAD):
    """Shared by all calls of a process. Emits no events, or each call would count the metrics of
    all others."""

    def emit(self, event: Any, *_: Any) -> None:
        pass


def silero_vad(choice: ProviderChoice) -> vad.VAD:
    return _SharedVAD(executor=_InlineExecutor(), **choice.options)


def silero_onnx_vad(choice: ProviderChoice) -> vad.VAD:
    if find_spec("livekit.plugins.silero") is None:
        raise ProviderMisconfigured(NO_SILERO_PLUGIN)
    from worker.providers import silero_onnx  # onnxruntime takes 48 MB

    return silero_onnx.load(choice)
