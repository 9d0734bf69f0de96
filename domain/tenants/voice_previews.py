"""Previews of voices: one TTS provider says a short text, outside any call."""

from __future__ import annotations

from dataclasses import dataclass

from domain.workflows.agents import AgentSpec, Prompt, ProviderChoice, Voice
from domain.workflows.spoken_texts import FALLBACK_LANGUAGE, SpokenText, default_spoken_text

MAX_TEXT_LENGTH = 200
SENTENCES = (SpokenText.STILL_THERE, SpokenText.ENDING_SOON)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicePreview:
    """What to hear. Without a voice or a language, the provider uses its own, as it does in calls."""

    choice: ProviderChoice
    voice: str | None = None
    language: str | None = None
    text: str | None = None

    @property
    def spoken_text(self) -> str:
        """The text, or else two sentences of the product in the language."""
        return self.text or " ".join(map(self._sentence, SENTENCES))

    def _sentence(self, text: SpokenText) -> str:
        spoken = default_spoken_text(text, self.language or FALLBACK_LANGUAGE)
        return spoken or default_spoken_text(text, FALLBACK_LANGUAGE) or ""

    @property
    def agent(self) -> AgentSpec:
        """An agent that speaks like this, to which the rules for agents apply."""
        voice = Voice(language=self.language or FALLBACK_LANGUAGE, voice=self.voice or "")
        return AgentSpec(
            name="preview",
            prompt=Prompt(system="Speak."),
            tts=self.choice,
            voices=() if self.voice is None else (voice,),
            languages=() if self.language is None else (self.language,),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenAudio:
    """A WAV file with 16-bit PCM, mono."""

    wav: bytes
    seconds: float
