"""Amounts of US dollars, as whole billionths: sums are exact, and no price is too small."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

CURRENCY = "USD"
NANOS_PER_DOLLAR = 1_000_000_000
MAX_AMOUNT = 1_000_000 * NANOS_PER_DOLLAR


def format_usd(nanos: int) -> str:
    """As people write it: two places at least, and no zeros behind those."""
    units, rest = divmod(abs(nanos), NANOS_PER_DOLLAR)
    places = f"{rest:09}".rstrip("0").ljust(2, "0")
    return f"{'-' if nanos < 0 else ''}{units}.{places}"


def parse_usd(text: str) -> int:
    """`ValueError` says what is wrong with it."""
    try:
        amount = Decimal(text).scaleb(9) if len(text) <= 32 else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ValueError('An amount is written like "1.25".')
    if amount != amount.to_integral_value():
        raise ValueError("An amount may have nine places behind the point.")
    if not 0 <= amount <= MAX_AMOUNT:
        raise ValueError("An amount is between 0 and 1000000 dollars.")
    return int(amount)
