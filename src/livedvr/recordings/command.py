"""What ffmpeg is given to make the files of a recording. Pure; each flag says why. Runs as `clips.command`'s."""

from __future__ import annotations

from livedvr.clips.command import from_list, from_playlist, head
from livedvr.resources.recording import HlsOptions
from livedvr.resources.times import SECOND, format_seconds


def cut_sound(binary: str, playlist: str, target: str, times: tuple[int, int], rate: int, channels: int) -> list[str]:
    """The sound from one time up to another (container time, not negative) at so many Hz, to the sample.

    Where there is none for more than 0.1 s, at its beginning and at its end, there is silence: it is as long as it is.
    """
    start, end = times
    first, length = start * rate // SECOND, (end - start) * rate // SECOND
    filters = [
        f"aresample={rate}:async=1:first_pts={first}",
        f"atrim=start={format_seconds(start)}",
        "asetpts=PTS-STARTPTS",
        f"apad=whole_len={length}",
        f"atrim=end_sample={length}",
    ]
    return [
        *head(binary),
        "-copyts",
        *from_playlist(playlist),
        *("-map", "0:a:0"),
        *("-af", ",".join(filters)),
        *("-ac", str(channels)),
        *_WAV,
        target,
    ]


# Nothing but format and samples: who reads it may count on 44 bytes of head.
_WAV = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-c:a", "pcm_s16le", "-f", "wav")


def join_sound(binary: str, files: str, target: str) -> list[str]:
    """One wav of several."""
    return [*head(binary), *from_list(files), *("-map", "0:a:0"), *_WAV, target]


def to_mp3(binary: str, wav: str, target: str) -> list[str]:
    """An MP3 of a wav, with the head that tells its length (Xing)."""
    return [*head(binary), "-i", wav, *("-c:a", "libmp3lame", "-q:a", "4"), *("-f", "mp3"), target]


def to_aac(binary: str, wav: str, target: str) -> list[str]:
    """AAC with ADTS heads of a wav."""
    return [*head(binary), "-i", wav, *("-c:a", "aac"), *("-f", "adts"), target]


def copy_mp4(binary: str, mp4: str, streams: str, target: str) -> list[str]:
    """Streams of an MP4 (``0``: all of them) as they are; what comes first comes at 0."""
    return [
        *head(binary),
        *("-i", mp4),
        *("-map", streams),
        *("-c", "copy"),
        # A track alone does not wait for the one that came before it.
        *(() if streams == "0" else ("-bsf", "setts=pts=PTS-STARTPTS:dts=DTS-STARTPTS")),
        *("-map_metadata", "-1"),  # nothing of how it was made
        *("-avoid_negative_ts", "disabled"),  # what is decoded before it is shown at 0 an edit list holds back
        *("-movflags", "+faststart"),  # it plays while it loads
        *("-f", "mp4"),
        target,
    ]


def to_hls(binary: str, mp4: str, options: HlsOptions) -> list[str]:
    """A presentation in this folder, ``main.m3u8``, of an MP4, as it is."""
    segments = ["-hls_segment_type", "mpegts", "-hls_segment_filename", "segment-%06d.ts"]
    if options.container == "fmp4":
        segments = [
            *("-hls_segment_type", "fmp4"),  # holds what an MP4 may hold
            *("-hls_fmp4_init_filename", "init.mp4"),
            *("-hls_segment_filename", "segment-%06d.m4s"),
        ]
    return [
        *head(binary),
        *("-i", mp4),
        *("-map", "0"),
        *("-c", "copy"),
        *("-f", "hls"),
        *("-hls_playlist_type", "vod"),  # lists all of them
        *("-hls_time", str(options.segment_seconds)),  # cut at the next key picture
        *segments,
        "main.m3u8",
    ]
