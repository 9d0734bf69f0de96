"""List prices of the providers, which a tenant can override, and the cost of usage.

Prices are in billionths of a dollar per million tokens, per million characters, per hour of audio, or
per minute of a telephone call. A model that is not listed has no price: its usage is counted, and the
total is marked as partial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.common.casing import camel
from domain.common.errors import InvalidInput, Path
from domain.common.money import NANOS_PER_DOLLAR
from domain.common.text_validation import check_name, check_text
from domain.providers.catalog import provider_names
from domain.providers.model import ProviderKind
from domain.providers.usage import Usage

AS_OF = "2026-11"
FREE_PROVIDERS = frozenset({"scripted", "local"})
"""These providers run on the installation's own machines."""
MAX_PRICES = 200
MILLION = 1_000_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The prices of one model; None: the unit is not charged. Cached tokens without a price cost as
    much as other input tokens. The provider of a TRUNK is the trunk, and its model is the country of
    the called number."""

    kind: ProviderKind
    provider: str
    model: str
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    characters: int | None = None
    audio_hour: int | None = None
    minute: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.kind, self.provider, self.model)

    def cost(self, used: Usage) -> int:
        cached = self.input_tokens if self.cached_tokens is None else self.cached_tokens
        uncached_tokens = used.input_tokens - used.cached_tokens
        per_million = (
            uncached_tokens * (self.input_tokens or 0)
            + used.cached_tokens * (cached or 0)
            + used.output_tokens * (self.output_tokens or 0)
            + used.characters * (self.characters or 0)
        )
        audio = used.audio_ms * (self.audio_hour or 0)
        line = used.audio_ms * (self.minute or 0)
        return _rounded(per_million, MILLION) + _rounded(audio, HOUR_MS) + _rounded(line, MINUTE_MS)


def _rounded(amount: int, divisor: int) -> int:
    return (2 * amount + divisor) // (2 * divisor)


def _nanos(amount: float) -> int:
    return round(amount * 10_000) * (NANOS_PER_DOLLAR // 10_000)


def _llm(provider: str, model: str, input: float, cached: float, output: float) -> Price:
    return Price(
        kind=ProviderKind.LLM,
        provider=provider,
        model=model,
        input_tokens=_nanos(input),
        cached_tokens=_nanos(cached),
        output_tokens=_nanos(output),
    )


def _stt(provider: str, model: str, minute: float) -> Price:
    hour = _nanos(minute) * 60
    return Price(kind=ProviderKind.STT, provider=provider, model=model, audio_hour=hour)


def _tts(provider: str, model: str, characters: float) -> Price:
    price = _nanos(characters)
    return Price(kind=ProviderKind.TTS, provider=provider, model=model, characters=price)


LIST_PRICES: tuple[Price, ...] = (
    _llm("openai", "gpt-4.1", 2.00, 0.50, 8.00),
    _llm("openai", "gpt-4.1-mini", 0.40, 0.10, 1.60),
    _llm("openai", "gpt-4o", 2.50, 1.25, 10.00),
    _llm("openai", "gpt-4o-mini", 0.15, 0.075, 0.60),
    # Prompts of up to 200,000 tokens; longer ones cost more.
    _llm("google", "gemini-2.5-pro", 1.25, 0.125, 10.00),
    _llm("google", "gemini-2.5-flash", 0.30, 0.03, 2.50),
    _llm("google", "gemini-2.0-flash", 0.10, 0.025, 0.40),
    # Streaming, one language, pay as you go.
    _stt("deepgram", "nova-3", 0.0077),
    _stt("deepgram", "nova-2", 0.0058),
    _stt("deepgram", "nova-2-phonecall", 0.0058),
    # Cartesia sells credits, one per character; the price is that of the Startup plan.
    _tts("cartesia", "sonic-3", 39.20),
    _tts("cartesia", "sonic-2", 39.20),
    _tts("cartesia", "sonic-turbo", 39.20),
)

_LIST: Mapping[tuple[str, str, str], Price] = {price.key: price for price in LIST_PRICES}


class PriceList:
    """The list prices, overridden by the prices of a tenant."""

    def __init__(self, own: Iterable[Price] = ()) -> None:
        self._prices = {**_LIST, **{price.key: price for price in own}}

    def cost(self, used: Usage) -> int | None:
        price = self._prices.get((used.kind, used.provider, used.model))
        if price is not None:
            return price.cost(used)
        return 0 if used.provider in FREE_PROVIDERS else None


UNITS: Mapping[ProviderKind, tuple[str, ...]] = {
    ProviderKind.LLM: ("input_tokens", "cached_tokens", "output_tokens"),
    ProviderKind.STT: ("audio_hour",),
    ProviderKind.TTS: ("characters", "audio_hour"),
    ProviderKind.TRUNK: ("minute",),
}
"""The units in which each kind of provider is charged."""
_ALL = tuple(dict.fromkeys(unit for units in UNITS.values() for unit in units))


def check_prices(prices: tuple[Price, ...], path: Path) -> None:
    """Raises `InvalidInput` for the first field that breaks a rule."""
    if len(prices) > MAX_PRICES:
        raise InvalidInput(f"At most {MAX_PRICES} prices are allowed.", path)
    keys: set[tuple[str, str, str]] = set()
    for index, price in enumerate(prices):
        here = (*path, str(index))
        _check_price(price, here)
        if price.key in keys:
            raise InvalidInput("The same model has two prices.", (*here, "model"))
        keys.add(price.key)


def _check_price(price: Price, path: Path) -> None:
    units = UNITS.get(price.kind)
    if units is None:
        raise InvalidInput(
            f"{price.kind} runs on the installation's own machines and is free.", (*path, "kind")
        )
    if price.kind is ProviderKind.TRUNK:
        check_name(price.provider, (*path, "provider"))
    elif price.provider not in (known := provider_names(price.kind)):
        raise InvalidInput(
            f"There is no {price.kind} provider {price.provider[:64]!r}; "
            f"choose one of {', '.join(known)}.",
            (*path, "provider"),
        )
    check_text(price.model, (*path, "model"), max_length=128, min_length=1)
    priced = [unit for unit in _ALL if getattr(price, unit) is not None]
    allowed = ", ".join(map(camel, units))
    for unit in priced:
        if unit not in units:
            raise InvalidInput(f"{price.kind} is priced by {allowed}.", (*path, camel(unit)))
    if not priced:
        raise InvalidInput(f"Set a price for at least one of {allowed}; 0 is free.", path)
