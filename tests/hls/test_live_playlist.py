from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import SECOND_RUN, at, chain, segment
from livedvr.hls.live_playlist import live_window, render_live
from livedvr.hls.parsed import Playlist, parse_playlist
from livedvr.hls.rules import Level, check_media_playlist
from livedvr.hls.rules_reload import Reload, check_reload
from livedvr.resources.layout import Container
from livedvr.resources.times import SECOND
from livedvr.timeline.segment import Segment


def parsed(segments: Sequence[Segment], target: int, container: Container = "fmp4") -> Playlist:
    return parse_playlist(render_live("av", container, target, segments).decode(), "live")


@pytest.mark.semantics("O5", "P4", "P5", "P7")
def test_a_whole_live_playlist_over_a_reconnect_and_a_failure() -> None:
    listed = [
        segment(7, epoch=3, index=4),
        segment(8, epoch=3, index=-6, size=0),
        segment(9, start=at(30), epoch=4, index=0, run=SECOND_RUN, duration=1_968_333),
        segment(10, start=at(31.968_333), epoch=4, index=1, run=SECOND_RUN),
    ]
    assert render_live("av", "fmp4", 2, listed).decode() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-MEDIA-SEQUENCE:7\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:3\n"
        '#EXT-X-MAP:URI="../av/20261121T020000Z-k3f9/init.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:14.000Z\n"
        "#EXTINF:2.000000,\n"
        "../av/20261121T020000Z-k3f9/segment-000004.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:16.000Z\n"
        "#EXT-X-GAP\n"
        "#EXTINF:2.000000,\n"
        "../av/20261121T020000Z-k3f9/gap-000005.m4s\n"
        "#EXT-X-DISCONTINUITY\n"
        '#EXT-X-MAP:URI="../av/20261121T020500Z-p7x2/init.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:30.000Z\n"
        "#EXTINF:1.968333,\n"
        "../av/20261121T020500Z-p7x2/segment-000000.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:31.968Z\n"
        "#EXTINF:2.000000,\n"
        "../av/20261121T020500Z-p7x2/segment-000001.m4s\n"
    )


@pytest.mark.semantics("O5")
def test_a_whole_live_playlist_of_ts_slides_past_a_discontinuity() -> None:
    listed = chain([2 * SECOND] * 2, first=9, run=SECOND_RUN, epoch=4)
    assert render_live("av", "ts", 2, listed).decode() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:3\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-MEDIA-SEQUENCE:9\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:4\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:00.000Z\n"
        "#EXTINF:2.000000,\n"
        "../av/20261121T020500Z-p7x2/segment-000000.ts\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:02.000Z\n"
        "#EXTINF:2.000000,\n"
        "../av/20261121T020500Z-p7x2/segment-000001.ts\n"
    )


@pytest.mark.semantics("O5", "P4")
def test_an_epoch_in_which_a_rendition_has_no_segment_counts_all_the_same() -> None:
    video = [segment(n, epoch=epoch) for n, epoch in enumerate([0, 1, 2, 2])]
    audio = [segment(n, epoch=epoch) for n, epoch in enumerate([0, 2, 2])]
    numbers = [
        {s.epoch: p.discontinuity_number for s, p in zip(of, parsed(of, 2).segments, strict=True)}
        for of in (video, audio)
    ]
    assert numbers == [{0: 0, 1: 1, 2: 2}, {0: 0, 2: 2}]
    assert not [
        f for f in check_media_playlist(render_live("av", "fmp4", 2, audio).decode(), "audio") if f.level is Level.MUST
    ]


@st.composite
def channels(draw: st.DrawFn) -> list[Segment]:
    """What a channel brings over reconnects, with unequal durations."""
    made: list[Segment] = []
    for epoch in range(draw(st.integers(1, 4))):
        run = f"run-{epoch // 2}"
        start = (made[-1].end if made else at(0)) + draw(st.integers(0, 20 * SECOND))
        durations = draw(st.lists(st.integers(100_000, 6 * SECOND), min_size=1, max_size=12))
        made += [
            replace(s, index=s.number) for s in chain(durations, first=len(made), start=start, run=run, epoch=epoch)
        ]
    return made


def naive_window(segments: Sequence[Segment], count: int, least: int) -> tuple[Segment, ...]:
    for first in range(len(segments) - 1, -1, -1):
        listed = tuple(segments[first:])
        if len(listed) >= count and sum(s.duration for s in listed) >= least:
            return listed
    return tuple(segments)


@pytest.mark.semantics("O5")
@settings(max_examples=150, deadline=None)
@given(st.data(), channels(), st.integers(3, 8), st.integers(1, 6), st.sampled_from(["fmp4", "ts"]))
def test_a_list_slides_as_a_naive_one_and_as_the_rules_for_reloads_want_it(
    data: st.DataObject, segments: list[Segment], count: int, target: int, container: Container
) -> None:
    earlier: Playlist | None = None
    come = since = 0
    while come < len(segments):
        come = min(len(segments), come + data.draw(st.integers(1, 3)))  # several may come at once
        listed = live_window(segments[:come], count, 3 * target * SECOND, since)
        assert listed == naive_window(segments[:come], count, 3 * target * SECOND)
        since = listed[0].number
        later = parsed(listed, target, container)
        assert [(s.number, s.discontinuity_number) for s in later.segments] == [(s.number, s.epoch) for s in listed]
        if earlier is not None:
            findings = [f for f in check_reload(Reload(earlier, later)) if f.level is Level.MUST]
            assert findings == []
        earlier = later


@pytest.mark.semantics("O5")
def test_a_list_never_goes_back_nor_over_a_hole() -> None:
    segments = chain([2 * SECOND] * 9)
    assert [s.number for s in live_window(segments, 5, 0, since=7)] == [7, 8]
    assert [s.number for s in live_window([*segments[:3], *segments[6:]], 5, 0)] == [6, 7, 8]
    assert live_window([], 5, 6 * SECOND) == ()


@pytest.mark.semantics("O5")
def test_short_segments_are_more_than_the_count_so_that_three_target_durations_are_left() -> None:
    segments = chain([1 * SECOND] * 30)
    assert len(live_window(segments, 5, 3 * 2 * SECOND)) == 6
