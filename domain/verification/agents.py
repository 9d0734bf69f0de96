"""Findings about agents: models, options, languages and voices, checked against the catalog."""

from __future__ import annotations

from collections.abc import Iterator

from domain.common.findings import Finding, FindingCode
from domain.common.languages import LANGUAGE_TAG, primary_subtag, supports_language
from domain.providers.catalog import (
    CATALOG,
    detect_turns,
    find_provider,
    have_interim_transcripts,
    provider_names,
)
from domain.providers.model import Provider, ProviderKind
from domain.tenants.credentials import credential_name
from domain.tenants.settings import TenantSettings
from domain.verification.reporting import Path, error, join_names, warning
from domain.workflows.agents import AgentSpec, ProviderChoice, Session
from domain.workflows.interruptions import InterruptedBy, Interruption
from domain.workflows.model import END_CALL, HANDOFF_PREFIX, Snapshot
from domain.workflows.spoken_text_templates import SpokenTexts
from domain.workflows.spoken_texts import (
    DEFAULT_SPOKEN_TEXTS,
    FALLBACK_LANGUAGE,
    SpokenText,
    default_spoken_text,
    text_language,
)

_C = FindingCode
KIND_LABELS = {
    ProviderKind.LLM: "language model",
    ProviderKind.STT: "speech-to-text",
    ProviderKind.TTS: "text-to-speech",
    ProviderKind.VAD: "voice activity detection",
}


def findings(
    snapshot: Snapshot, settings: TenantSettings | None, keys: frozenset[str] | None
) -> Iterator[Finding]:
    tenant_texts = settings.spoken_texts if settings is not None else ()
    yield from _unknown_languages(tenant_texts, ("settings",))
    worded = _worded(tenant_texts)
    for name, agent in snapshot.agents.items():
        path = ("agents", name)
        if agent.llm is None:
            # Unknown settings may have a default model.
            report = warning if settings is None else error
            yield report(
                _C.NO_MODEL,
                (*path, "llm"),
                f"The agent {name!r} has no language model, and the settings have no default one.",
                "Set llm on the agent, or defaults.llm in the settings.",
            )
        yield from provider_findings(agent, path, keys)
        if not any(_languages(agent, path)):
            yield from _missing_texts(agent, worded, path)
        yield from _unused_texts(agent, path)
        yield from _endpointing(agent, (*path, "session"))
        yield from _interruption(agent, (*path, "session", "interruption"))
        yield from _tools(snapshot, agent, path)


def provider_findings(
    agent: AgentSpec, path: Path, keys: frozenset[str] | None
) -> Iterator[Finding]:
    """The findings about the providers of an agent, and about its voices and languages at them."""
    for kind, choice in agent.provider_choices:
        yield from _provider_choice(kind, choice, (*path, kind.value.lower()), keys)
    yield from _languages(agent, path)
    yield from _voices(agent, path)


CATALOG_LANGUAGES = frozenset(
    text_language(tag) for provider in CATALOG for tag in provider.languages
)
FLUX_DEFAULT_EOT_THRESHOLD = 0.7
"""The default of `eot_threshold` of Deepgram Flux."""


def _provider_choice(
    kind: ProviderKind, choice: ProviderChoice, path: Path, keys: frozenset[str] | None
) -> Iterator[Finding]:
    seen: set[tuple[str, str, str | None]] = set()
    for index, each in enumerate(choice.chain):
        here = path if index == 0 else (*path, "fallbacks", str(index - 1))
        entry = find_provider(kind, each.provider)
        if entry is None:
            yield error(
                _C.UNKNOWN_PROVIDER,
                (*here, "provider"),
                f"There is no {KIND_LABELS[kind]} provider named {each.provider!r}.",
                f"Choose one of {join_names(provider_names(kind))}.",
            )
            continue
        yield from _model(entry, each, here)
        yield from _options(entry, each, here)
        yield from _eager_eot(each, here)
        identity = each.provider, each.model, each.credential
        if identity in seen:
            yield warning(
                _C.USELESS_FALLBACK,
                here,
                f"The fallback {each.provider} {each.model} is already in the list, so it would "
                "fail as well.",
                "Choose another provider or model, or remove this fallback.",
            )
        seen.add(identity)
        if keys is not None and entry.needs_key:
            yield from _key(entry, each, here, keys)


def _key(
    entry: Provider, choice: ProviderChoice, path: Path, keys: frozenset[str]
) -> Iterator[Finding]:
    if credential_name(entry.name, choice.credential) in keys:
        return
    if choice.credential is None:
        yield warning(
            _C.NO_KEY,
            (*path, "provider"),
            f"There is no API key for {entry.display_name}.",
            f"Set one with setCredential, or set {entry.name.upper()}_API_KEY for the worker.",
        )
    else:
        yield warning(
            _C.NO_KEY,
            (*path, "credential"),
            f"There is no credential {choice.credential!r} for {entry.display_name}.",
            "Set one with setCredential and this label, or choose another credential.",
        )


