"""Agents of older configs."""

from __future__ import annotations

from typing import Any

from domain.bundles.legacy.converter import Converter, Item
from domain.bundles.legacy.text import without_empty
from domain.common.languages import LANGUAGE_TAG
from domain.providers.catalog import provider_names
from domain.providers.model import ProviderKind
from domain.workflows.agents import PROMPT_NAMESPACES

PROVIDER_ALIASES = {"gemini": "google", "google_gemini": "google", "sarvam_ai": "sarvam"}
BOOKKEEPING_KEYS = ("id", "tenant_id", "created_at", "updated_at", "object")
INACTIVE_NOTE = "is_active: false has no counterpart: take it out of the workflows that use it."


def agent(item: Item) -> dict[str, Any]:
    to = item.converter
    name = to.agent_name(item.take("name", "slug"), item.at("name"))
    language = _language(item.take("default_language", "language"), item, "default_language")
    languages = [
        tag
        for each in to.as_list(item.take("languages", "supported_languages"), item.at("languages"))
        if (tag := _language(each, item, "languages"))
    ]
    if language and languages and language not in languages:
        to.converted(item.at("languages"), f"{language}, the default, was added.")
        languages.append(language)
    stt = choice(item, "stt", ProviderKind.STT)
    tts, voices = _tts(item, language or next(iter(languages), None) or _stt_language(stt))
    made = {
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
    return made


def ignore_bookkeeping(item: Item) -> None:
    """What the other system keeps about a thing, and is not part of it."""
    if item.flag("is_active") is False:
        item.converter.dropped(item.at("is_active"), INACTIVE_NOTE)
    item.ignore(*BOOKKEEPING_KEYS)


def choice(item: Item, key: str, kind: ProviderKind) -> dict[str, Any] | None:
    """Options stood beside the provider; a bare name was possible."""
    value = item.take(key)
    if value is None:
        return None
    given_item = item.converter.item(
        {"provider": value} if isinstance(value, str) else value, item.at(key)
    )
    return _choice(given_item, kind)


def _choice(inside: Item, kind: ProviderKind) -> dict[str, Any] | None:
    to = inside.converter
    provider = (inside.text("provider", "name", "provider_name") or "").lower()
    known = PROVIDER_ALIASES.get(provider, provider)
    if known != provider:
        to.converted(inside.at("provider"), f"The provider {provider} is called {known} here.")
    if not known:
        to.dropped(inside.path, "Without a provider the tenant's default is taken.")
        inside.take_rest  # noqa: B018, noted as a whole
        return None
    if known not in provider_names(kind):
        to.converted(inside.at("provider"), f"{known} is not in the catalogue yet; kept as it is.")
    model = inside.text("model") or ""
    fallbacks = [_choice(each, kind) for each in to.items(inside.take("fallbacks"), inside.path)]
    nested = to.item(inside.take("options"), inside.at("options"))
    options = {**_options(inside), **_options(nested)}
    return {
        "provider": known,
        **without_empty(model=model, options=options, fallbacks=[f for f in fallbacks if f]),
    }


def _options(inside: Item) -> dict[str, Any]:
    kept = {key: value for key, value in inside.take_rest.items() if value is not None}
    if inside.path[-1] != "options" and kept:
        inside.converter.converted(inside.path, f"{', '.join(kept)} moved into options.")
    return kept


def _tts(item: Item, language: str) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """A voice belonged to the provider; here an agent has one for each language."""
    to = item.converter
    value = item.take("tts")
    if value is None:
        return None, _voices(item, item.take("voices"), "voices")
    inside = to.item({"provider": value} if isinstance(value, str) else value, item.at("tts"))
    single = inside.text("voice_id", "voice")
    spoken = inside.take("language")
    voices = _voices(inside, inside.take("voices"), "voices")
    voices = voices or _voices(item, item.take("voices"), "voices")
    if single and not voices:
        tag = _language(spoken, inside, "language") if spoken else language
        voice = to.template(single, inside.at("voice_id"), PROMPT_NAMESPACES)
        to.converted(inside.at("voice_id"), f"The voice is now the agent's voice for {tag}.")
        voices = [{"language": tag or language, "voice": voice}] if voice else []
    elif single:
        to.dropped(inside.at("voice_id"), "The voices for each language say it.")
    return _choice(inside, ProviderKind.TTS), voices


def _stt_language(stt: dict[str, Any] | None) -> str:
    """The language that hearing was set to."""
    tag = ((stt or {}).get("options") or {}).get("language")
    return tag if isinstance(tag, str) and LANGUAGE_TAG.fullmatch(tag) else "en"


def _voices(item: Item, value: Any, key: str) -> list[dict[str, Any]]:
    to = item.converter
    if isinstance(value, dict):
        value = [{"language": tag, "voice": voice} for tag, voice in value.items()]
        to.converted(item.at(key), "The map of voices is now a list.")
    found: dict[str, str] = {}
    for each in to.items(value, item.at(key)):
        tag = _language(each.take("language"), each, "language")
        voice = to.template(each.text("voice", "voice_id"), each.at("voice"), PROMPT_NAMESPACES)
        if tag and voice:
            found[tag] = voice
        else:
            to.dropped(each.path, "A voice needs a language and an id.")
        each.report_unused()
    return [{"language": tag, "voice": voice} for tag, voice in found.items()]


def _language(value: Any, item: Item, key: str) -> str | None:
    if value is None:
        return None
    head, *rest = str(value).strip().replace("_", "-").split("-")
    parts = [part.title() if len(part) == 4 else part.upper() for part in rest]
    tag = "-".join((head.lower(), *parts))
    if not LANGUAGE_TAG.fullmatch(tag):
        item.converter.dropped(item.at(key), f"{str(value)[:40]!r} is not a language tag.")
        return None
    if tag != value:
        item.converter.converted(item.at(key), f"The language {value} is written {tag}.")
    return tag


def _prompt(item: Item) -> dict[str, Any]:
    to: Converter = item.converter
    value = item.take("prompt", "system_prompt")
    inside = to.item({"system": value} if isinstance(value, str) else value, item.at("prompt"))
    system = to.template(
        inside.text("system", "system_prompt") or "", inside.at("system"), PROMPT_NAMESPACES
    )
    greeting = to.template(inside.text("greeting"), inside.at("greeting"), PROMPT_NAMESPACES)
    interruptible = inside.flag("greeting_interruptible", "interruptible_greeting")
    made = {
        "system": system,
        **without_empty(
            greeting=greeting,
            interruptibleGreeting=interruptible,
            variables=_variables(inside),
        ),
    }
    inside.report_unused()
    return made


def _variables(inside: Item) -> list[dict[str, Any]]:
    to, here = inside.converter, inside.at("variables")
    value = inside.take("variables")
    if isinstance(value, dict):
        value = [{"name": name, "default": default} for name, default in value.items()]
    if isinstance(value, list):
        value = [{"name": each} if isinstance(each, str) else each for each in value]
    found: dict[str, str] = {}
    for each in to.items(value, here):
        name = each.text("name")
        default = each.text("default", "default_value")
        if name:
            found[to.readable(name, each.at("name"))] = default or ""
        each.report_unused()
    return [{"name": name, **without_empty(default=default)} for name, default in found.items()]


def _session(item: Item) -> dict[str, Any]:
    inside = item.converter.item(item.take("session"), item.at("session"))
    least = inside.number("min_endpointing_delay", "min_endpointing", minimum=0, maximum=10)
    most = inside.number("max_endpointing_delay", "max_endpointing", minimum=0, maximum=30)
    away = ("auto_disconnect_timeout", "auto_disconnect")
    made = without_empty(
        minEndpointing=least,
        maxEndpointing=max(most, least or 0.5) if most is not None else None,
        autoDisconnect=inside.number(*away, minimum=5, maximum=3_600),
        maxDuration=inside.number("max_duration", minimum=1, maximum=86_400),
    )
    if most is None and (least or 0) > 3:
        made["maxEndpointing"] = least
    inside.report_unused()
    return made


def _tools(item: Item) -> list[str]:
    to, here = item.converter, item.at("tools")
    found = []
    for place, each in enumerate(to.as_list(item.take("tools"), here)):
        name = each.get("name") if isinstance(each, dict) else each
        found.append(to.identifier(name, (*here, str(place))))
    return list(dict.fromkeys(found))
