"""Makes one MP4 of pieces. ffmpeg reads the channel's segments and writes the file: no byte passes through Python."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from livedvr.clips import command
from livedvr.clips.child import run_ffmpeg
from livedvr.clips.pieces import Part, Piece, Track, parts_of, unlike
from livedvr.ingest.command import CONTAINER_OFFSET
from livedvr.ingest.ffmpeg import find_ffmpeg
from livedvr.media.movie import Movie, Pictures, look_at, read_pictures
from livedvr.media.reader import MediaError, timestamp_difference
from livedvr.resources.clip import Encoded
from livedvr.resources.errors import LiveDvrError, StorageError
from livedvr.resources.layout import Container, init_name, segment_name
from livedvr.resources.models import Channel
from livedvr.timeline.segment import Segment

RESULT = "whole.mp4"
CUT_PASSES = 3  # over what is cut: its pictures, its sound, both together
MEDIA = "media"  # a link to where the segments lie


@dataclass(frozen=True, slots=True)
class Made:
    """The file, how long it is (microseconds), and what of its pictures had to be encoded anew."""

    path: Path
    duration: int
    encoded: Encoded


class Mp4Maker:
    """Makes ``folder / RESULT``.

    Args:
        channel: whose segments these are.
        root: where they lie: the channel's output, or a folder with links to them.
        folder: exists, and is nobody else's.
        on_progress: told how much is done, 0 to 1.
    """

    def __init__(self, channel: Channel, root: Path, folder: Path, on_progress: Callable[[float], None]) -> None:
        self._channel = channel
        self._root = root
        self._folder = folder
        self._on_progress = on_progress
        self._encoded: set[Encoded] = set()
        self._done = self._whole = 0

    async def make(self, pieces: Sequence[Piece]) -> Made:
        """Make it; raises why that is not possible: StorageError where it is the disk."""
        try:
            return await self._make(pieces)
        except OSError as error:
            text, path = error.strerror or str(error), error.filename or self._folder
            raise StorageError(text, field=str(path)) from error

    async def _make(self, pieces: Sequence[Piece]) -> Made:
        (self._folder / MEDIA).symlink_to(self._root)
        self._ffmpeg = str((await asyncio.to_thread(find_ffmpeg)).path)
        alone = len(pieces) == 1
        total = sum(piece.duration for piece in pieces)
        passes = [piece.duration * (CUT_PASSES if piece.is_cut else 1) for piece in pieces]
        self._done, self._whole = 0, sum(passes) + (0 if alone else total)
        files = []
        for number, piece in enumerate(pieces):
            name = RESULT if alone else f"piece-{number}.mp4"
            work = (
                self._cut(piece, number, name, last=alone) if piece.is_cut else self._copy(piece, number, name, alone)
            )
            await work
            files.append((name, await self._look(name)))
        for (_, before), (_, after), piece in zip(files, files[1:], pieces[1:], strict=False):
            if before.streams != after.streams:
                raise unlike(piece.start, " and ".join(before.streams), " and ".join(after.streams))
        if not alone:
            self._write("pieces.txt", command.joined([(name, movie.duration) for name, movie in files]))
            await self._run(command.join(self._ffmpeg, "pieces.txt", RESULT), total)
        duration = (await self._look(RESULT)).duration
        encoded: Encoded = next((one for one in ("ALL", "EDGES") if one in self._encoded), "NOTHING")
        return Made(self._folder / RESULT, duration, encoded)

    async def _copy(self, piece: Piece, number: int, target: str, last: bool) -> None:
        main = self._playlist(f"main-{number}.m3u8", *_track(piece.main))
        sound = self._playlist(f"sound-{number}.m3u8", *_track(piece.sound)) if piece.sound else None
        await self._run(command.remux(self._ffmpeg, main, sound, target, last=last), piece.duration)

    async def _cut(self, piece: Piece, number: int, target: str, *, last: bool) -> None:
        """To the frame: the pictures of the segments at the edges anew, the others as they are; sound by whole frames
        of it."""
        mux, segments = self._channel.mux_stream(piece.main.mux), piece.main.segments
        has_pictures = self._channel.video_of(mux) is not None
        track = piece.sound or (piece.main if self._channel.audio_of(mux) else None)
        first = await self._read(mux.key, segments[0]) if has_pictures else None
        shift = self._shift(segments[0], first.times[0]) if first else CONTAINER_OFFSET
        start = segments[0].media_start + piece.start - segments[0].start + shift
        end = segments[-1].media_start + piece.end - segments[-1].start + shift
        began, pictures = start, None
        if first is not None:
            pictures = f"pictures-{number}.txt"
            began = await self._cut_pictures(piece, number, first, (start, end), pictures)
        sound, later = None, 0
        if track is not None:
            sound = f"sound-{number}.nut"
            playlist = self._playlist(f"sound-{number}.m3u8", track.mux, track.segments)
            await self._run(command.copy_sound(self._ffmpeg, playlist, sound, start, end), end - start)
            movie = await asyncio.to_thread(look_at, self._folder / sound)
            # ffmpeg counts what it has cut from the cut.
            sound, later = (sound, movie.start + start - began) if movie else (None, 0)
        if pictures is None and sound is None:
            raise LiveDvrError("there is no sound in it", field="slices")
        await self._run(command.assemble(self._ffmpeg, pictures, sound, later, target, last=last), end - start)

    async def _cut_pictures(
        self, piece: Piece, number: int, first: Pictures, times: tuple[int, int], target: str
    ) -> int:
        """A list of files with the pictures that are shown in [start, end); where they begin, container time."""
        mux, segments = piece.main.mux, piece.main.segments
        final = await self._read(mux, segments[-1])
        parts = parts_of(segments, first, final, times, (piece.starts_whole, piece.ends_whole))
        if not parts:
            raise LiveDvrError("there is no picture in it", field="slices")
        kept = [part.segments[0] for part in parts if part.is_kept]
        clean = [(await self._read(mux, segment)).is_clean for segment in kept]
        if not (command.can_be_joined(first) and all(clean)):
            parts = [Part(segments, parts[0].first, parts[-1].last, is_kept=False)]
            self._encoded.add("ALL")
        self._encoded.add("EDGES")
        starts = [part.first for part in parts] + [parts[-1].last + 1]
        for index, part in enumerate(parts):
            name = f"pictures-{number}-{index}"
            playlist = self._playlist(f"{name}.m3u8", mux, part.segments)
            if part.is_kept:
                argv = command.copy_pictures(self._ffmpeg, playlist, f"{name}.mp4")
            else:
                argv = command.encode(self._ffmpeg, playlist, f"{name}.mp4", first, part.first, part.last)
            await self._run(argv, starts[index + 1] - starts[index])
        lasts = [(f"pictures-{number}-{i}.mp4", starts[i + 1] - starts[i]) for i in range(len(parts))]
        self._write(target, command.joined(lasts))
        return starts[0]

    # what the steps are made of

    async def _run(self, argv: Sequence[str], length: int) -> None:
        """One pass over so many microseconds of media."""

        def on_progress(done: int) -> None:
            self._on_progress(min(1.0, (self._done + min(done, length)) / max(1, self._whole)))

        await run_ffmpeg(argv, self._folder, on_progress)
        on_progress(length)  # a short one says nothing in between
        self._done += length

    async def _look(self, name: str) -> Movie:
        found = await asyncio.to_thread(look_at, self._folder / name)
        if found is None:
            raise LiveDvrError("ffmpeg has written nothing that can be read", field=name)
        return found

    async def _read(self, mux: str, segment: Segment) -> Pictures:
        path, init = self._path(mux, segment), self._init(mux, segment)
        try:
            return await asyncio.to_thread(read_pictures, path, init)
        except MediaError as error:
            raise LiveDvrError(str(error)) from error

    @staticmethod
    def _shift(segment: Segment, picture: int) -> int:
        """From the run's media time to what the container says, whose clock may have begun again (C5)."""
        media = segment.media_start + CONTAINER_OFFSET
        return picture - timestamp_difference(picture, media) - segment.media_start

    def _playlist(self, name: str, mux: str, segments: Sequence[Segment]) -> str:
        init = self._init(mux, segments[0])
        names = [(self._named(self._path(mux, segment)), segment) for segment in segments]
        self._write(name, command.playlist(self._named(init) if init else None, names))
        return name

    def _named(self, path: Path) -> str:
        """As ffmpeg reads it: nothing of a user's path, which may hold what a URI may not."""
        return f"{MEDIA}/{path.relative_to(self._root)}"

    def _container(self, mux: str) -> Container:
        return self._channel.mux_stream(mux).container

    def _path(self, mux: str, segment: Segment) -> Path:
        return self._root / segment_name(mux, segment.run, segment.index, self._container(mux))

    def _init(self, mux: str, segment: Segment) -> Path | None:
        return self._root / init_name(mux, segment.run) if self._container(mux) == "fmp4" else None

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text)


def _track(track: Track) -> tuple[str, Sequence[Segment]]:
    return track.mux, track.segments


def files_of(channel: Channel, pieces: Sequence[Piece]) -> list[str]:
    """The names of all segments and init segments that the pieces need, each once."""
    names: dict[str, None] = {}
    tracks: list[Track] = [track for piece in pieces for track in (piece.main, piece.sound) if track]
    for track in tracks:
        container = channel.mux_stream(track.mux).container
        for segment in track.segments:
            if container == "fmp4":
                names[init_name(track.mux, segment.run)] = None
            names[segment_name(track.mux, segment.run, segment.index, container)] = None
    return list(names)
