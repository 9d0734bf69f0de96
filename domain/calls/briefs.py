"""What a colleague hears about a call before they take it, computed from its log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.calls.events import Speaker
from domain.calls.state import CallProjection
from domain.common.languages import primary_subtag
from domain.templating.templates import value_to_text

MAX_BRIEF_LENGTH = 1_000
MAX_QUOTE_WORDS = 14
"""Words that are quoted of one turn."""
MAX_FACTS = 5
MAX_FACT_LENGTH = 60
TEXTS = {
    "en": (
        "A call from {caller}.",
        "They want: {request}.",
        "Settled: {facts}.",
        "Last words: {last}.",
    ),
    "de": (
        "Ein Anruf von {caller}.",
        "Anliegen: {request}.",
        "Geklärt: {facts}.",
        "Zuletzt: {last}.",
    ),
    "es": (
        "Una llamada de {caller}.",
        "Motivo: {request}.",
        "Acordado: {facts}.",
        "Al final: {last}.",
    ),
    "fr": (
        "Appel reçu : {caller}.",
        "Demande : {request}.",
        "Convenu : {facts}.",
        "Derniers mots : {last}.",
    ),
    "hi": ("{caller} का फ़ोन है।", "विषय: {request}।", "तय हुआ: {facts}।", "आख़िरी बात: {last}।"),
    "it": (
        "Una chiamata da {caller}.",
        "Richiesta: {request}.",
        "Stabilito: {facts}.",
        "Ultime parole: {last}.",
    ),
    "nl": (
        "Een oproep van {caller}.",
        "Vraag: {request}.",
        "Afgesproken: {facts}.",
        "Laatste woorden: {last}.",
    ),
    "pt": (
        "Uma chamada de {caller}.",
        "Assunto: {request}.",
        "Combinado: {facts}.",
        "Últimas palavras: {last}.",
    ),
}
UNKNOWN_CALLERS = {
    "en": "an unknown number",
    "de": "einer unbekannten Nummer",
    "es": "un número desconocido",
    "fr": "un numéro inconnu",
    "hi": "एक अनजान नंबर",
    "it": "un numero sconosciuto",
    "nl": "een onbekend nummer",
    "pt": "um número desconhecido",
}
FALLBACK_LANGUAGE = "en"


def default_brief(projection: CallProjection, caller_number: str | None, language: str) -> str:
    """Who calls, what they want, what was settled and what they said last, in a few words."""
    subtag = primary_subtag(language)
    subtag = subtag if subtag in TEXTS else FALLBACK_LANGUAGE
    who, wants, settled, last_words = TEXTS[subtag]
    said = [turn.text for turn in projection.turns if turn.speaker is Speaker.CALLER]
    caller = _caller(projection, caller_number) or UNKNOWN_CALLERS[subtag]
    parts = [who.format(caller=caller)]
    if said:
        parts.append(wants.format(request=_quoted(said[0])))
    if facts := "; ".join(_facts(projection)):
        parts.append(settled.format(facts=facts))
    if len(said) > 1:
        parts.append(last_words.format(last=_quoted(said[-1])))
    return " ".join(parts)[:MAX_BRIEF_LENGTH]


def _caller(projection: CallProjection, number: str | None) -> str:
    name = projection.context.user.get("name")
    if isinstance(name, str) and name.strip():
        return name.strip()[:MAX_FACT_LENGTH]
    return spoken_number(number or "")


def spoken_number(number: str) -> str:
    """The digits in pairs, so that a listener can follow: "12 02 55"."""
    digits = number.removeprefix("+")
    return " ".join(digits[start : start + 2] for start in range(0, len(digits), 2))


def _facts(projection: CallProjection) -> Iterator[str]:
    """The values that were set in the call, those that fit."""
    known: list[tuple[str, Any]] = [
        (key, value)
        for key, value in projection.context.workflow.items()
        if isinstance(value, str | int | float | bool) and value_to_text(value).strip()
    ]
    for key, value in known[-MAX_FACTS:]:
        yield f"{key.replace('_', ' ')} {value_to_text(value)[:MAX_FACT_LENGTH]}"


def _quoted(text: str) -> str:
    words = text.split()
    shown = " ".join(words[:MAX_QUOTE_WORDS])
    return shown.rstrip(".!?।") if len(words) <= MAX_QUOTE_WORDS else f"{shown} …"
