"""The phrases that local speech recognition understands in the demo. They contain the words that
the demo's scripted rules react to."""

from __future__ import annotations

_DAYS = "monday | tuesday | wednesday | thursday | friday | saturday"
_HOURS = "seven | eight | nine | ten | eleven | noon | one | two | three | four | five | six"
_AT = f"at ({_HOURS}) [thirty | o'clock]"
_PART = "in the (morning | afternoon)"
_ASK = "I need | I want | I would like | I'd like | can I (get | have | make)"

PHRASES = [
    f"[hello] ({_ASK}) (an appointment | a slot) [please]",
    "[hello] (I need | I want | I would like | I'd like) to (make | book) an appointment [please]",
    "[hello] (I need | I want | I would like | I'd like) to see (a | the) doctor [please]",
    "(an appointment | book an appointment | make an appointment) [please]",
    "what are your [opening] hours",
    "when (are you | do you) open",
    "are you open [on] (today | tomorrow | saturday)",
    "where are you",
    "where is the clinic",
    "(what is your | your) address [please]",
    "how do I find you",
    "hello",
    "good morning",
    f"[on | for] (today | tomorrow | next week) [(morning | afternoon) | {_PART}] [{_AT}] [please]",
    f"[on | next] ({_DAYS}) [(morning | afternoon) | {_PART}] [{_AT}] [please]",
    f"{_AT} [{_PART}] [please]",
    f"({_HOURS}) o'clock [please]",
    f"{_PART} [please]",
    "no [thank you | thanks] [goodbye | bye]",
    "(nothing | nothing else | that is all | that's all) [thank you | thanks] [goodbye | bye]",
    "(thank you | thanks) [goodbye | bye]",
    "[goodbye | bye] bye",
    "goodbye",
    "yes [please]",
]
