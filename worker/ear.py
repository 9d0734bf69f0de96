"""`python -m worker.ear`: PocketSphinx in a process of its own, one for each call that wants it.

It holds Python's lock while it listens, which would stop every call of a worker. What it is sent:
one line of JSON with the phrases to listen for, then utterances, each with its length before it.
It answers each with one line of JSON, and leaves when nothing more comes."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Sequence
from typing import Any

from pocketsphinx import Decoder

from domain.phrases import tokens, words

LENGTH = struct.Struct("<I")
SAMPLE_RATE = 16_000
TUNED = {"cmn": "batch", "lw": 3.0, "dither": True, "samprate": SAMPLE_RATE, "loglevel": "FATAL"}


def decoder_for(phrases: Sequence[str]) -> tuple[Any, list[str]]:
    """Ears for these phrases, or for English at large; and the words that they do not know."""
    if not phrases:
        return Decoder(**TUNED), []
    decoder = Decoder(lm=None, **TUNED)
    unknown = [word for word in words(phrases) if decoder.lookup_word(word) is None]
    decoder.add_jsgf_string("phrases", grammar(phrases, frozenset(unknown)))
    decoder.activate_search("phrases")
    return decoder, unknown


def grammar(phrases: Sequence[str], unknown: frozenset[str] = frozenset()) -> str:
    """In the speech grammar format; a phrase with a word that is not known cannot be heard."""
    known = [each for phrase in phrases if unknown.isdisjoint(each := tokens(phrase))]
    ways = " | ".join(f"( {' '.join(each)} )" for each in known) or "<VOID>"
    return f"#JSGF V1.0;\ngrammar phrases;\npublic <said> = {ways};\n"


def main() -> None:
    source, told = sys.stdin.buffer, sys.stdout
    phrases = json.loads(source.readline())
    written = words(phrases)
    decoder, unknown = decoder_for(phrases)
    print(json.dumps({"unknown": unknown}), file=told, flush=True)
    while head := source.read(LENGTH.size):
        pcm = source.read(LENGTH.unpack(head)[0])
        decoder.start_utt()
        decoder.process_raw(pcm, False, True)
        decoder.end_utt()
        found = decoder.hyp()
        said = found.hypstr.split() if found else []
        text = " ".join(written.get(word, word) for word in said)
        print(json.dumps({"text": text}), file=told, flush=True)


if __name__ == "__main__":
    main()
