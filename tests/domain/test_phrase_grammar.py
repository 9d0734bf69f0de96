"""The phrases of the local STT: their grammar, and how well they are recognised."""

from __future__ import annotations

import io
import struct
import subprocess
import wave
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from livekit.agents.utils import http_context

from domain.providers.catalog import find_provider
from domain.providers.model import ProviderKind
from domain.providers.phrase_grammar import phrases_problem
from domain.tenants.provider_keys import ProviderKeys
from domain.workflows.agents import ProviderChoice
from local.demo import BOOKING_RULES, RECEPTION_RULES
from local.demo_phrases import PHRASES
from local.room_participant import RATE, resample
from local.wav import StereoRecorder, WavError, read_wav
from tests.voice.test_voice_talk import espeak
from worker.providers.http import create_http_session
from worker.providers.local.pocketsphinx_process import create_decoder, jsgf_grammar, recognize
from worker.providers.registry import SpeechBuildContext, build_tts
from worker.providers.scripted import choose_rule

BAD = {
    "a; import <file:/etc/passwd>": "contains ';'; only words, ( | ) and [ ] are allowed",
    "at 10": "contains '1'; only words, ( | ) and [ ] are allowed",
    "(yes": "does not close a (",
    "yes)": "has an unmatched )",
    "(yes]": "has an unmatched ]",
    "(yes | )": "has nothing before a )",
    "yes |": "has nothing to say at its end",
    "": "has nothing to say at its end",
    "[" * 9 + "a" + "]" * 9: "is nested more than 8 levels deep",
}


@pytest.mark.parametrize("phrase", BAD)
def test_an_invalid_phrase_is_named(phrase: str) -> None:
    assert phrases_problem(["yes", phrase]) == f"contains {phrase!r}, which {BAD[phrase]}"
    local = find_provider(ProviderKind.STT, "local")
    assert local is not None
    option = local.option("phrases")
    assert option is not None
    assert option.problem_with([phrase]) == f"contains {phrase!r}, which {BAD[phrase]}"
    assert option.problem_with("yes") == "is not a list"


def test_a_list_of_phrases_is_bounded() -> None:
    assert phrases_problem(["yes"] * 200) is None
    assert phrases_problem(["yes"] * 201) == "has more than 200 phrases"
    assert phrases_problem(["no " * 2_001]) == "has more than 2000 words"
    assert phrases_problem([5]) == "contains a value that is not a string"


def test_phrases_with_unknown_words_are_left_out_of_the_grammar() -> None:
    phrases = ["[I | we] need help", "zzyzx please"]
    assert jsgf_grammar(phrases, frozenset({"zzyzx"})) == (
        "#JSGF V1.0;\ngrammar phrases;\npublic <said> = ( [ i | we ] need help );\n"
    )


HEARD = {
    "reception": {
        "I need an appointment": "Of course.",
        "I want to see a doctor": "Of course.",
        "can I make an appointment please": "Of course.",
        "I would like to book an appointment": "Of course.",
        "what are your opening hours": "We are open",
        "when are you open": "We are open",
        "are you open on saturday": "We are open",
        "where are you": "You find us",
        "what is your address": "You find us",
        "how do I find you": "You find us",
        "hello": "Hello!",
        "good morning": "Hello!",
    },
    "booking": {
        "tomorrow at ten": "Let me write",
        "tomorrow at nine o'clock": "Let me write",
        "monday morning": "Let me write",
        "friday at three": "Let me write",
        "next tuesday in the afternoon": "Let me write",
        "today at noon": "Let me write",
        "no thank you": "",
        "that's all thank you": "",
        "nothing else": "",
        "thank you bye": "",
        "goodbye": "",
    },
}
RULES = {"reception": RECEPTION_RULES, "booking": BOOKING_RULES}
needs_pocketsphinx = pytest.mark.skipif(
    find_spec("pocketsphinx") is None, reason="no wheel for this Python"
)
VOICES = ("en-us", "en-gb", "en-us+f3")


