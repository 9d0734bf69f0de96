"""The state that the speech emulators share: scripted transcripts, recorded speech and faults."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from local.emulators.faults import Faults
from local.emulators.voices import Monotone, Voice


@dataclass(slots=True)
class SpeechEmulator:
    url: str = ""
    utterances: list[str] = field(default_factory=list)
    """Transcripts of the caller's next utterances."""
    default_utterances: Iterator[str] = field(default_factory=lambda: repeat("hello"))
    """Transcripts to use once `utterances` is empty."""
    languages: list[str] = field(default_factory=list)
    """Languages of the next utterances, where the provider detects the language."""
    voice: Voice = field(default_factory=Monotone)
    spoken_texts: list[str] = field(default_factory=list)
    """What agents said, in order."""
    used_voices: list[tuple[str, str, str]] = field(default_factory=list)
    """Provider, voice and language of each of `spoken_texts`."""
    spoken_by_key: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What agents said, by API key."""
    keys: list[tuple[str, str]] = field(default_factory=list)
    """Provider and API key of every connection."""
    connection_options: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Provider and options of every connection."""
    heard_seconds: float = 0.0
    """Seconds of audio that Deepgram's `listen` received."""
    heard_audio: bytearray | None = None
    """The audio that Deepgram's `listen` received; None unless it is to be kept."""
    accepted_keys: frozenset[str] | None = None
    """The API keys that HTTP requests for speech may have; None accepts every key."""
    stt_connections: int = 0
    """Number of speech-to-text connections opened."""
    faults: Faults = field(default_factory=Faults)

    def next_utterance(self) -> str:
        return self.utterances.pop(0) if self.utterances else next(self.default_utterances)

    def next_language(self, default: str) -> str:
        return self.languages.pop(0) if self.languages else default

    def record_connection(self, provider: str, key: str, options: dict[str, Any]) -> None:
        self.keys.append((provider, key))
        self.connection_options.append((provider, options))

    def accepts(self, key: str) -> bool:
        return self.accepted_keys is None or key in self.accepted_keys

    def record_speech(self, words: str, provider: str, voice: str, language: str, key: str) -> None:
        self.spoken_texts.append(words)
        self.spoken_by_key[key].append(words)
        self.used_voices.append((provider, voice, language))


async def messages(socket: WebSocket) -> AsyncIterator[str | bytes]:
    """The messages of the client until it disconnects."""
    with suppress(WebSocketDisconnect):
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            text = message.get("text")
            yield message["bytes"] if text is None else text


def first_half(words: str) -> list[str]:
    split = words.split()
    return split[: len(split) // 2]
