from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import m3u8
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import RUN, SECOND_RUN, T0, at, chain, passage, segment, window
from livedvr.hls.media_playlist import MediaPlaylist
from livedvr.resources.layout import Container
from livedvr.resources.models import to_micros
from livedvr.resources.times import SECOND
from livedvr.timeline.segment import Segment, Window
from livedvr.timeline.timeline import Listed, Timeline


def drawn(listed: Sequence[Listed], *, container: Container = "fmp4", target: int = 6) -> MediaPlaylist:
    playlist = MediaPlaylist("av", container, target)
    for item in listed:
        playlist.append(passage(item.segment, discontinuity=item.discontinuity))
    return playlist


def timeline_of(segments: Sequence[Segment]) -> Timeline:
    timeline = Timeline(["av"])
    for one in segments:
        timeline.append("av", one)
    return timeline


@st.composite
def timelines(draw: st.DrawFn) -> list[Segment]:
    """Runs with holes, jumps of timestamps inside them, and dates that slew by up to 500 ppm."""
    made: list[Segment] = []
    start, epoch = T0 + draw(st.integers(0, 5000)), 0
    for run in range(draw(st.integers(1, 3))):
        for index in range(draw(st.integers(1, 8))):
            if index and draw(st.integers(0, 5)) == 0:
                epoch += 1
                start += draw(st.integers(0, 3 * SECOND))
            duration = draw(st.one_of(st.just(2 * SECOND), st.integers(20_000, 20 * SECOND)))
            made.append(segment(len(made), start=start, duration=duration, run=f"run-{run}", index=index, epoch=epoch))
            slew = duration * 500 // 1_000_000
            start = made[-1].end + draw(st.one_of(st.just(0), st.integers(-slew, slew)))
        epoch += 1
        start = made[-1].end + draw(st.integers(0, 30 * SECOND))
    return made


@st.composite
def windows_over(draw: st.DrawFn, segments: Sequence[Segment]) -> list[Window]:
    edges = sorted(draw(st.lists(st.integers(T0 - SECOND, segments[-1].end + SECOND), min_size=2, max_size=6)))
    windows = [Window(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False) if a < b]
    return windows or [Window(T0, None)]


@dataclass
class Entry:
    """What a client reads for one segment."""

    uri: str
    extinf: str = ""
    date: int | None = None
    discontinuity: bool = False
    map: str | None = None


def read(text: bytes) -> list[Entry]:
    """A client's view, by nothing but the lines."""
    entries, entry = [], Entry("")
    for line in text.decode().splitlines():
        if line.startswith("#EXTINF:"):
            entry.extinf = line.removeprefix("#EXTINF:").removesuffix(",")
        elif line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            entry.date = to_micros(datetime.fromisoformat(line.partition(":")[2]))
        elif line == "#EXT-X-DISCONTINUITY":
            entry.discontinuity = True
        elif line.startswith("#EXT-X-MAP:"):
            entry.map = re.fullmatch(r'#EXT-X-MAP:URI="(.*)"', line)[1]  # type: ignore[index]
        elif not line.startswith("#"):
            entry.uri = line
            entries.append(entry)
            entry = Entry("")
    return entries


@pytest.mark.semantics("P1", "P2", "P4", "P5", "O3", "O4")
def test_a_whole_fmp4_playlist() -> None:
    segments = [
        segment(0, start=at(0.25), duration=2_002_000),
        segment(1, start=at(2.252), duration=1_968_333),
        segment(2, start=at(10), run=SECOND_RUN, index=0, epoch=1),
        segment(3, start=at(12), run=SECOND_RUN, index=1, epoch=1, duration=600_000),
    ]
    playlist = drawn(list(timeline_of(segments).listing("av", [window(0, None)])))
    playlist.seal()
    assert playlist.render().decode() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-TARGETDURATION:6\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:EVENT\n"
        '#EXT-X-MAP:URI="../../../av/20261121T020000Z-k3f9/init.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:00.250Z\n"
        "#EXTINF:2.002000,\n"
        "../../../av/20261121T020000Z-k3f9/segment-000000.m4s\n"
        "#EXTINF:1.968333,\n"
        "../../../av/20261121T020000Z-k3f9/segment-000001.m4s\n"
        "#EXT-X-DISCONTINUITY\n"
        '#EXT-X-MAP:URI="../../../av/20261121T020500Z-p7x2/init.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:10.000Z\n"
        "#EXTINF:2.000000,\n"
        "../../../av/20261121T020500Z-p7x2/segment-000000.m4s\n"
        "#EXTINF:0.600000,\n"
        "../../../av/20261121T020500Z-p7x2/segment-000001.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


