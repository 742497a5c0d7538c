from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import m3u8
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import MEDIA, RUN, SECOND_RUN, T0, at, chain, segment, window
from builders import channel as channel_resource
from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.models import Channel
from livedvr.resources.times import SECOND
from livedvr.sessions.open_session import OpenSession
from livedvr.sessions.presentation import multivariant
from livedvr.sessions.rendition_playlist import RenditionPlaylist
from livedvr.timeline.gaps import CHANNEL_STOPPED, OUTSIDE_KEPT_RANGE, SOURCE_LOST
from livedvr.timeline.ranges import RangeTag
from livedvr.timeline.segment import RunMedia, Segment, Window
from livedvr.timeline.timeline import ChannelTimeline, Timeline
from timeline.test_timeline import cuts

CHANNEL = channel_resource()


def opened(windows: Sequence[Window], *, target: int | None = None, edition: int = 1) -> OpenSession:
    row = SessionRow(
        channel="live",
        id="match",
        manifest_key="main",
        windows=tuple(windows),
        edition_windows=tuple(windows),
        labels={},
        state="PENDING",
        error=None,
        edition=edition,
        target=target,
        summary=None,
        created=T0,
        updated=T0,
    )
    return OpenSession(row, CHANNEL)


def known(segments: Sequence[Segment], *, target: int = 6) -> ChannelTimeline:
    made = ChannelTimeline(Timeline(["av"]), target, media={RUN: {"av": MEDIA}, SECOND_RUN: {"av": MEDIA}})
    for one in segments:
        made.timeline.append("av", one)
    return made


def text(session: OpenSession) -> bytes:
    return session.renditions["av"].playlist.render()


def main(session: OpenSession, known: ChannelTimeline) -> bytes:
    return multivariant(CHANNEL, session.renditions.values(), session.row.edition, known)


def test_a_session_without_media_has_no_playlist_and_nothing_to_publish() -> None:
    session = opened([window(10, 20)])
    session.grow(known(chain([2 * SECOND] * 3)))
    session.seal(SOURCE_LOST)
    assert not session.renditions
    assert session.published
    assert not session.needs_multivariant
    assert session.summary()["segments"] == 0
    assert session.summary()["actual_start"] is None


@pytest.mark.semantics("W5", "P8")
def test_what_it_holds_is_counted_as_it_grows() -> None:
    first, second = chain([2 * SECOND] * 4), chain([1_500_000] * 2, start=at(20), first=4, run=SECOND_RUN, epoch=1)
    channel = known(first + second)
    channel.run_ends[RUN] = SOURCE_LOST
    session = opened([window(3, 30)])
    session.grow(channel)
    session.seal(CHANNEL_STOPPED)
    assert session.summary() == {
        "segments": 5,
        "listed": {"av": 5},
        "duration": 9 * SECOND,
        "size": 2_500_000,
        "actual_start": at(2),
        "actual_end": at(23),
        "gaps": [[at(8), at(20), SOURCE_LOST], [at(23), at(30), CHANNEL_STOPPED]],
    }


@pytest.mark.semantics("W4", "P8")
def test_a_start_that_is_no_longer_kept_is_a_gap() -> None:
    session = opened([window(0, 104)])
    session.grow(known(chain([2 * SECOND] * 5, start=at(100), first=50)))
    assert session.actual_start == at(100)
    assert session.summary()["gaps"] == [[at(0), at(100), OUTSIDE_KEPT_RANGE]]


@pytest.mark.semantics("P1", "S16")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(20_000, 10 * SECOND), min_size=1, max_size=20), st.data())
def test_it_grows_to_the_same_whether_segments_come_one_by_one_or_at_once(
    durations: list[int], data: st.DataObject
) -> None:
    segments = chain(durations)
    edges = sorted(data.draw(st.lists(st.integers(T0, segments[-1].end), min_size=4, max_size=4, unique=True)))
    windows = [Window(*edges[:2]), Window(*edges[2:])]
    channel, grown = known([]), opened(windows)
    for one in segments:
        before = text(grown) if grown.renditions else b""
        channel.timeline.append("av", one)
        grown.grow(channel)
        assert not grown.renditions or text(grown).startswith(before)
    at_once = opened(windows)
    at_once.grow(channel)
    assert text(at_once) == text(grown)
    assert at_once.summary() == grown.summary()


