"""Converts the agents of legacy configs."""

from __future__ import annotations

from typing import Any

from domain.bundles.legacy.converter import Converter, Item
from domain.bundles.legacy.text import shorten, without_empty
from domain.common.languages import LANGUAGE_TAG
from domain.providers.catalog import provider_names
from domain.providers.model import ProviderKind
from domain.workflows.agents import PROMPT_NAMESPACES

PROVIDER_ALIASES = {"gemini": "google", "google_gemini": "google", "sarvam_ai": "sarvam"}
BOOKKEEPING_KEYS = ("id", "tenant_id", "created_at", "updated_at", "object")
INACTIVE = "is_active: false has no equivalent; an imported item is active."


def agent(item: Item) -> dict[str, Any]:
    converter = item.converter
    name = converter.agent_name(item.take("name", "slug"), item.at("name"))
    language = _language(item.take("default_language", "language"), item, "default_language")
    languages = [
        tag
        for each in converter.as_list(
            item.take("languages", "supported_languages"), item.at("languages")
        )
        if (tag := _language(each, item, "languages"))
    ]
    if language and languages and language not in languages:
        converter.converted(
            item.at("languages"), f"The default language {language} was added to the list."
        )
        languages.append(language)
    stt = choice(item, "stt", ProviderKind.STT)
    tts, voices = _tts(item, language or next(iter(languages), None) or _stt_language(stt))
    result = {
        "name": name,
        **without_empty(
            displayName=item.text("display_name", "displayName"),
            description=item.text("description"),
        ),
        "prompt": _prompt(item),
        **without_empty(
            llm=choice(item, "llm", ProviderKind.LLM),
            stt=stt,
            tts=tts,
            vad=choice(item, "vad", ProviderKind.VAD),
            voices=voices,
            languages=list(dict.fromkeys(languages)),
            defaultLanguage=language,
            keyterms=item.take("keyterms"),
            session=_session(item),
            tools=_tools(item),
        ),
    }
    ignore_bookkeeping(item)
    item.report_unused()
    return result


def ignore_bookkeeping(item: Item) -> None:
    """Ignore the keys that the legacy system adds to an item; they are not part of its config."""
    if item.flag("is_active") is False:
        item.converter.not_converted(item.at("is_active"), INACTIVE)
    item.ignore(*BOOKKEEPING_KEYS)


def choice(item: Item, key: str, kind: ProviderKind) -> dict[str, Any] | None:
    """A provider choice; legacy configs put options next to the provider, or give only its name."""
    value = item.take(key)
    if value is None:
        return None
    inside = item.converter.item(
        {"provider": value} if isinstance(value, str) else value, item.at(key)
    )
    return _choice(inside, kind)


def _choice(inside: Item, kind: ProviderKind) -> dict[str, Any] | None:
    converter = inside.converter
    provider = (inside.text("provider", "name", "provider_name") or "").lower()
    known = PROVIDER_ALIASES.get(provider, provider)
    if known != provider:
        converter.converted(inside.at("provider"), f"The provider {provider} is now named {known}.")
    if not known:
        # The note covers the whole choice, so its keys need no notes of their own.
        if rest := inside.take_rest():
            converter.not_converted(inside.path, f"No provider is set for {shorten(rest)}.")
        else:
            converter.dropped(inside.path, "No provider is set, so the tenant's default applies.")
        return None
    if known not in provider_names(kind):
        converter.converted(
            inside.at("provider"),
            f"The provider {known} is not in the catalog; it was left unchanged.",
        )
    model = inside.text("model") or ""
    fallbacks = [
        _choice(each, kind) for each in converter.items(inside.take("fallbacks"), inside.path)
    ]
    nested = converter.item(inside.take("options"), inside.at("options"))
    options = {**_options(inside), **_options(nested)}
    return {
        "provider": known,
        **without_empty(model=model, options=options, fallbacks=[f for f in fallbacks if f]),
    }


def _options(inside: Item) -> dict[str, Any]:
    options = {key: value for key, value in inside.take_rest().items() if value is not None}
    if inside.path[-1] != "options" and options:
        inside.converter.converted(inside.path, f"Moved to options: {', '.join(options)}.")
    return options


