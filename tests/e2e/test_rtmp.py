"""RTMP: a publisher that has the key, those that have not, and a server that is pulled from (SEMANTICS I1, I4)."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from pathlib import Path

import pytest

from live import (
    FLV,
    Encoder,
    Recording,
    clock_errors,
    events,
    free_tcp_port,
    lines,
    listed_text,
    listening,
    media_playlist,
    record,
    until,
)
from livedvr.check.run import run_check
from livedvr.record_options import RecordOptions
from livedvr.recording import RecordControl, record_session

pytestmark = pytest.mark.e2e

KEY = "correct-horse-battery"


def publisher(port: int, name: str) -> Encoder:
    return Encoder(f"rtmp://127.0.0.1:{port}/{name}", mux=FLV)


def open_run(output: Path, other_than: str = "") -> str:
    """The id of the run that is open, as soon as there is one, another than that."""

    def look() -> str:
        return next((folder.name for folder in output.glob(".livedvr/spool/*") if folder.name != other_than), "")

    run: str = until(look, "a run")
    return run


def without_key(output: Path, *shown: object) -> None:
    """The key stands nowhere but in the catalog, which is its user's alone."""
    assert KEY not in " ".join(str(one) for one in shown)
    holders = {path.name for path in output.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()}
    assert holders <= {"catalog.sqlite3", "catalog.sqlite3-wal"}, holders


@pytest.mark.semantics("I4", "I6", "C1")
def test_only_the_publisher_with_the_key_is_ever_listed(ffmpeg: str, tmp_path: Path) -> None:
    port = free_tcp_port()
    with Recording(f"rtmp://:{port}/live/{KEY}", tmp_path, "--duration", "4s", "--session", "demo") as recording:
        run = open_run(tmp_path)
        for name in ("live/wrong-horse", f"evil/{KEY}", "live/*"):
            listening(port)
            with publisher(port, name) as wrong:
                until(lambda wrong=wrong: wrong.process.poll() is not None, f"{name} is cut off")
            run = open_run(tmp_path, other_than=run)
            assert not list(tmp_path.rglob("*.m3u8")) and not list(tmp_path.glob("av/*")), "nothing of it is stored"
        listening(port)
        with publisher(port, f"live/{KEY}"):
            listed_text(tmp_path, 1)
            with publisher(port, f"live/{KEY}") as second:
                until(lambda: second.process.poll() is not None, "a second publisher is refused")
            without_key(tmp_path)
            code, result, err = recording.finish()
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
    assert events(tmp_path / ".livedvr") == [
        ("PUBLISHER_REFUSED", "a publisher was refused: it gave a wrong stream key")
    ]
    listed = lines(media_playlist(tmp_path))
    assert {line.path.parent.name for line in listed} == {run}, "the right publisher's run, and no other"
    assert {path.parent.name for path in tmp_path.glob("av/*/*")} == {run}
    assert run_check(result["output_uri"], deep=True).ok
    errors = clock_errors(listed)
    assert all(abs(error) < 0.25 for error in errors), errors
    without_key(tmp_path, result, err)


@pytest.mark.semantics("I4")
def test_a_key_that_is_made_is_shown_once_and_an_address_that_is_not_allowed_is_refused(
    wheel_ffmpeg: str, tmp_path: Path
) -> None:
    port = free_tcp_port()
    options = ("--session", "demo", "--target-duration", "2", "--duration", "2s")
    with Recording(f"rtmp://:{port}/live", tmp_path, *options, "--allow-ip", "192.0.2.0/24") as recording:
        listening(port)
        run = open_run(tmp_path)
        recording.send(signal.SIGINT)
        _, result, err = recording.finish()
    (url,) = re.findall(rf"publish to (rtmp://127\.0\.0\.1:{port}/live/\w{{24}}) ", err)
    key = url.rpartition("/")[2]
    assert err.count(key) == 1 and key not in str(result)

    with Recording(f"rtmp://:{port}/live", tmp_path, *options, "--allow-ip", "192.0.2.0/24") as recording:
        listening(port)
        run = open_run(tmp_path)
        with publisher(port, f"live/{key}") as stranger:
            until(lambda: stranger.process.poll() is not None, "the stranger is cut off")
        open_run(tmp_path, other_than=run)
        assert not list(tmp_path.glob("av/*"))
        recording.send(signal.SIGINT)
        _, result, err = recording.finish()
    assert "PUBLISHER_REFUSED: a publisher was refused: 127.0.0.1 is not in the allow-list" in err
    assert key not in err

    options = (*options, "--allow-ip", "192.0.2.0/24", "--allow-ip", "127.0.0.0/8")
    with Recording(f"rtmp://:{port}/live", tmp_path, *options) as recording:
        listening(port)
        with publisher(port, f"live/{key}"):
            code, result, err = recording.finish()
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert key not in err, "the key is the same, and not shown again"


@pytest.mark.semantics("I1")
def test_a_stream_is_pulled_from_a_server(ffmpeg: str, tmp_path: Path) -> None:
    port = free_tcp_port()
    secret = "stream-horse?token=battery"
    with Encoder(f"rtmp://127.0.0.1:{port}/app/{secret}", mux=(*FLV, "-listen", "1")):
        listening(port)
        code, result, err = record(
            f"rtmp://127.0.0.1:{port}/app/{secret}", tmp_path, "--session", "demo", "--duration", "2s",
            "--target-duration", "2",
        )  # fmt: skip
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert "horse" not in err + "".join(path.read_text() for path in tmp_path.rglob("*.log"))
    assert run_check(result["output_uri"], deep=True).ok


def test_a_port_that_is_taken_is_said_at_once(wheel_ffmpeg: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, result, _ = record(f"rtmp://:{port}/live/{KEY}", tmp_path, "--session", "demo")
    assert code == 6 and f"port {port}/tcp on 127.0.0.1 is taken" in result["error"]
    assert KEY not in result["error"]


async def test_what_happens_on_a_channel_is_said_when_it_happens(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port, notes = free_tcp_port(), []
    control = RecordControl(on_note=notes.append)
    options = RecordOptions(source=f"rtmp://:{port}/live/{KEY}", output=str(tmp_path))
    recording = asyncio.create_task(record_session(options, control))
    await asyncio.to_thread(listening, port)
    with publisher(port, "live/wrong-horse"):
        await asyncio.to_thread(until, lambda: notes, "a note")
    assert notes == ["PUBLISHER_REFUSED: a publisher was refused: it gave a wrong stream key"]
    assert not recording.done()
    control.stop.set()
    await recording
    assert len(notes) == 1, "once"
