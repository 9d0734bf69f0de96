"""How a colleague takes or declines a call that is transferred to them: by a key, or by words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto

from domain.common.languages import primary_subtag

ACCEPT_KEY, DECLINE_KEY = "1", "2"
FALLBACK_LANGUAGE = "en"

QUESTIONS: Mapping[str, str] = {
    "en": "Press 1 or say yes to take the call. Press 2 or say no to decline.",
    "de": (
        "Drücken Sie die 1 oder sagen Sie ja, um das Gespräch anzunehmen. Drücken Sie die 2 oder "
        "sagen Sie nein, um abzulehnen."
    ),
    "es": "Pulse 1 o diga sí para atender la llamada. Pulse 2 o diga no para rechazarla.",
    "fr": (
        "Appuyez sur 1 ou dites oui pour prendre l'appel. Appuyez sur 2 ou dites non pour le refuser."
    ),
    "hi": "कॉल लेने के लिए 1 दबाएँ या हाँ कहें। मना करने के लिए 2 दबाएँ या नहीं कहें।",
    "it": "Prema 1 o dica sì per accettare la chiamata. Prema 2 o dica no per rifiutarla.",
    "nl": (
        "Druk op 1 of zeg ja om het gesprek aan te nemen. Druk op 2 of zeg nee om het te weigeren."
    ),
    "pt": "Prima 1 ou diga sim para atender a chamada. Prima 2 ou diga não para a recusar.",
}
"""What a colleague is asked after the briefing, by language."""


class Decision(Enum):
    """What a colleague has decided."""

    ACCEPTED = auto()
    DECLINED = auto()


WORDS: Mapping[Decision, frozenset[str]] = {
    Decision.ACCEPTED: frozenset(
        {
            *("yes", "yeah", "yep", "sure", "okay", "ok", "accept", "connect"),
            *("ja", "jawohl", "gerne", "klar"),
            *("sí", "si", "claro", "vale", "acepto"),
            *("oui", "ouais", "d'accord", "volontiers", "j'accepte"),
            *("sì", "certo", "volentieri", "accetto"),
            *("jazeker", "zeker", "graag", "prima"),
            *("sim", "aceito", "certamente"),
            *("हाँ", "हां", "जी", "ठीक", "haan"),
        }
    ),
    Decision.DECLINED: frozenset(
        {
            *("no", "nope", "not", "cannot", "can't", "don't", "decline", "busy", "later"),
            *("nein", "nicht", "keine", "später"),
            *("rechazo", "tampoco"),
            *("non", "pas", "refuse", "occupé"),
            *("rifiuto", "occupato", "occupata"),
            *("nee", "niet", "geen", "straks"),
            *("não", "nao", "recuso", "ocupado", "ocupada"),
            *("नहीं", "नही", "मत", "nahin"),
        }
    ),
}
MAX_WORDS = 12
"""A longer answer is no answer to the question."""
WORD = re.compile(r"[\w'\u0900-\u097f]+")


def question_in(language: str | None) -> str:
    return QUESTIONS.get(primary_subtag(language or ""), QUESTIONS[FALLBACK_LANGUAGE])


def decision_by_key(key: str) -> Decision | None:
    return {ACCEPT_KEY: Decision.ACCEPTED, DECLINE_KEY: Decision.DECLINED}.get(key)


def decision_by_words(text: str) -> Decision | None:
    """The decision that the words express; None if they express none. A refusal counts more than a
    yes, because "yes, but not now" is one."""
    words = WORD.findall(text.casefold().replace("\u2019", "'"))
    if len(words) > MAX_WORDS:
        return None
    for decision in (Decision.DECLINED, Decision.ACCEPTED):
        if not WORDS[decision].isdisjoint(words):
            return decision
    return None
