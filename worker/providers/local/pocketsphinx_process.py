"""PocketSphinx in a process of its own, one per call that uses it.

Run as `python -m worker.providers.local.pocketsphinx_process`. PocketSphinx holds the GIL during
recognition, which would block every call of a worker. The process reads one line of JSON with the
phrases to recognize, then utterances as raw PCM, each prefixed with its length. It writes one line
of JSON for each of them and exits when its input ends."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from domain.providers.phrase_grammar import tokenize, vocabulary

LENGTH_PREFIX = struct.Struct("<I")
SAMPLE_RATE = 16_000
DECODER_OPTIONS = {"cmn": "batch", "lw": 3.0, "samprate": SAMPLE_RATE, "loglevel": "FATAL"}
MIN_PEAK_AMPLITUDE = 100
DITHER_LEVEL = 0.005
"""Noise level relative to the peak. Digital silence, as on a line without background noise, causes
many recognition errors."""


def create_decoder(phrases: Sequence[str]) -> tuple[Any, list[str]]:
    """Return a decoder for these phrases, or for free English if there are none, and the words of
    the phrases that its dictionary lacks."""
    # Imported here: workers import this module for its constants, even where no wheel exists.
    from pocketsphinx import Decoder

    if not phrases:
        return Decoder(**DECODER_OPTIONS), []
    decoder = Decoder(lm=None, **DECODER_OPTIONS)
    unknown = [word for word in vocabulary(phrases) if decoder.lookup_word(word) is None]
    decoder.add_jsgf_string("phrases", jsgf_grammar(phrases, frozenset(unknown)))
    decoder.activate_search("phrases")
    return decoder, unknown


def jsgf_grammar(phrases: Sequence[str], unknown: frozenset[str] = frozenset()) -> str:
    """A grammar of the phrases in JSGF, without the phrases that contain an unknown word."""
    known = [each for phrase in phrases if unknown.isdisjoint(each := tokenize(phrase))]
    alternatives = " | ".join(f"( {' '.join(each)} )" for each in known) or "<VOID>"
    return f"#JSGF V1.0;\ngrammar phrases;\npublic <said> = {alternatives};\n"


def recognize(decoder: Any, pcm: bytes) -> str:
    """The words of one utterance; empty when it matches no phrase."""
    samples = np.frombuffer(pcm, np.int16).astype(np.float64)
    peak = np.abs(samples).max(initial=0.0)
    if peak < MIN_PEAK_AMPLITUDE:
        return ""
    samples += np.random.default_rng(0).normal(0.0, DITHER_LEVEL * peak, len(samples))
    decoder.start_utt()
    decoder.process_raw(samples.clip(-32_768, 32_767).astype(np.int16).tobytes(), False, True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return str(hypothesis.hypstr) if hypothesis else ""


def main() -> None:
    source, output = sys.stdin.buffer, sys.stdout
    phrases = json.loads(source.readline())
    spellings = vocabulary(phrases)
    decoder, unknown = create_decoder(phrases)
    print(json.dumps({"unknown": unknown}), file=output, flush=True)
    while prefix := source.read(LENGTH_PREFIX.size):
        words = recognize(decoder, source.read(LENGTH_PREFIX.unpack(prefix)[0])).split()
        text = " ".join(spellings.get(word, word) for word in words)
        print(json.dumps({"text": text}), file=output, flush=True)


if __name__ == "__main__":
    main()
