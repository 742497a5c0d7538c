"""A run and its keeper, with a shell script in ffmpeg's place: who ends it, how, and what is known of it afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live import until
from livedvr.ingest.keeper import LOG_HEAD, LOG_TAIL, stands_still
from livedvr.ingest.log import LogTail
from livedvr.ingest.run import Run, RunExit, new_run_id

pytestmark = pytest.mark.e2e

OBEDIENT = "trap 'echo closed; exit 255' INT; echo ready; while :; do sleep 0.05; done"
DEAF = "trap '' INT; echo ready; while :; do sleep 0.05; done"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path / "20260101T000000Z-test", "av")
    yield run
    run.kill()
    run.reap()


def _start(run: Run, script: str, *, lease: float = 60, reserve: int = 0) -> None:
    run.start(["/bin/sh", "-c", script], lease_seconds=lease, reserve_bytes=reserve)
    if "ready" in script:
        until(lambda: "ready" in run.log_lines(), "the child is ready")


def test_ids_are_sortable_names_that_do_not_repeat() -> None:
    ids = {new_run_id(1_795_000_000_000_000) for _ in range(200)}
    assert len(ids) > 195
    assert all(name.startswith("20261118T") and len(name) == 21 for name in ids), ids


def test_it_lives_until_its_child_ends_and_its_exit_is_data(run: Run) -> None:
    _start(run, "echo to the log >&2; exit 7")
    assert until(run.exit, "the end") == RunExit(7, 0, None)
    until(lambda: not run.is_alive(), "the keeper follows")
    assert run.log_lines() == ["to the log"]


def test_a_signal_that_killed_it_is_told(run: Run) -> None:
    _start(run, "kill -9 $$")
    assert until(run.exit, "the end") == RunExit(0, 9, None)


def test_stop_is_int_and_lets_it_close_its_segment(run: Run) -> None:
    _start(run, OBEDIENT)
    assert run.is_alive() and run.exit() is None
    run.stop()
    assert until(run.exit, "the end") == RunExit(255, 0, "stop")
    assert run.log_lines() == ["ready", "closed"]


def test_who_does_not_obey_int_is_killed(run: Run) -> None:
    _start(run, DEAF)
    run.stop()
    assert until(run.exit, "the end") == RunExit(0, 9, "stop")


def test_kill_does_not_wait(run: Run) -> None:
    _start(run, DEAF)
    run.stop()
    run.kill()
    assert until(run.exit, "the end", 4) == RunExit(0, 9, "stop")


def test_a_stopped_process_hears_int(run: Run) -> None:
    _start(run, OBEDIENT + " # SIGSTOP")
    pid = _child(run)
    os.kill(pid, signal.SIGSTOP)
    until(lambda: stands_still(pid), "the stop")
    run.stop()
    assert until(run.exit, "the end") == RunExit(255, 0, "stop", stood_still=True)


def test_who_hears_only_the_second_int_need_not_be_killed(run: Run) -> None:
    # As an ffmpeg that waits for a silent source.
    _start(run, "trap 'trap \"exit 255\" INT' INT; echo ready; while :; do sleep 0.05; done")
    run.stop()
    assert until(run.exit, "the end") == RunExit(255, 0, "stop")


@pytest.mark.semantics("I5")
def test_without_a_lease_it_ends_by_itself(run: Run) -> None:
    _start(run, OBEDIENT, lease=0.5)
    assert until(run.exit, "the lease runs out") == RunExit(255, 0, "lease")


def test_a_keeper_that_goes_while_it_is_spoken_to_is_no_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.folder.mkdir()
    os.mkfifo(run.folder / "control")
    reader, open_file = os.open(run.folder / "control", os.O_RDONLY | os.O_NONBLOCK), os.open

    def opening(*args: Any) -> int:
        opened = open_file(*args)
        os.close(reader)
        return opened

    monkeypatch.setattr(os, "open", opening)
    run.stop()
    monkeypatch.undo()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reader)


@pytest.mark.semantics("I5")
def test_on_a_nearly_full_disk_it_ends_by_itself(run: Run) -> None:
    _start(run, OBEDIENT, reserve=1 << 62)
    assert until(run.exit, "the disk is full") == RunExit(255, 0, "disk full")


def test_a_killed_keeper_takes_its_child_along(run: Run) -> None:
    _start(run, OBEDIENT)
    os.kill(_parent(_child(run)), signal.SIGKILL)
    assert until(run.exit, "the child follows") == RunExit(0, 9, None)
    assert run.log_lines() == ["ready", "closed"], "by INT: the last segment is closed"


def test_a_log_that_grows_for_ever_takes_no_more_of_the_disk_and_its_readers_lose_no_place(run: Run) -> None:
    noise = "x" * 1023
    # `read` fails where the last writer has not closed yet: it was woken by nobody new.
    # 10 MiB: ffmpeg 5.1 takes minutes for them.
    fill = f"read -r n < go || continue; yes {noise} | head -n {10 << 10}; echo mark $n"
    _start(run, f"mkfifo go; echo first; echo ready; while :; do {fill}; done")
    reader, absent = LogTail(run.log_path), LogTail(run.log_path)
    assert reader.new_lines() == [b"first", b"ready"] == absent.new_lines()
    seen: list[bytes] = []
    for number in range(8):
        (run.folder / "go").write_text(f"{number}\n")
        mark = b"mark %d" % number
        until(lambda mark=mark: seen.extend(new := reader.new_lines()) or mark in new, mark.decode())
    assert len(seen) == 8 * (10 << 10) + 8
    seen = [line for line in seen if line != noise.encode() and not line.startswith(b"mark")]
    assert seen == [], "a reader that keeps up has seen each line whole, and once"
    until(lambda: run.log_path.stat().st_blocks * 512 < LOG_HEAD + 2 * LOG_TAIL + (1 << 20), "the middle is freed")
    assert run.log_path.stat().st_size > 80 << 20, "places in it stay what they are"
    assert absent.new_lines()[-1] == b"mark 7", "who comes late sees the newest"
    assert absent.new_lines() == []
    lines = run.log_lines()
    assert (lines[0], lines[-1]) == ("first", "mark 7") and len(lines) < 20 << 10
    head = run.log_head()
    assert head[0] == "first" and len(head) < (LOG_HEAD >> 10) + 3


def test_a_late_reader_sees_nothing_of_what_the_keeper_frees(run: Run) -> None:
    run.folder.mkdir(parents=True, exist_ok=True)
    reader = LogTail(run.log_path)
    with run.log_path.open("wb") as log:  # all of the log but what always stays is a hole
        log.truncate(LOG_TAIL + LOG_HEAD)
        log.seek(0, 2)
        log.write(b"\nline\n" * (LOG_TAIL // 6 + 1))
    assert set(reader.new_lines()) <= {b"", b"line", b"ne", b"e", b"ine"}


def test_no_child_is_started_for_a_keeper_that_is_dead_already() -> None:
    prepare = "import ctypes, os; from livedvr.ingest.keeper import end_with; end_with(ctypes.CDLL(None), {});"
    for keeper, printed in (("os.getppid()", "lives\n"), ("os.getpid()", "")):
        code = prepare.format(keeper) + "print('lives')"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == (printed, "")


def test_it_outlives_whoever_started_it_and_is_found_alive(run: Run) -> None:
    _start(run, OBEDIENT)
    again = Run(run.folder, "av")
    assert again.is_alive()
    again.renew()
    again.stop()
    assert until(again.exit, "the end") == RunExit(255, 0, "stop")
    again.remove()
    assert not run.folder.exists()


def test_a_terminal_does_not_reach_it(run: Run) -> None:
    _start(run, OBEDIENT)
    assert os.getsid(_child(run)) != os.getsid(0)


def test_a_folder_without_a_run_is_a_run_that_died(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert Run(tmp_path / "run", "av").exit() == RunExit(0, 9, None)


def _child(run: Run) -> int:
    """The pid of the process that works in the run's folder and is not its keeper."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").resolve() == run.folder.resolve():
                command = (entry / "cmdline").read_bytes()
                if command.startswith(b"/bin/sh"):
                    return int(entry.name)
        except OSError:
            continue
    raise AssertionError("no child")


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
