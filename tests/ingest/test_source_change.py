"""A source that becomes another one, cut by both ffmpegs: each segment before the change is the old picture, whole."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from builders import RUN, T0
from builders import channel as channel_resource
from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.ingest.command import Cut, build_argv
from livedvr.ingest.intake import Intake
from livedvr.ingest.journal import parse_rows
from livedvr.ingest.open_run import open_run
from livedvr.ingest.run import Run
from livedvr.ingest.source import Source
from livedvr.ingest.source_change import BEGAN_NAME, SourceChange
from livedvr.resources.models import Channel, Input, Manifest
from livedvr.resources.streams import ElementaryStream, MuxStream, VideoStream, video_and_audio
from livedvr.storage.memory import MemoryStore
from livedvr.timeline.segment import ClosedSegment
from livedvr.timeline.timeline import ChannelTimeline, Timeline

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-level", "3")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:bframes=0")
MONO = ("-c:a", "aac", "-ar", "48000", "-ac", "1")
STEREO = ("-c:a", "aac", "-ar", "44100", "-ac", "2")


@dataclass(frozen=True)
class Part:
    """What a sender sends: seconds, picture, codecs; without sound (though announced) when ``mute``."""

    size: str = "160x90"
    video: tuple[str, ...] = H264
    audio: tuple[str, ...] = MONO
    seconds: float = 3.5  # the last GOP is not whole
    mute: bool = False


BEFORE = Part()


@cache
def transport_stream(part: Part, offset: float) -> bytes:
    """The part as MPEG-TS, its timestamps from ``offset`` (seconds) on."""
    inputs = ("-f", "lavfi", "-i", f"testsrc2=s={part.size}:r=25:d={part.seconds}", "-f", "lavfi", "-i")
    command = (
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", *inputs, f"sine=d={part.seconds}"),
        *("-pix_fmt", "yuv420p", "-g", "25", *part.video, *part.audio, "-output_ts_offset", str(offset)),
        *("-muxdelay", "0", "-muxpreload", "0", "-f", "mpegts", "-pes_payload_size", "0", "-"),
    )
    data = subprocess.run(command, check=True, capture_output=True).stdout
    packets = (data[at : at + 188] for at in range(0, len(data), 188))
    return b"".join(one for one in packets if not part.mute or one[1:3] not in (b"\x01\x01", b"\x41\x01"))


class RunOf:
    """A run whose source sends these parts, one after the other."""

    def __init__(
        self, folder: Path, ffmpeg: str, container: str, *parts: Part, encoded: bool = False, apart: bool = False
    ) -> None:
        source, at = folder / "source.ts", 0.0
        with source.open("wb") as file:
            for part in parts:
                file.write(transport_stream(part, at))
                at += part.seconds
        muxes = {"video": ("video",), "audio": ("audio",)} if apart else {"av": ("video", "audio")}
        self.muxes = tuple(
            MuxStream(
                key=key,
                container=container,  # type: ignore[arg-type]
                elementary_streams=streams,
                segment_duration=timedelta(seconds=1),
            )
            for key, streams in muxes.items()
        )
        self.mux = self.muxes[0]
        scaled = ElementaryStream(key="video", video_stream=VideoStream(codec="h264", height_pixels=180))
        streams = (scaled, video_and_audio("h264")[1]) if encoded else video_and_audio()
        self.channel: Channel = channel_resource(
            input=Input(uri="source.ts"),
            elementary_streams=streams,
            mux_streams=self.muxes,
            manifests=(Manifest(mux_streams=tuple(muxes)),),
            target_duration=2,
        )
        self.run = Run(folder / RUN, list(muxes))
        for key in muxes:
            (self.run.folder / key).mkdir(parents=True)
        argv = build_argv(ffmpeg, Source("file", str(source)), Cut(self.channel, self.muxes))
        argv[argv.index("-re") : argv.index("-re") + 1] = ["-analyzeduration", "1000000"]  # the change is not seen yet
        done = subprocess.run(argv, cwd=self.run.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        rows = parse_rows(self.run.journal_path(self.mux.key).read_bytes())[0]
        self.rows = [ClosedSegment(self.run.id, row.index, row.start, row.end, 1, 0) for row in rows]

    def bytes_of(self, row: ClosedSegment) -> bytes:
        init = self.run.folder / "av/init.mp4"
        segment = self.run.segment_path("av", row.index, self.mux.container)
        return (init.read_bytes() if init.exists() else b"") + segment.read_bytes()

    def pictures(self, row: ClosedSegment) -> set[tuple[str, int, int]]:
        """What decoding the segment shows."""
        with av.open(io.BytesIO(self.bytes_of(row))) as container:
            codec = container.streams.video[0].codec_context.codec.canonical_name
            return {(codec, frame.width, frame.height) for frame in container.decode(video=0)}


CHANGES = {
    "size": (Part(size="320x180"), "video 160x90 -> 320x180"),
    "codec": (Part(video=HEVC), "video h264 160x90 -> hevc 160x90"),
    "profile": (
        Part(video=(*H264, "-profile:v", "high", "-x264-params", "8x8dct=1")),
        "video avc1.42c01e -> avc1.64001e",
    ),
    "references": (Part(video=(*H264, "-refs", "4")), "video 160x90 -> 160x90, coded in another way"),
    "sound": (Part(audio=STEREO), "audio 48000 Hz 1 ch -> 44100 Hz 2 ch"),
    "channels": (Part(audio=(*MONO, "-ac", "2")), "audio 48000 Hz 1 ch -> 48000 Hz 2 ch"),
    "mute": (Part(mute=True), "audio has gone"),
}


@pytest.mark.semantics("P4")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
@pytest.mark.parametrize("name", CHANGES)
def test_what_a_source_may_become(ffmpeg: str, container: str, name: str, tmp_path: Path) -> None:
    after, text = CHANGES[name]
    run = RunOf(tmp_path, ffmpeg, container, BEFORE, after)
    change = SourceChange(run.run, run.mux)
    change.look(run.rows, len(run.rows))
    assert change.text is not None and change.index is not None
    if (container, name) != ("ts", "codec"):  # ffmpeg 9 may glue the new parameter sets to the last old picture
        assert change.text == text
    assert 2 <= change.index <= 4
    for row in run.rows[: change.index]:
        assert run.pictures(row) == {("h264", 160, 90)}


@pytest.mark.semantics("P4")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_what_is_still_the_same_source(ffmpeg: str, container: str, tmp_path: Path) -> None:
    # The same again; and an encoder that follows the bit rate of its network, which stands in the VUI.
    hrd = Part(video=(*H264, "-x264-params", "nal-hrd=vbr", "-b:v", "300k", "-maxrate", "300k", "-bufsize", "300k"))
    run = RunOf(tmp_path, ffmpeg, container, BEFORE, BEFORE, hrd)
    change = SourceChange(run.run, run.mux)
    change.look(run.rows, len(run.rows))
    assert (change.index, change.text) == (None, None)


@pytest.mark.semantics("P4")
def test_a_source_may_announce_other_pictures_than_it_sends(wheel_ffmpeg: str, tmp_path: Path) -> None:
    run = RunOf(tmp_path, wheel_ffmpeg, "fmp4", BEFORE, Part(size="320x180"))
    init = run.run.folder / "av/init.mp4"
    data = bytearray(init.read_bytes())
    sps = data.index(b"avcC") + 12  # behind the box's name, 6 bytes and the length
    assert data[sps] & 0x1F == 7 and data[sps + 3] == 30
    data[sps + 3] = 31  # the level
    init.write_bytes(data)
    change = SourceChange(run.run, run.mux)
    change.look(run.rows[:2], 2)
    assert change.index is None
    change.look(run.rows, len(run.rows))
    assert change.index in (3, 4), "from its first segment on it is what it was"


@pytest.mark.semantics("S16")
@pytest.mark.parametrize("left", [b"", b"\0\0", b"[]", b"{}"])
def test_a_beginning_that_the_machine_has_lost_is_seen_again(wheel_ffmpeg: str, left: bytes, tmp_path: Path) -> None:
    run = RunOf(tmp_path, wheel_ffmpeg, "ts", BEFORE, Part(size="320x180"))
    began = run.run.folder / "av" / BEGAN_NAME
    began.write_bytes(left)
    change = SourceChange(run.run, run.mux)
    change.look(run.rows, 99)
    assert change.text == "video 160x90 -> 320x180"
    assert began.stat().st_size > 2


def test_a_segment_before_its_init_segment_waits(wheel_ffmpeg: str, tmp_path: Path) -> None:
    run = RunOf(tmp_path, wheel_ffmpeg, "fmp4", BEFORE, Part(size="320x180"))
    init = run.run.folder / "av/init.mp4"
    change = SourceChange(run.run, run.mux)
    init.rename(tmp_path / "init.mp4")
    change.look([], 0)
    (tmp_path / "init.mp4").rename(init)
    change.look(run.rows[:1], 99)
    assert change.grown(0) == 25, "the pictures of a second"


@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_from_h265_to_h264(wheel_ffmpeg: str, container: str, tmp_path: Path) -> None:
    run = RunOf(tmp_path, wheel_ffmpeg, container, Part(video=HEVC), BEFORE)
    change = SourceChange(run.run, run.mux)
    change.look(run.rows, len(run.rows))
    assert change.index is not None and 2 <= change.index <= 4 and change.text is not None
    assert change.text.startswith("video hevc")


@pytest.mark.semantics("P4", "S16")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_the_next_controller_compares_with_the_same_beginning(
    wheel_ffmpeg: str, container: str, tmp_path: Path
) -> None:
    run = RunOf(tmp_path, wheel_ffmpeg, container, BEFORE, Part(size="320x180"))
    SourceChange(run.run, run.mux).look(run.rows[:1], 99)
    assert (run.run.folder / "av" / BEGAN_NAME).exists()
    run.run.segment_path("av", 0, run.mux.container).unlink()  # it has become an object
    again = SourceChange(run.run, run.mux)
    again.look(run.rows[4:], 99)
    assert (again.index, again.text) == (4, "video 160x90 -> 320x180")


@pytest.mark.semantics("P4")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_a_change_is_seen_in_the_open_segment_while_it_grows(wheel_ffmpeg: str, container: str, tmp_path: Path) -> None:
    """Each byte once, wherever a look ends: 5.1 never closes a segment of H.264 in which H.265 has begun."""
    run = RunOf(tmp_path, wheel_ffmpeg, container, BEFORE, Part(size="320x180"))
    change = SourceChange(run.run, run.mux)
    change.look(run.rows[:3], 99)
    path = run.run.segment_path("av", 3, run.mux.container)
    whole, seen = shutil.copy(path, tmp_path / "whole").read_bytes(), 0
    path.write_bytes(b"")
    while change.index is None and seen < len(whole):
        seen += 333
        path.write_bytes(whole[:seen])
        change.look(run.rows[:3], 3)
    assert (change.index, change.text) == (3, "video 160x90 -> 320x180")


@pytest.mark.semantics("P4", "P3")
def test_what_is_encoded_keeps_its_size_and_its_edges(ffmpeg: str, tmp_path: Path) -> None:
    run = RunOf(tmp_path, ffmpeg, "fmp4", BEFORE, Part(size="240x180", audio=STEREO), encoded=True)
    change = SourceChange(run.run, run.mux)
    change.look(run.rows, len(run.rows))
    assert change.text is None
    assert {size for row in run.rows for size in run.pictures(row)} == {("h264", 320, 180)}
    edges = [row.media_start for row in run.rows]
    assert edges == pytest.approx([1_000_000 * index for index in range(len(edges))], abs=40_000)
    assert run.rows[-1].media_end == pytest.approx(7_000_000, abs=100_000)
    sounds = set()
    for row in run.rows:
        with av.open(io.BytesIO(run.bytes_of(row))) as container:
            sounds |= {(frame.sample_rate, frame.layout.nb_channels) for frame in container.decode(audio=0)}
    assert sounds == {(48000, 2)}


@pytest.mark.semantics("P4", "P7")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
async def test_nothing_of_another_picture_is_listed_nor_the_sound_beside_it(
    wheel_ffmpeg: str, container: str, tmp_path: Path
) -> None:
    made = RunOf(tmp_path, wheel_ffmpeg, container, BEFORE, Part(size="320x180"), apart=True)
    catalog, store = Catalog(tmp_path / "catalog.sqlite3"), MemoryStore()
    await catalog.write(lambda db: channel_rows.put_channel(db, made.channel))
    await catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live"))
    await catalog.write(lambda db: segment_rows.add_run(db, made.run.id, "live", T0))
    known = ChannelTimeline(Timeline(["video", "audio"]), 2)
    intake = Intake(made.channel, known, store, catalog, Owner("live", 1), lambda: None)
    opened = open_run(made.run, made.channel, known.timeline)
    await intake.read(opened)
    await intake.take(opened, final=False)
    assert opened.change(0) == "video 160x90 -> 320x180"
    await intake.take(opened, final=True)
    catalog.close()
    pictures, sounds = (known.timeline.segments(key) for key in ("video", "audio"))
    assert [segment.index for segment in pictures] == [0, 1, 2]
    assert not any(segment.is_gap for segment in sounds)
    assert abs(sounds[-1].end - pictures[-1].end) < 600_000, "the sound ends where the pictures do"
    listed = {f"{key}/{RUN}/segment-{s.index:06d}" for key in ("video", "audio") for s in known.timeline.segments(key)}
    assert {name.rpartition(".")[0] for name in store.list("") if "segment" in name} == listed
    assert not list(made.run.folder.glob("*/segment-*")), "what is not listed leaves the spool"
