"""Makes the files of a recording from its spans. ffmpeg reads the channel's segments and writes them: no byte passes
through Python. Sound alone is cut to the sample, pictures to the frame, as an exact clip is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from livedvr.clips.child import run_ffmpeg
from livedvr.clips.mp4 import MEDIA
from livedvr.clips.pieces import Piece, pieces_of
from livedvr.clips.place import forget_left, work_folder
from livedvr.ingest.ffmpeg import find_ffmpeg
from livedvr.media.file_facts import FileFacts, file_facts
from livedvr.media.reader import MediaError
from livedvr.recordings import command, hls
from livedvr.recordings.movies import Movie, MovieMaker
from livedvr.recordings.place import local_root
from livedvr.recordings.placing import Placing
from livedvr.recordings.sound import SoundMaker
from livedvr.recordings.takes import (
    SHORTEST,
    SOUND_ALONE,
    Take,
    file_name,
    segment_stem,
    takes_of,
    tracks_of,
    values_of,
)
from livedvr.resources.errors import LiveDvrError, StorageError
from livedvr.resources.file_names import filled
from livedvr.resources.layout import SUFFIX
from livedvr.resources.models import Channel
from livedvr.resources.recording import Recording, RecordingFormat, TrackType
from livedvr.timeline.segment import Window
from livedvr.timeline.timeline import ChannelTimeline


@dataclass(frozen=True, slots=True)
class Rendered:
    """A file of a recording: its name below the output, what is in it, and of when it is (UTC microseconds)."""

    format: RecordingFormat
    track: TrackType
    index: int
    name: str
    facts: FileFacts
    begin: int
    end: int
    custom_begin_ms: int | None = None


async def render(
    recording: Recording, windows: Sequence[Window], channel: Channel, known: ChannelTimeline
) -> tuple[list[Rendered], int]:
    """Make the files in their place; with the length of the media, microseconds. Raises why that is not possible."""
    root = local_root(recording.spec.output_uri)
    placing = Placing(recording)
    await asyncio.to_thread(placing.take_back)  # of a controller that died
    name = f"{channel.channel_id}.{recording.recording_id}"
    await asyncio.to_thread(forget_left, root, name)
    with work_folder(root, name) as folder:
        try:
            return await _Renderer(recording, channel, known, folder, placing).render(windows)
        except OSError as error:
            raise StorageError(error.strerror or str(error), field=error.filename or str(folder)) from error
        except MediaError as error:
            raise LiveDvrError(str(error)) from error


def check_free(recording: Recording) -> None:
    """Blocking. ALREADY_EXISTS when something stands where its files will go, as far as their names are known."""
    spec, placing = recording.spec, Placing(recording)
    placing.keep()
    for kind in spec.formats:
        for track in tracks_of(spec, kind):
            name = file_name(recording.recording_id, spec, kind, track, 1, None)
            if name is not None:
                placing.check_free(name)


class _Renderer:
    """Makes one recording's files in a folder of its own."""

    def __init__(
        self, recording: Recording, channel: Channel, known: ChannelTimeline, folder: Path, placing: Placing
    ) -> None:
        self._recording, self._spec = recording, recording.spec
        self._channel = channel
        self._known = known
        self._folder = folder
        self._placing = placing
        self._root = local_root(channel.output.uri)
        self._listed = 0  # segments of HLS so far

    async def render(self, windows: Sequence[Window]) -> tuple[list[Rendered], int]:
        spec, channel = self._spec, self._channel
        self._ffmpeg = str((await asyncio.to_thread(find_ffmpeg)).path)
        (self._folder / MEDIA).symlink_to(self._root)
        key = spec.manifest_key or next(iter(channel.manifest_keys()), "main")
        planned = pieces_of(channel, key, windows, self._known, exact=True)
        # A glimpse between two pauses, or where an encoder has just come back, need not have a picture in it.
        pieces = [piece for piece in planned if piece.duration >= SHORTEST] or planned
        made: list[Rendered] = []
        length = 0
        if SOUND_ALONE & set(spec.formats):
            made, length = await self._sounds(pieces)
        if not set(spec.formats) <= SOUND_ALONE:
            movies, other = await self._movies(pieces)
            made, length = made + movies, length or other
        made.sort(key=lambda one: spec.formats.index(one.format))
        return made, length

    # sound alone

    async def _sounds(self, pieces: Sequence[Piece]) -> tuple[list[Rendered], int]:
        spec, made, length = self._spec, list[Rendered](), 0
        maker = SoundMaker(self._ffmpeg, self._channel, self._known, self._root, self._folder, spec)
        takes = takes_of(pieces, lambda *_: spec.split_at_pauses, self._longest())
        for index, take in enumerate(takes, 1):
            wav = await maker.make(take, f"sound-{index}")
            length += wav.duration
            for kind in spec.formats:
                if kind in SOUND_ALONE:
                    path, facts = await self._encoded(kind, f"sound-{index}.wav", wav)
                    made.append(await self._put(kind, "AUDIO", index, take, path, facts))
        return made, length

    async def _encoded(self, kind: RecordingFormat, wav: str, facts: FileFacts) -> tuple[Path, FileFacts]:
        if kind == "WAV":
            return self._folder / wav, facts
        path = (self._folder / wav).with_suffix(f".{kind.lower()}")
        argv = (command.to_mp3 if kind == "MP3" else command.to_aac)(self._ffmpeg, wav, path.name)
        await run_ffmpeg(argv, self._folder, lambda _: None)
        found = await asyncio.to_thread(file_facts, path)
        # ADTS says nothing of its length: who opens it guesses, by its first bit rate.
        return path, replace(found, duration=facts.duration) if kind == "AAC" else found

    # pictures and sound

    async def _movies(self, pieces: Sequence[Piece]) -> tuple[list[Rendered], int]:
        spec, made, length = self._spec, list[Rendered](), 0
        maker = MovieMaker(self._ffmpeg, self._channel, self._root, self._folder)
        for piece in pieces:
            await maker.look(piece)

        def apart(before: Piece, after: Piece) -> bool:
            return spec.split_at_pauses or maker.differ(before, after)

        for kind in spec.formats:
            if kind in SOUND_ALONE:
                continue
            takes = takes_of(pieces, apart, None if kind == "HLS" else self._longest())
            tracks = tracks_of(spec, kind)
            for track in tracks:
                self._listed = 0
                for index, take in enumerate(takes, 1):
                    if len(tracks) > 1 and not await maker.has(take, track):
                        continue
                    movie = await maker.make(take, track)
                    put = self._put_hls if kind == "HLS" else self._put_mp4
                    made.append(await put(index, take, movie))
            first = (made[-1].format, made[-1].track)
            length = sum(one.facts.duration for one in made if (one.format, one.track) == first)
        return made, length

    async def _put_mp4(self, index: int, take: Take, movie: Movie) -> Rendered:
        made = await self._put("MP4", movie.track, index, take, movie.path, movie.facts)
        return replace(made, custom_begin_ms=movie.custom_begin_ms)

    async def _put_hls(self, index: int, take: Take, movie: Movie) -> Rendered:
        """The segments, then the playlist: what is listed can be fetched."""
        spec, options = self._spec, self._spec.hls
        folder = self._folder / f"hls-{movie.track}-{index}"
        folder.mkdir()
        await run_ffmpeg(command.to_hls(self._ffmpeg, str(movie.path), options), folder, lambda _: None)
        name = self._name("HLS", movie.track, index, take)
        below, stem = name[: name.rfind("/") + 1], name[name.rfind("/") + 1 :].removesuffix(".m3u8")
        found = hls.read_listed((folder / "main.m3u8").read_text())
        listed, files, offset = list[tuple[str, int]](), list[tuple[str, Path]](), 0
        for made, duration in found:
            self._listed += 1
            called = segment_stem(spec, movie.track, self._listed, take.at(offset)) + f".{SUFFIX[options.container]}"
            listed.append((called, duration))
            files.append((below + called, folder / made))
            offset += duration
        init = f"{stem}-init.mp4" if options.container == "fmp4" else None
        if init is not None:
            files.insert(0, (below + init, folder / "init.mp4"))
        playlist = folder / "drawn.m3u8"
        playlist.write_text(hls.draw(options, self._header(take, movie, index), init, listed))
        files.append((name, playlist))
        for each, path in files:
            await asyncio.to_thread(self._placing.put, each, path)
        facts = replace(movie.facts, size=sum(path.stat().st_size for _, path in files), duration=offset)
        return Rendered("HLS", movie.track, index, name, facts, take.start, take.end, movie.custom_begin_ms)

    def _header(self, take: Take, movie: Movie, index: int) -> list[str]:
        values = {
            **values_of(self._spec, movie.track, index, take.start),
            "begin_ms": (take.start + 500) // 1000,
            "width": movie.facts.width,
            "height": movie.facts.height,
        }
        lines = (filled(line, values) for line in self._spec.hls.header)
        return [line for line in lines if line is not None]

    # all of them

    async def _put(
        self, kind: RecordingFormat, track: TrackType, index: int, take: Take, path: Path, facts: FileFacts
    ) -> Rendered:
        name = self._name(kind, track, index, take)
        await asyncio.to_thread(self._placing.put, name, path)
        return Rendered(kind, track, index, name, facts, take.start, take.end)

    def _name(self, kind: RecordingFormat, track: TrackType, index: int, take: Take) -> str:
        name = file_name(self._recording.recording_id, self._spec, kind, track, index, take.start)
        assert name is not None
        return name

    def _longest(self) -> int | None:
        longest = self._spec.max_file_duration
        return None if longest is None else longest // timedelta(microseconds=1)
