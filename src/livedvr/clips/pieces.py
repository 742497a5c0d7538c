"""What an MP4 is made of: pieces, each of one run without a break, in the best rendition. Pure; microseconds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from livedvr.media.movie import Pictures
from livedvr.resources.errors import FailedPrecondition, NotFound
from livedvr.resources.models import Channel
from livedvr.resources.times import format_time
from livedvr.timeline.segment import RunMedia, Segment, Window
from livedvr.timeline.timeline import ChannelTimeline

CLOSE = 1000  # microseconds: nearer than that two edges are one


@dataclass(frozen=True, slots=True)
class Track:
    """Segments of one rendition, one after another."""

    mux: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one run. ``main`` carries the pictures, or, in a channel without any, the sound.

    ``sound`` is a rendition of its own, None where ``main`` has it, or there is none. ``start`` and ``end``: UTC, what
    is taken of it.
    """

    main: Track
    sound: Track | None
    start: int
    end: int

    @property
    def run(self) -> str:
        """The run that it is of."""
        return self.main.segments[0].run

    @property
    def duration(self) -> int:
        """How long it is."""
        return self.end - self.start

    @property
    def starts_whole(self) -> bool:
        """Whether its first segment is not cut at its beginning."""
        return self.start <= self.main.segments[0].start + CLOSE

    @property
    def ends_whole(self) -> bool:
        """Whether its last segment is not cut at its end."""
        return self.end >= self.main.segments[-1].end - CLOSE

    @property
    def is_cut(self) -> bool:
        """Whether a segment is not taken whole."""
        return not (self.starts_whole and self.ends_whole)


@dataclass(frozen=True, slots=True)
class Part:
    """Segments whose pictures are taken in one go: kept as they are, or encoded anew from the one that is shown at
    ``first`` up to the one at ``last``; container time."""

    segments: tuple[Segment, ...]
    first: int
    last: int
    is_kept: bool


def parts_of(
    segments: tuple[Segment, ...], first: Pictures, final: Pictures, times: tuple[int, int], whole: tuple[bool, bool]
) -> list[Part]:
    """How the pictures shown in [start, end) of container time are taken: those of cut segments anew, the rest kept.

    ``first`` and ``final`` are the pictures of the first and the last segment; ``whole``: which of them is not cut.
    """
    start, end = times
    if len(segments) == 1:
        shown = [t for t in first.times if (whole[0] or t >= start) and (whole[1] or t < end)]
        return [Part(segments, shown[0], shown[-1], is_kept=False)] if shown else []
    heads = [] if whole[0] else [t for t in first.times if t >= start]
    tails = [] if whole[1] else [t for t in final.times if t < end]
    middle = segments[0 if whole[0] else 1 : len(segments) if whole[1] else -1]
    parts = [Part(segments[:1], heads[0], heads[-1], is_kept=False)] if heads else []
    if middle:
        # Where a segment ends the next one begins, to the picture.
        opening = first.times[0] if whole[0] else first.times[0] + segments[1].media_start - segments[0].media_start
        parts.append(Part(middle, opening, opening, is_kept=True))
    return parts + ([Part(segments[-1:], tails[0], tails[-1], is_kept=False)] if tails else [])


def plan_pieces(
    channel: Channel, manifest_key: str, windows: Sequence[Window], known: ChannelTimeline, *, exact: bool
) -> list[Piece]:
    """As `pieces_of`, for one file; FAILED_PRECONDITION where they cannot be joined without encoding them anew."""
    pieces = pieces_of(channel, manifest_key, windows, known, exact=exact)
    _check_alike(pieces, known)
    return pieces


