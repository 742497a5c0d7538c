"""What the e2e tests share: the CLI as a process, encoders that push, playlists read back, clocks read from pixels."""

from __future__ import annotations

import functools
import io
import itertools
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg

from livedvr.ingest.testsrc import TESTSRC_OPTIONS, read_clock, testsrc_graph

PATIENCE = 60.0  # how long an event may take on a busy machine before the test fails
PORTS = 400  # of a process: a server of the tests takes about 40, and they come back late


def until(happened: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait for something that must happen; returns what ``happened`` returned. Fails when it does not come."""
    deadline = time.monotonic() + patience
    while not (answer := happened()):
        assert time.monotonic() < deadline, f"{what} did not happen within {patience} s"
        time.sleep(0.02)  # the interval of a look, not the length of a wait
    return answer


async def until_state(changes: AsyncIterator[Any], *states: str) -> Any:
    """What is watched (a session, a recording), as soon as it is in one of these states."""
    seen = None
    async for seen in changes:
        if seen.state in states:
            return seen
    raise AssertionError(f"it became {seen and seen.state}: {seen and seen.error}")


@functools.cache
def _own_ports() -> Iterator[int]:
    """One after the other the ports of a block that no other process of tests has, again and again.

    Below the ports that the kernel gives to whoever connects (it would give one of ours away between this and its use),
    and each process its own: a socket without a file holds the block until the process ends.
    """
    starts = list(range(10_000, 32_000, PORTS))
    random.SystemRandom().shuffle(starts)
    for start in starts:
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0livedvr-tests-{start}")
        except OSError:
            holder.close()
            continue
        holder.detach()  # nobody closes it
        return itertools.cycle(range(start, start + PORTS))
    raise AssertionError("every block of ports is taken")


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)  # not kept by TIME_WAIT
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_tcp_port() -> int:
    """A TCP port of loopback that nobody has, and that nobody else of the tests is given."""
    return free_tcp_ports(1)


def free_tcp_ports(count: int) -> int:
    """The first of so many TCP ports of loopback, one beside the other."""
    return _free_ports(count, socket.SOCK_STREAM)


def free_udp_port() -> int:
    """A UDP port of loopback that nobody has, and that nobody else of the tests is given."""
    return _free_ports(1, socket.SOCK_DGRAM)


def _free_ports(count: int, kind: socket.SocketKind) -> int:
    run: list[int] = []
    for port in itertools.islice(_own_ports(), 2 * PORTS):
        run = [*run, port] if _is_free(port, kind) and (not run or port == run[-1] + 1) else []
        if len(run) == count:
            return run[0]
    raise AssertionError(f"no {count} ports are free")


def listening(port: int) -> None:
    """Return when somebody listens on a TCP port of loopback. (Asked of the kernel: a visit would be a publisher's.)"""

    def look() -> list[str]:
        table = Path("/proc/net/tcp").read_text().split("\n")[1:]
        return [row for row in table if f":{port:04X} 00000000:0000 0A " in row]

    until(look, f"port {port} is listened on")


def receiving(port: int) -> None:
    """Return when somebody receives on a UDP port."""

    def look() -> list[str]:
        table = Path("/proc/net/udp").read_text().split("\n")[1:]
        return [row for row in table if f":{port:04X} 00000000:0000 07 " in row]

    until(look, f"port {port} is bound")


class Recording:
    """`livedvr record` as a process."""

    def __init__(self, source: str, output: Path | str, *options: str, prefix: tuple[str, ...] = ()) -> None:
        self.output = output
        command = [*prefix, sys.executable, "-m", "livedvr", "record", source, "--output", str(output), "--json"]
        self.process = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy()
        )

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        """A test that fails leaves neither livedvr nor an ffmpeg behind."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            time.sleep(0.2)  # two signals at once are one
            self.process.send_signal(signal.SIGINT)
        self.process.communicate()

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def finish(self, patience: float = PATIENCE) -> tuple[int, dict[str, Any], str]:
        """(exit code, the JSON object, stderr)."""
        try:
            out, err = self.process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"livedvr record did not end within {patience} s:\n{out}\n{err}") from None
        return self.process.returncode, json.loads(out) if out else {}, err


def record(source: str, output: Path | str, *options: str) -> tuple[int, dict[str, Any], str]:
    """`livedvr record` from start to end."""
    return Recording(source, output, *options).finish()


# Each audio frame in its own PES packet: by default 0.3 s of them wait for each other in the sender.
MPEG_TS = ("-f", "mpegts", "-pes_payload_size", "0")
FLV = ("-f", "flv")


def coded_live(gop: int) -> list[str]:
    """H.264 and AAC as soon as there is a picture; ``gop`` in pictures."""
    picture = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", str(gop), "-pix_fmt", "yuv420p"]
    return [*picture, "-c:a", "aac"]


class Encoder:
    """A real encoder process that pushes testsrc, in MPEG-TS unless told otherwise."""

    def __init__(
        self,
        url: str,
        *,
        size: tuple[int, int] = (320, 180),
        gop: int = 30,
        video: bool = True,
        audio: bool = True,
        extra: tuple[str, ...] = (),
        mux: tuple[str, ...] = MPEG_TS,
        binary: str | None = None,
    ) -> None:
        options = [part for name, value in TESTSRC_OPTIONS.items() for part in (f"-{name}", value)]
        maps = (["-map", "0:v"] if video else []) + (["-map", "0:a"] if audio else [])
        self.process = subprocess.Popen(
            [
                binary or imageio_ffmpeg.get_ffmpeg_exe(),
                "-nostdin",
                "-loglevel",
                "error",
                *options,
                "-i",
                testsrc_graph(*size, 30),
                *maps,
                *coded_live(gop),
                *extra,
                *mux,
                url,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.process.kill()
        if self.process.stderr and not self.process.stderr.closed:  # a test may have stopped it before
            self.process.communicate()


@dataclass(frozen=True)
class Line:
    """A listed segment: its path, date (UTC seconds, by its date line or extrapolated), duration, what precedes it."""

    path: Path
    init: Path | None
    date: float
    duration: float
    discontinuity: bool


def lines(playlist: Path) -> list[Line]:
    """The segments of a media playlist."""
    return list(_lines(playlist))


def _lines(playlist: Path) -> Iterator[Line]:
    date, duration, init, discontinuity = 0.0, 0.0, None, False
    for text in playlist.read_text().splitlines():
        if text.startswith("#EXT-X-MAP:"):
            init = (playlist.parent / re.findall('URI="(.*)"', text)[0]).resolve()
        elif text.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            date = datetime.fromisoformat(text.partition(":")[2]).timestamp()
        elif text.startswith("#EXTINF:"):
            duration = float(text[8:].rstrip(","))
        elif text == "#EXT-X-DISCONTINUITY":
            discontinuity = True
        elif text and not text.startswith("#"):
            yield Line((playlist.parent / text).resolve(), init, date, duration, discontinuity)
            date, discontinuity = date + duration, False


def burnt_clocks(line: Line) -> list[tuple[float, float | None]]:
    """Of each picture of a segment: seconds from the first one, and the UTC seconds burnt into it."""
    data = (line.init.read_bytes() if line.init else b"") + line.path.read_bytes()
    found: list[tuple[float, float | None]] = []
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            micros = read_clock(bytes(plane), frame.width, frame.height, plane.line_size)
            found.append((float(frame.time), micros / 1e6 if micros is not None else None))
    return [(at - found[0][0], burnt) for at, burnt in found]


def burnt_clock(line: Line) -> float | None:
    """The UTC seconds burnt into the first decoded picture of a segment."""
    return burnt_clocks(line)[0][1]


SETTLING = 2.0  # s: from so much a run's clock takes its anchor at the least (C2)


def clock_errors(listed: list[Line], *, joined: bool = False) -> list[float]:
    """By how many seconds each segment's date lies outside what its sender and its receiver did.

    A date is right between two instants (C1, C2): it is not before the pictures were made, at the best pace at which
    any was (a busy machine makes some late, and their time is no fault of the dates'); and not after they had come, at
    the pace while the clock was anchored (encoders, and a protocol that holds media back, add to the arrival).

    Args:
        listed: from where the clock was anchored on: when a run's first segment came counts.
        joined: in the middle of a GOP. The first picture after a break stands for what came too late, so the pictures
            and the date of the segment there say nothing.
    """
    errors: list[float] = []
    for part in _unbroken(listed):
        places = [sum(line.duration for line in part[:index]) for index in range(len(part))]
        seen, begins = part[joined:], places[joined:]
        if not seen:
            continue
        late = [(place + at, burnt - place - at) for place, at, burnt in _pictures(seen, begins)]
        best = min(lag for _, lag in late)
        anchored = min(lag for place, lag in late if place < begins[0] + SETTLING)
        ends = [(line.path.stat().st_mtime, place + line.duration) for line, place in zip(part, places, strict=True)]
        came = min(at - end for at, end in ends if at <= ends[0][0] + SETTLING)  # a burst is followed by what is live
        dated = [line.date - place for line, place in zip(seen, begins, strict=True)]
        errors += [one - max(best, min(max(anchored, came), one)) for one in dated]
    return errors


def _pictures(part: list[Line], places: list[float]) -> Iterator[tuple[float, float, float]]:
    """Of each picture its segment's place and its own in that, seconds of media, and its burnt clock."""
    for line, place in zip(part, places, strict=True):
        (_, first), *_ = pictures = burnt_clocks(line)
        assert first is not None, f"no clock in the first picture of {line.path}"
        yield from ((place, at, burnt) for at, burnt in pictures if burnt is not None)


def _unbroken(listed: list[Line]) -> list[list[Line]]:
    """The lines between two breaks, and between two places where some have been left out."""
    parts: list[list[Line]] = []
    for line in listed:
        before = parts[-1][-1] if parts else None
        follows = before is not None and abs(line.date - before.date - before.duration) < 0.01
        if before is None or line.discontinuity or not follows or line.path.parent != before.path.parent:
            parts.append([])
        parts[-1].append(line)
    return parts


def journal_files(output: Path) -> list[Path]:
    """The journals of the runs that are in the spool."""
    return sorted((output / ".livedvr" / "spool").glob("*/av/journal.csv"))


def media_playlist(output: Path, session: str = "demo") -> Path:
    """Edition 1 of a session."""
    return output / "dvr" / session / "av" / "index-1.m3u8"


def listed_text(output: Path, at_least: int) -> str:
    """The playlist's text as soon as it lists that many segments."""

    def look() -> str:
        playlist = media_playlist(output)
        text = playlist.read_text() if playlist.exists() else ""
        return text if text.count("#EXTINF") >= at_least else ""

    text: str = until(look, f"a playlist with {at_least} segments")
    return text


def events(data_dir: Path) -> list[tuple[str, str]]:
    """What the catalog says has happened: (kind, text)."""
    with sqlite3.connect(f"file:{data_dir}/catalog.sqlite3?mode=ro", uri=True) as db:
        return db.execute("SELECT kind, text FROM events ORDER BY id").fetchall()


def waiting_run(output: Path, number: int = 1) -> None:
    """Return when the recording's ffmpeg of that run (counted from 1) has been started."""
    until(lambda: len(list(output.glob(".livedvr/spool/*/ffmpeg.log"))) >= number, f"run {number} is started")


def ffmpeg_pids(output: Path) -> list[int]:
    """The ffmpeg processes that work in this output's spool."""
    return [pid for pid, name in pids_at_work(output).items() if "ffmpeg" in name]


def pids_at_work(output: Path) -> dict[int, str]:
    """The processes that work in this output's spool, ffmpegs and keepers, with their programs' names."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "cwd").resolve().is_relative_to(output / ".livedvr" / "spool"):
                found[int(entry.name)] = (entry / "exe").resolve().name
        except OSError:
            continue
    return found
