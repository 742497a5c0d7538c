from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import MEDIA, RUN, SECOND_RUN, at, chain, channel, window
from livedvr.clips.pieces import Piece, parts_of, plan_pieces
from livedvr.media.movie import Pictures
from livedvr.resources.errors import FailedPrecondition, NotFound
from livedvr.resources.models import Manifest
from livedvr.resources.streams import AudioStream, ElementaryStream, MuxStream, VideoStream
from livedvr.resources.times import SECOND
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import ChannelTimeline, Timeline

ONE = [2 * SECOND] * 4
CHANNEL = channel()


def known_of(*segments: Segment, **media: object) -> ChannelTimeline:
    known = ChannelTimeline(Timeline(["av"]), 2)
    known.timeline.restore("av", segments)
    for run in {one.run for one in segments}:
        known.media[run] = {"av": replace(MEDIA, **(media if run == SECOND_RUN else {}))}  # type: ignore[arg-type]
    return known


def planned(known: ChannelTimeline, *windows: tuple[float, float], exact: bool = False) -> list[Piece]:
    return plan_pieces(CHANNEL, "main", [window(*one) for one in windows], known, exact=exact)


def seconds(pieces: list[Piece]) -> list[tuple[float, float, list[int]]]:
    return [((p.start - at(0)) / SECOND, (p.end - at(0)) / SECOND, [s.number for s in p.main.segments]) for p in pieces]


def two_runs() -> tuple[Segment, ...]:
    return (*chain(ONE), *chain(ONE, start=at(10), first=4, run=SECOND_RUN, epoch=1))


def test_a_piece_is_one_run_without_a_break() -> None:
    known = known_of(*two_runs())
    assert seconds(planned(known, (0, 100))) == [(0, 8, [0, 1, 2, 3]), (10, 18, [4, 5, 6, 7])]
    assert seconds(planned(known, (1, 3), (5, 6))) == [(0, 6, [0, 1, 2])], "nothing is missing in between"
    assert seconds(planned(known, (1, 2), (7, 11))) == [(0, 2, [0]), (6, 8, [3]), (10, 12, [4])]


def test_exact_takes_no_more_than_was_asked_for() -> None:
    known = known_of(*two_runs())
    exact = planned(known, (1, 2), (3, 11), exact=True)
    assert seconds(exact) == [(1, 2, [0]), (3, 8, [1, 2, 3]), (10, 11, [4])]
    assert [(p.starts_whole, p.ends_whole) for p in exact] == [(False, True), (False, True), (True, False)]
    assert seconds(planned(known, (0.5, 1), (1.5, 2.5), exact=True)) == [(0.5, 1, [0]), (1.5, 2.5, [0, 1])]
    assert not any(p.is_cut for p in planned(known, (0.5, 11)))


def test_without_media_there_is_nothing_to_make() -> None:
    with pytest.raises(NotFound):
        planned(known_of(*two_runs()), (8.5, 9.5))


@pytest.mark.parametrize("change", [{"codecs": ("hvc1.1.6.L93.B0", "mp4a.40.2")}, {"resolution": (640, 360)}])
def test_media_that_changes_is_not_joined(change: dict[str, object]) -> None:
    known = known_of(*two_runs(), **change)
    with pytest.raises(FailedPrecondition, match="the media changes at 2026-11-21T02:00:10") as caught:
        planned(known, (0, 100))
    assert "MANIFEST" in str(caught.value)
    assert len(planned(known, (0, 9))) == len(planned(known, (9, 20))) == 1


def ladder() -> tuple[object, ChannelTimeline]:
    made = channel(
        elementary_streams=(
            ElementaryStream(key="low", video_stream=VideoStream(codec="h264", height_pixels=240)),
            ElementaryStream(key="high", video_stream=VideoStream(codec="h264", height_pixels=720)),
            ElementaryStream(key="audio", audio_stream=AudioStream(codec="aac")),
        ),
        mux_streams=tuple(MuxStream(key=key, elementary_streams=(key,)) for key in ("low", "high", "audio")),
        manifests=(Manifest(mux_streams=("low", "high", "audio")),),
    )
    known = ChannelTimeline(Timeline(made.timeline_keys()), 2)
    sizes = {"low": (426, 240), "high": (1280, 720), "audio": None}
    known.media[RUN] = {mux: replace(MEDIA, resolution=size) for mux, size in sizes.items()}
    for mux in sizes:
        known.timeline.restore(mux, chain(ONE))
    return made, known


def test_the_best_pictures_are_taken_with_the_sound_beside_them() -> None:
    made, known = ladder()
    (piece,) = plan_pieces(made, "main", [window(2, 5)], known, exact=False)  # type: ignore[arg-type]
    assert piece.sound is not None
    assert (piece.main.mux, piece.sound.mux) == ("high", "audio")
    assert [s.number for s in piece.sound.segments] == [1, 2]


@pytest.mark.semantics("P7")
def test_a_rendition_that_has_failed_meanwhile_is_passed_over() -> None:
    made, known = ladder()
    good = chain(ONE)
    known.timeline.restore("high", [*good[:2], replace(good[2], index=-3, size=0), good[3]])
    (piece,) = plan_pieces(made, "main", [window(0, 8)], known, exact=False)  # type: ignore[arg-type]
    assert piece.main.mux == "low"
    (piece,) = plan_pieces(made, "main", [window(0, 4)], known, exact=False)  # type: ignore[arg-type]
    assert piece.main.mux == "high"


def pictures(first: int, count: int, step: int = 40_000) -> Pictures:
    return Pictures("h264", "High", "yuv420p", 0, True, tuple(first + i * step for i in range(count)))


@given(
    count=st.integers(1, 4),
    start=st.integers(0, 2 * SECOND - 1),
    end=st.integers(1, 2 * SECOND),
    whole=st.tuples(st.booleans(), st.booleans()),
)
def test_the_parts_show_each_picture_that_was_asked_for_once(
    count: int, start: int, end: int, whole: tuple[bool, bool]
) -> None:
    segments = tuple(chain([2 * SECOND] * count))
    last = 2 * SECOND * (count - 1)
    begin, stop = 0 if whole[0] else start, last + (2 * SECOND if whole[1] else end)
    parts = parts_of(segments, pictures(0, 50), pictures(last, 50), (begin, stop), whole)
    every = [i * 40_000 for i in range(50 * count) if begin <= i * 40_000 < stop]
    if count == 1 and all(whole):
        return  # that is no cut
    shown: list[int] = []
    for part in parts:
        low = segments.index(part.segments[0]) * 50
        times = [i * 40_000 for i in range(low, low + 50 * len(part.segments))]
        shown += times if part.is_kept else [t for t in times if part.first <= t <= part.last]
        if times and part.is_kept:
            assert part.first == times[0]
    assert shown == every
