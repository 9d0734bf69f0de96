"""The provider catalog agrees with the plugins."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, get_args

import pytest
from livekit.agents import inference
from livekit.plugins.cartesia.models import TTSLanguages
from livekit.plugins.cartesia.models import TTSModels as CartesiaModels
from livekit.plugins.deepgram.models import DeepgramLanguages, DeepgramModels, V2Models
from livekit.plugins.google.models import ChatModels as GeminiModels
from livekit.plugins.openai.models import ChatModels as OpenAIModels
from livekit.plugins.sarvam.models import MODEL_SPEAKER_COMPATIBILITY, SarvamTTSModels
from livekit.plugins.sarvam.stt import MODEL_CONFIGS, SAARAS_V3_LANGUAGES

from domain.common.languages import MULTILINGUAL, primary_subtag
from domain.providers.catalog import CATALOG, STT, TTS, find_provider
from domain.providers.model import Option, OptionType, Provider, ProviderKind
from domain.tenants.provider_keys import ProviderKeys, ProviderMisconfigured
from domain.workflows.agents import ProviderChoice
from tests.support.demo_workflow import RECEPTION
from worker.providers.http import create_http_session
from worker.providers.local.tts import LocalTTS, local_tts
from worker.providers.registry import (
    LLM_FACTORIES,
    STT_FACTORIES,
    TTS_FACTORIES,
    VAD_FACTORIES,
    SpeechBuildContext,
    build_stt,
    build_tts,
)
from worker.session.turn_detection import turn_detection, turn_detector

pytestmark = pytest.mark.anyio

KEYS = ProviderKeys(openai="k", google="k", deepgram="k", cartesia="k", sarvam="k")
OURS = ("scripted", "local")
OF_FLUX = {"eot_threshold", "eager_eot_threshold", "eot_timeout_ms"}
RENAMED = {
    "max_tokens": ("max_completion_tokens", "max_output_tokens"),
    "language": ("language", "target_language_code"),
}


def entry(kind: ProviderKind, name: str) -> Provider:
    found = find_provider(kind, name)
    assert found is not None
    return found


def sample(option: Option) -> Any:
    """A value other than the default."""
    if option.choices:
        return option.choices[-1]
    match option.type:
        case OptionType.BOOLEAN:
            return not option.default
        case OptionType.TEXT:
            return "fr"
        case OptionType.LIST:
            return []
        case _:
            assert option.minimum is not None
            assert option.maximum is not None
            middle = option.minimum + (option.maximum - option.minimum) / 4
            return round(middle) if option.type is OptionType.INTEGER else round(middle, 2)


def every_option() -> Iterator[tuple[ProviderKind, str, str]]:
    for each in CATALOG:
        for option in each.options:
            if each.name not in OURS:
                yield each.kind, each.name, option.name


@pytest.mark.parametrize(("kind", "name", "option"), [*every_option()])
async def test_every_option_reaches_the_plugin(kind: ProviderKind, name: str, option: str) -> None:
    if name == "silero-onnx":
        pytest.importorskip("livekit.plugins.silero", reason="its plugin is an extra")
    known = entry(kind, name)
    found = known.option(option)
    assert found is not None
    value = sample(found)
    model = "flux-general-en" if option in OF_FLUX else known.models[0]
    choice = ProviderChoice(provider=name, model=model, options={option: value})
    async with create_http_session() as http:
        match kind:
            case ProviderKind.STT:
                built: Any = STT_FACTORIES[name](choice, KEYS, (), (), http)
            case ProviderKind.TTS:
                built = TTS_FACTORIES[name](choice, KEYS, None, None, http)
            case ProviderKind.LLM:
                built = LLM_FACTORIES[name](choice, KEYS, dict)
            case ProviderKind.VAD:
                built = VAD_FACTORIES[name](choice)
    held = given(built._opts)
    reached = [held.get(each) for each in RENAMED.get(option, (option,))]
    assert value in reached or [value] in reached


def test_the_local_tts_speaks_at_the_configured_speed() -> None:
    choice = ProviderChoice(provider="local", model="espeak-ng", options={"speed": 2.0})
    built = local_tts(choice, KEYS, "en", None)
    assert isinstance(built, LocalTTS)
    assert built.command[-2:] == ("-s", "330")


def given(options: Any) -> dict[str, Any]:
    return (
        {f.name: getattr(options, f.name) for f in dataclasses.fields(options)}
        if dataclasses.is_dataclass(options)
        else vars(options)
    )


def test_the_models_match_the_plugins() -> None:
    plugins = {
        (ProviderKind.STT, "deepgram"): {*get_args(DeepgramModels), *get_args(V2Models), "nova-2"},
        (ProviderKind.STT, "sarvam"): {*MODEL_CONFIGS},
        (ProviderKind.LLM, "openai"): {*get_args(OpenAIModels)},
        (ProviderKind.LLM, "google"): {*get_args(GeminiModels), "gemini-2.5-pro"},
        (ProviderKind.TTS, "cartesia"): {*get_args(CartesiaModels)},
        (ProviderKind.TTS, "sarvam"): {*get_args(SarvamTTSModels)},
    }
    for (kind, name), models in plugins.items():
        assert set(entry(kind, name).models) <= models, name
    assert set(get_args(V2Models)) <= set(entry(ProviderKind.STT, "deepgram").models)
    assert {*MODEL_CONFIGS} == set(entry(ProviderKind.STT, "sarvam").models)


def test_the_languages_match_the_plugins() -> None:
    heard = {primary_subtag(tag) for tag in get_args(DeepgramLanguages)} - {"taq"}
    assert heard <= {*entry(ProviderKind.STT, "deepgram").languages}
    indian = SAARAS_V3_LANGUAGES - {"unknown"}
    assert indian == {*entry(ProviderKind.STT, "sarvam").languages}
    assert {*get_args(TTSLanguages)} == {*entry(ProviderKind.TTS, "cartesia").languages}


def test_the_voices_match_the_plugin() -> None:
    for model, voices in entry(ProviderKind.TTS, "sarvam").voices_by_model.items():
        assert set(voices) == set(MODEL_SPEAKER_COMPATIBILITY[model]["all"])


async def test_every_language_of_the_catalog_can_be_transcribed_and_spoken() -> None:
    async with create_http_session() as http:
        means = SpeechBuildContext(KEYS, http, lambda *_: None, lambda *_: None, {}, 3)
        without = () if find_spec("pocketsphinx") else ("local",)
        for each in (each for each in STT if each.name not in without):
            for language in each.languages:
                choice = ProviderChoice(provider=each.name, model=each.models[0])
                build_stt(choice, means, (language,), ())
        for each in TTS:
            for language in each.languages:
                choice = ProviderChoice(provider=each.name, model=each.models[0])
                build_tts(choice, means, language, None)


@pytest.mark.parametrize(
    ("model", "languages", "expected"),
    [
        ("nova-3", (), "en-US"),
        ("nova-3", ("en-IN",), "en-IN"),
        ("nova-3", ("hi-IN",), "hi"),
        ("nova-3", ("en-IN", "hi-IN"), MULTILINGUAL),
        ("nova-3", ("ta-IN", "hi-IN"), "ta"),  # which it cannot detect
        ("saaras:v4", ("ta-IN", "hi-IN"), "unknown"),
        ("saaras:v4", ("hi",), "hi-IN"),
        ("saaras:v4", (), "unknown"),
    ],
)
async def test_stt_receives_the_expected_languages(
    model: str, languages: tuple[str, ...], expected: str
) -> None:
    name = "deepgram" if model.startswith("nova") else "sarvam"
    async with create_http_session() as http:
        choice = ProviderChoice(provider=name, model=model)
        built: Any = STT_FACTORIES[name](choice, KEYS, languages, (), http)
    assert built._opts.language == expected


async def test_an_option_that_a_plugin_rejects_is_reported_and_the_fallback_is_used() -> None:
    refused: list[tuple[str, bool]] = []
    v3 = ProviderChoice(provider="sarvam", model="bulbul:v3")
    async with create_http_session() as http:
        means = SpeechBuildContext(
            KEYS, http, lambda c, a: refused.append((c.provider, a)), lambda *_: None, {}, 3
        )
        with pytest.raises(ProviderMisconfigured, match="sarvam bulbul:v3: Speaker 'anushka'"):
            build_tts(v3, means, "en-IN", "anushka")
        sonic = ProviderChoice(provider="cartesia", model="sonic-3")
        chain = dataclasses.replace(v3, fallbacks=(sonic,))
        assert build_tts(chain, means, "en-IN", "anushka").provider == "Cartesia"
    assert refused == [("sarvam", False)]


async def test_keyterms_are_passed_to_models_that_support_them() -> None:
    async with create_http_session() as http:
        for model, expected in (("nova-3", ["x"]), ("flux-general-en", ["x"]), ("nova-2", [])):
            choice = ProviderChoice(provider="deepgram", model=model)
            built: Any = STT_FACTORIES["deepgram"](choice, KEYS, (), ("x",), http)
            assert list(built._opts.keyterm or []) == expected


def test_the_vad_is_the_local_one() -> None:
    choice = ProviderChoice(provider="silero", model="silero")
    assert isinstance(VAD_FACTORIES["silero"](choice), inference.VAD)
    assert RECEPTION.vad is None


WITHOUT_THE_MODEL_OF_LIVEKIT = dataclasses.replace(
    RECEPTION, vad=ProviderChoice(provider="silero-onnx", model="silero")
)


def test_another_detector_of_speech_goes_without_the_turn_detection_of_the_local_one() -> None:
    assert turn_detection(RECEPTION) is turn_detector()
    assert turn_detection(WITHOUT_THE_MODEL_OF_LIVEKIT) == "vad"
    flux = ProviderChoice(provider="deepgram", model="flux-general-en")
    assert turn_detection(dataclasses.replace(WITHOUT_THE_MODEL_OF_LIVEKIT, stt=flux)) == "stt"
