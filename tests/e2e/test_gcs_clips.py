"""Clips and exports with a bucket on either side, through google-cloud-storage as it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from builders import channel
from gcs_server import Bucket, Fault, GcsServer
from livedvr import Clip, LiveDvr, MuxStream, TimeSlice
from livedvr.check.run import run_check
from livedvr.cli import main
from offline import decoding_errors

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("small_testsrc")]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    with GcsServer(Bucket("media", one_a_second=True), Bucket("clips", one_a_second=True)) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        monkeypatch.setattr("livedvr.storage.gcs.RETRY_SECONDS", 0.5)
        yield server


async def record(dvr: LiveDvr, output: str) -> TimeSlice:
    """A channel that has stopped, with session ``demo``: what a clip may take of it."""
    await dvr.channels.create(channel(output, mux_streams=(MuxStream(segment_duration="PT1S"),)))
    await dvr.channels.start("live")
    await dvr.sessions.create("live", "demo")
    async for seen in dvr.sessions.watch("live", "demo"):
        if seen.segments >= 3:
            break
    await dvr.channels.stop("live")
    done = await dvr.sessions.get("live", "demo")
    assert done.actual_start is not None and done.actual_end is not None
    # Neither end is an edge of a segment.
    cut = timedelta(seconds=0.3)
    return TimeSlice(markin_time=done.actual_start + cut, markout_time=done.actual_end - cut)


async def until_made(dvr: LiveDvr, clip: str) -> Clip:
    return [seen async for seen in dvr.clips.watch("live", clip)][-1]


@pytest.mark.semantics("O4", "S14")
async def test_clips_and_an_export_of_a_channel_in_a_bucket(
    server: GcsServer, wheel_ffmpeg: str, tmp_path: Path
) -> None:
    places = {
        "list": "gs://clips/goals/list",  # of another bucket
        "mp4": "gs://media/clips/mp4",
        "home": str(tmp_path / "home"),
        "exact": str(tmp_path / "exact"),
    }
    faults = iter([Fault.REFUSED] * 4 + [Fault.LOST, Fault.RESET])
    async with LiveDvr(tmp_path / "data") as dvr:
        part = await record(dvr, "gs://media/tv")
        server.plan = lambda method, what, name: next(faults, None) if what == "rewrite" else None
        for clip, place in places.items():
            kind = "MP4" if clip in ("mp4", "exact") else "MANIFEST"
            await dvr.clips.create("live", clip, [part], output_uri=place, output_type=kind, exact=clip == "exact")
        made = {clip: await until_made(dvr, clip) for clip in places}
        words = ["export", "demo", str(tmp_path / "whole.mp4"), "--data-dir", str(tmp_path / "data"), "--json"]
        exported = await asyncio.to_thread(CliRunner().invoke, main, words)
        await dvr.channels.delete("live", force=True)
    assert {one.state for one in made.values()} == {"SUCCEEDED"}, [one.error for one in made.values()]
    assert len(server.faults) == 6
    assert not [name for name in server.buckets["media"].objects if name.startswith(("tv/av/", "tv/dvr/"))]
    assert made["list"].manifest_uri == "gs://clips/goals/list/main.m3u8"
    for uri in (f"{server.url}/clips/goals/list/main.m3u8", made["home"].manifest_uri):
        report = run_check(uri, deep=True)
        assert report.ok, report.to_text()
    objects = server.buckets["clips"].objects
    told = {name.rpartition(".")[2]: one.settings for name, one in objects.items() if ".livedvr" not in name}
    assert {key: one["contentType"] for key, one in told.items()} == {
        "m3u8": "application/vnd.apple.mpegurl",
        "mp4": "video/mp4",
        "m4s": "video/iso.segment",
    }
    assert told["m4s"]["cacheControl"] == "max-age=31536000, immutable"
    whole = server.buckets["media"].objects["clips/mp4/main.mp4"]
    assert whole.settings == {"contentType": "video/mp4", "cacheControl": "max-age=31536000, immutable"}
    (tmp_path / "fetched.mp4").write_bytes(whole.data)
    assert made["mp4"].size_bytes == len(whole.data)
    assert exported.exit_code == 0, exported.stderr
    assert json.loads(exported.stdout)["duration"] >= 2.9
    for path in (tmp_path / "whole.mp4", tmp_path / "fetched.mp4", tmp_path / "exact/main.mp4"):
        assert decoding_errors(wheel_ffmpeg, path) == ""
    assert made["exact"].duration == pytest.approx(part.markout_time - part.markin_time, abs=timedelta(seconds=0.1))
    assert list((tmp_path / "exact").iterdir()) == [tmp_path / "exact/main.mp4"], "no litter"
    assert [one.name for one in (tmp_path / "data/channels/live").glob(".livedvr-*")] == []
