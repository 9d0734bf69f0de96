"""Phrases by which those who answer a phone give away who they are, in four languages.

In a phrase, `*` stands for up to three words, and `a/b` for either word. The phrases of all languages
apply to every call: the language of a greeting is not known after three words, and announcements of a
network come in a language of their own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

from domain.workflows.answering import AnsweringParty

MAX_WORDS = 300
"""Only the newest words of a greeting are compared with phrases."""


class Rank(Enum):
    """How a phrase is weighed; where phrases of several ranks occur, the first one decides."""

    IS_A_MACHINE = auto()
    """A screener says that it is one."""
    ASKS_US = auto()
    """A person asks or answers us. This goes before what sounds like a mailbox, because a person
    offers to take a message, too."""
    NO_MESSAGE = auto()
    ASKS_FOR_THE_REASON = auto()
    """A screener asks who is calling and why."""
    VOICEMAIL = auto()
    ASKS_FOR_THE_NAME = auto()
    UNREACHABLE = auto()
    MENU = auto()


PARTIES: Mapping[Rank, AnsweringParty] = {
    Rank.IS_A_MACHINE: AnsweringParty.SCREENER,
    Rank.ASKS_US: AnsweringParty.PERSON,
    Rank.NO_MESSAGE: AnsweringParty.NO_MESSAGE,
    Rank.ASKS_FOR_THE_REASON: AnsweringParty.SCREENER,
    Rank.VOICEMAIL: AnsweringParty.VOICEMAIL,
    Rank.ASKS_FOR_THE_NAME: AnsweringParty.SCREENER,
    Rank.UNREACHABLE: AnsweringParty.UNREACHABLE,
    Rank.MENU: AnsweringParty.IVR,
}

EN = {
    Rank.IS_A_MACHINE: (
        "screening service",
        "call screening",
        "calls are screened",
        "being screened",
        "automated call assistant",
        "automated/virtual/digital assistant",
        "call assistant",
    ),
    Rank.ASKS_US: (
        "whos/who calling",
        "who is calling/this/speaking",
        "whos/who this/there",
        "can/could/may/shall/should i/we take/help/tell/ask/give/get",
        "how can/may i/we help",
        "what can i/we do/get",
        "do you want",
        "would you like",
        "is anybody/anyone there",
        "just kidding",
        "its really me",
        "hold on",
        "just/give a/me/one second/moment/minute/sec",
        "whats up",
        "what is it about",
        "what do you want",
        "i cant hear you",
        "can you hear me",
        "wrong number",
        "sorry about that",
    ),
    Rank.NO_MESSAGE: (
        "mailbox * full",
        "mail box * full",
        "memory is full",
        "cannot/cant/not accept * messages/message",
        "cannot/cant leave a message",
        "not been set up",
        "hasnt been set up",
        "not set up",
    ),
    Rank.ASKS_FOR_THE_REASON: (
        "reason for calling",
        "reason for your call",
        "why youre calling",
        "why you are calling",
        "try to connect you",
        "see if * available",
        "see if * can answer",
        "who is calling and why",
    ),
    Rank.VOICEMAIL: (
        "leave * message",
        "leave your name",
        "leave your number",
        "record * message",
        "after/at the tone/beep",
        "voicemail",
        "voice mail",
        "voice mailbox",
        "voice message system",
        "answering machine",
        "finished recording",
        "come to the phone",
        "get to the phone",
        "take your call",
        "answer your call",
        "missed your call",
        "get back to you",
        "return your call",
        "call you back as soon",
        "person you are trying to reach",
        "you know what to do",
        "name and message",
    ),
    Rank.ASKS_FOR_THE_NAME: (
        "state/say/record your name",
        "tell me who you are",
    ),
    Rank.UNREACHABLE: (
        "not in service",
        "longer in service",
        "been disconnected",
        "cannot/cant be completed",
        "could not be completed",
        "check the number",
        "number you have dialled/dialed/called",
        "number you dialled/dialed/called",
        "customer you are calling",
        "subscriber you * calling/called/dialled/dialed",
        "try again later",
        "try your call again",
        "temporarily unavailable",
        "is switched off",
        "does not exist",
        "circuits are busy",
    ),
    Rank.MENU: (
        "press one/two/three/four/five/six/seven/eight/nine/zero/star/pound/hash",
        "press 0/1/2/3/4/5/6/7/8/9",
        "dial one/two/three/four/five/six/seven/eight/nine/zero",
        "menu options",
        "main menu",
        "options have changed",
        "listen carefully",
        "your call is important",
        "partys extension",
        "know * extension",
        "representatives/agents are * busy",
        "stay on the line",
        "next available representative/agent/operator",
    ),
}
DE = {
    Rank.IS_A_MACHINE: (
        "automatischer/digitaler/virtueller assistent",
        "automatische/digitale/virtuelle assistentin",
        "dienst der anrufe",
        "anrufe filtert/prüft",
    ),
    Rank.ASKS_US: (
        "wer spricht",
        "wer ist da/dran",
        "mit wem spreche ich",
        "was kann ich",
        "wie kann ich",
        "kann ich ihnen",
        "kann ich * ausrichten",
        "soll ich",
        "um was geht",
        "worum gehts",
        "sie sprechen mit frau/herrn/herr",
        "moment bitte",
        "am apparat",
        "hören sie mich",
    ),
    Rank.NO_MESSAGE: (
        "mailbox * voll",
        "keine * nachrichten",
        "keine nachricht hinterlassen",
        "nicht eingerichtet",
    ),
    Rank.ASKS_FOR_THE_REASON: (
        "grund ihres/deines anrufs/anrufes",
        "ich sehe nach ob",
        "ob die person verfügbar/erreichbar",
    ),
    Rank.VOICEMAIL: (
        "mailbox",
        "sprachbox",
        "anrufbeantworter",
        "hinterlassen sie",
        "hinterlasse/hinterlasst * nachricht",
        "nachricht hinterlassen",
        "nach dem ton/signalton/piepton/signal/piep",
        "rufen * zurück",
        "rufe * zurück",
        "ans telefon gehen",
        "sprich/sprecht * drauf",
        "auf band",
        "aufs band",
    ),
    Rank.ASKS_FOR_THE_NAME: (
        "nennen/sagen sie * namen",
        "wie ist ihr name",
    ),
    Rank.UNREACHABLE: (
        "kein anschluss",
        "nummer * nicht vergeben",
        "nicht vergeben",
        "teilnehmer * nicht erreichbar",
        "vorübergehend nicht erreichbar",
        "versuchen sie es später",
        "zu einem späteren zeitpunkt",
    ),
    Rank.MENU: (
        "drücken sie",
        "wählen sie die",
        "sagen sie * worum",
        "worum es geht",
        "mitarbeiter sind im gespräch",
        "nächste freie mitarbeiter",
        "legen sie nicht auf",
        "hauptmenü",
    ),
}
ES = {
    Rank.IS_A_MACHINE: (
        "asistente virtual/automático/digital",
        "servicio de filtro/filtrado",
    ),
    Rank.ASKS_US: (
        "quién habla/es/llama",
        "de parte de quién",
        "en qué puedo/podemos",
        "qué necesita/necesitas/desea/quiere/quieres",
        "quiere/quieres dejar/dejarle/que",
        "qué se le ofrece",
        "le/te atiende",
        "le habla",
        "un momento/momentito",
        "me escucha/oye/escuchas/oyes",
    ),
    Rank.NO_MESSAGE: (
        "buzón * lleno",
        "está lleno",
        "no admite * mensajes",
        "no puede dejar",
        "no está configurado",
    ),
    Rank.ASKS_FOR_THE_REASON: (
        "motivo de su/tu/la llamada",
        "comprobaré si",
        "si la persona está disponible",
    ),
    Rank.VOICEMAIL: (
        "buzón de voz",
        "contestador",
        "deja/deje/dejar/dejad * mensaje/recado",
        "después de/del * señal/tono/pitido",
        "después del tono/pitido",
        "al oír/escuchar * tono/señal",
        "grabe/graba * mensaje",
        "no puedo/podemos atender/atenderte/atenderle/cogerlo",
        "te llamo en cuanto",
        "devolveré la llamada",
    ),
    Rank.ASKS_FOR_THE_NAME: ("diga/di * nombre",),
    Rank.UNREACHABLE: (
        "no existe",
        "verifique el número",
        "apagado o fuera",
        "fuera de cobertura",
        "número que ha marcado",
        "número marcado",
        "inténtelo * más tarde",
        "no se encuentra disponible",
    ),
    Rank.MENU: (
        "pulse/marque/oprima/presione uno/dos/tres/cuatro/cinco/seis/siete/ocho/nueve/cero",
        "pulse/marque/oprima/presione el uno/dos/tres/cuatro/cinco/seis/siete/ocho/nueve/cero",
        "pulse/marque/oprima/presione 0/1/2/3/4/5/6/7/8/9",
        "espere en la línea",
        "su llamada es importante",
        "menú principal",
    ),
}
HI = {
    Rank.IS_A_MACHINE: ("वर्चुअल असिस्टेंट", "स्वचालित सहायक"),
    Rank.ASKS_US: (
        "कौन बोल",
        "कौन है",
        "कौन हैं",
        "क्या काम",
        "क्या बताऊं",
        "मैं * बोल",
        "मिनट रुकिए/रुको",
        "अब बोलिए",
        "सुनाई नहीं",
    ),
    Rank.NO_MESSAGE: (
        "बॉक्स भर",
        "मेलबॉक्स भर",
        "संदेश/मैसेज नहीं छोड़",
    ),
    Rank.ASKS_FOR_THE_REASON: (
        "करने का कारण",
        "कॉल का कारण",
        "उपलब्ध हैं या नहीं",
    ),
    Rank.VOICEMAIL: (
        "बीप/टोन के बाद",
        "संदेश/मैसेज छोड़ें/छोड़/छोड़िए",
        "संदेश/मैसेज रिकॉर्ड",
        "वॉइस मेल",
        "वॉइसमेल",
        "फ़ोन नहीं उठा/ले",
    ),
    Rank.ASKS_FOR_THE_NAME: ("अपना नाम बताएं/बताइए/बोलें",),
    Rank.UNREACHABLE: (
        "मौजूद नहीं",
        "नंबर जांच",
        "स्विच ऑफ",
        "कवरेज क्षेत्र",
        "पहुंच से बाहर",
        "संपर्क करना चाहते",
        "बाद में प्रयास",
    ),
    Rank.MENU: (
        "एक/दो/तीन/चार/पांच/छह/सात/आठ/नौ/शून्य दबाएं/दबाइए/दबाये/दबाएँ",
        "लाइन पर बने",
    ),
}
LANGUAGES: Mapping[str, Mapping[Rank, tuple[str, ...]]] = {"en": EN, "de": DE, "es": ES, "hi": HI}

ASKED_TO_WAIT = (
    "stay on the line",
    "please hold",
    "hold the line",
    "please wait",
    "connecting you",
    "connect you now",
    "bleiben sie * leitung",
    "bitte warten",
    "werden verbunden",
    "sie werden verbunden",
    "espere * línea",
    "no cuelgue",
    "le paso",
    "लाइन पर बने",
    "कृपया प्रतीक्षा",
)
"""What a screener says while it looks for the person. It needs no answer."""


@dataclass(frozen=True, slots=True)
class Match:
    """The phrase that decides about a text: its rank, and its words in the text."""

    rank: Rank
    quote: str

    @property
    def party(self) -> AnsweringParty:
        return PARTIES[self.rank]


def find_phrase(text: str) -> Match | None:
    """The phrase of the highest rank in the text; None if there is none."""
    spoken = " ".join(spoken_words(text)[-MAX_WORDS:])
    for rank, pattern in _patterns().items():
        found = pattern.search(spoken)
        if found is not None:
            return Match(rank, found.group())
    return None


def asks_to_wait(text: str) -> bool:
    return _wait_pattern().search(" ".join(spoken_words(text)[-MAX_WORDS:])) is not None


def spoken_words(text: str) -> tuple[str, ...]:
    """The words in lower case, without punctuation and without the accents of Latin letters."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("ँ", "ं"))
    letters = (c for c in plain if c not in "'’" and not "\u0300" <= c <= "\u036f")
    return tuple(
        "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in letters).split()
    )


@cache
def _patterns() -> Mapping[Rank, re.Pattern[str]]:
    return {
        rank: _any_of(p for phrases in LANGUAGES.values() for p in phrases.get(rank, ()))
        for rank in Rank
    }


@cache
def _wait_pattern() -> re.Pattern[str]:
    return _any_of(ASKED_TO_WAIT)


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\S)(?:{_regex(each)})(?!\S)" for each in phrases))


def _regex(phrase: str) -> str:
    """Bounded, so that the time to search a text grows with its length only."""
    parts = []
    for word in phrase.split():
        if word == "*":
            parts.append(r"(?:\S+ ){0,3}")
        else:
            words = ("".join(spoken_words(each)) for each in word.split("/"))
            parts.append(f"(?:{'|'.join(map(re.escape, words))}) ")
    return "".join(parts).removesuffix(" ")
