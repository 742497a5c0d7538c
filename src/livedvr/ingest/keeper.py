"""The keeper: a small process that owns one ffmpeg and outlives the controller (ARCHITECTURE, "A run").

Run as a script with the run's folder as its only argument; it imports the standard library only. It reads
``run.json`` (argv, lease_seconds, reserve_bytes), starts ffmpeg there and waits. ffmpeg ends by the ladder
(INT, INT again, KILL) when ``control`` says so, when nobody has touched ``lease`` for its time, or when the disk has
less than the reserve left. How it ended goes to ``exit.json``.

The descriptor of ``lock`` is inherited from the controller and passed on to ffmpeg: whoever can lock that file
knows that both are gone.

ffmpeg's log may grow for weeks (5.1 writes each date of an HLS source's playlist at each reload, gigabytes a day): the
keeper gives the disk back what lies in its middle, as a hole. So places in it stay what they are for whoever reads it.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

# An ffmpeg that waits for a silent source does not hear the first INT; the second one ends that wait, but then ffmpeg
# writes nothing any more (measured, 5.1 and 9.0). So it comes when there was time to close the last segment.
SECOND_INT_SECONDS = 2.0
LADDER_SECONDS = 5.0
LOOK_SECONDS = 1.0
LOG_HEAD = 1 << 20  # bytes of the log that stay: what ffmpeg says of its source
LOG_TAIL = 16 << 20  # and of the newest at least so many; twice as many are too many

_PR_SET_PDEATHSIG = 1
_KEEP_SIZE_AND_PUNCH_HOLE = 0x01 | 0x02  # FALLOC_FL_*, fallocate(2)


def main(folder: str) -> None:
    """Keep the ffmpeg of one run until it ends."""
    os.chdir(folder)
    spec = json.loads(Path("run.json").read_text())
    # Only `control` and `exit.json` speak to a keeper: a terminal's signals are for the controller.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    libc, keeper = ctypes.CDLL(None, use_errno=True), os.getpid()

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        end_with(libc, keeper)

    with Path("ffmpeg.log").open("ab") as log:
        child = subprocess.Popen(
            spec["argv"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(spec["lock_fd"],),
            preexec_fn=prepare,
        )
        reason, stood_still = watch(child, spec["lease_seconds"], spec["reserve_bytes"], Log(libc, log.fileno()))
    code = child.wait()
    status = {
        "code": max(code, 0),
        "signal": -min(code, 0),
        "reason": reason,
        "stood_still": stood_still,
        "ended": time.time_ns() // 1000,
    }
    Path("exit.json.tmp").write_text(json.dumps(status))
    Path("exit.json.tmp").rename("exit.json")


def end_with(libc: ctypes.CDLL, keeper: int) -> None:
    """In the child, before ffmpeg: a killed keeper must not leave an ffmpeg that nobody can stop."""
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != keeper:  # it was killed before the child had asked to hear of it
        os._exit(1)


def watch(
    child: subprocess.Popen[bytes], lease_seconds: float, reserve_bytes: int, log: Log
) -> tuple[str | None, bool]:
    """Wait until ffmpeg ends; why it was told to (None: by itself), and whether it stood still at that time."""
    ladder: Ladder | None = None
    lease = Lease(lease_seconds)
    control = os.open("control", os.O_RDWR | os.O_NONBLOCK)  # RDWR: a FIFO without a writer must not read as ended
    ended = os.pidfd_open(child.pid)
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(ended, select.POLLIN)
    while True:
        events = dict(poller.poll(LOOK_SECONDS * 1000))
        if ended in events:
            return (ladder.reason, ladder.stood_still) if ladder else (None, False)
        log.bound()
        told = os.read(control, 4096).decode() if control in events else ""
        if ladder is None and (reason := _why_stop(told, lease, reserve_bytes)):
            ladder = Ladder(child, reason)
        if ladder is not None:
            ladder.step(at_once="KILL" in told)


class Ladder:
    """INT, INT again, KILL.

    Attributes:
        reason: why it was begun.
        stood_still: somebody had stopped the process (SIGSTOP, a debugger): its source did not fail.
    """

    def __init__(self, child: subprocess.Popen[bytes], reason: str) -> None:
        self.reason = reason
        self.stood_still = stands_still(child.pid)
        self._child = child
        now = time.monotonic()
        self._due = [(now + SECOND_INT_SECONDS, signal.SIGINT)]
        self._kill_at = now + LADDER_SECONDS
        # A stopped process hears INT only after CONT; it waits for it there, so that nothing is done in between.
        child.send_signal(signal.SIGINT)
        child.send_signal(signal.SIGCONT)

    def step(self, *, at_once: bool) -> None:
        """Send what is due by now; KILL ``at_once``."""
        now = time.monotonic()
        if at_once or now > self._kill_at:
            self._child.kill()
            return
        while self._due and now >= self._due[0][0]:
            self._child.send_signal(self._due.pop(0)[1])


def stands_still(pid: int) -> bool:
    """Whether a process, a child that has not been waited for, is stopped: proc(5), the third field of ``stat``."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("T", "t")


class Log:
    """ffmpeg's log, of which no more than LOG_HEAD + 2 x LOG_TAIL bytes are kept on the disk."""

    def __init__(self, libc: ctypes.CDLL, descriptor: int) -> None:
        self._libc = libc
        self._descriptor = descriptor
        self._freed = LOG_HEAD  # up to here

    def bound(self) -> None:
        """Free what is too much. Where a file system cannot (NFS before 4.2, FAT), the log grows on."""
        until = os.fstat(self._descriptor).st_size - LOG_TAIL
        if until - self._freed >= LOG_TAIL:
            start, length = ctypes.c_int64(self._freed), ctypes.c_int64(until - self._freed)
            self._libc.fallocate(self._descriptor, _KEEP_SIZE_AND_PUNCH_HOLE, start, length)
            self._freed = until


class Lease:
    """Runs out when nobody has touched the file ``lease`` for so long, by a clock that nobody sets."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen = 0
        self._since = 0.0

    def has_run_out(self) -> bool:
        """Look at the file once more."""
        touched = Path("lease").stat().st_mtime_ns
        if touched != self._seen:
            self._seen, self._since = touched, time.monotonic()
        return time.monotonic() - self._since > self._seconds


def _why_stop(told: str, lease: Lease, reserve_bytes: int) -> str | None:
    if told:
        return "stop"
    if lease.has_run_out():
        return "lease"
    if shutil.disk_usage(".").free < reserve_bytes:
        return "disk full"
    return None


if __name__ == "__main__":
    main(sys.argv[1])
