"""Which content a clip may ask for, and what of it there is. Pure; times are UTC microseconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from livedvr.resources.clip import TimeSlice
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, NotFound
from livedvr.resources.models import to_micros
from livedvr.resources.times import format_time
from livedvr.timeline.segment import Window
from livedvr.timeline.timeline import Timeline

MAX_SLICES = 100


def resolve_slices(slices: Sequence[TimeSlice], now: int) -> tuple[Window, ...]:
    """The slices as windows: each ends after its start, sorted, and over by ``now``.

    INVALID_ARGUMENT, or FAILED_PRECONDITION where the future is asked for.
    """
    if not 1 <= len(slices) <= MAX_SLICES:
        raise InvalidArgument(f"{len(slices)} slices", field="slices", hint=f"1 to {MAX_SLICES} are possible")
    windows = [Window(to_micros(one.markin_time), to_micros(one.markout_time)) for one in slices]
    before = None
    for i, (start, end) in enumerate((w.start, w.end or 0) for w in windows):
        if end <= start:
            raise InvalidArgument(
                f"the mark-out {format_time(end)} is not after the mark-in {format_time(start)}",
                field=f"slices[{i}].markoutTime",
            )
        if before is not None and start < before:
            raise InvalidArgument(
                f"slice {i} starts at {format_time(start)}, before slice {i - 1} has ended",
                field=f"slices[{i}].markinTime",
                hint="slices are sorted and do not overlap",
            )
        if end > now:
            raise FailedPrecondition(
                f"{format_time(end)} is still to come, it is {format_time(now)}",
                field=f"slices[{i}].markoutTime",
                hint="only past content can be clipped; a DVR session records what is to come",
            )
        before = end
    return tuple(windows)


def check_kept(windows: Sequence[Window], timeline: Timeline, frontier: int | None) -> None:
    """FAILED_PRECONDITION where a slice asks for media that has gone; NOT_FOUND where none ever came.

    What may still be on its way (``frontier``, see `what_happened`) is waited for.
    """
    for i, window in enumerate(windows):
        for start, end in holes_of_retention(window, timeline):
            raise FailedPrecondition(
                f"of {format_time(window.start)} to {format_time(window.end or 0)} nothing is kept any more"
                f" from {format_time(start)} to {format_time(end)}",
                field=f"slices[{i}].timeSlice",
                hint="ask for later content, or keep more (--retention)",
            )
        arrived = frontier is not None and frontier >= (window.end or 0)
        if arrived and timeline.edges(window) is None:
            raise NotFound(
                f"there is no media from {format_time(window.start)} to {format_time(window.end or 0)}",
                field=f"slices[{i}].timeSlice",
            )


def holes_of_retention(window: Window, timeline: Timeline) -> Iterator[tuple[int, int]]:
    """The stretches of a window whose media retention has let go: where numbers of the reference are missing.

    (Between two runs there may be no media either, but no number is missing there.)
    """
    segments, mux = timeline.segments(timeline.reference), timeline.reference
    low, high = timeline.meeting(mux, window)
    window_end = window.end or 0
    for position in range(low, min(high, len(segments) - 1) + 1):
        if position >= len(segments):
            return
        after = segments[position]
        before = segments[position - 1] if position else None
        if after.number == (before.number + 1 if before else 0):
            continue
        start, end = max(window.start, before.end if before else window.start), min(window_end, after.start)
        if start < end:
            yield start, end


def edges_of(windows: Sequence[Window], timeline: Timeline, *, exact: bool) -> list[tuple[int, int]]:
    """What is really covered: whole segments of the reference (W5); with ``exact`` what of them was asked for."""
    found: list[tuple[int, int]] = []
    for window in windows:
        edges = timeline.edges(window)
        if edges is None:
            continue
        if exact:
            found.append((max(edges[0], window.start), min(edges[1], edges[1] if window.end is None else window.end)))
        elif found and edges[0] < found[-1][1]:
            found[-1] = (found[-1][0], edges[1])  # a segment that meets both is there once (W6)
        else:
            found.append(edges)
    return found
