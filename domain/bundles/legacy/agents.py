"""Agents of older configs."""

from __future__ import annotations

from typing import Any

from domain.bundles.legacy.converter import Converter, Item
from domain.bundles.legacy.text import given
from domain.common.languages import TAG
from domain.providers.catalog import names
from domain.providers.model import ProviderKind
from domain.workflows.agents import OF_PROMPTS

RENAMED = {"gemini": "google", "google_gemini": "google", "sarvam_ai": "sarvam"}
BOOKKEEPING = ("id", "tenant_id", "created_at", "updated_at", "object")
NEVER = "is_active: false has no counterpart: take it out of the workflows that use it."


def agent(item: Item) -> dict[str, Any]:
    to = item.to
    name = to.agent_name(item.take("name", "slug"), item.at("name"))
    language = _language(item.take("default_language", "language"), item, "default_language")
    languages = [
        tag
        for each in to.listed(item.take("languages", "supported_languages"), item.at("languages"))
        if (tag := _language(each, item, "languages"))
    ]
    if language and languages and language not in languages:
        to.converted(item.at("languages"), f"{language}, the default, was added.")
        languages.append(language)
    stt = choice(item, "stt", ProviderKind.STT)
    tts, voices = _speech(item, language or next(iter(languages), None) or _heard(stt))
    made = {
        "name": name,
        **given(
            displayName=item.text("display_name", "displayName"),
            description=item.text("description"),
        ),
        "prompt": _prompt(item),
        **given(
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
    forget(item)
    item.done()
    return made


def forget(item: Item) -> None:
    """What the other system keeps about a thing, and is not part of it."""
    if item.flag("is_active") is False:
        item.to.dropped(item.at("is_active"), NEVER)
    item.forget(*BOOKKEEPING)


def choice(item: Item, key: str, kind: ProviderKind) -> dict[str, Any] | None:
    """Options stood beside the provider; a bare name was possible."""
    value = item.take(key)
    if value is None:
        return None
    given_item = item.to.item(
        {"provider": value} if isinstance(value, str) else value, item.at(key)
    )
    return _choice(given_item, kind)


def _choice(inside: Item, kind: ProviderKind) -> dict[str, Any] | None:
    to = inside.to
    provider = (inside.text("provider", "name", "provider_name") or "").lower()
    known = RENAMED.get(provider, provider)
    if known != provider:
        to.converted(inside.at("provider"), f"The provider {provider} is called {known} here.")
    if not known:
        to.dropped(inside.path, "Without a provider the tenant's default is taken.")
        inside.rest  # noqa: B018, noted as a whole
        return None
    if known not in names(kind):
        to.converted(inside.at("provider"), f"{known} is not in the catalogue yet; kept as it is.")
    model = inside.text("model") or ""
    fallbacks = [_choice(each, kind) for each in to.items(inside.take("fallbacks"), inside.path)]
    nested = to.item(inside.take("options"), inside.at("options"))
    options = {**_options(inside), **_options(nested)}
    return {
        "provider": known,
        **given(model=model, options=options, fallbacks=[f for f in fallbacks if f]),
    }


def _options(inside: Item) -> dict[str, Any]:
    kept = {key: value for key, value in inside.rest.items() if value is not None}
    if inside.path[-1] != "options" and kept:
        inside.to.converted(inside.path, f"{', '.join(kept)} moved into options.")
    return kept


def _speech(item: Item, language: str) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """A voice belonged to the provider; here an agent has one for each language."""
    to = item.to
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
        voice = to.template(single, inside.at("voice_id"), OF_PROMPTS)
        to.converted(inside.at("voice_id"), f"The voice is now the agent's voice for {tag}.")
        voices = [{"language": tag or language, "voice": voice}] if voice else []
    elif single:
        to.dropped(inside.at("voice_id"), "The voices for each language say it.")
    return _choice(inside, ProviderKind.TTS), voices


def _heard(stt: dict[str, Any] | None) -> str:
    """The language that hearing was set to."""
    tag = ((stt or {}).get("options") or {}).get("language")
    return tag if isinstance(tag, str) and TAG.fullmatch(tag) else "en"


def _voices(item: Item, value: Any, key: str) -> list[dict[str, Any]]:
    to = item.to
    if isinstance(value, dict):
        value = [{"language": tag, "voice": voice} for tag, voice in value.items()]
        to.converted(item.at(key), "The map of voices is now a list.")
    found: dict[str, str] = {}
    for each in to.items(value, item.at(key)):
        tag = _language(each.take("language"), each, "language")
        voice = to.template(each.text("voice", "voice_id"), each.at("voice"), OF_PROMPTS)
        if tag and voice:
            found[tag] = voice
        else:
            to.dropped(each.path, "A voice needs a language and an id.")
        each.done()
    return [{"language": tag, "voice": voice} for tag, voice in found.items()]


def _language(value: Any, item: Item, key: str) -> str | None:
    if value is None:
        return None
    head, *rest = str(value).strip().replace("_", "-").split("-")
    parts = [part.title() if len(part) == 4 else part.upper() for part in rest]
    tag = "-".join((head.lower(), *parts))
    if not TAG.fullmatch(tag):
        item.to.dropped(item.at(key), f"{str(value)[:40]!r} is not a language tag.")
        return None
    if tag != value:
        item.to.converted(item.at(key), f"The language {value} is written {tag}.")
    return tag


def _prompt(item: Item) -> dict[str, Any]:
    to: Converter = item.to
    value = item.take("prompt", "system_prompt")
    inside = to.item({"system": value} if isinstance(value, str) else value, item.at("prompt"))
    system = to.template(
        inside.text("system", "system_prompt") or "", inside.at("system"), OF_PROMPTS
    )
    greeting = to.template(inside.text("greeting"), inside.at("greeting"), OF_PROMPTS)
    interruptible = inside.flag("greeting_interruptible", "interruptible_greeting")
    made = {
        "system": system,
        **given(
            greeting=greeting,
            interruptibleGreeting=interruptible,
            variables=_variables(inside),
        ),
    }
    inside.done()
    return made


def _variables(inside: Item) -> list[dict[str, Any]]:
    to, here = inside.to, inside.at("variables")
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
        each.done()
    return [{"name": name, **given(default=default)} for name, default in found.items()]


def _session(item: Item) -> dict[str, Any]:
    inside = item.to.item(item.take("session"), item.at("session"))
    least = inside.number("min_endpointing_delay", "min_endpointing", least=0, most=10)
    most = inside.number("max_endpointing_delay", "max_endpointing", least=0, most=30)
    away = ("auto_disconnect_timeout", "auto_disconnect")
    made = given(
        minEndpointing=least,
        maxEndpointing=max(most, least or 0.5) if most is not None else None,
        autoDisconnect=inside.number(*away, least=5, most=3_600),
        maxDuration=inside.number("max_duration", least=1, most=86_400),
    )
    if most is None and (least or 0) > 3:
        made["maxEndpointing"] = least
    inside.done()
    return made


def _tools(item: Item) -> list[str]:
    to, here = item.to, item.at("tools")
    found = []
    for place, each in enumerate(to.listed(item.take("tools"), here)):
        name = each.get("name") if isinstance(each, dict) else each
        found.append(to.identifier(name, (*here, str(place))))
    return list(dict.fromkeys(found))