@st.composite
def ladders(draw: st.DrawFn) -> tuple[ChannelTimeline, list[Window], Channel]:
    """Two renditions over several epochs, ``low`` with gaps; date ranges; windows with holes between them."""
    cut = draw(cuts())
    failed = draw(st.sets(st.integers(0, len(cut.other) - 1)))
    other = [replace(one, index=-1 - one.index, size=0) if one.number in failed else one for one in cut.other]
    timeline = ChannelTimeline(Timeline(["av", "low"]), draw(st.integers(1, 4)), media={})
    places = {}
    for mux, segments in (("av", cut.reference), ("low", other)):
        sizes = draw(st.lists(st.integers(1, 10**6), min_size=len(segments), max_size=len(segments)))
        for one, size in zip(segments, sizes, strict=True):
            timeline.timeline.append(mux, replace(one, size=one.size and size))
        places[mux] = sorted(draw(st.lists(st.integers(0, len(segments)), min_size=4, max_size=4)))
    for serial, (av, low) in enumerate(zip(*places.values(), strict=True)):
        start = draw(st.integers(-9, 99))
        tag = date_range(serial, start, start + draw(st.integers(0, 99)), 0)
        timeline.ranges.append([replace(tag, places={"av": av, "low": low})])
    return timeline, cut.windows, ladder(gap_entries=draw(st.booleans()))


@pytest.mark.semantics("P1", "P4", "P5", "P7", "P8", "P9", "W6", "S16")
@settings(max_examples=150, deadline=None)
@given(ladders(), st.lists(st.integers(1, 9)))
def test_segments_that_are_drawn_at_once_are_drawn_as_they_are_one_by_one(
    given: tuple[ChannelTimeline, list[Window], Channel], slices: list[int]
) -> None:
    channel, windows, settings = given
    drawn = []
    for most in (itertools.repeat(1), itertools.chain(slices, itertools.repeat(4)), itertools.repeat(None)):
        session = OpenSession(opened(windows).row, settings)
        while not session.grow(channel, next(most)):
            pass
        drawn.append((session.summary(), [whole(one) for one in session.renditions.values()]))
    assert drawn[0] == drawn[1] == drawn[2]


def whole(one: RenditionPlaylist) -> tuple[object, ...]:
    return one.playlist.render(), one.meter.average, one.bandwidth, one.runs, one.newest, one.last, one.waiting


@pytest.mark.semantics("P1")
def test_only_what_changed_is_published() -> None:
    channel, session = known(chain([2 * SECOND] * 2)), opened([window(0, 6)])
    session.grow(channel)
    assert not session.published
    session.published = True
    session.grow(channel)
    assert session.published
    channel.timeline.append("av", segment(2))
    session.grow(channel)
    assert not session.published
    session.published = True
    session.seal(SOURCE_LOST)
    assert not session.published
    session.published = True
    session.seal(SOURCE_LOST)
    assert session.published


@pytest.mark.semantics("P3")
def test_the_target_duration_is_the_channel_s_at_the_first_publication_and_stays() -> None:
    channel, session = known([segment(0)], target=6), opened([window(0, None)])
    session.grow(channel)
    channel.target = 9
    channel.timeline.append("av", segment(1))
    session.grow(channel)
    assert session.row.target == 6
    assert b"#EXT-X-TARGETDURATION:6\n" in text(session)
    reopened = OpenSession(session.row, CHANNEL)
    reopened.grow(channel)
    assert text(reopened) == text(session)
    later = opened([window(0, None)])
    later.grow(channel)
    assert b"#EXT-X-TARGETDURATION:9\n" in text(later)


