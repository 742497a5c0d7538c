from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from livedvr.ingest.cues import ROOM, CueReader, cue_slaves, packets_name, sections_name
from livedvr.ingest.keeper import LOG_HEAD, LOG_TAIL
from livedvr.resources.times import SECOND
from splices import first_video_time, splice_insert, splice_null, ticks, with_cues

pytestmark = pytest.mark.semantics("P9")

LOG = """\
[info] Input #0, mpegts, from 'two.ts':
[info]   Duration: N/A, start: 1.400000, bitrate: 292 kb/s
"""
HEAD = "#software: Lavf63.1.102\n#tb 0: 1/90000\n#media_type 0: data\n#codec_id 0: scte_35\n"


class RunFiles:
    """What ffmpeg writes in a run's folder."""

    def __init__(self, folder: Path, log: str = LOG, head: str = HEAD, stream: int = 0) -> None:
        self.folder, self.log = folder, folder / "ffmpeg.log"
        self.log.write_text(log)
        self.packets, self.sections = folder / packets_name(stream), folder / sections_name(stream)
        self.packets.write_text(head)
        self.sections.touch()

    def add(self, at: int, section: bytes, *, torn: bool = False) -> None:
        with self.sections.open("ab") as sections, self.packets.open("a") as packets:
            sections.write(section)
            line = f"0, {at:10}, {at:10}, {0:8}, {len(section):8}, 0x302a05b3\n"
            packets.write(line[:30] if torn else line)

    def reader(self, taken: int = 0) -> CueReader:
        return CueReader(self.folder, self.log, taken)


def test_each_message_is_read_once_with_the_time_at_which_it_came(tmp_path: Path) -> None:
    run = RunFiles(tmp_path)
    reader = run.reader()
    assert reader.new_cues() == []
    run.add(-63_000, splice_null())
    run.add(205_320, splice_insert(7, 9, out=True))
    found = reader.new_cues()
    assert [(cue.index, cue.at, cue.section, cue.origin) for cue in found] == [
        (0, -700_000, splice_null(), 1_400_000),
        (1, 2_281_333, splice_insert(7, 9, out=True), 1_400_000),
    ]
    assert reader.new_cues() == []
    run.add(300_000, splice_null())
    assert [cue.index for cue in reader.new_cues()] == [2]


@pytest.mark.semantics("S16")
def test_after_a_restart_what_has_been_dealt_with_is_passed_over(tmp_path: Path) -> None:
    run = RunFiles(tmp_path)
    for at in range(4):
        run.add(at, splice_null())
    assert [cue.index for cue in run.reader(taken=3).new_cues()] == [3]


@pytest.mark.semantics("S16", "C4")
def test_after_a_restart_the_times_hold_though_the_log_has_lost_them(tmp_path: Path) -> None:
    corrected = "[verbose] Correcting start time of Input #0 by 500000 us.\n"
    jumped = "[vist#0:0/h264 @ 0x5] [warning] timestamp discontinuity (stream id=256): 9978667, new offset= -9\n"
    run = RunFiles(tmp_path, LOG + LOG.replace("#0", "#1") + corrected)
    run.add(90_000, splice_null())
    reader = run.reader()
    reader.new_cues()
    with run.log.open("a") as log:
        log.write(jumped)
    run.add(90_000, splice_null())
    [before] = reader.new_cues()
    assert (before.at, before.origin) == (SECOND - 500_000 - 9, 1_900_009)
    with run.log.open("r+b") as log:
        log.truncate(0)
        log.truncate(LOG_HEAD + 2 * LOG_TAIL)
    run.add(90_000, splice_null())
    [after] = run.reader(taken=2).new_cues()
    assert (after.at, after.origin) == (before.at, before.origin)


@pytest.mark.semantics("S16")
def test_after_a_restart_no_list_is_too_long(tmp_path: Path) -> None:
    line, section, count = f"0, {0:10}, {0:10}, {0:8}, {20:8}, 0x302a05b3\n", b"s" * 20, 700_000
    run = RunFiles(tmp_path)
    with run.packets.open("a") as packets, run.sections.open("ab") as sections:
        packets.write(line * count)
        sections.write(section * count)
    assert run.packets.stat().st_size > LOG_HEAD + 2 * LOG_TAIL
    run.add(90_000, splice_null())
    assert [(cue.index, cue.section) for cue in run.reader(taken=count).new_cues()] == [(count, splice_null())]
    assert run.sections.stat().st_size == 20 * count + len(splice_null()), "nothing of it is freed"


def test_a_torn_line_waits(tmp_path: Path) -> None:
    run = RunFiles(tmp_path)
    run.add(90_000, splice_null(), torn=True)
    reader = run.reader()
    assert reader.new_cues() == []
    with run.packets.open("a") as packets:
        packets.write("   0,       20, 0x302a05b3\n")
    assert [cue.at for cue in reader.new_cues()] == [SECOND]


