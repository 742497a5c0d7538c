"""What ffmpeg is given to make an MP4: playlists of pieces, lists to be joined, argv. Pure; each flag says why.

ffmpeg runs in a folder of its own, and names its files relative to it. Times stay those of the run's containers until
the last step (``-copyts``), so that sound and pictures keep their distance.
"""

from __future__ import annotations

from collections.abc import Sequence

from livedvr.media.movie import Pictures
from livedvr.resources.times import SECOND, format_seconds
from livedvr.timeline.segment import Segment

NEAR = 500  # microseconds: so far from a time no other picture is
TIMESCALE = 90_000  # of every intermediate's video: files that are joined must have one

_PROFILES = {"Constrained Baseline": "baseline", "Baseline": "baseline", "Main": "main", "High": "high"}
# How far B-frames are decoded ahead of being shown, and the x264 settings that come to the same.
_DELAYS = {0: "bframes=0", 1: "bframes=2:b-pyramid=none", 2: "bframes=3:b-pyramid=normal"}


def can_be_joined(like: Pictures) -> bool:
    """Whether x264 can make pictures that stand in one track with these."""
    fits = like.codec == "h264" and like.pixels in ("yuv420p", "yuvj420p")
    return fits and like.profile in _PROFILES and like.delay in _DELAYS


def playlist(init: str | None, segments: Sequence[tuple[str, Segment]]) -> str:
    """A media playlist of these files, by which ffmpeg opens one after another and sees one stream."""
    longest = max(segment.duration for _, segment in segments)
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-PLAYLIST-TYPE:VOD"]
    lines += [f"#EXT-X-TARGETDURATION:{-(-longest // SECOND)}"]
    lines += [f'#EXT-X-MAP:URI="{init}"'] if init else []
    for name, segment in segments:
        lines += [f"#EXTINF:{format_seconds(segment.duration)},", name]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def joined(files: Sequence[tuple[str, int]]) -> str:
    """A list for the concat demuxer: files (names of ours, nothing to be quoted) and how long each lasts."""
    lines = ["ffconcat version 1.0"]
    for name, duration in files:
        lines += [f"file '{name}'", f"duration {format_seconds(duration)}"]
    return "\n".join([*lines, ""])


def head(binary: str) -> list[str]:
    """The beginning of every argv."""
    return [
        binary,
        "-hide_banner",
        "-nostdin",  # nobody types
        *("-loglevel", "warning"),
        "-y",  # what a killed attempt has left is written anew
        *("-progress", "pipe:1"),  # how far it is, for us
    ]


def from_playlist(name: str) -> list[str]:
    """A `playlist` as an input."""
    return [
        *("-protocol_whitelist", "file"),  # nothing but files of this machine
        *("-f", "hls"),
        *("-allowed_extensions", "ALL"),  # .m4s is not on every version's list
        *("-i", name),
    ]


def from_list(name: str) -> list[str]:
    """A list of files, see `joined`, as an input."""
    return ["-protocol_whitelist", "file", "-f", "concat", "-i", name]


def _mp4(name: str, *, last: bool, shifted: bool = False) -> list[str]:
    """``shifted``: its times are those of the run's containers."""
    return [
        *("-map_metadata", "-1"),  # nothing of how it was made
        *("-video_track_timescale", str(TIMESCALE)),
        # What comes first is shown or heard at 0; what is decoded earlier an edit list holds back.
        *("-avoid_negative_ts", "make_zero" if shifted else "disabled"),
        # The index goes to the front: it plays while it loads.
        *(("-movflags", "+faststart") if last else ()),
        *("-f", "mp4"),
        name,
    ]


def remux(binary: str, main: str, sound: str | None, target: str, *, last: bool) -> list[str]:
    """Pieces as they are: the streams of ``main``, or its pictures and the sound of another playlist."""
    if sound is None:
        taken = [*from_playlist(main), *("-map", "0:v:0?", "-map", "0:a:0?")]
    else:
        taken = [*from_playlist(main), *from_playlist(sound), *("-map", "0:v:0?", "-map", "1:a:0")]
    return [*head(binary), "-copyts", *taken, *("-c", "copy"), *_mp4(target, last=last, shifted=True)]


def join(binary: str, files: str, target: str) -> list[str]:
    """One file of several pieces."""
    return [*head(binary), *from_list(files), *("-map", "0"), *("-c", "copy"), *_mp4(target, last=True)]


def encode(binary: str, main: str, target: str, like: Pictures, first: int, last: int) -> list[str]:
    """The pictures from the one shown at ``first`` up to the one at ``last`` (container time), encoded anew."""
    trim = f"trim=start={format_seconds(max(0, first - NEAR))}:end={format_seconds(last + NEAR)}"
    return [
        *head(binary),
        "-copyts",
        *from_playlist(main),
        *("-map", "0:v:0"),
        *("-vf", f"{trim},setpts=PTS-STARTPTS"),
        *_encoder(like),
        *("-fps_mode", "passthrough"),  # each picture once, at its time
        *("-enc_time_base", f"1/{TIMESCALE}"),  # not counted in frames
        *_mp4(target, last=False, shifted=True),
    ]


def _encoder(like: Pictures) -> list[str]:
    # Near what cannot be told from the source, in the time of the source: it is short, or wanted so.
    quality = ["-preset", "veryfast", "-crf", "18", "-pix_fmt", like.pixels]
    if can_be_joined(like):
        # As many pictures are decoded ahead as in what follows: else decoding times would overlap where it is joined.
        ahead = ["-x264-params", _DELAYS[like.delay]]
        return ["-c:v", "libx264", "-profile:v", _PROFILES[like.profile], *ahead, *quality]
    if like.codec == "hevc":
        return ["-c:v", "libx265", "-x265-params", "log-level=error", *quality]
    return ["-c:v", "libx264", *quality]


def copy_pictures(binary: str, main: str, target: str) -> list[str]:
    """The pictures as they are."""
    return [
        *head(binary),
        "-copyts",
        *from_playlist(main),
        *("-map", "0:v:0"),
        *("-c", "copy"),
        *_mp4(target, last=False, shifted=True),
    ]


def copy_sound(binary: str, playlist: str, target: str, start: int, end: int) -> list[str]:
    """The sound from ``start`` up to ``end`` (container time), whole frames of it (21 ms of AAC)."""
    return [
        *head(binary),
        "-copyts",
        *from_playlist(playlist),
        *("-map", "0:a:0"),
        *("-c", "copy"),
        *("-ss", format_seconds(max(0, start)), "-to", format_seconds(max(0, end))),  # of what is written
        *("-f", "nut"),
        target,
    ]


def assemble(binary: str, pictures: str | None, sound: str | None, later: int, target: str, *, last: bool) -> list[str]:
    """A piece of joined pictures (a list) and its sound, which begins ``later`` microseconds after them, or before."""
    given, maps = [], []
    if pictures is not None:
        given, maps = [*_later(max(0, -later)), *from_list(pictures)], ["-map", "0:v:0"]
    if sound is not None:
        given = [*given, *_later(max(0, later)), "-f", "nut", "-i", sound]
        maps += ["-map", f"{1 if pictures else 0}:a:0"]
    return [*head(binary), *given, *maps, *("-c", "copy"), *_mp4(target, last=last)]


def _later(offset: int) -> list[str]:
    return ["-itsoffset", format_seconds(offset)] if offset else []