@pytest.mark.semantics("P6", "O3", "O6")
def test_the_multivariant_playlist_names_the_edition_and_describes_the_media() -> None:
    channel, session = known(chain([2 * SECOND] * 3)), opened([window(0, None)], edition=4)
    session.grow(channel)
    read = m3u8.loads(main(session, channel).decode()).playlists
    assert [playlist.uri for playlist in read] == ["av/index-4.m3u8"]
    info = read[0].stream_info
    assert (info.codecs, info.resolution, info.frame_rate) == ("avc1.640028,mp4a.40.2", (1280, 720), 30.0)
    assert info.bandwidth >= info.average_bandwidth >= 2_000_000  # 500 kB in 2 s


@pytest.mark.semantics("P6")
def test_the_multivariant_playlist_is_replaced_when_the_peak_outgrows_it_and_at_the_end() -> None:
    channel, session = known(chain([2 * SECOND] * 3), target=2), opened([window(0, None)])
    session.grow(channel)
    assert session.needs_multivariant
    session.stored(with_multivariant=True)
    assert not session.needs_multivariant
    channel.timeline.append("av", segment(3))
    session.grow(channel)
    assert not session.needs_multivariant  # as fat as the others
    channel.timeline.append("av", segment(4, size=900_000))
    session.grow(channel)
    assert session.needs_multivariant
    declared = m3u8.loads(main(session, channel).decode()).playlists[0].stream_info.bandwidth
    session.stored(with_multivariant=True)
    assert declared >= 3_600_000
    session.seal(SOURCE_LOST)
    assert session.needs_multivariant  # AVERAGE-BANDWIDTH is known now


@pytest.mark.semantics("P6")
def test_the_media_of_all_runs_is_described() -> None:
    other = RunMedia(("hvc1.1.6.L93.B0",), (640, 360), Fraction(25), "video hevc 640x360")
    channel = known([segment(0), segment(1, run=SECOND_RUN, index=0, epoch=1)])
    channel.media[SECOND_RUN] = {"av": other}
    session = opened([window(0, None)])
    session.grow(channel)
    assert b'CODECS="hvc1.1.6.L93.B0,avc1.640028,mp4a.40.2",RESOLUTION=1280x720' in main(session, channel)


@pytest.mark.semantics("S11", "P8")
def test_windows_that_a_stop_drops_are_reported_as_gaps() -> None:
    session = opened([window(0, 4), window(10, 14), window(20, 24)])
    session.grow(known(chain([2 * SECOND] * 3)))
    session.seal(CHANNEL_STOPPED)
    assert session.summary()["gaps"] == [[at(10), at(14), CHANNEL_STOPPED], [at(20), at(24), CHANNEL_STOPPED]]


@pytest.mark.semantics("P2", "P8")
def test_an_open_window_is_sealed_without_a_gap_at_its_end() -> None:
    session = opened([window(0, None)])
    session.grow(known(chain([2 * SECOND] * 3)))
    session.seal(CHANNEL_STOPPED)
    assert session.sealed_text
    assert text(session).endswith(b"#EXT-X-ENDLIST\n")
    assert session.summary()["gaps"] == []


def test_a_session_grows_by_what_is_new_only() -> None:
    channel = known(chain([2 * SECOND] * 3))
    session = opened([window(0, None)])
    session.grow(channel)
    session.grow(channel)
    assert (session.segments, session.row) == (3, replace(session.row, target=6))


@pytest.mark.semantics("P6")
def test_the_declared_peak_is_never_below_the_average() -> None:
    # The second segment is too long for any set by which RFC 8216bis 4.1 measures a peak.
    segments = [segment(0, size=1000), segment(1, duration=80 * SECOND, size=9_000_000)]
    channel = known(segments)
    session = opened([window(0, None)])
    session.grow(channel)
    info = m3u8.loads(main(session, channel).decode()).playlists[0].stream_info
    assert info.bandwidth >= info.average_bandwidth > 800_000


