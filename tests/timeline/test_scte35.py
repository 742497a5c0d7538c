from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedvr.timeline.scte35 import TICKS, WRAP, SectionError, Signal, crc_32, parse_section
from splices import (
    section,
    segmentation,
    splice_cancel,
    splice_insert,
    splice_null,
    splice_time,
    time_signal,
)

pytestmark = pytest.mark.semantics("P9")

# The examples of ANSI/SCTE 35 (chapter 14), with what it says of them.
PUBLISHED = {
    "FC3034000000000000FFFFF00506FE72BD0050001E021C435545494800008E7FCF0001A599B00808000000002CA0A18A3402009AC9D17E": [
        Signal("out", "segmentation-34-1207959694", 0x72BD0050, 0x0001A599B0)
    ],
    "FC302F000000000000FFFFF014054800008F7FEFFE7369C02EFE0052CCF500000000000A0008435545490000013562DBA30A": [
        Signal("out", "splice-1207959695", 0x7369C02E, 0x0052CCF5, returns=True)
    ],
}


@pytest.mark.parametrize("text", PUBLISHED)
def test_the_standard_s_own_examples(text: str) -> None:
    assert parse_section(bytes.fromhex(text)) == PUBLISHED[text]


def test_the_crc_is_that_of_mpeg_2_systems() -> None:
    assert crc_32(b"123456789") == 0x0376E6E7


def test_out_and_in() -> None:
    out = splice_insert(7, 90_000, out=True, duration=5 * TICKS)
    assert parse_section(out) == [Signal("out", "splice-7", 90_000, 5 * TICKS, returns=True)]
    stays = splice_insert(7, 90_000, out=True, duration=5 * TICKS, returns=False)
    assert parse_section(stays) == [Signal("out", "splice-7", 90_000, 5 * TICKS)]
    assert parse_section(splice_insert(7, 540_000, out=False)) == [Signal("in", "splice-7", 540_000)]
    assert parse_section(splice_insert(7, None, out=True)) == [Signal("out", "splice-7", None)]
    assert parse_section(splice_cancel(7)) == [Signal("cancel", "splice-7")]


def test_the_first_component_s_time_counts_where_streams_are_spliced_one_by_one() -> None:
    body = (7).to_bytes(4) + b"\x7f\x8f" + b"\x02" + b"\x01" + splice_time(90_000) + b"\x02" + splice_time(93_600)
    assert parse_section(section(5, body + b"\x00\x01\x01\x01")) == [Signal("out", "splice-7", 90_000)]


@pytest.mark.semantics("C5")
def test_the_adjustment_is_added_and_wraps() -> None:
    adjusted = splice_insert(7, WRAP - 10, out=True, adjustment=100)
    assert parse_section(adjusted) == [Signal("out", "splice-7", 90)]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (0x10, ("start", "segmentation-10-5")),
        (0x11, ("end", "segmentation-10-5")),
        (0x22, ("out", "segmentation-22-5")),
        (0x23, ("in", "segmentation-22-5")),
        (0x30, ("out", "segmentation-30-5")),
        (0x31, ("in", "segmentation-30-5")),
        (0x32, ("out", "segmentation-32-5")),
        (0x33, ("in", "segmentation-32-5")),
        (0x34, ("out", "segmentation-34-5")),
        (0x35, ("in", "segmentation-34-5")),
        (0x36, ("out", "segmentation-36-5")),
        (0x37, ("in", "segmentation-36-5")),
        (0x01, ("mark", "segmentation-01-5")),
        (0x12, ("mark", "segmentation-12-5")),
        (0x13, ("mark", "segmentation-13-5")),
    ],
)
def test_what_a_segmentation_type_means(kind: int, wanted: tuple[str, str]) -> None:
    (signal,) = parse_section(time_signal(90_000, segmentation(5, kind, upid=b"somebody's")))
    assert (signal.kind, signal.event, signal.time) == (*wanted, 90_000)


def test_each_descriptor_is_a_signal_and_others_are_passed_over() -> None:
    avail = b"\x00\x08CUEI\x00\x00\x01\x35"
    many = time_signal(90_000, segmentation(1, 0x31), avail, segmentation(2, 0x30, 30 * TICKS))
    assert parse_section(many) == [
        Signal("in", "segmentation-30-1", 90_000),
        Signal("out", "segmentation-30-2", 90_000, 30 * TICKS),
    ]
    assert parse_section(time_signal(90_000, avail)) == [Signal("mark", "signal", 90_000)]
    assert parse_section(time_signal(None)) == [Signal("mark", "signal", None)]
    assert parse_section(time_signal(90_000, segmentation(2, 0, cancel=True)))[0].kind == "cancel"


def test_heartbeats_say_nothing() -> None:
    assert parse_section(splice_null()) == []
    assert parse_section(section(0x07, b"")) == []
    assert parse_section(section(0xFF, b"ABCD")) == []


def _changed(at: int, value: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([value]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        (_changed(20, 0x55), "CRC_32"),
        (_changed(0, 0x00), "no splice_info_section"),
        (lambda data: data[:-1], "torn"),
        (lambda data: data[:2], "no splice_info_section"),
        (lambda data: b"", "no splice_info_section"),
        (lambda data: section(5, b"\x00" * 8, encrypted=True), "encrypted"),
        (lambda data: section(5, b"\x00\x00"), "middle of a field"),
        (lambda data: section(6, splice_time(1), b"\x02\x40CUEI"), "middle of a field"),
    ],
)
def test_a_section_that_is_no_use_says_why(break_it: Callable[[bytes], bytes], why: str) -> None:
    with pytest.raises(SectionError, match=why):
        parse_section(break_it(splice_insert(7, 90_000, out=True, duration=TICKS)))


@given(st.binary(max_size=80), st.sampled_from([0x05, 0x06]), st.binary(max_size=80))
def test_whatever_comes_is_read_or_refused(body: bytes, command: int, descriptors: bytes) -> None:
    for data in (body, section(command, body, descriptors), section(command, body, descriptors) + b"\xff\xff"):
        try:
            signals = parse_section(data)
        except SectionError:
            continue
        assert all(signal.time is None or 0 <= signal.time < WRAP for signal in signals)
