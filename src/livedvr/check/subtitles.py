"""WebVTT segments, held against what the playlists say and against the media beside them (RFC 8216bis 3.1.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from livedvr.check.load import MediaPlaylist
from livedvr.hls.parsed import MICROSECONDS, Playlist, Segment
from livedvr.hls.rules import Finding, Level
from livedvr.hls.rules_model import Rule
from livedvr.hls.webvtt import parse_webvtt
from livedvr.media.reader import timestamp_difference

# Cues count milliseconds, and renditions cut at frames of their own.
EDGE_LIMIT = 50_000

MAP_MISSING = Rule(
    "timestamp-map-missing", Level.SHOULD, "3.1.4", "write X-TIMESTAMP-MAP into the header, or let cues count from 0"
)
CUE_UNREADABLE = Rule("cue-unreadable", Level.SHOULD, "3.1.4", "write cue timings as 00:00:01.000 --> 00:00:02.000")
CUE_OUTSIDE = Rule(
    "cue-outside-segment",
    Level.SHOULD,
    "3.1.4",
    "list a cue in the segments it is shown in, and map its time to theirs",
)
EDGES_DIFFER = Rule("subtitle-edges-differ", Level.NOTE, "6.2.4", "cut subtitles where the video is cut")


@dataclass(frozen=True, slots=True)
class Subtitled:
    """A WebVTT segment. ``date``: where it starts, UTC microseconds, None if nothing says it.

    ``cues``: first and last timestamp of each, microseconds of the media's timeline.
    """

    segment: Segment
    date: int | None
    cues: tuple[tuple[int, int], ...]


def read_subtitles(segment: Segment, date: int | None, data: bytes) -> tuple[Subtitled, list[tuple[Rule, str]]]:
    """What a WebVTT segment shows, and what is wrong with it by itself; ValueError when it is no WebVTT."""
    read = parse_webvtt(data.decode(errors="replace"))
    wrong = [(CUE_UNREADABLE, f"{segment.uri}: '{line}' is no timing") for line in read.broken]
    if read.offset is None and read.cues:
        wrong.append((MAP_MISSING, f"{segment.uri} has no X-TIMESTAMP-MAP"))
    offset = read.offset or 0  # without the tag cue time is the media's
    return Subtitled(segment, date, tuple((cue.start + offset, cue.end + offset) for cue in read.cues)), wrong


def start_dates(playlist: Playlist) -> dict[int, int]:
    """Media sequence number -> UTC microseconds at which that segment starts, as far as the dates reach."""
    found: dict[int, int] = {}
    end: int | None = None
    for segment in playlist.segments:
        date = segment.date if segment.date is not None or segment.discontinuity else end
        if date is not None:
            found[segment.number] = date
        end = None if date is None else date + segment.micros
    return found


def check_subtitles(
    media: Sequence[MediaPlaylist],
    subtitled: Mapping[str, Sequence[Subtitled]],
    clocks: Mapping[str, Mapping[int, int]],
) -> Iterator[Finding]:
    """Findings about each subtitle rendition; ``subtitled`` and ``clocks`` are by the URL of the media playlist.

    ``clocks``: by discontinuity sequence number, the date at timestamp 0 in a rendition of audio or video.
    """
    reference = next((one for one in media if clocks.get(one.url)), None)
    if reference is None:
        return
    edges = sorted(start_dates(reference.playlist).values())
    for one in media:
        segments = subtitled.get(one.url, ())
        for subtitles in segments:
            clock = clocks[reference.url].get(subtitles.segment.discontinuity_number)
            if clock is not None and subtitles.date is not None:
                yield from _check_cues(one.playlist.name, subtitles, subtitles.date - clock)
        apart = [
            s for s in segments if s.date is not None and not any(abs(s.date - edge) <= EDGE_LIMIT for edge in edges)
        ]
        if apart:
            message = f"{apart[0].segment.uri} does not start where a segment of {reference.playlist.name} does"
            yield EDGES_DIFFER.at(one.playlist.name, apart[0].segment.line, message)


def _check_cues(name: str, subtitles: Subtitled, first: int) -> Iterator[Finding]:
    """``first``: the timestamp at which the segment starts."""
    segment = subtitles.segment
    for start, end in subtitles.cues:
        begins, ends = (timestamp_difference(time, first) for time in (start, end))
        if ends <= -EDGE_LIMIT or begins >= segment.micros + EDGE_LIMIT:
            where = f"from {begins / MICROSECONDS:.3f} to {ends / MICROSECONDS:.3f} s of it"
            yield CUE_OUTSIDE.at(
                name, segment.line, f"{segment.uri} has a cue {where}, and lasts {segment.micros / MICROSECONDS:.3f} s"
            )
