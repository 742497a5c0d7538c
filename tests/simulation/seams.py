"""Where the simulation takes the place of the machine: every name of `livedvr` that it replaces stands here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from livedvr import app, channel_runtime, channels
from livedvr.ingest import feed, followed_run, intake, open_run, runs
from livedvr.ingest.journal import JournalRow
from livedvr.ingest.run import RunExit, new_run_id
from livedvr.resources.layout import Container
from livedvr.resources.times import SECOND
from livedvr.sessions import back_off, maker
from livedvr.storage.open_store import Directory
from livedvr.timeline.ranges import Cue
from simulation.encoder import Encoder, File, Folder


def here() -> Any:
    """The controller whose loop is running."""
    return asyncio.get_running_loop().controller  # type: ignore[attr-defined]


class SimRun:
    """`livedvr.ingest.run.Run` over an encoder of the world."""

    def __init__(self, folder: Path, muxes: Iterable[str]) -> None:
        self.muxes = tuple(muxes)
        self.id = folder.name
        self._loop = asyncio.get_running_loop()
        self._plant = here().plant
        self.encoder: Encoder = self._plant.encoder(self.id)
        self.folder = Folder(self.encoder)
        self.log_path = File(self.encoder)

    @classmethod
    def left(cls, folder: Path, muxes: Iterable[str]) -> SimRun:
        return cls(folder, muxes)

    def media_folder(self, mux: str) -> Folder:
        return self.folder

    def journal_path(self, mux: str) -> File:
        return File(self.encoder)

    def start(self, argv: Any, *, lease_seconds: float, reserve_bytes: int) -> None:
        self._plant.connect(self.encoder, round(lease_seconds * SECOND))

    def exit(self) -> RunExit | None:
        if not self.encoder.started:  # a controller died before it had spawned it
            return RunExit(0, 9, None)
        return self.encoder.exit

    def renew(self) -> None:
        self.encoder.renewed = self.encoder.world.now

    def stop(self) -> None:
        if not self._loop.is_closed():
            self.encoder.stop()

    def kill(self) -> None:
        if not self._loop.is_closed():
            self.encoder.kill()

    def reap(self) -> None:
        pass

    def let_go(self) -> None:
        pass

    def log_lines(self) -> list[str]:
        return []

    log_head = log_lines

    def segment_path(self, mux: str, index: int, container: Container) -> File:
        return File(self.encoder, index)

    def remove(self) -> None:
        self.encoder.removed = True
        self.encoder.files.clear()


class SimJournalReader:
    """`JournalReader` over an encoder's rows."""

    def __init__(self, path: File) -> None:
        self._encoder = path.encoder
        self._read = 0

    def new_rows(self) -> list[JournalRow]:
        if self._encoder.removed:
            return []
        rows = self._encoder.rows[self._read :]
        self._read += len(rows)
        return rows


class SimLogReader:
    """`LogReader` over an encoder's marks."""

    has_new_audio = False

    def __init__(self, path: File, mux: str) -> None:
        self._encoder = path.encoder
        self._seen = 0

    def smoothed_jumps(self) -> list[int]:
        new = self._encoder.marks[self._seen :]
        self._seen += len(new)
        return new


class SimSourceChange:
    """`SourceChange` of a source that stays what it is."""

    index = text = None
    is_silent = False

    def __init__(self, run: SimRun, mux: Any) -> None:
        pass

    def look(self, rows: Sequence[Any], open_index: int) -> None:
        pass

    def decided(self, rows: Sequence[Any]) -> int:
        return len(rows)

    def grown(self, size: int) -> int:
        return size


class SimCueReader:
    """`CueReader` over an encoder's messages."""

    def __init__(self, folder: Folder, log: File, taken: int) -> None:
        self._encoder = folder.encoder
        self._read = taken

    def new_cues(self) -> list[Cue]:
        new = self._encoder.cues[self._read :]
        self._read += len(new)
        return new


class SimWatcher:
    """`Watcher` over encoders."""

    def watch(self, path: File | Folder, event: asyncio.Event) -> tuple[Encoder, asyncio.Event]:
        event._sim_loop = asyncio.get_running_loop()  # type: ignore[attr-defined]
        path.encoder.watchers.append(event)
        return path.encoder, event

    def forget(self, watch: tuple[Encoder, asyncio.Event]) -> None:
        encoder, event = watch
        if event in encoder.watchers:
            encoder.watchers.remove(event)

    async def run(self) -> None:
        await asyncio.Event().wait()

    def close(self) -> None:
        pass


class SimControlServer:
    """`ControlServer` without its socket: users call the controller itself."""

    def __init__(self, root: Path, sessions: Any, tasks: Any, recordings: Any) -> None:
        pass

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass


class SimPlace(Directory):
    """A place in the simulated bucket."""

    def __init__(self, uri: str) -> None:
        super().__init__(Path(uri))
        object.__setattr__(self, "_store", here().store)

    def check(self, *, make: bool) -> None:
        pass

    def open(self, *, gzipped: bool) -> Any:
        return self._store


def _sim_run_id(now: int) -> str:
    world = here().plant.world
    with mock.patch("secrets.choice", world.rng.choice):
        return new_run_id(now)


def _disk_usage(root: Path) -> SimpleNamespace:
    plant = _plants[-1]
    return SimpleNamespace(total=plant.profile.disk or 1 << 51, free=plant.free())


_plants: list[Any] = []  # the one that is being played: worker threads have no loop to ask

# The look that only time asks for costs the same as one that media asks for; it may be rarer here.
SWEEP, LOOK_AGAIN = 4 * SECOND, 20 * SECOND


@contextlib.contextmanager
def seams() -> Iterator[Callable[[Any], None]]:
    """The machine is simulated inside; call what it gives with the plant."""
    replaced: list[tuple[Any, str, Any]] = [
        (app, "Catalog", lambda path: here().catalog),
        (app, "Watcher", SimWatcher),
        (app, "ChannelLock", lambda private, output: SimpleNamespace(release=lambda: None)),
        (app, "make_private_root", lambda root: None),
        (app, "place_of", SimPlace),
        (channels, "place_of", SimPlace),
        (channel_runtime, "ControlServer", SimControlServer),
        (channel_runtime, "find_ffmpeg", lambda: SimpleNamespace(path="/ffmpeg")),
        (channel_runtime, "check_file", lambda source: None),
        (channel_runtime, "shutil", SimpleNamespace(disk_usage=_disk_usage)),
        (runs, "Run", SimRun),
        (open_run, "JournalReader", SimJournalReader),
        (runs, "new_run_id", _sim_run_id),
        (feed, "check_port", lambda source: None),
        (feed, "close_last_segments", lambda opened: None),
        (feed, "check_file", lambda source: None),
        (followed_run, "SWEEP", SWEEP),
        (open_run, "LogReader", SimLogReader),
        (open_run, "SourceChange", SimSourceChange),
        (open_run, "CueReader", SimCueReader),
        (intake, "read_media", lambda path, init=None: path.read()),
        (intake, "complete_init", lambda init, head: None),
        (back_off, "uniform", lambda least, most: here().plant.world.rng.uniform(least, most)),
        (maker, "LOOK_AGAIN", LOOK_AGAIN),
    ]
    with contextlib.ExitStack() as stack:
        for module, name, stand_in in replaced:
            stack.enter_context(mock.patch.object(module, name, stand_in))
        stack.callback(_plants.clear)
        yield _plants.append
