"""Rules for a media playlist that is loaded again, against the version of it before (RFC 8216bis 6.2.1 and 6.2.2).

A playlist with an EXT-X-PLAYLIST-TYPE is held against its lines, for nothing in it may change; one without may slide
and is held against its segments, by their media sequence numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from livedvr.hls.parsed import MICROSECONDS, Playlist, Segment, Tag
from livedvr.hls.rules_dates import DRIFT_LIMIT, merged_ranges
from livedvr.hls.rules_model import Broken, Check, Finding, Level, rule
from livedvr.hls.rules_tags import TAGS, Place

# Two dates of whole milliseconds, each rounded, are up to 1 ms from the truth; a clock that is bent by 500 ppm looks
# like any other crystal. No section has the figures: they are what SEMANTICS C3 and P5 ask of our own playlists.
DATE_TOLERANCE = 1_000
SLEW_PPM = 500

_SHOWN = 80  # characters of a line in a message
# What 6.2.1 allows to go again, also from an EVENT playlist.
_PASSING = frozenset({name for name, spec in TAGS.items() if spec.place is Place.METADATA} | {"EXT-X-PART"})
_OWN_RULES = ("EXT-X-PLAYLIST-TYPE", "EXT-X-TARGETDURATION")


@dataclass(frozen=True)
class Reload:
    """A media playlist that was loaded again.

    Attributes:
        earlier: the version before.
        later: the version now; it may be the same.
        waited: microseconds for which there has been no new segment, as far as is certain.
        waited_before: the same, at the reload before this one.
    """

    earlier: Playlist
    later: Playlist
    waited: int = 0
    waited_before: int = 0

    @property
    def name(self) -> str:
        """What findings call the playlist."""
        return self.later.name

    @property
    def changed(self) -> bool:
        """Whether the two versions differ at all."""
        return self.earlier.text != self.later.text

    @property
    def slides(self) -> bool:
        """Whether segments may have been removed (6.2.2): no EXT-X-PLAYLIST-TYPE allows that."""
        return self.changed and self.earlier.type not in ("EVENT", "VOD")

    @property
    def went_back(self) -> bool:
        """Whether it counts its segments anew, so that their numbers say nothing."""
        return self.later.first_number < self.earlier.first_number

    @cached_property
    def shared(self) -> list[tuple[Segment, Segment]]:
        """The segments of a sliding playlist that stand in both versions, by their media sequence numbers."""
        delta = "EXT-X-SKIP" in self.later.tags  # it does not show the discontinuities that it skips
        if not self.slides or self.went_back or delta:
            return []
        before = {segment.number: segment for segment in self.earlier.segments}
        return [(before[segment.number], segment) for segment in self.later.segments if segment.number in before]


def check_reload(reload: Reload) -> list[Finding]:
    """Hold a reload against the version before."""
    return [finding for check in CHECKS for finding in check(reload)]


def check_first_load(playlist: Playlist) -> list[Finding]:
    """What can be said of the version that is loaded first: its dates have had no earlier one to fit to."""
    return list(dates_fit_durations(Reload(replace(playlist, segments=()), playlist)))


@rule(
    "playlist-type-changed",
    Level.MUST,
    "6.2.1",
    fix="leave EXT-X-PLAYLIST-TYPE as it was published: an EVENT playlist stays one when it ends",
)
def playlist_type_stays(reload: Reload) -> Broken:
    """EXT-X-PLAYLIST-TYPE does not change, from EVENT to VOD neither."""
    yield from _changed_tag(reload, "EXT-X-PLAYLIST-TYPE")


@rule(
    "targetduration-changed",
    Level.MUST,
    "6.2.1",
    fix="declare one EXT-X-TARGETDURATION, long enough for every segment to come",
)
def target_duration_stays(reload: Reload) -> Broken:
    """EXT-X-TARGETDURATION does not change."""
    yield from _changed_tag(reload, "EXT-X-TARGETDURATION")


@rule("event-rewritten", Level.MUST, "6.2.1", fix="only append to an EVENT playlist; put other content at another URI")
def event_only_grows(reload: Reload) -> Broken:
    """An EVENT playlist grows by appending; no line of it changes or goes. EXT-X-ENDLIST may be added anywhere."""
    if reload.earlier.type == "EVENT" and not reload.earlier.ended:
        yield from _changed_lines(reload, _PASSING | {"EXT-X-ENDLIST"}, may_grow=True)


@rule("changed-after-end", Level.MUST, "4.4.3.4", fix="write EXT-X-ENDLIST when nothing is going to change any more")
def nothing_changes_after_the_end(reload: Reload) -> Broken:
    """Nothing comes after EXT-X-ENDLIST; with an EXT-X-PLAYLIST-TYPE nothing goes either."""
    earlier, later = reload.earlier, reload.later
    if earlier.type == "VOD" or (earlier.type == "EVENT" and earlier.ended):
        yield from _changed_lines(reload, _PASSING, may_grow=False)
    elif earlier.ended and not later.ended:
        yield None, "EXT-X-ENDLIST was there and is gone"
    elif earlier.ended and later.next_number > earlier.next_number:
        line = next((segment.line for segment in later.segments if segment.number >= earlier.next_number), None)
        yield line, f"{later.next_number - earlier.next_number} more segments stand here since EXT-X-ENDLIST was there"


@rule(
    "media-sequence-backwards",
    Level.MUST,
    "6.2.2",
    fix="count on for ever, also over a restart; a stream that begins anew needs another URI",
)
def media_sequence_rises(reload: Reload) -> Broken:
    """EXT-X-MEDIA-SEQUENCE never decreases."""
    if reload.slides and reload.went_back:
        was, tag = reload.earlier.first_number, reload.later.first("EXT-X-MEDIA-SEQUENCE")
        yield tag.line if tag else None, f"it was {was} and is {reload.later.first_number}"


@rule(
    "segment-changed",
    Level.MUST,
    "6.2.1",
    fix="leave a published segment as it is, and raise EXT-X-MEDIA-SEQUENCE by one for each that is removed",
)
def segments_stay_as_they_are(reload: Reload) -> Broken:
    """A segment keeps its number, URI, duration, date, key and init segment while it is listed."""
    changed = [(after, found) for before, after in reload.shared if (found := _differences(before, after))]
    if changed:  # a shift changes them all: the first tells it
        segment, found = changed[0]
        more = f" (and {len(changed) - 1} more segments changed)" if len(changed) > 1 else ""
        yield segment.line, f"segment {segment.number}: {'; '.join(found)}{more}"


@rule("segment-vanished", Level.MUST, "6.2.2", fix="remove segments in the order they appear: from the beginning")
def segments_go_in_order(reload: Reload) -> Broken:
    """No segment is removed from the end."""
    gone = reload.earlier.next_number - reload.later.next_number
    if reload.slides and not reload.went_back and gone > 0:
        yield None, f"the last {gone} of the segments that were listed are gone, from {reload.later.next_number} on"


@rule(
    "discontinuity-sequence-wrong",
    Level.MUST,
    "6.2.2",
    fix="raise EXT-X-DISCONTINUITY-SEQUENCE by one for each EXT-X-DISCONTINUITY that is removed, and only then",
)
def discontinuities_are_counted(reload: Reload) -> Broken:
    """A segment keeps its discontinuity sequence number; EXT-X-DISCONTINUITY-SEQUENCE never decreases."""
    for before, after in reload.shared:
        was, now = before.discontinuity_number, after.discontinuity_number
        if was != now:
            yield after.line, f"segment {after.number} had discontinuity sequence number {was} and has {now}"
            return  # it moves all that follow
    was, now = (one.integer("EXT-X-DISCONTINUITY-SEQUENCE", 0) or 0 for one in (reload.earlier, reload.later))
    if reload.slides and now < was and not reload.shared and not reload.went_back:
        yield None, f"EXT-X-DISCONTINUITY-SEQUENCE was {was} and is {now}"


@rule("removed-too-early", Level.MUST, "6.2.2", fix="keep at least three target durations in the playlist")
def removed_segments_are_not_needed(reload: Reload) -> Broken:
    """No segment is removed if less than three target durations are left, unless the playlist has ended."""
    later, target = reload.later, reload.later.target
    removed = later.first_number - reload.earlier.first_number
    skipped = "EXT-X-SKIP" in later.tags  # a delta update does not show what it has
    if reload.slides and removed > 0 and target and not later.ended and not skipped and later.duration < 3 * target:
        left = f"{float(later.duration):.3f} s are left, three target durations are {3 * target} s"
        yield None, f"{removed} segments went before {later.first_number}; {left}"


@rule("segments-missed", Level.SHOULD, "6.2.2", fix="list a segment for at least three target durations before it goes")
def segments_can_be_seen(reload: Reload) -> Broken:
    """No segment comes and goes between two reloads; whether one was listed, two versions cannot prove."""
    first, expected = reload.later.first_number, reload.earlier.next_number
    if reload.slides and first > expected:
        yield None, f"segments {expected} to {first - 1} were never seen: the list went on at {first}"


@rule(
    "date-inexact",
    Level.SHOULD,
    "6.2.1",
    fix="write dates that go on where the durations since the last date end, within 1 ms and 500 ppm",
)
def dates_fit_durations(reload: Reload) -> Broken:
    """A new date line says what the date line before it and the durations between add up to."""
    if not reload.changed and reload.earlier.segments:
        return
    here, before = _expected_dates(reload.later), _expected_dates(reload.earlier)
    known = {segment.number for segment in reload.earlier.segments if segment.date is not None}
    for segment in reload.later.segments if not reload.went_back else ():
        number = segment.number
        expected, since = here.get(number) or before.get(number) or (None, 0)
        if segment.date is None or expected is None or segment.discontinuity or number in known:
            continue
        off = segment.date - expected
        too_far = abs(off) * MICROSECONDS > DATE_TOLERANCE * MICROSECONDS + SLEW_PPM * since
        if too_far and not (number in here and abs(off) > DRIFT_LIMIT):  # date-drift and date-backwards see those
            how = f"{abs(off) / 1000:.1f} ms {'after' if off > 0 else 'before'}"
            yield segment.line, f"the date is {how} the one that EXTINF adds up to, {since / MICROSECONDS:.3f} s on"


@rule("daterange-changed", Level.SHOULD, "4.4.5.1", fix="add attributes to a date range, and never change one")
def ranges_stay_as_they_are(reload: Reload) -> Broken:
    """A date range says what it said before, and perhaps more.

    The section says so of two tags in one playlist; but a client has acted on what it read in the version before.
    """
    before = merged_ranges(reload.earlier) if reload.changed else {}
    for id, (line, attributes) in merged_ranges(reload.later).items() if before else ():
        for name, was in (before[id][1] if id in before else {}).items():
            if attributes.get(name, was) != was:
                yield line, f"{name} of {id} was {was} and is {attributes[name]}"


@rule(
    "playlist-stalled",
    Level.SHOULD,
    "6.2.1",
    fix="publish a segment at least each 1.5 target durations (EXT-X-GAP where media is missing), or end the playlist",
)
def playlist_goes_on(reload: Reload) -> Broken:
    """A playlist without EXT-X-ENDLIST gets a new segment within 1.5 target durations.

    The section says MUST; but a cache on the way may hold what the server has replaced long ago.
    """
    limit = (reload.later.target or 0) * Fraction(3, 2) * MICROSECONDS
    if not reload.later.ended and limit and reload.waited_before <= limit < reload.waited:
        said = f"no new segment for {reload.waited / MICROSECONDS:.1f} s"
        yield None, f"{said}, 1.5 target durations are {float(limit / MICROSECONDS):g} s"


def _changed_tag(reload: Reload, name: str) -> Broken:
    """The tag's value is another; absent is a value, too."""
    was, now = (_value(playlist, name) for playlist in (reload.earlier, reload.later))
    if was != now:
        tag = reload.later.first(name)
        yield tag.line if tag else None, f"{name} was {was or 'absent'} and is {now or 'absent'}"


