"""Windows and delayed lists over a timeline that grows, breaks off and is swept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import MEDIA, RUN, SECOND_RUN, T0, at, segment, window
from builders import channel as channel_resource
from livedvr.hls.parsed import parse_playlist
from livedvr.hls.rules import Finding, Level, check_media_playlist
from livedvr.hls.rules_reload import Reload, check_reload
from livedvr.origin.asked import Asked
from livedvr.origin.drawing import DelayedLists, DrawnWindow, begins_with, wanted_manifest
from livedvr.resources.errors import InvalidArgument, NotFound
from livedvr.resources.models import Manifest
from livedvr.resources.times import SECOND
from livedvr.timeline.segment import Segment, Window
from livedvr.timeline.timeline import ChannelTimeline, Timeline

CHANNEL = channel_resource(retention_window=timedelta(hours=1))
MANIFEST = CHANNEL.manifests[0]
UP = "../../../media/tv/"


def known(segments: Sequence[Segment]) -> ChannelTimeline:
    timeline = Timeline(["av"])
    for one in segments:
        timeline.append("av", one)
    return ChannelTimeline(timeline, 2, media={run: {"av": MEDIA} for run in (RUN, SECOND_RUN)})


def numbered(*numbers: int) -> list[Segment]:
    return [segment(number) for number in numbers]


def drawn(asked: Window) -> DrawnWindow:
    return DrawnWindow(CHANNEL, MANIFEST, asked, 2, UP)


@pytest.mark.semantics("P1", "W5")
def test_a_window_grows_and_ends() -> None:
    has, made = known(numbered(0, 1)), drawn(window(2, 7))
    made.grow_until(has, at(4))
    running = made.version("av")
    assert running.whole.data.decode() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:EVENT\n"
        f'#EXT-X-MAP:URI="../../../media/tv/av/{RUN}/init.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:02.000Z\n"
        "#EXTINF:2.000000,\n"
        f"../../../media/tv/av/{RUN}/segment-000001.m4s\n"
    )
    assert (running.next, running.ended) == (1, False)
    made.grow_until(has, at(4))
    assert made.version("av") is running, "one version is made once"
    for one in numbered(2, 3, 4):
        has.timeline.append("av", one)
    made.grow_until(has, at(10))
    ended = made.version("av")
    assert ended.whole.data.startswith(running.whole.data) and ended.whole.data.endswith(b"#EXT-X-ENDLIST\n")
    assert (ended.next, ended.ended) == (3, True)
    fresh = drawn(window(2, 7))
    fresh.grow_until(has, at(10))
    assert fresh.version("av").whole.data == ended.whole.data, "whoever draws it"


def test_a_window_that_has_no_media_is_not_found() -> None:
    with pytest.raises(NotFound, match="no media in the window"):
        begins_with(known(numbered(0)), window(60, 70))
    made = drawn(window(60, 70))
    made.grow_until(known(numbered(0)), at(2))
    with pytest.raises(NotFound):
        made.version("av")
    with pytest.raises(NotFound):
        made.main(known(numbered(0)), "")


@pytest.mark.semantics("W4")
def test_main_begins_behind_what_retention_has_taken() -> None:
    has = known(numbered(*range(10)))
    assert begins_with(has, window(-600, None)) == window(0, None)
    assert begins_with(has, window(5, 9)) == window(4, 9)
    has.timeline.forget("av", {0, 1})
    assert begins_with(has, window(-600, None)) == window(4, None)
    has.timeline.forget("av", {4})  # a session holds what is before it
    assert begins_with(has, window(-600, None)) == window(10, None)
    assert begins_with(has, window(-600, 6)) == window(4, 6)


@pytest.mark.parametrize("gone", [{0}, {0, 1, 2}, {2}], ids=["head", "more", "hole"])
@pytest.mark.parametrize("fresh", [False, True])
def test_a_window_of_which_something_has_gone_is_not_found_any_more(gone: set[int], fresh: bool) -> None:
    has = known(numbered(*range(6)))
    made = drawn(begins_with(has, window(-600, None)))
    made.grow_until(has, at(12))
    has.timeline.forget("av", gone)
    again = drawn(made.window) if fresh else made
    with pytest.raises(NotFound, match="not kept any more"):
        again.grow_until(has, at(12))


def test_a_gap_of_the_source_in_a_window_is_no_hole() -> None:
    segments = [*numbered(0, 1), segment(2, start=at(60), epoch=1, run=SECOND_RUN)]
    made = drawn(window(30, None))
    made.grow_until(known(segments), at(62))
    assert made.version("av").next == 1
    whole = drawn(window(0, None))
    whole.grow_until(known(segments), at(62))
    assert whole.version("av").whole.data.count(b"#EXT-X-DISCONTINUITY\n") == 1


def delayed(has: ChannelTimeline, now: int, delay: int = 0, **manifest: object) -> DelayedLists:
    wanted = MANIFEST.model_copy(update=manifest)
    return DelayedLists(CHANNEL, wanted, delay, 2, UP, has, now)


@pytest.mark.semantics("O5")
def test_a_delay_hides_what_is_too_new_and_says_when_it_is_due() -> None:
    has = known(numbered(*range(10)))  # 02:00:00 to 02:00:20
    live, late = delayed(has, at(20.5)), delayed(has, at(20.5), 5 * SECOND)
    assert [one.number for one in live.segments("av")] == [5, 6, 7, 8, 9] and live.due("av") is None
    assert [one.number for one in late.segments("av")] == [2, 3, 4, 5, 6] and late.due("av") == at(21)
    assert [one.number for one in delayed(has, at(21), 5 * SECOND).segments("av")] == [3, 4, 5, 6, 7]
    playlist = parse_playlist(late.draw("av").decode(), "late")
    assert (playlist.first_number, playlist.type, playlist.ended) == (2, None, False)
    assert b"av/index-1.m3u8?delay=5" in late.main("?delay=5")
    with pytest.raises(NotFound):
        delayed(has, at(1), 5 * SECOND).segments("av")


def test_a_delay_leaves_what_slides_out_its_time() -> None:
    delayed(known([]), T0, 3570 * SECOND).check()
    with pytest.raises(InvalidArgument, match="at most 3570s"):
        delayed(known([]), T0, 3571 * SECOND).check()


def broken(findings: Sequence[Finding]) -> list[Finding]:
    return [one for one in findings if one.level is Level.MUST]


@given(
    st.lists(st.tuples(st.integers(500_000, 2_400_000), st.integers(0, 9)), min_size=4, max_size=20),
    st.integers(0, 6 * SECOND),
    st.integers(SECOND, 5 * SECOND),
)
@settings(max_examples=40)
@pytest.mark.semantics("O5", "P1")
def test_reloads_keep_the_rules_whatever_the_delay(made: list[tuple[int, int]], delay: int, step: int) -> None:
    segments: list[Segment] = []
    start, epoch = T0, 0
    for number, (duration, odd) in enumerate(made):
        if number and odd == 0:
            epoch, start = epoch + 1, start + 3 * SECOND
        segments.append(segment(number, start=start, duration=duration, epoch=epoch, run=(RUN, SECOND_RUN)[epoch % 2]))
        start += duration
    before, now = None, T0
    window = drawn(Window(T0, None))
    text = b""
    while now < start + delay:
        now += step
        has = known([one for one in segments if one.end <= now])
        if has.timeline.last("av") is None:
            continue
        window.grow_until(has, None)
        grown = window.version("av").whole.data
        assert grown.startswith(text)
        text = grown
        try:
            drawn_now = delayed(has, now, delay).draw("av").decode()
        except NotFound:
            continue
        assert not broken(check_media_playlist(drawn_now))
        after = parse_playlist(drawn_now, "live")
        assert before is None or not broken(check_reload(Reload(before, after)))
        before = after


def test_the_manifest_that_is_meant() -> None:
    two = channel_resource(
        manifests=(Manifest(key="a"), Manifest(key="b", file_name="b.m3u8"), Manifest(key=None, file_name="c.m3u8"))
    )
    assert wanted_manifest(two, Asked(None), "b.m3u8", None).key == "b"
    assert wanted_manifest(two, Asked(None, 0, "b"), None, "av").key == "b"
    assert wanted_manifest(two, Asked(None), None, "av").key == "a"
    for asked, file, mux in (
        (Asked(None), "c.m3u8", None),
        (Asked(None), None, "dvr"),
        (Asked(None, 0, "x"), "main.m3u8", None),
    ):
        with pytest.raises(NotFound):
            wanted_manifest(two, asked, file, mux)
