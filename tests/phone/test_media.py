"""G.711, RTP, the jitter buffer, DTMF and tones."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.phone import g711, rtp
from local.phone.dtmf import (
    DIGIT_TIMING,
    DIGITS,
    DigitTiming,
    DtmfReceiver,
    event_frames,
    is_dialable,
)
from local.phone.g711 import FRAME_SAMPLES, RATE
from local.phone.heard_audio import MAX_SECONDS, HeardAudio
from local.phone.jitter_buffer import MAX_WAITING_PACKETS, AudioTimeline, JitterBuffer
from local.phone.rtp import RtpPacket
from local.phone.tones import amplitude_of, audible_seconds, sine, tone_spans


def test_every_code_of_g711_survives_decoding_and_encoding() -> None:
    codes = bytes(range(256))
    again = g711.encode(g711.decode(codes))
    assert [one for one, other in zip(codes, again, strict=True) if one != other] == [0x7F]
    assert g711.decode(b"\x7f").tolist() == g711.decode(b"\xff").tolist() == [0]


def test_g711_keeps_every_sample_within_a_step() -> None:
    samples = np.arange(-32_768, 32_768, 7).astype(np.int16)
    error = np.abs(g711.decode(g711.encode(samples)).astype(int) - samples)
    assert (error <= np.maximum(16, np.abs(samples.astype(int)) / 16)).all()


@given(
    st.integers(0, 127),
    st.integers(0, 65_535),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=200),
    st.booleans(),
)
def test_a_packet_survives_encoding_and_parsing(
    payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, marker: bool
) -> None:
    packet = RtpPacket(payload_type, sequence, timestamp, ssrc, payload, marker)
    assert rtp.parse(packet.encode()) == packet


@given(st.binary(max_size=60))
def test_any_datagram_is_a_packet_or_none(datagram: bytes) -> None:
    packet = rtp.parse(datagram)
    assert packet is None or len(packet.payload) <= len(datagram)


def test_extensions_contributors_and_padding_are_skipped() -> None:
    head = bytearray(RtpPacket(0, 1, 2, 3, b"").encode())
    head[0] |= 0x20 | 0x10 | 0x01
    extended = bytes(head) + b"CSRC" + b"\x00\x01\x00\x01" + b"EXTN" + b"audio" + b"\x00\x00\x03"
    packet = rtp.parse(extended)
    assert packet is not None
    assert packet.payload == b"audio"


def packets(count: int, first: int = 65_530) -> list[RtpPacket]:
    return [
        RtpPacket(0, (first + n) % 65_536, n * FRAME_SAMPLES, 7, bytes([n] * FRAME_SAMPLES))
        for n in range(count)
    ]


def received(stream: list[RtpPacket]) -> list[int]:
    buffer = JitterBuffer()
    return [ordered.payload[0] for packet in stream for ordered in buffer.add(packet)]


def test_packets_are_ordered_across_the_end_of_the_counter() -> None:
    stream = packets(20)
    shuffled = [*stream[:1], *(p for n in range(1, 20, 2) for p in (stream[n : n + 2])[::-1])]
    assert received(shuffled) == list(range(20))


def test_repeated_and_late_packets_are_dropped() -> None:
    stream = packets(4)
    assert received([stream[0], stream[1], stream[1], stream[0], stream[2]]) == [0, 1, 2]


def test_a_lost_packet_delays_the_others_for_a_short_time_only() -> None:
    stream = packets(20)
    del stream[5]
    buffer = JitterBuffer()
    counts = [len(list(buffer.add(packet))) for packet in stream]
    assert buffer.lost == 1
    assert counts == [1] * 5 + [0] * MAX_WAITING_PACKETS + [MAX_WAITING_PACKETS + 1] + [1] * 8
    assert received(stream) == [*range(5), *range(6, 20)]


def test_a_new_stream_begins_at_once() -> None:
    first, second = packets(3), packets(3, first=100)
    renamed = [RtpPacket(0, p.sequence, p.timestamp, 8, p.payload) for p in second]
    assert received([*first, *renamed]) == [0, 1, 2, 0, 1, 2]


@given(st.permutations(list(range(30))), st.integers(0, 65_535))
def test_any_order_yields_increasing_packets(order: list[int], first: int) -> None:
    stream = packets(30, first)
    heard = received([stream[0], *(stream[n] for n in order)])
    assert heard == sorted(set(heard))
    assert len(heard) >= 30 // (MAX_WAITING_PACKETS + 1) - 1


def test_pauses_of_the_sender_become_silence() -> None:
    timeline = AudioTimeline()
    tone = g711.encode(sine(440, 0.02))
    assert len(timeline.decode(RtpPacket(0, 1, 160, 7, tone))) == FRAME_SAMPLES
    samples = timeline.decode(RtpPacket(0, 2, 160 + RATE, 7, tone))
    assert len(samples) == RATE
    assert not samples[: RATE - FRAME_SAMPLES].any()
    jump = timeline.decode(RtpPacket(0, 3, 160 + 3_600 * RATE, 7, tone))
    assert len(jump) == FRAME_SAMPLES


# ---- DTMF ----------------------------------------------------------------------------------


def dtmf_packets(digits: str, timing: DigitTiming = DIGIT_TIMING) -> list[RtpPacket]:
    stream: list[RtpPacket] = []
    timestamp = event_timestamp = 0
    for frame in event_frames(digits, timing):
        timestamp += FRAME_SAMPLES
        if frame.is_start:
            event_timestamp = timestamp
        if frame.payload:
            stream.append(RtpPacket(101, len(stream), event_timestamp, 7, frame.payload))
    return stream


@given(st.text(alphabet=DIGITS, max_size=8), st.floats(0.04, 0.3), st.floats(0.04, 0.3))
def test_digits_are_recognized_once_each(digits: str, seconds: float, pause: float) -> None:
    receiver = DtmfReceiver()
    stream = dtmf_packets(digits, DigitTiming(seconds, pause))
    assert "".join(receiver.receive(packet) for packet in stream) == digits


def test_digits_survive_lost_and_repeated_packets() -> None:
    chance = random.Random(1)
    stream = [p for p in dtmf_packets("159*#0") for _ in range(chance.choice((0, 1, 1, 2)))]
    receiver = DtmfReceiver()
    heard = "".join(receiver.receive(packet) for packet in stream)
    assert heard == "159*#0"


def test_a_digit_without_its_end_counts_when_the_next_one_begins() -> None:
    stream = [packet for packet in dtmf_packets("12") if not packet.payload[1] & 0x80]
    receiver = DtmfReceiver()
    assert "".join(receiver.receive(packet) for packet in stream) == "1"


def test_other_payloads_are_no_digits() -> None:
    receiver = DtmfReceiver()
    assert receiver.receive(RtpPacket(101, 1, 1, 7, b"\x01")) == ""
    assert receiver.receive(RtpPacket(101, 2, 2, 7, b"\x63\x80\x00\xa0")) == ""
    assert is_dialable("ww12#*")
    assert not is_dialable("12x")


# ---- tones ---------------------------------------------------------------------------------


def test_a_tone_is_measured_as_it_was_made() -> None:
    both = sine(440, 1) + sine(1_000, 1, 4_000)
    assert amplitude_of(both, 440) == pytest.approx(8_000, rel=0.01)
    assert amplitude_of(both, 1_000) == pytest.approx(4_000, rel=0.01)
    assert amplitude_of(both, 1_500) < 50
    assert amplitude_of(np.zeros(0, np.int16), 440) == 0


def test_the_spans_of_a_tone_are_found() -> None:
    silence = np.zeros(RATE, np.int16)
    sound = np.concatenate((silence, sine(440, 0.5), silence, sine(1_000, 0.5), sine(440, 0.2)))
    spans = [(span.start, span.end) for span in tone_spans(sound, 440)]
    assert spans == [pytest.approx((1.0, 1.5)), pytest.approx((3.0, 3.2))]
    assert audible_seconds(sound, 440) == pytest.approx(0.7)
    assert audible_seconds(sound, 700) == 0


def test_heard_audio_is_found_by_position_and_forgotten_in_time() -> None:
    heard = HeardAudio()
    heard.append(np.arange(10, dtype=np.int16))
    heard.append(np.arange(10, 20, dtype=np.int16))
    assert heard.since(7).tolist() == list(range(7, 20))
    assert heard.last(5 / RATE).tolist() == [15, 16, 17, 18, 19]
    assert heard.arrived_at(3) <= heard.arrived_at(13)
    with pytest.raises(ValueError, match="20"):
        heard.arrived_at(20)
    second = np.zeros(RATE, np.int16)
    for _ in range(MAX_SECONDS + 5):
        heard.append(second)
    assert len(heard.since(0)) <= (MAX_SECONDS + 1) * RATE
