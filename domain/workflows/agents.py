"""An agent: its prompt, its STT, LLM and TTS providers, its languages, and the tools it may call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NewType
from uuid import UUID

from domain.common.access import TenantId
from domain.common.errors import InvalidInput, Path, Problem
from domain.common.json_values import json_problem
from domain.common.languages import check_language
from domain.common.problems import Problems, problems_of, raise_per_value
from domain.common.text_validation import check_name, check_text
from domain.providers.model import ProviderKind
from domain.templating.validation import READABLE_NAMESPACES, template_problems
from domain.workflows.interruptions import InterruptedBy, Interruption, interruption_problems
from domain.workflows.spoken_text_templates import SpokenTextTemplate, spoken_text_problems

AgentId = NewType("AgentId", UUID)

MAX_TOOLS = 64
MAX_LANGUAGES = 32
MAX_VARIABLES = 100
MAX_KEYTERMS = 100
MAX_FALLBACKS = 3
MAX_SILENCE_PROMPTS = 5
MAX_SPOKEN_TEXTS = 100
PROMPT_NAMESPACES = READABLE_NAMESPACES - {"params"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A placeholder of a prompt, and the text that replaces it when the context has no value."""

    name: str
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The instructions of an agent, and the greeting it says first; None is no greeting. Both are
    templates over the call's context."""

    system: str
    greeting: str | None = None
    interruptible_greeting: bool = True
    variables: tuple[Variable, ...] = ()

    @property
    def defaults(self) -> Mapping[str, str]:
        """The default of each variable, by its path."""
        return {variable.name: variable.default for variable in self.variables}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChoice:
    """A provider of the catalog, one of its models, and options for it.

    `credential` is the label of the tenant's credential for the provider; None for the one without a
    label, or else the operator's. When the provider fails, the `fallbacks` are tried in order. A
    fallback has no fallbacks of its own."""

    provider: str
    model: str = ""
    credential: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    fallbacks: tuple[ProviderChoice, ...] = ()

    @property
    def chain(self) -> tuple[ProviderChoice, ...]:
        return (self, *self.fallbacks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """The voice for a language: a voice id of the agent's TTS provider."""

    language: str
    voice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SilencePrompt:
    """A template that the agent says when the caller has been silent for `after` seconds; empty for
    the text STILL_THERE in the language of the call."""

    after: float
    say: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The timing of a conversation with the agent. All times are in seconds.

    The call ends after `auto_disconnect` seconds of silence, before which the agent says the
    prompts of `silence`. It also ends when this agent has been active for `max_duration`; None is
    no limit."""

    min_endpointing: float = 0.5
    max_endpointing: float = 3.0
    auto_disconnect: float = 300.0
    silence: tuple[SilencePrompt, ...] = ()
    max_duration: float | None = None
    interruption: Interruption = field(default_factory=Interruption)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """The editable part of an agent, which a published version freezes.

    Providers and a default language that are None come from the defaults of the tenant, and so do
    texts that `spoken_texts` does not contain."""

    name: str
    display_name: str | None = None
    description: str | None = None
    prompt: Prompt
    llm: ProviderChoice | None = None
    stt: ProviderChoice | None = None
    tts: ProviderChoice | None = None
    vad: ProviderChoice | None = None
    voices: tuple[Voice, ...] = ()
    languages: tuple[str, ...] = ()
    default_language: str | None = None
    keyterms: tuple[str, ...] = ()
    session: Session = Session()
    spoken_texts: tuple[SpokenTextTemplate, ...] = ()
    tools: tuple[str, ...] = ()

    @property
    def provider_choices(self) -> Iterator[tuple[ProviderKind, ProviderChoice]]:
        """The chosen providers, with their kinds."""
        for kind in ProviderKind:
            choice = getattr(self, kind.value.lower(), None)
            if choice is not None:
                yield kind, choice

    @property
    def greeting_can_be_interrupted(self) -> bool:
        nothing = self.session.interruption.by is InterruptedBy.NOTHING
        return self.prompt.interruptible_greeting and not nothing

    @property
    def expected_languages(self) -> tuple[str, ...]:
        """The languages that a caller may speak, the most likely one first."""
        first = (self.default_language,) if self.default_language else ()
        return tuple(dict.fromkeys((*first, *self.languages)))

    @property
    def first_language(self) -> str | None:
        """The language that the agent speaks until that of the caller is known; None if it has
        neither languages nor voices."""
        voices = (voice.language for voice in self.voices)
        return next(iter((*self.expected_languages, *voices)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent in its current state; `revision` increases with every edit."""

    id: AgentId
    tenant_id: TenantId
    revision: int
    created_at: datetime
    updated_at: datetime
    spec: AgentSpec


def check_agent(spec: AgentSpec, path: Path = (), found: Iterable[Problem] = ()) -> AgentSpec:
    """Return the spec. Raises `InvalidInput` with all problems, after those already `found`.

    Whether the providers support what they are chosen for is checked by verification."""
    raise_per_value(found, agent_problems(spec, path))
    return spec


def agent_problems(spec: AgentSpec, path: Path = ()) -> Problems:
    yield from problems_of(check_name, spec.name, (*path, "name"))
    yield from problems_of(check_text, spec.display_name, (*path, "displayName"), max_length=120)
    yield from problems_of(check_text, spec.description, (*path, "description"), max_length=2_000)
    yield from _prompt_problems(spec.prompt, (*path, "prompt"))
    for kind, choice in spec.provider_choices:
        yield from provider_choice_problems(choice, (*path, kind.value.lower()))
    yield from _language_problems(spec, path)
    yield from _session_problems(spec.session, (*path, "session"))
    yield from spoken_text_problems(
        spec.spoken_texts, (*path, "spokenTexts"), PROMPT_NAMESPACES, MAX_SPOKEN_TEXTS
    )
    yield from _duplicates(spec.keyterms, MAX_KEYTERMS, (*path, "keyterms"))
    for index, term in enumerate(spec.keyterms):
        here = (*path, "keyterms", str(index))
        yield from problems_of(check_text, term, here, max_length=100, min_length=1)
    yield from _duplicates(spec.tools, MAX_TOOLS, (*path, "tools"))


def provider_choice_problems(choice: ProviderChoice, path: Path) -> Problems:
    provider = (*path, "provider")
    yield from problems_of(check_text, choice.provider, provider, max_length=64, min_length=1)
    yield from problems_of(check_text, choice.model, (*path, "model"), max_length=128)
    if choice.credential is not None:
        yield from problems_of(check_name, choice.credential, (*path, "credential"))
    if (problem := json_problem(choice.options)) is not None:
        yield InvalidInput(f"options are {problem}.", (*path, "options"))
    yield from _duplicates(choice.fallbacks, MAX_FALLBACKS, (*path, "fallbacks"))
    for index, fallback in enumerate(choice.fallbacks):
        here = (*path, "fallbacks", str(index))
        if fallback.fallbacks:
            yield InvalidInput(
                "A fallback must not have fallbacks of its own.", (*here, "fallbacks")
            )
        else:
            yield from provider_choice_problems(fallback, here)


def _prompt_problems(prompt: Prompt, path: Path) -> Problems:
    system, greeting, variables = (*path, "system"), (*path, "greeting"), (*path, "variables")
    yield from problems_of(check_text, prompt.system, system, max_length=32_768, min_length=1)
    yield from problems_of(check_text, prompt.greeting, greeting, max_length=4_096)
    yield from template_problems(prompt.system, system, PROMPT_NAMESPACES)
    yield from template_problems(prompt.greeting, greeting, PROMPT_NAMESPACES)
    yield from _duplicates(tuple(v.name for v in prompt.variables), MAX_VARIABLES, variables)
    for index, variable in enumerate(prompt.variables):
        name, default = (*variables, str(index), "name"), (*variables, str(index), "default")
        yield from problems_of(check_text, variable.name, name, max_length=200, min_length=1)
        yield from problems_of(check_text, variable.default, default, max_length=4_096)


def _language_problems(spec: AgentSpec, path: Path) -> Problems:
    yield from _duplicates(spec.languages, MAX_LANGUAGES, (*path, "languages"))
    for index, language in enumerate(spec.languages):
        yield from problems_of(check_language, language, (*path, "languages", str(index)))
    if spec.default_language is not None:
        here = (*path, "defaultLanguage")
        yield from problems_of(check_language, spec.default_language, here)
        if spec.languages and spec.default_language not in spec.languages:
            yield InvalidInput(
                f"defaultLanguage {spec.default_language} must be listed in languages.", here
            )
    yield from _duplicates(tuple(v.language for v in spec.voices), MAX_LANGUAGES, (*path, "voices"))
    for index, voice in enumerate(spec.voices):
        here = (*path, "voices", str(index))
        yield from problems_of(check_language, voice.language, (*here, "language"))
        yield from problems_of(
            check_text, voice.voice, (*here, "voice"), max_length=128, min_length=1
        )
        yield from template_problems(voice.voice, (*here, "voice"), PROMPT_NAMESPACES)


def _session_problems(session: Session, path: Path) -> Problems:
    limits = {
        "minEndpointing": (session.min_endpointing, 0.0, 10.0),
        "maxEndpointing": (session.max_endpointing, session.min_endpointing, 30.0),
        "autoDisconnect": (session.auto_disconnect, 5.0, 3_600.0),
        "maxDuration": (session.max_duration or 1.0, 1.0, 86_400.0),
    }
    for name, (value, minimum, maximum) in limits.items():
        # Written as a negation so that NaN is rejected too.
        if not minimum <= value <= maximum:
            yield InvalidInput(
                f"{name} must be between {minimum:g} and {maximum:g} seconds.", (*path, name)
            )
    yield from interruption_problems(session.interruption, (*path, "interruption"))
    yield from _duplicates(session.silence, MAX_SILENCE_PROMPTS, (*path, "silence"))
    before = 0.0
    for index, prompt in enumerate(session.silence):
        here = (*path, "silence", str(index))
        if not before < prompt.after < session.auto_disconnect:
            yield InvalidInput(
                "after must be greater than in the previous prompt, and less than autoDisconnect.",
                (*here, "after"),
            )
        yield from problems_of(
            check_text,
            prompt.say,
            (*here, "say"),
            max_length=1_000,
            min_length=1 if prompt.say else 0,
        )
        yield from template_problems(prompt.say, (*here, "say"), PROMPT_NAMESPACES)
        before = prompt.after


def _duplicates(items: tuple[Any, ...], max_count: int, path: Path) -> Problems:
    """Whether there are more items than allowed, and which are listed twice."""
    if len(items) > max_count:
        yield InvalidInput(f"{path[-1]} must not have more than {max_count} items.", path)
        return
    for index, item in enumerate(items):
        if item in items[:index]:
            yield InvalidInput("The same item is listed twice.", (*path, str(index)))
