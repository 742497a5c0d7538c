"""A playlist as it was written: tags and URIs with their line numbers, and what applies to each segment.

Reads anything, also what breaks the rules: judging is the business of `livedvr.hls.rules`. Pure text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache

from livedvr.hls.attributes import Attributes, is_type, parse_attributes
from livedvr.hls.rules_tags import ATTRIBUTE_TAGS, MEDIA_TAGS, MULTIVARIANT_TAGS

MICROSECONDS = 1_000_000

_REFERENCE = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")  # 4.3
_RANGE = re.compile(r"([0-9]{1,20})(?:@([0-9]{1,20}))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NONE = Attributes({})


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag line: ``#name:value``. `attributes` is empty unless the value is an attribute list."""

    name: str
    value: str
    line: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Uri:
    """One URI line."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class ByteRange:
    """``length[@start]`` (4.4.4.2), bytes; `start` None means: where the range before it ended."""

    length: int
    start: int | None


@dataclass(frozen=True, slots=True)
class Segment:
    """One media segment and what applies to it (4.4.4).

    Attributes:
        uri: as written, variables replaced.
        line: of its URI.
        number: its media sequence number.
        discontinuity_number: its discontinuity sequence number.
        tags: the tags between the segment before and this one.
        duration: EXTINF in seconds, exactly; None when there is none or it is no number.
        discontinuity: EXT-X-DISCONTINUITY is applied to it.
        gap: EXT-X-GAP is applied to it.
        date: EXT-X-PROGRAM-DATE-TIME, microseconds since the epoch; None when there is none or it is no date.
        map: the EXT-X-MAP in effect.
        keys: the EXT-X-KEYs in effect (one a KEYFORMAT); empty when it is not encrypted.
        byterange: EXT-X-BYTERANGE, with its start worked out where that can be.
    """

    uri: str
    line: int
    number: int
    discontinuity_number: int
    tags: tuple[Tag, ...]
    duration: Fraction | None
    discontinuity: bool
    gap: bool
    date: int | None
    map: Tag | None
    keys: tuple[Tag, ...]
    byterange: ByteRange | None

    def tag(self, name: str) -> Tag | None:
        """The last tag of that name that stands right before this segment."""
        return next((tag for tag in reversed(self.tags) if tag.name == name), None)

    @property
    def micros(self) -> int:
        """The duration in whole microseconds; 0 when it is not told."""
        extinf = self.tag("EXTINF")
        return 0 if extinf is None else _micros(extinf.value)


@dataclass(frozen=True)
class Playlist:
    """One playlist.

    Attributes:
        name: what findings call it.
        text: all of it.
        items: its tags and URIs in order; comments and blank lines are left out.
        tags: the same tags by name.
        segments: of a media playlist; empty in a multivariant one.
        variables: EXT-X-DEFINE names; the value is None where only the client could know it (4.3).
    """

    name: str
    text: str
    items: tuple[Tag | Uri, ...]
    tags: Mapping[str, tuple[Tag, ...]]
    segments: tuple[Segment, ...] = ()
    variables: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def is_multivariant(self) -> bool:
        """Whether it has a tag that only multivariant playlists may have (4.4.6)."""
        return not MULTIVARIANT_TAGS.isdisjoint(self.tags)

    @property
    def is_media(self) -> bool:
        """Whether it has a tag that only media playlists may have (4.4.3 to 4.4.5)."""
        return not MEDIA_TAGS.isdisjoint(self.tags)

    def all(self, name: str) -> tuple[Tag, ...]:
        """Every tag of that name, in order."""
        return self.tags.get(name, ())

    def first(self, name: str) -> Tag | None:
        """The first tag of that name."""
        return next(iter(self.all(name)), None)

    def integer(self, name: str, default: int | None = None) -> int | None:
        """The decimal-integer of the first tag of that name; `default` when it is not there or no integer."""
        tag = self.first(name)
        return int(tag.value) if tag and is_type("decimal-integer", tag.value) else default

    @property
    def target(self) -> int | None:
        """EXT-X-TARGETDURATION in seconds."""
        return self.integer("EXT-X-TARGETDURATION")

    @property
    def ended(self) -> bool:
        """Whether it has EXT-X-ENDLIST."""
        return "EXT-X-ENDLIST" in self.tags

    @property
    def type(self) -> str | None:
        """EXT-X-PLAYLIST-TYPE: ``EVENT``, ``VOD`` or None."""
        tag = self.first("EXT-X-PLAYLIST-TYPE")
        return tag.value if tag else None

    @property
    def first_number(self) -> int:
        """EXT-X-MEDIA-SEQUENCE: the media sequence number of its first segment; 0 when it is not told (4.4.3.2)."""
        return self.integer("EXT-X-MEDIA-SEQUENCE", 0) or 0

    @property
    def next_number(self) -> int:
        """The media sequence number of the segment that would be appended next."""
        return self.segments[-1].number + 1 if self.segments else self.first_number

    @property
    def duration(self) -> Fraction:
        """Seconds: the sum of its segments' durations."""
        # Integers by denominator, of which there is hardly more than one: a sum of fractions takes a gcd for each.
        sums: defaultdict[int, int] = defaultdict(int)
        for told in (segment.duration for segment in self.segments if segment.duration is not None):
            sums[told.denominator] += told.numerator
        return sum((Fraction(numerator, denominator) for denominator, numerator in sums.items()), Fraction(0))


