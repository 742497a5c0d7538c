"""Following with scripted reloads: waiting moves a clock, and writes what is there by then."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from hls.broken_playlists import A, B, C
from hls.reloads import END, D, E, event, live
from livedvr.check import segments
from livedvr.check.follow import Interruption, Progress, follow
from livedvr.check.report import Report
from livedvr.media.reader import MediaSpan
from livedvr.resources.errors import SourceError
from livedvr.resources.times import SECOND

MAIN = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=8000,CODECS="mp4a.40.2"\n{}\n'
VERSION = "#EXT-X-VERSION:3"


class Script:
    """A presentation in a folder, and a clock: at each time of the script (seconds) a file gets a text."""

    def __init__(self, folder: Path, *steps: tuple[float, str, str | None]) -> None:
        self.now = 0
        self.loads: list[float] = []
        self.progress: list[Progress] = []
        self.stop_at = 10**12
        self._folder = folder
        self._steps = sorted(steps, key=lambda step: step[0])
        self.wait(0)

    def wait(self, micros: int) -> bool:
        self.now += micros
        while self._steps and self._steps[0][0] * SECOND <= self.now:
            _, name, text = self._steps.pop(0)
            if text is None:
                (self._folder / name).unlink()
            else:
                (self._folder / name).write_text(text)
        return self.now >= self.stop_at

    def _progressed(self, progress: Progress) -> None:
        self.loads.append(self.now / SECOND)
        self.progress.append(progress)

    def follow(self, seconds: float = 60, *, name: str = "v.m3u8", deep: bool = False) -> Report:
        return follow(
            str(self._folder / name),
            duration=round(seconds * SECOND),
            deep=deep,
            now=lambda: self.now,
            wait=self.wait,
            on_progress=self._progressed,
        )


Play = Callable[..., Script]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return lambda *steps: Script(tmp_path, *steps)


def growing(*parts: tuple[str, ...], target: int = 2) -> str:
    return event(VERSION, "#EXT-X-MEDIA-SEQUENCE:0", *(line for part in parts for line in part), target=target)


def rules(report: Report) -> list[str]:
    return [finding.rule_id for finding in report.findings]


def test_a_growing_playlist_is_followed_to_its_end(play: Play) -> None:
    script = play(
        (0, "v.m3u8", growing(A)),
        (1.5, "v.m3u8", growing(A, B)),
        (3.5, "v.m3u8", growing(A, B, C)),
        (5.5, "v.m3u8", growing(A, B, C, (END,))),
    )
    report = script.follow()
    assert report.findings == ()
    assert script.loads == [0, 2, 4, 6]
    assert report.verdict == "OK: 1 media playlist, 3 segments, 6.000 s, 3 reloads, 0 violations, 0 warnings"
    assert script.progress[-1] == Progress(3, 3, 0)


def test_it_waits_a_target_duration_after_a_change_and_half_of_it_after_none(play: Play) -> None:
    script = play((0, "v.m3u8", growing(A, target=6)), (8, "v.m3u8", growing(A, B, target=6)))
    script.follow(18)
    assert script.loads == [0, 6, 9, 15, 18]


def test_it_ends_when_the_time_is_up(play: Play) -> None:
    script = play((0, "v.m3u8", growing(A, target=6)))
    assert script.follow(5).reloads == 0
    assert script.loads == [0]


def test_it_ends_when_it_is_told_to_with_the_report_so_far(play: Play) -> None:
    script = play((0, "v.m3u8", growing(A)), (2, "v.m3u8", growing(B)))
    script.stop_at = 4 * SECOND
    report = script.follow()
    assert script.loads == [0, 2]
    assert rules(report) == ["event-rewritten"]


def test_a_target_duration_of_nothing_does_not_flood_the_server(play: Play) -> None:
    script = play((0, "v.m3u8", growing(A, target=0)))
    script.follow(2)
    assert script.loads == [0, 0.5, 1, 1.5, 2]


def test_a_stall_is_found_once(play: Play) -> None:
    script = play((0, "v.m3u8", growing(A)), (9, "v.m3u8", growing(A, B)), (10, "v.m3u8", growing(A, B, (END,))))
    report = script.follow()
    assert rules(report) == ["playlist-stalled"]
    assert report.findings[0].message == "no new segment for 4.0 s, 1.5 target durations are 3 s"


def test_two_stalls_are_found_twice(play: Play) -> None:
    script = play((0, "v.m3u8", growing(A)), (9, "v.m3u8", growing(A, B)), (20, "v.m3u8", growing(A, B, (END,))))
    assert rules(script.follow()) == ["playlist-stalled"] * 2


def test_what_stays_wrong_is_told_once(play: Play) -> None:
    bad = ("#EXTINF:2.0", "bad.ts")
    lists = [(A, bad, B, C), (bad, B, C, D), (B, C, D, E)]
    steps = [(2 * i, "v.m3u8", live(i, VERSION, *sum(lists[i], ()))) for i in range(3)]
    report = play(*steps).follow(5)
    assert rules(report) == ["extinf-comma"]
    assert (report.playlists[0].segments, report.playlists[0].duration) == (6, 12)


def test_a_new_edition_is_a_new_playlist(play: Play) -> None:
    script = play(
        (0, "main.m3u8", MAIN.format("1.m3u8")),
        (0, "1.m3u8", growing(A, B)),
        (1, "2.m3u8", growing(B, (END,))),
        (1, "main.m3u8", MAIN.format("2.m3u8")),
    )
    report = script.follow(name="main.m3u8")
    assert report.findings == ()
    assert script.loads == [0, 2]
    assert [(one.name, one.segments) for one in report.playlists] == [("1.m3u8", 2), ("2.m3u8", 1)]


def test_it_goes_on_until_every_playlist_has_ended(play: Play) -> None:
    media = '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",CHANNELS="2",URI="a.m3u8"'
    main = f'#EXTM3U\n{media}\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a",CODECS="mp4a.40.2"\nv.m3u8\n'
    script = play(
        (0, "main.m3u8", main),
        (0, "v.m3u8", growing(A, (END,))),
        (0, "a.m3u8", growing(A)),
        (2, "v.m3u8", growing(A, B, (END,))),
        (2, "a.m3u8", growing(A, (END,))),
    )
    report = script.follow(name="main.m3u8")
    assert sorted(rules(report)) == ["changed-after-end", "endlist-in-some"]
    assert script.loads == [0, 2]


def test_a_playlist_that_cannot_be_loaded_again_is_found_once(play: Play) -> None:
    script = play(
        (0, "v.m3u8", growing(A)),
        (1, "v.m3u8", None),
        (4.5, "v.m3u8", growing(A, B, (END,))),
    )
    report = script.follow()
    assert rules(report) == ["playlist-unreachable"]
    assert script.loads == [0, 2, 3, 4, 5]
    assert report.playlists[0].segments == 2


def test_a_playlist_that_cannot_be_loaded_at_all_is_an_error(play: Play) -> None:
    with pytest.raises(SourceError, match="No such file"):
        play().follow()


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The segments that were opened, in order; each has what its name says in it, and no stream."""

    def read(data: bytes, init: bytes, *, name: str) -> MediaSpan:
        names.append(name)
        raise segments.MediaError(f"{name}: not opened here")

    names: list[str] = []
    for name in "abcde":
        (tmp_path / f"{name}.ts").write_bytes(b"x")
    monkeypatch.setattr(segments, "read_media_bytes", read)
    return names


def test_each_segment_is_opened_once_when_it_appears(play: Play, opened: list[str]) -> None:
    lists = [(A, B, C), (B, C, D), (B, C, D), (D, E)]
    starts = (0, 1, 1, 3)
    steps = [(2 * i, "v.m3u8", live(starts[i], VERSION, *sum(lists[i], ()))) for i in range(4)]
    script = play(*steps)
    report = script.follow(7, deep=True)
    assert opened == ["a.ts", "b.ts", "c.ts", "d.ts", "e.ts"]
    assert rules(report).count("segment-unreadable") == 5
    assert report.playlists[0].peak is not None


def test_opening_leaves_off_when_told_to(play: Play, opened: list[str]) -> None:
    script = play((0, "v.m3u8", growing(A, B, C)))
    script.stop_at = 0
    assert script.follow(deep=True).deep
    assert opened == []


def test_sigint_ends_the_waiting_and_a_second_one_the_process() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        assert not interruption.wait(0)
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.wait(60 * SECOND)
        assert interruption.wait(0)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
