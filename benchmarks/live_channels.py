"""Channels that copy a file in real time, beside bare ffmpegs that do: CPU, and how late a segment is listed.

The controller, its keepers and its ffmpegs are counted together. Beginning and end are left out: what is compared is
how it goes on for days. With one channel all record side by side; fifty at once are two cores' load, and take turns.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from asyncinotify import Inotify, Mask, Watch

from benchmarks.comparison import Row, alone, beside, number
from benchmarks.processes import cpu_over, gone, running
from live import until
from livedvr.ingest.ffmpeg import find_ffmpeg

CONTAINER = "movflags=+empty_moov+default_base_moof+frag_keyframe"  # fMP4, as ours
# Where segments are closed, and where their playlist is replaced.
Places = Sequence[tuple[Path, Path]]


SEGMENT = 2  # s


async def rows(
    folder: Path, *, seconds: float = 60, many: int = 50, many_seconds: float = 24, segment: int = SEGMENT
) -> list[Row]:
    """``many``: channels at once; ``segment``: seconds of one of theirs. Ten seconds are a round. With no ``seconds``
    the one channel is left out."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing is measured yet
    one = await _one(folder, seconds) if seconds else []
    return one + await _many(folder, many, many_seconds, segment)


async def _one(folder: Path, seconds: float) -> list[Row]:
    file = _media(folder, 5_000_000)
    names = {name: folder / name for name in ("one", "one-segment", "one-hls")}
    with ExitStack() as at_work:
        delays = [
            Delays(at_work.enter_context(_ours(names["one"], file, 1))),
            Delays(at_work.enter_context(_bare(names["one-hls"], file, 1, "hls"))),
        ]
        at_work.enter_context(_bare(names["one-segment"], file, 1, "segment"))
        measuring = asyncio.to_thread(_cpu, list(names.values()), seconds)
        _, costs = await asyncio.gather(_watch(delays, seconds), measuring)
    ours, segment, hls = (list(took) for took in zip(*costs, strict=True))
    what = "a channel that copies 5 Mbit/s, CPU"
    return [
        beside(what, ours, "ffmpeg -c copy -f segment", segment, unit="s a minute", most=1.10),
        beside(what, ours, "ffmpeg -f hls", hls, unit="s a minute"),
        *_listed("1 channel", *delays),
    ]


async def _many(folder: Path, count: int, seconds: float, segment: int) -> list[Row]:
    file = _media(folder, 2_000_000, segment)
    took: dict[str, list[float]] = {}
    delays: dict[str, Delays] = {}
    for name, opened in {
        "ours": lambda where: _ours(where, file, count, segment),
        "hls": lambda where: _bare(where, file, count, "hls", segment),
        "segment": lambda where: _bare(where, file, count, "segment", segment),
    }.items():
        where = folder / f"many-{name}"
        with opened(where) as places:
            delays[name] = Delays(places)
            watched = [] if name == "segment" else [delays[name]]  # a list has no line to wait for
            _, costs = await asyncio.gather(_watch(watched, seconds), asyncio.to_thread(_cpu, [where], seconds))
        took[name] = [cost for (cost,) in costs]
        gone(where)
        shutil.rmtree(where)
    rounds = min(map(len, took.values()))
    what = f"{count} channels that copy 2 Mbit/s each, CPU"
    ours, bare = took["ours"][:rounds], took["segment"][:rounds]
    kept = sum(delays["ours"].kept_up(seconds, segment))

    def fit(costs: list[float]) -> str:
        return number(2 * 60 * count / median(costs))

    return [
        beside(what, ours, "ffmpeg -c copy -f segment", bare, unit="s a minute", most=1.10),
        Row(f"of {count} in real time", str(kept), "-", "", "", "all", kept == count),
        Row("for how many two cores have time", fit(ours), "ffmpeg -c copy -f segment", fit(bare), "", "", None),
        *_listed(f"{count} channels", delays["ours"], delays["hls"]),
    ]


def _listed(what: str, ours: Delays, theirs: Delays) -> list[Row]:
    """p50 and p99 are of all segments; what ffmpeg does is beside them."""
    found = []
    for name, part, most in (("p50", 50, 20), ("p99", 99, 100)):
        mine, other = (_percentile(one.milliseconds, part) for one in (ours, theirs))
        made = alone(f"closed -> listed, {what}, {name} of {len(ours.milliseconds)}", [mine], unit="ms", most=most)
        ratio = number(mine / other) if other else ""
        found.append(Row(made.what, made.ours, "ffmpeg -f hls", f"{number(other)} ms", ratio, made.aim, made.kept))
    return found


