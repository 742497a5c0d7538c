"""Makes the files of a recording from its spans. ffmpeg reads the channel's segments and writes them: no byte passes
through Python. Sound alone is cut to the sample, pictures to the frame, as an exact clip is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from livedvr.clips import command as clip_command
from livedvr.clips.child import run_ffmpeg
from livedvr.clips.mp4 import MEDIA, Mp4Maker
from livedvr.clips.pieces import Piece, Track, plan_pieces
from livedvr.clips.place import forget_left, work_folder
from livedvr.ingest.command import CONTAINER_OFFSET
from livedvr.ingest.ffmpeg import find_ffmpeg
from livedvr.media.file_facts import FileFacts, file_facts
from livedvr.media.reader import MediaError, read_media, timestamp_difference
from livedvr.recordings import command
from livedvr.recordings.place import local_root, open_place
from livedvr.resources.errors import LiveDvrError, StorageError
from livedvr.resources.layout import init_name, segment_name
from livedvr.resources.models import Channel
from livedvr.resources.recording import Recording, RecordingFormat
from livedvr.storage.local import LocalStore
from livedvr.timeline.segment import Segment, Window
from livedvr.timeline.timeline import ChannelTimeline

SOUND_ALONE = frozenset({"WAV", "MP3", "AAC"})
SHORTEST = 100_000  # microseconds
MIME_TYPES: dict[RecordingFormat, str] = {
    "WAV": "audio/x-wav",
    "MP3": "audio/mpeg",
    "AAC": "audio/aac",
    "MP4": "video/mp4",
    "HLS": "application/vnd.apple.mpegurl",
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A file of a recording: its name below the output, and what is in it."""

    format: RecordingFormat
    name: str
    facts: FileFacts


def names_of(recording: Recording) -> dict[RecordingFormat, str]:
    """What is played of each format, below its output."""
    return {one: _name(recording.recording_id, one) for one in recording.spec.formats}


def _name(recording_id: str, kind: RecordingFormat) -> str:
    return f"{recording_id}/main.m3u8" if kind == "HLS" else f"{recording_id}.{kind.lower()}"


async def render(
    recording: Recording, windows: Sequence[Window], channel: Channel, known: ChannelTimeline
) -> tuple[list[Rendered], int]:
    """Make the files in their place; with the length of the media, microseconds. Raises why that is not possible."""
    target, root = open_place(recording.spec.output_uri), local_root(recording.spec.output_uri)
    await asyncio.to_thread(discard, recording)  # its places were free: a controller died right behind it
    name = f"{channel.channel_id}.{recording.recording_id}"
    await asyncio.to_thread(forget_left, root, name)
    with work_folder(root, name) as folder:
        try:
            return await _Renderer(recording, channel, known, folder, target).render(windows)
        except OSError as error:
            raise StorageError(error.strerror or str(error), field=error.filename or str(folder)) from error
        except MediaError as error:
            raise LiveDvrError(str(error)) from error


def discard(recording: Recording) -> None:
    """Blocking. What there is of its files goes."""
    store = open_place(recording.spec.output_uri)
    for kind, name in names_of(recording).items():
        store.delete(name)
        if kind == "HLS":
            for left in list(store.list(f"{recording.recording_id}/")):
                store.delete(left)


