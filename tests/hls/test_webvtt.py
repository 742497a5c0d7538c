from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from livedvr.hls.webvtt import parse_cues, parse_webvtt, render_webvtt, timestamp_map
from livedvr.resources.times import HOUR, SECOND
from livedvr.timeline.cues import Cue

WRAP = Fraction(SECOND << 33, 90_000)


def test_a_segment_as_a_whole() -> None:
    cues = [Cue(1_500_000, 4_000_000, "Hello"), Cue(2 * SECOND, HOUR, "two\nlines", "line:84% align:start")]
    assert render_webvtt(cues, 1 * SECOND).decode() == (
        "WEBVTT\n"
        "X-TIMESTAMP-MAP=MPEGTS:90,LOCAL:00:00:00.001\n"
        "\n"
        "00:00:01.500 --> 00:00:04.000\n"
        "Hello\n"
        "\n"
        "00:00:02.000 --> 01:00:00.000 line:84% align:start\n"
        "two\nlines\n"
    )
    assert render_webvtt([], 0) == b"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:90,LOCAL:00:00:00.001\n"


@pytest.mark.semantics("C5")
@given(st.integers(0, 1300 * HOUR))
@example(0)
@example(int(45 * WRAP))  # where milliseconds and ticks meet again
def test_the_map_says_which_timestamp_of_33_bits_a_cue_s_time_is(start: int) -> None:
    read = parse_webvtt(render_webvtt([Cue(start, start + SECOND, "x")], start).decode())
    assert read.offset is not None
    error = (read.cues[0].start + read.offset - start) % WRAP
    assert min(error, WRAP - error) <= 1_001, "milliseconds are cut off, nothing else"
    mpegts = int(timestamp_map(start).partition("MPEGTS:")[2].partition(",")[0])
    assert 0 < mpegts <= 90, "of this round, not of one before; and 0 has a meaning of its own in hls.js"


@given(
    st.lists(
        st.builds(
            lambda a, b, t: Cue(a * 1000, (a + b) * 1000, t),
            st.integers(0, 10**9),
            st.integers(1, 10**6),
            st.text("ab <i>\n", min_size=1, max_size=9).map(lambda t: "a" + t.replace("\n\n", "\n").strip("\n ")),
        )
    )
)
def test_what_is_written_reads_back(cues: list[Cue]) -> None:
    clean = [cue for cue in cues if "\n\n" not in cue.text]
    assert list(parse_webvtt(render_webvtt(clean, 0).decode()).cues) == clean


def test_what_others_write_is_read() -> None:
    text = (
        "\ufeffWEBVTT - a title\r\nX-TIMESTAMP-MAP=LOCAL:00:00:10.000,MPEGTS:900000\r\n\r\nNOTE 00:01\r\n\r\n"
        "STYLE\r\n::cue { color: red }\r\n\r\nid 1\r\n00:11.000 --> 00:12.500 align:start\r\n<v Ann>Hi\r\n\r\n"
        "00:00:13.000 -> 00:00:14.000\r\nno arrow\r\n\r\n00:00:15.0 --> 00:00:16.000\r\nshort\r\n"
    )
    read = parse_webvtt(text)
    assert read.offset == 0
    assert read.cues == (Cue(11 * SECOND, 12_500_000, "<v Ann>Hi", "align:start"),)
    assert read.broken == ("00:00:15.0 --> 00:00:16.000",)


@pytest.mark.parametrize("text", ["", "1\n00:00:01.000 --> 00:00:02.000\nSubRip\n", "WEBVTTX\n", "{}"])
def test_what_has_no_header_is_no_webvtt(text: str) -> None:
    with pytest.raises(ValueError, match="WEBVTT"):
        parse_webvtt(text)


@pytest.mark.parametrize(
    ("said", "text"),
    [("R & D", "R &amp; D"), ("a &lt; b &#38; c", "a &lt; b &#38; c"), ("<i>a&b</i>", "<i>a&amp;b</i>")],
)
def test_an_ampersand_that_ffmpeg_leaves_bare_is_escaped(said: str, text: str) -> None:
    assert [cue.text for cue in parse_cues(f"\n00:01.000 --> 00:02.000\n{said}\n")] == [text]


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    parse_cues(text)
    parse_webvtt("WEBVTT\n" + text)