def _tts(item: Item, language: str) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The TTS and the voices; legacy configs have one voice per provider, not one per language."""
    converter = item.converter
    value = item.take("tts")
    if value is None:
        return None, _voices(item, item.take("voices"), "voices")
    inside = converter.item(
        {"provider": value} if isinstance(value, str) else value, item.at("tts")
    )
    single = inside.text("voice_id", "voice")
    voice_language = inside.take("language")
    voices = _voices(inside, inside.take("voices"), "voices")
    voices = voices or _voices(item, item.take("voices"), "voices")
    if single and not voices:
        tag = _language(voice_language, inside, "language") if voice_language else language
        voice = converter.template(single, inside.at("voice_id"), PROMPT_NAMESPACES)
        converter.converted(inside.at("voice_id"), f"The voice is now the agent's voice for {tag}.")
        voices = [{"language": tag or language, "voice": voice}] if voice else []
    elif single:
        converter.dropped(
            inside.at("voice_id"), "The single voice is ignored because voices are set."
        )
    return _choice(inside, ProviderKind.TTS), voices


def _stt_language(stt: dict[str, Any] | None) -> str:
    """The language in the options of the STT; English if there is none."""
    tag = ((stt or {}).get("options") or {}).get("language")
    return tag if isinstance(tag, str) and LANGUAGE_TAG.fullmatch(tag) else "en"


def _voices(item: Item, value: Any, key: str) -> list[dict[str, Any]]:
    converter = item.converter
    if isinstance(value, dict):
        value = [{"language": tag, "voice": voice} for tag, voice in value.items()]
        converter.converted(item.at(key), "The map of voices is now a list.")
    voices: dict[str, str] = {}
    for each in converter.items(value, item.at(key)):
        tag = _language(each.take("language"), each, "language")
        voice = converter.template(
            each.text("voice", "voice_id"), each.at("voice"), PROMPT_NAMESPACES
        )
        if tag and voice:
            voices[tag] = voice
        else:
            converter.not_converted(each.path, "A voice needs a language and a voice id.")
        each.report_unused()
    return [{"language": tag, "voice": voice} for tag, voice in voices.items()]


def _language(value: Any, item: Item, key: str) -> str | None:
    if value is None:
        return None
    head, *rest = str(value).strip().replace("_", "-").split("-")
    parts = [part.title() if len(part) == 4 else part.upper() for part in rest]
    tag = "-".join((head.lower(), *parts))
    if not LANGUAGE_TAG.fullmatch(tag):
        item.converter.not_converted(
            item.at(key), f"{str(value)[:40]!r} is not a valid language tag."
        )
        return None
    if tag != value:
        item.converter.converted(item.at(key), f"The language tag {value} is now {tag}.")
    return tag


def _prompt(item: Item) -> dict[str, Any]:
    converter: Converter = item.converter
    value = item.take("prompt", "system_prompt")
    inside = converter.item(
        {"system": value} if isinstance(value, str) else value, item.at("prompt")
    )
    system = converter.template(
        inside.text("system", "system_prompt") or "", inside.at("system"), PROMPT_NAMESPACES
    )
    greeting = converter.template(inside.text("greeting"), inside.at("greeting"), PROMPT_NAMESPACES)
    interruptible = inside.flag("greeting_interruptible", "interruptible_greeting")
    result = {
        "system": system,
        **without_empty(
            greeting=greeting,
            interruptibleGreeting=interruptible,
            variables=_variables(inside),
        ),
    }
    inside.report_unused()
    return result


def _variables(inside: Item) -> list[dict[str, Any]]:
    converter, here = inside.converter, inside.at("variables")
    value = inside.take("variables")
    if isinstance(value, dict):
        value = [{"name": name, "default": default} for name, default in value.items()]
    if isinstance(value, list):
        value = [{"name": each} if isinstance(each, str) else each for each in value]
    defaults: dict[str, str] = {}
    for each in converter.items(value, here):
        name = each.text("name")
        default = each.text("default", "default_value")
        if name:
            defaults[converter.readable(name, each.at("name"))] = default or ""
        else:
            converter.not_converted(each.path, "A variable needs a name.")
        each.report_unused()
    return [{"name": name, **without_empty(default=default)} for name, default in defaults.items()]


def _session(item: Item) -> dict[str, Any]:
    inside = item.converter.item(item.take("session"), item.at("session"))
    minimum = inside.number("min_endpointing_delay", "min_endpointing", minimum=0, maximum=10)
    maximum = inside.number("max_endpointing_delay", "max_endpointing", minimum=0, maximum=30)
    auto_disconnect = ("auto_disconnect_timeout", "auto_disconnect")
    result = without_empty(
        minEndpointing=minimum,
        maxEndpointing=max(maximum, minimum or 0.5) if maximum is not None else None,
        autoDisconnect=inside.number(*auto_disconnect, minimum=5, maximum=3_600),
        maxDuration=inside.number("max_duration", minimum=1, maximum=86_400),
    )
    if maximum is None and (minimum or 0) > 3:
        result["maxEndpointing"] = minimum
    inside.report_unused()
    return result


def _tools(item: Item) -> list[str]:
    converter, here = item.converter, item.at("tools")
    names = []
    for index, each in enumerate(converter.as_list(item.take("tools"), here)):
        name = each.get("name") if isinstance(each, dict) else each
        names.append(converter.identifier(name, (*here, str(index))))
    return list(dict.fromkeys(names))