def parse_playlist(
    text: str,
    name: str,
    *,
    imports: Mapping[str, str | None] | None = None,
    query: Mapping[str, str] | None = None,
) -> Playlist:
    """Read a playlist.

    Args:
        text: all of it.
        name: what findings call it.
        imports: the variables of the multivariant playlist, for EXT-X-DEFINE:IMPORT.
        query: the parameters of the playlist's own URI, for EXT-X-DEFINE:QUERYPARAM.
    """
    variables: dict[str, str | None] = {}
    items: list[Tag | Uri] = []
    tags: dict[str, list[Tag]] = {}
    for number, line in _lines(text):
        if "{$" in line:  # a reference is replaced by what was defined above it
            line = _REFERENCE.sub(lambda found: variables.get(found[1]) or found[0], line)
        if not line.startswith("#"):
            items.append(Uri(line, number))
        elif line.startswith("#EXT"):
            tag = _tag(line, number)
            items.append(tag)
            tags.setdefault(tag.name, []).append(tag)
            if tag.name == "EXT-X-DEFINE":
                _define(tag.attributes, variables, imports or {}, query or {})
    by_name = {key: tuple(found) for key, found in tags.items()}
    playlist = Playlist(name, text, tuple(items), by_name, variables=variables)
    if playlist.is_multivariant:
        return playlist
    return replace(playlist, segments=tuple(_Segments(playlist).read()))


def parse_date(text: str) -> int | None:
    """An ISO 8601 date and time (4.4.4.6) -> microseconds since the epoch; one without a zone counts as UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if "T" not in text:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // timedelta(microseconds=1)


def parse_byterange(text: str) -> ByteRange | None:
    """``length[@start]`` (4.4.4.2)."""
    found = _RANGE.fullmatch(text)
    return ByteRange(int(found[1]), int(found[2]) if found[2] else None) if found else None


# Of a day's 43,200 EXTINFs hardly two differ. Making a Fraction of each was a third of `livedvr check` (0.3 s of 0.9).
@lru_cache(maxsize=1024)
def parse_extinf(value: str) -> Fraction | None:
    """The duration of ``duration,[title]`` (4.4.4.1) in seconds, exactly."""
    number = value.partition(",")[0]
    return Fraction(number) if is_type("decimal-floating-point", number) else None


@lru_cache(maxsize=1024)
def _micros(extinf: str) -> int:
    duration = parse_extinf(extinf)
    return 0 if duration is None else round(duration * MICROSECONDS)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not blank; ended by LF or CR LF and by nothing else (4.1)."""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        stripped = line.strip()
        if stripped:
            yield number, stripped


