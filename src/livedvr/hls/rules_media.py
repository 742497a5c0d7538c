"""Rules for media playlists and their segments (RFC 8216bis 3, 4.4.2.2, 4.4.3, 4.4.4, 6.2.1 and 6.2.2)."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from livedvr.hls.parsed import Playlist, Tag, Uri, parse_byterange, parse_extinf
from livedvr.hls.rules_model import Broken, Level, rule

_FMP4 = re.compile(r"[^?#]*\.(m4s|mp4|m4v|m4f|cmfv|cmfa|cmft)([?#].*)?", re.IGNORECASE)


@rule("targetduration-missing", Level.MUST, "4.4.3.1", fix="add EXT-X-TARGETDURATION: the longest EXTINF, rounded")
def has_target_duration(playlist: Playlist) -> Broken:
    """EXT-X-TARGETDURATION is required."""
    if not playlist.all("EXT-X-TARGETDURATION"):
        yield None, "there is no EXT-X-TARGETDURATION"


@rule(
    "targetduration-exceeded",
    Level.MUST,
    "4.4.3.1",
    fix="cut segments at most that long, or declare the longest EXTINF, rounded, from the first day",
)
def segments_fit_target_duration(playlist: Playlist) -> Broken:
    """No EXTINF, rounded to the nearest integer, is greater than the target duration."""
    target = playlist.target
    for segment in playlist.segments:
        if target is not None and segment.duration is not None and _rounded(segment.duration) > target:
            yield (
                segment.line,
                f"segment {segment.number} ({segment.uri}) is {_seconds(segment.duration)} s, rounded"
                f" {_rounded(segment.duration)}, and the target duration is {target}",
            )


@rule("media-sequence-late", Level.MUST, "4.4.3.2", fix="move EXT-X-MEDIA-SEQUENCE above the first segment")
def media_sequence_comes_first(playlist: Playlist) -> Broken:
    """EXT-X-MEDIA-SEQUENCE stands before the first segment."""
    tag = playlist.first("EXT-X-MEDIA-SEQUENCE")
    if tag and playlist.segments and tag.line > playlist.segments[0].line:
        yield tag.line, f"it stands after the first segment (line {playlist.segments[0].line})"


@rule(
    "discontinuity-sequence-late",
    Level.MUST,
    "4.4.3.3",
    fix="move EXT-X-DISCONTINUITY-SEQUENCE above the first segment and the first EXT-X-DISCONTINUITY",
)
def discontinuity_sequence_comes_first(playlist: Playlist) -> Broken:
    """EXT-X-DISCONTINUITY-SEQUENCE stands before the first segment and before any EXT-X-DISCONTINUITY."""
    tag, discontinuity = playlist.first("EXT-X-DISCONTINUITY-SEQUENCE"), playlist.first("EXT-X-DISCONTINUITY")
    first = [segment.line for segment in playlist.segments[:1]] + ([discontinuity.line] if discontinuity else [])
    if tag and first and tag.line > min(first):
        yield tag.line, f"it stands after line {min(first)}, where what it counts begins"


@rule(
    "discontinuity-sequence-missing",
    Level.MUST,
    "6.2.2",
    fix="add EXT-X-DISCONTINUITY-SEQUENCE, and raise it by one for each EXT-X-DISCONTINUITY that is removed",
)
def sliding_playlist_counts_discontinuities(playlist: Playlist) -> Broken:
    """A playlist that removes segments and has discontinuities has EXT-X-DISCONTINUITY-SEQUENCE."""
    if _is_sliding(playlist) and _uncounted_discontinuity(playlist):
        yield _uncounted_discontinuity(playlist), "segments have been removed, and nothing counts the discontinuities"


@rule(
    "discontinuity-sequence-absent",
    Level.NOTE,
    "4.4.3.3",
    fix="write EXT-X-DISCONTINUITY-SEQUENCE:0: without it players differ once the playlist changes",
)
def growing_playlist_counts_discontinuities(playlist: Playlist) -> Broken:
    """A playlist that still grows had better say where its discontinuities are counted from."""
    if not playlist.ended and not _is_sliding(playlist) and _uncounted_discontinuity(playlist):
        yield _uncounted_discontinuity(playlist), "there are discontinuities and no EXT-X-DISCONTINUITY-SEQUENCE"


@rule("media-sequence-missing", Level.NOTE, "6.2.2", fix="write EXT-X-MEDIA-SEQUENCE: no segment may go without it")
def live_playlist_counts_segments(playlist: Playlist) -> Broken:
    """A live playlist needs EXT-X-MEDIA-SEQUENCE before it may remove its first segment."""
    if _is_live(playlist) and not playlist.all("EXT-X-MEDIA-SEQUENCE"):
        yield None, "there is no EXT-X-MEDIA-SEQUENCE"


@rule("vod-without-endlist", Level.MUST, "6.2.1", fix="append EXT-X-ENDLIST, or call it EVENT while it grows")
def vod_has_ended(playlist: Playlist) -> Broken:
    """A VOD playlist cannot change: it has its last segment, and so EXT-X-ENDLIST."""
    if playlist.type == "VOD" and not playlist.ended:
        yield None, "EXT-X-PLAYLIST-TYPE is VOD and there is no EXT-X-ENDLIST"


@rule("live-playlist-short", Level.SHOULD, "6.2.2", fix="keep at least three target durations in the playlist")
def live_playlist_is_long_enough(playlist: Playlist) -> Broken:
    """No segment is removed if less than three target durations are left."""
    target = playlist.target
    skipped = "EXT-X-SKIP" in playlist.tags  # a delta update does not show what it has
    if target and _is_sliding(playlist) and not skipped and playlist.duration < 3 * target:
        # SHOULD, although the section says MUST: a sequence may start above 0 without anything removed.
        yield None, f"{_seconds(playlist.duration)} s are listed, three target durations are {3 * target} s"


@rule("no-segments", Level.NOTE, "6.2.1", fix="publish a playlist when it has its first segment")
def has_segments(playlist: Playlist) -> Broken:
    """A playlist without segments cannot be played."""
    if not playlist.segments and not playlist.all("EXT-X-PART"):
        yield None, "it lists no segment"


@rule("extinf-missing", Level.MUST, "4.4.4.1", fix="write #EXTINF:<duration>, above the URI")
def segments_have_durations(playlist: Playlist) -> Broken:
    """Each segment has EXTINF."""
    for segment in playlist.segments:
        if segment.tag("EXTINF") is None:
            yield segment.line, f"{segment.uri} has no EXTINF"


@rule("extinf-without-uri", Level.MUST, "4.4.4.1", fix="write the segment's URI below it")
def durations_have_segments(playlist: Playlist) -> Broken:
    """Each EXTINF is followed by the URI of its segment."""
    pending: Tag | None = None
    for item in playlist.items:
        if isinstance(item, Uri):
            pending = None
        elif item.name == "EXTINF":
            if pending:
                yield pending.line, f"no URI follows before the next EXTINF (line {item.line})"
            pending = item
    if pending:
        yield pending.line, "no URI follows"


@rule("extinf-malformed", Level.MUST, "4.4.4.1", fix="write #EXTINF:<seconds>, with digits and at most one point")
def durations_are_numbers(playlist: Playlist) -> Broken:
    """The duration is a decimal number without sign or blanks."""
    for tag in playlist.all("EXTINF"):
        if parse_extinf(tag.value) is None:
            yield tag.line, f"'{tag.value}' does not begin with a duration"


@rule("extinf-comma", Level.SHOULD, "4.4.4.1", fix="write a comma after the duration, also when no title follows")
def durations_end_with_a_comma(playlist: Playlist) -> Broken:
    """A comma stands between the duration and the title, which may be empty; most players do without."""
    for tag in playlist.all("EXTINF"):
        if "," not in tag.value:
            yield tag.line, f"no comma after '{tag.value}'"


@rule("byterange-malformed", Level.MUST, "4.4.4.2", fix="write <length>[@<start>] in bytes")
def byte_ranges_are_well_formed(playlist: Playlist) -> Broken:
    """EXT-X-BYTERANGE, and the BYTERANGE of EXT-X-MAP and EXT-X-PART, are ``length[@start]``."""
    ranges = [(tag.line, tag.value) for tag in playlist.all("EXT-X-BYTERANGE")]
    for tag in (*playlist.all("EXT-X-MAP"), *playlist.all("EXT-X-PART")):
        if (value := tag.attributes.text("BYTERANGE")) is not None:
            ranges.append((tag.line, value))
    for line, value in ranges:
        if parse_byterange(value) is None and "{$" not in value:
            yield line, f"'{value}' is no byte range"


@rule("byterange-start-missing", Level.MUST, "4.4.4.2", fix="write the start: <length>@<start>")
def byte_ranges_have_a_start(playlist: Playlist) -> Broken:
    """A range without a start continues the range right before it, of the same resource."""
    for segment in playlist.segments:
        after_skip = segment.tag("EXT-X-SKIP") is not None  # the segment before is not shown
        if segment.byterange and segment.byterange.start is None and not after_skip:
            yield segment.line, f"no range of {segment.uri} comes right before it, so it needs a start"


@rule("map-missing", Level.MUST, "3.1.2", fix='write #EXT-X-MAP:URI="<init segment>" above the first of them')
def fmp4_has_an_init_segment(playlist: Playlist) -> Broken:
    """Each fMP4 segment has an EXT-X-MAP applied to it."""
    for segment in playlist.segments:
        after_skip = "EXT-X-SKIP" in playlist.tags  # the tag may be among what was skipped
        if segment.map is None and not segment.gap and not after_skip and _FMP4.fullmatch(segment.uri):
            yield segment.line, f"no EXT-X-MAP is applied to {segment.uri}"
            return  # one finding tells it all


@rule(
    "map-change-unmarked",
    Level.SHOULD,
    "6.2.1",
    fix="write EXT-X-DISCONTINUITY before the new EXT-X-MAP if the encoding changes with it",
)
def new_maps_come_with_a_discontinuity(playlist: Playlist) -> Broken:
    """A change of encoding parameters is a discontinuity; a new init segment usually is one."""
    for before, segment in pairwise(playlist.segments):
        changed = before.map and segment.map and before.map.attributes != segment.map.attributes
        if changed and not segment.discontinuity:
            yield segment.line, f"from {segment.uri} another init segment applies, without EXT-X-DISCONTINUITY"


@rule("map-not-repeated", Level.NOTE, "4.4.4.5", fix="write EXT-X-MAP again after each EXT-X-DISCONTINUITY")
def maps_are_repeated(playlist: Playlist) -> Broken:
    """EXT-X-MAP lasts, also over a discontinuity; some players drop it there."""
    for segment in playlist.segments:
        if segment.discontinuity and segment.map and segment.tag("EXT-X-MAP") is None:
            yield segment.line, "EXT-X-DISCONTINUITY without a new EXT-X-MAP"


@rule("key-none", Level.MUST, "4.4.4.4", fix="leave the other attributes out, or name the real METHOD")
def no_encryption_has_no_key(playlist: Playlist) -> Broken:
    """METHOD=NONE stands alone."""
    for tag in playlist.all("EXT-X-KEY"):
        others = [name for name in tag.attributes if name != "METHOD"]
        if tag.attributes.get("METHOD") == "NONE" and others:
            yield tag.line, f"METHOD=NONE with {', '.join(others)}"


@rule("key-uri", Level.MUST, "4.4.4.4", fix="add the URI of the key")
def keys_have_a_uri(playlist: Playlist) -> Broken:
    """Every METHOD but NONE needs a URI."""
    for tag in playlist.all("EXT-X-KEY"):
        method = tag.attributes.get("METHOD")
        if method not in (None, "NONE") and "URI" not in tag.attributes:
            yield tag.line, f"METHOD={method} without URI"


@rule("map-iv", Level.MUST, "4.4.4.5", fix="give the EXT-X-KEY above EXT-X-MAP an IV, or put EXT-X-MAP above the key")
def encrypted_maps_have_an_iv(playlist: Playlist) -> Broken:
    """An init segment has no sequence number: encrypted with AES-128, it needs an IV."""
    key: Tag | None = None
    for item in playlist.items:
        if isinstance(item, Uri):
            continue
        if item.name == "EXT-X-KEY":
            key = item
        elif item.name == "EXT-X-MAP" and key and _needs_iv(key):
            yield item.line, f"the AES-128 key that applies to it (line {key.line}) has no IV"


@rule("discontinuity-first", Level.NOTE, "4.4.4.3", fix="leave out EXT-X-DISCONTINUITY before the very first segment")
def nothing_before_the_first_segment(playlist: Playlist) -> Broken:
    """A discontinuity is a change to the segment before; the first of all has none."""
    first = next(iter(playlist.segments), None)
    if first and first.discontinuity and first.number == 0:
        yield first.line, "EXT-X-DISCONTINUITY stands before the first segment ever"


@rule("start-offset", Level.SHOULD, "4.4.2.2", fix="choose a TIME-OFFSET inside the playlist, not near a live end")
def start_is_inside(playlist: Playlist) -> Broken:
    """EXT-X-START lies inside the playlist, and in a live one not within three target durations of its end."""
    tag = playlist.first("EXT-X-START")
    offset = tag.attributes.number("TIME-OFFSET") if tag else None
    if tag is None or offset is None or "EXT-X-SKIP" in playlist.tags:
        return
    duration, margin = playlist.duration, 3 * (playlist.target or 0)
    if abs(offset) > duration:
        yield tag.line, f"{_seconds(offset)} s is outside the {_seconds(duration)} s that are listed"
    elif not playlist.ended and (duration - offset if offset >= 0 else -offset) < margin:
        yield tag.line, f"{_seconds(offset)} s is less than three target durations ({margin} s) from the live end"


def _needs_iv(key: Tag) -> bool:
    """Whether only the IV attribute could tell the initialization vector of what has no sequence number."""
    return key.attributes.get("METHOD") == "AES-128" and "IV" not in key.attributes


def _is_live(playlist: Playlist) -> bool:
    """A live playlist (6.2.2): segments may be removed from it."""
    return not playlist.ended and playlist.type is None


def _is_sliding(playlist: Playlist) -> bool:
    """As far as one version shows: live, and its first segment is not number 0."""
    return _is_live(playlist) and (playlist.integer("EXT-X-MEDIA-SEQUENCE") or 0) > 0


def _uncounted_discontinuity(playlist: Playlist) -> int | None:
    """The line of the first EXT-X-DISCONTINUITY in a playlist that does not count them."""
    tag = playlist.first("EXT-X-DISCONTINUITY")
    return tag.line if tag and not playlist.all("EXT-X-DISCONTINUITY-SEQUENCE") else None


def _rounded(duration: Fraction) -> int:
    """To the nearest integer, halves up, as clients do."""
    return (2 * duration.numerator + duration.denominator) // (2 * duration.denominator)


def _seconds(duration: Fraction) -> str:
    return f"{float(duration):.6f}".rstrip("0").rstrip(".")


CHECKS = (
    has_target_duration,
    segments_fit_target_duration,
    media_sequence_comes_first,
    discontinuity_sequence_comes_first,
    sliding_playlist_counts_discontinuities,
    growing_playlist_counts_discontinuities,
    live_playlist_counts_segments,
    vod_has_ended,
    live_playlist_is_long_enough,
    has_segments,
    segments_have_durations,
    durations_have_segments,
    durations_are_numbers,
    durations_end_with_a_comma,
    byte_ranges_are_well_formed,
    byte_ranges_have_a_start,
    fmp4_has_an_init_segment,
    new_maps_come_with_a_discontinuity,
    maps_are_repeated,
    no_encryption_has_no_key,
    keys_have_a_uri,
    encrypted_maps_have_an_iv,
    nothing_before_the_first_segment,
    start_is_inside,
)
