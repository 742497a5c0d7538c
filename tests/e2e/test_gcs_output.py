"""A bucket as the output: the product against our own Cloud Storage, through google-cloud-storage as it is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcs_server import Bucket, GcsServer
from live import ffmpeg_pids, record
from livedvr.check.run import run_check

pytestmark = pytest.mark.e2e


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[GcsServer]:
    with GcsServer(Bucket("media", one_a_second=True)) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        yield server


def livedvr(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "livedvr", *words], capture_output=True, text=True, check=False)


@pytest.mark.semantics("O3", "O4", "O6", "P2")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_testsrc_becomes_a_session_in_a_bucket(
    server: GcsServer, wheel_ffmpeg: str, container: str, tmp_path: Path
) -> None:
    output = "gs://media/tv/news"
    options = ("--duration", "4s", "--session", "demo", "--container", container)
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
    assert objects["tv/news/main.m3u8"].settings["cacheControl"] == "no-cache"
    assert sorted({name.split("/")[2] for name in objects}) == [".livedvr", "av", "dvr", "main.m3u8"]
    private = tmp_path / "state/livedvr/channels/live"
    assert list((private / "spool").iterdir()) == [] and ffmpeg_pids(tmp_path) == []
    shown = livedvr("session", "get", "demo", "--output", output, "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["output_uri"] == result["output_uri"]
    gone = livedvr("session", "delete", "demo", "--output", output)
    assert gone.returncode == 0, gone.stderr
    assert not any(name.startswith("tv/news/dvr/") for name in objects)


@pytest.mark.semantics("S14")
def test_a_bucket_that_will_not_do_is_told_before_the_channel_starts(server: GcsServer, tmp_path: Path) -> None:
    code, _, err = record("testsrc", "gs://nowhere/tv", "--duration", "2s")
    assert code == 4 and "The specified bucket does not exist. (make the bucket first" in err
    server.buckets["media"].denied = {"storage.objects.delete"}
    code, _, err = record("testsrc", "gs://media/tv", "--duration", "2s")
    assert code == 4 and "this account does not have storage.objects.delete (see docs/gcs.md" in err
    code, _, err = record("testsrc", "gs://media/a?b", "--duration", "2s")
    assert code == 2 and "--output: a '?' in the prefix" in err
    assert server.buckets["media"].objects == {} and not list(tmp_path.glob("state/livedvr/channels/*"))
