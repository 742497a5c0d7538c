from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from builders import MEDIA, RUN, SECOND_RUN, T0, at, chain, channel, session_resource
from livedvr.console.state import bitrate, channel_state, health_state, milliseconds, stretches
from livedvr.resources.figures import ChannelFigures, InputStream, InputStreams, VideoFormat
from livedvr.resources.models import to_datetime
from livedvr.resources.times import SECOND
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import ChannelTimeline, Timeline

MS = T0 // 1000


def known(segments: list[Segment], **more: object) -> ChannelTimeline:
    timeline = Timeline(["av"])
    timeline.restore("av", segments)
    return ChannelTimeline(timeline, **more)  # type: ignore[arg-type]


def lost_once() -> ChannelTimeline:
    """Three segments, ten seconds of nothing, two of another run."""
    before = chain([2 * SECOND] * 3)
    after = chain([2 * SECOND] * 2, start=at(16), first=3, run=SECOND_RUN, epoch=1)
    return known([*before, *after], run_ends={RUN: "source lost"}, media={SECOND_RUN: {"av": MEDIA}})


def test_stretches_and_the_holes_between() -> None:
    ranges, gaps = stretches(lost_once())
    assert ranges == {"0": [MS, MS + 6000, 3], "3": [MS + 16_000, MS + 20_000, 2]}
    assert gaps == {"3": [MS + 6000, MS + 16_000, "source lost"]}


def test_what_retention_has_let_go_between_is_no_loss() -> None:
    segments = chain([2 * SECOND] * 10)
    ranges, gaps = stretches(known([*segments[:2], *segments[7:]]))
    assert list(ranges) == ["0", "7"]
    assert gaps == {"7": [MS + 4000, MS + 14_000, "not kept any more"]}


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3), st.booleans()), max_size=8))
def test_stretches_are_what_a_walk_along_all_segments_finds(parts: list[tuple[int, int, bool]]) -> None:
    """``parts``: so many segments, then so many let go, and whether an epoch begins there."""
    segments: list[Segment] = []
    number, epoch, start, walked = 0, 0, T0, []
    for count, gone, is_new in parts:
        made = chain([2 * SECOND] * count, start=start, first=number, epoch=epoch)
        walked.append([made[0].number, count])
        segments += made
        number, start = number + count + gone, made[-1].end + gone * 2 * SECOND
        epoch += is_new
    joined: list[list[int]] = []
    for (first, count), (_, gone, is_new) in zip(walked, [(1, 1, True), *parts], strict=False):
        if gone or is_new:
            joined.append([first, count])
        else:
            joined[-1][1] += count
    ranges, _ = stretches(known(segments))
    assert [[int(number), count] for number, (_, _, count) in ranges.items()] == joined


def test_a_channel_says_no_null_so_that_its_changes_are_merge_patches() -> None:
    state = channel_state(channel(), lost_once(), [session_resource()], name=None, media="/media/tv")
    assert "null" not in json.dumps({**state, "sessions": {}})
    assert (state["start"], state["end"], state["segment"]) == (MS, MS + 20_000, 4)
    assert state["media"] == ["av: video h264 1280x720 30 fps"]
    assert state["sessions"]["demo"]["windows"] == [[MS, None]]
    assert "manifest" not in state["sessions"]["demo"], "nothing of it is listed yet"


def test_a_manifest_is_below_the_channels_output() -> None:
    session = session_resource().model_copy(update={"actual_start": to_datetime(T0)})
    state = channel_state(channel(), lost_once(), [session], name="c", media="/media/a%20b")
    assert state["sessions"]["demo"]["manifest"] == "/media/a%20b/dvr/demo/main.m3u8"


def test_health() -> None:
    figures = ChannelFigures(
        segments=5,
        segments_ever=5,
        size_bytes=10,
        taken_bytes=10,
        waiting_bytes=0,
        lag=timedelta(seconds=1),
        clock_error=timedelta(microseconds=12_600),
        drift_ppm=None,
        gaps=1,
        gap_duration=timedelta(seconds=10),
        runs=2,
    )
    video = VideoFormat(codec="h264", width_pixels=1280, height_pixels=720, frame_rate=29.97003)
    streams = InputStreams(streams=(InputStream(index=0, video=video),))
    assert health_state(figures, streams, lost_once().timeline) == {
        "bitrate": 2_000_000,
        "fps": 29.97,
        "late": 10,
        "gaps": 1,
        "gapTime": 10_000,
        "runs": 2,
        "bytes": 10,
        "waiting": 0,
    }
    assert bitrate(Timeline(["av"])) is None
    assert milliseconds(1999) == 1
