"""The catalog is lost, and a copy of it put back while sessions are LIVE and ffmpeg records (docs/backup.md)."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from builders import channel
from live import PATIENCE, ffmpeg_pids, lines, listed_text, media_playlist, until
from livedvr import LiveDvr
from livedvr.catalog.backup import back_up
from livedvr.check.run import run_check
from livedvr.resources.streams import MuxStream

pytestmark = pytest.mark.e2e


async def live(dvr: LiveDvr) -> None:
    """Until the session is LIVE."""
    async with asyncio.timeout(PATIENCE), aclosing(dvr.sessions.watch("live", "demo")) as changes:
        async for session in changes:
            if session.state == "LIVE":
                return


async def test_a_copy_that_is_put_back_goes_on_and_says_what_it_does_not_know(
    wheel_ffmpeg: str, tmp_path: Path
) -> None:
    data, output = tmp_path / "data", tmp_path / "out"
    async with LiveDvr(data, detach=True) as dvr:
        await dvr.channels.create(channel(str(output), mux_streams=(MuxStream(segment_duration="PT1S"),)))
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "demo")
        await live(dvr)
        await asyncio.to_thread(listed_text, output, 2)
        saved = await asyncio.to_thread(back_up, data / "catalog.sqlite3", tmp_path / "saved.sqlite3")
        assert (saved.copy.channels, saved.copy.sessions) == (1, 1)
        known = len(lines(media_playlist(output)))
        await asyncio.to_thread(listed_text, output, known + 3)
    before = lines(media_playlist(output))
    (pid,) = ffmpeg_pids(output)

    for left in data.iterdir():
        left.unlink()
    (tmp_path / "saved.sqlite3").rename(data / "catalog.sqlite3")
    async with LiveDvr(data) as dvr:
        await live(dvr)
        newest = before[-1].path.name
        await asyncio.to_thread(
            until, lambda: lines(media_playlist(output))[-1].path.name > newest, "what is recorded now is listed"
        )
        assert ffmpeg_pids(output) == [pid], "it is adopted"
        await dvr.channels.stop("live")
        session = await dvr.sessions.get("live", "demo")
    assert session.state == "FINISHED" and run_check(session.output_uri, deep=True).ok
    after = lines(media_playlist(output))
    kept = [line.path for line in after if line in before]
    assert len(kept) >= 2 and kept == [line.path for line in before[: len(kept)]], "what the copy knows is as it was"
    lost = [line.path for line in before[len(kept) :]]
    assert lost and all(path.exists() for path in lost), (
        "media that it does not know stays where it is, and is not listed"
    )
    assert after[len(kept)].discontinuity and session.gaps, "and the session says so"