def _model(entry: Provider, choice: ProviderChoice, path: Path) -> Iterator[Finding]:
    if choice.model in entry.models or (not choice.model and len(entry.models) == 1):
        return
    known = join_names(entry.models)
    if not choice.model:
        yield error(
            _C.UNKNOWN_MODEL,
            (*path, "model"),
            f"The provider {entry.display_name} is selected without a model.",
            f"Set model, for example to {entry.models[0]}.",
        )
    else:
        yield warning(
            _C.UNKNOWN_MODEL,
            (*path, "model"),
            f"{choice.model!r} is not one of the known models of {entry.display_name}.",
            f"Ignore this if the model is newer than this list; the known models are {known}.",
        )


def _options(entry: Provider, choice: ProviderChoice, path: Path) -> Iterator[Finding]:
    for name, value in choice.options.items():
        option = entry.option(name)
        if option is None:
            known = join_names(o.name for o in entry.options)
            yield error(
                _C.UNKNOWN_OPTION,
                (*path, "options", name),
                f"{entry.display_name} has no option {name!r}.",
                f"Remove it or use one of {known}."
                if known
                else "Remove it; there are no options.",
            )
        elif (problem := option.problem_with(value)) is not None:
            yield error(
                _C.INVALID_OPTION,
                (*path, "options", name),
                f"The option {name} {problem}.",
                option.help,
            )


def _eager_eot(choice: ProviderChoice, path: Path) -> Iterator[Finding]:
    eager = choice.options.get("eager_eot_threshold")
    normal = choice.options.get("eot_threshold", FLUX_DEFAULT_EOT_THRESHOLD)
    if isinstance(eager, int | float) and isinstance(normal, int | float) and eager > normal:
        yield error(
            _C.INVALID_OPTION,
            (*path, "options", "eager_eot_threshold"),
            f"The option eager_eot_threshold is greater than eot_threshold, which is {normal:g}.",
            "Lower eager_eot_threshold, or raise eot_threshold.",
        )


def _spoken_languages(agent: AgentSpec) -> tuple[str, ...]:
    return agent.languages or ((agent.default_language,) if agent.default_language else ())


def _languages(agent: AgentSpec, path: Path) -> Iterator[Finding]:
    languages = _spoken_languages(agent)
    for kind, choice in agent.provider_choices:
        if kind not in (ProviderKind.STT, ProviderKind.TTS):
            continue
        entries = ((each.model, find_provider(kind, each.provider)) for each in choice.chain)
        known = [
            (entry.display_name, entry.languages_by_model.get(model, entry.languages))
            for model, entry in entries
            if entry is not None and entry.languages
        ]
        for language in languages:
            if known and not supports_language(known[0][1], language):
                verb = "recognize" if kind is ProviderKind.STT else "speak"
                yield error(
                    _C.LANGUAGE_NOT_KNOWN,
                    (*path, kind.value.lower(), "provider"),
                    f"The provider {known[0][0]} does not {verb} {language}.",
                    "Choose another provider or model, or remove the language from the agent.",
                )


def _voices(agent: AgentSpec, path: Path) -> Iterator[Finding]:
    if not agent.voices:
        return
    with_voice = {primary_subtag(voice.language) for voice in agent.voices}
    for language in agent.languages:
        if primary_subtag(language) not in with_voice:
            yield warning(
                _C.NO_VOICE,
                (*path, "voices"),
                f"The language {language} has no voice, although other languages of the agent "
                "have one.",
                "Add a voice for it, or ignore this to use the provider's default voice.",
            )
    provider = find_provider(ProviderKind.TTS, agent.tts.provider) if agent.tts else None
    for index, voice in enumerate(agent.voices):
        here = (*path, "voices", str(index))
        if agent.languages and not supports_language(agent.languages, voice.language):
            yield warning(
                _C.VOICE_WITHOUT_LANGUAGE,
                (*here, "language"),
                f"The agent does not speak {voice.language}, so this voice is never used.",
                "Add the language to languages, or remove the voice.",
            )
        known = provider.voices if provider else ()
        own = provider.voices_by_model.get(agent.tts.model, ()) if provider and agent.tts else ()
        if own and "{{" not in voice.voice and voice.voice not in own and agent.tts:
            yield error(
                _C.UNKNOWN_VOICE,
                (*here, "voice"),
                f"The model {agent.tts.model} has no voice {voice.voice!r}.",
                f"Choose one of {join_names(own)}.",
            )
        elif known and "{{" not in voice.voice and voice.voice not in known:
            yield warning(
                _C.UNKNOWN_VOICE,
                (*here, "voice"),
                f"{voice.voice!r} is not one of the known voices of {provider.display_name}."
                if provider
                else "",
                "Ignore this if the voice is newer than this list; the known voices are "
                f"{join_names(known)}.",
            )


