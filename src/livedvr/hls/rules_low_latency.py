"""Rules for low latency: parts, delivery directives, delta updates and hints (RFC 8216bis 4.4.3 to 4.4.5)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from livedvr.hls.parsed import Playlist, Tag, Uri
from livedvr.hls.rules_model import Broken, Level, rule

_BEFORE_PARTS = ("EXT-X-DISCONTINUITY", "EXT-X-KEY", "EXT-X-MAP", "EXT-X-PROGRAM-DATE-TIME")
_SHORTEST_PART = Fraction(85, 100)  # of the part target duration


@rule("part-inf-missing", Level.MUST, "4.4.3.7", fix="add EXT-X-PART-INF:PART-TARGET=<seconds>")
def parts_have_a_target(playlist: Playlist) -> Broken:
    """EXT-X-PART-INF is required where there are parts."""
    part = playlist.first("EXT-X-PART")
    if part and not playlist.all("EXT-X-PART-INF"):
        yield part.line, "EXT-X-PART without EXT-X-PART-INF"


@rule(
    "part-hold-back-missing",
    Level.MUST,
    "4.4.3.8",
    fix="add PART-HOLD-BACK, three part targets, to EXT-X-SERVER-CONTROL",
)
def parts_have_a_hold_back(playlist: Playlist) -> Broken:
    """PART-HOLD-BACK is required with EXT-X-PART-INF."""
    information = playlist.first("EXT-X-PART-INF")
    if information and "PART-HOLD-BACK" not in _control(playlist):
        yield information.line, "EXT-X-PART-INF without a PART-HOLD-BACK in EXT-X-SERVER-CONTROL"


@rule("server-control-too-small", Level.MUST, "4.4.3.8", fix="raise the value")
def hold_backs_are_long_enough(playlist: Playlist) -> Broken:
    """HOLD-BACK is at least 3 target durations, CAN-SKIP-UNTIL 6, PART-HOLD-BACK 2 part targets."""
    targets = Fraction(playlist.target or 0)
    for name, factor, unit in (
        ("HOLD-BACK", 3, targets),
        ("CAN-SKIP-UNTIL", 6, targets),
        ("PART-HOLD-BACK", 2, _part_target(playlist) or Fraction(0)),
    ):
        yield from _smaller_than(playlist, name, factor, unit)


@rule("part-hold-back-small", Level.SHOULD, "4.4.3.8", fix="make it three part target durations")
def part_hold_back_is_comfortable(playlist: Playlist) -> Broken:
    """PART-HOLD-BACK is at least 3 part target durations."""
    target = _part_target(playlist) or Fraction(0)
    if not any(_smaller_than(playlist, "PART-HOLD-BACK", 2, target)):
        yield from _smaller_than(playlist, "PART-HOLD-BACK", 3, target)


@rule("skip-dateranges-alone", Level.MUST, "4.4.3.8", fix="add CAN-SKIP-UNTIL")
def skipping_dateranges_needs_skipping(playlist: Playlist) -> Broken:
    """CAN-SKIP-DATERANGES requires CAN-SKIP-UNTIL."""
    control = playlist.first("EXT-X-SERVER-CONTROL")
    if control and "CAN-SKIP-DATERANGES" in control.attributes and "CAN-SKIP-UNTIL" not in control.attributes:
        yield control.line, "CAN-SKIP-DATERANGES without CAN-SKIP-UNTIL"


@rule("part-too-long", Level.MUST, "4.4.4.9", fix="cut parts at most as long as PART-TARGET")
def parts_fit_their_target(playlist: Playlist) -> Broken:
    """No part is longer than the part target duration."""
    target = _part_target(playlist)
    for part in playlist.all("EXT-X-PART"):
        duration = part.attributes.number("DURATION")
        if target is not None and duration is not None and duration > target:
            yield part.line, f"the part is {float(duration):g} s, PART-TARGET is {float(target):g} s"


@rule("part-too-short", Level.MUST, "4.4.4.9", fix="cut parts at least 85 % of PART-TARGET, or at independent frames")
def parts_are_long_enough(playlist: Playlist) -> Broken:
    """A part is 85 % of its target or more, unless independent, a gap, before a gap, or the last of its segment."""
    target = _part_target(playlist)
    for part, following in _parts_and_next(playlist) if target is not None else ():
        duration = part.attributes.number("DURATION")
        excused = any(part.attributes.get(name) == "YES" for name in ("INDEPENDENT", "GAP"))
        if duration is None or excused or following.attributes.get("GAP") == "YES":
            continue
        if target is not None and duration < _SHORTEST_PART * target:
            yield part.line, f"the part is {float(duration):g} s, 85 % of PART-TARGET are {float(target) * 0.85:g} s"


@rule("part-tags-late", Level.MUST, "4.4.4.9", fix="move the tag above the segment's first EXT-X-PART")
def segment_tags_come_before_parts(playlist: Playlist) -> Broken:
    """What applies to a segment applies to its first part, and stands before it."""
    part: Tag | None = None
    for item in playlist.items:
        if isinstance(item, Uri):
            part = None
        elif item.name == "EXT-X-PART":
            part = part or item
        elif part and item.name in _BEFORE_PARTS:
            yield item.line, f"{item.name} stands after the segment's first part (line {part.line})"


@rule("part-in-i-frame-playlist", Level.SHOULD, "4.4.4.9", fix="leave parts out of I-frame playlists")
def i_frame_playlists_have_no_parts(playlist: Playlist) -> Broken:
    """I-frame playlists use no parts."""
    part = playlist.first("EXT-X-PART")
    if part and "EXT-X-I-FRAMES-ONLY" in playlist.tags:
        yield part.line, "EXT-X-PART in an I-frame playlist"


@rule(
    "skip-not-offered", Level.MUST, "6.2.5.1", fix="send delta updates of live playlists that offer CAN-SKIP-UNTIL only"
)
def delta_updates_are_offered(playlist: Playlist) -> Broken:
    """A delta update is of a playlist that has CAN-SKIP-UNTIL and no EXT-X-ENDLIST."""
    if skip := playlist.first("EXT-X-SKIP"):
        if "CAN-SKIP-UNTIL" not in _control(playlist):
            yield skip.line, "EXT-X-SKIP in a playlist without CAN-SKIP-UNTIL"
        if playlist.ended:
            yield skip.line, "EXT-X-SKIP in a playlist that has ended"


@rule("hint-after-end", Level.MUST, "4.4.5.3", fix="remove EXT-X-PRELOAD-HINT when the stream ends")
def ended_playlists_hint_nothing(playlist: Playlist) -> Broken:
    """No EXT-X-PRELOAD-HINT beside EXT-X-ENDLIST."""
    hint = playlist.first("EXT-X-PRELOAD-HINT")
    if hint and playlist.ended:
        yield hint.line, "EXT-X-PRELOAD-HINT in a playlist that has ended"


@rule("hint-twice", Level.SHOULD, "6.2.6", fix="keep the hint for what comes next")
def one_hint_of_a_type(playlist: Playlist) -> Broken:
    """At most one hint of each TYPE."""
    seen: set[str | None] = set()
    for hint in playlist.all("EXT-X-PRELOAD-HINT"):
        if hint.attributes.get("TYPE") in seen:
            yield hint.line, f"a second hint of TYPE={hint.attributes.get('TYPE')}"
        seen.add(hint.attributes.get("TYPE"))


def _control(playlist: Playlist) -> dict[str, str]:
    control = playlist.first("EXT-X-SERVER-CONTROL")
    return control.attributes if control else {}


def _part_target(playlist: Playlist) -> Fraction | None:
    information = playlist.first("EXT-X-PART-INF")
    return information.attributes.number("PART-TARGET") if information else None


def _smaller_than(playlist: Playlist, name: str, factor: int, unit: Fraction) -> Broken:
    control = playlist.first("EXT-X-SERVER-CONTROL")
    value = control.attributes.number(name) if control else None
    if control and value is not None and value < factor * unit:
        yield control.line, f"{name}={float(value):g} is less than {factor} times {float(unit):g} s"


def _parts_and_next(playlist: Playlist) -> Iterator[tuple[Tag, Tag]]:
    """Each part that has another one after it in its segment: the last part of a segment may be short."""
    before: Tag | None = None
    for item in playlist.items:
        if isinstance(item, Uri):
            before = None
        elif item.name == "EXT-X-PART":
            if before:
                yield before, item
            before = item


CHECKS = (
    parts_have_a_target,
    parts_have_a_hold_back,
    hold_backs_are_long_enough,
    part_hold_back_is_comfortable,
    skipping_dateranges_needs_skipping,
    parts_fit_their_target,
    parts_are_long_enough,
    segment_tags_come_before_parts,
    i_frame_playlists_have_no_parts,
    delta_updates_are_offered,
    ended_playlists_hint_nothing,
    one_hint_of_a_type,
)