def ladder(*, gap_entries: bool = True) -> Channel:
    """A channel with a rendition ``low`` beside its own."""
    muxes = tuple(CHANNEL.mux_streams[0].model_copy(update={"key": key}) for key in ("av", "low"))
    manifest = CHANNEL.manifests[0].model_copy(update={"mux_streams": ("av", "low"), "gap_entries": gap_entries})
    return CHANNEL.model_copy(update={"mux_streams": muxes, "manifests": (manifest,)})


def date_range(serial: int, start: float, end: float, place: int) -> RangeTag:
    """Seconds after T0."""
    return RangeTag(
        serial,
        f"range-{serial}",
        "range",
        at(start),
        None,
        False,
        at(end),
        "SCTE35-CMD",
        b"",
        {"av": place, "low": place},
    )


def told(session: OpenSession, mux: str = "av") -> list[str]:
    """IDs of date ranges and numbers of segments, as they stand."""
    lines = session.renditions[mux].playlist.render().decode().splitlines()
    found = (re.search(r'DATERANGE:ID="(range-\d+)"|segment-0*(\d+)\.', line) for line in lines)
    return [match[1] or match[2] for match in found if match]


@pytest.mark.semantics("P9", "P1", "W6")
def test_a_listing_begins_with_the_ranges_that_are_not_over_and_goes_on_with_all() -> None:
    ranges = [
        date_range(0, 0, 3, 1),  # over when the first window's listing begins, at 4
        date_range(1, 1, 30, 1),
        date_range(2, 0, 1, 3),  # a message that came late
        date_range(3, 10, 12, 5),  # over in the hole between the windows
        date_range(4, 11, 99, 6),
        date_range(5, 20, 22, 9),
    ]
    timeline = known([segment(number) for number in range(12)])
    timeline.ranges.append(ranges)
    session = opened([window(4, 8), window(16, 24)])
    session.grow(timeline)
    assert told(session) == ["range-1", "2", "range-2", "3", "range-4", "8", "range-5", "9", "10", "11"]


@pytest.mark.semantics("P9", "P1", "S8")
def test_a_range_that_begins_behind_the_window_is_told_where_it_came_also_after_the_window_was_extended() -> None:
    timeline = known([segment(number) for number in range(5)])
    timeline.ranges.append([date_range(0, 9, 12, 3)])
    short, long = opened([window(0, 8)]), opened([window(0, 20)])
    short.grow(timeline)
    long.grow(timeline)
    assert told(short) == ["0", "1", "2", "range-0", "3"]
    assert text(long).startswith(text(short))


@pytest.mark.semantics("P9", "P7")
def test_a_tag_before_a_gap_that_is_not_listed_stands_before_what_comes_next() -> None:
    timeline = known([segment(0), replace(segment(1), index=-1), segment(2)])
    timeline.ranges.append([date_range(0, 3, 9, 1)])
    session = opened([window(0, 20)])
    session.channel = CHANNEL.model_copy(
        update={"manifests": (CHANNEL.manifests[0].model_copy(update={"gap_entries": False}),)}
    )
    session.grow(timeline)
    assert told(session) == ["0", "range-0", "2"]


@pytest.mark.semantics("P9", "W5")
def test_all_renditions_begin_with_the_same_ranges_though_their_first_segments_do_not_begin_together() -> None:
    timeline = ChannelTimeline(Timeline(["av", "low"]), 6, media={RUN: {"av": MEDIA, "low": MEDIA}})
    for number in range(6):
        timeline.timeline.append("av", segment(number))
        timeline.timeline.append("low", segment(number, start=at(2 * number - 0.5)))
    timeline.ranges.append([date_range(0, 1, 3.8, 1), date_range(1, 1, 5, 1)])  # the first is over in "av", at 4
    session = opened([window(4.5, 8)])
    session.channel = ladder()
    session.grow(timeline)
    assert told(session) == ["range-1", "2", "3"]
    assert told(session, "low")[:1] == ["range-1"] and "range-0" not in told(session, "low")
