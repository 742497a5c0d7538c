"""Recordings whose controllers are killed at seeded random instants, and the verdict on what they published.

The truth is ffmpeg's journals: a `Witness` keeps a hard link of each, which outlives the spool's clearing. However
often a controller was killed, and with it at times ffmpeg or its keeper, the published playlist lists the journals'
rows, each once and in order, and no line of it has ever changed (SEMANTICS S16, I5, P1).
"""

from __future__ import annotations

import os
import random
import shlex
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from kill_verdict import BrokenPromise, read_catalog, require, verdict
from live import PATIENCE, Recording, ffmpeg_pids, media_playlist, pids_at_work, until
from livedvr.ingest.testsrc import testsrc_graph

OPTIONS = ("--session", "demo", "--segment-duration", "1s", "--resume")
KILLS_PER_RECORDING = 10  # then a new one: its beginning and its end are where most can go wrong
LOOK_SECONDS = 0.005
ENDLIST = "#EXT-X-ENDLIST\n"

# After what a controller is killed, and how much later at most (seconds). Waiting for it is given up after a while.
START, LOCK, RUN, ROW, OBJECT, COMMIT, PUBLICATION = (
    *("its start", "taking the lock", "a run's beginning"),
    *("a journal row", "storing an object", "committing it", "a publication"),
)
INT, SEALED = "the stop", "ENDLIST"
LATEST = {START: 5.0, LOCK: 0.3, RUN: 0.8, ROW: 0.15, OBJECT: 0.04, COMMIT: 0.03, PUBLICATION: 0.05}
LATEST |= {INT: 0.25, SEALED: 0.03}
WAIT_SECONDS = 3.0
VICTIMS = [()] * 5 + [("ffmpeg",)] * 2 + [("keeper",), ("keeper", "ffmpeg"), ("ffmpeg", "keeper")]


@dataclass(frozen=True)
class Instant:
    """When a controller is killed, and who else with it, in that order."""

    after: str
    delay: float
    victims: tuple[str, ...]

    def __str__(self) -> str:
        return f"{1000 * self.delay:4.0f} ms after {self.after}: {', '.join(('controller', *self.victims))}"


def instants(seed: int, kills: int) -> tuple[list[Instant], list[Instant]]:
    """The kills of one recording: while it records, and while it is being stopped."""
    chance = random.Random(seed)

    def draw(after: str) -> Instant:
        # Squared: most of what can go wrong is soon after.
        return Instant(after, LATEST[after] * chance.random() ** 2, chance.choice(VICTIMS))

    stopping = min(2, kills)
    # The first one early: the channel, its clock and the session are being made.
    events = [[RUN, OBJECT, COMMIT], *([[START, LOCK, RUN, ROW, OBJECT, COMMIT, PUBLICATION]] * kills)]
    return (
        [draw(chance.choice(possible)) for possible in events[: kills - stopping]],
        [draw(chance.choice([INT, INT, SEALED])) for _ in range(stopping)],
    )


FIGURES = {
    "recordings": "recordings",
    "kills": "kills of a controller",
    "ffmpeg": "  with ffmpeg",
    "keeper": "  with the keeper",
    "ffmpeg and keeper": "  with ffmpeg and its keeper",
    "resumes": "resumes",
    "runs": "runs of ffmpeg",
    "rows": "segments in the journals",
    "before": "  before the session's window",
    "listed": "segments listed",
    "versions": "versions of playlists seen",
    "lines": "published lines compared",
}


def table(tally: Counter[str]) -> str:
    """The figures for people."""
    return "\n".join(f"{label:<32}{tally[name]:>7}" for name, label in FIGURES.items())


