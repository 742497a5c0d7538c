"""Rules for dates: EXT-X-PROGRAM-DATE-TIME and EXT-X-DATERANGE (RFC 8216bis 4.4.4.6, 4.4.5.1 and 6.2.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from livedvr.hls.attributes import Attributes
from livedvr.hls.parsed import MICROSECONDS, Playlist, Tag, parse_date
from livedvr.hls.rules_model import Broken, Level, rule

# 6.2.1 allows overlaps of less than a second, for a clock that drifts.
OVERLAP_LIMIT = MICROSECONDS
# No section has a figure; half a second is far above what rounding and a slewed clock do, and a viewer notices it.
DRIFT_LIMIT = MICROSECONDS // 2

_ZONE = re.compile(r".*T.*(Z|[+-]\d{2}(:?\d{2})?)")


@rule("date-malformed", Level.MUST, "4.4.4.6", fix="write ISO 8601, as 2026-11-21T14:00:00.000Z")
def dates_are_dates(playlist: Playlist) -> Broken:
    """EXT-X-PROGRAM-DATE-TIME is a date and a time in ISO 8601."""
    for tag in playlist.all("EXT-X-PROGRAM-DATE-TIME"):
        if parse_date(tag.value) is None:
            yield tag.line, f"'{tag.value}' is no date"


@rule("date-without-zone", Level.SHOULD, "4.4.4.6", fix="add the zone, Z for UTC")
def dates_have_a_zone(playlist: Playlist) -> Broken:
    """A date says its time zone."""
    for tag in playlist.all("EXT-X-PROGRAM-DATE-TIME"):
        if parse_date(tag.value) is not None and not _ZONE.fullmatch(tag.value):
            yield tag.line, f"'{tag.value}' has no time zone"


@rule("date-backwards", Level.MUST, "6.2.1", fix="let dates rise: no date may stand for two segments")
def dates_do_not_go_back(playlist: Playlist) -> Broken:
    """No date maps to two segments, but for overlaps of less than a second with the segment right before."""
    for step in _date_steps(playlist):
        if step.is_backwards:
            yield step.line, f"the date is {_seconds(step.expected - step.date)} s before the end of the segment above"


@rule(
    "date-drift",
    Level.SHOULD,
    "6.2.1",
    fix="write dates that agree with the EXTINF sums, or EXT-X-DISCONTINUITY where time jumps",
)
def dates_agree_with_durations(playlist: Playlist) -> Broken:
    """Between discontinuities a date is the date before plus the durations between."""
    for step in _date_steps(playlist):
        off = step.date - step.expected
        if step.continuous and abs(off) > DRIFT_LIMIT and not step.is_backwards:
            yield (
                step.line,
                f"the date is {_seconds(abs(off))} s {'after' if off > 0 else 'before'} what EXTINF adds up to",
            )


@rule("date-after-discontinuity", Level.SHOULD, "6.2.1", fix="write EXT-X-PROGRAM-DATE-TIME after each discontinuity")
def discontinuities_have_dates(playlist: Playlist) -> Broken:
    """In a playlist with dates, each segment after a discontinuity has one."""
    if playlist.all("EXT-X-PROGRAM-DATE-TIME"):
        for segment in playlist.segments:
            if segment.discontinuity and segment.tag("EXT-X-PROGRAM-DATE-TIME") is None:
                yield segment.line, f"{segment.uri} follows a discontinuity and has no date"


@rule("daterange-without-date", Level.MUST, "4.4.5.1", fix="write EXT-X-PROGRAM-DATE-TIME at the first segment")
def ranges_need_dates(playlist: Playlist) -> Broken:
    """A playlist with EXT-X-DATERANGE has at least one EXT-X-PROGRAM-DATE-TIME."""
    tag = playlist.first("EXT-X-DATERANGE")
    skipped = "EXT-X-SKIP" in playlist.tags
    if tag and not skipped and not playlist.all("EXT-X-PROGRAM-DATE-TIME"):
        yield tag.line, "EXT-X-DATERANGE in a playlist without EXT-X-PROGRAM-DATE-TIME"


@rule("daterange-conflict", Level.MUST, "4.4.5.1", fix="repeat an ID with the same values, or use another ID")
def ranges_do_not_change(playlist: Playlist) -> Broken:
    """Tags with the same ID agree in every attribute that both have."""
    for ranged in _ranges(playlist):
        known: dict[str, str] = {}
        for tag in ranged:
            for name, value in tag.attributes.items():
                if known.setdefault(name, value) != value:
                    yield tag.line, f"{name} of {tag.attributes['ID']} was {known[name]} and is {value}"


@rule(
    "daterange-dates",
    Level.MUST,
    "4.4.5.1",
    fix="write START-DATE and END-DATE in ISO 8601, the end not before the start",
)
def ranges_have_dates(playlist: Playlist) -> Broken:
    """START-DATE is there; END-DATE is not before it, and agrees with DURATION."""
    for ranged in _ranges(playlist):
        line, merged = ranged[0].line, _merged(ranged)
        dates = {name: parse_date(merged[name].strip('"')) for name in ("START-DATE", "END-DATE") if name in merged}
        if "START-DATE" not in merged:
            yield line, f"no tag of {merged['ID']} has a START-DATE"
        for name in (name for name, date in dates.items() if date is None and "{$" not in merged[name]):
            yield line, f"{name}={merged[name]} is no date"
        start, end = dates.get("START-DATE"), dates.get("END-DATE")
        if start is None or end is None:
            continue
        if end < start:
            yield line, f"{merged['ID']} ends {_seconds(start - end)} s before it starts"
        duration = merged.number("DURATION")
        if duration is not None and abs(start + duration * MICROSECONDS - end) > 1000:  # dates are in milliseconds
            yield line, f"{merged['ID']}: START-DATE plus DURATION is not END-DATE"


@rule("daterange-end-on-next", Level.MUST, "4.4.5.1", fix="give it a CLASS, and neither DURATION nor END-DATE")
def open_ranges_have_a_class(playlist: Playlist) -> Broken:
    """A range that ends on the next of its class has a class, and no end of its own."""
    for ranged in _ranges(playlist):
        merged = _merged(ranged)
        if "END-ON-NEXT" in merged:
            if "CLASS" not in merged:
                yield ranged[0].line, f"{merged['ID']} has END-ON-NEXT and no CLASS"
            for name in ("DURATION", "END-DATE"):
                if name in merged:
                    yield ranged[0].line, f"{merged['ID']} has END-ON-NEXT and {name}"


@dataclass(frozen=True, slots=True)
class _DateStep:
    """A date line, held against the date line before it; microseconds since the epoch.

    Attributes:
        line: of the segment.
        date: what the playlist says.
        expected: the date before plus the durations between.
        before: where the segment right before it starts, by the same sum.
        continuous: there is no discontinuity between the two dates.
    """

    line: int
    date: int
    expected: int
    before: int
    continuous: bool

    @property
    def is_backwards(self) -> bool:
        """It would give a date to two segments, and not just by a small overlap with the segment before."""
        return self.expected - self.date >= OVERLAP_LIMIT or self.date <= self.before


def _date_steps(playlist: Playlist) -> Iterator[_DateStep]:
    expected: int | None = None
    before, continuous = 0, True
    for segment in playlist.segments:
        continuous = continuous and not segment.discontinuity
        if segment.date is not None:
            if expected is not None:
                yield _DateStep(segment.line, segment.date, expected, before, continuous)
            expected, continuous = segment.date, True
        if expected is not None:
            before, expected = expected, expected + segment.micros


def merged_ranges(playlist: Playlist) -> dict[str, tuple[int, Attributes]]:
    """By ID: the line of its first tag, and all attributes of the date range."""
    return {tags[0].attributes["ID"]: (tags[0].line, _merged(tags)) for tags in _ranges(playlist)}


def _ranges(playlist: Playlist) -> list[list[Tag]]:
    """The tags of each date range, by ID."""
    found: dict[str, list[Tag]] = {}
    for tag in playlist.all("EXT-X-DATERANGE"):
        if "ID" in tag.attributes:
            found.setdefault(tag.attributes["ID"], []).append(tag)
    return list(found.values())


def _merged(tags: list[Tag]) -> Attributes:
    """All attributes of one date range; where two tags differ, the first counts."""
    merged: dict[str, str] = {}
    for tag in reversed(tags):
        merged |= tag.attributes
    return Attributes(merged)


def _seconds(micros: int) -> str:
    return f"{micros / MICROSECONDS:.3f}"


CHECKS = (
    dates_are_dates,
    dates_have_a_zone,
    dates_do_not_go_back,
    dates_agree_with_durations,
    discontinuities_have_dates,
    ranges_need_dates,
    ranges_do_not_change,
    ranges_have_dates,
    open_ranges_have_a_class,
)