def _worded(texts: SpokenTexts) -> frozenset[tuple[SpokenText, str]]:
    """Which texts are worded in which language."""
    return frozenset((each.text, text_language(each.language)) for each in texts)


def _missing_texts(
    agent: AgentSpec, worded_by_tenant: frozenset[tuple[SpokenText, str]], path: Path
) -> Iterator[Finding]:
    worded = worded_by_tenant | _worded(agent.spoken_texts)
    for language in filter(LANGUAGE_TAG.fullmatch, _spoken_languages(agent)):
        missing = [
            text
            for text in SpokenText
            if default_spoken_text(text, language) is None
            and (text, text_language(language)) not in worded
        ]
        if missing:
            yield warning(
                _C.NO_SPOKEN_TEXT,
                (*path, "spokenTexts"),
                f"These texts do not exist in {language}, so the agent says them in English: "
                f"{join_names(missing)}.",
                "Add them to spokenTexts of the agent, or of the settings.",
            )


def _unused_texts(agent: AgentSpec, path: Path) -> Iterator[Finding]:
    used = {text_language(each) for each in _spoken_languages(agent)}
    if not used:
        yield from _unknown_languages(agent.spoken_texts, path)
        return
    if not used <= DEFAULT_SPOKEN_TEXTS.keys():
        used.add(FALLBACK_LANGUAGE)
    for index, template in enumerate(agent.spoken_texts):
        if text_language(template.language) not in used:
            yield warning(
                _C.SPOKEN_TEXT_WITHOUT_LANGUAGE,
                (*path, "spokenTexts", str(index), "language"),
                f"The agent does not speak {template.language}, so this text is never said.",
                "Add the language to languages, or remove the text.",
            )


def _unknown_languages(texts: SpokenTexts, path: Path) -> Iterator[Finding]:
    for index, template in enumerate(texts):
        if text_language(template.language) not in CATALOG_LANGUAGES:
            yield warning(
                _C.SPOKEN_TEXT_WITHOUT_LANGUAGE,
                (*path, "spokenTexts", str(index), "language"),
                f"No provider of the catalog supports {template.language}, so this text may never "
                "be said.",
                "Correct the language, or ignore this if it is newer than the catalog.",
            )


def _endpointing(agent: AgentSpec, path: Path) -> Iterator[Finding]:
    if agent.stt is None or not detect_turns(choice.model for choice in agent.stt.chain):
        return
    session, default = agent.session, Session()
    for name, changed in {
        "minEndpointing": session.min_endpointing != default.min_endpointing,
        "maxEndpointing": session.max_endpointing != default.max_endpointing,
    }.items():
        if changed:
            yield warning(
                _C.USELESS_ENDPOINTING,
                (*path, name),
                f"{name} has no effect, because the STT decides when the caller has finished.",
                "Remove it, and set eot_threshold or eot_timeout_ms of the STT instead.",
            )


def _interruption(agent: AgentSpec, path: Path) -> Iterator[Finding]:
    interruption = agent.session.interruption
    if interruption.by is InterruptedBy.NOTHING and interruption != Interruption(
        by=InterruptedBy.NOTHING
    ):
        yield warning(
            _C.USELESS_INTERRUPTION,
            path,
            "The other interruption settings have no effect, because by is NOTHING.",
            "Remove them, or set by to WORDS or SOUND.",
        )
    counts_words = interruption.by is InterruptedBy.WORDS and interruption.min_words > 1
    stt = (choice.provider for choice in agent.stt.chain) if agent.stt else ()
    if counts_words and not have_interim_transcripts(stt):
        yield warning(
            _C.NO_INTERIM_TRANSCRIPTS,
            (*path, "minWords"),
            "An STT provider of the agent transcribes only after the caller has paused, so the "
            "agent pauses for any sound, as if by were SOUND.",
            "Choose STT providers with interim transcripts, or set by to SOUND.",
        )


def _tools(snapshot: Snapshot, agent: AgentSpec, path: Path) -> Iterator[Finding]:
    for tool in agent.tools:
        if tool not in snapshot.tools:
            yield error(
                _C.UNKNOWN_TOOL,
                (*path, "tools"),
                f"There is no tool named {tool!r}.",
                "Create the tool, or remove it from the agent.",
            )
        if tool == END_CALL or tool.startswith(HANDOFF_PREFIX):
            yield error(
                _C.TOOL_NAME_CLASH,
                (*path, "tools"),
                f"The tool name {tool!r} is reserved for the built-in tools of workflows.",
                f"Rename the tool to something other than {END_CALL} and {HANDOFF_PREFIX}….",
            )
