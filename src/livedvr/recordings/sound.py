"""Makes the sound of a take: one wav, cut to the sample. ffmpeg reads the channel's segments and writes it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from livedvr.clips import command as clip_command
from livedvr.clips.child import run_ffmpeg
from livedvr.clips.mp4 import MEDIA
from livedvr.clips.pieces import Piece, Track
from livedvr.ingest.command import CONTAINER_OFFSET
from livedvr.media.file_facts import FileFacts, file_facts
from livedvr.media.reader import read_media, timestamp_difference
from livedvr.recordings import command
from livedvr.recordings.takes import Take
from livedvr.resources.errors import LiveDvrError
from livedvr.resources.layout import init_name, segment_name
from livedvr.resources.models import Channel
from livedvr.resources.recording import RecordingSpec
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import ChannelTimeline


@dataclass(frozen=True, slots=True)
class _Found:
    """``shift``: from UTC to what the container says. ``rate`` in Hz."""

    shift: int
    rate: int
    channels: int


class SoundMaker:
    """Makes wavs in ``folder``.

    Args:
        folder: has a link `MEDIA` to ``root``, where the channel's segments lie.
    """

    def __init__(
        self, ffmpeg: str, channel: Channel, known: ChannelTimeline, root: Path, folder: Path, spec: RecordingSpec
    ) -> None:
        self._ffmpeg = ffmpeg
        self._channel = channel
        self._known = known
        self._root = root
        self._folder = folder
        self._spec = spec

    async def make(self, take: Take, name: str) -> FileFacts:
        """Make ``name.wav``, all of it as its first piece is: a source may come back as another."""
        files, like = [], None
        for number, piece in enumerate(take.pieces):
            track = piece.sound or piece.main
            if not self._channel.audio_of(self._channel.mux_stream(track.mux)):
                raise LiveDvrError("there is no sound in it", field="spec.formats")
            segments = self._around(track)
            found = await asyncio.to_thread(self._look, track.mux, segments[0])
            like = like or found
            target = f"{name}-{number}.wav" if len(take.pieces) > 1 else f"{name}.wav"
            await self._cut(piece, track.mux, segments, found, like, target)
            files.append((target, (await asyncio.to_thread(file_facts, self._folder / target)).duration))
        if len(files) > 1:
            (self._folder / f"{name}.txt").write_text(clip_command.joined(files))
            argv = command.join_sound(self._ffmpeg, f"{name}.txt", f"{name}.wav")
            await run_ffmpeg(argv, self._folder, lambda _: None)
        return await asyncio.to_thread(file_facts, self._folder / f"{name}.wav")

    async def _cut(
        self, piece: Piece, mux: str, segments: list[Segment], found: _Found, like: _Found, target: str
    ) -> None:
        times = (max(0, piece.start + found.shift), max(0, piece.end + found.shift))
        container = self._channel.mux_stream(mux).container
        init = f"{MEDIA}/{init_name(mux, segments[0].run)}" if container == "fmp4" else None
        listed = [(f"{MEDIA}/{segment_name(mux, s.run, s.index, container)}", s) for s in segments]
        playlist = f"{target}.m3u8"
        (self._folder / playlist).write_text(clip_command.playlist(init, listed))
        rate, channels = self._spec.sample_rate or like.rate, 1 if self._spec.mono else like.channels
        argv = command.cut_sound(self._ffmpeg, playlist, target, times, rate, channels)
        await run_ffmpeg(argv, self._folder, lambda _: None)

    def _around(self, track: Track) -> list[Segment]:
        """With one more on each side: sound need not be cut where the pictures are."""
        timeline, segments = self._known.timeline, list(track.segments)
        before, after = timeline.before(track.mux, segments[0]), timeline.following(track.mux, segments[-1])
        near = [one for one in (before, *segments, after) if one is not None and not one.is_gap]
        return [one for one in near if (one.run, one.epoch) == (segments[0].run, segments[0].epoch)]

    def _look(self, mux: str, segment: Segment) -> _Found:
        """Blocking. What its container says of the sound; its clock may have begun again (C5)."""
        container = self._channel.mux_stream(mux).container
        path = self._root / segment_name(mux, segment.run, segment.index, container)
        init = self._root / init_name(mux, segment.run) if container == "fmp4" else None
        streams = read_media(path, init).streams
        sound = next((one for one in streams if one.info.kind == "audio"), None)
        if sound is None or sound.info.sample_rate is None:
            raise LiveDvrError("there is no sound in it", field="spec.formats")
        said = sound.first_pts
        media = said - timestamp_difference(said, segment.media_start + CONTAINER_OFFSET)
        return _Found(media - segment.start, sound.info.sample_rate, sound.info.channels or 1)
