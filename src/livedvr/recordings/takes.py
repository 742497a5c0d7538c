"""What goes into one file of a recording, and how the files are called. Pure; UTC microseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from livedvr.clips.pieces import Piece, cut
from livedvr.resources.file_names import Values, filled, placeholders, stamp
from livedvr.resources.recording import RecordingFormat, RecordingSpec, Tracks, TrackType
from livedvr.timeline.segment import Window

SHORTEST = 100_000  # microseconds: what is shorter need not have a picture in it
SOUND_ALONE = frozenset({"WAV", "MP3", "AAC"})
_SUFFIX: dict[RecordingFormat, str] = {"HLS": "m3u8"}
_TRACKS: dict[Tracks, tuple[TrackType, ...]] = {
    "AV": ("AUDIO_VIDEO",),
    "AUDIO": ("AUDIO",),
    "VIDEO": ("VIDEO",),
    "SEPARATE": ("AUDIO", "VIDEO"),
}
_PLACE: dict[TrackType, int] = {"AUDIO_VIDEO": 0, "AUDIO": 1, "VIDEO": 2}  # among a spec's names of tracks


@dataclass(frozen=True, slots=True)
class Take:
    """Pieces that are joined, at least one."""

    pieces: tuple[Piece, ...]

    @property
    def start(self) -> int:
        """When it begins."""
        return self.pieces[0].start

    @property
    def end(self) -> int:
        """When it ends."""
        return self.pieces[-1].end

    def at(self, offset: int) -> int:
        """When that was which is so far from its beginning."""
        for piece in self.pieces[:-1]:
            if offset < piece.duration:
                return piece.start + offset
            offset -= piece.duration
        return self.pieces[-1].start + offset


def takes_of(pieces: Iterable[Piece], apart: Callable[[Piece, Piece], bool], longest: int | None = None) -> list[Take]:
    """The pieces, joined but where two are to be apart, none ``longest`` and more than 0.1 s long."""
    takes: list[list[Piece]] = []
    left, before = 0, None
    for piece in pieces:
        if before is None or apart(before, piece):
            takes.append([])
            left = longest or 0
        before = rest = piece
        while longest is not None and rest.duration > left + SHORTEST:
            if left >= SHORTEST:
                middle = rest.start + left
                first, rest = cut(rest, (Window(rest.start, middle), Window(middle, rest.end)))
                takes[-1].append(first)
            takes.append([])
            left = longest
        takes[-1].append(rest)
        left -= rest.duration
    return [Take(tuple(take)) for take in takes]


def tracks_of(spec: RecordingSpec, kind: RecordingFormat) -> tuple[TrackType, ...]:
    """What files of a format are of: a file for each."""
    if kind in SOUND_ALONE:
        return ("AUDIO",)
    return _TRACKS[spec.hls.tracks or spec.tracks if kind == "HLS" else spec.tracks]


def file_name(
    recording_id: str, spec: RecordingSpec, kind: RecordingFormat, track: TrackType, index: int, begin: int | None
) -> str | None:
    """A file's name below the output, as the pattern of its stem has it; None: it depends on when it begins."""
    pattern = spec.file_stem or (f"{recording_id}/main" if kind == "HLS" else recording_id)
    asked = placeholders(pattern)
    if len(tracks_of(spec, kind)) > 1 and "track" not in asked:
        pattern += "-{track}"
    if index > 1 and not asked & {"begin", "index"}:
        pattern += "-{index}"
    stem = filled(pattern, values_of(spec, track, index, begin))
    return stem and f"{stem}.{_SUFFIX.get(kind, kind.lower())}"


def segment_stem(spec: RecordingSpec, track: TrackType, index: int, begin: int) -> str:
    """A segment's name beside its playlist, without what names its container."""
    pattern = spec.hls.segment_stem
    if len(tracks_of(spec, "HLS")) > 1 and "track" not in placeholders(pattern):
        pattern += "-{track}"
    stem = filled(pattern, values_of(spec, track, index, begin))
    assert stem is not None
    return stem


def values_of(spec: RecordingSpec, track: TrackType, index: int, begin: int | None) -> Values:
    """What stands for the placeholders of a stem."""
    name = spec.track_names[_PLACE[track]]
    return {"begin": None if begin is None else stamp(begin), "index": index, "track": name}
