"""Callers on hold: after how long and for how long callers of a busy installation are, and what they
hear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.common.languages import primary_subtag

MIN_HOLD_AFTER_SECONDS = 1
MAX_HOLD_SECONDS = 3_600
MAX_HOLD_TEXT_LENGTH = 500
ANSWER_MARGIN_SECONDS = 2
"""A phone that rings for less than this longer may stop before it can be answered."""
FALLBACK_LANGUAGE = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPolicy:
    """How callers to a number wait for a free worker. None: as the installation says."""

    after_seconds: int | None = None
    """How long the phone rings before the caller is put on hold."""
    max_seconds: int | None = None
    """How long the caller may be on hold; 0: they are never put on hold."""
    announcement: str | None = None
    """What the caller hears between the tones; None: the text of the language."""
    goodbye: str | None = None
    """What the caller hears when they have waited for too long; None: the text of the language."""


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """After how many seconds a caller is put on hold, and for how many at most."""

    after_seconds: int
    max_seconds: int


NO_HOLD_POLICY = HoldPolicy()


def hold_limits(
    policy: HoldPolicy, installation: HoldLimits, ringing_seconds: int
) -> HoldLimits | None:
    """The limits for calls to a number that may ring for so long; None if callers are never put on
    hold."""
    longest = installation.max_seconds if policy.max_seconds is None else policy.max_seconds
    if longest <= 0:
        return None
    after = installation.after_seconds if policy.after_seconds is None else policy.after_seconds
    latest = max(MIN_HOLD_AFTER_SECONDS, ringing_seconds - ANSWER_MARGIN_SECONDS)
    return HoldLimits(min(after, latest), longest)


@dataclass(frozen=True, slots=True)
class HoldTexts:
    announcement: str
    goodbye: str


HOLD_TEXTS: Mapping[str, HoldTexts] = {
    "de": HoldTexts(
        "Im Moment sind alle im Gespräch. Bitte bleiben Sie am Telefon.",
        "Es tut mir leid, wir sind gerade nicht erreichbar. Bitte rufen Sie später noch einmal an. "
        "Auf Wiederhören.",
    ),
    "en": HoldTexts(
        "All of us are busy at the moment. Please stay on the line.",
        "I am sorry, we cannot take your call at the moment. Please call again later. Goodbye.",
    ),
    "es": HoldTexts(
        "En este momento todas nuestras líneas están ocupadas. No cuelgue, por favor.",
        "Lo sentimos, ahora no podemos atender su llamada. Llame más tarde, por favor. Adiós.",
    ),
    "fr": HoldTexts(
        "Toutes nos lignes sont occupées en ce moment. Veuillez rester en ligne.",
        "Nous sommes désolés, nous ne pouvons pas prendre votre appel pour le moment. Veuillez "
        "rappeler plus tard. Au revoir.",
    ),
    "hi": HoldTexts(
        "अभी हमारी सभी लाइनें व्यस्त हैं। कृपया लाइन पर बने रहें।",
        "क्षमा करें, अभी हम आपका कॉल नहीं ले पा रहे हैं। कृपया बाद में फिर कॉल करें। नमस्ते।",
    ),
    "it": HoldTexts(
        "In questo momento tutte le linee sono occupate. La preghiamo di restare in linea.",
        "Ci dispiace, al momento non possiamo rispondere. La preghiamo di richiamare più tardi. "
        "Arrivederci.",
    ),
    "nl": HoldTexts(
        "Op dit moment zijn al onze lijnen bezet. Blijft u aan de lijn, alstublieft.",
        "Het spijt ons, we kunnen uw gesprek nu niet aannemen. Belt u later nog eens, "
        "alstublieft. Tot ziens.",
    ),
    "pt": HoldTexts(
        "Neste momento, todas as nossas linhas estão ocupadas. Por favor, aguarde na linha.",
        "Lamentamos, não podemos atender a sua chamada agora. Por favor, ligue mais tarde. Adeus.",
    ),
}


def hold_texts(policy: HoldPolicy, language: str | None) -> HoldTexts:
    """What a caller of that language hears; English where there is no text in it."""
    texts = HOLD_TEXTS.get(primary_subtag(language or ""), HOLD_TEXTS[FALLBACK_LANGUAGE])
    return HoldTexts(policy.announcement or texts.announcement, policy.goodbye or texts.goodbye)
