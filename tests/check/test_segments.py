"""The segments here are made up: each file holds the name of a span that the reader is told to find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from livedvr.check import segments
from livedvr.check.load import MediaPlaylist
from livedvr.check.segments import SegmentCheck
from livedvr.fetch import Fetcher
from livedvr.hls.parsed import parse_playlist
from livedvr.hls.rules import Rendition
from livedvr.media.reader import MediaError, MediaSpan, StreamInfo, StreamSpan

H264 = StreamInfo("video", "h264", "avc1.64001f", 1280, 720, Fraction(25))
AAC = StreamInfo("audio", "aac", "mp4a.40.2", sample_rate=48_000, channels=2)
SECOND = 1_000_000
WRAP = round(Fraction(SECOND << 33, 90_000))


def stream(info: StreamInfo, start: float, end: float, *, key: bool = True, ordered: bool = True) -> StreamSpan:
    first, last = round(start * SECOND), round(end * SECOND)
    return StreamSpan(info, first, last, key, (first,) if key else (), ordered, 50)


def av(start: float, end: float, *, audio_start: float | None = None) -> MediaSpan:
    return MediaSpan((stream(H264, start, end), stream(AAC, start if audio_start is None else audio_start, end)))


Run = Callable[..., SegmentCheck]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Checks a playlist whose segments a, b, c, ... have the spans given."""

    def check(
        body: str,
        *spans: MediaSpan | None,
        target: int = 2,
        independent: bool = False,
        kind: str = "variant",
        size: int = 1000,
    ) -> SegmentCheck:
        known = dict(zip("abcdefgh", spans, strict=False))
        for name in known:
            (tmp_path / name).write_bytes(name.encode() * size)

        def read(data: bytes, init: bytes, *, name: str) -> MediaSpan:
            found = known[data[:1].decode()]
            if found is None:
                raise MediaError(f"{name}: no readable media")
            return found

        monkeypatch.setattr(segments, "read_media_bytes", read)
        playlist = parse_playlist(f"#EXTM3U\n#EXT-X-TARGETDURATION:{target}\n{body}", "v.m3u8")
        url = (tmp_path / "v.m3u8").as_uri()
        media = MediaPlaylist(Rendition(playlist, kind), url)
        checked = SegmentCheck(media, Fetcher(url), independent=independent)
        checked.take(media)
        checked.finish()
        return checked

    return check


def rules(checked: SegmentCheck) -> list[tuple[str, int | None]]:
    return [(finding.rule_id, finding.line) for finding in checked.findings]


TWO = "#EXTINF:2.000000,\na\n#EXTINF:2.000000,\nb\n"
TWO_RUNS = "#EXTINF:2.000000,\na\n#EXT-X-DISCONTINUITY\n#EXTINF:2.000000,\nb\n"


def test_segments_that_continue_are_fine(run: Run) -> None:
    checked = run(TWO, av(10, 12), av(12, 14))
    assert rules(checked) == []
    assert checked.measured.streams == [H264, AAC]
    assert (checked.measured.peak, checked.measured.average) == (4000, 4000)


@pytest.mark.parametrize(("start", "broken"), [(12.04, False), (11.96, False), (12.06, True), (11.94, True), (0, True)])
def test_timestamps_continue(run: Run, start: float, broken: bool) -> None:
    checked = run(TWO, av(10, 12), av(start, start + 2))
    assert rules(checked) == ([("timestamps-jump", 6)] * 2 if broken else [])


def test_each_stream_continues(run: Run) -> None:
    checked = run(TWO, av(10, 12), av(12, 14, audio_start=12.5))
    assert rules(checked) == [("timestamps-jump", 6)]
    assert checked.findings[0].message == "b: its audio starts 0.500 s after the end of the segment above"


def test_after_a_discontinuity_anything_may_come(run: Run) -> None:
    other = replace(H264, width=640, height=360)
    assert rules(run(TWO_RUNS, av(10, 12), MediaSpan((stream(other, 0, 2),)))) == []


def test_audio_may_lead_the_first_picture_of_a_run(run: Run) -> None:
    assert rules(run(TWO, av(10, 12, audio_start=8.5), av(12, 14))) == []


def test_the_clock_of_mpeg_ts_rolls_over(run: Run) -> None:
    last = (WRAP - 2 * SECOND) / SECOND
    assert rules(run(TWO, av(last, last + 2), av(0, 2))) == []


def test_without_a_discontinuity_the_encoding_stays(run: Run) -> None:
    other = replace(H264, width=640, height=360)
    checked = run(TWO, av(10, 12), MediaSpan((stream(other, 12, 14), stream(AAC, 12, 14))))
    assert rules(checked) == [("encoding-changes", 6)]
    assert "h264 1280x720 becomes h264 640x360" in checked.findings[0].message


def test_a_stream_may_be_silent_for_a_segment(run: Run) -> None:
    assert rules(run(TWO, av(10, 12), MediaSpan((stream(H264, 12, 14),)))) == []