def pieces_of(
    channel: Channel, manifest_key: str, windows: Sequence[Window], known: ChannelTimeline, *, exact: bool
) -> list[Piece]:
    """The pieces of these windows, in order: whole segments, or with ``exact`` no more than was asked for.

    NOT_FOUND without any media.
    """
    muxes = channel.manifest(manifest_key).mux_streams
    listed = {mux: list(known.timeline.listing(mux, windows)) for mux in muxes}
    videos = [mux for mux in muxes if channel.video_of(channel.mux_stream(mux))]
    sounds = [mux for mux in muxes if mux not in videos and channel.audio_of(channel.mux_stream(mux))]

    def worth(mux: str) -> tuple[bool, int, int]:
        segments = [one.segment for one in listed[mux]]
        media = [known.media.get(s.run, {}).get(mux) for s in segments if not s.is_gap]
        sizes = (math.prod(one.resolution) for one in media if one and one.resolution)
        return not any(s.is_gap for s in segments), max(sizes, default=0), sum(s.size for s in segments)

    candidates = [mux for mux in videos or sounds if any(not one.segment.is_gap for one in listed[mux])]
    if not candidates:
        raise NotFound("there is no media in it")
    main = max(candidates, key=worth)
    has_sound = channel.audio_of(channel.mux_stream(main)) is not None
    sound = None if has_sound or not sounds else sounds[0]
    pieces: list[Piece] = []
    for segments in _stretches([(one.segment, one.discontinuity) for one in listed[main]]):
        beside = _beside(segments, [one.segment for one in listed[sound]]) if sound else ()
        piece = Piece(
            Track(main, tuple(segments)),
            Track(sound, beside) if sound and beside else None,
            segments[0].start,
            segments[-1].end,
        )
        pieces += cut(piece, windows) if exact else [piece]
    return pieces


def _stretches(listed: Sequence[tuple[Segment, bool]]) -> Iterator[list[Segment]]:
    stretch: list[Segment] = []
    for segment, discontinuity in listed:
        if stretch and (discontinuity or segment.is_gap or segment.number != stretch[-1].number + 1):
            yield stretch
            stretch = []
        if not segment.is_gap:
            stretch.append(segment)
    if stretch:
        yield stretch


def _beside(segments: Sequence[Segment], sounds: Sequence[Segment]) -> tuple[Segment, ...]:
    """The segments of the sound that belong to a stretch: by their middle, as everywhere (W5)."""
    low, high = 2 * segments[0].media_start, 2 * segments[-1].media_end
    return tuple(
        s
        for s in sounds
        if (s.run, s.epoch, s.is_gap) == (segments[0].run, segments[0].epoch, False)
        and low <= s.media_start + s.media_end < high
    )


def cut(piece: Piece, windows: Sequence[Window]) -> Iterator[Piece]:
    """What the windows ask for of a piece; two of them may meet the same segment."""
    for window in windows:
        start, end = max(piece.start, window.start), min(piece.end, piece.end if window.end is None else window.end)
        if end - start <= CLOSE:
            continue
        main = tuple(s for s in piece.main.segments if s.end > start + CLOSE and s.start < end - CLOSE)
        sound = piece.sound and replace(
            piece.sound, segments=tuple(s for s in piece.sound.segments if s.end > start and s.start < end)
        )
        if main:
            yield Piece(replace(piece.main, segments=main), sound if sound and sound.segments else None, start, end)


def _check_alike(pieces: Sequence[Piece], known: ChannelTimeline) -> None:
    def media(piece: Piece) -> list[RunMedia | None]:
        of_run = known.media.get(piece.run, {})
        return [of_run.get(track.mux) if track else None for track in (piece.main, piece.sound)]

    def facts(piece: Piece) -> object:
        return [one and (one.codecs, one.resolution, one.channels) for one in media(piece)]

    for before, after in itertools.pairwise(pieces):
        if facts(before) != facts(after):
            texts = [" and ".join(one.text for one in media(piece) if one) or "none" for piece in (before, after)]
            raise unlike(after.start, *texts)


def unlike(at: int, before: str, after: str) -> FailedPrecondition:
    """Why pieces cannot be joined."""
    return FailedPrecondition(
        f"the media changes at {format_time(at)}, from {before} to {after}: one MP4 cannot hold both as they are",
        field="slices",
        hint="take what lies before and after it apart, or a clip of type MANIFEST, which may hold both",
    )
