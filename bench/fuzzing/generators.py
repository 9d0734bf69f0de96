"""Generates inputs from a grammar and mutates them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

SPECIAL_STRINGS = (
    *("\x00", "\ud800", "\u202e", "\u200b", "\uff0e", "é", "\U0001f600", "\\", '"', "'", "`", "\n"),
    *("{{", "}}", "{", "}", "|", ":", "(", ")", "[", "]", ",", ".", "==", "<", ">", "=", "!", "%"),
    *("-1", "9" * 15, "9" * 16, "1e999", "0x10", "nan", "__class__", "[+]", "and", "not", "in"),
)
LEAVES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 1.5, 10**20, 10**400, 1e308, 5e-324, "", "a", "Ada", "x" * 300),
    *("{{user.name}}", "2024-02-30", "1815-12-10", "1e5", "NaN", "é" * 50, "\u202e", "001", "a b"),
)
INVALID_VALUES: tuple[Any, ...] = (float("nan"), float("inf"), "\ud800", "\x00", "\udfff\ud800")
MAX_REPEATS = 2_000


def chance(random: Random, share: float) -> bool:
    return random.random() < share


def mutate(random: Random, text: str) -> str:
    """Apply some edits: delete, insert, duplicate, swap, or repeat many times."""
    for _ in range(random.choice((0, 0, 0, 1, 1, 2, 4))):
        a, b = sorted(random.randint(0, len(text)) for _ in range(2))
        match random.randrange(5):
            case 0:
                text = text[:a] + text[min(b, a + 5) :]
            case 1:
                text = text[:a] + random.choice(SPECIAL_STRINGS) + text[a:]
            case 2:
                text = text[:b] + text[a:b] + text[b:]
            case 3:
                text = text[b:] + text[a:b] + text[:a]
            case 4:
                segment = text[a : min(b, a + 12)] or random.choice(SPECIAL_STRINGS)
                text = (
                    text[:a] + segment * random.randint(2, MAX_REPEATS // len(segment)) + text[a:]
                )
    return text


def value(random: Random, names: Sequence[str], depth: int = 3) -> Any:
    """A JSON value; rarely one that JSON cannot represent."""
    if chance(random, 0.005):
        return random.choice(INVALID_VALUES)
    if depth == 0 or chance(random, 0.5):
        return random.choice(LEAVES)
    if chance(random, 0.02):
        return nested(random.randint(5, 600), random.choice(LEAVES))
    count = random.choice((0, 1, 2, 3, 40 if depth == 1 else 4))
    if chance(random, 0.5):
        return [value(random, names, depth - 1) for _ in range(count)]
    return {random.choice(names): value(random, names, depth - 1) for _ in range(count)}


def nested(levels: int, core: Any) -> Any:
    for n in range(levels):
        core = [core] if n % 2 else {"a": core}
    return core
