"""A sender that becomes another one on the same port: each picture is listed under its own init segment (P4)."""

from __future__ import annotations

import io
import itertools
import socket
import subprocess
import threading
import time
from pathlib import Path

import av
import pytest

from followed import SHORT, Followed
from live import Encoder, Line, clock_errors, free_udp_port, record, waiting_run
from livedvr.catalog import channel_rows
from livedvr.catalog.reading import reading
from livedvr.check.run import run_check

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(480)]  # half a minute and more of real time, on a quiet machine


def streams(line: Line) -> dict[str, tuple[object, ...]]:
    """Of a segment's first picture its codec and size, decoded, and of its sound how many packets there are."""
    data = (line.init.read_bytes() if line.init else b"") + line.path.read_bytes()
    found: dict[str, tuple[object, ...]] = {}
    with av.open(io.BytesIO(data)) as container:
        for packet in container.demux():
            if packet.stream.type == "video" and "video" not in found and (frames := packet.decode()):
                found["video"] = (packet.stream.codec_context.codec.canonical_name, frames[0].width, frames[0].height)
            elif packet.stream.type == "audio" and packet.size:
                found["audio"] = ("heard",)
    return found


def runs_of(listed: list[Line]) -> list[list[Line]]:
    """The lines by their run; a discontinuity stands before each but the first, and nowhere else."""
    runs = [list(group) for _, group in itertools.groupby(listed, key=lambda line: line.path.parent)]
    assert [line.discontinuity for line in listed].count(True) == len(runs) - 1
    assert all(run[0].discontinuity for run in runs[1:])
    return runs


@pytest.mark.semantics("P4", "P6", "P8", "C1", "C3")
@pytest.mark.parametrize(("ffmpeg", "container"), [("debian", "ts")], indirect=["ffmpeg"])
def test_another_picture_begins_another_run(ffmpeg: str, container: str, tmp_path: Path) -> None:
    # The other pairs are cut in tests/ingest/test_source_change.py; here each costs what probing twice takes.
    port = free_udp_port()
    url = f"udp://127.0.0.1:{port}?pkt_size=1316"
    with Followed(f"udp://127.0.0.1:{port}", tmp_path, *SHORT, "--container", container) as followed:
        waiting_run(tmp_path)
        with Encoder(url, size=(640, 360)):
            followed.follow(2)
        followed.lost()
        with Encoder(url, size=(320, 240)):
            followed.returned(time.time())
            listed, gaps = followed.finish()
    assert [gap["reason"] for gap in gaps] == ["source changed: video 640x360 -> 320x240"]
    before, after = runs_of(listed)
    sound = {"audio": ("heard",)}
    assert all(streams(line) == {"video": ("h264", 640, 360)} | sound for line in before)
    assert all(streams(line) == {"video": ("h264", 320, 240)} | sound for line in after)
    assert max(map(abs, clock_errors(listed, joined=True))) < 0.25
    assert "RESOLUTION=640x360" in (tmp_path / "dvr/demo/main.m3u8").read_text()


class Deafened:
    """Passes a sender's MPEG-TS on, and from a moment on without its sound, which is announced still."""

    def __init__(self, to: int) -> None:
        self._to = ("127.0.0.1", to)
        self.is_deaf = self._ending = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self.url = f"udp://127.0.0.1:{self._socket.getsockname()[1]}?pkt_size=1316"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> Deafened:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._ending:
            try:
                data = self._socket.recv(2048)
            except TimeoutError:
                continue
            packets = (data[at : at + 188] for at in range(0, len(data), 188))
            heard = (one for one in packets if not self.is_deaf or one[1:3] not in (b"\x01\x01", b"\x41\x01"))
            self._socket.sendto(b"".join(heard), self._to)


def test_a_file_that_changes_is_recorded_until_there(wheel_ffmpeg: str, tmp_path: Path) -> None:
    file = tmp_path / "clip.ts"
    for size in ("160x90", "320x180"):
        made = f"-f lavfi -i testsrc2=s={size}:r=25:d=2 -c:v libx264 -g 25 -f mpegts -".split()
        with file.open("ab") as out:
            subprocess.run([wheel_ffmpeg, "-nostdin", "-loglevel", "error", *made], stdout=out, check=True)
    code, result, err = record(str(file), tmp_path / "out", "--segment-duration", "1s")
    assert (code, result["state"]) == (5, "FINISHED"), err
    assert "the file changes: video 160x90 -> 320x180" in result["error"] and "--video h264" in result["error"]
    assert result["duration"] == pytest.approx(2, abs=0.1)
    assert run_check(result["output_uri"], deep=True).ok


@pytest.mark.semantics("P4", "P8", "I3")
def test_pictures_whose_sound_goes_are_recorded_without_it(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    with Followed(f"udp://127.0.0.1:{port}", tmp_path, *SHORT) as followed:
        waiting_run(tmp_path)
        with Deafened(port) as relay, Encoder(relay.url):
            followed.follow(2)
            followed.lost()
            relay.is_deaf = True
            followed.returned(time.time())
            listed, gaps = followed.finish()
    assert [gap["reason"] for gap in gaps] == ["source changed: audio has gone"]
    before, after = runs_of(listed)
    assert all("audio" in streams(line) for line in before)
    assert not any("audio" in streams(line) for line in after)
    with reading(tmp_path / ".livedvr/catalog.sqlite3") as db:
        events = [kind for _, kind, _ in channel_rows.list_events(db, "live")]
    assert events == ["SOURCE_CHANGED", "RENDITION_FAILED"]
