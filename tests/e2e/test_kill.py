"""Controllers killed at random instants and at chosen ones: what is published is what ffmpeg's journals say."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from builders import channel
from kill_verdict import BrokenPromise, read_catalog
from killing import OPTIONS, Witness, table, torture
from live import Recording, journal_files, lines, media_playlist, pids_at_work, until
from livedvr import LiveDvr
from livedvr.catalog import segment_rows
from livedvr.ingest.run import Run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(480)]  # half a minute and more of real time, on a quiet machine

SEED = 12


@pytest.mark.semantics("S16", "I5", "P1")
def test_ten_kills_at_random_instants(wheel_ffmpeg: str, tmp_path: Path) -> None:
    *_, tally = torture(tmp_path, SEED, 10, print)
    print(table(tally))
    assert tally["kills"] == tally["resumes"] == 10
    assert 0 < tally["listed"] == tally["rows"] - tally["before"]
    assert tally["ffmpeg"] + tally["keeper"] + tally["ffmpeg and keeper"] > 0
    assert tally["lines"] > tally["versions"] > 1


@pytest.mark.parametrize(
    ("later", "wrong"),
    [
        ("#EXTM3U\n#EXTINF:2.0,\n", "line 2 was published as '#EXTINF:1.0,' and is now '#EXTINF:2.0,'"),
        ("#EXTM3U\n", "line 2 was published as '#EXTINF:1.0,' and is now 'nothing'"),
        ("#EXTM3U\n#EXTINF:1.0,\n#EXT-X-", "ends within a line"),
        (None, "is gone"),
    ],
)
def test_the_witness_sees_what_may_not_happen(tmp_path: Path, later: str | None, wrong: str) -> None:
    playlist = media_playlist(tmp_path)
    playlist.parent.mkdir(parents=True)
    playlist.write_text("#EXTM3U\n#EXTINF:1.0,\n")
    witness = Witness(tmp_path, tmp_path)
    until(lambda: witness.versions, "the first look")
    if later is None:
        playlist.unlink()
    else:
        (tmp_path / "new").write_text(later)
        (tmp_path / "new").rename(playlist)
    with pytest.raises(BrokenPromise, match=wrong):
        witness.close()


class Died(Exception):
    """The controller is dead from here on."""


@pytest.mark.semantics("S16", "I5")
@pytest.mark.parametrize("where", [(Run, "remove"), (segment_rows, "end_run")], ids=["remove", "end_run"])
async def test_a_run_that_was_read_to_its_end_leaves_nothing_in_the_spool(
    wheel_ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: tuple[object, str]
) -> None:
    spool = tmp_path / "out/.livedvr/spool"

    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as deadly, pytest.raises(ExceptionGroup) as death:
        deadly.setattr(*where, die)
        async with LiveDvr(tmp_path / "data") as dvr:
            await dvr.channels.create(channel(str(tmp_path / "out")))
            await dvr.channels.start("live")
            await asyncio.to_thread(until, lambda: journal_files(tmp_path / "out"), "the run")
            await dvr.channels.stop("live")
    assert death.group_contains(Died)
    async with LiveDvr(tmp_path / "data"):
        pass
    assert list(spool.iterdir()) == []


@pytest.mark.semantics("S11", "S16")
def test_a_stop_that_a_killed_controller_began_waits_for_the_last_segment(wheel_ffmpeg: str, tmp_path: Path) -> None:
    first = Recording("testsrc", tmp_path, *OPTIONS)
    until(media_playlist(tmp_path).exists, "a segment is listed")
    journal = tmp_path / "kept.csv"
    os.link(journal_files(tmp_path)[0], journal)
    keeper = next(pid for pid, name in pids_at_work(tmp_path).items() if "ffmpeg" not in name)
    os.kill(keeper, signal.SIGSTOP)  # it does not hear that ffmpeg is to end, until it is let go on
    try:
        first.send(signal.SIGINT)
        until(lambda: read_catalog(tmp_path, "SELECT 1 FROM sessions WHERE state = 'STOPPING'"), "it is being stopped")
        first.send(signal.SIGKILL)
        first.process.communicate()
        listed = len(lines(media_playlist(tmp_path)))
        second = Recording("testsrc", tmp_path, *OPTIONS)
        until(lambda: len(lines(media_playlist(tmp_path))) > listed or _is_sealed(tmp_path), "the second one works")
        rows = journal.read_text().count("\n")
        until(lambda: journal.read_text().count("\n") > rows, "ffmpeg goes on")
    finally:
        os.kill(keeper, signal.SIGCONT)
    code, result, err = second.finish()
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert len(lines(media_playlist(tmp_path))) == journal.read_text().count("\n")


def _is_sealed(output: Path) -> bool:
    return "#EXT-X-ENDLIST" in media_playlist(output).read_text()