@pytest.mark.parametrize(("end", "broken"), [(12.1, False), (11.9, False), (12.11, True), (11.89, True)])
def test_extinf_is_what_the_segment_lasts(run: Run, end: float, broken: bool) -> None:
    checked = run("#EXTINF:2.000000,\na\n", av(10, end))
    assert rules(checked) == ([("duration-differs", 4)] if broken else [])


def test_a_small_gap_before_the_next_segment_belongs_to_the_first(run: Run) -> None:
    # 1.92 s of frames and a 40 ms gap: it lasts 1.96 s.
    body = "#EXTINF:2.050000,\na\n#EXTINF:2.000000,\nb\n"
    assert rules(run(body, av(10, 11.92), av(11.96, 13.96))) == []
    assert rules(run(body, av(10, 11.92), None)) == [("segment-unreadable", 6), ("duration-differs", 4)]


@pytest.mark.parametrize(("extinf", "broken"), [("2", False), ("2.0", True)])
def test_extinf_without_decimals_is_rounded(run: Run, extinf: str, broken: bool) -> None:
    checked = run(f"#EXTINF:{extinf},\na\n", av(10, 12.4))
    assert bool(checked.findings) is broken


def test_slow_pictures_have_long_frames(run: Run) -> None:
    slow = replace(H264, frame_rate=Fraction(2))
    assert rules(run("#EXTINF:2.000000,\na\n", MediaSpan((stream(slow, 10, 12.4),)))) == []


def test_a_segment_longer_than_the_target_is_found_whatever_extinf_says(run: Run) -> None:
    checked = run("#EXTINF:2.000000,\na\n", av(10, 13))
    assert rules(checked) == [("duration-differs", 4), ("segment-longer-than-target", 4)]


def test_small_errors_add_up(run: Run) -> None:
    body = "".join(f"#EXTINF:1.900000,\n{name}\n" for name in "abc")
    checked = run(body, av(0, 2), av(2, 4), av(4, 6))
    assert rules(checked) == [("durations-drift", 8)]
    assert "the media is 0.300 s longer than EXTINF adds up to" in checked.findings[0].message
    assert rules(run(TWO_RUNS.replace("2.0", "1.9"), av(0, 2), av(2, 4))) == []


def test_a_run_may_be_longer_than_the_clock(run: Run) -> None:
    # 3 segments of 10 h each: what adds up is the durations, not the difference of two timestamps.
    hours = 36_000
    body = "".join(f"#EXTINF:{hours}.000000,\n{name}\n" for name in "abc")
    spans = [av(number * hours, (number + 1) * hours) for number in range(3)]
    assert rules(run(body, *spans, target=hours)) == []


@pytest.mark.parametrize(("independent", "rule"), [(False, "keyframe-missing"), (True, "segment-not-independent")])
def test_segments_begin_with_a_keyframe(run: Run, independent: bool, rule: str) -> None:
    span = MediaSpan((stream(H264, 10, 12, key=False),))
    assert rules(run("#EXTINF:2.0,\na\n", span, independent=independent)) == [(rule, 4)]
    if independent:
        assert rules(run("#EXT-X-INDEPENDENT-SEGMENTS\n#EXTINF:2.0,\na\n", span)) == [(rule, 5)]


def test_decoding_times_rise(run: Run) -> None:
    span = MediaSpan((stream(H264, 10, 12, ordered=False),))
    assert rules(run("#EXTINF:2.0,\na\n", span)) == [("timestamps-disordered", 4)]


def test_missing_segments_are_found_and_gaps_are_not_asked_for(run: Run) -> None:
    checked = run("#EXT-X-GAP\n#EXTINF:2.0,\nx\n#EXTINF:2.0,\ny\n#EXTINF:2.0,\na\n", av(10, 12))
    assert rules(checked) == [("segment-unreachable", 7)]
    assert checked.measured.missing == 1


def test_a_missing_init_segment_is_found(run: Run) -> None:
    checked = run('#EXT-X-MAP:URI="init.mp4"\n#EXTINF:2.0,\na\n', av(10, 12))
    assert rules(checked) == [("init-unreachable", 3)]


def test_encrypted_segments_are_fetched_and_not_opened(run: Run) -> None:
    key = '#EXT-X-KEY:METHOD=AES-128,URI="k"\n'
    checked = run(f"{key}{TWO}", None, None)
    assert rules(checked) == [("segment-encrypted", 5)]
    assert checked.measured.peak == 4000


def test_subtitles_begin_with_their_header(run: Run) -> None:
    checked = run(TWO, None, None, kind="SUBTITLES")
    assert rules(checked) == [("segment-unreadable", 4), ("segment-unreadable", 6)]


def test_byte_ranges_are_what_is_read(run: Run) -> None:
    body = "#EXT-X-BYTERANGE:400@100\n#EXTINF:2.0,\na\n"
    assert run(body, av(10, 12)).measured.peak == 1600


def test_dates_give_each_run_a_clock(run: Run) -> None:
    date = "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:01:{}Z\n"
    body = f"{date.format('40')}#EXTINF:2.0,\na\n#EXT-X-DISCONTINUITY\n{date.format('50')}#EXTINF:2.0,\nb\n"
    assert run(body, av(10, 12), av(0, 2)).measured.clocks == {0: 90 * SECOND, 1: 110 * SECOND}
