"""Makes the MP4s of takes, whole and one track of them, each once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from livedvr.clips.child import run_ffmpeg
from livedvr.clips.mp4 import Mp4Maker
from livedvr.clips.pieces import Piece, Track
from livedvr.media.custom_begin import custom_begin
from livedvr.media.file_facts import FileFacts, file_facts
from livedvr.media.reader import read_media
from livedvr.recordings import command
from livedvr.recordings.takes import Take
from livedvr.resources.errors import LiveDvrError
from livedvr.resources.layout import init_name, segment_name
from livedvr.resources.models import Channel
from livedvr.resources.recording import TrackType

_STREAM: dict[TrackType, str] = {"AUDIO": "0:a:0", "VIDEO": "0:v:0"}


@dataclass(frozen=True, slots=True)
class Movie:
    """An MP4 of ours, and what is in it. ``custom_begin_ms``: what its sender says of its pictures."""

    path: Path
    facts: FileFacts
    custom_begin_ms: int | None = None

    @property
    def track(self) -> TrackType:
        """What is in it."""
        if self.facts.width is None:
            return "AUDIO"
        return "VIDEO" if self.facts.sample_rate is None else "AUDIO_VIDEO"


class MovieMaker:
    """Makes MP4s in ``folder``, of a channel's segments below ``root``."""

    def __init__(self, ffmpeg: str, channel: Channel, root: Path, folder: Path) -> None:
        self._ffmpeg = ffmpeg
        self._channel = channel
        self._root = root
        self._folder = folder
        self._made: dict[tuple[int, int, TrackType], Movie] = {}
        self._kinds: dict[Piece, tuple[object, ...]] = {}

    async def look(self, piece: Piece) -> None:
        """Find out what kind of media a piece is, for `differ`."""
        self._kinds[piece] = await asyncio.to_thread(self._kind, piece)

    def differ(self, before: Piece, after: Piece) -> bool:
        """Whether one MP4 cannot hold both as they are."""
        return self._kinds[before] != self._kinds[after]

    async def has(self, take: Take, track: TrackType) -> bool:
        """Whether there is such a track in it."""
        return (await self.make(take, "AUDIO_VIDEO")).track in (track, "AUDIO_VIDEO")

    async def make(self, take: Take, track: TrackType) -> Movie:
        """The whole of it, or one track."""
        key = (take.start, take.end, track)
        if key not in self._made:
            work = self._whole(take) if track == "AUDIO_VIDEO" else self._alone(take, track)
            self._made[key] = await work
        return self._made[key]

    async def _whole(self, take: Take) -> Movie:
        folder = self._folder / f"mp4-{len(self._made)}"
        folder.mkdir()
        made = await Mp4Maker(self._channel, self._root, folder, lambda _: None).make(take.pieces)
        facts, path = await asyncio.to_thread(file_facts, made.path), made.path
        if facts.start:  # segments that were taken whole may have something before their first picture
            path, facts = await self._copy(path, "0", "zero")
        said = None if facts.width is None else await asyncio.to_thread(self._said, take.pieces[0])
        return Movie(path, facts, said)

    def _said(self, piece: Piece) -> int | None:
        """Blocking. The pictures at the edges may have been encoded anew, so it is their source that is asked."""
        return custom_begin(*self._first(piece.main))

    async def _alone(self, take: Take, track: TrackType) -> Movie:
        whole = await self.make(take, "AUDIO_VIDEO")
        if whole.track == track:
            return whole
        if whole.track != "AUDIO_VIDEO":
            raise LiveDvrError(f"there is no {'sound' if track == 'AUDIO' else 'picture'} in it", field="spec.tracks")
        path, facts = await self._copy(whole.path, _STREAM[track], track.lower())
        return Movie(path, facts, whole.custom_begin_ms if track == "VIDEO" else None)

    async def _copy(self, source: Path, streams: str, name: str) -> tuple[Path, FileFacts]:
        path = source.with_name(f"{name}.mp4")
        argv = command.copy_mp4(self._ffmpeg, source.name, streams, path.name)
        await run_ffmpeg(argv, path.parent, lambda _: None)
        return path, await asyncio.to_thread(file_facts, path)

    def _kind(self, piece: Piece) -> tuple[object, ...]:
        """Blocking."""
        found: list[object] = []
        for track in (piece.main, piece.sound):
            if track is None:
                continue
            infos = (stream.info for stream in read_media(*self._first(track)).streams)
            found += [(one.codec, one.width, one.height, one.sample_rate, one.channels) for one in infos]
        return tuple(found)

    def _first(self, track: Track) -> tuple[Path, Path | None]:
        """Its first segment, and the init segment of that."""
        segment, container = track.segments[0], self._channel.mux_stream(track.mux).container
        init = self._root / init_name(track.mux, segment.run) if container == "fmp4" else None
        return self._root / segment_name(track.mux, segment.run, segment.index, container), init