def _tag(line: str, number: int) -> Tag:
    name, _, value = line[1:].partition(":")
    return Tag(name, value, number, parse_attributes(value) if name in ATTRIBUTE_TAGS else _NONE)


def _define(
    attributes: Attributes,
    variables: dict[str, str | None],
    imports: Mapping[str, str | None],
    query: Mapping[str, str],
) -> None:
    """EXT-X-DEFINE (4.4.2.3): a value of its own, of the multivariant playlist or of the URI's query."""
    if name := attributes.text("NAME"):
        variables[name] = attributes.text("VALUE")
    elif name := attributes.text("IMPORT"):
        variables[name] = imports.get(name)
    elif name := attributes.text("QUERYPARAM"):
        variables[name] = query.get(name)


class _Segments:
    """Walks a media playlist and carries what applies to the next segment."""

    def __init__(self, playlist: Playlist) -> None:
        self._playlist = playlist
        self._map: Tag | None = None
        self._keys: tuple[Tag, ...] = ()
        self._key_run = False  # keys that stand together offer the same key in several formats
        self._resource_end: tuple[str, int] | None = None  # where the byte range of the segment before ended

    def read(self) -> Iterator[Segment]:
        number = self._playlist.first_number
        discontinuities = self._playlist.integer("EXT-X-DISCONTINUITY-SEQUENCE", 0) or 0
        pending: list[Tag] = []
        for item in self._playlist.items:
            if isinstance(item, Tag):
                pending.append(item)
                self._apply(item)
                number += self._skipped(item)
                discontinuities += item.name == "EXT-X-DISCONTINUITY"
                continue
            self._key_run = False
            yield self._segment(item, number, discontinuities, tuple(pending))
            number += 1
            pending.clear()

    def _apply(self, tag: Tag) -> None:
        """Tags that last until the next of their kind: EXT-X-MAP and EXT-X-KEY (4.4.4.4, 4.4.4.5)."""
        if tag.name == "EXT-X-MAP":
            self._map = tag
        elif tag.name == "EXT-X-KEY":
            before = self._keys if self._key_run else ()
            same_format = tag.attributes.text("KEYFORMAT")
            kept = tuple(key for key in before if key.attributes.text("KEYFORMAT") != same_format)
            self._keys = () if tag.attributes.get("METHOD") == "NONE" else (*kept, tag)
            self._key_run = True

    @staticmethod
    def _skipped(tag: Tag) -> int:
        """EXT-X-SKIP stands for that many segments (4.4.5.2)."""
        skipped = tag.attributes.number("SKIPPED-SEGMENTS") if tag.name == "EXT-X-SKIP" else None
        return int(skipped or 0)

    def _segment(self, uri: Uri, number: int, discontinuities: int, tags: tuple[Tag, ...]) -> Segment:
        named = {tag.name: tag for tag in tags}
        extinf, date = named.get("EXTINF"), named.get("EXT-X-PROGRAM-DATE-TIME")
        return Segment(
            uri=uri.text,
            line=uri.line,
            number=number,
            discontinuity_number=discontinuities,
            tags=tags,
            duration=parse_extinf(extinf.value) if extinf else None,
            discontinuity="EXT-X-DISCONTINUITY" in named,
            gap="EXT-X-GAP" in named,
            date=parse_date(date.value) if date else None,
            map=self._map,
            keys=self._keys,
            byterange=self._byterange(uri.text, named.get("EXT-X-BYTERANGE")),
        )

    def _byterange(self, uri: str, tag: Tag | None) -> ByteRange | None:
        """A range without a start begins where the one before it, of the same resource, ended (4.4.4.2)."""
        found = parse_byterange(tag.value) if tag else None
        if found and found.start is None and self._resource_end and self._resource_end[0] == uri:
            found = ByteRange(found.length, self._resource_end[1])
        if found and found.start is not None:
            self._resource_end = (uri, found.start + found.length)
        else:
            self._resource_end = None
        return found
