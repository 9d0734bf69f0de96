"""What stand-ins of speech share: what callers say, what agents said, what is to go wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from local.emulators.faults import Faults


@dataclass(slots=True)
class SpeechEmulator:
    """`words` is what the next utterances of the caller are heard as; `said` what agents said."""

    url: str = ""
    utterances: list[str] = field(default_factory=list)
    default_utterances: Iterator[str] = field(default_factory=lambda: repeat("hello"))
    """What is heard when there are no more words."""
    languages: list[str] = field(default_factory=list)
    """Of the next utterances, where the provider tells languages apart."""
    spoken_texts: list[str] = field(default_factory=list)
    used_voices: list[tuple[str, str, str]] = field(default_factory=list)
    """Who said it: provider, voice, language."""
    spoken_by_key: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What was said, by the key that it was said with."""
    keys: list[tuple[str, str]] = field(default_factory=list)
    """Provider and key of every connection."""
    connection_options: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Provider and options of every connection."""
    stt_connections: int = 0
    """Connections for hearing that were opened."""
    faults: Faults = field(default_factory=Faults)

    def next_utterance(self) -> str:
        return self.utterances.pop(0) if self.utterances else next(self.default_utterances)

    def next_language(self, default: str) -> str:
        return self.languages.pop(0) if self.languages else default

    def record_connection(self, provider: str, key: str, asked: dict[str, Any]) -> None:
        self.keys.append((provider, key))
        self.connection_options.append((provider, asked))

    def record_speech(self, words: str, provider: str, voice: str, language: str, key: str) -> None:
        self.spoken_texts.append(words)
        self.spoken_by_key[key].append(words)
        self.used_voices.append((provider, voice, language))


async def messages(socket: WebSocket) -> AsyncIterator[str | bytes]:
    """What the client sends, until it is gone."""
    with suppress(WebSocketDisconnect):
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            text = message.get("text")
            yield message["bytes"] if text is None else text


def first_half(words: str) -> list[str]:
    """The first half of the words."""
    all_ = words.split()
    return all_[: len(all_) // 2]
