"""The dates of an HLS source, on the media time of a run that reads it (SEMANTICS C5). Pure.

ffmpeg says which of the source's segments it opens, the source's playlist says when each was made, and the run's media
time begins with the first. From there on a segment's place follows from the dates themselves as long as they fit its
duration: EXTINF alone is rounded, and would run away by seconds a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from livedvr.resources.times import SECOND
from livedvr.timeline.clock import JUMP, TOLERANCE

EDGE = 40_000  # a cut this near to where a source's segment should begin is that segment's first picture


@dataclass(frozen=True, slots=True)
class SourceSegment:
    """A segment of the source's playlist. ``date``: UTC microseconds, None when the source says none."""

    number: int
    uri: str
    duration: int
    date: int | None


@dataclass(frozen=True, slots=True)
class _Point:
    """A source's segment on the run's media time."""

    number: int
    media: int
    duration: int
    date: int

    @property
    def lag(self) -> int:
        return self.date - self.media


class SourceDates:
    """What a run's media time is in the source's dates.

    Args:
        anchor: date - media time of a run that has been dated already; None: it begins with the first segment opened.
        follows_cuts: the run is cut at the source's own keyframes.
        smoothed: a hole longer than this (microseconds) is closed by ffmpeg, a shorter one stays in the media time.

    Attributes:
        patience: microseconds of media that may wait for their date.
    """

    def __init__(self, *, anchor: int | None, follows_cuts: bool, smoothed: int) -> None:
        self.patience = 30 * SECOND
        self._anchor = anchor
        self._follows_cuts = follows_cuts
        self._smoothed = smoothed
        self._known: Mapping[str, SourceSegment] = {}
        self._opened: list[str] = []
        self._points: list[_Point] = []
        self._lag: int | None = None
        self._given_up = False

    @property
    def has_none(self) -> bool:
        """The source says no dates, or not for what ffmpeg reads: arrival has to do."""
        return self._given_up

    def learn(self, opened: Iterable[str], segments: Sequence[SourceSegment]) -> None:
        """What ffmpeg has opened since the last time, and the source's playlist as it is after that."""
        self._opened.extend(opened)
        self._known = {segment.uri: segment for segment in segments}
        passed = 0
        for place, uri in enumerate(self._opened):
            segment = self._known.get(uri)
            if segment is not None and segment.date is not None:
                self._put(segment, segment.date, unknown=place - passed)
                passed = place + 1
        del self._opened[:passed]

    def _put(self, segment: SourceSegment, date: int, unknown: int) -> None:
        """``unknown``: how many were opened right before it that the playlist no longer has."""
        if not self._points:
            media = 0 if self._anchor is None else date - self._anchor
        else:
            last = self._points[-1]
            missing = segment.number - last.number - 1
            if missing < 0:
                return  # it was opened again
            media = last.media + self._advance(last, date, missing, unknown)
        self._points.append(_Point(segment.number, media, segment.duration, date))

    def _advance(self, last: _Point, date: int, missing: int, unknown: int) -> int:
        """Media time from one known segment to the next one that was opened."""
        passed = date - last.date
        if missing == 0:
            return passed if abs(passed - last.duration) <= JUMP else last.duration
        if unknown >= missing:
            return passed  # they were read before they left the playlist
        hole = passed - last.duration
        return last.duration + (hole if 0 < hole <= self._smoothed else 0)

    def date(self, start: int, end: int, *, waiting: int) -> tuple[int, bool] | None:
        """The source's date at the end of [start, end) of the media time, and whether the dates jump before it.

        None: not known yet. ``waiting``: microseconds of media that wait since then; after ``patience`` the last date
        known goes on, and where there is none, `has_none` is true. To be called in the order of the media.
        """
        if self._follows_cuts:
            self._snap(start)
            self._snap(end)
        is_late = waiting > self.patience
        if not self._points:
            is_undated = bool(self._known) and all(segment.date is None for segment in self._known.values())
            self._given_up = self._given_up or is_undated or is_late
        if self._given_up or not self._points:
            return None
        newest = self._points[-1]
        if newest.media + newest.duration < end - EDGE and not is_late:
            return None
        at = next((i for i, point in reversed(list(enumerate(self._points))) if point.media <= start + EDGE), 0)
        del self._points[:at]
        before, self._lag = self._lag, self._points[0].lag
        return end + self._lag, before is not None and abs(self._lag - before) > TOLERANCE

    def _snap(self, edge: int) -> None:
        """A cut is where a source's segment really begins; all behind it move along."""
        found = next((i for i, point in enumerate(self._points) if 0 < abs(point.media - edge) <= EDGE), None)
        if found is not None:
            shift = edge - self._points[found].media
            moved = [replace(point, media=point.media + shift) for point in self._points[found:]]
            self._points[found:] = moved
