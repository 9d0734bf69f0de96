"""`python -m worker.providers.local.pocketsphinx_process`: PocketSphinx in a process of its own, one for each call that wants it.

It holds Python's lock while it listens, which would stop every call of a worker. What it is sent:
one line of JSON with the phrases to listen for, then utterances, each with its length before it.
It answers each with one line of JSON, and leaves when nothing more comes."""

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
"""Of the loudest sound: perfect silence, as a line without a room has it, is misheard a lot."""


def create_decoder(phrases: Sequence[str]) -> tuple[Any, list[str]]:
    """Ears for these phrases, or for English at large; and the words that they do not know."""
    # Not at the top: workers import this module for its constants, also where no wheel exists.
    from pocketsphinx import Decoder

    if not phrases:
        return Decoder(**DECODER_OPTIONS), []
    decoder = Decoder(lm=None, **DECODER_OPTIONS)
    unknown = [word for word in vocabulary(phrases) if decoder.lookup_word(word) is None]
    decoder.add_jsgf_string("phrases", jsgf_grammar(phrases, frozenset(unknown)))
    decoder.activate_search("phrases")
    return decoder, unknown


def jsgf_grammar(phrases: Sequence[str], unknown: frozenset[str] = frozenset()) -> str:
    """In the speech grammar format; a phrase with a word that is not known cannot be heard."""
    known = [each for phrase in phrases if unknown.isdisjoint(each := tokenize(phrase))]
    ways = " | ".join(f"( {' '.join(each)} )" for each in known) or "<VOID>"
    return f"#JSGF V1.0;\ngrammar phrases;\npublic <said> = {ways};\n"


def recognize(decoder: Any, pcm: bytes) -> str:
    """The words of one utterance; none when it is no phrase."""
    samples = np.frombuffer(pcm, np.int16).astype(np.float64)
    loudest = np.abs(samples).max(initial=0.0)
    if loudest < MIN_PEAK_AMPLITUDE:
        return ""
    samples += np.random.default_rng(0).normal(0.0, DITHER_LEVEL * loudest, len(samples))
    decoder.start_utt()
    decoder.process_raw(samples.clip(-32_768, 32_767).astype(np.int16).tobytes(), False, True)
    decoder.end_utt()
    found = decoder.hyp()
    return str(found.hypstr) if found else ""


def main() -> None:
    source, told = sys.stdin.buffer, sys.stdout
    phrases = json.loads(source.readline())
    written = vocabulary(phrases)
    decoder, unknown = create_decoder(phrases)
    print(json.dumps({"unknown": unknown}), file=told, flush=True)
    while head := source.read(LENGTH_PREFIX.size):
        said = recognize(decoder, source.read(LENGTH_PREFIX.unpack(head)[0])).split()
        text = " ".join(written.get(word, word) for word in said)
        print(json.dumps({"text": text}), file=told, flush=True)


if __name__ == "__main__":
    main()
