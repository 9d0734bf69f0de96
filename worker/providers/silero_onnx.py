"""VAD with Silero's own model, through onnxruntime. Imported only where livekit-plugins-silero, an
optional extra, is installed."""

from __future__ import annotations

from typing import Any

from livekit.agents import vad
from livekit.plugins.silero import VAD

from domain.workflows.agents import ProviderChoice


class _SharedVAD(VAD):
    """Shared by all calls of a process. Emits no events, or each call would count the metrics of
    all others."""

    def emit(self, event: Any, *_: Any) -> None:
        pass


def load(choice: ProviderChoice) -> vad.VAD:
    loaded: vad.VAD = _SharedVAD.load(**choice.options)
    return loaded
