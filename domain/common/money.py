"""Amounts in US dollars as integer billionths, so that sums are exact and any price fits."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

CURRENCY = "USD"
NANOS_PER_DOLLAR = 1_000_000_000
MAX_AMOUNT = 1_000_000 * NANOS_PER_DOLLAR


def format_usd(nanos: int) -> str:
    """Format with at least two decimal places and no trailing zeros after those."""
    dollars, fraction = divmod(abs(nanos), NANOS_PER_DOLLAR)
    decimals = f"{fraction:09}".rstrip("0").ljust(2, "0")
    return f"{'-' if nanos < 0 else ''}{dollars}.{decimals}"


def parse_usd(text: str) -> int:
    """Raises `ValueError` with a message for the user."""
    try:
        amount = Decimal(text).scaleb(9) if len(text) <= 32 else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ValueError('An amount must be a decimal number, such as "1.25".')
    if amount != amount.to_integral_value():
        raise ValueError("An amount may have at most nine decimal places.")
    if not 0 <= amount <= MAX_AMOUNT:
        raise ValueError("An amount must be between 0 and 1000000 dollars.")
    return int(amount)
