"""Which windows a session may ask for (SEMANTICS W3, W4). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from livedvr.resources.errors import FailedPrecondition, InvalidArgument
from livedvr.resources.models import TimeInterval, to_datetime, to_micros
from livedvr.resources.times import format_time
from livedvr.timeline.segment import Window

MAX_WINDOWS = 100


def check_keeps(retention: int) -> None:
    """W1: a channel that keeps nothing has no sessions."""
    if retention <= 0:
        raise FailedPrecondition(
            "the channel keeps nothing", field="retentionWindow", hint="give it a retention window"
        )


def resolve_windows(intervals: Sequence[TimeInterval], first_start: int, kept_since: int) -> tuple[Window, ...]:
    """The windows asked for, checked (W3, W4); microseconds.

    Args:
        intervals: as the user gave them.
        first_start: what a first start that is missing stands for.
        kept_since: nothing that ended before this instant is kept.
    """
    if not 1 <= len(intervals) <= MAX_WINDOWS:
        raise InvalidArgument(f"{len(intervals)} windows", field="dvrWindows", hint=f"1 to {MAX_WINDOWS} are possible")
    windows = tuple(
        _resolve(i, interval, first_start, last=i == len(intervals) - 1) for i, interval in enumerate(intervals)
    )
    for i in range(1, len(windows)):
        before = windows[i - 1].end
        if before is None or before > windows[i].start:
            raise InvalidArgument(
                f"window {i} starts at {format_time(windows[i].start)}, before window {i - 1} has ended",
                field=f"dvrWindows[{i}].startTime",
                hint="windows are sorted and do not overlap",
            )
    last_end = windows[-1].end
    if last_end is not None and last_end <= kept_since:
        raise FailedPrecondition(
            f"the window ended at {format_time(last_end)}, and nothing older than {format_time(kept_since)} is kept",
            field="dvrWindows",
            hint="ask for a later window, or keep more (--retention)",
        )
    return windows


def _resolve(i: int, interval: TimeInterval, first_start: int, *, last: bool) -> Window:
    if interval.start_time is None and i > 0:
        raise InvalidArgument("only the first window may lack its start", field=f"dvrWindows[{i}].startTime")
    if interval.end_time is None and not last:
        raise InvalidArgument("only the last window may lack its end", field=f"dvrWindows[{i}].endTime")
    start = first_start if interval.start_time is None else to_micros(interval.start_time)
    end = None if interval.end_time is None else to_micros(interval.end_time)
    if end is not None and end <= start:
        raise InvalidArgument(
            f"the end {format_time(end)} is not after the start {format_time(start)}",
            field=f"dvrWindows[{i}].endTime",
        )
    return Window(start, end)


def to_interval(window: Window) -> TimeInterval:
    """A window as the resource says it."""
    return TimeInterval(
        start_time=to_datetime(window.start), end_time=None if window.end is None else to_datetime(window.end)
    )