def _value(playlist: Playlist, name: str) -> str | None:
    tag = playlist.first(name)
    return tag.value if tag else None


def _changed_lines(reload: Reload, passing: frozenset[str], *, may_grow: bool) -> Broken:
    """The first line that is not what it was; lines of `passing` tags do not count."""
    earlier, later = reload.earlier, reload.later
    if earlier.text == later.text or (may_grow and _is_prefix(earlier.text, later.text)):
        return
    if "EXT-X-SKIP" in later.tags:  # a delta update leaves lines out
        return
    passing |= {name for name in _OWN_RULES if _value(earlier, name) != _value(later, name)}
    old, new = (list(_lines(playlist.text, passing)) for playlist in (earlier, later))
    for (_, was), (line, now) in zip(old, new, strict=False):
        if was != now:
            yield line, f"it was {_quoted(was)} and is {_quoted(now)}"
            return
    if len(new) < len(old):
        first = _quoted(old[len(new)][1])
        yield None, f"the last {len(old) - len(new)} lines that were published are gone, from {first} on"
    elif len(new) > len(old) and not may_grow:
        yield new[len(old)][0], f"{len(new) - len(old)} more lines stand here"


def _is_prefix(earlier: str, later: str) -> bool:
    """The common case, without looking at lines; without a line end the last line itself could have grown."""
    return earlier.endswith("\n") and later.startswith(earlier)