def said(text: str, voice: str) -> bytes:
    command = (espeak(), "-v", voice, "--stdin", "-w", "/dev/stdout")
    made = subprocess.run(command, input=text.encode(), check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(made)) as file:
        rate = file.getframerate()
    samples = resample(rate, np.frombuffer(made[44:], np.int16))[:: RATE // 16_000]
    quiet = np.zeros(6_000, np.int16)
    return np.concatenate((quiet, samples, quiet)).tobytes()


@needs_pocketsphinx
def test_the_demo_phrases_are_recognised_in_three_voices() -> None:
    """Whole sentences, word for word, and the replies that they lead to."""
    decoder, unknown = create_decoder(PHRASES)
    assert unknown == []
    words = answers = total = 0
    for agent, sentences in HEARD.items():
        for text, answer in sentences.items():
            for voice in VOICES:
                got = recognize(decoder, said(text, voice))
                total += 1
                words += got == text.lower()
                says = str(choose_rule(RULES[agent], got, None).get("says", ""))
                answers += says.startswith(answer) if answer else says == ""
                if got != text.lower():
                    print(f"{voice}: {text!r} was heard as {got!r}")
    print(f"of {total} sentences {words} were heard word for word, {answers} answered rightly")
    assert words >= 0.8 * total
    assert answers >= 0.85 * total


@needs_pocketsphinx
def test_silence_and_noise_match_no_phrase() -> None:
    decoder, _ = create_decoder(PHRASES)
    assert recognize(decoder, bytes(32_000)) == ""
    noise = np.random.default_rng(1).normal(0, 500, 32_000).astype(np.int16)
    assert recognize(decoder, noise.tobytes()) == ""


def test_wav_files_of_every_format_are_read(tmp_path: Path) -> None:
    tone = np.sin(np.arange(8_000) / 5) * 0.5
    kinds = {
        (1, 16): (tone * 32_767).astype("<i2").tobytes(),
        (1, 8): (tone * 127 + 128).astype(np.uint8).tobytes(),
        (1, 24): (tone * (2**31 - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes(),
        (1, 32): (tone * (2**31 - 1)).astype("<i4").tobytes(),
        (3, 32): tone.astype("<f4").tobytes(),
        (3, 64): tone.astype("<f8").tobytes(),
    }
    for (kind, bits), data in kinds.items():
        file = tmp_path / f"{kind}.{bits}.wav"
        file.write_bytes(_wav(kind, 1, 8_000, bits, data))
        rate, samples = read_wav(file)
        assert rate == 8_000
        assert len(resample(rate, samples)) == pytest.approx(RATE, abs=RATE // 100)
        assert np.abs(samples / 32_767 - tone).max() < 0.02


def test_stereo_is_mixed_to_mono(tmp_path: Path) -> None:
    both = np.stack((np.full(100, 1_000), np.full(100, 3_000)), axis=1).astype("<i2")
    file = tmp_path / "stereo.wav"
    file.write_bytes(_wav(1, 2, 44_100, 16, both.tobytes()))
    rate, samples = read_wav(file)
    assert rate == 44_100
    assert np.abs(samples.astype(int) - 2_000).max() <= 1


WRONG = {
    "is not a WAV file": b"ID3 something else",
    "is a WAV file without audio": b"RIFF\x04\x00\x00\x00WAVE",
    "is neither PCM nor float: convert it to 16-bit PCM": None,
}


@pytest.mark.parametrize("problem", WRONG)
def test_an_unsupported_wav_file_is_named(tmp_path: Path, problem: str) -> None:
    file = tmp_path / "x.wav"
    file.write_bytes(WRONG[problem] or _wav(7, 1, 8_000, 8, bytes(100)))
    with pytest.raises(WavError) as refused:
        read_wav(file)
    assert str(refused.value) == f"{file} {problem}"


def test_a_stereo_recording_has_both_sides_at_their_times(tmp_path: Path) -> None:
    file, rate = tmp_path / "tape.wav", 8_000
    tape = StereoRecorder(file, rate)
    loud = np.full(rate, 5_000, np.int16)
    for second in range(6):
        tape.add_caller(float(second), np.zeros(rate, np.int16))
        if second in (1, 4):
            tape.add_agent(float(second), loud)
    tape.add_caller(2.0, loud)  # already written: too late
    tape.close(6.0)
    with wave.open(str(file)) as made:
        raw = made.readframes(made.getnframes())
    caller, agent = np.frombuffer(raw, np.int16).reshape(-1, 2).T
    assert len(agent) == 6 * rate
    assert not caller.any()
    assert [bool(agent[s * rate : (s + 1) * rate].all()) for s in range(6)] == [
        *(False, True, False, False, True, False)
    ]
    assert np.count_nonzero(agent) == 2 * rate


def _wav(kind: int, channels: int, rate: int, bits: int, data: bytes) -> bytes:
    frame = channels * bits // 8
    head = struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head
    body += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.anyio
async def test_the_local_tts_works_as_a_fallback() -> None:
    choice = ProviderChoice(provider="local", model="espeak-ng")
    async with http_context.open(), create_http_session() as http:
        means = SpeechBuildContext(ProviderKeys(), http, lambda *_: None, lambda *_: None, {}, 3)
        voice = build_tts(choice, means, "en", None)
        stream = voice.stream()
        stream.push_text("Sunrise Clinic, good day. How can I help you?")
        stream.end_input()
        seconds = [event.frame.duration async for event in stream]
        await voice.aclose()
    assert 2 < sum(seconds) < 6
