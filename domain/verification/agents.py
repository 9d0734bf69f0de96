"""Agents: their models, options, languages and voices, held against the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from domain.common.findings import Finding, FindingCode
from domain.common.languages import primary_subtag, supports_language
from domain.providers.catalog import find_provider, provider_names
from domain.providers.model import Provider, ProviderKind
from domain.tenants.settings import TenantSettings
from domain.verification.reporting import Path, error, join_names, warning
from domain.workflows.agents import AgentSpec, ProviderChoice
from domain.workflows.model import END_CALL, HANDOFF_PREFIX, Snapshot

_C = FindingCode
KIND_LABELS = {
    ProviderKind.LLM: "model",
    ProviderKind.STT: "hearing",
    ProviderKind.TTS: "speech",
    ProviderKind.VAD: "voice activity",
}


def findings(
    snapshot: Snapshot, settings: TenantSettings | None, keys: frozenset[str] | None
) -> Iterator[Finding]:
    for name, agent in snapshot.agents.items():
        path = ("agents", name)
        if agent.llm is None:
            # Where the settings are not known they may have one.
            tell = warning if settings is None else error
            yield tell(
                _C.NO_MODEL,
                (*path, "llm"),
                f"{name!r} has no model, and the settings have none for all.",
                "Choose a model for it, or a default for all agents.",
            )
        for kind, choice in agent.provider_choices:
            yield from _provider_choice(kind, choice, (*path, kind.value.lower()), keys)
        yield from _languages(agent, path)
        yield from _voices(agent, path)
        yield from _tools(snapshot, agent, path)


FLUX_DEFAULT_EOT_THRESHOLD = 0.7
"""The eot_threshold of Deepgram Flux, unless another is given."""


def _provider_choice(
    kind: ProviderKind, choice: ProviderChoice, path: Path, keys: frozenset[str] | None
) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for place, each in enumerate(choice.chain):
        here = path if place == 0 else (*path, "fallbacks", str(place - 1))
        entry = find_provider(kind, each.provider)
        if entry is None:
            yield error(
                _C.UNKNOWN_PROVIDER,
                (*here, "provider"),
                f"There is no {KIND_LABELS[kind]} provider {each.provider!r}.",
                f"Choose one of {join_names(provider_names(kind))}.",
            )
            continue
        yield from _model(entry, each, here)
        yield from _options(entry, each, here)
        yield from _eager_eot(each, here)
        if (each.provider, each.model) in seen:
            yield warning(
                _C.USELESS_FALLBACK,
                here,
                f"{each.provider} {each.model} is in the chain already: it would fail as well.",
                "Choose another provider or model, or remove it.",
            )
        seen.add((each.provider, each.model))
        if keys is not None and entry.needs_key and entry.name not in keys:
            yield warning(
                _C.NO_KEY,
                (*here, "provider"),
                f"There is no key for {entry.display_name}.",
                f"Set one with setCredential, or {entry.name.upper()}_API_KEY for the worker.",
            )


def _model(entry: Provider, choice: ProviderChoice, path: Path) -> Iterator[Finding]:
    if choice.model in entry.models or (not choice.model and len(entry.models) == 1):
        return
    known = join_names(entry.models)
    if not choice.model:
        yield error(
            _C.UNKNOWN_MODEL,
            (*path, "model"),
            f"{entry.display_name} is chosen without a model.",
            f"Choose one, for instance {entry.models[0]}.",
        )
    else:
        yield warning(
            _C.UNKNOWN_MODEL,
            (*path, "model"),
            f"{choice.model!r} is not among the models we know of {entry.display_name}.",
            f"Leave it if it is newer; known are {known}.",
        )


def _options(entry: Provider, choice: ProviderChoice, path: Path) -> Iterator[Finding]:
    for name, value in choice.options.items():
        option = entry.option(name)
        if option is None:
            known = join_names(o.name for o in entry.options) or "none"
            yield error(
                _C.UNKNOWN_OPTION,
                (*path, "options", name),
                f"{entry.display_name} has no option {name!r}.",
                f"Remove it; there are {known}.",
            )
        elif (problem := option.problem_with(value)) is not None:
            yield error(
                _C.INVALID_OPTION,
                (*path, "options", name),
                f"{name} {problem}.",
                option.help,
            )


def _eager_eot(choice: ProviderChoice, path: Path) -> Iterator[Finding]:
    eager = choice.options.get("eager_eot_threshold")
    sure = choice.options.get("eot_threshold", FLUX_DEFAULT_EOT_THRESHOLD)
    if isinstance(eager, int | float) and isinstance(sure, int | float) and eager > sure:
        yield error(
            _C.INVALID_OPTION,
            (*path, "options", "eager_eot_threshold"),
            f"eager_eot_threshold is more than eot_threshold, which is {sure:g}.",
            "Lower it, or raise eot_threshold.",
        )


def _languages(agent: AgentSpec, path: Path) -> Iterator[Finding]:
    wanted = agent.languages or ((agent.default_language,) if agent.default_language else ())
    for kind, choice in agent.provider_choices:
        if kind not in (ProviderKind.STT, ProviderKind.TTS):
            continue
        entries = ((each.model, find_provider(kind, each.provider)) for each in choice.chain)
        known = [
            (entry.display_name, entry.languages_by_model.get(model, entry.languages))
            for model, entry in entries
            if entry is not None and entry.languages
        ]
        for language in wanted:
            if known and not supports_language(known[0][1], language):
                verb = "hear" if kind is ProviderKind.STT else "speak"
                yield error(
                    _C.LANGUAGE_NOT_KNOWN,
                    (*path, kind.value.lower(), "provider"),
                    f"{known[0][0]} does not {verb} {language}.",
                    "Choose another provider or model, or take the language off the agent.",
                )


def _voices(agent: AgentSpec, path: Path) -> Iterator[Finding]:
    if not agent.voices:
        return
    listed_here = {primary_subtag(voice.language) for voice in agent.voices}
    for language in agent.languages:
        if primary_subtag(language) not in listed_here:
            yield warning(
                _C.NO_VOICE,
                (*path, "voices"),
                f"{language} has no voice of its own, though others have.",
                "Name a voice for it, or expect the provider's own.",
            )
    spoken = find_provider(ProviderKind.TTS, agent.tts.provider) if agent.tts else None
    for place, voice in enumerate(agent.voices):
        here = (*path, "voices", str(place))
        if agent.languages and not supports_language(agent.languages, voice.language):
            yield warning(
                _C.VOICE_WITHOUT_LANGUAGE,
                (*here, "language"),
                f"The agent does not speak {voice.language}, so this voice is never heard.",
                "Add it to languages, or remove the voice.",
            )
        known = spoken.voices if spoken else ()
        own = spoken.voices_by_model.get(agent.tts.model, ()) if spoken and agent.tts else ()
        if own and "{{" not in voice.voice and voice.voice not in own and agent.tts:
            yield error(
                _C.UNKNOWN_VOICE,
                (*here, "voice"),
                f"{agent.tts.model} has no voice {voice.voice!r}.",
                f"Choose one of {join_names(own)}.",
            )
        elif known and "{{" not in voice.voice and voice.voice not in known:
            yield warning(
                _C.UNKNOWN_VOICE,
                (*here, "voice"),
                f"{voice.voice!r} is not among the voices we know of {spoken.display_name}."
                if spoken
                else "",
                f"Leave it if it is newer; known are {join_names(known)}.",
            )


def _tools(snapshot: Snapshot, agent: AgentSpec, path: Path) -> Iterator[Finding]:
    for tool in agent.tools:
        if tool not in snapshot.tools:
            yield error(
                _C.UNKNOWN_TOOL,
                (*path, "tools"),
                f"There is no tool named {tool!r}.",
                "Create that tool, or take it off the agent.",
            )
        if tool == END_CALL or tool.startswith(HANDOFF_PREFIX):
            yield error(
                _C.TOOL_NAME_CLASH,
                (*path, "tools"),
                f"{tool!r} is a name that workflows use themselves.",
                f"Rename the tool: {END_CALL} and {HANDOFF_PREFIX}… are kept.",
            )
