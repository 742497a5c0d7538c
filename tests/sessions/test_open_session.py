from __future__ import annotations

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
from livedvr.resources.times import SECOND
from livedvr.sessions.open_session import OpenSession
from livedvr.sessions.presentation import multivariant
from livedvr.timeline.gaps import CHANNEL_STOPPED, OUTSIDE_KEPT_RANGE, SOURCE_LOST
from livedvr.timeline.segment import RunMedia, Segment, Window
from livedvr.timeline.timeline import ChannelTimeline, Timeline

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