@pytest.mark.semantics("P1", "O4")
def test_a_whole_ts_playlist() -> None:
    playlist = drawn(list(timeline_of(chain([2 * SECOND] * 2)).listing("av", [window(0, None)])), container="ts")
    assert playlist.render().decode() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:3\n"
        "#EXT-X-TARGETDURATION:6\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:EVENT\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:00.000Z\n"
        "#EXTINF:2.000000,\n"
        "../../../av/20261121T020000Z-k3f9/segment-000000.ts\n"
        "#EXTINF:2.000000,\n"
        "../../../av/20261121T020000Z-k3f9/segment-000001.ts\n"
    )


@pytest.mark.semantics("P1", "P2")
@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(["fmp4", "ts"]))
def test_each_reload_is_a_prefix_of_every_later_one_and_the_seal_adds_one_line(
    data: st.DataObject, container: Container
) -> None:
    segments = data.draw(timelines())
    playlist = MediaPlaylist("av", container, 6)
    published = playlist.render()
    for item in timeline_of(segments).listing("av", data.draw(windows_over(segments))):
        playlist.append(passage(item.segment, discontinuity=item.discontinuity))
        reloaded = playlist.render()
        assert reloaded.startswith(published)
        assert len(reloaded) > len(published)
        published = reloaded
    playlist.seal()
    assert playlist.render() == published + b"#EXT-X-ENDLIST\n"
    assert b"#EXT-X-PLAYLIST-TYPE:EVENT\n" in playlist.render()
    assert b"#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n" in playlist.render()


@pytest.mark.semantics("P1", "S16")
@settings(max_examples=80, deadline=None)
@given(st.data(), st.sampled_from(["fmp4", "ts"]))
def test_a_playlist_redrawn_at_any_moment_is_the_one_that_was_published(
    data: st.DataObject, container: Container
) -> None:
    segments = data.draw(timelines())
    windows = data.draw(windows_over(segments))
    timeline, published, last = Timeline(["av"]), MediaPlaylist("av", container, 6), None
    for count, one in enumerate(segments, start=1):
        timeline.append("av", one)
        for part in timeline.passages("av", windows, last):
            published.append(part)
            last = part.last
        for known in (timeline, timeline_of(segments[:count])):  # as it is in memory, and reloaded
            assert drawn(list(known.listing("av", windows)), container=container).render() == published.render()


@pytest.mark.semantics("P3")
@settings(max_examples=60, deadline=None)
@given(timelines())
def test_extinf_says_the_duration_exactly_and_names_the_segment_s_file(segments: list[Segment]) -> None:
    entries = read(drawn(list(timeline_of(segments).listing("av", [Window(T0, None)]))).render())
    assert len(entries) == len(segments)
    for entry, one in zip(entries, segments, strict=True):
        whole, fraction = entry.extinf.split(".")
        assert len(fraction) == 6
        assert int(whole + fraction) == one.duration
        assert entry.uri == f"../../../av/{one.run}/segment-{one.index:06d}.m4s"


@pytest.mark.semantics("P5", "C1")
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_date_a_client_extrapolates_is_within_a_millisecond_of_each_segment_s_start(data: st.DataObject) -> None:
    segments = data.draw(timelines())
    listed = list(timeline_of(segments).listing("av", data.draw(windows_over(segments))))
    date = 0
    for position, (entry, item) in enumerate(zip(read(drawn(listed).render()), listed, strict=True)):
        if position == 0 or item.discontinuity:
            assert entry.date is not None
        if entry.date is not None:
            assert abs(entry.date - item.segment.start) <= 500  # milliseconds, rounded
            date = entry.date
        assert abs(date - item.segment.start) <= 1_000
        date += item.segment.duration


