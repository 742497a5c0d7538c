"""A channel's segments cut from a clip as fast as ffmpeg can, for tests that need no live source."""

from __future__ import annotations

import array
import json
import subprocess
from pathlib import Path

import av
import pytest

from builders import T0
from livedvr.ingest.command import Cut, build_argv
from livedvr.ingest.journal import parse_rows
from livedvr.ingest.source import Source
from livedvr.resources.models import Channel, Input, Manifest, Output
from livedvr.resources.recording import RecordingFile
from livedvr.resources.streams import MuxStream, video_and_audio
from livedvr.timeline.segment import RunMedia, Segment
from livedvr.timeline.timeline import ChannelTimeline, Timeline

OFFLINE_RUN = "20261121T020000Z-k3f9"


def clip_with_sound(
    ffmpeg: str,
    path: Path,
    sound: str,
    *encoder: str,
    seconds: int = 8,
    rate: int = 48_000,
    size: str = "160x90",
    looks: str = "null",
) -> None:
    """25 pictures a second, filtered by ``looks``; ``sound``: an expression of ``t`` for ffmpeg's aevalsrc."""
    picture = f"testsrc2=s={size}:r=25:d={seconds},format=yuv420p,{looks}"
    heard = f"aevalsrc=exprs='{sound}':s={rate}:d={seconds}"
    made = [ffmpeg, "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", heard]
    subprocess.run([*made, "-pix_fmt", "yuv420p", "-c:a", "aac", *encoder, path], check=True)


def clip_with_pips(ffmpeg: str, path: Path, *encoder: str, seconds: int = 8) -> None:
    """Pictures that flash white, and a pip with each flash: at each whole second."""
    flash = "lutyuv=y=val/2,drawbox=c=white:t=fill:enable='lt(mod(t,1),0.08)'"
    pips = "0.5*sin(2*PI*880*t)*lt(mod(t,1),0.08)"
    clip_with_sound(ffmpeg, path, pips, *encoder, seconds=seconds, size="320x180", looks=flash)


def cut_offline(
    ffmpeg: str, clip: Path, output: Path, container: str, *, apart: bool
) -> tuple[Channel, ChannelTimeline]:
    """The clip as a channel that was recorded from T0 on; ``apart``: pictures and sound in renditions of their own."""
    streams = (("video",), ("audio",)) if apart else (("video", "audio"),)
    muxes = tuple(
        MuxStream(key=keys[0], container=container, elementary_streams=keys)  # type: ignore[arg-type]
        for keys in streams
    )
    channel = Channel(
        channel_id="live",
        input=Input(uri=str(clip)),
        output=Output(uri=str(output)),
        elementary_streams=video_and_audio(),
        mux_streams=muxes,
        manifests=(Manifest(mux_streams=tuple(mux.key for mux in muxes)),),
    )
    known = ChannelTimeline(Timeline(channel.timeline_keys()), 2, media={})
    add_run(ffmpeg, clip, channel, known, OFFLINE_RUN, T0)
    return channel, known


def cut_clip(ffmpeg: str, clip: Path, channel: Channel, spool: Path) -> None:
    """The whole clip as the product's own ffmpeg cuts it for the channel: in the spool a folder of each mux."""
    for mux in channel.mux_streams:
        (spool / mux.key).mkdir(parents=True)
    argv = build_argv(ffmpeg, Source("file", str(clip)), Cut(channel, channel.mux_streams))
    argv.remove("-re")  # not in real time
    subprocess.run(argv, cwd=spool, check=True, capture_output=True)


def add_run(ffmpeg: str, clip: Path, channel: Channel, known: ChannelTimeline, run: str, start: int) -> None:
    """The clip as another run, that begins at ``start``."""
    output = Path(channel.output.uri)
    spool = output / "run"
    cut_clip(ffmpeg, clip, channel, spool)
    known.media[run] = {}
    for mux in channel.mux_streams:
        (output / mux.key).mkdir(exist_ok=True)
        (spool / mux.key).rename(output / mux.key / run)
        before = known.timeline.segments(mux.key)
        number, epoch = (before[-1].number + 1, before[-1].epoch + 1) if before else (0, 0)
        rows = parse_rows((output / mux.key / run / "journal.csv").read_bytes())[0]
        for r in rows:
            made = Segment(number + r.index, run, r.index, epoch, start + r.start, r.start, r.end - r.start, 1)
            known.timeline.append(mux.key, made)
        known.media[run][mux.key] = RunMedia(("any",), (320, 180), None, "any")


def flashes(path: Path) -> list[float]:
    """When the pictures of a file begin to flash, seconds; not a flash that it begins with."""
    found, before = [], True
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            now = bytes(plane)[plane.line_size * (frame.height // 2) + frame.width // 2] > 200
            if now and not before:
                found.append(float(frame.pts * frame.time_base))
            before = now
    return found


def pips(path: Path) -> list[float]:
    """When a pip begins in the sound of a file, seconds; only behind 0.2 s of silence."""
    found, quiet = [], 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = array.array("f", bytes(frame.planes[0])[: 4 * frame.samples])
            for index, sample in enumerate(samples):
                if abs(sample) < 0.1:
                    quiet += 1
                    continue
                if quiet > 0.2 * frame.sample_rate:
                    found.append(float(frame.pts * frame.time_base) + index / frame.sample_rate)
                quiet = 0
    return found


def decoding_errors(ffmpeg: str, path: Path) -> str:
    """What ffmpeg says while it decodes everything."""
    argv = [ffmpeg, "-nostdin", "-loglevel", "warning", "-xerror", "-i", path]
    # Counted as they are: where pieces are joined pictures are not on the grid of the frame rate.
    argv += ["-fps_mode", "passthrough", "-enc_time_base", "1/90000", "-f", "null", "-"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stderr


def packet_times(path: Path) -> list[tuple[int, int]]:
    """(dts, pts) of the pictures, in the order of the file."""
    with av.open(str(path)) as container:
        return [(p.dts, p.pts) for p in container.demux(video=0) if p.dts is not None and p.pts is not None]


def check_facts(file: RecordingFile, **slack: float) -> None:
    """What is told of a file is what Debian's ffprobe says; ``slack``: by how many seconds it errs, by format.

    ADTS has no length, ffprobe guesses. Of an MP3 ffmpeg 5.1 counts what only pads it, too.
    """
    shown = "format=duration,size:stream=codec_type,width,height,sample_rate,channels"
    argv = ["/usr/bin/ffprobe", "-v", "error", "-show_entries", shown, "-of", "json", file.uri]
    probed = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    streams = {one["codec_type"]: one for one in probed["streams"]}
    kinds = {"AUDIO_VIDEO": {"audio", "video"}, "AUDIO": {"audio"}, "VIDEO": {"video"}}
    assert set(streams) == kinds[file.track], file
    video, audio = streams.get("video", {}), streams.get("audio", {})
    assert (file.width, file.height) == (video.get("width"), video.get("height"))
    assert (file.sample_rate, file.channels) == (int(audio["sample_rate"]) if audio else None, audio.get("channels"))
    length = pytest.approx(float(probed["format"]["duration"]), abs=slack.get(file.format, 0))
    assert file.duration.total_seconds() == length, file
    if file.format != "HLS":
        assert file.size_bytes == int(probed["format"]["size"]) == Path(file.uri).stat().st_size