class Witness:
    """Watches an output from outside, in a thread: runs, their journals, the playlist, how many ffmpegs there are.

    ``journals``: a hard link of each run's journal, in the order of the runs. ``text``: the playlist as last seen.
    """

    def __init__(self, output: Path, keepsakes: Path) -> None:
        self.output = output
        self.journals: dict[str, Path] = {}
        self.text = ""
        self.versions = self.lines_compared = 0
        self._keepsakes = keepsakes
        self._spool = output / ".livedvr/spool"
        self._encoders: set[int] = set()
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._watching = self._pool.submit(self._watch)

    def check(self) -> None:
        """Raise what the thread has found."""
        if self._watching.done():
            self._watching.result()

    def close(self) -> None:
        """One last look, and no more."""
        self._over.set()
        self._pool.shutdown()
        self._watching.result()

    def journal_size(self) -> int:
        """Grows with each row."""
        return sum(path.stat().st_size for path in list(self.journals.values()))

    def _watch(self) -> None:
        turn = 0
        while True:
            over = self._over.wait(LOOK_SECONDS)
            self._keep_journals()
            self._compare_playlist()
            if turn % 20 == 0:
                self._count_encoders()
            turn += 1
            if over:
                return

    def _keep_journals(self) -> None:
        with suppress(FileNotFoundError):  # there is no spool yet
            for run in sorted(path.name for path in self._spool.iterdir()):
                if run not in self.journals:
                    kept = self._keepsakes / f"{run}.csv"
                    with suppress(FileNotFoundError, NotADirectoryError):  # it is being made: the next look has it
                        os.link(self._spool / run / "av/journal.csv", kept)
                        self.journals[run] = kept

    def _compare_playlist(self) -> None:
        playlist = media_playlist(self.output)
        try:
            text = playlist.read_text()
        except FileNotFoundError:
            require(not self.text, f"{playlist} is gone")
            return
        if text == self.text:
            return
        before, after = self.text.splitlines(), text.splitlines()
        for number, line in enumerate(before):
            now = after[number] if number < len(after) else "nothing"
            require(line == now, f"{playlist}, line {number + 1} was published as {line!r} and is now {now!r}")
        require(text.endswith("\n"), f"{playlist} ends within a line: {after[-1]!r}")
        require(ENDLIST not in self.text, f"{playlist} has grown after ENDLIST: {after[len(before) :]}")
        for line in after[len(before) :]:
            segment = playlist.parent / line
            require(line.startswith("#") or segment.stat().st_size > 0, f"{segment} is listed and empty")
        self.versions += 1
        self.lines_compared += len(before)
        self.text = text

    def _count_encoders(self) -> None:
        encoders = set(ffmpeg_pids(self.output))
        require(len(encoders & self._encoders) < 2, f"more than one ffmpeg at once: pids {encoders & self._encoders}")
        self._encoders = encoders