@pytest.mark.semantics("P5")
def test_a_date_line_stands_only_where_extrapolation_would_be_off_by_more_than_a_millisecond() -> None:
    starts, start = [], T0
    for index in range(8):
        starts.append(start)
        start += 2 * SECOND + (400 if index >= 3 else 0)  # from the fifth segment on slewed by 200 ppm
    listed = [Listed(segment(i, start=s), False) for i, s in enumerate(starts)]
    dated = [i for i, entry in enumerate(read(drawn(listed).render())) if entry.date is not None]
    assert dated == [0, 6]  # off by 400, 800, 1200 us


@pytest.mark.semantics("P4")
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_discontinuity_is_followed_by_a_map_and_a_date_and_never_comes_first(data: st.DataObject) -> None:
    segments = data.draw(timelines())
    listed = list(timeline_of(segments).listing("av", data.draw(windows_over(segments))))
    text = drawn(listed).render()
    for position, (entry, item) in enumerate(zip(read(text), listed, strict=True)):
        assert entry.discontinuity is item.discontinuity
        assert (entry.map is not None) is (position == 0 or item.discontinuity)
        assert entry.map in (None, f"../../../av/{item.segment.run}/init.mp4")
    first = text.find(b"#EXTINF")
    assert b"#EXT-X-DISCONTINUITY\n" not in text[: max(first, 0)]


@pytest.mark.semantics("P4")
def test_ts_has_no_map() -> None:
    listed = [Listed(segment(0), False), Listed(segment(1, run=SECOND_RUN, epoch=1), True)]
    assert b"EXT-X-MAP" not in drawn(listed, container="ts").render()


@pytest.mark.semantics("P2")
def test_a_sealed_playlist_does_not_grow_and_is_sealed_once() -> None:
    playlist = drawn([Listed(segment(0), False)])
    playlist.seal()
    sealed = playlist.render()
    playlist.seal()
    assert playlist.sealed
    with pytest.raises(AssertionError, match="does not grow"):
        playlist.append(passage(segment(1)))
    assert playlist.render() == sealed


@pytest.mark.semantics("P1", "P5")
@settings(max_examples=20, deadline=None)
@given(timelines())
def test_another_library_reads_the_same_segments_durations_and_dates(segments: list[Segment]) -> None:
    playlist = drawn(list(timeline_of(segments).listing("av", [Window(T0, None)])), target=20)
    playlist.seal()
    read_back = m3u8.loads(playlist.render().decode())
    assert (read_back.playlist_type, read_back.is_endlist, read_back.target_duration) == ("event", True, 20)
    assert (read_back.version, read_back.media_sequence, read_back.discontinuity_sequence) == (6, 0, 0)
    for theirs, one in zip(read_back.segments, segments, strict=True):
        assert round(theirs.duration * SECOND) == one.duration
        assert theirs.init_section.uri == f"../../../av/{one.run}/init.mp4"
        assert abs(to_micros(theirs.current_program_date_time) - one.start) <= 1_000 + 30  # their floats


def test_the_run_constants_of_this_file_are_the_builders() -> None:
    assert (RUN, SECOND_RUN) == ("20261121T020000Z-k3f9", "20261121T020500Z-p7x2")


@pytest.mark.parametrize(("offset", "text"), [(0, "0.000000"), (12_500_000, "12.500000"), (-30 * SECOND, "-30.000000")])
def test_players_can_be_told_where_to_begin(offset: int, text: str) -> None:
    playlist = MediaPlaylist("av", "fmp4", 6, offset)
    playlist.append(passage(segment(0)))
    whole = playlist.render().decode()
    assert whole.splitlines()[6] == f"#EXT-X-START:TIME-OFFSET={text}"
    assert m3u8.loads(whole).start.time_offset == offset / SECOND
    assert (
        whole.replace(f"#EXT-X-START:TIME-OFFSET={text}\n", "") == drawn([Listed(segment(0), False)]).render().decode()
    )
