"""Messages of our own, read by our parser and by somebody else's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from threefive import Cue

from livedvr.timeline.scte35 import TICKS, Signal, parse_section
from livedvr.timeline.scte35_section import LARGEST_EVENT, LONGEST, splice_in, splice_out

pytestmark = pytest.mark.semantics("P9")


@given(st.integers(0, LARGEST_EVENT), st.integers(1000, LONGEST))
def test_a_way_out_is_what_our_parser_reads(event: int, duration: int) -> None:
    (signal,) = parse_section(splice_out(event, duration))
    assert signal.duration is not None and abs(signal.duration * 1_000_000 / TICKS - duration) <= 6  # half a tick
    assert signal == Signal("out", f"splice-{event}", None, signal.duration, returns=True)


@given(st.integers(0, LARGEST_EVENT))
def test_a_way_in_is_what_our_parser_reads(event: int) -> None:
    assert parse_section(splice_in(event)) == [Signal("in", f"splice-{event}")]


def test_another_reader_says_the_same_of_both() -> None:
    out, back = Cue(splice_out(7, 30_500_000)), Cue(splice_in(7))
    assert out.decode() and back.decode()
    assert (out.info_section.splice_command_length, int(out.info_section.tier, 16)) == (15, 0xFFF)
    assert (out.command.name, out.command.splice_event_id) == ("Splice Insert", 7)
    assert (out.command.out_of_network_indicator, out.command.splice_immediate_flag) == (True, True)
    assert (out.command.break_duration, out.command.break_auto_return) == (30.5, True)
    assert (back.command.out_of_network_indicator, back.command.duration_flag) == (False, False)
    assert not back.command.splice_event_cancel_indicator and back.command.splice_immediate_flag


def test_a_section_is_known_to_the_byte() -> None:
    assert splice_in(7).hex() == "fc301b00000000000000fff00a05000000077f5f000000000000" + splice_in(7)[-4:].hex()
