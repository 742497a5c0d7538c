"""What must be true of a recording when its last controller has ended, however many were killed before it."""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from live import lines, media_playlist
from livedvr.check.run import run_check


class BrokenPromise(AssertionError):
    """Something was seen that no crash may cause."""


def require(ok: bool, otherwise: str) -> None:
    """BrokenPromise in these words unless it is so."""
    if not ok:
        raise BrokenPromise(otherwise)


def read_catalog(output: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of the output's catalog; whoever owns it is not disturbed."""
    connection = sqlite3.connect(f"file:{output}/.livedvr/catalog.sqlite3?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def verdict(output: Path, journals: Mapping[str, Path], result: Mapping[str, Any]) -> dict[str, int]:
    """Hold everything that is left against the journals (run -> its journal, in order); what was counted.

    ``result`` is the JSON of the last controller. BrokenPromise names the first thing that is wrong.
    """
    _nothing_is_left_over(output)
    written = [row for run, journal in journals.items() for row in _rows(run, journal)]
    known = read_catalog(output, "SELECT run, idx, start, duration, size FROM segments ORDER BY number")
    _same("the journals", written, "the catalog", [(run, index) for run, index, *_ in known])
    # A session starts with the first media that the controller which made it has seen come: what ended before
    # its window is kept by the channel, and not listed.
    [(windows,)] = read_catalog(output, "SELECT json_extract(windows, '$[0][0]') FROM sessions")
    before = sum(start + duration <= windows for _, _, start, duration, _ in known)
    wanted = known[before:]
    listed = lines(media_playlist(output))
    names = [(line.path.parent.name, int(re.findall(r"segment-(\d{6})\.m4s$", line.path.name)[0])) for line in listed]
    _same("the journals from the window's start on", written[before:], "the playlist", names)
    for line, (*_, size) in zip(listed, wanted, strict=True):
        require(line.path.stat().st_size == size, f"{line.path} has not the {size} bytes that the catalog says")
    for last, line in itertools.pairwise(listed):
        joined = last.path.parent != line.path.parent
        require(line.discontinuity or not joined, f"no DISCONTINUITY before {line.path}, where a run begins")
    _no_object_is_left_over(output, known)
    _same_figures(result, wanted)
    report = run_check(str(output / "dvr/demo/main.m3u8"), deep=True)
    require(report.ok, f"livedvr check --deep: {report.to_text()}")
    return {"runs": len(journals), "rows": len(written), "before": before, "listed": len(listed)}


def _rows(run: str, journal: Path) -> list[tuple[str, int]]:
    """(run, index) of each whole line of a journal; a torn last line is of a killed ffmpeg and does not count."""
    whole = journal.read_text().rpartition("\n")[0]
    rows = [(run, int(line[len("segment-") :].partition(".")[0])) for line in whole.splitlines()]
    require([index for _, index in rows] == list(range(len(rows))), f"ffmpeg's journal of {run} is out of order")
    return rows


def _same(truth: str, wanted: Sequence[object], other: str, found: Sequence[object]) -> None:
    for position, (one, two) in enumerate(itertools.zip_longest(wanted, found)):
        require(
            one == two,
            f"row {position} of {truth} is {one}, of {other} {two} ({len(wanted)} rows against {len(found)})",
        )


def _nothing_is_left_over(output: Path) -> None:
    """No run's folder, no temporary file; the channel's lock and catalog stay."""
    hidden = output / ".livedvr"
    spool = hidden / "spool"
    require(list(spool.iterdir()) == [], f"left in the spool: {sorted(path.name for path in spool.rglob('*'))}")
    # The catalog's -wal and -shm stay when somebody was reading it, as this harness does, while it was closed.
    kept = {path.name for path in hidden.iterdir()} - {"catalog.sqlite3-wal", "catalog.sqlite3-shm"}
    require(kept == {"spool", "lock", "catalog.sqlite3"}, f"left in {hidden}: {sorted(kept)}")
    seen = [path for path in output.rglob("*") if not path.is_relative_to(hidden)]
    temporary = [str(path) for path in seen if path.name.startswith(".")]
    require(not temporary, f"temporary files are left: {temporary}")


def _no_object_is_left_over(output: Path, known: Sequence[tuple[Any, ...]]) -> None:
    """The store has what the catalog has, and nothing else."""
    stored = {str(path.relative_to(output)) for path in (output / "av").rglob("*") if path.is_file()}
    wanted = {f"av/{run}/segment-{index:06d}.m4s" for run, index, *_ in known}
    wanted |= {f"av/{run}/init.mp4" for run, *_ in known}
    wanted.add("av/index-1.m3u8")  # the channel's own live list (O5)
    require(stored == wanted, f"stored and unknown: {sorted(stored - wanted)}; lost: {sorted(wanted - stored)}")
    published = {str(path.relative_to(output)) for path in (output / "dvr").rglob("*") if path.is_file()}
    require(published == {"dvr/demo/main.m3u8", "dvr/demo/av/index-1.m3u8"}, f"published: {sorted(published)}")


def _same_figures(result: Mapping[str, Any], wanted: Sequence[tuple[Any, ...]]) -> None:
    """What `livedvr record` says at its end is what is listed."""
    figures = {
        "state": "FINISHED",
        "segments": len(wanted),
        "bytes": sum(size for *_, size in wanted),
        "duration": sum(duration for _, _, _, duration, _ in wanted) / 1e6,
    }
    said = {name: result.get(name) for name in figures}
    require(said == figures, f"record says {said}, it is {figures}")