def _percentile(values: Sequence[float], part: int) -> float:
    return sorted(values)[-(-len(values) * part // 100) - 1]


def _cpu(folders: Sequence[Path], seconds: float) -> list[list[float]]:
    """Of each round what each folder's processes took, seconds of CPU a minute."""
    rounds = max(1, round(seconds / 10))
    each = seconds / rounds
    return [[cost * 60 / each for cost in cpu_over(folders, each)] for _ in range(rounds)]


def _media(folder: Path, rate: int, segment: int = SEGMENT) -> Path:
    """Twenty seconds of pictures and sound, filled up to that many bits a second."""
    file = folder / f"{rate}.mp4"
    encoded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", str(25 * segment)]
    video = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", *encoded]
    filled = ["-b:v", str(rate), "-minrate", str(rate), "-maxrate", str(rate), "-bufsize", str(rate)]
    constant = ["-x264-params", "nal-hrd=cbr:filler=1:scenecut=0"]
    audio = ["-f", "lavfi", "-i", "sine=r=48000", "-c:a", "aac", "-b:a", "96k"]
    inputs, encoders = [*video[:4], *audio[:4]], [*video[4:], *filled, *constant, *audio[4:]]
    subprocess.run([str(find_ffmpeg().path), "-v", "error", *inputs, "-t", "20", *encoders, str(file)], check=True)
    return file


@contextmanager
def _ours(folder: Path, file: Path, count: int, segment: int = SEGMENT) -> Iterator[Places]:
    folder.mkdir()
    what = (str(folder), str(file), str(count), str(segment))
    with running([sys.executable, "-m", "benchmarks.channels_process", *what]) as begun:
        outputs = [folder / f"c{number}" for number in range(count)]
        playlists = [output / "dvr/demo/av/index-1.m3u8" for output in outputs]
        _begun(playlists, begun, segment)
        spools = [next(output.glob(".livedvr/spool/*/av")) for output in outputs]
        yield list(zip(spools, playlists, strict=True))


@contextmanager
def _bare(folder: Path, file: Path, count: int, muxer: str, segment: int = SEGMENT) -> Iterator[Places]:
    """``muxer``: hls, with a playlist that grows, or segment, with a list that does."""
    outputs = [folder / f"c{number}" for number in range(count)]
    commands = []
    for output in outputs:
        output.mkdir(parents=True)
        read = [str(find_ffmpeg().path), "-v", "error", "-re", "-stream_loop", "-1", "-i", str(file)]
        read += ["-map", "0", "-c", "copy", "-f", muxer]
        if muxer == "hls":
            cut = ["-hls_time", str(segment), "-hls_segment_type", "fmp4", "-hls_playlist_type", "event"]
            cut.append(f"{output}/list.m3u8")
        else:
            cut = ["-segment_time", str(segment), "-segment_format", "mp4", "-segment_format_options", CONTAINER]
            cut += ["-segment_list", f"{output}/list.m3u8", "-segment_list_type", "csv", f"{output}/%06d.m4s"]
        commands.append([*read, *cut])
    with running(*commands) as begun:
        playlists = [output / "list.m3u8" for output in outputs]
        _begun(playlists, begun, segment)
        yield list(zip(outputs, playlists, strict=True))


def _begun(playlists: Sequence[Path], begun: Sequence[subprocess.Popen[bytes]], segment: int) -> None:
    """All list something: they have begun, and what beginning costs is over."""

    def look() -> bool:
        assert not any(one.poll() for one in begun), "one has ended with an error"
        return all(one.exists() and one.stat().st_size for one in playlists)

    until(look, "everybody lists something", 180)
    time.sleep(segment / 2)


class Delays:
    """From a segment's closing to the moment at which the playlist that has its line is in its place."""

    def __init__(self, places: Places) -> None:
        self.milliseconds: list[float] = []
        self._places = places
        self._closed: list[dict[str, float]] = [{} for _ in places]
        self._listed = [0 for _ in places]

    def watch(self, inotify: Inotify) -> dict[Watch, Callable[[str], None]]:
        """What to do when a name has come to a watched folder."""
        found: dict[Watch, Callable[[str], None]] = {}
        for which, (segments, playlist) in enumerate(self._places):
            for folder in {segments, playlist.parent}:
                watch = inotify.add_watch(folder, Mask.CLOSE_WRITE | Mask.MOVED_TO)
                found[watch] = lambda name, which=which: self._seen(which, name)  # type: ignore[misc]
        return found

    def _seen(self, which: int, name: str) -> None:
        now, playlist = time.perf_counter(), self._places[which][1]
        if name.endswith(".m4s"):
            self._closed[which][name] = now
        elif name == playlist.name:
            waiting, text = self._closed[which], _tail(playlist)
            for segment in [one for one in waiting if one in text]:
                self.milliseconds.append((now - waiting.pop(segment)) * 1000)
                self._listed[which] += 1

    def kept_up(self, seconds: float, segment: int) -> list[bool]:
        """Whether each has listed what real time brings, but for a segment at each edge."""
        return [listed >= seconds // segment - 2 for listed in self._listed]


def _tail(playlist: Path) -> str:
    with playlist.open("rb") as file:
        file.seek(max(0, playlist.stat().st_size - 4096))
        return file.read().decode()


async def _watch(several: Sequence[Delays], seconds: float) -> None:
    """For that long, and until each has listed something."""
    if not several:
        return
    told: dict[Watch, Callable[[str], None]] = {}
    end = time.perf_counter() + seconds
    with Inotify() as inotify:
        for delays in several:
            told |= delays.watch(inotify)
        while not (all(one.milliseconds for one in several) and time.perf_counter() >= end):
            happened = await inotify.get()
            if happened.watch in told and happened.name is not None:
                told[happened.watch](str(happened.name))
