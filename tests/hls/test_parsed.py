from __future__ import annotations

from fractions import Fraction

import m3u8
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counting import calls_of
from livedvr.hls.parsed import ByteRange, parse_byterange, parse_date, parse_playlist


@st.composite
def media_playlists(draw: st.DrawFn) -> str:
    """Valid media playlists with what a segment can carry."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:9"]
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{draw(st.integers(0, 1_000_000))}")
    lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{draw(st.integers(0, 1_000))}")
    for index in range(draw(st.integers(0, 12))):
        lines += draw(st.sampled_from([[], ["#EXT-X-DISCONTINUITY"], ["#EXT-X-GAP"], ["# a comment", ""]]))
        if draw(st.booleans()):
            lines.append(f'#EXT-X-MAP:URI="init-{draw(st.integers(0, 2))}.mp4"')
        if draw(st.booleans()):
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:2026-11-21T14:00:{index:02d}.{draw(st.integers(0, 999)):03d}Z")
        micros = draw(st.integers(0, 9_000_000))
        lines += [f"#EXTINF:{micros // 10**6}.{micros % 10**6:06d},a title", f"segment-{index}.m4s"]
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines) + "\n"


@given(media_playlists())
def test_segments_are_what_another_reader_sees(text: str) -> None:
    ours, theirs = parse_playlist(text, "x"), m3u8.loads(text)
    assert len(ours.segments) == len(theirs.segments)
    for one, other in zip(ours.segments, theirs.segments, strict=True):
        assert one.uri == other.uri
        assert one.duration is not None
        assert abs(one.duration - Fraction(other.duration)) < Fraction(1, 10**6)
        assert one.discontinuity == other.discontinuity
        assert (one.map and one.map.attributes.text("URI")) == (other.init_section and other.init_section.uri)
        assert one.gap == bool(other.gap_tag)
        date = other.program_date_time
        assert one.date == (parse_date(date.isoformat()) if date else None)
    assert [s.number for s in ours.segments] == [theirs.media_sequence + i for i in range(len(ours.segments))]


PIECES = [
    *("#EXTM3U", "#EXTINF:1,", "#EXTINF:", "#EXT-X-MAP:URI=", "#EXT-X-BYTERANGE:1@", "#EXT-X-KEY:METHOD=NONE", "x.ts"),
    *('#EXT-X-DEFINE:NAME="a",VALUE="b"', "{$a}.ts", "#EXT-X-SKIP:SKIPPED-SEGMENTS=3", "#EXT-X-MEDIA-SEQUENCE:-1"),
    *("\ufeff", "#EXT-X-MEDIA-SEQUENCE:\u0663", "#EXT-X-PROGRAM-DATE-TIME:0001-01-01T00:00:00+23:59"),
]


@given(st.text() | st.lists(st.sampled_from(PIECES)).map("\n".join))
def test_any_text_can_be_read(text: str) -> None:
    for segment in parse_playlist(text, "x").segments:
        assert 1 <= segment.line <= text.count("\n") + 1


def test_absurd_numbers_are_no_numbers() -> None:
    nines = "9" * 5000
    playlist = parse_playlist(f"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{nines}\n#EXTINF:{nines},\na\n", "x")
    assert playlist.integer("EXT-X-MEDIA-SEQUENCE") is None
    assert playlist.segments[0].duration is None
    assert parse_byterange(f"{nines}@0") is None


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    playlist = parse_playlist("#EXTM3U\r\n\r\n# comment\n#EXTINF:2,\na.ts\u2028b.ts\n", "x")
    assert [(item.line) for item in playlist.items] == [1, 4, 5]
    assert playlist.segments[0].uri == "a.ts\u2028b.ts"


def test_numbers_of_segments_and_discontinuities() -> None:
    text = (
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXTINF:2,\na\n"
        "#EXT-X-DISCONTINUITY\n#EXTINF:2,\nb\n#EXTINF:2,\nc\n"
    )
    found = [(s.number, s.discontinuity_number, s.discontinuity) for s in parse_playlist(text, "x").segments]
    assert found == [(7, 3, False), (8, 4, True), (9, 4, False)]


def test_skipped_segments_count() -> None:
    text = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=10\n#EXTINF:2,\na\n"
    assert parse_playlist(text, "x").segments[0].number == 17


def test_byte_ranges_continue() -> None:
    text = "#EXT-X-BYTERANGE:100@20\na\n#EXT-X-BYTERANGE:50\na\n#EXT-X-BYTERANGE:50\nb\n"
    found = [segment.byterange for segment in parse_playlist(text, "x").segments]
    assert found == [ByteRange(100, 20), ByteRange(50, 120), ByteRange(50, None)]
    assert parse_byterange("50@") is None


def test_keys_last_until_the_next_and_come_in_formats() -> None:
    text = (
        "a\n"
        '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="1",KEYFORMAT="one"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="2",KEYFORMAT="two"\n'
        'b\nc\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="3",KEYFORMAT="one"\nd\n#EXT-X-KEY:METHOD=NONE\ne\n'
    )
    found = [[key.attributes.text("URI") for key in segment.keys] for segment in parse_playlist(text, "x").segments]
    assert found == [[], ["1", "2"], ["1", "2"], ["3"], []]


def test_variables_are_replaced_below_their_definition() -> None:
    text = (
        '#EXTM3U\n{$host}/early.ts\n#EXT-X-DEFINE:NAME="host",VALUE="https://a"\n#EXT-X-DEFINE:IMPORT="auth"\n'
        '#EXT-X-DEFINE:QUERYPARAM="token"\n#EXT-X-MAP:URI="{$host}/init.mp4"\n{$host}/a.ts?{$auth}&{$token}&{$no}\n'
    )
    playlist = parse_playlist(text, "x", imports={"auth": "k=1"}, query={"token": "t"})
    assert [segment.uri for segment in playlist.segments] == ["{$host}/early.ts", "https://a/a.ts?k=1&t&{$no}"]
    assert playlist.segments[1].map is not None
    assert playlist.segments[1].map.attributes.text("URI") == "https://a/init.mp4"
    assert parse_playlist(text, "x").segments[1].uri == "https://a/a.ts?{$auth}&{$token}&{$no}"


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:01.500Z", 1_500_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00+0100", 0),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-01 00:00:00Z", None),
        ("1970-01-01", None),
        ("yesterday", None),
    ],
)
def test_dates(text: str, micros: int | None) -> None:
    assert parse_date(text) == micros


def test_kind_of_playlist() -> None:
    variants = parse_playlist("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n", "x")
    assert (variants.is_multivariant, variants.is_media, variants.segments) == (True, False, ())
    media = parse_playlist("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n", "x")
    assert (media.is_multivariant, media.is_media, media.ended) == (False, True, True)
    assert (media.target, media.duration, media.type) == (4, 4, None)


def test_what_is_told_again_and_again_is_made_a_fraction_once() -> None:
    """A third of what checking a day's playlist cost was to make 43,200 equal fractions."""

    def made(segments: int) -> int:
        text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + "#EXTINF:2.002,\nsegment.ts\n" * segments

        def work() -> None:
            playlist = parse_playlist(text, "day.m3u8")
            assert playlist.duration == segments * Fraction("2.002")
            assert sum(segment.micros for segment in playlist.segments) == segments * 2_002_000

        calls = calls_of(work)
        return calls["_add"] + calls["_from_parts"] + calls["gcd"] + calls["fullmatch"]

    assert made(1000) < 20
