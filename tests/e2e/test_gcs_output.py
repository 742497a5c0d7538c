"""A bucket as the output: the product against our own Cloud Storage, through google-cloud-storage as it is."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from faulty_bucket import record_in_a_storm
from gcs_server import Bucket, Fault, GcsServer, Stored
from live import Recording, ffmpeg_pids, record, until
from livedvr import Channel, Input, LiveDvr, Output
from livedvr.check.run import run_check
from livedvr.cli import main
from livedvr.resources.errors import StorageError

pytestmark = pytest.mark.e2e


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[GcsServer]:
    with GcsServer(Bucket("media", one_a_second=True)) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        yield server


def livedvr(*words: str) -> Result:
    """The command line in this process: Google's client is imported once, not by each command."""
    return CliRunner().invoke(main, words)


@pytest.mark.semantics("O3", "O4", "O6", "P2")
def test_testsrc_becomes_a_session_in_a_bucket(server: GcsServer, wheel_ffmpeg: str, tmp_path: Path) -> None:
    output = "gs://media/tv/news"
    options = ("--duration", "3s", "--segment-duration", "1s", "--session", "demo", "--container", "ts", "--gzip")
    code, result, err = record("testsrc", output, *options)
    assert code == 0, err
    assert result["state"] == "FINISHED" and result["gaps"] == [] and result["error"] is None
    assert result["output_uri"] == f"{output}/dvr/demo/main.m3u8"
    report = run_check(f"{server.url}/media/tv/news/dvr/demo/main.m3u8", deep=True)
    assert report.ok, report.to_text()
    decoded = subprocess.run(
        [wheel_ffmpeg, "-v", "error", "-i", f"{server.url}/media/tv/news/dvr/demo/main.m3u8", "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert decoded.stderr == ""
    objects = server.buckets["media"].objects
    main = objects["tv/news/main.m3u8"]
    assert main.settings["cacheControl"] == "no-cache"
    assert main.settings["contentEncoding"] == "gzip"
    assert sorted({name.split("/")[2] for name in objects}) == [".livedvr", "av", "dvr", "main.m3u8"]
    private = tmp_path / "state/livedvr/channels/live"
    assert list((private / "spool").iterdir()) == [] and ffmpeg_pids(tmp_path) == []
    shown = livedvr("session", "get", "demo", "--output", output, "--json")
    assert shown.exit_code == 0, shown.stderr
    assert json.loads(shown.stdout)["output_uri"] == result["output_uri"]
    gone = livedvr("session", "delete", "demo", "--output", output)
    assert gone.exit_code == 0, gone.stderr
    assert not any(name.startswith("tv/news/dvr/") for name in objects)


@pytest.mark.semantics("S14")
def test_a_bucket_that_will_not_do_is_told_before_the_channel_starts(server: GcsServer, tmp_path: Path) -> None:
    def refused(output: str, *options: str) -> tuple[int, str]:
        ran = livedvr("record", "testsrc", "--output", output, "--duration", "2s", *options)
        return ran.exit_code, ran.stderr

    code, err = refused("gs://nowhere/tv")
    assert code == 4 and "The specified bucket does not exist. (make the bucket first" in err
    server.buckets["media"].denied = {"storage.objects.delete"}
    code, err = refused("gs://media/tv")
    assert code == 4 and "this account does not have storage.objects.delete (see docs/gcs.md" in err
    code, err = refused("gs://media/a?b")
    assert code == 2 and "--output: a '?' in the prefix" in err
    code, err = refused(str(tmp_path / "out"), "--gzip")
    assert code == 2 and "gzip is for gs:// outputs" in err
    assert server.buckets["media"].objects == {} and not list(tmp_path.glob("state/livedvr/channels/*"))


@pytest.mark.semantics("S14")
async def test_a_bucket_that_is_closed_to_us_by_now_is_told_before_ingest_starts(
    server: GcsServer, tmp_path: Path
) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(
            Channel(channel_id="live", input=Input(uri="udp://127.0.0.1:9"), output=Output(uri="gs://media/tv"))
        )
        server.buckets["media"].denied = {"storage.objects.get"}
        with pytest.raises(StorageError, match="does not have storage"):
            await dvr.channels.start("live")
        assert (await dvr.channels.state("live"))[0] == "STOPPED"


def text_of(server: GcsServer, name: str) -> str:
    return server.buckets["media"].objects[name].data.decode()


def lines_of(server: GcsServer, name: str) -> list[str]:
    """The segments that a playlist lists."""
    return [line for line in text_of(server, name).splitlines() if not line.startswith("#")]


def nothing(method: str, what: str, name: str) -> Fault | None:
    """Nothing goes wrong."""
    return None


def bucket_names(server: GcsServer) -> set[str]:
    return set(server.buckets["media"].objects)


def outage(*faults: Fault) -> Callable[[str, str, str], Fault | None]:
    """Everything goes wrong, in turn; who reads by the public address is not asked."""
    turns = itertools.cycle(faults)
    return lambda method, what, name: None if what == "public" else next(turns)


@pytest.mark.semantics("S5", "S14")
def test_recording_goes_on_while_the_bucket_is_away(server: GcsServer, wheel_ffmpeg: str, tmp_path: Path) -> None:
    """Also the window ends meanwhile: nothing is sealed before all of it is there."""
    spool = tmp_path / "state/livedvr/channels/live/spool"
    options = ("--duration", "5s", "--session", "demo", "--segment-duration", "1s")
    with Recording("testsrc", "gs://media/tv", *options) as recording:
        until(lambda: "tv/dvr/demo/main.m3u8" in bucket_names(server), "the session is published")
        seen = len(lines_of(server, "tv/dvr/demo/av/index-1.m3u8"))
        server.plan = outage(Fault.REFUSED, Fault.RESET, Fault.STALLED)
        until(lambda: len(list(spool.glob("*/av/segment-*"))) >= 8 - seen, "all of the window is in the spool")
        until(lambda: Fault.STALLED in server.faults, "a request stalls")
        assert "#EXT-X-ENDLIST" not in text_of(server, "tv/dvr/demo/av/index-1.m3u8")
        server.plan = nothing
        code, result, err = recording.finish()
    assert code == 0, err
    assert result["state"] == "FINISHED" and result["gaps"] == [] and result["duration"] >= 5
    report = run_check(f"{server.url}/media/tv/dvr/demo/main.m3u8", deep=True)
    assert report.ok, report.to_text()
    assert text_of(server, "tv/dvr/demo/av/index-1.m3u8").count("#EXT-X-DISCONTINUITY\n") == 0


@pytest.mark.semantics("S16")
def test_a_controller_that_is_killed_while_the_bucket_is_away(
    server: GcsServer, wheel_ffmpeg: str, tmp_path: Path
) -> None:
    spool = tmp_path / "state/livedvr/channels/live/spool"
    options = ("--session", "demo", "--segment-duration", "1s", "--resume")
    with Recording("testsrc", "gs://media/tv", *options) as recording:
        until(lambda: "tv/dvr/demo/main.m3u8" in bucket_names(server), "the session is published")
        server.plan = outage(Fault.REFUSED, Fault.LOST)
        until(lambda: len(list(spool.glob("*/av/segment-*"))) >= 4, "a backlog")
        recording.send(signal.SIGKILL)
        recording.process.wait()
    with Recording("testsrc", "gs://media/tv", *options) as recording:
        before = len(list(spool.glob("*/av/segment-*")))
        until(lambda: len(list(spool.glob("*/av/segment-*"))) > before, "the second one lets it go on")
        server.plan = nothing
        until(lambda: len(lines_of(server, "tv/dvr/demo/av/index-1.m3u8")) > before + 2, "all of it is listed")
        recording.send(signal.SIGINT)
        code, result, err = recording.finish()
    assert code == 0, err
    assert result["state"] == "FINISHED" and result["gaps"] == []
    report = run_check(f"{server.url}/media/tv/dvr/demo/main.m3u8", deep=True)
    assert report.ok, report.to_text()
    assert len({line.split("/")[-2] for line in lines_of(server, "tv/dvr/demo/av/index-1.m3u8")}) == 1, "one run"


@pytest.mark.semantics("S14")
def test_two_controllers_with_two_catalogs(server: GcsServer, wheel_ffmpeg: str, tmp_path: Path) -> None:
    """The bucket knows that there is a newer one: the older stops, and leaves what it has written as it is."""
    with Recording("testsrc", "gs://media/tv", "--session", "old", "--segment-duration", "1s") as old:
        until(lambda: "tv/dvr/old/main.m3u8" in bucket_names(server), "the older publishes")
        other = ("--session", "new", "--segment-duration", "1s", "--data-dir", str(tmp_path / "other"))
        with Recording("testsrc", "gs://media/tv", *other) as new:
            code, result, err = old.finish()
            assert code == 6 and "another controller (" in err and "has taken this output, epoch 2 after 1" in err, err
            assert "SUPERSEDED: gs://media/tv: another controller" in err
            assert result["state"] == "FAILED"
            assert ffmpeg_pids(tmp_path / "state") == []
            left = text_of(server, "tv/dvr/old/av/index-1.m3u8")
            until(lambda: "tv/dvr/new/main.m3u8" in bucket_names(server), "the newer publishes")
            new.send(signal.SIGINT)
            code, result, err = new.finish()
    assert code == 0 and result["state"] == "FINISHED", err
    assert text_of(server, "tv/dvr/old/av/index-1.m3u8") == left
    assert run_check(f"{server.url}/media/tv/dvr/new/main.m3u8", deep=True).ok


@pytest.mark.semantics("S14")
def test_a_permission_that_is_taken_away_ends_the_channel_in_gcs_s_words(
    server: GcsServer, wheel_ffmpeg: str, tmp_path: Path
) -> None:
    with Recording("testsrc", "gs://media/tv", "--session", "demo", "--segment-duration", "1s") as recording:
        until(lambda: "tv/dvr/demo/main.m3u8" in bucket_names(server), "the session is published")
        server.buckets["media"].denied = {"storage.objects.create"}
        code, result, err = recording.finish()
    assert code == 4 and "403" in err and "does not have storage.objects.create access" in err and "docs/gcs.md" in err
    assert result["state"] == "FAILED" and "403" in result["error"]
    assert ffmpeg_pids(tmp_path) == []


@pytest.mark.semantics("P1", "S14")
async def test_after_each_fault_everything_that_is_listed_is_there(wheel_ffmpeg: str, tmp_path: Path) -> None:
    """Short; `scripts/gcs-faults` is the long one."""
    tally = await record_in_a_storm(tmp_path / "data", seed=1, faults=12, patience=60)
    assert sum(tally[fault.name] for fault in Fault) == 12
    assert tally["HEAD"] > 12 and tally["segments listed"] >= 5


def test_a_bucket_is_checked_for_who_sets_it_up(server: GcsServer) -> None:
    fine = livedvr("check", "gs://media/tv")
    assert (fine.exit_code, fine.stdout) == (0, "OK: gs://media/tv can be recorded to, 0 warnings\n")
    bucket = server.buckets["media"]
    assert bucket.objects == {}
    bucket.soft_delete_seconds, bucket.cors = 7 * 86400, []
    bucket.settings = {
        "versioning": {"enabled": True},
        "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 1}}]},
        "retentionPolicy": {"retentionPeriod": "60"},
        "iamConfiguration": {"publicAccessPrevention": "enforced"},
    }
    bucket.objects["tv/main.m3u8"] = Stored(b"#EXTM3U", 1, 0.0, {})
    told = livedvr("check", "gs://media/tv").stdout
    for text in ("soft delete is on", "for 7 days", "versioning", "CORS", "lifecycle", "retention policy", "uniform"):
        assert "WARNING" in told and text in told, told
    assert "public access" in told and "1 playlists have no Cache-Control" in told and "8 warnings" in told
    assert len(json.loads(livedvr("check", "gs://media/tv", "--json").stdout)["warnings"]) == 8
    bucket.denied = {"storage.buckets.get"}
    assert "that needs storage.buckets.get" in livedvr("check", "gs://media/tv").stdout
    bucket.denied = {"storage.objects.list"}
    refused = livedvr("check", "gs://media/tv")
    assert refused.exit_code == 2 and "this account does not have storage.objects.list" in refused.stderr
    playlist = livedvr("check", "gs://media/tv/main.m3u8")
    assert playlist.exit_code == 2 and "https://storage.googleapis.com/media/tv/main.m3u8" in playlist.stderr
