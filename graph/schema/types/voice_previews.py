"""Previews of voices."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Annotated

import strawberry

from domain.tenants.voice_previews import MAX_TEXT_LENGTH, SpokenAudio, VoicePreview
from graph.schema.scalars import Duration
from graph.schema.types.errors import (
    NotFoundError,
    ProviderFailed,
    QuotaExceeded,
    ValidationError,
)
from graph.schema.types.inputs import InputReader
from graph.schema.types.providers import ProviderChoiceInput


@strawberry.input(description="One TTS provider as an agent may choose it, and what it is to say.")
class PreviewVoiceInput:
    tts: ProviderChoiceInput = strawberry.field(
        description="Text-to-speech provider, without fallbacks."
    )
    voice: str | None = strawberry.field(
        default=None, description="Id of the voice at the provider; omit for its usual one."
    )
    language: str | None = strawberry.field(
        default=None,
        description="Language of the text as a BCP 47 tag; omit for that of the provider.",
    )
    text: str | None = strawberry.field(
        default=None,
        description=(
            f"What to say, at most {MAX_TEXT_LENGTH} characters; omit for two short sentences in the "
            "language."
        ),
    )

    def preview(self, reader: InputReader) -> VoicePreview:
        return VoicePreview(
            choice=self.tts.patch(reader.at("tts")).apply(None, reader.problems),
            voice=self.voice,
            language=self.language,
            text=self.text,
        )


@strawberry.type(description="The provider has spoken.")
class PreviewVoiceSuccess:
    audio: str = strawberry.field(
        description="The file as Base64: WAV with 16-bit PCM, mono, at 24 kHz, or 22.05 kHz for `local`."
    )
    mime_type: str = strawberry.field(description="Media type of the file: `audio/wav`.")
    duration: Duration = strawberry.field(description="How long the audio is.")

    @classmethod
    def from_audio(cls, spoken: SpokenAudio) -> PreviewVoiceSuccess:
        return cls(
            audio=base64.b64encode(spoken.wav).decode(),
            mime_type="audio/wav",
            duration=Duration(timedelta(seconds=spoken.seconds)),
        )


PreviewVoiceResult = Annotated[
    PreviewVoiceSuccess | ValidationError | NotFoundError | QuotaExceeded | ProviderFailed,
    strawberry.union(
        "PreviewVoiceResult",
        description="Result of `previewVoice`: the success type or one of the errors.",
    ),
]
