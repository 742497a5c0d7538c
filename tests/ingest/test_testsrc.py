"""The clock in testsrc's picture: true, read from compressed and scaled frames, the same for people and machines."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from livedvr.ingest import testsrc
from livedvr.ingest.testsrc import read_clock
from livedvr.resources.errors import InvalidArgument

RATE = 30
SECONDS = 3


@pytest.fixture(params=["wheel", "debian"], scope="module")
def ffmpeg(request: pytest.FixtureRequest) -> str:
    if request.param == "wheel":
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    debian = Path("/usr/bin/ffmpeg")
    if not debian.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{debian} is missing, and CI must test it")
        pytest.skip(f"no {debian}")
    return str(debian)


def run(ffmpeg: str, graph: str, *output: str) -> bytes:
    options = [part for key, value in testsrc.TESTSRC_OPTIONS.items() for part in (f"-{key}", value)]
    command = [ffmpeg, "-v", "error", "-nostdin", "-y", *options, "-i", graph, *output]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


@dataclass(frozen=True)
class Recording:
    """Three seconds, encoded as a live channel would be at a very low bitrate."""

    path: Path
    started: float
    ended: float
    frames: list[av.VideoFrame]
    clocks: list[int | None]
    pts: list[Fraction]


def clock_of(frame: av.VideoFrame) -> int | None:
    plane = frame.planes[0]
    return read_clock(memoryview(plane), frame.width, frame.height, plane.line_size)


@pytest.fixture(scope="module")
def recording(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    path = tmp_path_factory.mktemp("testsrc") / "out.mp4"
    started = time.time()
    encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-b:v", "300k", "-c:a", "aac"]
    run(ffmpeg, testsrc.testsrc_graph(640, 360, RATE), "-t", str(SECONDS), *encoder, str(path))
    ended = time.time()
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    pts = [Fraction(frame.pts or 0) * (frame.time_base or 0) for frame in frames]
    return Recording(path, started, ended, frames, [clock_of(frame) for frame in frames], pts)


@pytest.mark.e2e
def test_every_frame_tells_its_time_and_times_advance_with_the_frames(recording: Recording) -> None:
    clocks = [clock for clock in recording.clocks if clock is not None]
    assert len(clocks) == RATE * SECONDS, "the strip survives 300 kbit/s in every frame"
    steps = [late - early for early, late in pairwise(clocks)]
    assert min(steps) > 0
    assert statistics.median(steps) == pytest.approx(1_000_000 / RATE, abs=3_000)
    assert sum(steps) == pytest.approx(1_000_000 * (len(clocks) - 1) / RATE, abs=60_000), "in real time, no burst"
    assert recording.started <= clocks[0] / 1e6 + 0.001
    assert clocks[-1] / 1e6 <= recording.ended


@pytest.mark.e2e
def test_timestamps_are_regular_and_start_at_zero_in_both_streams(recording: Recording) -> None:
    assert recording.pts == [Fraction(n, RATE) for n in range(RATE * SECONDS)]
    with av.open(str(recording.path)) as container:
        assert container.streams.video[0].average_rate == RATE
        first = next(container.decode(audio=0))
        assert abs(first.time or 0) <= 0.03  # AAC's priming frame may stand before 0


@pytest.mark.e2e
def test_a_frame_shows_the_moment_it_was_made(ffmpeg: str) -> None:
    width, height = 320, 180
    options = ["-f", "lavfi", "-i", testsrc.testsrc_graph(width, height, RATE), "-t", "1.5", "-map", "0:v"]
    # One thread: the rawvideo encoder would otherwise hold a frame back.
    raw = ["-threads:v", "1", "-c:v", "rawvideo", "-pix_fmt", "gray", "-f", "rawvideo", "-flush_packets", "1", "pipe:1"]
    lags = []
    with subprocess.Popen([ffmpeg, "-v", "error", "-nostdin", *options, *raw], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while len(luma := process.stdout.read(width * height)) == width * height:
            clock = read_clock(luma, width, height, width)
            assert clock is not None
            lags.append(time.time() - clock / 1e6)
    assert len(lags) == 45
    assert min(lags) >= 0, "no frame comes from the future"
    assert statistics.median(lags) < 0.05


@pytest.mark.e2e
@pytest.mark.parametrize("size", [(320, 180), (426, 240), (854, 480), (1920, 1080), (640, 480)])
def test_the_clock_is_read_from_frames_of_any_size(recording: Recording, size: tuple[int, int]) -> None:
    for frame, clock in list(zip(recording.frames, recording.clocks, strict=True))[::15]:
        assert clock_of(frame.reformat(width=size[0], height=size[1])) == clock


def loudest(frame: av.AudioFrame) -> float:
    return max(memoryview(frame.planes[0]).cast("B").cast("f")[: frame.samples])


@pytest.mark.e2e
def test_a_pip_sounds_at_each_utc_second(recording: Recording) -> None:
    with av.open(str(recording.path)) as container:
        blocks = [(frame.time or 0, loudest(frame)) for frame in container.decode(audio=0)]
    onsets = [late[0] for early, late in pairwise(blocks) if early[1] < 0.1 <= late[1]]
    assert len(onsets) >= SECONDS - 1
    assert recording.clocks[0] is not None
    offset = recording.clocks[0] / 1e6 - float(recording.pts[0])
    for onset in onsets:
        distance = (onset + offset + 0.5) % 1 - 0.5
        assert abs(distance) < 0.08  # blocks of 21 ms, AAC's pre-echo, the first frame's lag


def text_of(luma: bytes, width: int, height: int) -> str:
    """Reads the dots of the line of text as a person would: each glyph looked up in the font."""
    dot_x, dot_y = width / 160, height / 90

    def lit(column: int, row: int) -> bool:
        return luma[int((72 + row + 0.5) * dot_y) * width + int((column + 0.5) * dot_x)] > 128

    glyphs = dict(zip(testsrc._font_masks(), testsrc._GLYPHS, strict=True))
    text = ""
    for index in range(27):
        bits = [lit(13 + 5 * index + dot % 4, 3 + dot // 4) for dot in range(28)]
        text += glyphs[str(sum(1 << dot for dot, on in enumerate(bits) if on))]
    return text


@pytest.mark.e2e
@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01 00:00:00.000",
        "2026-12-31 23:59:59.999",
        "2027-02-28 12:34:56.789",
        "2027-03-01 00:00:00.001",
        "2028-02-29 23:59:59.500",
        "2030-10-09 08:07:06.050",
        "2099-07-31 19:18:17.161",
    ],
)
def test_people_and_machines_read_the_same_time(ffmpeg: str, text: str) -> None:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    micros = int(moment.timestamp()) * 1_000_000 + moment.microsecond
    graph = testsrc.testsrc_graph(640, 360).replace("time(0)*1000000", str(micros + 250))
    luma = run(ffmpeg, graph, "-map", "0:v", "-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1")
    assert text_of(luma, 640, 360) == f"{text} UTC"
    assert read_clock(luma, 640, 360, 640) == micros


@pytest.fixture(scope="module")
def still() -> bytearray:
    """One frame at 12:00:00 with its whole picture, 640 x 360, gray."""
    graph = testsrc.testsrc_graph(640, 360).replace("time(0)*1000000", "1795262400000000")
    output = ["-map", "0:v", "-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1"]
    return bytearray(run(str(imageio_ffmpeg.get_ffmpeg_exe()), graph, *output))


@pytest.mark.e2e
@pytest.mark.parametrize("cell", range(51))
def test_a_wrong_cell_is_noticed(still: bytearray, cell: int) -> None:
    assert read_clock(still, 640, 360, 640) == 1_795_262_400_000_000
    wrong = bytearray(still)
    for y in range(288 + 48, 288 + 64):  # dots of 4 x 4 pixels; the strip lies in rows 12 to 15 of the panel
        for x in range(4 * (3 + 3 * cell), 4 * (6 + 3 * cell)):
            wrong[y * 640 + x] = 255 - wrong[y * 640 + x]  # gray is full range: white 255 and black 0 change places
    assert read_clock(wrong, 640, 360, 640) is None


@pytest.mark.e2e
def test_two_frames_blended_into_one_have_no_time(recording: Recording) -> None:
    for early, late in list(pairwise(recording.frames))[::15]:
        planes = [frame.planes[0] for frame in (early, late)]
        blend = bytes((a + b) // 2 for a, b in zip(*map(bytes, planes), strict=True))
        assert read_clock(blend, early.width, early.height, planes[0].line_size) is None


@pytest.mark.parametrize("shade", [0, 16, 128, 255])
def test_a_flat_picture_has_no_time(shade: int) -> None:
    assert read_clock(bytes([shade]) * (320 * 180), 320, 180, 320) is None


def test_a_black_picture_with_faint_specks_where_the_guards_would_be_has_no_time() -> None:
    row = bytearray([16] * 320)
    row[6:12] = row[306:312] = [24] * 6  # columns 3 to 5 and 153 to 155 of 160: it would read as 1970
    assert read_clock(row * 180, 320, 180, 320) is None


def test_noise_has_no_time() -> None:
    noise = random.Random(1)
    assert [read_clock(noise.randbytes(64 * 36), 64, 36, 64) for _ in range(200)] == [None] * 200


@pytest.mark.parametrize("size", [(318, 240), (640, 178), (641, 360), (640, 361)])
def test_a_size_that_cannot_be_drawn_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidArgument, match="is no size"):
        testsrc.testsrc_graph(*size)


@pytest.mark.parametrize("rate", [0, 61])
def test_a_rate_that_cannot_be_drawn_is_refused(rate: int) -> None:
    with pytest.raises(InvalidArgument, match="no rate"):
        testsrc.testsrc_graph(640, 360, rate)
