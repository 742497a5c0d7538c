"""What the streams of a segment are, told from its bytes alone: which pictures, which sound.

ffmpeg that copies says nothing when its source becomes another one; what it writes does. Only headers are looked at: of
pictures the parameter sets before them, of sound the beginning of frames. The two containers are read in `fragments`
and `transport`; here is what they find.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livedvr.media.parameter_sets import Picture, is_h264_sps, is_hevc_sps, read_sps


@dataclass(frozen=True, slots=True)
class Sound:
    """What sound is: Hz, and channels where they can be told. The rate is that of its frames (HE-AAC has half)."""

    rate: int
    channels: int | None


@dataclass(frozen=True, slots=True)
class Traits:
    """What has been found so far. Each picture and sound stands once, in the order in which they came.

    ``frames``: how many access units of video. ``has_audio``: whether there is any sound. ``foreign``: access units
    that are no video of the codec that the container names. ``jumps``: how often the time of pictures goes on
    elsewhere, which only MPEG-TS shows.
    """

    pictures: tuple[Picture, ...] = ()
    sounds: tuple[Sound, ...] = ()
    frames: int = 0
    has_audio: bool = False
    foreign: int = 0
    jumps: int = 0

    def __add__(self, later: Traits) -> Traits:
        return Traits(
            tuple(dict.fromkeys(self.pictures + later.pictures)),
            tuple(dict.fromkeys(self.sounds + later.sounds)),
            self.frames + later.frames,
            self.has_audio or later.has_audio,
            self.foreign + later.foreign,
            self.jumps + later.jumps,
        )


_FOREIGN = 3  # access units: a single one may be what a loss on the way has left


def picture_of(unit: bytes, codec: str) -> Picture | None:
    """The picture that a NAL unit describes, of the stream's codec or of the other one: a source may change it.

    ffmpeg 5.1 and 9 go on writing H.265 as if it were the H.264 that was there before.
    """
    found = read_sps(codec, unit)
    if found is None and codec == "h264" and is_hevc_sps(unit):
        found = read_sps("hevc", unit)
    if found is None and codec == "hevc" and is_h264_sps(unit):
        found = read_sps("h264", unit)
    return found


def is_foreign(header: int, codec: str) -> bool:
    """Whether a NAL unit that begins with this byte is none of that codec, of H.264 and H.265.

    As H.264, pictures of H.265 are partitions of data, which no encoder of ours or anybody's makes (ITU-T H.264 table
    7-1, the Extended profile). As H.265, pictures of H.264 are of a layer that nobody has (ITU-T H.265 7.3.1.2).
    """
    if codec == "h264":
        return 2 <= header & 0x1F <= 4
    return bool(header & 1)


def difference(known: Traits, found: Traits, *, whole: bool) -> str | None:
    """How what was found differs from what a run began with, for people; None if it goes on.

    Args:
        known: of the run's first segment.
        found: of another one.
        whole: that is over. Else nothing is said of what it lacks.
    """
    new = next((one for one in found.pictures if one not in known.pictures), None)
    if new is not None:
        return f"video {_pictures(known.pictures, new)}"
    if found.foreign >= _FOREIGN:
        return f"video {known.pictures[0].codec if known.pictures else ''} -> another codec"
    sound = next((one for one in found.sounds if known.sounds and not _goes_on(known.sounds, one)), None)
    if sound is not None:
        return f"audio {_sound(known.sounds[-1])} -> {_sound(sound)}"
    if whole and known.has_audio and found.frames and not found.has_audio:
        return "audio has gone"
    return None


def _goes_on(known: Sequence[Sound], one: Sound) -> bool:
    channels = [other.channels for other in known if other.channels]
    same = one.channels is None or not channels or one.channels in channels
    return same and any(other.rate == one.rate for other in known)


def _pictures(known: tuple[Picture, ...], new: Picture) -> str:
    size = f"{new.width}x{new.height}"
    if not known:
        return f"-> {size}"
    old = known[0]
    if old.codec != new.codec:
        return f"{old.codec} {old.width}x{old.height} -> {new.codec} {size}"
    if (old.width, old.height) != (new.width, new.height):
        return f"{old.width}x{old.height} -> {size}"
    if old.codec_string != new.codec_string:
        return f"{old.codec_string} -> {new.codec_string}"
    return f"{size} -> {size}, coded in another way"


def _sound(sound: Sound) -> str:
    return f"{sound.rate} Hz" + (f" {sound.channels} ch" if sound.channels else "")