@pytest.mark.semantics("C4", "C5")
@pytest.mark.parametrize(
    ("line", "origin"),
    [
        ("[mpegts @ 0x562adf9a1ac0] [verbose] Correcting start time by 500000", 1_900_000),  # 5.1
        ("[verbose] Correcting start time of Input #0 by 500000 us.", 1_900_000),  # 9.0
        ("[vist#0:0/h264 @ 0x5] [warning] timestamp discontinuity (stream id=256): 9978667, new offset= -9", 1_400_009),
    ],
)
def test_the_log_tells_where_the_media_time_begins(tmp_path: Path, line: str, origin: int) -> None:
    run = RunFiles(tmp_path, LOG + line + "\n")
    run.add(0, splice_null())
    assert [cue.origin for cue in run.reader().new_cues()] == [origin]


@pytest.mark.semantics("C5")
def test_a_clock_that_is_about_to_wrap_begins_below_zero(tmp_path: Path) -> None:
    run = RunFiles(tmp_path, LOG.replace("1.400000", "-2.339022"))
    run.add(0, splice_null())
    assert [cue.origin for cue in run.reader().new_cues()] == [-2_339_022]


@pytest.mark.parametrize(
    ("corrected", "at"),
    [
        ("", SECOND),
        ("[verbose] Correcting start time of Input #1 by 500000 us.\n", 1_500_000),  # it began with its first packet
        ("[verbose] Correcting start time of Input #0 by 300000 us.\n", 700_000),  # the media did
        ("[mpegts @ 0x562adf9a1ac0] [verbose] Correcting start time by 300000\n", 700_000),
    ],
)
def test_an_input_that_only_the_data_is_read_from_has_a_time_of_its_own(
    tmp_path: Path, corrected: str, at: int
) -> None:
    run = RunFiles(tmp_path, LOG + LOG.replace("#0", "#1") + corrected)
    run.add(90_000, splice_null())
    assert [cue.at for cue in run.reader().new_cues()] == [at]


def test_a_log_that_says_no_start_relates_nothing(tmp_path: Path) -> None:
    run = RunFiles(tmp_path, "")
    run.add(0, splice_null())
    assert [cue.origin for cue in run.reader().new_cues()] == [None]


def test_the_second_data_stream_may_be_the_one(tmp_path: Path) -> None:
    RunFiles(tmp_path, head=HEAD.replace("scte_35", "timed_id3")).add(0, b"ID3")
    RunFiles(tmp_path, stream=1).add(5, splice_null())
    assert [cue.section for cue in RunFiles.reader(RunFiles(tmp_path, head="")).new_cues()] == [splice_null()]


def test_data_of_another_kind_takes_no_room(tmp_path: Path) -> None:
    run = RunFiles(tmp_path, head=HEAD.replace("scte_35", "klv"))
    reader = run.reader()
    with run.sections.open("ab", buffering=0) as ffmpeg:
        ffmpeg.write(b"k" * (2 * ROOM))
        assert reader.new_cues() == []
        ffmpeg.write(b"more")
        assert run.reader().new_cues() == [], "nor after a restart"
    assert run.sections.stat().st_blocks * 512 < ROOM


def test_a_source_without_such_a_stream_has_none(tmp_path: Path) -> None:
    assert CueReader(tmp_path, tmp_path / "ffmpeg.log").new_cues() == []


@pytest.mark.e2e
def test_ffmpeg_writes_them_as_they_come(tmp_path: Path, ffmpeg: str) -> None:
    """Also what comes before the first picture, when the clock wraps meanwhile, beside a second program (which moves
    the start of the media time), and without any data."""
    wrap = 95_443.717688 - 5
    source = "testsrc2=s=64x36:r=25:d=6"
    encode = [ffmpeg, "-loglevel", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast"]
    for name, offset in (("plain", 0.0), ("wrap", wrap)):
        raw = tmp_path / f"{name}-raw.ts"
        subprocess.run([*encode, "-g", "25", "-output_ts_offset", str(offset), str(raw)], check=True)
        picture = first_video_time(raw.read_bytes())
        out = splice_insert(7, (picture + ticks(4)) % (1 << 33), out=True)
        sent = [(0.0, splice_null()), (0.3, out)]
        (tmp_path / f"{name}.ts").write_bytes(with_cues(raw.read_bytes(), sent))
        folder = tmp_path / name
        folder.mkdir()
        command = [ffmpeg, "-nostdin", "-nostats", "-loglevel", "level+verbose", "-i", f"../{name}.ts"]
        command += [
            "-map",
            "0:v",
            "-c",
            "copy",
            "-avoid_negative_ts",
            "disabled",
            "-f",
            "framecrc",
            "video.txt",
            "-map",
            "0:v?",
            "-map",
            "0:d?",
            "-c",
            "copy",
        ]
        command += ["-max_interleave_delta", "1", "-avoid_negative_ts", "disabled", "-f", "tee", cue_slaves()]
        with (folder / "ffmpeg.log").open("wb") as log:
            subprocess.run(command, check=True, cwd=folder, stderr=log)
        found = CueReader(folder, folder / "ffmpeg.log").new_cues()
        assert [cue.section for cue in found] == [section for _, section in sent]
        media = found[1].media((picture + ticks(4)) % (1 << 33))
        first = min(
            int(line.split(",")[2]) for line in (folder / "video.txt").read_text().split("\n") if line[:1] == "0"
        )
        assert media is not None and abs(media - (first * 100 // 9 + 4 * SECOND)) < 50, (media, first)
