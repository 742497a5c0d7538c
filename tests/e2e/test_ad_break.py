"""An ad break that is asked for (P9), and what a channel tells of its input and its health."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from threefive import Cue

from builders import channel
from live import lines, media_playlist, until
from livedvr import LiveDvr
from livedvr.check.run import run_check
from livedvr.hls.attributes import parse_attributes
from livedvr.resources.errors import FailedPrecondition
from livedvr.resources.figures import InputStreams
from livedvr.resources.streams import MuxStream

pytestmark = pytest.mark.e2e

SECOND = timedelta(seconds=1)


def ranges(path: Path) -> list[dict[str, str]]:
    """The attributes of each EXT-X-DATERANGE, without quotes, with what stands behind it as URI."""
    text = path.read_text() if path.exists() else ""
    found = re.findall(r"#EXT-X-DATERANGE:(.*)\n(?:#.*\n)*(.*)", text)
    return [{n: v.strip('"') for n, v in parse_attributes(tag).items()} | {"URI": uri} for tag, uri in found]


async def seen(path: Path, count: int) -> list[dict[str, str]]:
    """The date ranges of a playlist as soon as it has so many tags of them."""
    await asyncio.to_thread(until, lambda: len(ranges(path)) >= count, f"{count} date ranges")
    return ranges(path)


@pytest.mark.semantics("P9", "P1", "O5", "S16", "C1")
async def test_breaks_on_a_channel_at_work(wheel_ffmpeg: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    recorded = channel(str(out), mux_streams=(MuxStream(segment_duration=SECOND),))
    began = datetime.now(UTC)
    async with LiveDvr(tmp_path / "data", detach=True) as dvr:
        await dvr.channels.create(recorded)
        for refused in (dvr.channels.ad_break("live", SECOND), dvr.channels.return_to_program("live")):
            with pytest.raises(FailedPrecondition):
                await refused
        assert await dvr.channels.streams("live") == InputStreams()
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "demo")
        await asyncio.to_thread(until, media_playlist(out).exists, "a playlist")
        asked = await dvr.channels.ad_break("live", 1.5 * SECOND, event_id=7)
        first, last = await seen(media_playlist(out), 2)
        assert asked.event_id == 7 and first["ID"] == last["ID"] and first["ID"].startswith("break-7-")
        start = datetime.fromisoformat(first["START-DATE"])
        assert timedelta(0) <= start - asked.time <= 1.1 * SECOND, "the next segment's start"
        edges = {str(line.path): line.date for line in lines(media_playlist(out))}
        here = str((media_playlist(out).parent / first["URI"]).resolve())
        assert edges[here] == pytest.approx(start.timestamp(), abs=0.002), "before the segment that begins there"
        assert (first["PLANNED-DURATION"], last["DURATION"]) == ("1.500", "1.500")
        cue = Cue(first["SCTE35-OUT"])
        cue.decode()
        assert (cue.command.splice_event_id, cue.command.break_duration) == (7, 1.5)
        with pytest.raises(FailedPrecondition, match="is listed already"):
            await dvr.channels.ad_break("live", SECOND, at=start)

        came, figures = await dvr.channels.streams("live"), await dvr.channels.figures("live")
        assert came.established is not None and began < came.established < start
        video, audio = came.streams
        assert video.video is not None and (video.video.width_pixels, video.video.height_pixels) == (1280, 720)
        assert video.video.frame_rate == 30 and audio.audio is not None and audio.audio.channel_count == 1
        assert figures.segments == figures.segments_ever >= len(edges) and figures.size_bytes > 10_000
        assert figures.lag is not None and timedelta(0) < figures.lag < 4 * SECOND
        assert figures.clock_error is not None and abs(figures.clock_error) < 0.25 * SECOND
        assert (figures.gaps, figures.runs, figures.drift_ppm) == (0, 1, None)
        # It is asked for, and the controller goes before it can be told.
        await dvr.channels.ad_break("live", 60 * SECOND, at=datetime.now(UTC) + SECOND)

    async with LiveDvr(tmp_path / "data") as dvr:
        begun = (await seen(media_playlist(out), 3))[2]
        assert begun["ID"].startswith("break-8-")
        assert (await dvr.channels.streams("live")).streams == came.streams
        established = (await dvr.channels.streams("live")).established
        assert established is not None and abs(established - came.established) < 2 * SECOND
        await dvr.channels.return_to_program("live")
        back = (await seen(media_playlist(out), 4))[3]
        assert back["ID"] == begun["ID"] and 0 < float(back["DURATION"]) < 30 and back["SCTE35-IN"].startswith("0xFC")
        live = await seen(out / "av/index-1.m3u8", 2)
        assert [one["ID"] for one in live][-2:] == [begun["ID"]] * 2
        await dvr.channels.stop("live")
        for main in (out / "dvr/demo/main.m3u8", out / "main.m3u8"):
            assert run_check(str(main), deep=True).ok
