"""A recording with `livedvr check --deep --follow` beside it, and when its source was away."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from live import PATIENCE, Encoder, Line, Recording, clock_errors, lines, listed_text, media_playlist, until
from livedvr.check.follow import Progress, follow, monotonic
from livedvr.check.report import Report
from livedvr.hls.rules import Level
from livedvr.resources.times import SECOND

LIMIT = 0.25  # s, C1
SHORT = ("--session", "demo", "--segment-duration", "1s", "--target-duration", "2")

NOTICED = 2.0  # s: a load that began while the source was away has opened its segments by then


@dataclass
class Outage:
    """When the source was away, UTC seconds. ``returned``: when it came back, ``listed``: when it was listed again."""

    lost: float
    returned: float = 0.0
    listed: float = 0.0


class Followed:
    """`livedvr record` and, as soon as it lists something, the check in a thread: it tells when it found what.

    ``with`` it: a test that fails leaves neither behind.
    """

    def __init__(self, source: str, output: Path, *options: str) -> None:
        self.output = output
        self.recording = Recording(source, output, *options)
        self.outages: list[Outage] = []
        self._found: list[float] = []  # when a load brought a finding, UTC seconds
        self._report: Report | None = None
        self._is_sealed = threading.Event()  # one more load, at once
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> Followed:
        return self

    def __exit__(self, *failure: object) -> None:
        self._ending.set()
        self._is_sealed.set()
        self.recording.__exit__(*failure)
        if self._thread.ident is not None:
            self._thread.join()

    def follow(self, at_least: int) -> None:
        """Return when that many segments are listed; the check follows from now on."""
        listed_text(self.output, at_least)
        until((self.output / "dvr/demo/main.m3u8").exists, "the manifest, which comes after its playlist")
        self._thread.start()

    def _follow(self) -> None:
        self._report = follow(
            str(self.output / "dvr/demo/main.m3u8"),
            duration=600 * SECOND,
            deep=True,
            now=monotonic,
            wait=self._wait,
            on_progress=self._note,
        )

    def _wait(self, micros: int) -> bool:
        self._is_sealed.wait(micros / SECOND)
        return self._ending.is_set()

    def _note(self, progress: Progress) -> None:
        self._found += [time.time()] * (progress.findings - len(self._found))

    def lost(self) -> None:
        """The source goes away now."""
        self.outages.append(Outage(time.time()))

    def returned(self, at: float) -> None:
        """The source has come back at this time; returns when two segments are listed behind another break."""
        outage = self.outages[-1]
        outage.returned = at
        until(lambda: self.since_break() >= 1, "it is listed again")
        outage.listed = time.time()
        until(lambda: self.since_break() >= 2, "it goes on")

    @contextlib.contextmanager
    def returning(self, url: str, **encoder: Any) -> Iterator[None]:
        """Push, trying again as encoders do, until two segments are listed behind another break, and meanwhile."""
        for _ in range(30):
            began = time.time()
            with Encoder(url, **encoder) as pushing:
                until(lambda p=pushing: p.process.poll() is not None or self.since_break(), "it is heard")
                if pushing.process.poll() is None:
                    self.returned(began)
                    yield
                    return
        raise AssertionError("nobody listens")

    def since_break(self) -> int:
        """How many segments are listed behind the break that ends the present outage."""
        parts = media_playlist(self.output).read_text().split("#EXT-X-DISCONTINUITY\n")
        return parts[-1].count("#EXTINF") if len(parts) > len(self.outages) else 0

    def finish(self) -> tuple[list[Line], list[dict[str, Any]]]:
        """What it lists and its gaps; the check was clean, but that a source that is away brings nothing new."""
        self.recording.send(signal.SIGINT)
        code, result, err = self.recording.finish()
        assert (code, result["state"]) == (0, "FINISHED"), err
        self._is_sealed.set()
        self._thread.join(PATIENCE)
        report = self._report
        assert report is not None and report.ok and report.reloads, report
        # (A note may come of the few pictures that a sender sent before it was killed.)
        serious = {found.rule_id for found in report.findings if found.level is not Level.NOTE}
        assert serious <= {"playlist-stalled"}, report.to_text()
        for at in self._found:
            assert any(one.lost < at < one.listed + NOTICED for one in self.outages), (at, self.outages, report)
        return lines(media_playlist(self.output)), result["gaps"]


def verify_outages(
    followed: Followed,
    *,
    bias: float = 0,
    limit: float = LIMIT,
    reason: str = "source lost",
    loses: float = 1.0,
    still: float = LIMIT,
    comes: float = 5.0,
) -> list[Line]:
    """One gap an outage, from when the source went to when it was back; there a discontinuity, and nowhere else.

    Args:
        followed: a recording that is to be finished.
        bias: by how much later than made the source's media arrives, seconds.
        limit: by so much the first date after it may be before the source was back, seconds.
        reason: what the ledger says.
        loses: of the last media so much may not have come before the source went, seconds.
        still: so much may still come after that, seconds.
        comes: so long after it was started the source's first picture is shown at the latest, seconds.
    """
    listed, gaps = followed.finish()
    breaks = [index for index, line in enumerate(listed) if line.discontinuity]
    assert len(breaks) == len(followed.outages), listed
    assert [gap["reason"] for gap in gaps] == [reason] * len(breaks), gaps
    for outage, gap, at in zip(followed.outages, gaps, breaks, strict=True):
        start, end = (datetime.fromisoformat(gap[edge]).timestamp() for edge in ("startTime", "endTime"))
        assert outage.lost - loses < start - bias < outage.lost + still, (outage, gap)
        assert outage.returned - limit < end - bias < outage.returned + comes, (outage, gap)
        assert abs(listed[at].date - end) < 0.002, (listed[at], gap)
        after = listed[at + 1 :]  # joined within a GOP, a run's first picture is shown early in fMP4
        assert after, "nothing after the break"
    errors = clock_errors(listed, joined=True)
    assert max(map(abs, errors)) < LIMIT, errors
    return listed