def _lines(text: str, passing: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Numbered lines as they are, also comments: "any part of the Playlist file" (6.2.1). Blank ones say nothing."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not (line.startswith("#EXT") and line[1:].strip().partition(":")[0] in passing):
            yield number, line


def _quoted(line: str) -> str:
    return f"'{line[:_SHOWN]}{'...' if len(line) > _SHOWN else ''}'"


def _differences(before: Segment, after: Segment) -> list[str]:
    """What is not the same of one segment, each as ``EXTINF was 2.0, and is 2.1,``."""
    kept = {
        "its URI": (before.uri, after.uri),
        "EXT-X-MAP": (_text(before.map), _text(after.map)),
        "EXT-X-KEY": (_keys(before), _keys(after)),
        "EXT-X-GAP": ("there" * before.gap, "there" * after.gap),
    }
    if before.duration != after.duration:
        kept["EXTINF"] = _text(before.tag("EXTINF")), _text(after.tag("EXTINF"))
    if before.date != after.date and before.date is not None and after.date is not None:
        # A date may be left out, or be added to what has become the first segment: that is for date-inexact.
        name = "EXT-X-PROGRAM-DATE-TIME"
        kept[name] = _text(before.tag(name)), _text(after.tag(name))
    old, new = before.byterange, after.byterange
    if old and new and None not in (old.start, new.start):  # a start that is left out has a rule of its own
        kept["EXT-X-BYTERANGE"] = f"{old.length}@{old.start}", f"{new.length}@{new.start}"
    return [f"{what} was {was or 'absent'} and is {now or 'absent'}" for what, (was, now) in kept.items() if was != now]


def _keys(segment: Segment) -> str:
    return " + ".join(sorted(_text(key) for key in segment.keys))


def _text(tag: Tag | None) -> str:
    """A tag's value; of an attribute list, in an order that does not matter."""
    if tag is None:
        return ""
    return ",".join(f"{name}={value}" for name, value in sorted(tag.attributes.items())) or tag.value


def _expected_dates(playlist: Playlist) -> dict[int, tuple[int, int]]:
    """By media sequence number, up to the one to come: the date that a client extrapolates to, and microseconds since
    the date line it does so from. Nothing is extrapolated over a discontinuity."""
    found: dict[int, tuple[int, int]] = {}
    date: int | None = None
    since = 0
    for segment in playlist.segments:
        if segment.discontinuity:
            date = None
        if date is not None:
            found[segment.number] = (date, since)
        if segment.date is not None:
            date, since = segment.date, 0
        if date is not None:
            date, since = date + segment.micros, since + segment.micros
    if date is not None:
        found[playlist.next_number] = (date, since)
    return found


CHECKS: tuple[Check[Reload], ...] = (
    playlist_type_stays,
    target_duration_stays,
    event_only_grows,
    nothing_changes_after_the_end,
    media_sequence_rises,
    segments_stay_as_they_are,
    segments_go_in_order,
    discontinuities_are_counted,
    removed_segments_are_not_needed,
    segments_can_be_seen,
    dates_fit_durations,
    ranges_stay_as_they_are,
    playlist_goes_on,
)
