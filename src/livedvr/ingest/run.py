"""One detached ffmpeg with its keeper: a folder in the spool, started, adopted, stopped, read."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from livedvr.ingest import keeper
from livedvr.ingest.command import JOURNAL_NAME
from livedvr.ingest.log import log_head, log_lines
from livedvr.resources.layout import SEGMENT_PATTERN, Container
from livedvr.resources.times import format_time

LEASE_SECONDS = 300.0  # an ffmpeg that no controller has asked after for this long ends by itself (I5)
RESERVE_BYTES = 16 * 1024 * 1024  # and so does one that leaves less than this on the disk: the catalog needs room

_RUN_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class RunExit:
    """How ffmpeg ended. ``reason``: why the keeper ended it (``stop``, ``lease``, ``disk full``), None by itself.

    ``stood_still``: somebody had stopped the process (SIGSTOP) when the keeper began to end it.
    """

    code: int
    signal: int
    reason: str | None
    stood_still: bool = False


def new_run_id(now: int) -> str:
    """``20261121T021500Z-k3f9``: never used again (O4)."""
    stamp = format_time(now)[:19].replace("-", "").replace(":", "")
    return f"{stamp}Z-{''.join(secrets.choice(_RUN_ALPHABET) for _ in range(4))}"


class Run:
    """A run's folder: ``run.json``, ``lock``, ``lease``, ``control``, ``ffmpeg.log``, ``exit.json``, ``{mux}/``."""

    def __init__(self, folder: Path, muxes: Sequence[str]) -> None:
        self.folder = folder
        self.id = folder.name
        self.muxes = tuple(muxes)
        self.log_path = folder / "ffmpeg.log"
        self._keeper: subprocess.Popen[bytes] | None = None  # only if this controller started it

    @classmethod
    def left(cls, folder: Path, muxes: Iterable[str]) -> Run:
        """A run that an earlier controller has left: it may do without some of the channel's renditions."""
        return cls(folder, [mux for mux in muxes if (folder / mux).is_dir()])

    def start(self, argv: Sequence[str], *, lease_seconds: float, reserve_bytes: int) -> None:
        """Make the folder and start keeper and ffmpeg in a session of their own. Blocking."""
        self.folder.parent.mkdir(exist_ok=True)  # no more than the spool: an output that has gone is not made anew
        self.folder.mkdir(mode=0o700)  # run.json carries what the input's options say, a passphrase too
        for mux in self.muxes:
            self.media_folder(mux).mkdir()
            self.journal_path(mux).touch()  # it can be watched before ffmpeg opens it
        (self.folder / "lease").touch()
        os.mkfifo(self.folder / "control")
        lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            spec = {
                "argv": list(argv),
                "lock_fd": lock,
                "lease_seconds": lease_seconds,
                "reserve_bytes": reserve_bytes,
            }
            (self.folder / "run.json").write_text(json.dumps(spec))
            # -I -S: the keeper needs the standard library only, and starts in a few ms. Its parent is never waited
            # for: it outlives the controller on purpose, and is reaped by whoever adopts orphans.
            with (self.folder / "keeper.log").open("ab") as log:
                self._keeper = subprocess.Popen(
                    [sys.executable, "-I", "-S", keeper.__file__, str(self.folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock,),
                    start_new_session=True,
                )
        finally:
            os.close(lock)

    def is_alive(self) -> bool:
        """Whether keeper or ffmpeg still runs: whether their lock is held (no pid is ever trusted)."""
        try:
            lock = os.open(self.folder / "lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def exit(self) -> RunExit | None:
        """How it ended; None while it runs. A run that died with its keeper has no status of its own: signal 9."""
        ended = self._status()
        if ended is None and not self.is_alive():
            ended = self._status() or RunExit(0, 9, None)  # it may have written it between the two looks
        return ended

    def _status(self) -> RunExit | None:
        try:
            status = json.loads((self.folder / "exit.json").read_text())
        except (FileNotFoundError, ValueError):  # not yet; or torn by a power cut
            return None
        # (An older keeper, which has outlived an upgrade, does not say whether it stood still.)
        return RunExit(status["code"], status["signal"], status["reason"], status.get("stood_still", False))

    def renew(self) -> None:
        """Tell the keeper that somebody still wants this run."""
        with contextlib.suppress(FileNotFoundError):  # a controller died before it had made the folder
            os.utime(self.folder / "lease")

    def stop(self) -> None:
        """Ask for the ladder: INT (the last segment is closed and gets its row), INT again, KILL five seconds later."""
        self._tell("STOP")

    def kill(self) -> None:
        """End ffmpeg at once; the open segment is lost."""
        self._tell("KILL")

    def _tell(self, word: str) -> None:
        with contextlib.suppress(OSError):  # nobody reads it (any more): the keeper is gone, and ffmpeg with it
            control = os.open(self.folder / "control", os.O_WRONLY | os.O_NONBLOCK)
            try:
                os.write(control, f"{word}\n".encode())
            finally:
                os.close(control)

    def reap(self) -> None:
        """Collect the keeper's exit status if it was our child."""
        if self._keeper is not None:
            self._keeper.wait()

    def let_go(self) -> None:
        """This process leaves the run to the next controller; should the run end first, it leaves no zombie here."""
        if self._keeper is not None:
            threading.Thread(target=self._keeper.wait, name=f"keeper of {self.id}", daemon=True).start()

    def log_lines(self) -> list[str]:
        """The lines of ffmpeg's log so far, see `log_lines`."""
        return log_lines(self.log_path)

    def log_head(self) -> list[str]:
        """Of those the first, see `log_head`."""
        return log_head(self.log_path)

    def media_folder(self, mux: str) -> Path:
        """Where ffmpeg writes a rendition."""
        return self.folder / mux

    def journal_path(self, mux: str) -> Path:
        """The rendition's journal."""
        return self.media_folder(mux) / JOURNAL_NAME

    def segment_path(self, mux: str, index: int, container: Container) -> Path:
        """Where ffmpeg writes the rendition's segment with this index."""
        return self.media_folder(mux) / (SEGMENT_PATTERN[container] % index)

    def remove(self) -> None:
        """Remove the folder; everything in it has been taken over."""
        shutil.rmtree(self.folder, ignore_errors=True)
