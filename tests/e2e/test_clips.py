"""Clips and exports of a real channel, while it records and after it has gone."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest

from builders import channel
from live import Line, lines
from livedvr import Clip, DvrSession, LiveDvr, TimeSlice
from livedvr.check.run import run_check
from livedvr.ingest.testsrc import read_clock
from livedvr.resources.errors import FailedPrecondition
from offline import decoding_errors

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("small_testsrc")]


async def until_session(dvr: LiveDvr, session: str, enough: int) -> DvrSession:
    async for seen in dvr.sessions.watch("live", session):
        if seen.segments >= enough:
            return seen
    raise AssertionError("it ended before")


async def until_made(dvr: LiveDvr, clip: str) -> Clip:
    return [seen async for seen in dvr.clips.watch("live", clip)][-1]


async def export(folder: Path, *arguments: str) -> tuple[int, Any, str]:
    """(exit code, the JSON object, stderr) of `livedvr export`."""
    command = ["-m", "livedvr", "export", *arguments, "--data-dir", str(folder / "data"), "--json"]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=pipe, stderr=pipe)
    out, err = await child.communicate()
    return child.returncode or 0, json.loads(out) if out else None, err.decode()


def pictures(media: Any, wanted: Callable[[float], bool]) -> list[tuple[float, float]]:
    """(seconds after the first, the UTC seconds burnt into it) of the pictures at wanted times."""
    found, first = [], None
    with av.open(media) as container:
        for frame in container.decode(video=0):
            at = float(frame.pts * frame.time_base)
            first = at if first is None else first
            if wanted(at - first):
                plane = frame.planes[0]
                micros = read_clock(bytes(plane), frame.width, frame.height, plane.line_size)
                assert micros is not None
                found.append((at - first, micros / 1e6))
    return found


def dated(line: Line) -> list[tuple[float, float]]:
    """(date, burnt clock) of the pictures of a listed segment."""
    assert line.init is not None
    media = io.BytesIO(line.init.read_bytes() + line.path.read_bytes())
    return [(line.date + after, clock) for after, clock in pictures(media, lambda _: True)]


@pytest.mark.semantics("W5", "W6", "P4")
async def test_clips_across_a_reconnect_outlive_their_channel(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "first")
        begin = (await until_session(dvr, "first", 2)).actual_start
        assert begin is not None
        live, stopping = await asyncio.gather(
            export(tmp_path, "first", str(tmp_path / "live.mp4")), dvr.channels.stop("live")
        )
        assert stopping is None
        assert live[0] == 0 and live[1]["duration"] >= 3.9, "of a LIVE session what there is, beside its controller"
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "second")
        newest = (await until_session(dvr, "second", 2)).actual_end  # the first may be the first run's last
        assert newest is not None
        await dvr.channels.stop("live")

        def cut(start: float, end: datetime) -> list[TimeSlice]:
            return [TimeSlice(markin_time=begin + timedelta(seconds=start), markout_time=end)]

        end = newest - timedelta(seconds=0.77)
        with pytest.raises(FailedPrecondition, match="still to come"):
            await dvr.clips.create("live", "x", cut(0, end + timedelta(days=1)), output_uri=str(tmp_path / "x"))
        places = {kind: str(tmp_path / f"clips/{kind}") for kind in ("list", "mp4", "exact")}
        await dvr.clips.create("live", "list", cut(1, end), output_uri=places["list"])
        await dvr.clips.create("live", "mp4", cut(1, end), output_uri=places["mp4"], output_type="MP4")
        await dvr.clips.create("live", "exact", cut(1, end), output_uri=places["exact"], output_type="MP4", exact=True)
        made, mp4, exact = [await until_made(dvr, clip) for clip in ("list", "mp4", "exact")]
        await dvr.channels.delete("live", force=True)

    assert [(one.state, one.encoded) for one in (made, mp4, exact)] == [
        ("SUCCEEDED", "NOTHING"),
        ("SUCCEEDED", "NOTHING"),
        ("SUCCEEDED", "EDGES"),
    ], (made.error, mp4.error, exact.error)
    assert not list((tmp_path / "out").glob("av/**/*.m4s")), "the channel has gone"
    report = run_check(made.manifest_uri, deep=True)
    assert report.ok, report
    assert sum(line.discontinuity for line in lines(tmp_path / "clips/list/av/index-1.m3u8")) == 1
    assert made.edges[0].start_time == begin

    for clip in (mp4, exact):
        check_file(wheel_ffmpeg, clip)
    assert mp4.duration == pytest.approx(made.duration, abs=timedelta(seconds=0.1))
    # Cut to the picture: the clock in the first one and the last one is that of the slice's own in the segments.
    listed = lines(tmp_path / "clips/list/av/index-1.m3u8")
    first = next(clock for date, clock in dated(listed[0]) if date >= begin.timestamp() + 1 - 0.001)
    last = [clock for date, clock in dated(listed[-1]) if date < end.timestamp() - 0.001][-1]
    length = exact.duration.total_seconds()
    shown = pictures(exact.manifest_uri, lambda at: at == 0 or at > length - 0.2)
    assert (shown[0][1], shown[-1][1]) == (first, last)


def check_file(ffmpeg: str, clip: Clip) -> None:
    path = Path(clip.manifest_uri)
    assert decoding_errors(ffmpeg, path) == ""
    assert clip.size_bytes == path.stat().st_size
    assert list(path.parent.iterdir()) == [path], "no litter"
