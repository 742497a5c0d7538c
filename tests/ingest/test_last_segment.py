"""The last segment of a run that ended without closing it gets its row from what is in the file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from livedvr.ingest.command import CONTAINER_OFFSET
from livedvr.ingest.journal import JournalRow, format_row, parse_rows
from livedvr.ingest.last_segment import close_last_segments
from livedvr.ingest.open_run import OpenRun, open_run
from livedvr.ingest.run import Run
from livedvr.media.reader import read_media
from livedvr.resources.models import Channel, Input, Output
from livedvr.resources.streams import MuxStream
from livedvr.timeline.timeline import Timeline

FIXTURES = Path(__file__).parents[2] / "fixtures"
RUNS = {path.parent.name: min(path.iterdir()).name for path in FIXTURES.glob("*/av")}


@pytest.fixture(params=["fmp4", "ts"])
def left(request: pytest.FixtureRequest, tmp_path: Path) -> OpenRun:
    """A run with three whole segments, of which the last has no row."""
    container = request.param
    folder = tmp_path / RUNS[container]
    shutil.copytree(FIXTURES / container / "av" / folder.name, folder / "av")
    for path in sorted((folder / "av").glob("segment-*"))[3:]:
        path.unlink()
    rows = _journal(container).splitlines(keepends=True)
    (folder / "av/journal.csv").write_bytes(b"".join(rows[:2]))
    channel = Channel(
        channel_id="live",
        input=Input(uri="x.mp4"),
        output=Output(uri=str(tmp_path)),
        mux_streams=(MuxStream(container=container),),
    )
    return open_run(Run(folder, ["av"]), channel, Timeline(["av"]))


def _journal(container: str) -> bytes:
    """The run's whole journal."""
    return (FIXTURES / container / "journals" / f"{RUNS[container]}.csv").read_bytes()


def _rows(left: OpenRun) -> list[JournalRow]:
    return parse_rows(left.reference.journal.path.read_bytes())[0]


def _third(left: OpenRun) -> Path:
    return left.segment_path(left.reference, 2)


@pytest.mark.semantics("I2", "P8")
def test_it_gets_the_row_that_ffmpeg_would_have_written_once(left: OpenRun) -> None:
    container = left.reference.mux.container
    truth = parse_rows(_journal(container))[0][2]
    for _ in range(2):  # a controller that died right after it is followed by another one
        close_last_segments(left)
        assert len(_rows(left)) == 3
        (third,) = _rows(left)[2:]
        assert (third.index, third.start) == (truth.index, truth.start)
        assert third.end == pytest.approx(truth.end, abs=1)


def test_a_torn_file_is_cut_to_what_is_whole_and_a_torn_row_is_passed_over(left: OpenRun) -> None:
    path = _third(left)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size - 100)
    with left.reference.journal.path.open("a") as journal:
        journal.write("segment-0000")
    close_last_segments(left)
    row, whole = _rows(left)[2], read_media(path, left.init_path(left.reference)).reference
    assert path.stat().st_size < size - 100
    assert row.end - row.start == whole.end_pts - whole.first_pts > 0


@pytest.mark.parametrize("size", [0, 20])
def test_a_file_with_nothing_in_it_stays_without_a_row(left: OpenRun, size: int) -> None:
    with _third(left).open("r+b") as file:
        file.truncate(size)
    close_last_segments(left)
    assert len(_rows(left)) == 2


def test_the_only_segment_begins_where_its_media_does(left: OpenRun) -> None:
    left.reference.journal.path.write_text("")
    for index in (1, 2):
        left.segment_path(left.reference, index).unlink()
    close_last_segments(left)
    (row,) = _rows(left)
    first = read_media(left.segment_path(left.reference, 0), left.init_path(left.reference)).reference.first_pts
    assert row.start == first - CONTAINER_OFFSET


def test_a_row_is_written_as_it_is_read() -> None:
    for row in (JournalRow(7, 1_500_000, 2_000_001), JournalRow(0, -33_333, 0)):
        assert parse_rows(format_row(row, f"segment-{row.index:06d}.m4s"))[0] == [row]
