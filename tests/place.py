"""A data dir whose controller has died, for tests that need no ffmpeg."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from builders import RUN, chain, channel, commit
from livedvr.catalog import channel_rows, segment_rows, session_rows
from livedvr.catalog.catalog import Catalog
from livedvr.catalog.session_rows import SessionRow
from livedvr.cli import main
from livedvr.resources.times import SECOND, format_time
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.segment import Window
from livedvr.wallclock import SystemClock


@dataclass
class Place:
    """A data dir as a dead controller has left it: a channel that is wanted, six segments, no ffmpeg."""

    output: Path
    began: int

    @property
    def catalog(self) -> Path:
        return self.output / ".livedvr/catalog.sqlite3"

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["session", *arguments, "--output", str(self.output)])

    def json(self, *arguments: str) -> Any:
        ran = self.run(*arguments, "--json")
        assert ran.exit_code == 0, ran.stderr
        return json.loads(ran.stdout)

    def at(self, seconds: float) -> str:
        return format_time(self.began + round(seconds * SECOND))

    async def write(self, *work: Callable[[Any], Any]) -> None:
        catalog = Catalog(self.catalog)
        for one in work:
            await catalog.write(one)
        catalog.close()

    async def add(self, session_id: str, start: float, end: float | None, state: str = "LIVE") -> None:
        window = Window(self.began + round(start * SECOND), None if end is None else self.began + round(end * SECOND))
        row = SessionRow(
            channel="live",
            id=session_id,
            manifest_key="main",
            windows=(window,),
            edition_windows=(window,),
            labels={"kind": "news"},
            state=state,
            error=None,
            edition=0,
            target=2 if state == "LIVE" else None,
            summary=None,
            created=self.began,
            updated=self.began,
        )
        await self.write(lambda db: session_rows.add_session(db, row))

    def runs(self) -> list[str]:
        catalog = Catalog(self.catalog)
        runs = catalog.read(lambda db: segment_rows.list_runs(db, "live"))
        row = catalog.read(lambda db: channel_rows.get_channel(db, "live"))
        catalog.close()
        assert row is not None and row.started, "the channel is wanted as before"
        return [run.id for run in runs]

    def files(self) -> set[str]:
        names = {str(path.relative_to(self.output)) for path in self.output.rglob("*")}
        return {name for name in names if not name.endswith(("-wal", "-shm"))}  # SQLite's own


async def left_by_a_dead_controller(output: Path) -> Place:
    made = Place(output, SystemClock().now() // SECOND * SECOND - 60 * SECOND)
    (made.output / ".livedvr").mkdir(parents=True, mode=0o700)
    segments = chain([2 * SECOND] * 6, start=made.began)
    clock = RunClock((Sample(0, made.began),)).anchored()
    await made.write(
        lambda db: channel_rows.put_channel(db, channel(str(made.output))),
        lambda db: channel_rows.set_started(db, "live", True),
        lambda db: channel_rows.set_target(db, "live", 2),
        lambda db: segment_rows.add_run(db, RUN, "live", made.began),
        lambda db: commit(db, segments, clock),
        lambda db: segment_rows.end_run(db, RUN, made.began, "source lost"),
    )
    return made