class _Renderer:
    """Makes one recording's files in a folder of its own."""

    def __init__(
        self, recording: Recording, channel: Channel, known: ChannelTimeline, folder: Path, target: LocalStore
    ) -> None:
        self._recording = recording
        self._channel = channel
        self._known = known
        self._folder = folder
        self._target = target
        self._root = local_root(channel.output.uri)

    async def render(self, windows: Sequence[Window]) -> tuple[list[Rendered], int]:
        spec, channel = self._recording.spec, self._channel
        key = spec.manifest_key or next(iter(channel.manifest_keys()), "main")
        planned = plan_pieces(channel, key, windows, self._known, exact=True)
        # A glimpse between two pauses, or where an encoder has just come back, need not have a picture in it.
        pieces = [piece for piece in planned if piece.duration >= SHORTEST] or planned
        self._ffmpeg = str((await asyncio.to_thread(find_ffmpeg)).path)
        (self._folder / MEDIA).symlink_to(self._root)
        wav, mp4, length = None, None, 0
        if SOUND_ALONE & set(spec.formats):
            wav = await self._sound(pieces)
            length = (await asyncio.to_thread(file_facts, self._folder / wav)).duration
        if {"MP4", "HLS"} & set(spec.formats):
            mp4 = await self._mp4(pieces)
            length = length or mp4.duration
        return [await self._make(kind, wav, mp4) for kind in spec.formats], length

    async def _make(self, kind: RecordingFormat, wav: str | None, mp4: _Mp4 | None) -> Rendered:
        name = _name(self._recording.recording_id, kind)
        if kind == "HLS":
            assert mp4 is not None
            return Rendered(kind, name, await self._hls(mp4))
        path = self._folder / (wav or "")
        if kind == "MP4":
            assert mp4 is not None
            path = mp4.path
        elif kind != "WAV":
            assert wav is not None
            path = self._folder / f"sound.{kind.lower()}"
            argv = (command.to_mp3 if kind == "MP3" else command.to_aac)(self._ffmpeg, wav, path.name)
            await self._run(argv)
        facts = await asyncio.to_thread(file_facts, path)
        if kind == "AAC":  # ADTS says nothing of its length: who opens it guesses, by its first bit rate
            facts = replace(facts, duration=(await asyncio.to_thread(file_facts, self._folder / (wav or ""))).duration)
        await asyncio.to_thread(self._target.put_new, name, path)
        return Rendered(kind, name, facts)

    async def _mp4(self, pieces: Sequence[Piece]) -> _Mp4:
        folder = self._folder / "mp4"
        folder.mkdir()
        made = await Mp4Maker(self._channel, self._root, folder, lambda _: None).make(pieces)
        return _Mp4(made.path, made.duration)

    async def _hls(self, mp4: _Mp4) -> FileFacts:
        """The segments, then the playlist: what is listed can be fetched."""
        folder, below = self._folder / "hls", self._recording.recording_id
        folder.mkdir()
        await run_ffmpeg(command.to_hls(self._ffmpeg, str(mp4.path)), folder, lambda _: None)
        facts = await asyncio.to_thread(file_facts, mp4.path)
        paths = sorted(path for path in folder.iterdir() if path.suffix in (".mp4", ".m4s", ".m3u8"))
        paths.sort(key=lambda path: path.suffix == ".m3u8")

        def put() -> int:
            for path in paths:
                self._target.put_new(f"{below}/{path.name}", path)
            return sum(path.stat().st_size for path in paths)

        size = await asyncio.to_thread(put)
        return FileFacts(size, facts.duration, facts.width, facts.height, facts.sample_rate, facts.channels)

    async def _sound(self, pieces: Sequence[Piece]) -> str:
        files = []
        for number, piece in enumerate(pieces):
            track = piece.sound or piece.main
            if not self._channel.audio_of(self._channel.mux_stream(track.mux)):
                raise LiveDvrError("there is no sound in it", field="spec.formats")
            name = f"sound-{number}.wav"
            await self._run(await self._cut(piece, track, number, name))
            files.append((name, (await asyncio.to_thread(file_facts, self._folder / name)).duration))
        if len(files) == 1:
            return files[0][0]
        (self._folder / "sound.txt").write_text(clip_command.joined(files))
        await self._run(command.join_sound(self._ffmpeg, "sound.txt", "sound.wav"))
        return "sound.wav"

    async def _cut(self, piece: Piece, track: Track, number: int, name: str) -> list[str]:
        segments = self._around(track)
        first = segments[0]
        shift, came = await asyncio.to_thread(self._look, track.mux, first)
        times = (max(0, piece.start + shift), max(0, piece.end + shift))
        container = self._channel.mux_stream(track.mux).container
        init = f"{MEDIA}/{init_name(track.mux, first.run)}" if container == "fmp4" else None
        listed = [(f"{MEDIA}/{segment_name(track.mux, s.run, s.index, container)}", s) for s in segments]
        playlist = f"sound-{number}.m3u8"
        (self._folder / playlist).write_text(clip_command.playlist(init, listed))
        spec = self._recording.spec
        return command.cut_sound(self._ffmpeg, playlist, name, times, spec.sample_rate or came, mono=spec.mono)

    def _around(self, track: Track) -> list[Segment]:
        """With one more on each side: sound need not be cut where the pictures are."""
        timeline, segments = self._known.timeline, list(track.segments)
        before, after = timeline.before(track.mux, segments[0]), timeline.following(track.mux, segments[-1])
        near = [one for one in (before, *segments, after) if one is not None and not one.is_gap]
        return [one for one in near if (one.run, one.epoch) == (segments[0].run, segments[0].epoch)]

    def _look(self, mux: str, segment: Segment) -> tuple[int, int]:
        """Blocking. From UTC to what the container says, whose clock may have begun again (C5); and the sound's Hz."""
        container = self._channel.mux_stream(mux).container
        path = self._root / segment_name(mux, segment.run, segment.index, container)
        init = self._root / init_name(mux, segment.run) if container == "fmp4" else None
        streams = read_media(path, init).streams
        sound = next((one for one in streams if one.info.kind == "audio"), None)
        if sound is None or sound.info.sample_rate is None:
            raise LiveDvrError("there is no sound in it", field="spec.formats")
        said = sound.first_pts
        media = said - timestamp_difference(said, segment.media_start + CONTAINER_OFFSET)
        return media - segment.start, sound.info.sample_rate

    async def _run(self, argv: Sequence[str]) -> None:
        await run_ffmpeg(argv, self._folder, lambda _: None)


@dataclass(frozen=True, slots=True)
class _Mp4:
    path: Path
    duration: int