class KilledRecording:
    """One `livedvr record testsrc`, killed and resumed again and again, stopped at the end."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self.output = folder / "output"
        self.output.mkdir(parents=True)
        keepsakes = folder / "journals"
        keepsakes.mkdir()
        self._prefix = ("env", f"LIVEDVR_FFMPEG={small_testsrc(folder)}")
        self._tell = tell
        self.witness = Witness(self.output, keepsakes)
        self.tally: Counter[str] = Counter()
        self._start()

    def record(self, recording: list[Instant], stopping: list[Instant]) -> Counter[str]:
        """Carry it out from start to verdict; what was counted. BrokenPromise says what is wrong, and where."""
        try:
            for instant in recording:
                self._wait(instant)
                self._require_running()
                self._kill(instant)
            for instant in stopping:
                if not self._stop() or not self._wait(instant):
                    break  # it was quicker
                self._kill(instant)
            self._stop()
            code, result, err = self._controller.finish()
            require(code == 0, f"the last controller ended with {code}: {err}")
            until(lambda: not pids_at_work(self.output), "keeper and ffmpeg are gone")
        finally:
            self._end_all()
        self.tally.update(verdict(self.output, self.witness.journals, result))
        self.tally.update(versions=self.witness.versions, lines=self.witness.lines_compared, recordings=1)
        return self.tally

    def _start(self) -> None:
        self._runs, self._text = len(self.witness.journals), self.witness.text
        self._journal, self._stored, self._log = self.witness.journal_size(), self._objects(), 0
        self._controller = Recording("testsrc", self.output, *OPTIONS, prefix=self._prefix)

    def _wait(self, instant: Instant) -> bool:
        """Wait for the instant. False: the controller has ended meanwhile."""
        happened, deadline = self._event(instant.after), time.monotonic() + WAIT_SECONDS
        while self._controller.process.poll() is None and not happened() and time.monotonic() < deadline:
            self.witness.check()
            time.sleep(0.001)
        time.sleep(instant.delay)  # this is no wait for something: it is the random instant itself
        return self._controller.process.poll() is None

    def _event(self, after: str) -> Callable[[], bool]:
        """Whether it has happened since the controller was started."""
        return {
            START: lambda: True,
            LOCK: self._has_lock,
            RUN: lambda: len(self.witness.journals) > self._runs,
            ROW: lambda: self.witness.journal_size() > self._journal,
            OBJECT: self._has_stored,
            COMMIT: self._has_committed,
            PUBLICATION: lambda: self.witness.text != self._text,
            INT: lambda: True,
            SEALED: lambda: self.witness.text.endswith(ENDLIST),
        }[after]

    def _kill(self, instant: Instant) -> None:
        """Kill the controller and who is named beside it; start the next one."""
        pids = self._pids(instant.victims)
        self._controller.send(signal.SIGKILL)
        _kill_all([pid for victim in instant.victims for pid in pids[victim]])
        hit = [victim for victim in instant.victims if pids[victim]]
        self._controller.process.communicate()
        self.witness.check()
        self.tally.update(["kills", " and ".join(sorted(hit)), "resumes"])
        self._tell(f"{instant}{'' if len(hit) == len(instant.victims) else ' (not all were there)'}")
        self._start()

    def _pids(self, victims: tuple[str, ...]) -> dict[str, list[int]]:
        at_work = pids_at_work(self.output).items() if victims else ()
        encoders = [pid for pid, name in at_work if "ffmpeg" in name]
        return {"ffmpeg": encoders, "keeper": [pid for pid, name in at_work if "ffmpeg" not in name]}

    def _stop(self) -> bool:
        """Ask the controller to stop, once there is something to stop. False: it has ended already."""
        process = self._controller.process

        def ready() -> bool:
            self.witness.check()
            return process.poll() is not None or (bool(self.witness.text) and self._has_lock())

        until(ready, "the controller records")
        # One that carries on an earlier stop, or finds it done, ends without being asked to.
        open_sessions = (
            "SELECT * FROM channels, sessions WHERE NOT stopping AND state IN ('PENDING', 'SCHEDULED', 'LIVE')"
        )
        if process.poll() is None and read_catalog(self.output, open_sessions):
            self._controller.send(signal.SIGINT)
        return process.poll() is None

    def _objects(self) -> int:
        return sum(1 for _ in self.output.glob("av/*/*"))

    def _has_stored(self) -> bool:
        return self._objects() > self._stored

    def _has_committed(self) -> bool:
        """What was stored: SQLite's log has changed after that."""
        if self._has_stored():
            now = (self.output / ".livedvr/catalog.sqlite3-wal").stat().st_mtime_ns
            self._log = self._log or now
            return now != self._log
        return False

    def _has_lock(self) -> bool:
        with suppress(FileNotFoundError):
            return (self.output / ".livedvr/lock").read_text() == f"{self._controller.process.pid}\n"
        return False

    def _require_running(self) -> None:
        if self._controller.process.poll() is not None:
            code, _, err = self._controller.finish()
            raise BrokenPromise(f"a controller that nobody killed ended with {code}: {err}")

    def _end_all(self) -> None:
        """Whatever still runs goes, also after a broken promise."""
        self._controller.process.kill()
        self._controller.process.communicate()
        deadline = time.monotonic() + PATIENCE
        while (pids := pids_at_work(self.output)) and time.monotonic() < deadline:
            _kill_all(list(pids))
        self.witness.close()


def _kill_all(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def small_testsrc(folder: Path) -> Path:
    """A real ffmpeg that draws testsrc small: a test of crashes need not heat the machine."""
    real = os.environ.get("LIVEDVR_FFMPEG") or imageio_ffmpeg.get_ffmpeg_exe()
    script = folder / "ffmpeg-small"
    large, small = shlex.quote(testsrc_graph()), shlex.quote(testsrc_graph(320, 180))
    script.write_text(
        f'#!/bin/bash\nargs=()\nfor arg; do [ "$arg" = {large} ] && arg={small}; args+=("$arg"); done\n'
        f'exec {shlex.quote(real)} "${{args[@]}}"\n'
    )
    script.chmod(0o755)
    return script


@contextmanager
def _said_with_its_seed(seed: int, kills: int, folder: Path) -> Iterator[None]:
    try:
        yield
    except AssertionError as broken:
        again = f"scripts/kill-test --seed {seed} --n {kills}"
        raise BrokenPromise(f"{broken}\n  again: {again}\n  what is left: {folder}") from broken


def torture(folder: Path, seed: int, kills: int, tell: Callable[[str], None]) -> Iterator[Counter[str]]:
    """Recordings with seeds ``seed``, ``seed + 1``, ... until that many kills are done: the tally so far after each."""
    tally: Counter[str] = Counter()
    while tally["kills"] < kills:
        wanted = min(KILLS_PER_RECORDING, kills - tally["kills"])
        place = folder / f"seed-{seed}"
        tell(f"seed {seed}")
        with _said_with_its_seed(seed, wanted, place):
            tally.update(KilledRecording(place, tell).record(*instants(seed, wanted)))
        seed += 1
        yield tally
