"""The providers that an agent can choose from, as pure data that loads no plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.providers.model import CredentialField, Option, OptionType, Provider, ProviderKind
from domain.providers.phrase_grammar import phrases_problem

REGION_URLS: Mapping[str, Mapping[str, str]] = {
    "openai": {
        region: f"https://{region}.api.openai.com/v1"
        for region in ("ae", "au", "eu", "in", "jp", "us")
    },
    "deepgram": {"eu": "https://api.eu.deepgram.com"},
}
"""The base URLs of providers that process data in a region which the customer chooses."""

KEY_HEADERS: Mapping[str, str] = {
    "openai": "authorization",
    "google": "x-goog-api-key",
    "deepgram": "authorization",
    "cartesia": "x-api-key",
    "sarvam": "api-subscription-key",
}
"""The header that carries the key of each provider that needs one."""

_KEY = CredentialField(name="apiKey", label="API key", help="The key from the provider's console.")
_ENDPOINT = (
    CredentialField(
        name="baseUrl",
        label="Base URL",
        help="URL of a compatible server to use instead of the provider's own.",
        secret=False,
        required=False,
    ),
    CredentialField(
        name="headers",
        label="Headers",
        help="HTTP headers to send with every request, for instance to a gateway.",
        required=False,
    ),
)


def _credential_fields(provider: str) -> tuple[CredentialField, ...]:
    regions = tuple(REGION_URLS.get(provider, ()))
    if not regions:
        return (_KEY, *_ENDPOINT)
    region = CredentialField(
        name="region",
        label="Region",
        help="Where the provider processes the data; the account must be enabled for it.",
        secret=False,
        required=False,
        choices=regions,
    )
    return (_KEY, region, *_ENDPOINT)


_INDIAN = (
    *("bn-IN", "en-IN", "gu-IN", "hi-IN", "kn-IN", "ml-IN", "mr-IN", "od-IN", "pa-IN"),
    *("ta-IN", "te-IN"),
)
_INDIAN_STT = (
    *_INDIAN,
    *("as-IN", "brx-IN", "doi-IN", "kok-IN", "ks-IN", "mai-IN", "mni-IN", "ne-IN", "sa-IN"),
    *("sat-IN", "sd-IN", "ur-IN"),
)
_BULBUL: Mapping[str, tuple[str, ...]] = {
    "bulbul:v3": (
        *("shubh", "ritu", "rahul", "pooja", "simran", "kavya", "amit", "ratan", "rohan", "dev"),
        *("ishita", "shreya", "manan", "sumit", "priya", "aditya", "kabir", "neha", "varun"),
        *("roopa", "aayan", "ashutosh", "advait", "amelia", "sophia", "suhani", "rupali"),
        *("tanya", "shruti", "kavitha"),
    ),
    "bulbul:v2": ("anushka", "manisha", "vidya", "arya", "abhilash", "karun", "hitesh"),
}

AUTO_DETECTED_LANGUAGES = ("en", "es", "fr", "de", "hi", "ru", "pt", "ja", "it", "nl")
"""The languages that nova-3 and flux-general-multi detect by themselves."""


def _temperature(maximum: float) -> Option:
    return Option(
        name="temperature",
        type=OptionType.NUMBER,
        minimum=0,
        maximum=maximum,
        help="Sampling temperature: how freely the model chooses words; 0 is most predictable.",
    )


_MAX_TOKENS = Option(
    name="max_tokens",
    type=OptionType.INTEGER,
    minimum=1,
    maximum=100_000,
    help="Maximum length of a reply, in tokens.",
)

STT = (
    Provider(
        kind=ProviderKind.STT,
        name="deepgram",
        display_name="Deepgram",
        models=(
            *("nova-3", "nova-3-medical", "nova-2", "nova-2-phonecall"),
            *("flux-general-en", "flux-general-multi"),
        ),
        languages=(
            *("multi", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr"),
            *("hi", "hu", "id", "it", "ja", "kn", "ko", "lt", "lv", "mr", "ms", "nl", "no", "pl"),
            *("pt", "ro", "ru", "sk", "sv", "ta", "te", "th", "tl", "tr", "uk", "vi"),
            "zh",
        ),
        languages_by_model={
            "nova-3-medical": ("en",),
            "nova-2-phonecall": ("en",),
            "flux-general-en": ("en",),
            "flux-general-multi": AUTO_DETECTED_LANGUAGES,
        },
        options=(
            Option(
                name="language",
                type=OptionType.TEXT,
                help="The language to recognise; multi to detect it. Default: the call's language.",
            ),
            Option(
                name="smart_format",
                type=OptionType.BOOLEAN,
                default=False,
                help="Format numbers, dates and addresses the way people write them.",
            ),
            Option(
                name="numerals",
                type=OptionType.BOOLEAN,
                default=False,
                help="Write numbers as digits.",
            ),
            Option(
                name="profanity_filter",
                type=OptionType.BOOLEAN,
                default=False,
                help="Mask profanity in the transcript.",
            ),
            Option(
                name="endpointing_ms",
                type=OptionType.INTEGER,
                default=25,
                minimum=0,
                maximum=2_000,
                help="Silence that ends a phrase, in milliseconds; not for flux.",
            ),
            Option(
                name="eot_threshold",
                type=OptionType.NUMBER,
                minimum=0.5,
                maximum=0.9,
                help="How sure flux must be that the caller has finished. Default: 0.7.",
            ),
            Option(
                name="eager_eot_threshold",
                type=OptionType.NUMBER,
                minimum=0.3,
                maximum=0.9,
                help="The certainty at which flux lets the reply be prepared early; at most "
                "eot_threshold. Replies are faster, at the cost of more LLM requests.",
            ),
            Option(
                name="eot_timeout_ms",
                type=OptionType.INTEGER,
                minimum=500,
                maximum=10_000,
                help="Silence after which flux ends the turn in any case, in milliseconds. "
                "Default: 5000.",
            ),
        ),
        credentials=_credential_fields("deepgram"),
    ),
    Provider(
        kind=ProviderKind.STT,
        name="sarvam",
        display_name="Sarvam",
        models=("saaras:v4", "saaras:v3"),
        languages=_INDIAN_STT,
        options=(
            Option(
                name="language",
                type=OptionType.TEXT,
                choices=("unknown", *_INDIAN_STT),
                help="The language to recognise; unknown to detect it.",
            ),
            Option(
                name="mode",
                type=OptionType.TEXT,
                default="transcribe",
                choices=("transcribe", "translate", "verbatim", "translit", "codemix"),
                help="The form of the transcript, such as verbatim or translated.",
            ),
            Option(
                name="high_vad_sensitivity",
                type=OptionType.BOOLEAN,
                help="Treat shorter pauses as the end of a phrase, and quieter sounds as speech.",
            ),
        ),
        credentials=_credential_fields("sarvam"),
        interim_transcripts=False,
    ),
    Provider(
        kind=ProviderKind.STT,
        name="local",
        display_name="PocketSphinx (on this machine, no key)",
        models=("pocketsphinx",),
        languages=("en",),
        options=(
            Option(
                name="phrases",
                type=OptionType.LIST,
                default=[],
                check=phrases_problem,
                help="The phrases that callers may say: I need (an appointment | a slot) [please]. "
                "Without phrases it recognises any English words, about half of them wrongly.",
            ),
        ),
        interim_transcripts=False,
    ),
)
LLM = (
    Provider(
        kind=ProviderKind.LLM,
        name="scripted",
        display_name="Scripted (no key)",
        models=("rules",),
        options=(
            Option(
                name="rules",
                type=OptionType.LIST,
                default=[],
                help="The scripted replies; the first rule that matches is used.",
            ),
            Option(
                name="word_ms",
                type=OptionType.NUMBER,
                default=0,
                minimum=0,
                maximum=5_000,
                help="Pause before each word, in milliseconds.",
            ),
        ),
    ),
    Provider(
        kind=ProviderKind.LLM,
        name="openai",
        display_name="OpenAI",
        models=("gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini", "gpt-5.4-mini"),
        options=(_temperature(2), _MAX_TOKENS),
        credentials=_credential_fields("openai"),
    ),
    Provider(
        kind=ProviderKind.LLM,
        name="google",
        display_name="Google Gemini",
        models=("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3.5-flash", "gemini-3.8-flash"),
        options=(_temperature(2), _MAX_TOKENS),
        credentials=_credential_fields("google"),
    ),
)
TTS = (
    Provider(
        kind=ProviderKind.TTS,
        name="cartesia",
        display_name="Cartesia",
        models=("sonic-3", "sonic-2", "sonic-turbo"),
        languages=(
            *("ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "fi", "fr", "gu", "he", "hi"),
            *("hr", "hu", "id", "it", "ja", "ka", "kn", "ko", "ml", "mr", "ms", "nl", "no", "or"),
            *("pa", "pl", "pt", "ro", "ru", "sk", "sv", "ta", "te", "th", "tl", "tr", "uk", "ur"),
            *("vi", "zh"),
        ),
        options=(
            Option(
                name="speed",
                type=OptionType.NUMBER,
                default=1.0,
                minimum=0.6,
                maximum=2.0,
                help="Speaking rate; 1 is the voice's own pace.",
            ),
            Option(
                name="volume",
                type=OptionType.NUMBER,
                default=1.0,
                minimum=0.5,
                maximum=2.0,
                help="Volume; 1 is the voice's own loudness.",
            ),
            Option(
                name="emotion",
                type=OptionType.TEXT,
                help="The emotion of the voice, such as calm or excited; sonic-3 only.",
            ),
        ),
        credentials=_credential_fields("cartesia"),
    ),
    Provider(
        kind=ProviderKind.TTS,
        name="sarvam",
        display_name="Sarvam",
        models=("bulbul:v3", "bulbul:v2", "bulbul:v4-flash"),
        languages=_INDIAN,
        voices=tuple(voice for voices in _BULBUL.values() for voice in voices),
        voices_by_model=_BULBUL,
        options=(
            Option(
                name="pace",
                type=OptionType.NUMBER,
                default=1.0,
                minimum=0.5,
                maximum=2.0,
                help="Speaking rate; 1 is the voice's own pace.",
            ),
            Option(
                name="loudness",
                type=OptionType.NUMBER,
                default=1.0,
                minimum=0.5,
                maximum=2.0,
                help="Volume; 1 is the voice's own loudness.",
            ),
            Option(
                name="pitch",
                type=OptionType.NUMBER,
                default=0.0,
                minimum=-0.75,
                maximum=0.75,
                help="Pitch; 0 is the voice's own. Not for bulbul:v3.",
            ),
            Option(
                name="temperature",
                type=OptionType.NUMBER,
                default=0.6,
                minimum=0.01,
                maximum=1.0,
                help="How much the delivery varies; not for bulbul:v2.",
            ),
        ),
        credentials=_credential_fields("sarvam"),
    ),
    Provider(
        kind=ProviderKind.TTS,
        name="local",
        display_name="eSpeak NG (on this machine, no key)",
        models=("espeak-ng",),
        languages=(
            *("ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "gu"),
            *("he", "hi", "hr", "hu", "id", "it", "ja", "ka", "kn", "ko", "lt", "lv", "ml", "mr"),
            *("ms", "nl", "no", "pa", "pl", "pt", "ro", "ru", "sk", "sv", "ta", "te", "th", "tr"),
            *("uk", "vi", "zh"),
        ),
        options=(
            Option(
                name="speed",
                type=OptionType.NUMBER,
                default=1.0,
                minimum=0.5,
                maximum=2.0,
                help="Speaking rate; 1 is 165 words per minute.",
            ),
        ),
    ),
)
_VAD_OPTIONS = (
    Option(
        name="activation_threshold",
        type=OptionType.NUMBER,
        default=0.5,
        minimum=0.05,
        maximum=0.95,
        help="The probability of speech at which speech starts; higher ignores more noise.",
    ),
    Option(
        name="min_silence_duration",
        type=OptionType.NUMBER,
        default=0.55,
        minimum=0.05,
        maximum=3.0,
        help="Silence that ends speech, in seconds.",
    ),
    Option(
        name="min_speech_duration",
        type=OptionType.NUMBER,
        default=0.05,
        minimum=0.01,
        maximum=1.0,
        help="Sounds shorter than this are not treated as speech, in seconds.",
    ),
)
VAD = (
    Provider(
        kind=ProviderKind.VAD,
        name="silero",
        display_name="Silero (on this machine)",
        models=("silero",),
        options=_VAD_OPTIONS,
    ),
    Provider(
        kind=ProviderKind.VAD,
        name="silero-onnx",
        display_name="Silero ONNX (on this machine, needs livekit-plugins-silero)",
        models=("silero",),
        options=_VAD_OPTIONS,
    ),
)
CATALOG: tuple[Provider, ...] = (*STT, *LLM, *TTS, *VAD)


def provider_names(kind: ProviderKind) -> tuple[str, ...]:
    return tuple(p.name for p in CATALOG if p.kind is kind)


def find_provider(kind: ProviderKind, name: str) -> Provider | None:
    return next((p for p in CATALOG if p.kind is kind and p.name == name), None)


def detect_turns(stt_models: Iterable[str]) -> bool:
    """Whether all these STT models decide by themselves when the caller has finished."""
    return all(model.startswith("flux") for model in stt_models)


def have_interim_transcripts(stt_providers: Iterable[str]) -> bool:
    """Whether all these STT providers transcribe while the caller speaks."""
    entries = (find_provider(ProviderKind.STT, name) for name in stt_providers)
    return all(entry is None or entry.interim_transcripts for entry in entries)
